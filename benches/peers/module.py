"""`loss_landscape.surface` of a network of PyTorch beside a plain loop of PyTorch, in one process, on the same threads.

    python benches/peers/module.py [resnet20|resnet56|two-moons|mnist-10000] [--grid N] [--threads N] [--rounds N]

Prints one line of JSON: seconds of the export (its first time, which imports what PyTorch needs for it, and the next), of the surface from
the call to the arrays, everything stored, and of the loop in the faster of its two layouts; both loop and surface have the same directions.
It ends with code 1 where a loss differs by more than 1e-4, relative.
"""

import argparse
import json
import os
import sys
import tempfile
import time

import loss_landscape
import numpy as np
import torch
from loop import plane
from problem import Problem, initial, network, samples
from workloads import WORKLOADS


def timed(work):
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def exported(model, data, loss):
    from loss_landscape._data import samples_of
    from loss_landscape._torch import export

    with tempfile.TemporaryDirectory() as folder:
        return timed(lambda: export(model, samples_of(data), loss, folder))[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", nargs="?", default="resnet20", choices=WORKLOADS)
    parser.add_argument("--grid", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    workload = WORKLOADS[args.workload]
    grid = args.grid or workload.grid
    x, y = (torch.as_tensor(part) for part in samples(workload))
    model = network(workload.model)
    model.load_state_dict(initial(workload, x))
    model.eval()
    if workload.loss == "bce-with-logits":
        y = y.float()[:, None]
    export = [exported(model, (x, y), workload.loss) for _ in range(2)]

    surfaces, loops, best = [], {False: [], True: []}, None
    for seed in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            asked = {"grid": grid, "range": 1, "seed": seed, "threads": args.threads, "db": os.path.join(folder, "a.duckdb"), "progress": False}
            surface, seconds = timed(lambda: loss_landscape.surface(model, (x, y), workload.loss, **asked))
            surfaces.append(seconds)
            directions = surface.directions()
        names = [name for name, _ in model.named_parameters()]
        theta = {name: value.detach().clone() for name, value in model.named_parameters()}
        moved = [{name: torch.from_numpy(one[name]) for name in names} for one in directions]
        axis = torch.as_tensor(surface.alpha)
        for last in [False, True] if workload.convolutional else [False]:
            target = y if workload.loss == "cross-entropy" else y[:, 0]
            problem = Problem(workload, network(workload.model).eval(), x, target, theta, moved, axis)
            problem.model.load_state_dict(model.state_dict())
            work = plane(problem, last)
            losses, seconds = timed(work)
            loops[last].append(seconds)
        best = losses.numpy()
    error = float(np.max(np.abs(surface.loss - best) / np.abs(best)))
    loop = min(np.median(times) for times in loops.values() if times)
    result = {
        "workload": args.workload,
        "points": grid**2,
        "threads": args.threads,
        "export_first": export[0],
        "export": export[1],
        "surface": float(np.median(surfaces)),
        "loop": float(loop),
        "ratio": float(loop / np.median(surfaces)),
        "error": error,
    }
    print(json.dumps(result))
    sys.exit(0 if error < 1e-4 else 1)


if __name__ == "__main__":
    main()
