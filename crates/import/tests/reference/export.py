"""Exports the networks of `networks.py` with PyTorch in every format that is read, and computes what their losses are.

    python export.py [--out FOLDER] [--samples N] [NAME ...]

writes `NAME.zip` for each (see README.md). Everything is seeded; weights and data have few significant bits, so that the
archives are small. With --samples the exports are for so many samples, and none is free. PyTorch 2.9, torchvision 0.24, onnx, onnxscript.
"""

import argparse
import io
import json
import logging
import pathlib
import re
import tempfile
import warnings
import zipfile

import numpy as np
import onnx
import torch
from networks import NETWORKS
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

SAMPLES, EXPORTED = 7, 4
# Networks in which coarse images give equal numbers in a window of a pooling, or numbers at a kink: theirs are finer.
FINE = ("densenet121", "mobilenet_v2", "resnet18", "resnet20", "shufflenet_v2", "vgg11_bn")


def uniform(seed, tensor, count):
    """Numbers in [-1, 1) of 16 bits, from a seed and the number of a tensor: the same in Rust (tests/it/reference.rs)."""
    i = np.arange(count, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    h = (i * np.uint64(2654435761) + np.uint64(tensor * 40503 + seed * 97)) & mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & mask
    h = (h ^ (h >> np.uint64(16))) & np.uint64(0xFFFF)
    return h.astype(np.float64) / 32768 - 1


def coarse(x, bits=4):
    """Rounded to so many significant bits, below the largest of a tensor."""
    top = x.abs().max()
    if not x.is_floating_point() or top == 0:
        return x
    unit = 2.0 ** (torch.floor(torch.log2(top)) + 1 - bits)
    return torch.round(x / unit) * unit


def inputs_of(name, shape, loss, entries, net):
    """Inputs and targets of all samples."""
    generator = torch.Generator().manual_seed(17)
    if entries is not None:
        x = torch.randint(0, entries, (SAMPLES, *shape), generator=generator)
    else:
        x = coarse(torch.randn(SAMPLES, *shape, generator=generator).clamp(-2.9, 2.9), 16 if name in FINE else 4)
    if name == "distillation":
        soft = coarse(torch.randn(SAMPLES, 4, generator=generator))
        return [x, soft, torch.randint(0, 4, (SAMPLES,), generator=generator)], None
    if loss == "program":
        return [x], None
    out = net(x)
    if loss == "mse":
        return [x], coarse(torch.rand(out.shape, generator=generator))
    classes = 1 if out.ndim == 4 or out.ndim == 2 else -1
    places = [n for axis, n in enumerate(out.shape) if axis != classes % out.ndim]
    return [x], torch.randint(0, out.shape[classes], places, generator=generator)


def build(name):
    """The network with coarse weights, in evaluation, its statistics those of data."""
    make, shape, loss, entries = NETWORKS[name]
    torch.manual_seed(5)
    net = make()
    # Momentum 1: the statistics of one batch.
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 1:
                parameter += 0.1 * torch.randn_like(parameter)
            elif parameter.std() < 0.005:
                parameter.normal_(std=0.02)
            if parameter.shape[:1] == (10,) and parameter.ndim == 2:
                parameter *= 2
            parameter.copy_(coarse(parameter))
        inputs, _ = inputs_of(name, shape, "program", entries, net)
        if any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in net.modules()):
            net.train()
            for module in net.modules():
                if isinstance(module, nn.Dropout):
                    module.eval()
            net(torch.cat([inputs[0], coarse(torch.randn_like(inputs[0]))]))
        for key, buffer in net.named_buffers():
            if key.endswith(("running_mean", "running_var")):
                buffer.copy_(coarse(buffer, 6))
            if key.endswith("running_var"):
                buffer.clamp_(min=2.0 ** -10)
    return net.eval(), inputs_of(name, shape, loss, entries, net.eval()), loss


