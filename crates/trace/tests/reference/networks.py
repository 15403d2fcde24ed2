"""Writes networks.txt: losses, standard errors, gradients and Hessian products of common networks, by PyTorch in f64.

    python networks.py

The networks are those of ../it/networks.rs, with its names of parameters. Parameters, directions and data are no part of
the file: both sides make them from the same integers (`numbers`), as multiples of 2^-11, exact in f32. Written
with torch 2.9.0.

Each line is a name and numbers. For network NAME and n samples:
NAME.n.loss  loss and standard error (0 for one sample) at the parameters, and moved by half the direction `d`
NAME.n.gradient  for each trainable tensor of `NAME.layout` the inner product of the gradient with `u`
NAME.n.hessian  the same of the Hessian's product with `v`
"""

from pathlib import Path

import torch
import torch.nn.functional as F

SIZES = (1, 7, 140, 300)
MASK = (1 << 64) - 1
CLASS_WEIGHTS = torch.tensor([0.25, 1.0, 2.5], dtype=torch.float64)
IGNORED = 3
WORDS, TOKENS, WIDTH, HEADS = 11, 5, 8, 2


def integers(name, n):
    """64 random bits each: SplitMix64, started by the FNV-1a hash of a name."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    found = []
    for i in range(n):
        z = (state + (i + 1) * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        found.append(z ^ (z >> 31))
    return found


def numbers(name, shape):
    """Multiples of 2^-11 in [-1, 1)."""
    n = int(torch.tensor(shape).prod())
    values = [(z >> 52) - 2048 for z in integers(name, n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape) / 2048


def classes(name, shape, below):
    n = int(torch.tensor(shape).prod())
    return torch.tensor([(z >> 33) % below for z in integers(name, n)]).reshape(shape)


def start(network, name, shape):
    """The value of a parameter: half the numbers of its name, around 1 for scales and variances."""
    values = numbers(f"{network}.{name}", shape) / 2
    scale = name.endswith("running_var") or ("norm" in name and name.endswith("weight"))
    return values + 1 if scale else values


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))


def layer_norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)


def batch_norm(p, name, x):
    own = [p[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    return F.batch_norm(x, *own, False, 0.0, 1e-5)


def conv(p, name, x, **options):
    return F.conv2d(x, p[f"{name}.weight"], p.get(f"{name}.bias"), **options)


def attention(p, name, x, mask=None):
    n, t, d = x.shape
    split = lambda part: linear(p, f"{name}.{part}", x).reshape(n, t, HEADS, d // HEADS).transpose(1, 2)
    q, k, v = map(split, ("query", "key", "value"))
    scores = q @ k.transpose(2, 3) / (d // HEADS) ** 0.5
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    mixed = (scores.softmax(3) @ v).transpose(1, 2).reshape(n, t, d)
    return linear(p, f"{name}.output", mixed)


def linear_layout(name, i, o, bias=True):
    return {f"{name}.weight": (o, i), **({f"{name}.bias": (o,)} if bias else {})}


def conv_layout(name, i, o, *kernel, groups=1):
    return {f"{name}.weight": (o, i // groups, *kernel), f"{name}.bias": (o,)}


def norm_layout(name, width, batch=False):
    own = {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    if batch:
        own |= {f"{name}.running_mean": (width,), f"{name}.running_var": (width,)}
    return own


def attention_layout(name):
    parts = [linear_layout(f"{name}.{part}", WIDTH, WIDTH) for part in ("query", "key", "value", "output")]
    return {k: v for part in parts for k, v in part.items()}


def cross_entropy(logits, data, n):
    """What each sample adds to the numerator and to the denominator of the mean loss."""
    return F.cross_entropy(logits, data["y"][:n], reduction="none"), torch.ones(n, dtype=torch.float64)


def weighted(logits, data, n):
    y = data["y"][:n]
    return F.cross_entropy(logits, y, reduction="none") * CLASS_WEIGHTS[y], CLASS_WEIGHTS[y]


def squares(found, wanted):
    each = ((found - wanted) ** 2).flatten(1).mean(1)
    return each, torch.ones(len(each), dtype=torch.float64)


def hard_sigmoid(x):
    """That of PyTorch, which has no second derivative."""
    return F.relu6(x + 3) / 6


def vit(pool):
    def forward(p, data, n):
        x = conv(p, "patch", data["image"][:n], stride=4).flatten(2).transpose(1, 2)
        if pool == "cls":
            x = torch.cat([p["token"].expand(n, 1, WIDTH), x], 1)
        x = x + p["place"]
        x = x + attention(p, "attention", layer_norm(p, "norm_1", x))
        x = x + linear(p, "outer", F.gelu(linear(p, "inner", layer_norm(p, "norm_2", x))))
        x = layer_norm(p, "norm_3", x)
        x = x[:, 0] if pool == "cls" else x.mean(1)
        return cross_entropy(linear(p, "head", x), data, n)

    tokens = 5 if pool == "cls" else 4
    layout = {"token": (1, 1, WIDTH)} if pool == "cls" else {}
    layout |= {"place": (1, tokens, WIDTH)} | conv_layout("patch", 1, WIDTH, 4, 4)
    layout |= attention_layout("attention") | norm_layout("norm_1", WIDTH) | norm_layout("norm_2", WIDTH)
    layout |= linear_layout("inner", WIDTH, 12) | linear_layout("outer", 12, WIDTH)
    return layout | norm_layout("norm_3", WIDTH) | linear_layout("head", WIDTH, 3), forward


def gpt(ignoring):
    def forward(p, data, n):
        x = (p["word.weight"][data["words"][:n]] + p["position.weight"]) / 2
        mask = torch.ones(TOKENS, TOKENS, dtype=torch.bool).triu(1)
        name = "body.layers.0"
        x = x + attention(p, f"{name}.mha", layer_norm(p, f"{name}.norm_2", x), mask)
        h = F.gelu(linear(p, f"{name}.pwff.linear_inner", layer_norm(p, f"{name}.norm_1", x)))
        x = x + linear(p, f"{name}.pwff.linear_outer", h)
        logits, y = linear(p, "head", x), data["next"][:n]
        each = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").reshape(n, TOKENS)
        if not ignoring:
            return each.mean(1), torch.ones(n, dtype=torch.float64)
        kept = (y != IGNORED).double()
        return (each * kept).sum(1), kept.sum(1)

    layer = "body.layers.0"
    layout = {"word.weight": (WORDS, WIDTH), "position.weight": (TOKENS, WIDTH)}
    layout |= attention_layout(f"{layer}.mha") | norm_layout(f"{layer}.norm_1", WIDTH)
    layout |= norm_layout(f"{layer}.norm_2", WIDTH) | linear_layout(f"{layer}.pwff.linear_inner", WIDTH, 12)
    layout |= linear_layout(f"{layer}.pwff.linear_outer", 12, WIDTH)
    return layout | linear_layout("head", WIDTH, WORDS), forward


def recurrent(gates, cell):
    """`cell`: of x, the state, and the gates' weights and biases one after another, as PyTorch has them."""

    def forward(p, data, n):
        join = lambda part, of: torch.cat([p[f"cell.{gate}.{part}_transform.{of}"] for gate in gates])
        parts = [join(part, of) for of in ("weight", "bias") for part in ("input", "hidden")]
        x = data["sequence"][:n]
        state = [torch.zeros(n, 5, dtype=torch.float64)] * 2
        for t in range(x.shape[1]):
            state = cell(x[:, t], state, parts)
        return weighted(linear(p, "head", state[0]), data, n)

    layout = {}
    for gate in gates:
        layout |= linear_layout(f"cell.{gate}.input_transform", 4, 5)
        layout |= linear_layout(f"cell.{gate}.hidden_transform", 5, 5)
    return layout | linear_layout("head", 5, 3), forward


