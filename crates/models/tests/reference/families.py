#!/usr/bin/env python3
"""Writes families.txt: what PyTorch makes of the families of networks, in f64.

usage: families.py [MODEL...]    (all where none is named; the lines of the others stay)
needs: torch 2.9, torchvision 0.24, numpy 2 (pip install them into a virtual environment)

Weights, running statistics, directions and inputs are not files but a formula (`unit`), which the tests
repeat. Each line of families.txt is `<model> <what> <numbers>`:

    layout   tensors, parameters (no running statistics), and the FNV-1a hash modulo 2^48 of the lines
             `<name> <shape, commas between>` in the order of the `state_dict`, counters left out
    gain     factor of the normalisation scales, which keeps a deep network's outputs moderate
    samples  number of inputs; sample i has label (3 i + 1) mod 10
    logits   samples x outputs
    losses   cross-entropy of each sample
    plane    mean loss at theta + a d1 + b d2 for a in (-1, 0, 1), b in (-1, -1/3, 1/3, 1), a first;
             running statistics do not move

Normalisation layers use their running statistics. The networks are those of tomgoldstein/loss-landscape
(cifar10/models), and vision transformers with the names of timm, written down here again from their
descriptions; names and shapes of the tensors are PyTorch's `state_dict`. Those with `stem=imagenet` are torchvision's own,
and so is a vision transformer: values go by the names that the program has for their tensors (`own`).
"""
import pathlib
import re
import sys

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.models
from torch import nn

OUT = pathlib.Path(__file__).parent / "families.txt"


# ---------------------------------------------------------------------------------------------- values


def fnv1a(text):
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    return state


def unit(name, count):
    """Numbers in [-1, 1), multiples of 2^-23: FNV-1a of the name, then SplitMix64 at each index."""
    state = fnv1a(name)
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def rounded(values, shape):
    """Rounded to f32, as the program keeps them, then f64 for the reference."""
    return torch.from_numpy(values.astype(np.float32).astype(np.float64)).reshape(shape)


def scale(shape):
    """He's bound of a weight; a constant for a vector."""
    return (6 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.2


def value(name, shape, gain):
    u = unit(name, int(np.prod(shape)))
    leaf = name.split(".")[-1]
    if leaf == "running_var":
        return rounded(1 + 0.5 * u, shape)
    if leaf == "weight" and len(shape) == 1:
        return rounded(gain * (1 + 0.2 * u), shape)
    return rounded(scale(shape) * u, shape)


def direction(number, name, shape):
    return rounded(0.3 * scale(shape) * unit(f"d{number}.{name}", int(np.prod(shape))), shape)


def inputs(samples, image):
    """Noise around a mean of its own for each channel of each sample."""
    channels, pixels = samples * image[0], image[1] * image[2]
    means = np.repeat(unit("x.mean", channels), pixels)
    return rounded(2 * means + unit("x", channels * pixels), (samples, *image))


# -------------------------------------------------------------------------------------------- networks


def conv(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class Block(nn.Module):
    """Convolutions of the given sizes, around them a shortcut or nothing."""

    def __init__(self, widths, sizes, strides, shortcut):
        super().__init__()
        self.depth = len(sizes)
        for i, (size, stride) in enumerate(zip(sizes, strides)):
            setattr(self, f"conv{i + 1}", conv(widths[i], widths[i + 1], size, stride))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(widths[i + 1]))
        stride = max(strides)
        self.shortcut = None
        if shortcut and stride == 1 and widths[0] == widths[-1]:
            self.shortcut = nn.Sequential()
        elif shortcut:
            self.shortcut = nn.Sequential(conv(widths[0], widths[-1], 1, stride), nn.BatchNorm2d(widths[-1]))

    def forward(self, x):
        out = x
        for i in range(1, self.depth + 1):
            out = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(out))
            if i < self.depth:
                out = F.relu(out)
        if self.shortcut is None:
            # The original ends a bottleneck without a shortcut without a ReLU.
            return F.relu(out) if self.depth == 2 else out
        return F.relu(out + self.shortcut(x))


