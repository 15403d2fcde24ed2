"""Writes filters.zip: small layers as programs, and which elements of their weights make which output unit.

python filters.py && python ../scrub.py filters.zip     # torch 2.9, onnx, onnxscript
"""

import io
import json
import logging
import os
import tempfile
import warnings
import zipfile

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class Own(nn.Module):
    """A function of inputs and one weight."""

    def __init__(self, shape, function):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape))
        self.function = function

    def forward(self, x):
        return self.function(x, self.weight)


# A layer, its input, and the axes of its output that count units.
CASES = {
    "linear": (nn.Linear(3, 4, bias=False), torch.randn(2, 3), [1]),
    "right": (Own([3, 4], lambda x, w: x @ w), torch.randn(2, 3), [1]),
    "left": (Own([4, 3], lambda x, w: (w @ x.T).T), torch.randn(2, 3), [1]),
    "turned": (Own([3, 4], lambda x, w: nn.functional.linear(x, w.t())), torch.randn(2, 3), [1]),
    "addmm": (Own([3, 4], lambda x, w: torch.addmm(torch.ones(4), x, w)), torch.randn(2, 3), [1]),
    "batched": (Own([5, 3, 4], lambda x, w: torch.matmul(x.unsqueeze(1), w)), torch.randn(2, 5, 3).mean(1, keepdim=True).repeat(1, 2, 1), [1, 3]),
    "heads": (Own([3, 2, 4], lambda x, w: torch.einsum("bi,ihd->bhd", x, w)), torch.randn(2, 3), [1, 2]),
    "joined": (Own([2, 4, 3], lambda x, w: torch.einsum("bhd,hdo->bo", x, w)), torch.randn(2, 2, 4), [1]),
    "conv": (nn.Conv2d(4, 6, 3, groups=2, bias=False), torch.randn(2, 4, 4, 4), [1]),
    "up1d": (nn.ConvTranspose1d(3, 4, 3, bias=False), torch.randn(2, 3, 4), [1]),
    "up2d": (nn.ConvTranspose2d(4, 5, 3, stride=2, bias=False), torch.randn(2, 4, 3, 3), [1]),
    "up2d_groups": (nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False), torch.randn(2, 4, 3, 3), [1]),
    "up2d_each": (nn.ConvTranspose2d(4, 4, 3, groups=4, bias=False), torch.randn(2, 4, 3, 3), [1]),
    "up3d": (nn.ConvTranspose3d(2, 3, 2, bias=False), torch.randn(2, 2, 2, 2, 2), [1]),
    "bilinear": (Own([3, 2, 4], lambda x, w: nn.functional.bilinear(x[:, :2], x[:, 2:], w)), torch.randn(2, 6), [1]),
}


def units(net, x, axes):
    """For each element of the weight the number of the unit whose outputs move with it."""
    (weight,) = net.parameters()
    out = net(x)
    rows = out.movedim(axes, list(range(len(axes)))).flatten(0, len(axes) - 1).flatten(1)
    made = torch.full_like(weight, -1)
    for unit, row in enumerate(rows):
        (slope,) = torch.autograd.grad(row.square().sum(), weight, retain_graph=True)
        assert ((made < 0) | (slope == 0)).all(), "an element makes two units"
        made[slope != 0] = unit
    assert (made >= 0).all()
    return made.flatten().int().tolist()


def twin(path, nodes, weights):
    """A perceptron in ONNX with weights as they are multiplied, under the names of the state dict."""
    graph = helper.make_graph(
        nodes,
        "twin",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 5])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(w, name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, producer_name="pytorch", opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)


def twins(folder):
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    program = torch.export.export(net, (torch.randn(2, 5),), dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.export.save(program, f"{folder}/twin.pt2")
    weights = {name: np.ascontiguousarray(p.detach().numpy().T) for name, p in net.named_parameters()}
    node = helper.make_node
    twin(f"{folder}/twin_matmul.onnx", [
        node("MatMul", ["x", "0.weight"], ["a"]), node("Add", ["a", "0.bias"], ["b"]), node("Relu", ["b"], ["c"]),
        node("MatMul", ["c", "2.weight"], ["d"]), node("Add", ["d", "2.bias"], ["out"]),
    ], weights)
    twin(f"{folder}/twin_gemm.onnx", [
        node("Gemm", ["x", "0.weight", "0.bias"], ["b"]), node("Relu", ["b"], ["c"]),
        node("Gemm", ["c", "2.weight", "2.bias"], ["out"]),
    ], weights)


def main():
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        about = {}
        for name, (net, x, axes) in CASES.items():
            net.eval()
            about[name] = units(net, x, axes)
            program = torch.export.export(net, (x,))
            torch.export.save(program, f"{folder}/{name}.pt2")
            torch.export.save(program.run_decompositions(), f"{folder}/{name}.core.pt2")
            torch.onnx.export(net, (x,), f"{folder}/{name}.onnx", dynamo=True, optimize=False, external_data=False, verbose=False)
        twins(folder)
        with open(f"{folder}/units.json", "w") as file:
            json.dump(about, file)
        with zipfile.ZipFile(os.path.join(os.path.dirname(os.path.abspath(__file__)), "filters.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(os.listdir(folder)):
                archive.write(f"{folder}/{name}", name)


main()
