"""The same plane with this project: the whole `landscape surface` command, and the evaluation alone.

The command is timed from its start to its exit: it reads the files, prepares the plane, evaluates it
and stores every point. The evaluation alone (`--bench`) is the criterion benchmark
`benches/plane.rs`: same network, number of samples, grid and kind of directions, with the
preparation of the plane inside the measured time.

PyTorch is not imported here: Linux counts the memory of a process that starts another towards the
other's peak.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from workloads import WORKLOADS, arguments, clock, parsed, report

# Names in benches/plane.rs, and the points that are evaluated there.
BENCHMARKS = {
    "two-moons": ("two moons 2-8-4-1, 200 samples", 51 * 51),
    "mnist-192": ("MNIST 784-20-10, 192 samples", 51 * 51),
    "mnist-10000": ("MNIST 784-20-10, 10000 samples", 51 * 51),
    "resnet20": ("ResNet-20, 512 images", 4),
    "resnet56": ("ResNet-56, 512 images", 4),
}


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def surface(args, folder):
    """Runs the command on a new database."""
    workload = WORKLOADS[args.workload]
    database = folder / "plane.duckdb"
    database.unlink(missing_ok=True)
    options = {
        "--model": workload.model,
        "--weights": args.weights,
        "--data": args.data,
        "--loss": workload.loss,
        "--direction": args.directions,
        "--grid": args.grid,
        "--threads": args.threads,
        "--db": database,
        "--name": "plane",
    }
    words = [str(word) for option in options.items() for word in option]
    run([args.landscape, "surface", "--range=-1:1", "--quiet", *words])
    return database


def losses(args, database):
    text = run([args.landscape, "export", "plane", "--db", str(database), "--format", "csv"])
    rows = csv.DictReader(text.splitlines())
    return np.array([float(row["loss"]) for row in rows]).reshape(args.grid, args.grid)


def command(args):
    with tempfile.TemporaryDirectory() as folder:
        database, seconds = clock(lambda: surface(args, Path(folder)), args.repeats)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        report(args, "ours, command", losses(args, database), seconds, peak)


def evaluation(args):
    """One run of the criterion benchmark; seconds of each of its samples.

    A convolutional network takes as long at every point: its few points stand for the grid's.
    """
    name, points = BENCHMARKS[args.workload]
    name = f"{name}, {args.threads} threads"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--warm-up-time", "1", "--measurement-time", "4"]
        environment = {**os.environ, "CRITERION_HOME": folder}
        run([args.bench, "--bench", *options, name], env=environment)
        samples = [json.loads(path.read_text()) for path in Path(folder).glob("**/new/sample.json")]
    (sample,) = samples
    planes = args.grid**2 / points
    seconds = [planes * t / n * 1e-9 for t, n in zip(sample["times"], sample["iters"])]
    args.out = None  # the benchmark keeps no losses
    report(args, "ours, evaluation", None, seconds, None)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--landscape", default="landscape", help="the landscape command")
    parser.add_argument("--bench", help="the benchmark `plane`, compiled")
    args = parsed(parser)
    command(args)
    # The benchmark knows this grid and these numbers of threads.
    known = WORKLOADS[args.workload].convolutional or args.grid == 51
    if args.bench and known and args.threads in (1, 2):
        evaluation(args)


if __name__ == "__main__":
    main()
