#!/usr/bin/env bash
# Rebuilds ../assets/page/viewer.html, the page that landscape-plot fills with data: type-checks and bundles the
# sources, writes script and style into the template, and collects the licences of what the bundle contains.
# Needs Node.js and npm; nothing of this runs when the Rust crate is built.
set -euo pipefail
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci
npx tsc --noEmit
node assemble.mjs
