#!/usr/bin/env bash
# Two workers of one thread each beside one process of two threads, in alternation, and what a shard takes before its first point:
#
#   benches/shards.sh LANDSCAPE ROUNDS surface --model resnet20 --data images.npz --grid 15
#
# Prints seconds of either from start to exit, how the rates compare, and the part of a worker's time that is not sampling.
set -euo pipefail
landscape=$(realpath "$1") rounds=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# now: seconds.
now() { date +%s.%N; }
# sampling FILE: the seconds that a command says it sampled.
sampling() { grep -o '"seconds": *[0-9.e-]*' "$1" | tail -1 | grep -o '[0-9.e-]*$'; }

echo "| round | one process, s | two workers, s | rate of the workers | before the first point, s | of a worker's time |"
echo "|---|---|---|---|---|---|"
for round in $(seq "$rounds"); do
    begin=$(now)
    "$landscape" "$@" --threads 2 --db "$folder/whole-$round.duckdb" --json >"$folder/whole.json" 2>"$folder/errors"
    one=$(awk "BEGIN {print $(now) - $begin}")
    begin=$(now)
    workers=()
    for k in 0 1; do
        "$landscape" "$@" --threads 1 --shard "$k/2" --db "$folder/$round-$k.duckdb" --json >"$folder/$k.json" 2>"$folder/errors" &
        workers+=($!)
    done
    for worker in "${workers[@]}"; do wait "$worker"; done
    two=$(awk "BEGIN {print $(now) - $begin}")
    awk -v round="$round" -v one="$one" -v two="$two" -v sampled="$(sampling "$folder/0.json")" 'BEGIN {
        printf "| %d | %.2f | %.2f | %.1f%% | %.2f | %.1f%% |\n", round, one, two, 100 * one / two, two - sampled, 100 * (two - sampled) / two
    }'
done
