#!/bin/sh
# Runs tests with the address sanitizer, then with the thread sanitizer. Optimized, as
# the product is built: overflow and bounds still trap, and unoptimized the vectors
# alone take minutes.
# Usage: sanitize.sh [address|thread]...
set -eu

cd "$(dirname "$0")/.."
SWIFT=${SWIFT:-swift}

# Where bytes from outside and memory of C meet: every parser, with what fuzzing kept,
# zlib, SQLite. Left out: CommandTests start the tool as a process of its own, and
# KernelTreeTests compile kernels for minutes in another.
ADDRESS='FuzzTests|ConformanceTests|PolicyFilesTests|ObservationsTests|LabTests|SeriesTests|MatrixStoreTests|BootInputsTests|AnalysisTests.(Cover|Claim|PatchMail)'
# Where threads meet: the generator, shards and stores; the solver and exact
# conditions, which are parallel as the reports are. Questions in SQL have one thread.
THREAD='MatrixStoreTests.(Generator|Shard|Database|ModelDigest|HistoryStore)|AnalysisTests.(Solver|Cover)'
# Only their targets are compiled: what filters begin with, and where SeriesTests are.
targets_of() {
  echo "$1" | sed 's/([^)]*)//g' | tr '|' '\n' | sed -e 's/[.].*//' -e 's/^SeriesTests$/KernelTreeTests/' | sort -u | paste -sd, -
}
# Whole files of measurements, on one thread, that the optimized tests read anyway.
SKIP='everyShared|everyBootOfTheVectors'
# No kernel tree is compiled.
export DMAMATRIX_KERNELS=/nonexistent
# A finding ends the run. Swift keeps what lives as long as the process: no leaks.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export TSAN_OPTIONS=halt_on_error=1

for sanitizer in ${*:-address thread}; do
  case $sanitizer in
    address) suites=$ADDRESS ;;
    thread) suites=$THREAD ;;
    *)
      echo "sanitize: '$sanitizer' is unknown; accepted: address, thread" >&2
      exit 2 ;;
  esac
  DMAMATRIX_TEST_TARGETS=$(targets_of "${SUITES:-$suites}") \
    "$SWIFT" test -c release --sanitize="$sanitizer" --scratch-path ".build-$sanitizer" \
    --filter "${SUITES:-$suites}" --skip "$SKIP"
  echo "sanitize: $sanitizer: no finding"
done
