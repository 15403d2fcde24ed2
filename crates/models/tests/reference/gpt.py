#!/usr/bin/env python3
"""Writes gpt.txt: losses and derivatives of small language models by PyTorch in f64; and checkpoints of one.

usage: gpt.py
needs: torch 2.9, numpy 2, safetensors (pip install them into a virtual environment)

Weights and vectors are the formulas of families.py, which the tests repeat, and derivatives are kept as in
curvature.txt, of the mean over all tokens; F has the gradient of each sample, the mean over its tokens. The network is
that of GPT-2 with the names of nanoGPT (model.py), written down here again. Token i of all the samples' inputs
is (unit("x") + 1) / 2 * VOCAB at i, rounded down, and likewise "y" of their targets. Further lines:

    layout    tensors, parameters, and the hash of families.txt
    tokens    tokens of a sample, fewer than the context
    logits    of the first sample
    points    loss at theta, theta + d1, theta - d2 / 2
    accuracy  at theta
    ignoring  loss, its standard error, and accuracy, where the target of every token i with i mod 4 = 1 is -100;
              the error is that of a ratio of means over samples (Cochran 1977, section 2.11)

../data/gpt: the tied network as nanoGPT keeps it (`nano.pt`, where the head is the embedding's storage), as Hugging Face does
(`hugging-face.safetensors`: Conv1D, masks, no head; `bare.safetensors`: without `transformer.`), and with a head of its own
(`untied.safetensors`).
"""
import math
import pathlib

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn

from curvature import Point, dot
from families import fnv1a, unit, value

HERE = pathlib.Path(__file__).parent
OUT = HERE / "gpt.txt"
DATA = HERE.parent / "data" / "gpt"
VOCAB, CONTEXT, DIM, DEPTH, HEADS = 11, 6, 8, 2, 2
SAMPLES, TOKENS = 3, 5
IGNORED = -100


class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn, self.c_proj = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = (part.view(n, t, HEADS, d // HEADS).transpose(1, 2) for part in self.c_attn(x).split(DIM, dim=2))
        scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        scores = scores.masked_fill(torch.ones(t, t).tril() == 0, float("-inf"))
        return self.c_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, d))


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(DIM), CausalSelfAttention()
        self.ln_2, self.mlp = nn.LayerNorm(DIM), Perceptron()

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    def __init__(self, tied):
        super().__init__()
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(VOCAB, DIM),
                wpe=nn.Embedding(CONTEXT, DIM),
                h=nn.ModuleList([Block() for _ in range(DEPTH)]),
                ln_f=nn.LayerNorm(DIM),
            )
        )
        self.lm_head = None if tied else nn.Linear(DIM, VOCAB, bias=False)

    def forward(self, ids):
        parts = self.transformer
        x = parts.wte(ids) + parts.wpe(torch.arange(ids.size(1)))
        for block in parts.h:
            x = block(x)
        x = parts.ln_f(x)
        return F.linear(x, parts.wte.weight) if self.lm_head is None else self.lm_head(x)


def ids(name):
    return torch.from_numpy((unit(name, SAMPLES * TOKENS) + 1) / 2 * VOCAB).floor().long()


class Tokens(Point):
    def __init__(self, tied):
        super().__init__(lambda: Gpt(tied), 1.0, SAMPLES)
        self.x, self.y = ids("x").view(SAMPLES, TOKENS), ids("y")

    def logits(self, *theta):
        return super().logits(*theta).flatten(0, 1)

    def each(self, theta, y):
        return F.cross_entropy(self.logits(*theta), y, reduction="none", ignore_index=IGNORED)

    def at(self, steps):
        theta = list(self.theta.values())
        for by, vector in steps:
            theta = [x + by * v for x, v in zip(theta, vector)]
        return self.each(theta, self.y).mean().item()

    def fisher(self, vector):
        theta, total = list(self.theta.values()), None
        for loss in self.each(theta, self.y).view(SAMPLES, TOKENS).mean(1):
            gradient = torch.autograd.grad(loss, theta, retain_graph=True)
            along = dot(gradient, vector) / SAMPLES
            part = [along * g for g in gradient]
            total = part if total is None else [a + b for a, b in zip(total, part)]
        return total

    def ignoring(self):
        y = self.y.clone()
        y[1::4] = IGNORED
        theta = list(self.theta.values())
        sums = self.each(theta, y).view(SAMPLES, TOKENS).sum(1)
        counts = (y != IGNORED).view(SAMPLES, TOKENS).sum(1)
        loss = sums.sum() / counts.sum()
        squares = ((sums - counts * loss) ** 2).sum()
        error = (squares * SAMPLES / (SAMPLES - 1)).sqrt() / counts.sum()
        hits = (self.logits(*theta).argmax(1) == y).sum() / counts.sum()
        assert torch.isclose(loss, F.cross_entropy(self.logits(*theta), y, ignore_index=IGNORED))
        return [loss.item(), error.item(), hits.item()]


