#!/bin/sh
# Fetches a Debian kernel by apt, unpacks it, and builds dmaprobe.ko for it:
#
#   sh Sources/dmaprobe/debian.sh 6.12 DIRECTORY
#   sh Sources/dmaprobe/debian.sh --modules 6.12 DIRECTORY
#
# leaves DIRECTORY/bzImage, DIRECTORY/dmaprobe.ko and DIRECTORY/release; --modules the
# kernel's own modules below DIRECTORY/root instead of dmaprobe.ko. Nothing is
# installed; apt must know a suite that has the kernel (6.12 is in bookworm-security
# and trixie, 7.2 and 7.3 in forky, sid or trixie-backports).
set -eu

fail() {
  echo "dmaprobe: $1" >&2
  exit 2
}

# What a build and a lab need, by apt: "sh debian.sh --packages".
if [ "${1:-}" = --packages ]; then
  missing=
  command -v qemu-system-x86_64 >/dev/null 2>&1 || missing="$missing qemu-system-x86"
  [ -x /bin/busybox ] || [ -x /usr/bin/busybox ] || missing="$missing busybox-static"
  command -v gcc >/dev/null 2>&1 || missing="$missing gcc"
  command -v make >/dev/null 2>&1 || missing="$missing make"
  command -v xz >/dev/null 2>&1 || missing="$missing xz-utils"
  ldconfig -p | grep -q 'libelf\.so\.1' || missing="$missing libelf1"
  # shellcheck disable=SC2086
  exec sh "$(dirname "$0")/../../Tests/install.sh" $missing
fi

wanted=dmaprobe
if [ "${1:-}" = --modules ]; then
  wanted=modules
  shift
fi
[ $# -eq 2 ] || fail "expected a version and a directory, as in: debian.sh 6.12 .build/lab/6.12"
version=$1
case $version in
*[!0-9.]* | '') fail "'$version' is no kernel version; expected as 6.12" ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
needed="apt-get apt-cache dpkg"
[ $wanted = modules ] || needed="$needed make gcc"
for tool in $needed; do
  command -v "$tool" >/dev/null 2>&1 || fail "no $tool; install the package ${tool%-*} first"
done

# The newest flavour amd64 of that version: "6.12.117+deb12", "6.1.0-53".
newest() {
  apt-cache pkgnames "linux-headers-$version." |
    sed -n "s/^linux-headers-\($version\.[0-9][0-9a-z.+~-]*\)-amd64\$/\1/p" |
    grep -v -E -- '-(rt|cloud)$' | sort -V | tail -n 1
}
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
release=${RELEASE:-$(newest)}
if [ -z "$release" ]; then
  $sudo apt-get update -qq >&2 || true
  release=$(newest)
fi
[ -n "$release" ] ||
  fail "apt knows no linux-headers-$version.*-amd64; add a suite that has it and run apt-get update"
# Where the apt indices list a release whose packages are gone, RELEASE names another.
echo "dmaprobe: Debian's $release-amd64" >&2

has() { apt-cache show "$1" >/dev/null 2>&1; }

root=$out/root
if [ "$(cat "$out/packages/.release" 2>/dev/null)" != "$release" ]; then
  rm -rf "$out/packages" "$root"
  mkdir -p "$out/packages"
  echo "$release" >"$out/packages/.release"
fi

