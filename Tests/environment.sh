#!/bin/sh
# Makes a Python environment with packages from PyPI, once for each content of
# REQUIREMENTS: environment.sh DIRECTORY REQUIREMENTS
set -eu

fail() {
  echo "dmamatrix: $1" >&2
  exit 2
}

! cmp -s "$2" "$1/ready" || exit 0
command -v python3 >/dev/null || fail "python3 is missing; install it with your package manager"
python3 -m venv "$1" || fail "python3 has no venv; install python3-venv"
"$1/bin/pip" install --quiet --requirement "$2" >&2 ||
  fail "the packages of $2 cannot be installed"
cp "$2" "$1/ready"
