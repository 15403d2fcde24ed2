"""Networks, data and planes in PyTorch.

`python problem.py DIR` writes the inputs that all programs read: DIR/NAME.data.safetensors
(tensors x and y) and DIR/NAME.weights.safetensors (fc1.weight, fc1.bias, ...) for each workload.
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

ASSETS = Path(__file__).parents[2] / "crates" / "models" / "assets"


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


def mean_loss(kind, outputs, y):
    if kind == "cross-entropy":
        return F.cross_entropy(outputs, y)
    return F.binary_cross_entropy_with_logits(outputs.squeeze(1), y)


@dataclass
class Problem:
    """Everything in memory before the clock starts."""

    workload: Workload
    model: Mlp
    x: torch.Tensor
    y: torch.Tensor
    theta: dict[str, torch.Tensor]
    directions: list[dict[str, torch.Tensor]]
    axis: torch.Tensor  # coordinates of both directions, -1 to 1


def load_problem(args):
    torch.set_num_threads(args.threads)
    workload = WORKLOADS[args.workload]
    theta = load_file(args.weights)
    moved = load_file(args.directions)
    directions = [{name: moved[f"d{k}.{name}"] for name in theta} for k in (1, 2)]
    data = load_file(args.data)
    x, y = data["x"], data["y"]
    y = y if workload.loss == "cross-entropy" else y.to(torch.float32)
    model = Mlp(workload.sizes).eval()
    model.load_state_dict(theta)
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


def write_inputs(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, workload in WORKLOADS.items():
        x, y = (moons if name == "two-moons" else mnist)(workload.samples)
        tensors = {"x": torch.from_numpy(x.copy()), "y": torch.from_numpy(y.copy())}
        save_file(tensors, folder / f"{name}.data.safetensors")
        torch.manual_seed(0)
        save_file(Mlp(workload.sizes).state_dict(), folder / f"{name}.weights.safetensors")


if __name__ == "__main__":
    write_inputs(Path(sys.argv[1]))
