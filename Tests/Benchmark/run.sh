#!/bin/sh
# Measures and writes reports/benchmark.md. DuckDB comes from PyPI, as for
# `make ecosystem`.
set -eu

cd "$(dirname "$0")/../.."
TOOL=${TOOL:-.build/release/dmamatrix}
VENV=${VENV:-.venv}

fail() {
  echo "bench: $1" >&2
  exit 2
}

command -v python3 >/dev/null || fail "python3 is missing; install it with your package manager"
if [ ! -e "$VENV/tools/ready" ]; then
  python3 -m venv "$VENV/tools" || fail "python3 has no venv; install python3-venv"
  "$VENV/tools/bin/pip" install --quiet --requirement Tests/Ecosystem/requirements.txt >&2 ||
    fail "the packages of Tests/Ecosystem/requirements.txt cannot be installed"
  touch "$VENV/tools/ready"
fi
"$VENV/tools/bin/python" Tests/Benchmark/benchmark.py "$TOOL" reports/benchmark.md "$@"
