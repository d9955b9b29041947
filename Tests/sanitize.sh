#!/bin/sh
# Runs the tests with the address sanitizer, then with the thread sanitizer: debug
# builds, whose checks of overflow and bounds are on. Tests that start the built tool
# many times, or compare whole reports, are left out; SUITES names others.
# Usage: sanitize.sh [address|thread]...
set -eu

cd "$(dirname "$0")/.."
SWIFT=${SWIFT:-swift}
SUITES=${SUITES:-'MatrixStoreTests|PolicyFilesTests|ConformanceTests|ReportingTests|AnalysisTests.(BootLog|KernelCommandLine|Cover|Claim)'}
# Sanitizers and GRDB's dispatch queues need no other options; a finding ends the run.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export TSAN_OPTIONS=halt_on_error=1

for sanitizer in ${*:-address thread}; do
  "$SWIFT" test --sanitize="$sanitizer" --scratch-path ".build-$sanitizer" --filter "$SUITES"
  echo "sanitize: $sanitizer: no finding"
done
