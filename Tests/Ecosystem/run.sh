#!/bin/sh
# Tests the exports and the explorer with the real Datasette (0.65 and 1.0),
# DuckDB, pandas and Chromium. The programs come from PyPI and Debian; what cannot
# be installed is an error, so that nothing is skipped in silence.
set -eu

cd "$(dirname "$0")/../.."
TOOL=${TOOL:-.build/release/dmamatrix}
VENV=${VENV:-.venv}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sh Tests/environment.sh "$VENV/tools" Tests/Ecosystem/requirements.txt
sh Tests/environment.sh "$VENV/datasette-1.0" Tests/Ecosystem/requirements-1.0.txt

CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
if [ -z "$CHROMIUM" ]; then
  sh Tests/install.sh chromium
  CHROMIUM=$(command -v chromium)
fi

python="$VENV/tools/bin/python"
db="$work/matrix.db"
"$TOOL" generate --quiet --database "$db"
"$TOOL" export csv -d "$db" --platform sev --kernel v6 --op map -o "$work/part.csv"
"$TOOL" export jsonl -d "$db" --platform sev --kernel v6 --op map -o "$work/part.jsonl"
"$TOOL" export datasette "$work/site" -d "$db"
"$TOOL" report html -d "$db" -o "$work/explorer.html"

"$python" Tests/Ecosystem/duckdb_test.py "$db" "$work/part.csv" "$work/part.jsonl"
"$python" Tests/Ecosystem/datasette_test.py "$VENV/tools/bin/datasette" "$db" "$work/site"
"$python" Tests/Ecosystem/datasette_test.py "$VENV/datasette-1.0/bin/datasette" "$db" "$work/site"
"$python" Tests/Ecosystem/explorer_test.py "$CHROMIUM" "$work/explorer.html" "$db"
