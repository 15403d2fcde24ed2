#!/usr/bin/env python3
"""Writes curvature.txt: gradients and products with second derivatives by PyTorch in f64.

usage: curvature.py [MODEL...]    (all where none is named; the lines of the others stay)
needs: torch 2.9, numpy 2 (pip install them into a virtual environment)

Weights, running statistics, vectors and inputs are the formulas of families.py, which the tests repeat; the
vectors are its two directions, d1 and d2. BatchNorm normalises with its running statistics. Each line of
curvature.txt is `<model> <what> <numbers>`:

    gain      as in families.txt
    samples   number of inputs; sample i has label (3 i + 1) mod 10
    loss      mean cross-entropy
    forms     d1^T H d1, d1^T H d2, d2^T H d2
    gradient, hessian (H d1), hessian2 (H d2), gauss-newton (G d1), fisher (F d1)
              the length, and the signed sums of the elements of each tensor (`sums`)

Products are too long to keep. Of each tensor, whose elements are x_0, x_1, ..., four sums are kept: of
s_i x_i over all i that leave the remainder 0, 1, 2, 3 when divided by 4, where s_i is the sign of the number i of
the formula for `s.<name>`. They contain every element, and signs at random make the sum of their squares the
square of the length, on average: what is true of the sums of a difference is true of the difference.

    H  second derivatives of the mean loss: gradient of (gradient . v), "double backward"
    G  (1/n) sum J^T (diag p - p p^T) J, with J the derivatives of the logits: forward mode, then reverse mode
    F  (1/n) sum g g^T with g the gradient of one sample
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, jvp, vjp

from families import MODELS, direction, inputs, unit, value

OUT = pathlib.Path(__file__).parent / "curvature.txt"
SUMS = 4


class Mlp(nn.Module):
    image = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 20), nn.Linear(20, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


# name: (network, gain, samples). Where an input of a ReLU or two candidates of a maximum are equal up to the
# rounding of f32, derivatives in f32 are those of the other side of the kink, 1e-3 to 1e-2 away (PyTorch's own for
# VGG-9 at gain 0.8, for example): the gains are such that this is not so.
CHOSEN = {
    "mlp:784-20-10": (Mlp, 1.0, 8),
    "resnet20": (MODELS["resnet20"][0], 0.6, 4),
    "vgg9": (MODELS["vgg9"][0], 0.9, 4),
}


class Point:
    """A network with its data, and derivatives of the mean loss with respect to all parameters."""

    def __init__(self, build, gain, samples):
        self.model = build().double().eval()
        state = {
            name: value(name, tuple(v.shape), gain)
            for name, v in self.model.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
        names = [name for name, _ in self.model.named_parameters()]
        self.theta = {name: state[name].requires_grad_() for name in names}
        self.buffers = {name: v for name, v in state.items() if name not in self.theta}
        self.x = inputs(samples, getattr(self.model, "image", (3, 32, 32)))
        self.y = torch.tensor([(3 * i + 1) % 10 for i in range(samples)])

    def vector(self, number):
        return [direction(number, name, tuple(v.shape)) for name, v in self.theta.items()]

    def logits(self, *theta):
        parameters = dict(zip(self.theta, theta)) | self.buffers
        return functional_call(self.model, parameters, (self.x,))

    def loss(self):
        return F.cross_entropy(self.logits(*self.theta.values()), self.y)

    def gradient(self):
        return torch.autograd.grad(self.loss(), list(self.theta.values()))

    def hessian(self, vector):
        theta = list(self.theta.values())
        gradient = torch.autograd.grad(self.loss(), theta, create_graph=True)
        return torch.autograd.grad(dot(gradient, vector), theta)

    def gauss_newton(self, vector):
        theta = tuple(self.theta.values())
        logits, change = jvp(self.logits, theta, tuple(vector))
        p = logits.softmax(1)
        bent = p * change - p * (p * change).sum(1, keepdim=True)
        return vjp(self.logits, *theta)[1](bent / len(self.y))

    def fisher(self, vector):
        theta, total = list(self.theta.values()), None
        each = F.cross_entropy(self.logits(*theta), self.y, reduction="none")
        for loss in each:
            gradient = torch.autograd.grad(loss, theta, retain_graph=True)
            along = dot(gradient, vector) / len(self.y)
            part = [along * g for g in gradient]
            total = part if total is None else [a + b for a, b in zip(total, part)]
        return total

    def kept(self, vector):
        """The length, and the signed sums of each tensor."""
        numbers = [dot(vector, vector).sqrt().item()]
        for name, part in zip(self.theta, vector):
            flat = part.detach().numpy().flatten()
            flat = np.where(unit(f"s.{name}", len(flat)) < 0, -flat, flat)
            numbers += [flat[start::SUMS].sum() for start in range(min(SUMS, len(flat)))]
        return numbers


def dot(a, b):
    return sum((x * y).sum() for x, y in zip(a, b))


def reference(build, gain, samples):
    point = Point(build, gain, samples)
    d1, d2 = point.vector(1), point.vector(2)
    h1, h2 = point.hessian(d1), point.hessian(d2)
    return {
        "gain": [gain],
        "samples": [samples],
        "loss": [point.loss().item()],
        "forms": [dot(d1, h1).item(), dot(d1, h2).item(), dot(d2, h2).item()],
        "gradient": point.kept(point.gradient()),
        "hessian": point.kept(h1),
        "hessian2": point.kept(h2),
        "gauss-newton": point.kept(point.gauss_newton(d1)),
        "fisher": point.kept(point.fisher(d1)),
    }


def main(chosen):
    kept = OUT.read_text().splitlines(keepends=True) if chosen else []
    lines = []
    for name, model in CHOSEN.items():
        if chosen and name not in chosen:
            lines += [line for line in kept if line.split(" ")[0] == name]
            continue
        for what, numbers in reference(*model).items():
            lines.append(f"{name} {what} {' '.join(f'{v:.15g}' for v in numbers)}\n")
    OUT.write_text("".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
