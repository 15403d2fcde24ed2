# What the comparisons share; sourced by them, with PYTHON, `here` and `root` set.

# Ends well where Python lacks one of these modules: nothing can be compared then.
need_modules() {
    "$PYTHON" -c "import $(echo "$*" | sed 's/ /, /g')" 2>/dev/null && return
    cat <<END
PyTorch is not installed for $PYTHON; nothing is compared. To install it:
  python3 -m venv ~/.venvs/torch
  ~/.venvs/torch/bin/pip install $(echo "$*" | sed 's/^torch$/torch numpy/; s/^torch/torch==2.9.0/')
  PYTHON=~/.venvs/torch/bin/python $0
END
    exit 0
}

# Builds the benchmark of that name, unless BENCH says where it is.
need_bench() {
    [ -z "${BENCH:-}" ] || return 0
    built=$(cd "$root" && cargo bench --bench "$1" --no-run 2>&1) || { echo "$built" >&2; exit 1; }
    BENCH=$(echo "$built" | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
    case $BENCH in /*) ;; *) BENCH=$root/$BENCH ;; esac
}
