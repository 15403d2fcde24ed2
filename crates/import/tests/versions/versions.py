"""Writes a program with the PyTorch that runs this, and its losses in f64, into versions.zip.

for version in 2.5.1 2.6.0 2.7.1 2.8.0 2.9.0; do pip install torch==$version && python versions.py; done
python ../scrub.py versions.zip
"""

import json
import logging
import os
import warnings
import zipfile

import torch
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
VERSION = ".".join(torch.__version__.split("+")[0].split(".")[:2])


class Net(nn.Module):
    """Tied weights, running statistics, a view as a parameter, buffers of all kinds and constants."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)
        self.again = nn.Linear(4, 3)
        self.again.weight = self.head.weight
        self.turned = nn.Parameter(torch.randn(3, 4).t())
        self.gain = nn.Parameter(torch.randn(4).half())
        self.exact = nn.Parameter(torch.randn(3).double().float().double())
        self.register_buffer("order", torch.tensor([2, 0, 1]))
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 0.5]))
        self.register_buffer("gone", torch.tensor([0.25, 0.5, 1.0]), persistent=False)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x))).mean((2, 3)) * self.gain.float()
        y = self.head(x) + self.again(x) * self.scale + x @ self.turned + self.exact.float()
        return y[:, self.order] * self.gone + torch.tensor([0.0, 0.5, 0.0])


def main():
    torch.manual_seed(0)
    net = Net()
    for _ in range(3):
        net(torch.randn(8, 2, 5, 5))
    net.eval()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_((p * 16).round() / 16)
    x = torch.randint(-8, 8, (6, 2, 5, 5)) / 4.0
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    batch = torch.export.Dim("batch", max=1024)
    program = torch.export.export(net, (x[:2],), dynamic_shapes=({0: batch},))
    name = f"{VERSION}.pt2"
    torch.export.save(program, name)
    loss = nn.functional.cross_entropy(net.double()(x.double()), y)
    # A gradient in f64 needs every tensor in it.
    gradient = torch.autograd.grad(loss, [net.conv.weight, net.head.weight, net.turned])
    archive = os.path.join(os.path.dirname(os.path.abspath(__file__)), "versions.zip")
    kept = {}
    if os.path.exists(archive):
        with zipfile.ZipFile(archive) as old:
            kept = {n: old.read(n) for n in old.namelist()}
    truth = json.loads(kept.pop("truth.json", "{}"))
    truth["x"], truth["y"] = x.flatten().tolist(), y.tolist()
    truth[VERSION] = {"loss": loss.item(), "gradient": [g.square().sum().item() for g in gradient]}
    with open(name, "rb") as file:
        kept[name] = file.read()
    os.remove(name)
    kept["truth.json"] = json.dumps(truth).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for part, data in sorted(kept.items()):
            new.writestr(part, data)


main()
