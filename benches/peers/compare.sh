#!/bin/sh
# This project and PyTorch side by side, on identical planes, in alternation: see README.md.
#
#   benches/peers/compare.sh [ROUNDS]
#
# PYTHON     the Python that has torch (default python3)
# LANDSCAPE  the landscape command (default: built here)
# BENCH      the compiled benchmark `plane` (default: built here)
# WORKLOADS  which (default two-moons mnist-192 mnist-10000; also resnet20 resnet56)
# GRID       points an axis (default: the workload's)
# THREADS, REPEATS, OUT (folder of inputs and results; default: a temporary one)
set -eu

rounds=${1:-3}
PYTHON=${PYTHON:-python3}
GRID=${GRID:-} THREADS=${THREADS:-2} REPEATS=${REPEATS:-2}
WORKLOADS=${WORKLOADS:-two-moons mnist-192 mnist-10000}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..

. "$here/common.sh"
need_modules torch numpy safetensors

if [ -z "${LANDSCAPE:-}" ]; then
    (cd "$root" && cargo build --release -p landscape-cli)
    LANDSCAPE=${CARGO_TARGET_DIR:-$root/target}/release/landscape
fi
need_bench plane

if [ -z "${OUT:-}" ]; then
    OUT=$(mktemp -d)
    trap 'rm -rf "$OUT"' EXIT
fi
"$PYTHON" "$here/problem.py" "$OUT" $WORKLOADS
rm -f "$OUT/times.jsonl"

# What workloads.py says of a workload: `model`, or `methods`.
of() {
    PYTHONPATH=$here "$PYTHON" -c 'import sys, workloads
found = getattr(workloads.WORKLOADS[sys.argv[1]], sys.argv[2])
print(found if isinstance(found, str) else " ".join(found))' "$1" "$2"
}

# The planes: the project's own random, filter-normalised directions; biases stay.
for workload in $WORKLOADS; do
    inputs=$OUT/$workload
    rm -f "$inputs.directions.safetensors" "$OUT/scratch.duckdb"*
    "$LANDSCAPE" surface --quiet --model "$(of "$workload" model)" --grid 3 --samples 16 \
        --norm filter --bias zero --weights "$inputs.weights.safetensors" \
        --data "$inputs.data.safetensors" --db "$OUT/scratch.duckdb" \
        --save-directions "$inputs.directions.safetensors" >&2
done

for round in $(seq "$rounds"); do
    for workload in $WORKLOADS; do
        inputs=$OUT/$workload
        for method in $(of "$workload" methods); do
            set -- "$workload" --data "$inputs.data.safetensors" \
                --weights "$inputs.weights.safetensors" \
                --directions "$inputs.directions.safetensors" --out "$inputs.$method.npy" \
                --threads "$THREADS" --repeats "$REPEATS"
            [ -z "$GRID" ] || set -- "$@" --grid "$GRID"
            program=$method
            case $method in
                ours) set -- "$@" --landscape "$LANDSCAPE" --bench "$BENCH" ;;
                channels-last) program=loop; set -- "$@" --channels-last ;;
            esac
            echo "round $round of $rounds: $workload, $method" >&2
            "$PYTHON" "$here/$program.py" "$@" >> "$OUT/times.jsonl"
        done
    done
done

"$PYTHON" "$here/table.py" "$OUT"
