#!/usr/bin/env python3
"""Writes parts.txt: derivatives with respect to some of the parameters alone, by PyTorch in f64.

usage: parts.py
needs: as curvature.py and gpt.py

Only the parameters of the part require gradients; all others are constants to autograd, so that these are products with parts
as PyTorch has them, and not cuts out of products with the whole. Each line of parts.txt is `<model>|<part> <what> <numbers>`; the
numbers are those of curvature.txt, with vectors d1 and d2 cut to the part, and further

    residual  H d1 - G d1

A part is given as words separated by commas, names of modules or of tensors; `!` in front of the first word: all but those.
"""
import pathlib

from curvature import CHOSEN, Point, dot
from gpt import CONTEXT, DEPTH, DIM, HEADS, TOKENS, VOCAB, Tokens

OUT = pathlib.Path(__file__).parent / "parts.txt"
GPT = f"gpt:vocab={VOCAB},context={CONTEXT},dim={DIM},depth={DEPTH},heads={HEADS}"

# Layers, single tensors and what is left of them; blocks of attention, embeddings, heads of their own and tied ones.
PARTS = [
    ("mlp:784-20-10", ["fc1", "fc2.weight", "!fc1.weight"]),
    ("resnet20", ["layer2", "conv1,layer1.0.bn2,layer3.2.conv1"]),
    (GPT, ["transformer.h.1", "transformer.wte,transformer.wpe", "lm_head", "!transformer.h"]),
    (f"{GPT},tied", ["transformer.h.0.attn", "transformer.wte", "!transformer.wte"]),
]


def point(model):
    if model.startswith("gpt"):
        return Tokens(model.endswith(",tied"))
    return Point(*CHOSEN[model])


def in_part(name, part):
    words = part.removeprefix("!").split(",")
    within = any(name == word or name.startswith(f"{word}.") for word in words)
    return within != part.startswith("!")


def cut(whole, part):
    """Only the part is differentiated."""
    fixed = [name for name in whole.theta if not in_part(name, part)]
    assert fixed and len(fixed) < len(whole.theta), part
    whole.buffers |= {name: whole.theta.pop(name).detach() for name in fixed}
    return whole


def reference(model, part):
    at = cut(point(model), part)
    d1, d2 = at.vector(1), at.vector(2)
    h1, h2, g1 = at.hessian(d1), at.hessian(d2), at.gauss_newton(d1)
    tokens = {"tokens": [TOKENS]} if model.startswith("gpt") else {}
    gain, samples = [1.0, len(at.x)] if tokens else CHOSEN[model][1:]
    return tokens | {
        "gain": [gain],
        "samples": [samples],
        "loss": [at.loss().item()],
        "forms": [dot(d1, h1).item(), dot(d1, h2).item(), dot(d2, h2).item()],
        "gradient": at.kept(at.gradient()),
        "hessian": at.kept(h1),
        "hessian2": at.kept(h2),
        "gauss-newton": at.kept(g1),
        "fisher": at.kept(at.fisher(d1)),
        "residual": at.kept([h - g for h, g in zip(h1, g1)]),
    }


def main():
    lines = []
    for model, parts in PARTS:
        for part in parts:
            for what, numbers in reference(model, part).items():
                lines.append(f"{model}|{part} {what} {' '.join(f'{v:.15g}' for v in numbers)}\n")
    OUT.write_text("".join(lines))


if __name__ == "__main__":
    main()
