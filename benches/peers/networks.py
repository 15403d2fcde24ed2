"""Samples a second by PyTorch of the networks in `benches/common`, of the same shapes, on noise.

    python networks.py [--threads N] [--rounds N] [--samples N] [--hessian] [WORKLOAD...]

Prints a line of JSON for each: forward passes with the loss in `inference_mode`, in the layout of the two (channels first,
channels last) that is faster; with `--hessian` one product by `torch.autograd.grad` twice. Evaluation mode, f32.
"""

import argparse
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """Attention and perceptron, each behind a normalisation and with a shortcut around it."""

    def __init__(self, dim, heads, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.explicit = False

    def attention(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if self.explicit:  # what has second derivatives
            scores = q @ k.transpose(2, 3) * (d // self.heads) ** -0.5
            if self.causal:
                scores = scores + torch.full((t, t), float("-inf")).triu(1)
            mixed = scores.softmax(3) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.proj(mixed.transpose(1, 2).reshape(n, t, d))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Vit(nn.Module):
    def __init__(self, dim, depth, heads, cls=False):
        super().__init__()
        self.patch = nn.Conv2d(3, dim, 4, 4)
        self.cls = nn.Parameter(torch.randn(1, 1, dim)) if cls else None
        self.place = nn.Parameter(torch.randn(1, 64 + cls, dim))
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.cls is not None:
            x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1)
        x = x + self.place
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return self.head(x[:, 0] if self.cls is not None else x.mean(1))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.word, self.place = nn.Embedding(1000, 128), nn.Embedding(64, 128)
        self.blocks = nn.ModuleList(Block(128, 4, causal=True) for _ in range(4))
        self.norm = nn.LayerNorm(128)

    def forward(self, x):
        x = self.word(x) + self.place(torch.arange(x.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.word.weight.T


def normed(a, b, kernel, stride=1, groups=1, act=None):
    layers = [nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(b)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Residual(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.main = nn.Sequential(normed(a, b, 3, stride, act=nn.ReLU), normed(b, b, 3))
        self.down = normed(a, b, 1, stride) if stride > 1 or a != b else nn.Identity()

    def forward(self, x):
        return F.relu(self.main(x) + self.down(x))


def resnet(stem, widths, counts):
    layers, a = [stem], widths[0]
    for i, (b, count) in enumerate(zip(widths, counts)):
        for k in range(count):
            layers.append(Residual(a, b, 2 if i and not k else 1))
            a = b
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(a, 10))


class Inverted(nn.Module):
    def __init__(self, a, b, stride, t):
        super().__init__()
        h = a * t
        expand = [normed(a, h, 1, act=nn.ReLU6)] if t > 1 else []
        self.main = nn.Sequential(*expand, normed(h, h, 3, stride, h, act=nn.ReLU6), normed(h, b, 1))
        self.shortcut = stride == 1 and a == b

    def forward(self, x):
        return x + self.main(x) if self.shortcut else self.main(x)


def mobilenet():
    layers, a = [normed(3, 32, 3, act=nn.ReLU6)], 32
    table = [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for t, b, count, stride in table:
        for i in range(count):
            layers.append(Inverted(a, b, 1 if i else stride, t))
            a = b
    layers.append(normed(320, 1280, 1, act=nn.ReLU6))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10))


class NeXtBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(c, c, 7, padding=3, groups=c), nn.LayerNorm(c)
        self.wide, self.narrow = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)

    def forward(self, x):
        h = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + self.narrow(F.gelu(self.wide(h))).permute(0, 3, 1, 2)


def convnext():
    first, second = [NeXtBlock(96) for _ in range(2)], [NeXtBlock(192) for _ in range(2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(192, 10)]
    return nn.Sequential(nn.Conv2d(3, 96, 2, 2), *first, nn.Conv2d(96, 192, 2, 2), *second, *head)


def double(a, b):
    return nn.Sequential(normed(a, b, 3, act=nn.ReLU), normed(b, b, 3, act=nn.ReLU))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([double(3, 16), double(16, 32)])
        self.bottom = double(32, 64)
        self.up = nn.ModuleList([nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)])
        self.merge = nn.ModuleList([double(64, 32), double(32, 16)])
        self.head = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        first = self.down[0](x)
        second = self.down[1](F.max_pool2d(first, 2))
        x = self.bottom(F.max_pool2d(second, 2))
        x = self.merge[0](torch.cat([second, self.up[0](x)], 1))
        return self.head(self.merge[1](torch.cat([first, self.up[1](x)], 1)))


def perceptron(*sizes):
    layers = [nn.Flatten()]
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def small(depth):
    n = (depth - 2) // 6
    return resnet(normed(3, 16, 3, act=nn.ReLU), (16, 32, 64), (n, n, n))


def resnet18():
    stem = nn.Sequential(normed(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1))
    return resnet(stem, (64, 128, 256, 512), (2, 2, 2, 2))


def resnet18_3x3():
    return resnet(normed(3, 64, 3, act=nn.ReLU), (64, 128, 256, 512), (2, 2, 2, 2))


class Pair(nn.Module):
    """Similarities of two views of every sample, one after the other in a batch, at a temperature of 0.1."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, views):
        a, b = F.normalize(self.encoder(views)).chunk(2)
        return a @ b.T * 10


def encoder():
    layers = [normed(a, b, 3, stride, act=nn.ReLU) for a, b, stride in [(3, 16, 1), (16, 32, 2), (32, 64, 2)]]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 64))


NETWORKS = {
    "vit-64": lambda: Vit(64, 2, 4),
    "vit-64-cls": lambda: Vit(64, 2, 4, cls=True),
    "vit-192": lambda: Vit(192, 6, 3),
    "gpt": Gpt,
    "resnet18": resnet18,
    "resnet18-3x3": resnet18_3x3,
    "mobilenetv2": mobilenet,
    "convnext": convnext,
    "unet": UNet,
    "resnet20": lambda: small(20),
    "resnet56": lambda: small(56),
    "mlp": lambda: perceptron(784, 20, 10),
    "mlp-wide": lambda: perceptron(784, 256, 256, 10),
    "contrastive": lambda: Pair(encoder()),
    "contrastive-mlp": lambda: Pair(perceptron(784, 256, 256, 64)),
}


def data(name, n):
    if name == "gpt":
        return torch.randint(1000, (n, 64)), torch.randint(1000, (n, 64))
    if name.startswith("contrastive"):
        return torch.randn(2 * n, *((784,) if name.endswith("mlp") else (3, 32, 32))), torch.arange(n)
    x = torch.randn(n, 784) if name.startswith("mlp") else torch.randn(n, 3, 32, 32)
    return x, torch.randn(n, 1, 32, 32) if name == "unet" else torch.randint(10, (n,))


def mean_loss(name, outputs, y):
    if name == "unet":
        return F.mse_loss(outputs, y)
    if name.startswith("contrastive"):
        return (F.cross_entropy(outputs, y) + F.cross_entropy(outputs.T, y)) / 2
    return F.cross_entropy(outputs.flatten(0, -2), y.flatten())


def clock(work, rounds):
    """Seconds of each round, and seconds of processor time a round."""
    work()
    seconds, used = [], time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds, (time.process_time() - used) / rounds


def forward(name, args):
    """Seconds of the layout with the shorter median."""
    model, (x, y) = NETWORKS[name]().eval(), data(name, args.samples)
    found = []
    for layout in (torch.contiguous_format, torch.channels_last):
        if x.dim() != 4 and found:
            break
        if x.dim() == 4:
            model, x = model.to(memory_format=layout), x.contiguous(memory_format=layout)
        with torch.inference_mode():
            found.append(clock(lambda: mean_loss(name, model(x), y), 2 * args.rounds))
    return min(found, key=lambda seconds: statistics.median(seconds[0]))


def product(name, args):
    model, (x, y) = NETWORKS[name]().eval(), data(name, args.samples)
    for module in model.modules():
        if isinstance(module, Block):
            module.explicit = True
    theta = list(model.parameters())
    vector = [torch.sign(torch.randn_like(p)) for p in theta]

    def work():
        gradient = torch.autograd.grad(mean_loss(name, model(x), y), theta, create_graph=True)
        return torch.autograd.grad(gradient, theta, vector)

    return clock(work, args.rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--hessian", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    for name in args.workloads or (["vit-64", "gpt"] if args.hessian else list(NETWORKS)):
        seconds, processor = (product if args.hessian else forward)(name, args)
        line = {
            "workload": name,
            "method": "PyTorch",
            "task": "product" if args.hessian else "forward",
            "threads": args.threads,
            "samples": args.samples,
            "best": args.samples / min(seconds),
            "median": args.samples / statistics.median(seconds),
            "processor": args.samples / processor,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