def losses(net, inputs, targets, loss):
    """The loss of every sample, or the one of all (`distillation`)."""
    out = net(*inputs)
    if loss == "program":
        return out
    if loss == "mse":
        return ((out - targets) ** 2).flatten(1).mean(1)
    if out.ndim == 3:
        out = out.transpose(1, 2)
    each = F.cross_entropy(out, targets, reduction="none")
    return each.reshape(len(each), -1).mean(1)


def truths(net, inputs, targets, loss):
    """Losses at the weights and a step along each of two directions, and the Hessian times a third; in f64."""
    net = net.double()
    double = lambda x: x.double() if x.is_floating_point() else x
    inputs = [double(x) for x in inputs]
    targets = targets if targets is None else double(targets)
    params = list(net.parameters())
    start = [p.detach().clone() for p in params]
    scales = []
    for p in params:
        rms = max(p.detach().pow(2).mean().sqrt().item(), 1e-2)
        scales.append(2.0 ** (np.floor(np.log2(rms)) - 2))
    def vector(seed):
        flat = [uniform(seed, i, p.numel()) * s for i, (p, s) in enumerate(zip(params, scales))]
        return [torch.from_numpy(v).reshape(p.shape) for v, p in zip(flat, params)]
    found, errors = [], []
    for step in (None, vector(1), vector(2)):
        with torch.no_grad():
            for i, (p, w) in enumerate(zip(params, start)):
                p.copy_(w if step is None else w + step[i])
            each = losses(net, inputs, targets, loss)
        found.append(each.mean().item())
        errors.append(float("nan") if each.ndim == 0 else (each.std(unbiased=True) / len(each) ** 0.5).item())
    with torch.no_grad():
        for p, w in zip(params, start):
            p.copy_(w)
    # Written out where PyTorch has no second derivatives.
    nn.Hardsigmoid.forward = lambda self, x: F.relu6(x + 3) / 6
    with sdpa_kernel(SDPBackend.MATH):
        mean = losses(net, inputs, targets, loss).mean()
        gradient = torch.autograd.grad(mean, params, create_graph=True)
        along = sum((g * v).sum() for g, v in zip(gradient, vector(3)))
        product = torch.autograd.grad(along, params, allow_unused=True)
    product = [torch.zeros_like(p) if h is None else h for h, p in zip(product, params)]
    dots = [(h * w).sum().item() for h, w in zip(product, vector(4))]
    slopes = [(g * w).sum().item() for g, w in zip(gradient, vector(4))]
    net.float()
    return {"scales": np.array(scales), "losses": np.array(found), "standard_errors": np.array(errors),
            "gradient_dots": np.array(slopes), "hessian_dots": np.array(dots)}


def without_folders(text):
    """A stack trace whose files have no folders of this machine."""
    return re.sub(r'"/[^"]*/(?:site-packages/)?([^"/]+/[^"/]+\.py|[^"/]+\.py)"', r'"\1"', text)


def saved(program, path):
    for module in program.graph_module.modules():
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            if node.meta.get("stack_trace"):
                node.meta["stack_trace"] = without_folders(node.meta["stack_trace"])
    torch.export.save(program, path)


def resaved(path):
    model = onnx.load(path)
    for node in model.graph.node:
        node.doc_string = without_folders(node.doc_string)
        for entry in node.metadata_props:
            entry.value = without_folders(entry.value)
    onnx.save(model, path)


def exported(net, few, dynamic):
    batch = {0: torch.export.Dim("batch", min=2, max=100000)}
    shapes = tuple(batch for _ in few) if dynamic else None
    return torch.export.export(net, few, dynamic_shapes=shapes)


def dynamo(net, few, names, path, opset, keep, dynamic):
    batch = torch.export.Dim("batch", min=2, max=100000)
    torch.onnx.export(
        net, few, path, dynamo=True, opset_version=opset, optimize=not keep, external_data=False, verbose=False,
        input_names=names, output_names=["output"],
        dynamic_shapes=tuple({0: batch} for _ in few) if dynamic else None)


