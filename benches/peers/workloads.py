"""The workloads, and what loop.py, vmap.py and ours.py share: options, clock, report."""

import argparse
import json
import resource
import statistics
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Workload:
    model: str  # as in `landscape surface --model`
    samples: int
    loss: str  # as in `landscape surface --loss`
    grid: int = 51  # points an axis
    batch: int | None = None  # samples that loop.py takes at once; all where absent
    chunk: int | None = None  # points that vmap.py takes at once; try others with --chunk

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the programs that know this workload, for compare.sh."""
        return ("ours", "loop", "channels-last" if self.convolutional else "vmap")

    @property
    def convolutional(self) -> bool:
        return not self.model.startswith("mlp:")


WORKLOADS = {
    "two-moons": Workload("mlp:2-8-4-1", 200, "bce-with-logits", chunk=256),
    "mnist-192": Workload("mlp:784-20-10", 192, "cross-entropy", chunk=256),
    "mnist-10000": Workload("mlp:784-20-10", 10_000, "cross-entropy", chunk=4),
    "resnet20": Workload("resnet20", 512, "cross-entropy", grid=5, batch=128),
    "resnet56": Workload("resnet56", 512, "cross-entropy", grid=5, batch=128),
}


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--data", required=True, help="safetensors with x and y")
    parser.add_argument("--weights", required=True, help="safetensors with fc1.weight, ...")
    parser.add_argument("--directions", required=True, help="safetensors with d1.fc1.weight, ...")
    parser.add_argument("--out", help="write the losses, [grid, grid], as .npy")
    parser.add_argument("--grid", type=int, help="points an axis; chosen by workload where absent")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    return parser


def parsed(parser):
    """The arguments, with the workload's grid where none is given."""
    args = parser.parse_args()
    args.grid = args.grid or WORKLOADS[args.workload].grid
    return args


def clock(work, repeats):
    """The result of `work` and the seconds of each repetition, after one that is not counted."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, seconds


def own_peak_kib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(args, method, losses, seconds, peak_kib, **more):
    """Writes the losses and prints one line of JSON."""
    if args.out:
        np.save(args.out, np.asarray(losses, dtype=np.float64))
    line = {
        "workload": args.workload,
        "method": method,
        "seconds": {"min": min(seconds), "median": statistics.median(seconds)},
        "repeats": len(seconds),
        "threads": args.threads,
        "grid": args.grid,
        "samples": WORKLOADS[args.workload].samples,
        "peak_mib": peak_kib and round(peak_kib / 1024),
        **more,
    }
    print(json.dumps(line), flush=True)
