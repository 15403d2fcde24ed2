"""`python table.py DIR`: the lines of DIR/times.jsonl as a table, and how far the losses differ.

Each time is the median of the rounds' medians; in brackets the shortest of all. Ends with code 1
when losses differ by more than the limit.
"""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

LIMIT = 1e-4
OURS = ("ours, evaluation", "ours, command")


def largest_difference(folder, workload, method):
    """The largest |theirs - ours| / |ours| over the plane."""
    ours = np.load(folder / f"{workload}.ours.npy")
    theirs = np.load(folder / f"{workload}.{method}.npy")
    return float(np.max(np.abs(theirs - ours) / np.abs(ours)))


def main():
    folder = Path(sys.argv[1])
    lines = [json.loads(line) for line in (folder / "times.jsonl").read_text().splitlines()]
    rounds = defaultdict(list)
    for line in lines:
        rounds[line["workload"], line["method"]].append(line)

    median, worst = {}, 0.0
    for key, found in rounds.items():
        median[key] = statistics.median(line["seconds"]["median"] for line in found)

    print(f"{lines[0]['threads']} threads\n")
    print(
        "| workload | plane | method | seconds (shortest) | samples/s | MiB | / evaluation | / command |"
        " loss differs |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for (workload, method), found in rounds.items():
        shortest = min(line["seconds"]["min"] for line in found)
        time = f"{median[workload, method]:.4f} ({shortest:.4f})"
        memory = max(line["peak_mib"] or 0 for line in found) or "-"
        ratios = [
            f"{median[workload, method] / median[workload, ours]:.3g}"
            if (workload, ours) in median else "-"
            for ours in OURS
        ]
        difference = "-"
        if method not in OURS:
            value = largest_difference(folder, workload, method)
            worst = max(worst, value)
            difference = f"{value:.1e}"
        grid = found[0]["grid"]
        rate = grid**2 * found[0]["samples"] / median[workload, method]
        cells = [f"{grid}x{grid}", method, time, f"{rate:.4g}", memory, *ratios, difference]
        print(f"| {workload} | {' | '.join(map(str, cells))} |")

    good = worst <= LIMIT  # false for NaN
    print(f"\nlargest relative difference {worst:.1e}, limit {LIMIT:.0e}: {'good' if good else 'BAD'}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