def legacy(net, few, names, path, opset, keep, dynamic):
    options = {}
    if keep:
        options = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    torch.onnx.export(
        net, few, path, dynamo=False, opset_version=opset, input_names=names, output_names=["output"],
        dynamic_axes={n: {0: "batch"} for n in [*names, "output"]} if dynamic else None, **options)


def formats_of(net, inputs, name, path, number, samples):
    """Writes every format and says of each what it is; which one cannot be written, and why.

    Both ONNX exporters write opsets that differ by network. Of every third network they optimise, so that names are lost.
    """
    fixed = samples is not None
    samples = samples or EXPORTED
    few, names = tuple(x[:samples] for x in inputs), [f"input_{i}" for i in range(len(inputs))]
    keep, odd = number % 3 != 0, number % 2 == 1
    newer = (18, 20, 21, 22, 23, 24)[number % 6]
    older = (11, 12, 13, 14, 15, 16, 17, 18)[number % 8]
    if name in ("gpt", "vit", "unet", "swin_t"):
        older = max(older, 17)
    if name == "autoencoder":
        older = 13
    def pt2(dynamic, decomposed=False):
        def write(path):
            program = exported(net, few, dynamic)
            saved(program.run_decompositions() if decomposed else program, path)
        return {"dynamic": dynamic}, write
    def model(write, opset, dynamic):
        about = {"opset": opset, "dynamic": dynamic, "names_kept": keep}
        return about, lambda path: (write(net, few, names, path, opset, keep, dynamic), resaved(path))
    if fixed:
        wanted = {"static.pt2": pt2(False), "decomposed.pt2": pt2(False, True),
                  "dynamo.onnx": model(dynamo, newer, False), "legacy.onnx": model(legacy, older, False)}
    else:
        wanted = {"static.pt2": pt2(False), "dynamic.pt2": pt2(True), "decomposed.pt2": pt2(odd, True),
                  "dynamo.onnx": model(dynamo, newer, not odd), "legacy.onnx": model(legacy, older, odd)}
    formats, failures = {}, {}
    for file, (about, write) in wanted.items():
        try:
            write(path / file)
            formats[file] = about
        except Exception as error:
            failures[file] = str(error).strip().splitlines()[0]
    return formats, failures


def reference(name, number, folder, samples=None):
    net, (inputs, targets), loss = build(name)
    with tempfile.TemporaryDirectory() as path:
        path = pathlib.Path(path)
        formats, failures = formats_of(net, inputs, name, path, number, samples)
        found = truths(net, inputs, targets, loss)
        arrays = {f"input_{i}": x.numpy() for i, x in enumerate(inputs)}
        if targets is not None:
            arrays["targets"] = targets.numpy()
        about = {"loss": loss, "samples": SAMPLES, "exported_samples": samples or EXPORTED, "formats": formats, "failures": failures,
                 "parameters": [key for key, _ in net.named_parameters()]}
        with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            def add(file, data):
                archive.writestr(zipfile.ZipInfo(file), data, zipfile.ZIP_DEFLATED, 9)
            for file in formats:
                add(file, (path / file).read_bytes())
            packed = io.BytesIO()
            np.savez(packed, **arrays, **found)
            add("truth.npz", packed.getvalue())
            add("about.json", json.dumps(about, indent=1))
    size = (folder / f"{name}.zip").stat().st_size
    print(f"{name}: {sum(p.numel() for p in net.parameters())} parameters, {size} bytes, "
          f"losses {found['losses']}, {failures or ''}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--samples", type=int)
    parser.add_argument("names", nargs="*", help="networks; all without any")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    for number, name in enumerate(NETWORKS):
        if not options.names or name in options.names:
            usual = nn.Hardsigmoid.forward
            reference(name, number, options.out, options.samples)
            nn.Hardsigmoid.forward = usual


if __name__ == "__main__":
    main()
