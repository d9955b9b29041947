#!/bin/sh
# Checks for the Swift toolchain and the three C libraries; installs the libraries
# with apt where they are missing.
set -eu

fail() {
  echo "dmamatrix: $1" >&2
  exit 2
}

SWIFT=${SWIFT:-swift}
command -v "$SWIFT" >/dev/null 2>&1 ||
  fail "no Swift toolchain found; install Swift 6.1 or later from swift.org and put it on PATH"
version=$("$SWIFT" --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
[ -n "$version" ] || fail "cannot read the version of '$SWIFT'; expected Swift 6.1 or later"
set -- $version
if [ "$1" -lt 6 ] || { [ "$1" -eq 6 ] && [ "$2" -lt 1 ]; }; then
  fail "Swift $1.$2 is too old; expected 6.1 or later"
fi

missing=
[ -e /usr/include/sqlite3.h ] || missing="$missing libsqlite3-dev"
[ -e /usr/include/zlib.h ] || missing="$missing zlib1g-dev"
[ -e /usr/include/openssl/evp.h ] || missing="$missing libssl-dev"
# shellcheck disable=SC2086
exec sh "$(dirname "$0")/install.sh" $missing
