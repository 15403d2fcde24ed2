#!/usr/bin/env bash
# Runs the viewer's tests with Node.js; no browser is needed.
set -euo pipefail
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
npx esbuild test/*.test.ts --bundle --platform=node --format=esm --outdir="$out" --out-extension:.js=.mjs --log-level=warning
node --test "$out/"
