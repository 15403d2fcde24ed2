#!/usr/bin/env python3
"""Writes the checkpoints of torch.save in tests/data/pickles.

usage: pickles.py        needs: torch 2.9, numpy 2.4 (pip install them into a virtual environment)

Each holds the network of make.py, mlp:2-3-1, whose values are multiples of 1/8 around 0, in another of the forms in
which people keep such things.
"""
import argparse
import collections
import pathlib

import numpy as np
import torch

DATA = pathlib.Path(__file__).parent.parent / "data" / "pickles"


def values(shape, start):
    count = int(np.prod(shape))
    return ((torch.arange(count) + start - 8) / 8).reshape(shape)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(2, 3)
        self.fc2 = torch.nn.Linear(3, 1)
        self.load_state_dict({
            "fc1.weight": values((3, 2), 0),
            "fc1.bias": values((3,), 6),
            "fc2.weight": values((1, 3), 9),
            "fc2.bias": values((1,), 12),
        })

    def forward(self, x):
        return self.fc2(self.fc1(x).relu())


def views():
    """The same tensors as views of one storage: at offsets, transposed, with strides, expanded."""
    flat = torch.zeros(40)
    weight = flat[3:9].view(2, 3)
    weight.copy_(values((3, 2), 0).t())
    bias = flat[20:26:2]
    bias.copy_(values((3,), 6))
    second = flat[30:33]
    second.copy_(values((3,), 9))
    flat[39] = 0.5
    return collections.OrderedDict([
        ("fc1.weight", weight.t()),
        ("fc1.bias", bias),
        ("fc2.weight", second[None]),
        ("fc2.bias", flat[39].expand(1)),
    ])


def mixed(net):
    """Other precisions (exact for these values), parameters, a counter, and what scripts keep beside."""
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    kinds = {"fc1.weight": torch.float16, "fc1.bias": torch.float64, "fc2.weight": torch.bfloat16}
    weights = {f"module.{name}": tensor.to(kinds.get(name, torch.float32)) for name, tensor in state.items()}
    weights["module.fc2.bias"] = torch.nn.Parameter(weights["module.fc2.bias"])
    weights["module.bn1.num_batches_tracked"] = torch.tensor(7)
    return {
        "epoch": 300,
        "best_acc": np.float64(93.5),
        "args": argparse.Namespace(lr=0.1, big=2**70, name="résumé"),
        "history": [0.5, (1, None, True), {"a": -3}, {1, 2}],
        "optimizer": momentum(net),
        "state_dict": weights,
    }


def momentum(net):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


def main():
    DATA.mkdir(exist_ok=True)
    save = lambda name, object, **how: torch.save(object, DATA / name, **how)
    old = {"_use_new_zipfile_serialization": False}
    save("plain.pt", Net().state_dict())
    save("plain.t7", Net().state_dict(), **old)
    save("views.pth", views())
    save("views.t7", {"acc": 91.25, "epoch": 3, "net": views()}, **old)
    save("mixed.pth", mixed(Net()))
    save("mixed.t7", mixed(Net()), **old)
    save("protocol5.pt", {"model": Net().state_dict()}, pickle_protocol=5)
    save("protocol4.t7", {"model": Net().state_dict()}, pickle_protocol=4, **old)
    broken = {"fc1.weight": values((3, 3), 0), "fc1.bias": values((3,), 6), "fc3.bias": values((1,), 0)}
    save("broken.pt", broken)
    integers = {"fc1.weight": torch.arange(6).reshape(3, 2)}
    save("integers.t7", integers, **old)


if __name__ == "__main__":
    main()
