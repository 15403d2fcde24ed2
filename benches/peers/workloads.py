"""The three workloads, and what loop.py, vmap.py and ours.py share: options, clock, report."""

import argparse
import json
import resource
import statistics
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Workload:
    sizes: tuple[int, ...]
    samples: int
    loss: str  # as in `landscape surface --loss`
    chunk: int  # points that vmap.py takes at once; try others with --chunk

    @property
    def model(self) -> str:
        return "mlp:" + "-".join(map(str, self.sizes))


WORKLOADS = {
    "two-moons": Workload((2, 8, 4, 1), 200, "bce-with-logits", 256),
    "mnist-192": Workload((784, 20, 10), 192, "cross-entropy", 256),
    "mnist-10000": Workload((784, 20, 10), 10_000, "cross-entropy", 4),
}


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--data", required=True, help="safetensors with x and y")
    parser.add_argument("--weights", required=True, help="safetensors with fc1.weight, ...")
    parser.add_argument("--directions", required=True, help="safetensors with d1.fc1.weight, ...")
    parser.add_argument("--out", help="write the losses, [grid, grid], as .npy")
    parser.add_argument("--grid", type=int, default=51)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    return parser


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
        "peak_mib": peak_kib and round(peak_kib / 1024),
        **more,
    }
    print(json.dumps(line), flush=True)
