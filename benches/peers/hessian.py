"""Products with the Hessian by PyTorch: `torch.autograd.grad` twice.

    python hessian.py inputs DIR [--cifar FOLDER] [--checkpoint FILE]
    python hessian.py time WORKLOAD DIR [--threads N] [--repeats N]
    python hessian.py table FILE

`inputs` writes DIR/NAME.data.safetensors and DIR/NAME.weights.safetensors: digits and images, of CIFAR-10 where
the folder of its binary version is given, else of noise; initial weights, or for ResNet-20 those of a checkpoint.
`time` prints a line of JSON for each task; `table` makes a table of such lines, those of `cargo bench --bench
hessian -- --json` among them, and ends with code 1 when products differ by more than the limit.

Networks are in evaluation mode. `product xK` is one gradient with `create_graph`, then K times its derivative along
a vector; `kept graph x1` is that last step alone, as tools do it that keep the graph of all data in memory;
`forward over reverse x1` is `torch.func.jvp` of `torch.func.grad`.
"""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch.func import functional_call, grad, jvp

from problem import initial, mnist, network, noise
from workloads import Workload, clock, own_peak_kib

import gpt  # noqa: E402  (problem.py adds its folder to the path)

WORKLOADS = {
    "resnet20": Workload("resnet20", 256, "cross-entropy"),
    "mnist-10000": Workload("mlp:784-20-10", 10_000, "cross-entropy"),
    "gpt": Workload("gpt:vocab=1000,context=64,dim=128,depth=4,heads=4", 1024, "cross-entropy"),
}
LIMIT = 1e-3
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


# ---------------------------------------------------------------------------------------------- inputs


def cifar(folder, n):
    raw = np.fromfile(Path(folder) / "data_batch_1.bin", dtype=np.uint8).reshape(-1, 3073)[:n]
    x = raw[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255
    mean, std = (np.array(v, dtype=np.float32).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    return (x - mean) / std, raw[:, 0].astype(np.int64)


def language_model():
    """The workload's network, with GPT-2's names and initial values of its kind."""
    gpt.VOCAB, gpt.CONTEXT, gpt.DIM, gpt.DEPTH, gpt.HEADS = 1000, 64, 128, 4, 4
    return gpt.Gpt(tied=False)


def tokens(n):
    rng = np.random.default_rng(0)
    return rng.integers(0, 1000, (n, 64)), rng.integers(0, 1000, (n, 64))


def write_inputs(args):
    args.folder.mkdir(parents=True, exist_ok=True)
    for name, workload in WORKLOADS.items():
        if name == "gpt":
            x, y = tokens(workload.samples)
        elif workload.convolutional:
            x, y = cifar(args.cifar, workload.samples) if args.cifar else noise(workload.samples)
        else:
            x, y = mnist(workload.samples)
        x, y = torch.from_numpy(x.copy()), torch.from_numpy(y.copy())
        state = language_model().state_dict() if name == "gpt" else initial(workload, x)
        if name == "resnet20" and args.checkpoint:
            state = load_file(args.checkpoint)
        save_file({"x": x, "y": y}, args.folder / f"{name}.data.safetensors")
        save_file(state, args.folder / f"{name}.weights.safetensors")


# ---------------------------------------------------------------------------------------------- timing


def signs(number, n):
    """Entries -1 and 1 by the formula of benches/hessian.rs."""
    i = np.arange(number * n + 1, (number + 1) * n + 1, dtype=np.uint64)
    mixed = (i * 2654435761) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> np.uint64(15))) * 2246822519) & 0xFFFFFFFF
    return torch.from_numpy(np.where(mixed >> np.uint64(31) == 1, -1.0, 1.0).astype(np.float32))


class Problem:
    def __init__(self, args):
        language = args.workload == "gpt"
        self.model = (language_model() if language else network(WORKLOADS[args.workload].model)).eval()
        state = load_file(args.folder / f"{args.workload}.weights.safetensors")
        counters = {k: v for k, v in self.model.state_dict().items() if k.endswith("num_batches_tracked")}
        self.model.load_state_dict(counters | state)
        self.theta = dict(self.model.named_parameters())
        self.buffers = dict(self.model.named_buffers())
        data = load_file(args.folder / f"{args.workload}.data.safetensors")
        self.x, self.y = data["x"], data["y"]

    def vector(self, number):
        parts = list(self.theta.values())
        flat = signs(number, sum(p.numel() for p in parts)).split([p.numel() for p in parts])
        return [v.view_as(p) for v, p in zip(flat, parts)]

    def of(self, outputs):
        """The mean over samples, or over the tokens of all."""
        return F.cross_entropy(outputs.flatten(0, -2), self.y.flatten())

    def loss(self):
        return self.of(self.model(self.x))

    def forward(self):
        with torch.inference_mode():
            return self.loss()

    def gradient(self, keep=False):
        return torch.autograd.grad(self.loss(), list(self.theta.values()), create_graph=keep)

    def along(self, gradient, vector, keep):
        return torch.autograd.grad(gradient, list(self.theta.values()), vector, retain_graph=keep)

    def products(self, vectors):
        gradient, last = self.gradient(keep=True), len(vectors) - 1
        return [self.along(gradient, v, keep=k < last) for k, v in enumerate(vectors)]

    def forward_over_reverse(self, vector):
        def loss(theta):
            return self.of(functional_call(self.model, theta | self.buffers, (self.x,)))

        theta = {name: p.detach() for name, p in self.theta.items()}
        return jvp(grad(loss), (theta,), (dict(zip(theta, vector)),))[1]