def lstm_cell(x, state, parts):
    return torch._VF.lstm_cell(x, state, *parts)


def gru_cell(x, state, parts):
    return [torch._VF.gru_cell(x, state[0], *parts)]


def unet():
    def forward(p, data, n):
        a = F.relu(conv(p, "down", data["image"][:n], padding=1))
        b = F.relu(conv(p, "bottom", F.max_pool2d(a, 2), padding=1))
        up = F.conv_transpose2d(b, p["up.weight"], p["up.bias"], stride=2)
        c = F.relu(conv(p, "merge", torch.cat([a, up], 1), padding=1))
        return squares(conv(p, "head", c), data["mask"][:n])

    layout = conv_layout("down", 1, 3, 3, 3) | conv_layout("bottom", 3, 4, 3, 3)
    layout |= {"up.weight": (4, 3, 2, 2), "up.bias": (3,)}
    return layout | conv_layout("merge", 6, 3, 3, 3) | conv_layout("head", 3, 1, 1, 1), forward


def autoencoder():
    def forward(p, data, n):
        x = data["image"][:n]
        h = F.relu(conv(p, "first", x, stride=2, padding=1))
        h = F.relu(conv(p, "second", h, stride=2, padding=1))
        h = F.relu(F.conv_transpose2d(h, p["third.weight"], p["third.bias"], 2, 1, 1))
        h = F.conv_transpose2d(h, p["fourth.weight"], p["fourth.bias"], 2, 1, 1)
        return squares(torch.sigmoid(h), x)

    layout = conv_layout("first", 1, 3, 3, 3) | conv_layout("second", 3, 4, 3, 3)
    layout |= {"third.weight": (4, 3, 3, 3), "third.bias": (3,)}
    return layout | {"fourth.weight": (3, 1, 3, 3), "fourth.bias": (1,)}, forward


