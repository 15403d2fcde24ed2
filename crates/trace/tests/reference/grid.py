"""Writes grid.txt: losses and gradients of images that are sampled at a grid, by PyTorch in f64.

    python grid.py

Images, grids and data are those of ../it/grid.rs: multiples of 2^-6, exact in f32. Written with torch 2.9.0.

Each line is a name and numbers, for each padding and with and without aligned corners:
PADDING.CORNERS.losses  the loss of each of 5 samples
PADDING.CORNERS.image   the gradient of their mean with respect to the image
PADDING.CORNERS.grid    the same with respect to the grid
"""

from pathlib import Path

import torch
import torch.nn.functional as F


def numbers(shape, step, modulus):
    n = int(torch.tensor(shape).prod())
    values = [(i * step + 11) % modulus - modulus // 2 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape) / 64


def lines():
    x = numbers([5, 1, 1, 1], 29, 61)
    for padding in ("zeros", "border", "reflection"):
        for corners in (True, False):
            image = numbers([1, 2, 4, 5], 37, 101).requires_grad_()
            grid = numbers([1, 3, 4, 2], 53, 199).requires_grad_()
            seen = F.grid_sample(
                image * (1 + x), grid + x / 4, padding_mode=padding, align_corners=corners
            )
            losses = (seen**2).mean((1, 2, 3))
            gradients = torch.autograd.grad(losses.mean(), (image, grid))
            found = zip(("losses", "image", "grid"), (losses, *gradients))
            for name, values in found:
                words = (repr(v) for v in values.flatten().tolist())
                yield " ".join((f"{padding}.{str(corners).lower()}.{name}", *words))


if __name__ == "__main__":
    Path(__file__).with_name("grid.txt").write_text("\n".join(lines()) + "\n")
