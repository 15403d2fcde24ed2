"""Networks, data and planes in PyTorch.

`python problem.py DIR [NAME...]` writes the inputs that all programs read: DIR/NAME.data.safetensors
(tensors x and y) and DIR/NAME.weights.safetensors (the `state_dict`) for each workload.
"""

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from workloads import WORKLOADS, Workload

CRATES = Path(__file__).parents[2] / "crates"
ASSETS = CRATES / "models" / "assets"
sys.path.append(str(CRATES / "models" / "tests" / "reference"))

from families import MODELS  # noqa: E402


class Mlp(torch.nn.Module):
    """Layers fc1..fcN with ReLU between them and none after the last."""

    def __init__(self, sizes):
        super().__init__()
        self.depth = len(sizes) - 1
        for i in range(self.depth):
            setattr(self, f"fc{i + 1}", torch.nn.Linear(sizes[i], sizes[i + 1]))

    def forward(self, x):
        for i in range(1, self.depth):
            x = F.relu(getattr(self, f"fc{i}")(x))
        return getattr(self, f"fc{self.depth}")(x)


def network(spec):
    """The network that `landscape` knows under this name, with PyTorch's initial values."""
    family, _, sizes = spec.partition(":")
    if family == "mlp":
        return Mlp([int(size) for size in sizes.split("-")])
    build, *_ = MODELS[spec]
    return build()


def mean_loss(kind, outputs, y):
    if kind == "cross-entropy":
        return F.cross_entropy(outputs, y)
    return F.binary_cross_entropy_with_logits(outputs.squeeze(1), y)


@dataclass
class Problem:
    """Everything in memory before the clock starts."""

    workload: Workload
    model: torch.nn.Module
    x: torch.Tensor
    y: torch.Tensor
    theta: dict[str, torch.Tensor]  # parameters, in the order of `model.parameters()`
    directions: list[dict[str, torch.Tensor]]
    axis: torch.Tensor  # coordinates of both directions, -1 to 1


def load_problem(args):
    torch.set_num_threads(args.threads)
    workload = WORKLOADS[args.workload]
    model = network(workload.model).eval()
    state = load_file(args.weights)
    model.load_state_dict(state)
    theta = {name: state[name] for name, _ in model.named_parameters()}
    moved = load_file(args.directions)
    directions = [{name: moved[f"d{k}.{name}"] for name in theta} for k in (1, 2)]
    data = load_file(args.data)
    x, y = data["x"], data["y"]
    y = y if workload.loss == "cross-entropy" else y.to(torch.float32)
    axis = torch.linspace(-1.0, 1.0, args.grid, dtype=torch.float64)
    return Problem(workload, model, x, y, theta, directions, axis)


def moons(n, noise=0.15, seed=42):
    """scikit-learn's make_moons: two half circles with Gaussian noise."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, np.pi, n // 2)
    outer = np.stack([np.cos(t), np.sin(t)], 1)
    inner = np.stack([1.0 - np.cos(t), 0.5 - np.sin(t)], 1)
    x = np.concatenate([outer, inner]) + noise * rng.standard_normal((n, 2))
    y = np.repeat([0, 1], n // 2)
    return x.astype(np.float32), y.astype(np.int64)


def mnist(n):
    """The 1,000 images that travel with landscape-models, repeated as often as needed."""

    def read(name, header):
        raw = gzip.decompress((ASSETS / name).read_bytes())
        return np.frombuffer(raw, dtype=np.uint8, offset=header)

    x = read("mnist-1k-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255
    y = read("mnist-1k-labels-idx1-ubyte.gz", 8).astype(np.int64)
    times = -(-n // len(y))
    return np.tile(x, (times, 1))[:n], np.tile(y, times)[:n]


def noise(n, seed=42):
    """Random images of CIFAR-10's shape: what they show does not matter for the time."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3, 32, 32), dtype=np.float32)
    return x, rng.integers(0, 10, n)


def samples(workload):
    if workload.convolutional:
        return noise(workload.samples)
    return (moons if workload.model == "mlp:2-8-4-1" else mnist)(workload.samples)


def initial(workload, x):
    """Initial weights; running statistics, where there are any, are those of `x`."""
    torch.manual_seed(0)
    model = network(workload.model).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the plain mean over the batches: there is one
    with torch.no_grad():
        model(x)
    return model.state_dict()


def write_inputs(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or WORKLOADS:
        workload = WORKLOADS[name]
        x, y = (torch.from_numpy(values.copy()) for values in samples(workload))
        save_file({"x": x, "y": y}, folder / f"{name}.data.safetensors")
        save_file(initial(workload, x), folder / f"{name}.weights.safetensors")


if __name__ == "__main__":
    write_inputs(Path(sys.argv[1]), sys.argv[2:])
