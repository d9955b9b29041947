#!/bin/sh
# Tests the exports, the notebook, the explorer and the completions with the real
# Datasette (0.65 and 1.0), DuckDB, pandas, Jupyter's kernel, Chromium, bash, zsh and
# fish. The programs come from PyPI and Debian; what cannot be installed is an error,
# so that nothing is skipped in silence.
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
missing=
for shell in bash zsh fish; do
  command -v "$shell" >/dev/null || missing="$missing $shell"
done
# The names are words of this script.
# shellcheck disable=SC2086
sh Tests/install.sh $missing

python="$VENV/tools/bin/python"
db="$work/matrix.db"
"$TOOL" generate --quiet --database "$db"
"$TOOL" export csv -d "$db" --platform sev --kernel v6 --op map -o "$work/part.csv"
"$TOOL" export jsonl -d "$db" --platform sev --kernel v6 --op map -o "$work/part.jsonl"
"$TOOL" export datasette "$work/site" -d "$db"
"$TOOL" report html -d "$db" -o "$work/explorer.html"

# A tree of three drivers, for the columns that real drivers mark.
mkdir -p "$work/tree/drivers/net" "$work/tree/include/linux"
printf '/* nothing */\n' >"$work/tree/include/linux/dma-mapping.h"
printf 'mainmenu "Linux"\n' >"$work/tree/Kconfig"
printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\n' >"$work/tree/Makefile"
printf 'obj-y += net/\n' >"$work/tree/drivers/Makefile"
printf 'obj-y += a.o b.o c.o\n' >"$work/tree/drivers/net/Makefile"
for driver in a:64 b:64 c:40; do
  printf 'static int probe(struct device *dev)\n{\n\treturn %s(dev, DMA_BIT_MASK(%s));\n}\n' \
    dma_set_mask_and_coherent "${driver#*:}" >"$work/tree/drivers/net/${driver%:*}.c"
done
cp "$db" "$work/drivers.db"
"$TOOL" drivers --tree "$work/tree" --store "$work/drivers.db" >"$work/drivers.txt"
"$TOOL" report html -d "$work/drivers.db" -o "$work/drivers.html"

# What the explorer may have beside: an alternative, a variant of a file, drivers.
printf 'name: mine\nbase: v6\nchanges:\n  callerSharedAlloc: refused\n' >"$work/mine.yaml"
"$TOOL" generate --quiet --database "$work/mixed.db" --platform x86-sme47 \
  --kernel v6,v6+P03,mine --policy "$work/mine.yaml"
"$TOOL" drivers --tree "$work/tree" --store "$work/mixed.db" >"$work/drivers.txt"
"$TOOL" report html -d "$work/mixed.db" -o "$work/mixed.html"

"$python" Tests/Ecosystem/duckdb_test.py "$db" "$work/part.csv" "$work/part.jsonl"
"$python" Tests/Ecosystem/exports_test.py "$TOOL" "$db" "$work"
"$python" Tests/Ecosystem/notebook_test.py Sources/dmamatrix/Guide.docc/Notebook.ipynb "$db"
"$python" Tests/Ecosystem/completions_test.py "$TOOL" "$work"
for environment in tools datasette-1.0; do
  "$python" Tests/Ecosystem/datasette_test.py "$VENV/$environment/bin/datasette" "$db" \
    "$work/site" "$CHROMIUM"
done
"$python" Tests/Ecosystem/explorer_test.py "$CHROMIUM" "$work/explorer.html" "$db"
"$python" Tests/Ecosystem/explorer_look_test.py "$CHROMIUM" "$work/explorer.html" "$db" \
  "$work/mixed.html"
"$python" Tests/Ecosystem/drivers_test.py "$CHROMIUM" "$work/explorer.html" "$work/drivers.html"
