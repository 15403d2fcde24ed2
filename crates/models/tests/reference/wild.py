"""Perceptrons under names of others, pruned and parametrised, beside the weights that they stand for.

    python wild.py

writes tests/data/wild/*.pt and *.safetensors, and the weights that each has in effect as NAME-expected.safetensors.
PyTorch 2.9, safetensors.
"""

import json
import pathlib
import pickle
import struct
import warnings

import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

warnings.filterwarnings("ignore")
OUT = pathlib.Path(__file__).parents[1] / "data" / "wild"
WIDTHS = [3, 5, 5, 2]


def safetensors(tensors, path):
    header, data = {}, b""
    # Python's library sorts names.
    for name in sorted(tensors):
        values = tensors[name].detach().contiguous().float()
        raw = values.numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def linears(widths=WIDTHS):
    torch.manual_seed(len(widths))
    return [nn.Linear(a, b) for a, b in zip(widths, widths[1:])]


def expected(name, layers):
    tensors = {}
    for place, layer in enumerate(layers, start=1):
        tensors[f"fc{place}.weight"], tensors[f"fc{place}.bias"] = layer.weight, layer.bias
    safetensors(tensors, OUT / f"{name}-expected.safetensors")


def save(name, module, layers):
    with torch.no_grad():
        # Spectral norms find their singular vectors in training.
        for _ in range(10):
            module(torch.randn(4, WIDTHS[0]))
        module.eval()
        module(torch.zeros(1, WIDTHS[0]))
    torch.save(module.state_dict(), OUT / f"{name}.pt")
    expected(name, layers)


def sequence(layers):
    steps = []
    for layer in layers[:-1]:
        steps += [layer, nn.ReLU()]
    return nn.Sequential(*steps, layers[-1])


class Words(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.input, self.hidden, self.output = layers

    def forward(self, x):
        return self.output(self.hidden(self.input(x)))


class Named(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = layers

    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(x)))


class Inside(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.net = nn.ModuleDict({"mlp": sequence(layers)})

    def forward(self, x):
        return self.net["mlp"](x)


def main():
    OUT.mkdir(exist_ok=True)
    layers = linears()
    save("sequential", sequence(layers), layers)
    save("flatten", nn.Sequential(nn.Flatten(), *sequence(layers)), layers)
    save("words", Words(layers), layers)
    save("inside", Inside(layers), layers)
    # Twelve layers: `10` stands before `2` in a sorted file.
    deep = linears([3] + [4] * 11 + [2])
    safetensors(sequence(deep).state_dict(), OUT / "deep.safetensors")
    expected("deep", deep)
    # Layers of one shape whose names tell no order.
    safetensors({f"model.{k}": v for k, v in Words(layers).state_dict().items()}, OUT / "words.safetensors")
    four = linears([3, 5, 5, 5, 2])
    named = dict(zip(["first", "left", "right", "last"], four))
    safetensors(nn.ModuleDict(named).state_dict(), OUT / "unordered.safetensors")

    def changed(name, change):
        layers = linears()
        for place, layer in enumerate(layers):
            change(layer, place)
        save(name, Named(layers), layers)

    changed("pruned", lambda layer, place: prune.l1_unstructured(layer, "weight", 0.5) if place < 2 else None)

    def old(layer, place):
        # A norm a row, one a column, one of all.
        nn.utils.weight_norm(layer, dim=[0, 1, None][place])
        with torch.no_grad():
            layer.weight_g.mul_(1.5)

    changed("weight-norm-old", old)

    def new(layer, place):
        parametrizations.weight_norm(layer, dim=place % 2)
        with torch.no_grad():
            layer.parametrizations.weight.original0.mul_(0.75)

    changed("weight-norm-new", new)
    changed("spectral-old", lambda layer, place: nn.utils.spectral_norm(layer, dim=place % 2))
    changed("spectral-new", lambda layer, place: parametrizations.spectral_norm(layer, dim=place % 2))
    changed("orthogonal", lambda layer, place: parametrizations.orthogonal(layer) if place == 1 else None)
    others()


def others():
    """One small network: tied, and in forms that are not read."""
    torch.manual_seed(5)
    net = nn.ModuleDict({"fc1": nn.Linear(2, 3), "fc2": nn.Linear(3, 1)})
    net["again"] = nn.Linear(2, 3, bias=False)
    net["again"].weight = net["fc1"].weight
    torch.save(net.state_dict(), OUT / "tied.pt")
    del net["again"]
    state = net.state_dict()
    forms = {
        "float8": lambda v: v.to(torch.float8_e4m3fn),
        "complex": lambda v: v.to(torch.complex64),
        "quantised": lambda v: torch.quantize_per_tensor(v, 0.01, 0, torch.qint8),
        "sparse": lambda v: v.to_sparse(),
        "meta": lambda v: v.to("meta"),
    }
    for name, form in forms.items():
        torch.save({k: form(v) for k, v in state.items()}, OUT / f"{name}.pt")
    with open(OUT / "dumped.pt", "wb") as file:
        pickle.dump(state, file)
    dynamic = torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)
    torch.save(dynamic.state_dict(), OUT / "packed.pt")
    optimizer = torch.optim.Adam(net.parameters())
    sum(p.sum() for p in net.parameters()).backward()
    optimizer.step()
    torch.save(optimizer.state_dict(), OUT / "optimizer.pt")


if __name__ == "__main__":
    main()
