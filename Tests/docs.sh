#!/bin/sh
# Builds the guide and the documentation of the library DMAModel with DocC, from the
# modules of a release build; a link that leads nowhere is an error.
# Usage: docs.sh BUILD [OUTPUT]; without OUTPUT nothing is kept.
set -eu

build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=${2:-$work/archives}
cd "$(dirname "$0")/.."
# docc and the extractor are in the folder of the compiler itself.
tools=$(dirname "$(realpath "$(command -v "${SWIFT:-swift}")")")
target=$("$tools/swift" -print-target-info |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target"]["unversionedTriple"])')

mkdir -p "$work/symbols" "$output"
for module in DMAAxes DMAHardware DMAModel; do
  "$tools/swift-symbolgraph-extract" -module-name "$module" -I "$build/Modules" \
    -I Sources/CZlib -I Sources/CCrypto -I Sources/CLinux -target "$target" \
    -minimum-access-level public -skip-synthesized-members -output-dir "$work/symbols"
done
convert() {
  "$tools/docc" convert "$1" --fallback-display-name "$2" --fallback-bundle-identifier "$2" \
    --output-path "$output/$2.doccarchive" --warnings-as-errors $3 >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
  echo "docs: $1: no unresolved link" >&2
}
convert Sources/DMAModel/DMAModel.docc DMAModel "--additional-symbol-graph-dir $work/symbols"
convert Sources/dmamatrix/Guide.docc dmamatrix ""
