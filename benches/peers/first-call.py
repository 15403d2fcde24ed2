"""`loss_landscape.surface` on two moons in processes of their own: from the call to the arrays, everything stored.

    python benches/peers/first-call.py [--rounds 20] [--grid 51]

Prints one line of JSON, medians in milliseconds: the import beside NumPy's own, the first call, which makes the database, one with other
directions in the same database, and the first one again, which finds what is stored.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile

CHILD = """
import json, sys, time
import numpy
clock = time.perf_counter

def timed(work):
    start = clock()
    work()
    return 1e3 * (clock() - start)

start = clock()
import loss_landscape
took = {"import": 1e3 * (clock() - start)}
grid = int(sys.argv[1])
plane = lambda seed: loss_landscape.surface("mlp:2-8-4-1", "moons", grid=grid, seed=seed)
took["first"] = timed(lambda: plane(1))
took["another"] = timed(lambda: plane(2))
took["stored"] = timed(lambda: plane(1))
print(json.dumps(took))
"""


def one(grid):
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", CHILD, str(grid)]
        return json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--grid", type=int, default=51)
    args = parser.parse_args()
    rounds = [one(args.grid) for _ in range(args.rounds)]
    medians = {name: round(statistics.median(took[name] for took in rounds), 1) for name in rounds[0]}
    shortest = {name: round(min(took[name] for took in rounds), 1) for name in rounds[0]}
    print(json.dumps({"grid": args.grid, "rounds": args.rounds, "median_ms": medians, "shortest_ms": shortest}))


if __name__ == "__main__":
    main()
