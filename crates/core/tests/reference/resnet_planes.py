"""Losses of CIFAR-10 ResNets on planes of two random filter-normalised directions, with PyTorch.

usage: resnet_planes.py WEIGHTS.safetensors DEPTH short|noshort IMAGES CIFAR_DIR COUNT OUT.txt

WEIGHTS has the names of tomgoldstein/loss-landscape; the loss is the mean cross-entropy of the first
IMAGES test images with frozen BatchNorm, over [-1, 1]^2, written row by row.
"""
import sys
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file


class Block(nn.Module):
    def __init__(self, wide, out, stride, short):
        super().__init__()
        self.conv1 = nn.Conv2d(wide, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.short = short
        if short:
            self.shortcut = nn.Sequential()
            if stride != 1 or wide != out:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(wide, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x) if self.short else y)


class ResNet(nn.Module):
    def __init__(self, depth, short):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        wide = 16
        for number, out in enumerate([16, 32, 64]):
            layer = []
            for block in range(blocks):
                stride = 2 if number > 0 and block == 0 else 1
                layer.append(Block(wide, out, stride, short))
                wide = out
            setattr(self, f"layer{number + 1}", nn.Sequential(*layer))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.avg_pool2d(x, 8).flatten(1))


def images(folder, count):
    raw = np.fromfile(f"{folder}/test_batch.bin", np.uint8).reshape(-1, 3073)[:count]
    mean = np.array([125.3, 123.0, 113.9]).reshape(1, 3, 1, 1) / 255
    std = np.array([63.0, 62.1, 66.7]).reshape(1, 3, 1, 1) / 255
    x = (raw[:, 1:].reshape(-1, 3, 32, 32) / 255 - mean) / std
    return torch.tensor(x, dtype=torch.float32), torch.tensor(raw[:, 0].astype(np.int64))


def direction(params, seed):
    generator = torch.Generator().manual_seed(seed)
    result = []
    for p in params:
        d = torch.randn(p.shape, generator=generator)
        if p.dim() < 2:
            result.append(torch.zeros_like(p))
            continue
        norms = [t.flatten(1).norm(dim=1).reshape(-1, *[1] * (p.dim() - 1)) for t in (d, p)]
        result.append(d * norms[1] / (norms[0] + 1e-10))
    return result


def main():
    weights, depth, short, count, folder, side, out = sys.argv[1:]
    torch.set_num_threads(1)
    net = ResNet(int(depth), short == "short")
    net.load_state_dict(load_file(weights))
    net.eval()
    x, y = images(folder, int(count))
    params = list(net.parameters())
    center = [p.detach().clone() for p in params]
    d1, d2 = direction(center, 1), direction(center, 2)
    with open(out, "w") as file, torch.no_grad():
        for a in np.linspace(-1, 1, int(side)):
            row = []
            for b in np.linspace(-1, 1, int(side)):
                for p, c, u, v in zip(params, center, d1, d2):
                    p.copy_(c + float(a) * u + float(b) * v)
                row.append(f"{F.cross_entropy(net(x), y).item():.6g}")
            file.write(" ".join(row) + "\n")
            file.flush()


main()