def inverted(act, gate):
    """Expansion, depthwise convolution, squeeze and excitation, projection, and a shortcut."""

    def forward(p, data, n):
        x = conv(p, "stem", data["image"][:n], stride=2, padding=1)
        h = act(batch_norm(p, "norm_1", conv(p, "expand", x)))
        h = act(batch_norm(p, "norm_2", conv(p, "depthwise", h, padding=1, groups=6)))
        s = F.adaptive_avg_pool2d(h, 1)
        s = gate(conv(p, "excite", F.relu(conv(p, "squeeze", s))))
        x = x + batch_norm(p, "norm_3", conv(p, "project", h * s))
        return cross_entropy(linear(p, "head", x.mean((2, 3))), data, n)

    layout = conv_layout("stem", 1, 3, 3, 3) | conv_layout("expand", 3, 6, 1, 1)
    layout |= norm_layout("norm_1", 6, True) | conv_layout("depthwise", 6, 6, 3, 3, groups=6)
    layout |= norm_layout("norm_2", 6, True) | conv_layout("squeeze", 6, 2, 1, 1) | conv_layout("excite", 2, 6, 1, 1)
    layout |= conv_layout("project", 6, 3, 1, 1) | norm_layout("norm_3", 3, True)
    return layout | linear_layout("head", 3, 3), forward


def convnext():
    def forward(p, data, n):
        x = conv(p, "stem", data["image"][:n], stride=2)
        h = conv(p, "depthwise", x, padding=3, groups=4).permute(0, 2, 3, 1)
        h = linear(p, "outer", F.gelu(linear(p, "inner", layer_norm(p, "norm", h))))
        x = x + (h * p["scale"]).permute(0, 3, 1, 2)
        return cross_entropy(linear(p, "head", x.mean((2, 3))), data, n)

    layout = conv_layout("stem", 1, 4, 2, 2) | conv_layout("depthwise", 4, 4, 7, 7, groups=4)
    layout |= norm_layout("norm", 4) | linear_layout("inner", 4, 8) | linear_layout("outer", 8, 4)
    return layout | {"scale": (4,)} | linear_layout("head", 4, 3), forward


def conv1d():
    def forward(p, data, n):
        x = data["signal"][:n]
        h = F.relu(F.conv1d(x, p["first.weight"], p["first.bias"], padding=1))
        h = F.avg_pool1d(h, 2)
        h = F.relu(F.conv1d(h, p["second.weight"], p["second.bias"], dilation=2))
        return cross_entropy(linear(p, "head", h.mean(2)), data, n)

    layout = conv_layout("first", 2, 4, 3) | conv_layout("second", 4, 5, 3)
    return layout | linear_layout("head", 5, 3), forward


