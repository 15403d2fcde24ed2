"""Writes mixing.txt: losses, gradients and Hessian products of losses that mix their samples, by PyTorch in f64.

    python mixing.py

The networks are those of ../it/mixing.rs; names, numbers and lines are those of networks.py. A standard error says nothing
here.
"""

from pathlib import Path

import torch
import torch.nn.functional as F

from networks import SIZES, classes, conv, conv_layout, cross_entropy, linear, linear_layout, lines, norm_layout, numbers


def mean(x):
    """A loss by itself, as the ratio that networks.py expects."""
    return x.reshape(1), torch.ones(1, dtype=torch.float64)


def unit(x):
    return x / x.square().sum(1, keepdim=True).sqrt()


def encoded(p, x):
    return linear(p, "fc2", torch.tanh(linear(p, "fc1", x)))


ENCODER = linear_layout("fc1", 6, 8) | linear_layout("fc2", 8, 5)


def both(p, data, n):
    return encoded(p, data["left"][:n]), encoded(p, data["right"][:n])


def infonce(p, data, n):
    a, b = both(p, data, n)
    logits = unit(a) @ unit(b).T * 2
    same = torch.arange(n)
    return mean((F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2)


def ntxent(p, data, n):
    """The views are one batch after the other, behind a small convolutional network."""
    def encoder(x):
        h = F.relu(conv(p, "conv", x, stride=2, padding=1))
        return linear(p, "head", h.mean((2, 3)))

    z = unit(torch.cat([encoder(data["image"][:n]), encoder(data["mask"][:n])]))
    logits = (z @ z.T * 2).masked_fill(torch.eye(2 * n, dtype=torch.bool), -1e9)
    return mean(F.cross_entropy(logits, torch.cat([torch.arange(n, 2 * n), torch.arange(n)])))


def supervised(p, data, n):
    y = data["y"][:n]
    z = unit(encoded(p, data["left"][:n]))
    others = 1 - torch.eye(n, dtype=torch.float64)
    positive = (y[:, None] == y[None, :]).double() * others
    logits = z @ z.T * 2
    each = logits - (1 + (logits.exp() * others).sum(1, keepdim=True)).log()
    return mean(-((positive * each).sum(1) / (1 + positive.sum(1))).mean())


def triplet(p, data, n):
    """The furthest of the same class and the nearest of another."""
    y = data["y"][:n]
    z = encoded(p, data["left"][:n])
    distances = (z[:, None, :] - z[None, :, :]).square().sum(2)
    same = (y[:, None] == y[None, :]).double()
    furthest = (distances * same).amax(1)
    nearest = (distances + same * 100).amin(1)
    return mean(F.softplus(furthest - nearest).mean())


def sorting(p, data, n):
    """The distance of Wasserstein of two samples of numbers."""
    a, b = (x[:, :2].sort(0).values for x in both(p, data, n))
    return mean((a - b).square().mean())


def cumulative(p, data, n):
    """Cox's partial likelihood of survival, of samples in the order of time."""
    z = encoded(p, data["left"][:n])[:, 0]
    return mean((z.exp().cumsum(0).log() - z).mean())


def covariance(p, data, n):
    """Barlow Twins, with standardised views."""
    def standard(x):
        centred = x - x.mean(0, keepdim=True)
        return centred / (centred.square().mean(0, keepdim=True) + 0.1).sqrt()

    a, b = both(p, data, n)
    c = standard(a).T @ standard(b) / n
    weights = 0.05 + 0.95 * torch.eye(5, dtype=torch.float64)
    return mean(((c - torch.eye(5, dtype=torch.float64)).square() * weights).sum())


def pooled(p, data, n):
    """Attention over the samples, and a layer on each of them after it."""
    z = encoded(p, data["left"][:n])
    shares = z[:, :1].softmax(0)
    context = (shares * z).sum(0, keepdim=True)
    h = torch.tanh(linear(p, "fc3", z - context))
    return mean(F.cross_entropy(h, data["y"][:n]))


def normalised(p, data, n):
    """BatchNorm with the statistics of the batch, as in training."""
    h = conv(p, "conv", data["image"][:n], stride=2, padding=1)
    h = F.batch_norm(h, None, None, p["norm.weight"], p["norm.bias"], True, 0.0, 1e-5)
    return cross_entropy(linear(p, "head", F.relu(h).mean((2, 3))), data, n)


NETWORKS = {
    "infonce": (ENCODER, infonce),
    "ntxent": (conv_layout("conv", 1, 4, 3, 3) | linear_layout("head", 4, 5), ntxent),
    "supervised": (ENCODER, supervised),
    "triplet": (ENCODER, triplet),
    "sorting": (ENCODER, sorting),
    "cumulative": (ENCODER, cumulative),
    "covariance": (ENCODER, covariance),
    "normalised": (
        conv_layout("conv", 1, 4, 3, 3) | norm_layout("norm", 4, batch=True) | linear_layout("head", 4, 3),
        normalised,
    ),
    "pooled": (ENCODER | linear_layout("fc3", 5, 3), pooled),
}


def data():
    n = SIZES[-1]
    shapes = {"image": (n, 1, 8, 8), "mask": (n, 1, 8, 8), "left": (n, 6), "right": (n, 6)}
    return {name: numbers(name, shape) for name, shape in shapes.items()} | {"y": classes("y", (n,), 3)}


def main():
    torch.set_num_threads(1)
    samples = data()
    with open(Path(__file__).with_suffix(".txt"), "w") as out:
        out.write("# Written by mixing.py, which says what the lines are.\n")
        for name, (layout, forward) in NETWORKS.items():
            shape = lambda k: f"{k}:{'x'.join(map(str, layout[k]))}"
            out.write(f"{name}.layout {' '.join(shape(k) for k in layout)}\n")
            for n in SIZES:
                for key, values in lines(name, layout, forward, samples, n):
                    out.write(f"{key} {' '.join(f'{v.item():.13g}' for v in values)}\n")


if __name__ == "__main__":
    main()
