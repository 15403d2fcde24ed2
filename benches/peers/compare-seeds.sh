#!/bin/sh
# The ten-initialisations study by this project and its trainings in a PyTorch loop, in alternation: see README.md.
#
#   benches/peers/compare-seeds.sh [ROUNDS]
#
# PYTHON      the Python that has torch (default python3)
# EXAMPLE     the compiled example 10-ten-initialisations (default: built here)
# LANDSCAPE   the compiled command (default: built here)
# THREADS     of PyTorch (default 2)
set -eu

rounds=${1:-5}
PYTHON=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..

. "$here/common.sh"
need_modules torch

target=${CARGO_TARGET_DIR:-$root/target}
if [ -z "${EXAMPLE:-}" ] || [ -z "${LANDSCAPE:-}" ]; then
    (cd "$root" && cargo build --release --bin landscape --example 10-ten-initialisations)
fi
EXAMPLE=${EXAMPLE:-$target/release/examples/10-ten-initialisations}
LANDSCAPE=${LANDSCAPE:-$target/release/landscape}

"$PYTHON" "$here/ten-initialisations.py" compare --rounds "$rounds" --threads "${THREADS:-2}" \
    --example "$EXAMPLE" --command "$LANDSCAPE"
