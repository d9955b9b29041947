#!/bin/sh
# Compares the checked-in reports, the examples of README.md and of the guide, and the
# manual page with what the tool makes, byte for byte; GOLDENS=rewrite rewrites them.
set -eu

TOOL=${TOOL:-.build/release/dmamatrix}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

"$TOOL" generate --quiet --database "$work/matrix.db"

# Compares or rewrites one file.
same() {
  made=$1
  file=$2
  echo "$file" >>"$work/known"
  if [ "${GOLDENS:-check}" = rewrite ]; then
    mkdir -p "$(dirname "$file")"
    cmp -s "$made" "$file" || cp "$made" "$file"
  elif ! cmp -s "$made" "$file"; then
    echo "$file differs; 'make goldens' rewrites it" >&2
    diff -u "$file" "$made" | head -n 40 | cut -c1-200 >&2 || true
    status=1
  fi
}

# Compares or rewrites a report; the rest of the arguments are the command.
golden() {
  file=$1
  shift
  "$TOOL" "$@" >"$work/out" || [ $? -eq 1 ]
  same "$work/out" "reports/$file"
}

"$TOOL" report --all --output "$work/reports"
for made in $(cd "$work/reports" && find . -type f | sort); do
  same "$work/reports/$made" "reports/${made#./}"
done

# The 72 columns of mail.
golden versions-sme.txt report versions -d "$work/matrix.db" \
  --platform x86-sme47,x86-sme51 --iommu passthrough --swiotlb force
golden platform-sev-v6.txt report platform -d "$work/matrix.db" --kernel v6 --platform sev

# The review's question: what would have mended v6 for SME hosts.
golden solve-v6.md solve --from v6 --base 7.2 --platform x86-sme47,x86-sme51 \
  --format markdown

# A page to explore, of one platform and the kernels around the review.
"$TOOL" generate --quiet --database "$work/sme.db" --platform x86-sme47 \
  --kernel 7.2,v6,v7,7.3
golden explorer-sme.html report html -d "$work/sme.db"

for page in README.md Sources/dmamatrix/Guide.docc/*.md; do
  sh Tests/readme.sh "$TOOL" "$work" "$page" >"$work/page"
  same "$work/page" "$page"
done
"$TOOL" manual >"$work/manual"
same "$work/manual" reports/dmamatrix.1

# Made by other commands: make bench, make torture, make lab, make drivers.
printf 'reports/%s\n' benchmark.md torture.md observed.md drivers.md >>"$work/known"
for file in $(find reports -type f | sort); do
  grep -qxF "$file" "$work/known" && continue
  echo "$file is made by nothing any more" >&2
  status=1
done

exit $status
