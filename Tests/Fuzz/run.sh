#!/bin/sh
# Fuzzes every parser for SECONDS each, one after the other, on one core. Seeds are
# made from real files; Tests/FuzzTests/Seeds keeps what was found once, for the tests
# too. Stops at the first crash, hang (20 s) or growth above 2 GB, and says which input
# did it: to be kept there. SEED=N makes the mutations those of N, so that one commit
# gets one verdict: what CI runs; without it every run tries others. KEEP=1 writes
# the smallest inputs that together reach what all reach to TARGET/found.b64 there, one
# on a line, of less than KEEP_SIZE bytes each.
# Usage: run.sh TOOL SECONDS [TARGET...]
set -eu

tool=$(realpath "$1")
seconds=$2
shift 2
cd "$(dirname "$0")/../.."
targets=${*:-cmdline dmesg policy vectors gzip probe boot mbox patch tree drivers claims sql capture trace}
scratch=${FUZZ_SCRATCH:-.build-fuzz}
work=${FUZZ_WORK:-$scratch/corpus}

# The targets call what is internal; gold fails on libFuzzer's debug information.
DMAMATRIX_FUZZ=1 nice swift build -c release --product fuzz --scratch-path "$scratch" \
  -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing -Xswiftc -use-ld=lld >&2 ||
  exit 2
fuzz="$scratch/release/fuzz"

mkdir -p "$work/database"
# The same input takes the same way, as far as hashes decide.
[ -z "${SEED:-}" ] || export SWIFT_DETERMINISTIC_HASHING=1
# Swift's handler of signals would keep libFuzzer from writing the input.
export SWIFT_BACKTRACE=enable=no
export FUZZ_DATABASE="$work/database/fuzz.db"
"$tool" generate --quiet -d "$FUZZ_DATABASE" --kernel v6 --platform sev --mask 32,64 --op map

# One seed for each line, or for each file, of real material.
lines() { split -l 1 -a 4 - "$1/line-"; }
seed() {
  case $1 in
    cmdline)
      grep -rhoE '"[^"]*(iommu|swiotlb|mem_encrypt)=[^"]*"' Tests/AnalysisTests Tests/BootInputsTests README.md |
        tr -d '"' | lines "$2" ;;
    dmesg)
      grep -hE '^ *\[? *[0-9.]*\]? *.*(Linux version|ommand line|e820|IO TLB|Default domain|Encryption)' \
        Tests/BootInputsTests/BootLogTests.swift >"$2/log" || true
      lines "$2" <"$2/log" ;;
    policy)
      for kernel in v6 v7 7.3 v6+P03 v6+P07 v7+P11; do "$tool" policy show $kernel >"$2/$kernel"; done ;;
    vectors)
      for file in Tests/ConformanceTests/Vectors/*.csv.gz; do
        gzip -dc "$file" | head -n 6 >"$2/$(basename "$file" .csv.gz)"
      done ;;
    gzip)
      for file in Tests/ConformanceTests/Vectors/*.csv.gz; do
        gzip -dc "$file" | head -n 6 | gzip -n >"$2/$(basename "$file")"
      done ;;
    probe)
      # The boot, then some requests: a log that was cut, and one with its end; the
      # target makes the checksum right.
      for file in Tests/ObservationsTests/Logs/*.log.gz; do
        gzip -dc "$file" | awk '/dmaprobe: v/ && ++lines > 40 { exit } { print }' >"$2/$(basename "$file").cut"
        gzip -dc "$file" | awk '/dmaprobe: v/ && ++lines > 12 && !/ end / { next }
          { sub(/v1 [0-9]+ end lines=[0-9]+/, "v1 12 end lines=13"); print }' >"$2/$(basename "$file" .gz)"
      done ;;
    # The kernels' own files are not ours to keep: the seeds are the shim.
    tree) cp Sources/KernelTree/Shim/*.in "$2" ;;
    drivers) cp Tests/FuzzTests/Seeds/drivers/* "$2" ;;
    claims)
      python3 -c 'import json, sys
for i, claim in enumerate(json.load(open("schema/claims.json"))):
    open(f"{sys.argv[1]}/{i}", "w").write(json.dumps([claim]))' "$2" ;;
    sql) cp schema/queries/*.sql "$2" ;;
  esac
}

for target in $targets; do
  corpus="$work/$target"
  mkdir -p "$corpus" "$work/seeds-$target"
  seed "$target" "$work/seeds-$target"
  kept="Tests/FuzzTests/Seeds/$target"
  find "$kept" -type f ! -name found.b64 -exec cp {} "$work/seeds-$target" \;
  if [ -e "$kept/found.b64" ]; then
    number=0
    while read -r input; do
      number=$((number + 1))
      echo "$input" | base64 -d >"$work/seeds-$target/found-$number"
    done <"$kept/found.b64"
  fi
  log="$work/$target.log"
  echo "$target: $(ls "$work/seeds-$target" | wc -l) seeds" >&2
  if ! FUZZ_TARGET=$target nice "$fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -max_len=16384 -artifact_prefix="$work/$target-" -print_final_stats=1 \
    ${SEED:+-seed="$SEED"} "$corpus" "$work/seeds-$target" >"$log" 2>&1
  then
    grep -E 'Fatal|precondition|ERROR|SUMMARY|Test unit' "$log" >&2 || tail -n 20 "$log" >&2
    echo "fuzz: $target failed; the whole log is $log" >&2
    exit 1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rss=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  echo "$target: $runs inputs in $seconds s, $cover edges, $features features," \
    "corpus $(ls "$corpus" | wc -l), peak $rss MB, no crash, no hang"
  if [ -n "${KEEP:-}" ]; then
    small="$work/small-$target" least="$work/least-$target"
    rm -rf "$small" "$least"
    mkdir -p "$small" "$least"
    find "$corpus" "$work/seeds-$target" -type f -size "-${KEEP_SIZE:-700}c" -exec cp {} "$small" \;
    # Edges alone: how often each is passed makes ten times as many inputs.
    FUZZ_TARGET=$target nice "$fuzz" -merge=1 -use_counters=0 "$least" "$small" >>"$log" 2>&1
    for input in "$least"/*; do [ ! -s "$input" ] || { base64 -w 0 "$input" && echo; }; done >"$kept/found.b64"
  fi
done
