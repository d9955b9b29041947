#!/bin/sh
# Measures and writes reports/benchmark.md. DuckDB comes from PyPI, as for
# `make ecosystem`.
set -eu

cd "$(dirname "$0")/../.."
TOOL=${TOOL:-.build/release/dmamatrix}
VENV=${VENV:-.venv}

sh Tests/environment.sh "$VENV/tools" Tests/Ecosystem/requirements.txt
"$VENV/tools/bin/python" Tests/Benchmark/benchmark.py "$TOOL" reports/benchmark.md "$@"
