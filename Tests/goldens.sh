#!/bin/sh
# Compares the checked-in reports with what the tool makes, byte for byte; with
# GOLDENS=rewrite it rewrites them.
set -eu

TOOL=${TOOL:-.build/release/dmamatrix}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

"$TOOL" generate --quiet --database "$work/matrix.db"

# Compares or rewrites one file; the rest of the arguments are the command.
golden() {
  file=$1
  shift
  "$TOOL" "$@" >"$work/out" || [ $? -eq 1 ]
  if [ "${GOLDENS:-check}" = rewrite ]; then
    cp "$work/out" "reports/$file"
  elif ! cmp -s "$work/out" "reports/$file"; then
    echo "reports/$file differs; 'make goldens' rewrites it" >&2
    diff -u "reports/$file" "$work/out" | head -n 40 >&2 || true
    status=1
  fi
}

db="$work/matrix.db"
golden versions-sme.txt report versions -d "$db"
golden versions-sme.md report versions -d "$db" --format markdown
golden platform-x86-sme47-7.3.txt report platform -d "$db"
golden platform-x86-sme47-7.3.md report platform -d "$db" --format markdown
golden platform-sev-v6.txt report platform -d "$db" --kernel v6 --platform sev
golden 2026-07-02.md report 2026-07-02 --format markdown
golden claims.md claims --format markdown
for kernel in 6.1 6.12 7.2 v4 v5 v6 v7 7.3; do
  golden "findings-$kernel.md" report findings --kernel "$kernel" --format markdown
done

exit $status