# Fetches packages and unpacks them to the root: unpack NAME PACKAGE...
# apt-get download wants a directory that it can write as _apt.
unpack() {
  packages=$out/packages/$1
  shift
  if [ ! -e "$packages/.complete" ]; then
    rm -rf "$packages"
    mkdir -p "$packages"
    (cd "$packages" && apt-get download -q "$@" >&2) ||
      fail "apt cannot fetch the packages of $release; run apt-get update, or name another as RELEASE"
    : >"$packages/.complete"
  fi
  mkdir -p "$root"
  for package in "$packages"/*.deb; do
    dpkg -x "$package" "$root" || fail "'$package' cannot be unpacked"
  done
}

# The image's package has the modules too, until 7.2 divided it.
if [ ! -e "$root/.image" ]; then
  if has "linux-binary-$release-amd64"; then
    unpack image "linux-binary-$release-amd64" "linux-base-$release-amd64"
  elif has "linux-image-$release-amd64-unsigned"; then
    unpack image "linux-image-$release-amd64-unsigned"
  else
    unpack image "linux-image-$release-amd64"
  fi
  : >"$root/.image"
fi
image=$(find "$root" -name 'vmlinuz*' -type f | head -n 1)
[ -n "$image" ] || fail "the packages of $release hold no vmlinuz"
cp "$image" "$out/bzImage"
echo "$release-amd64" >"$out/release"

if [ $wanted = modules ]; then
  if [ ! -e "$root/.modules" ]; then
    has "linux-modules-$release-amd64" && unpack modules "linux-modules-$release-amd64"
    : >"$root/.modules"
  fi
  exit 0
fi

headers=$root/usr/src/linux-headers-$release-amd64
if [ ! -e "$root/.headers" ]; then
  kbuild=linux-kbuild-$release
  has "$kbuild" || kbuild=linux-kbuild-$version
  unpack headers "linux-headers-$release-amd64" "linux-headers-$release-common" "$kbuild"
  # The packages expect to be installed; BTF would want pahole.
  sed -i "s|/usr/src/|$root/usr/src/|g" "$headers/Makefile"
  for file in "$root"/usr/src/linux-headers-*/.kernelvariables; do
    [ ! -e "$file" ] || sed -i "s|/usr/src/|$root/usr/src/|g" "$file"
  done
  rm -f "$headers/vmlinux"
  : >"$root/.headers"
fi

# Programs that were linked against a newer C library run by that library's loader.
tools=$(readlink -f "$headers/scripts" 2>/dev/null || true)
[ -d "$tools" ] || tools=$(echo "$root"/usr/lib/linux-kbuild-*/scripts)
tools=$(dirname "$tools")
runs() { ! "$1" --help 2>&1 | grep -q -E 'GLIBC_|error while loading shared'; }
for program in "$tools"/scripts/mod/modpost* "$tools"/tools/objtool/objtool*; do
  case $program in *.own) continue ;; esac
  [ -f "$program" ] && [ ! -e "$program.own" ] || continue
  head -c 4 "$program" | grep -q ELF || continue
  runs "$program" && continue
  if [ ! -e "$out/libc/.unpacked" ]; then
    rm -rf "$out/libc"
    mkdir -p "$out/libc/packages"
    for suite in forky sid trixie; do
      (cd "$out/libc/packages" &&
        apt-get download -q libc6/$suite libelf1t64/$suite zlib1g/$suite libzstd1/$suite >&2) &&
        break
    done
    for package in "$out"/libc/packages/*.deb; do
      [ -e "$package" ] ||
        fail "$(basename "$program") wants a newer C library than this machine's and apt's"
      dpkg -x "$package" "$out/libc"
    done
    : >"$out/libc/.unpacked"
  fi
  loader=$(find "$out/libc" -name 'ld-linux-x86-64.so.2' | head -n 1)
  mv "$program" "$program.own"
  cat >"$program" <<EOF
#!/bin/sh
exec $loader --library-path $out/libc/usr/lib/x86_64-linux-gnu:$out/libc/lib/x86_64-linux-gnu $program.own "\$@"
EOF
  chmod +x "$program"
done

# gcc 12 and older have -falign-functions for -fmin-function-alignment.
cc=gcc
if ! echo | gcc -fmin-function-alignment=16 -E - >/dev/null 2>&1; then
  cc=$out/gcc
  cat >"$cc" <<'EOF'
#!/bin/sh
for argument; do
  shift
  case $argument in
  -fmin-function-alignment=*) set -- "$@" "-falign-functions=${argument#*=}" ;;
  *) set -- "$@" "$argument" ;;
  esac
done
exec gcc "$@"
EOF
  chmod +x "$cc"
fi

rm -rf "$out/module"
mkdir -p "$out/module"
cp "$here"/*.c "$here"/*.h "$here/Kbuild" "$out/module/"
make -s -C "$headers" M="$out/module" CC="$cc" HOSTCC=gcc modules >&2 ||
  fail "dmaprobe does not build for $release"
cp "$out/module/dmaprobe.ko" "$out/dmaprobe.ko"
