"""Writes mlp.txt: losses of small networks on a plane and in a volume, by PyTorch in f64.

    python mlp.py

A 5-6-4-3 perceptron with ReLU, tanh and GELU (the exact one, with erf), under cross-entropy, binary
cross-entropy with logits and mean squared error. Parameters, directions and data are multiples of
2^-10, so that their decimals are exact in f32 and in f64. Written with torch 2.9.0.

Each line of the file is a tensor: its name, its shape as AxBxC, its values in row-major order.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch.func import functional_call

SIZES = (5, 6, 4, 3)
SAMPLES = 17
GRIDS = {
    "plane": ([-0.7, 1.1, 3], [-0.3, 0.9, 4]),
    "volume": ([-0.5, 0.8, 2], [-1.0, 0.6, 3], [-0.2, 0.4, 2]),
}
ACTIVATIONS = {"relu": F.relu, "tanh": torch.tanh, "gelu": F.gelu}


class Mlp(torch.nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        self.fc1, self.fc2, self.fc3 = (torch.nn.Linear(i, o) for i, o in zip(SIZES, SIZES[1:]))

    def forward(self, x):
        act = self.activation
        return self.fc3(act(self.fc2(act(self.fc1(x)))))


def inputs():
    """Named tensors that are exact in f32: parameters, directions, data."""
    generator = torch.Generator().manual_seed(2018)

    def normal(*shape, scale=1.0):
        values = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
        return (values * 1024).round() / 1024

    layout = {name: tuple(p.shape) for name, p in Mlp(F.relu).named_parameters()}
    scales = {"theta": 0.8, "d1": 0.7, "d2": 0.5, "d3": 0.6}
    tensors = {
        f"{group}.{name}": normal(*shape, scale=scale)
        for group, scale in scales.items()
        for name, shape in layout.items()
    }
    tensors["x"] = normal(SAMPLES, SIZES[0])
    tensors["labels"] = torch.randint(SIZES[-1], (SAMPLES,), generator=generator)
    tensors["probabilities"] = (torch.sigmoid(normal(SAMPLES, SIZES[-1])) * 1024).round() / 1024
    tensors["values"] = normal(SAMPLES, SIZES[-1])
    return tensors


def group(tensors, name):
    return {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}


def losses(tensors, outputs):
    """The loss of each sample; several outputs of a sample are averaged."""
    y, p, v = tensors["labels"], tensors["probabilities"], tensors["values"]
    bce = F.binary_cross_entropy_with_logits(outputs, p, reduction="none")
    return {
        "cross-entropy": F.cross_entropy(outputs, y, reduction="none"),
        "bce-with-logits": bce.mean(1),
        "mse": F.mse_loss(outputs, v, reduction="none").mean(1),
    }


def expected(tensors, activation, axes):
    """Lists over the points of the grid, first axis slowest: NAME.loss, NAME.loss_se, accuracy."""
    model = Mlp(activation).double()
    theta = group(tensors, "theta")
    directions = [group(tensors, f"d{k + 1}") for k in range(len(axes))]
    coordinates = [torch.linspace(*axis, dtype=torch.float64) for axis in axes]
    found = {}
    for point in torch.cartesian_prod(*coordinates):
        moved = {
            name: value + sum(c * d[name] for c, d in zip(point, directions))
            for name, value in theta.items()
        }
        outputs = functional_call(model, moved, (tensors["x"],))
        for name, each in losses(tensors, outputs).items():
            error = each.std(correction=1) / SAMPLES**0.5
            found.setdefault(f"{name}.loss", []).append(each.mean())
            found.setdefault(f"{name}.loss_se", []).append(error)
        hits = (outputs.argmax(1) == tensors["labels"]).double()
        found.setdefault("cross-entropy.accuracy", []).append(hits.mean())
    shape = [int(count) for *_, count in axes]
    return {name: torch.stack(values).reshape(shape) for name, values in found.items()}


def line(name, tensor):
    shape = "x".join(map(str, tensor.shape))
    return " ".join([name, shape, *(repr(value) for value in tensor.flatten().tolist())])


@torch.no_grad()
def main():
    tensors = inputs()
    lines = ["# Losses by PyTorch in f64; written by mlp.py, which explains them."]
    lines += [line(name, tensor) for name, tensor in tensors.items()]
    for grid, axes in GRIDS.items():
        lines.append(line(f"{grid}.axes", torch.tensor(axes, dtype=torch.float64)))
        for activation, function in ACTIVATIONS.items():
            for name, tensor in expected(tensors, function, axes).items():
                lines.append(line(f"{grid}.{activation}.{name}", tensor))
    Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
