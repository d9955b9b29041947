#!/bin/sh
# Installs Debian packages with apt, as root or by sudo: install.sh PACKAGE...
# Without packages there is nothing to do.
set -eu

fail() {
  echo "dmamatrix: $1" >&2
  exit 2
}

[ $# -gt 0 ] || exit 0
command -v apt-get >/dev/null 2>&1 ||
  fail "missing: $*; install them with your package manager"
root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || fail "missing: $*; install them as root"
  root=sudo
fi
echo "installing $*" >&2
$root apt-get update -qq >&2
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >&2