def dot(a, b):
    return sum((x.double() * y.double()).sum().item() for x, y in zip(a, b))


def time(args):
    torch.set_num_threads(args.threads)
    problem = Problem(args)
    vectors = [problem.vector(number) for number in range(4)]
    product = problem.products(vectors[:1])[0]
    known = {"form": dot(vectors[0], product), "norm": dot(product, product) ** 0.5}
    kept = problem.gradient(keep=True)
    tasks = {
        "forward": (0, problem.forward),
        "gradient": (0, problem.gradient),
        "product x1": (1, lambda: problem.products(vectors[:1])),
        "product x4": (4, lambda: problem.products(vectors)),
        "kept graph x1": (1, lambda: problem.along(kept, vectors[0], keep=True)),
        "forward over reverse x1": (1, lambda: problem.forward_over_reverse(vectors[0])),
    }
    for task, (products, work) in tasks.items():
        _, seconds = clock(work, args.repeats)
        line = {
            "workload": args.workload,
            "method": "PyTorch",
            "task": task,
            "products": products,
            "seconds": {"min": min(seconds), "median": statistics.median(seconds)},
            "repeats": len(seconds),
            "threads": args.threads,
            "samples": len(problem.y),
            "peak_mib": round(own_peak_kib() / 1024),
            **known,
        }
        print(json.dumps(line), flush=True)


# ----------------------------------------------------------------------------------------------- table


def table(args):
    lines = [json.loads(line) for line in args.file.read_text().splitlines()]
    found = defaultdict(list)
    for line in lines:
        found[line["workload"], line["task"], line["method"]].append(line)
    median = {key: statistics.median(line["seconds"]["median"] for line in group) for key, group in found.items()}

    def ratio(a, b):
        return f"{median[a] / median[b]:.3g}" if a in median and b in median else "-"

    print(f"{lines[0]['threads']} threads\n")
    print("| workload | task | method | seconds (shortest) | forward passes a product | / ours |")
    print("|---|---|---|---|---|---|")
    for key, group in found.items():
        workload, task, method = key
        shortest = min(line["seconds"]["min"] for line in group)
        passes = "-"
        # On a prepared line the first layer of a perceptron costs nothing: see benches/hessian.rs.
        anew = method == "ours" and workload.startswith("mnist")
        forward = (workload, "forward, prepared anew" if anew else "forward", method)
        if group[0]["products"] and forward in median:
            passes = f"{median[key] / median[forward] / group[0]['products']:.2f}"
        ours = (workload, task, "ours")
        if ours not in median and group[0]["products"] == 1:
            ours = (workload, "product x1", "ours")
        print(
            f"| {workload} | {task} | {method} | {median[key]:.4f} ({shortest:.4f}) | {passes} | {ratio(key, ours)} |"
        )

    worst = 0.0
    for workload in {line["workload"] for line in lines}:
        known = {line["method"]: line for line in lines if line["workload"] == workload}
        if len(known) == 2:
            a, b = known["ours"], known["PyTorch"]
            for what in ("norm", "form"):
                # A form may be small by cancellation; it is compared with the length of the product.
                worst = max(worst, abs(a[what] - b[what]) / max(abs(b[what]), b["norm"]))
    good = worst <= LIMIT  # false for NaN
    print(f"\nproducts differ by at most {worst:.1e}, limit {LIMIT:.0e}: {'good' if good else 'BAD'}")
    sys.exit(0 if good else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("inputs")
    command.add_argument("folder", type=Path)
    command.add_argument("--cifar", help="folder of data_batch_1.bin")
    command.add_argument("--checkpoint", help="weights of ResNet-20, safetensors")
    command.set_defaults(run=write_inputs)
    command = commands.add_parser("time")
    command.add_argument("workload", choices=WORKLOADS)
    command.add_argument("folder", type=Path)
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--repeats", type=int, default=5)
    command.set_defaults(run=time)
    command = commands.add_parser("table")
    command.add_argument("file", type=Path)
    command.set_defaults(run=table)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