def layout(model):
    state = model.state_dict()
    lines = "".join(f"{name} {','.join(map(str, v.shape))}\n" for name, v in state.items())
    return [len(state), sum(v.numel() for v in state.values()), fnv1a(lines) % 2**48]


def reference(tied):
    point = Tokens(tied)
    d1, d2 = point.vector(1), point.vector(2)
    h1, h2 = point.hessian(d1), point.hessian(d2)
    logits = point.logits(*point.theta.values())
    return {
        "layout": layout(point.model),
        "gain": [1.0],
        "samples": [SAMPLES],
        "tokens": [TOKENS],
        "logits": logits[:TOKENS].flatten().tolist(),
        "points": [point.at([]), point.at([(1, d1)]), point.at([(-0.5, d2)])],
        "accuracy": [(logits.argmax(1) == point.y).double().mean().item()],
        "ignoring": point.ignoring(),
        "loss": [point.loss().item()],
        "forms": [dot(d1, h1).item(), dot(d1, h2).item(), dot(d2, h2).item()],
        "gradient": point.kept(point.gradient()),
        "hessian": point.kept(h1),
        "hessian2": point.kept(h2),
        "gauss-newton": point.kept(point.gauss_newton(d1)),
        "fisher": point.kept(point.fisher(d1)),
    }


def checkpoints():
    state = {name: value(name, tuple(v.shape), 1.0).float() for name, v in Gpt(True).state_dict().items()}
    DATA.mkdir(exist_ok=True)
    head = {"lm_head.weight": state["transformer.wte.weight"]}
    wrapped = {f"_orig_mod.{name}": v for name, v in (state | head).items()}
    torch.save({"model": wrapped, "iter_num": 3, "model_args": {"n_head": HEADS}}, DATA / "nano.pt")
    turned = (".attn.c_attn.weight", ".attn.c_proj.weight", ".mlp.c_fc.weight", ".mlp.c_proj.weight")
    face = {name: v.t().contiguous() if name.endswith(turned) else v for name, v in state.items()}
    for place in range(DEPTH):
        face[f"transformer.h.{place}.attn.bias"] = torch.ones(CONTEXT, CONTEXT).tril().view(1, 1, CONTEXT, CONTEXT)
        face[f"transformer.h.{place}.attn.masked_bias"] = torch.tensor(-1e4)
    safetensors.torch.save_file(face, DATA / "hugging-face.safetensors")
    bare = {name.removeprefix("transformer."): v for name, v in face.items()}
    safetensors.torch.save_file(bare, DATA / "bare.safetensors")
    other = state | {"lm_head.weight": value("lm_head.weight", (VOCAB, DIM), 1.0).float()}
    safetensors.torch.save_file(other, DATA / "untied.safetensors")


def main():
    lines = []
    for tied in (False, True):
        name = f"gpt:vocab={VOCAB},context={CONTEXT},dim={DIM},depth={DEPTH},heads={HEADS}" + (",tied" if tied else "")
        for what, numbers in reference(tied).items():
            lines.append(f"{name} {what} {' '.join(f'{v:.15g}' for v in numbers)}\n")
    OUT.write_text("".join(lines))
    checkpoints()


if __name__ == "__main__":
    main()