def pinn():
    def forward(p, data, n):
        x = data["point"][:n]
        h = torch.sin(linear(p, "second", torch.sin(linear(p, "first", x * 3))))
        return squares(linear(p, "third", h), torch.sin(3 * x).prod(1, keepdim=True))

    layout = linear_layout("first", 2, 8) | linear_layout("second", 8, 8)
    return layout | linear_layout("third", 8, 1), forward


NETWORKS = {
    "vit-mean": vit("mean"),
    "vit-cls": vit("cls"),
    "gpt": gpt(False),
    "gpt-ignoring": gpt(True),
    "lstm": recurrent(("input_gate", "forget_gate", "cell_gate", "output_gate"), lstm_cell),
    "gru": recurrent(("reset_gate", "update_gate", "new_gate"), gru_cell),
    "unet": unet(),
    "autoencoder": autoencoder(),
    "mobilenet": inverted(lambda x: x * hard_sigmoid(x), hard_sigmoid),
    "efficientnet": inverted(F.silu, torch.sigmoid),
    "convnext": convnext(),
    "conv1d": conv1d(),
    "pinn": pinn(),
}


def data():
    n = SIZES[-1]
    shapes = {"image": (n, 1, 8, 8), "mask": (n, 1, 8, 8), "sequence": (n, 6, 4)}
    shapes |= {"signal": (n, 2, 12), "point": (n, 2)}
    found = {name: numbers(name, shape) for name, shape in shapes.items()}
    found["y"] = classes("y", (n,), 3)
    found["words"] = classes("words", (n, TOKENS), WORDS)
    found["next"] = classes("next", (n, TOKENS), WORDS)
    return found


def is_buffer(name):
    return "running" in name


def mean_and_error(a, b):
    """Ratio estimator, written out: sum a / sum b, and the spread of what each sample adds to it."""
    mean = a.sum() / b.sum()
    n = len(a)
    if n == 1:
        return mean, torch.tensor(0.0)
    influence = (a - mean * b) * n / b.sum()
    return mean, influence.std() / n**0.5


def lines(name, layout, forward, samples, n):
    theta = {k: start(name, k, shape) for k, shape in layout.items()}
    move = {k: numbers(f"{name}.d.{k}", shape) / 2 for k, shape in layout.items() if not is_buffer(k)}
    found = []
    for t in (0.0, 0.5):
        at = {k: v + t * move[k] if k in move else v for k, v in theta.items()}
        found += mean_and_error(*forward(at, samples, n))
    yield f"{name}.{n}.loss", found
    trained = [k for k in layout if not is_buffer(k)]
    for k in trained:
        theta[k].requires_grad_()
    a, b = forward(theta, samples, n)
    values = [theta[k] for k in trained]
    gradient = torch.autograd.grad(a.sum() / b.sum(), values, create_graph=True)
    inner = lambda k, x: (numbers(f"{name}.u.{k}", layout[k]) * x).sum()
    yield f"{name}.{n}.gradient", [inner(k, g) for k, g in zip(trained, gradient)]
    slope = sum((numbers(f"{name}.v.{k}", layout[k]) * g).sum() for k, g in zip(trained, gradient))
    products = torch.autograd.grad(slope, values)
    yield f"{name}.{n}.hessian", [inner(k, h) for k, h in zip(trained, products)]


def main():
    torch.set_num_threads(1)
    samples = data()
    with open(Path(__file__).with_suffix(".txt"), "w") as out:
        out.write("# Written by networks.py, which says what the lines are.\n")
        for name, (layout, forward) in NETWORKS.items():
            shape = lambda k: f"{k}:{'x'.join(map(str, layout[k]))}"
            out.write(f"{name}.layout {' '.join(shape(k) for k in layout)}\n")
            for n in SIZES:
                for key, values in lines(name, layout, forward, samples, n):
                    out.write(f"{key} {' '.join(f'{v.item():.13g}' for v in values)}\n")


if __name__ == "__main__":
    main()
