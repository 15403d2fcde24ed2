"""Writes fine-tuning/: a network, two fine-tunings of it by low-rank adapters, and their losses by PyTorch in f64.

    python fine-tuning.py

A 4-6-6-3 perceptron with tanh under cross-entropy on 15 samples. `base.safetensors` is the network; the folders `a` and `b` are
as PEFT writes adapters: of rank 2 on fc1, fc2 (a square weight) and fc3, alpha 3 (scale 1.5) in `a`; those of `b` are on the same
weights. `whole.safetensors` has the network of `a` and its adapters in one file, with `adapter_config.json` beside it.
`directions.safetensors` has directions of the adapters' factors (those of all else are 0), `merged.safetensors` directions of the
network's own parameters. Parameters, directions and data are multiples of 2^-10, so that their decimals are exact in f32 and f64.

Each line of `truth.txt` is a tensor: its name, and its values, row-major: losses on grids (first axis first), a gradient and a product
with the Hessian (order of factors: fc1 A, B, fc2 A, B, fc3 A, B), coordinates. Written with torch 2.9.0.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = Path(__file__).parent / "fine-tuning"
SIZES = (4, 6, 6, 3)
LAYERS = ("fc1", "fc2", "fc3")
RANK, ALPHA, SAMPLES = 2, 3, 15
SCALE = ALPHA / RANK
PLANE = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64)
MODELS = torch.linspace(-0.5, 1.5, 5, dtype=torch.float64)

generator = torch.Generator().manual_seed(2021)


def normal(*shape, scale=1.0):
    values = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    return (values * 1024).round() / 1024


def network(scale):
    shapes = dict(zip(LAYERS, zip(SIZES[1:], SIZES)))
    tensors = {}
    for layer, (outputs, inputs) in shapes.items():
        tensors[f"{layer}.weight"] = normal(outputs, inputs, scale=scale)
        tensors[f"{layer}.bias"] = normal(outputs, scale=scale)
    return tensors


def adapters(scale):
    tensors = {}
    for layer, inputs, outputs in zip(LAYERS, SIZES, SIZES[1:]):
        tensors[f"{layer}.lora_A"] = normal(RANK, inputs, scale=scale)
        tensors[f"{layer}.lora_B"] = normal(outputs, RANK, scale=scale)
    return tensors


def merged(base, factors):
    whole = dict(base)
    for layer in LAYERS:
        change = SCALE * factors[f"{layer}.lora_B"] @ factors[f"{layer}.lora_A"]
        whole[f"{layer}.weight"] = base[f"{layer}.weight"] + change
    return whole


def loss(weights):
    h = x
    for layer in LAYERS:
        h = F.linear(h, weights[f"{layer}.weight"], weights[f"{layer}.bias"])
        h = torch.tanh(h) if layer != LAYERS[-1] else h
    return F.cross_entropy(h, y)


def moved(origin, directions, at):
    return {n: v + sum(c * d[n] for c, d in zip(at, directions) if n in d) for n, v in origin.items()}


def plane(of, origin, directions, axis):
    return [of(moved(origin, directions, (a, b))).item() for a in axis for b in axis]


def single(tensors):
    return {name: value.float().contiguous() for name, value in tensors.items()}


base, a, b = network(0.6), adapters(0.5), adapters(0.5)
x, y = normal(SAMPLES, SIZES[0]), torch.randint(SIZES[-1], (SAMPLES,), generator=generator)
d1, d2, v = adapters(0.4), adapters(0.4), adapters(0.5)
m1, m2 = network(0.4), network(0.4)
of_factors = lambda factors: loss(merged(base, factors))

# As f32 has the merged weights.
tuned = [{n: t.float().double() for n, t in merged(base, factors).items()} for factors in (a, b)]
to_a, to_b = ({n: t[n] - base[n] for n in base} for t in tuned)
dot = lambda p, q: sum((p[n] * q[n]).sum() for n in p)
share = dot(to_b, to_a) / dot(to_a, to_a)
rest = {n: to_b[n] - share * to_a[n] for n in to_b}
length = (dot(to_b, to_b) / dot(rest, rest)).sqrt()
turned = {n: length * r for n, r in rest.items()}

leaves = {n: t.clone().requires_grad_() for n, t in a.items()}
gradient = torch.autograd.grad(of_factors(leaves), list(leaves.values()), create_graph=True)
along = sum((g * v[n]).sum() for g, n in zip(gradient, leaves))
product = torch.autograd.grad(along, list(leaves.values()))

truth = {
    "loss": [loss(base).item(), of_factors(a).item(), of_factors(b).item()],
    "adapters": plane(of_factors, a, (d1, d2), PLANE),
    "merged": plane(loss, tuned[0], (m1, m2), PLANE),
    "models": plane(loss, base, (to_a, to_b), MODELS),
    "turned": plane(loss, base, (to_a, turned), MODELS),
    "coordinates": [share.item(), (1 / length).item()],
    "gradient": torch.cat([g.flatten() for g in gradient]).tolist(),
    "vector": torch.cat([t.flatten() for t in v.values()]).tolist(),
    "product": torch.cat([p.flatten() for p in product]).tolist(),
    "soup": [loss({n: (tuned[0][n] + tuned[1][n]) / 2 for n in base}).item()],
}

HERE.mkdir(exist_ok=True)
config = json.dumps({"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA}) + "\n"
(HERE / "adapter_config.json").write_text(config)
for name, factors in (("a", a), ("b", b)):
    (HERE / name).mkdir(exist_ok=True)
    (HERE / name / "adapter_config.json").write_text(config)
    peft = {f"base_model.model.{n}.weight": t for n, t in factors.items()}
    save_file(single(peft), HERE / name / "adapter_model.safetensors")
save_file(single(base), HERE / "base.safetensors")
wrapped = {f"{n.replace('.', '.base_layer.')}": t for n, t in base.items()}
save_file(single(wrapped | {f"{n}.default.weight": t for n, t in a.items()}), HERE / "whole.safetensors")
still = {n: torch.zeros_like(t) for n, t in base.items()}
named = lambda d: still | {f"{n}.weight": t for n, t in d.items()}
save_file(single({f"d{i}.{n}": t for i, d in ((1, d1), (2, d2)) for n, t in named(d).items()}), HERE / "directions.safetensors")
save_file(single({f"d{i}.{n}": t for i, d in ((1, m1), (2, m2)) for n, t in d.items()}), HERE / "merged.safetensors")
np.savez(HERE / "data.npz", x=x.float().numpy(), y=y.numpy())
lines = [" ".join([name, *(repr(value) for value in values)]) for name, values in truth.items()]
(HERE / "truth.txt").write_text("\n".join(lines) + "\n")
