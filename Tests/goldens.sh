#!/bin/sh
# Compares the checked-in reports with what the tool makes, byte for byte; with
# GOLDENS=rewrite it rewrites them.
set -eu

TOOL=${TOOL:-.build/release/dmamatrix}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

"$TOOL" generate --quiet --database "$work/matrix.db"

golden() {
  file=$1
  shift
  "$TOOL" report "$@" --database "$work/matrix.db" >"$work/out"
  if [ "${GOLDENS:-check}" = rewrite ]; then
    cp "$work/out" "reports/$file"
  elif ! cmp -s "$work/out" "reports/$file"; then
    echo "reports/$file differs; 'make goldens' rewrites it" >&2
    diff -u "reports/$file" "$work/out" | head -n 40 >&2 || true
    status=1
  fi
}

golden versions-sme.txt versions
golden versions-sme.md versions --format markdown
golden platform-x86-sme47-7.3.txt platform
golden platform-x86-sme47-7.3.md platform --format markdown
golden platform-sev-v6.txt platform --kernel v6 --platform sev

exit $status
