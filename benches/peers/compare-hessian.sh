#!/bin/sh
# Products with the Hessian by this project and by PyTorch, on identical inputs, in alternation: see README.md.
#
#   benches/peers/compare-hessian.sh [ROUNDS]
#
# PYTHON      the Python that has torch (default python3)
# BENCH       the compiled benchmark `hessian` (default: built here)
# WORKLOADS   which (default resnet20 mnist-10000)
# CIFAR       folder of CIFAR-10's binary version (default: images of noise)
# CHECKPOINT  weights of ResNet-20, safetensors (default: initial ones)
# THREADS, REPEATS, OUT (folder of inputs and results; default: a temporary one)
set -eu

rounds=${1:-3}
PYTHON=${PYTHON:-python3}
THREADS=${THREADS:-2} REPEATS=${REPEATS:-3}
WORKLOADS=${WORKLOADS:-resnet20 mnist-10000}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..

. "$here/common.sh"
need_modules torch numpy safetensors

need_bench hessian

if [ -z "${OUT:-}" ]; then
    OUT=$(mktemp -d)
    trap 'rm -rf "$OUT"' EXIT
fi
set --
[ -z "${CIFAR:-}" ] || set -- "$@" --cifar "$CIFAR"
[ -z "${CHECKPOINT:-}" ] || set -- "$@" --checkpoint "$CHECKPOINT"
"$PYTHON" "$here/hessian.py" inputs "$OUT" "$@"
rm -f "$OUT/times.jsonl"

for round in $(seq "$rounds"); do
    for workload in $WORKLOADS; do
        echo "round $round of $rounds: $workload, ours" >&2
        "$BENCH" --bench --json --inputs "$OUT" --threads "$THREADS" --rounds "$REPEATS" \
            "$workload" >> "$OUT/times.jsonl"
        echo "round $round of $rounds: $workload, PyTorch" >&2
        "$PYTHON" "$here/hessian.py" time "$workload" "$OUT" --threads "$THREADS" \
            --repeats "$REPEATS" >> "$OUT/times.jsonl"
    done
done

"$PYTHON" "$here/hessian.py" table "$OUT/times.jsonl"
