#!/bin/sh
# Samples a second of many kinds of networks, by this project and by PyTorch, in alternation: see README.md.
#
#   benches/peers/compare-networks.sh [ROUNDS] [--hessian]
#
# PYTHON     the Python that has torch (default python3)
# BENCH      the compiled benchmark `networks` (default: built here)
# WORKLOADS  which (default: all)
# THREADS, REPEATS, SAMPLES
set -eu

rounds=${1:-3}
task=${2:-}
PYTHON=${PYTHON:-python3}
THREADS=${THREADS:-2} REPEATS=${REPEATS:-3} SAMPLES=${SAMPLES:-128} WORKLOADS=${WORKLOADS:-}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..

. "$here/common.sh"
need_modules torch

need_bench networks
if [ -z "$WORKLOADS" ]; then
    WORKLOADS="vit-64 gpt"
    [ -n "$task" ] || WORKLOADS="vit-64 vit-64-cls vit-192 gpt resnet18 resnet18-3x3 mobilenetv2 convnext unet resnet20 resnet56 mlp mlp-wide contrastive contrastive-mlp"
fi

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for round in $(seq "$rounds"); do
    for workload in $WORKLOADS; do
        echo "round $round of $rounds: $workload" >&2
        set -- --threads "$THREADS" --rounds "$REPEATS" --samples "$SAMPLES" $task "$workload"
        "$BENCH" --bench --json "$@" >> "$lines"
        "$PYTHON" "$here/networks.py" "$@" >> "$lines"
    done
done

"$PYTHON" - "$lines" <<'END'
import json, statistics, sys

found = {}
for line in map(json.loads, open(sys.argv[1])):
    found.setdefault((line["workload"], line["task"]), {}).setdefault(line["method"], []).append(line)
print("| workload | task | ours, samples/s (best) | PyTorch, samples/s (best) | ours / PyTorch | by processor time |")
print("|---|---|---|---|---|---|")
for (workload, task), methods in found.items():
    median = {m: statistics.median(line["median"] for line in lines) for m, lines in methods.items()}
    best = {m: max(line["best"] for line in lines) for m, lines in methods.items()}
    used = {m: [line["processor"] for line in lines] for m, lines in methods.items()}
    cells = [f"{median[m]:.0f} ({best[m]:.0f})" for m in ("ours", "PyTorch")]
    ratio = median["ours"] / median["PyTorch"]
    # A round may be shorter than a step of the clock of processor times.
    known = all(of and None not in of for of in used.values())
    by_processor = "-"
    if known:
        by_processor = f"{statistics.median(used['ours']) / statistics.median(used['PyTorch']):.2f}"
    print(f"| {workload} | {task} | {' | '.join(cells)} | {ratio:.2f} | {by_processor} |")
END
