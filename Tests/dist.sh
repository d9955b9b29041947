#!/bin/sh
# Makes an archive that runs without a Swift toolchain: the executable, the manual page,
# completions, an example database, and what it needs of the system.
# Usage: dist.sh TOOL OUTPUT-DIRECTORY
set -eu

tool=$(realpath "$1")
mkdir -p "$2"
output=$(realpath "$2")
cd "$(dirname "$0")/.."
version=$("$tool" --version | sed -n 's/^dmamatrix \([0-9.]*\).*/\1/p')
[ -n "$version" ] || { echo "dist: $tool names no version" >&2; exit 1; }
name="dmamatrix-$version-linux-$(uname -m)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make --no-print-directory -s install-files TOOL="$tool" PREFIX="$work/$name" DESTDIR=
mkdir -p "$work/$name/share/dmamatrix"
"$tool" generate --quiet --database "$work/$name/share/dmamatrix/matrix.db"
cp LICENSE CHANGELOG.md README.md "$work/$name"
# The libraries that a Debian system brings, by the packages of this one.
needed=$(ldd "$tool" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | while read -r library; do
  dpkg -S "$(realpath "$library")" 2>/dev/null || dpkg -S "$library" 2>/dev/null || true
done | sed 's/:.*//' | sort -u | paste -sd' ' -)
cat >"$work/$name/INSTALL" <<TEXT
$("$tool" --version)

Copy bin and share below a prefix (/usr/local), or run bin/dmamatrix where it is:

  bin/dmamatrix info --database share/dmamatrix/matrix.db

Built on $(. /etc/os-release && echo "$PRETTY_NAME"); libraries of these packages are
needed: ${needed:-unknown}.
verify and review also need gcc and a C library's headers, and git for --git.
TEXT
(cd "$work" && tar --sort=name --owner=0 --group=0 --numeric-owner -cJf "$name.tar.xz.tmp" "$name")
mv "$work/$name.tar.xz.tmp" "$output/$name.tar.xz"
(cd "$output" && sha256sum "$name.tar.xz" >"$name.tar.xz.sha256.tmp" &&
  mv "$name.tar.xz.sha256.tmp" "$name.tar.xz.sha256")
echo "$output/$name.tar.xz"
