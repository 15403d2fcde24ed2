"""`loss_landscape.surface` of a network of PyTorch beside a plain loop of PyTorch, in one process, on the same threads.

    python benches/peers/module.py [resnet20|resnet56|two-moons|mnist-10000] [--grid N] [--threads N] [--rounds N]

Surface and loop have the same directions and take turns at being first; the loop runs in both of its layouts, of which the faster counts.
Prints one line of JSON: seconds of the export (its first time, which imports what PyTorch needs for it, and the next); of the surface from the
call to the arrays, everything stored, of which `sampling`, and `fixed`, which does not grow with the points; and of the loop. `ratio` is that of
these points, `rate` that of points a second, and `whole` that of 51x51 points, with what is fixed. It ends with code 1 where a loss differs
by more than 1e-4, relative.
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


#: Points of a plane of 51x51.
WHOLE = 51**2


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

    names = [name for name, _ in model.named_parameters()]
    theta = {name: value.detach().clone() for name, value in model.named_parameters()}

    def surface(points):
        with tempfile.TemporaryDirectory() as folder:
            asked = {"grid": points, "range": 1, "threads": args.threads, "db": os.path.join(folder, "a.duckdb"), "progress": False}
            found, seconds = timed(lambda: loss_landscape.surface(model, (x, y), workload.loss, **asked))
            return found, seconds, found.directions()

    # What is not counted, and tells the directions.
    first, _, directions = surface(3)
    moved = [{name: torch.from_numpy(one[name]) for name in names} for one in directions]
    axis = torch.linspace(-1.0, 1.0, grid, dtype=torch.float64)
    works = {}
    for last in [False, True] if workload.convolutional else [False]:
        target = y if workload.loss == "cross-entropy" else y[:, 0]
        problem = Problem(workload, network(workload.model).eval(), x, target, theta, moved, axis[:1])
        problem.model.load_state_dict(model.state_dict())
        # One row that is not counted.
        plane(problem, last)()
        problem.axis = axis
        works[last] = plane(problem, last)

    surfaces, sampled, loops = [], [], {last: [] for last in works}
    for number in range(args.rounds):

        def ours():
            found, seconds, _ = surface(grid)
            surfaces.append(seconds)
            sampled.append(found.seconds)
            return found.loss

        def theirs():
            for last, work in works.items():
                losses, seconds = timed(work)
                loops[last].append(seconds)
            return losses.numpy()

        if number % 2 == 0:
            found, best = ours(), theirs()
        else:
            best, found = theirs(), ours()
    error = float(np.max(np.abs(found - best) / np.abs(best)))
    assert torch.get_num_threads() == args.threads
    seconds, sampling = float(np.median(surfaces)), float(np.median(sampled))
    loop = float(min(np.median(times) for times in loops.values()))
    # Each of them has a share that does not grow with the points.
    fixed = float(np.median([whole - part for whole, part in zip(surfaces, sampled)]))
    whole = loop / grid**2 * WHOLE / (fixed + sampling / grid**2 * WHOLE)
    result = {
        "workload": args.workload,
        "points": grid**2,
        "samples": workload.samples,
        "batch": workload.batch,
        "threads": args.threads,
        "export_first": export[0],
        "export": export[1],
        "surface": seconds,
        "sampling": sampling,
        "fixed": fixed,
        "loop": loop,
        "layouts": {"channels-last" if last else "usual": float(np.median(times)) for last, times in loops.items()},
        "ratio": loop / seconds,
        "rate": loop / sampling,
        "whole": whole,
        "error": error,
        "how": first.how,
    }
    print(json.dumps(result))
    sys.exit(0 if error < 1e-4 else 1)


if __name__ == "__main__":
    main()
