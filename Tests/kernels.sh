#!/bin/sh
# Unpacks what `dmamatrix verify` reads of Debian's kernel sources below a
# directory: kernels.sh DIRECTORY VERSION...  What is there already is kept, as
# long as apt has no newer package.
set -eu

fail() {
  echo "kernels: $1" >&2
  exit 2
}

[ $# -ge 2 ] || fail "usage: kernels.sh DIRECTORY VERSION..."
directory=$1
shift
for program in apt-get apt-cache dpkg-deb tar xz; do
  command -v "$program" >/dev/null || fail "$program is missing; this needs a Debian system"
done
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)

candidate() {
  apt-cache policy "linux-source-$1" | sed -n 's/^ *Candidate: //p'
}

for version in "$@"; do
  case $(candidate "$version") in
  '' | '(none)')
    root=
    [ "$(id -u)" -eq 0 ] || root=sudo
    $root apt-get update -qq >&2
    ;;
  esac
  package=$(candidate "$version")
  case $package in
  '' | '(none)')
    fail "apt knows no linux-source-$version; add the suite that has it to apt's sources"
    ;;
  esac
  if [ "$(cat "$directory/$version/.package" 2>/dev/null)" = "$package" ] &&
    [ -e "$directory/$version/drivers/xen/swiotlb-xen.c" ]; then continue; fi
  echo "unpacking linux-source-$version $package" >&2
  work="$directory/$version.$$.tmp"
  trap 'rm -rf "$work"' EXIT
  rm -rf "$work"
  mkdir -p "$work/deb" "$work/tree"
  (cd "$work/deb" && apt-get download -qq "linux-source-$version=$package" >&2) ||
    fail "linux-source-$version $package cannot be downloaded"
  dpkg-deb --fsys-tarfile "$work"/deb/*.deb |
    tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dc -T0 |
    tar -x -C "$work/tree" --strip-components=1 --wildcards --no-wildcards-match-slash \
      --exclude='*/boot/*' 'linux-source-*/Makefile' 'linux-source-*/kernel/dma' \
      'linux-source-*/include/linux' 'linux-source-*/include/asm-generic' \
      'linux-source-*/arch/x86' 'linux-source-*/arch/arm64' 'linux-source-*/arch/s390' \
      'linux-source-*/arch/powerpc' 'linux-source-*/drivers/iommu' \
      'linux-source-*/drivers/xen/swiotlb-xen.c' \
      'linux-source-*/mm/Kconfig' 'linux-source-*/mm/slab_common.c' 'linux-source-*/lib/Kconfig*' 2>"$work/tar" ||
    grep -q 'Not found in archive' "$work/tar" || fail "$(head -n 1 "$work/tar")"
  [ -e "$work/tree/kernel/dma/swiotlb.c" ] || fail "linux-source-$version has no kernel/dma"
  echo "$package" >"$work/tree/.package"
  rm -rf "${directory:?}/$version"
  mv "$work/tree" "$directory/$version"
  rm -rf "$work"
  trap - EXIT
done