class Residual(nn.Module):
    def __init__(self, stem, blocks, bottleneck=False, shortcut=True):
        super().__init__()
        self.conv1, self.bn1 = conv(3, stem, 3), nn.BatchNorm2d(stem)
        width = stem
        for place, count in enumerate(blocks):
            planes, stage = stem * 2**place, []
            for i in range(count):
                stride = 2 if place > 0 and i == 0 else 1
                if bottleneck:
                    widths, sizes, strides = [width, planes, planes, 4 * planes], [1, 3, 1], [1, stride, 1]
                else:
                    widths, sizes, strides = [width, planes, planes], [3, 3], [stride, 1]
                stage.append(Block(widths, sizes, strides, shortcut))
                width = widths[-1]
            setattr(self, f"layer{place + 1}", nn.Sequential(*stage))
        self.stages = len(blocks)
        self.linear = nn.Linear(width, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for place in range(self.stages):
            x = getattr(self, f"layer{place + 1}")(x)
        return self.linear(x.mean(dim=(2, 3)))


class Vgg(nn.Module):
    """Per stage: how many convolutions, how many channels; a maximum after each stage."""

    def __init__(self, stages):
        super().__init__()
        layers, width = [], 3
        for count, planes in stages:
            for _ in range(count):
                layers += [nn.Conv2d(width, planes, 3, padding=1), nn.BatchNorm2d(planes), nn.ReLU()]
                width = planes
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        side = 32 // 2 ** len(stages)
        self.fc = nn.Sequential(nn.Linear(width * side * side, width), nn.BatchNorm1d(width), nn.ReLU())
        self.classifier = nn.Linear(width, 10)

    def forward(self, x):
        return self.classifier(self.fc(self.features(x).flatten(1)))


class DenseLayer(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(width), conv(width, 4 * growth, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), conv(4 * growth, growth, 3)

    def forward(self, x):
        new = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return torch.cat([new, x], dim=1)


class Transition(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bn, self.conv = nn.BatchNorm2d(width), conv(width, width // 2, 1)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.bn(x))), 2)


class DenseNet(nn.Module):
    def __init__(self, blocks, growth):
        super().__init__()
        width = 2 * growth
        self.conv1 = conv(3, width, 3)
        for place, count in enumerate(blocks, start=1):
            setattr(self, f"dense{place}", nn.Sequential(*[DenseLayer(width + i * growth, growth) for i in range(count)]))
            width += count * growth
            if place < len(blocks):
                setattr(self, f"trans{place}", Transition(width))
                width //= 2
        self.blocks = len(blocks)
        self.bn, self.linear = nn.BatchNorm2d(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.conv1(x)
        for place in range(1, self.blocks + 1):
            x = getattr(self, f"dense{place}")(x)
            if place < self.blocks:
                x = getattr(self, f"trans{place}")(x)
        return self.linear(F.relu(self.bn(x)).mean(dim=(2, 3)))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        n, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(n, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(*qkv)
        return self.proj(out.transpose(1, 2).reshape(n, tokens, dim))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Encoder(nn.Module):
    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps=1e-6), Mlp(dim, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, channels, dim, patch):
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, stride=patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Vit(nn.Module):
    def __init__(self, patch, dim, depth, heads, mlp, image=(3, 32, 32), classes=10, cls=False):
        super().__init__()
        tokens = (image[1] // patch) * (image[2] // patch) + cls
        if cls:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, dim))
        self.cls, self.image = cls, image
        self.patch_embed = PatchEmbed(image[0], dim, patch)
        self.blocks = nn.Sequential(*[Encoder(dim, heads, mlp) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        if self.cls:
            x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)
        x = self.norm(self.blocks(x + self.pos_embed))
        return self.head(x[:, 0] if self.cls else x.mean(dim=1))


def own(name):
    """The program's name for a tensor of torchvision's networks."""
    for pattern, words in [
        (r"\.downsample\.", ".shortcut."),
        (r"^(fc|classifier)\.", "linear."),
        (r"^features\.conv0\.", "conv1."),
        (r"^features\.norm0\.", "bn1."),
        (r"^features\.norm5\.", "bn."),
        (r"^features\.transition(\d)\.norm\.", r"trans\1.bn."),
        (r"^features\.transition(\d)\.conv\.", r"trans\1.conv."),
        (r"^features\.denseblock(\d)\.denselayer(\d+)\.norm", r"dense\1.#\2.bn"),
        (r"^features\.denseblock(\d)\.denselayer(\d+)\.conv", r"dense\1.#\2.conv"),
        (r"^class_token$", "cls_token"),
        (r"^conv_proj\.", "patch_embed.proj."),
        (r"^encoder\.pos_embedding$", "pos_embed"),
        (r"^encoder\.ln\.", "norm."),
        (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
        (r"\.ln_(\d)\.", r".norm\1."),
        (r"\.self_attention\.in_proj_", ".attn.qkv."),
        (r"\.self_attention\.out_proj\.", ".attn.proj."),
        (r"\.mlp\.0\.", ".mlp.fc1."),
        (r"\.mlp\.3\.", ".mlp.fc2."),
        (r"^heads\.head\.", "head."),
    ]:
        name = re.sub(pattern, words, name)
    return re.sub(r"#(\d+)", lambda number: str(int(number[1]) - 1), name)


def imagenet(build, image=(3, 64, 64), **options):
    net = build(weights=None, **options)
    net.image = image
    return net


def vit_of_torchvision():
    net = torchvision.models.VisionTransformer(28, 7, 2, 2, 32, 64, num_classes=10)
    net.order = [n for n in Vit(7, 32, 2, 2, 64, image=(3, 28, 28), cls=True).state_dict()]
    net.image = (3, 28, 28)
    return net


def thin(depth, **options):
    return Residual(16, [(depth - 2) // 6] * 3, **options)


# name: (network, gain, samples)
MODELS = {
    "resnet20": (lambda: thin(20), 0.6, 3),
    "resnet20-noshort": (lambda: thin(20, shortcut=False), 1.0, 3),
    "resnet56": (lambda: thin(56), 0.4, 2),
    "resnet18": (lambda: Residual(64, [2, 2, 2, 2]), 0.6, 2),
    "resnet50": (lambda: Residual(64, [3, 4, 6, 3], bottleneck=True), 0.5, 2),
    "resnet50-noshort": (lambda: Residual(64, [3, 4, 6, 3], bottleneck=True, shortcut=False), 0.85, 2),
    "wrn56-2": (lambda: Residual(32, [9, 9, 9]), 0.4, 2),
    "vgg9": (lambda: Vgg([(2, 64), (2, 128), (3, 256)]), 1.0, 3),
    "vgg16": (lambda: Vgg([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]), 1.0, 3),
    "vgg19": (lambda: Vgg([(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)]), 1.0, 2),
    "densenet121": (lambda: DenseNet([6, 12, 24, 16], 32), 0.6, 2),
    "vit:patch=8,dim=48,depth=2,heads=4": (lambda: Vit(8, 48, 2, 4, 192), 1.0, 3),
    "vit:patch=7,dim=32,depth=2,heads=2,mlp=64,image=1x28x28,pool=cls": (
        lambda: Vit(7, 32, 2, 2, 64, image=(1, 28, 28), cls=True),
        1.0,
        3,
    ),
    "resnet18:classes=7,image=3x64x64,stem=imagenet": (
        lambda: imagenet(torchvision.models.resnet18, num_classes=7),
        0.6,
        2,
    ),
    "resnet50:classes=1000,image=3x64x64,stem=imagenet": (lambda: imagenet(torchvision.models.resnet50), 0.5, 2),
    "densenet121:classes=12,image=3x64x64,stem=imagenet": (
        lambda: imagenet(torchvision.models.densenet121, num_classes=12),
        0.6,
        2,
    ),
    "vit:patch=7,dim=32,depth=2,heads=2,mlp=64,image=3x28x28,pool=cls": (vit_of_torchvision, 1.0, 3),
    "resnet20:classes=100,image=1x28x28": (lambda: small(thin(20), 1, 100, 28), 0.6, 3),
    "vgg9:classes=5,image=3x48x40": (lambda: vgg_of_size(), 1.0, 2),
}


def small(net, channels, classes, side):
    net.conv1 = conv(channels, 16, 3)
    net.linear = nn.Linear(net.linear.in_features, classes)
    net.image = (channels, side, side)
    return net


def vgg_of_size():
    net = Vgg([(2, 64), (2, 128), (3, 256)])
    net.fc[0] = nn.Linear(256 * 6 * 5, 256)
    net.classifier = nn.Linear(256, 5)
    net.image = (3, 48, 40)
    return net


# ------------------------------------------------------------------------------------------- reference


def renaming(model):
    return own if type(model).__module__.startswith("torchvision.") else lambda name: name


def losses(model, state, x, labels):
    own = renaming(model)
    theirs = {name: state[own(name)] for name in model.state_dict() if own(name) in state}
    logits = torch.func.functional_call(model, theirs, x)
    return logits, F.cross_entropy(logits, labels, reduction="none")


def reference(build, gain, samples):
    model = build().double().eval()
    own = renaming(model)
    shapes = {own(k): tuple(v.shape) for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    shapes = {name: shapes[name] for name in getattr(model, "order", shapes)}
    state = {name: value(name, shape, gain) for name, shape in shapes.items()}
    moving = [own(name) for name, _ in model.named_parameters()]
    d1, d2 = ({name: direction(k, name, shapes[name]) for name in moving} for k in (1, 2))
    image = getattr(model, "image", (3, 32, 32))
    x = inputs(samples, image)
    labels = torch.tensor([(3 * i + 1) % 10 for i in range(samples)])
    logits, per_sample = losses(model, state, x, labels)
    plane = []
    for a in (-1, 0, 1):
        for b in (-1, -1 / 3, 1 / 3, 1):
            moved = dict(state)
            for name in moving:
                moved[name] = state[name] + a * d1[name] + b * d2[name]
            plane.append(losses(model, moved, x, labels)[1].mean().item())
    lines = "".join(f"{name} {','.join(map(str, shape))}\n" for name, shape in shapes.items())
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "layout": [len(shapes), parameters, fnv1a(lines) % 2**48],
        "gain": [gain],
        "samples": [samples],
        "logits": logits.flatten().tolist(),
        "losses": per_sample.tolist(),
        "plane": plane,
    }


def main(chosen):
    kept = OUT.read_text().splitlines(keepends=True) if chosen else []
    lines = []
    with torch.no_grad():
        for name, model in MODELS.items():
            if chosen and name not in chosen:
                lines += [line for line in kept if line.split(" ")[0] == name]
                continue
            for what, numbers in reference(*model).items():
                lines.append(f"{name} {what} {' '.join(f'{v:.15g}' for v in numbers)}\n")
    OUT.write_text("".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
