#!/bin/sh
# Boots a Debian kernel in QEMU with real devices and their own drivers, lets them do
# I/O, takes a capture with the script of `dmamatrix host --script`, and reads it with
# host and observe:
#
#   run.sh [NAME=VALUE]... KERNEL DIRECTORY
#
# DIRECTORY is what debian.sh --modules made; the capture stays there as
# captures/KERNEL-IOMMU-SWIOTLB-MEMORY/capture.tar.gz. Names: iommu (none, intel, pt),
# swiotlb (default, force, noforce), memory (6G), seconds of tracing (20), rounds of
# I/O (1), limit in seconds (300), devices to leave out by driver (skip=e100,...), and
# tracer=trace-cmd or perf, which records the same events beside the script by the
# program of this machine; observe reads its report too.
#
# Exit status 1 if observe differs, if a device, a driver or a device's traffic is
# missing; 2 if the boot fails.
set -eu

TOOL=$(realpath "${TOOL:-.build/release/dmamatrix}")
here=$(cd "$(dirname "$0")" && pwd)

fail() {
  echo "lab-devices: $1" >&2
  exit "${2:-1}"
}

iommu=none swiotlb=default memory=6G seconds=20 rounds=1 limit=300 skip='' tracer=''
while :; do
  case ${1:-} in
  iommu=none | iommu=intel | iommu=pt) iommu=${1#*=} ;;
  swiotlb=default | swiotlb=force | swiotlb=noforce) swiotlb=${1#*=} ;;
  memory=*[!0-9A-Z]* | seconds=*[!0-9]* | rounds=*[!0-9]* | limit=*[!0-9]*)
    fail "'$1' is no number" 2 ;;
  memory=?*) memory=${1#*=} ;;
  seconds=?*) seconds=${1#*=} ;;
  rounds=?*) rounds=${1#*=} ;;
  limit=?*) limit=${1#*=} ;;
  skip=*) skip=${1#*=} ;;
  tracer=trace-cmd | tracer=perf) tracer=${1#*=} ;;
  *=*)
    fail "'$1' is unknown; accepted: iommu=none|intel|pt, swiotlb=default|force|noforce, memory=6G, seconds=N, rounds=N, limit=N, skip=DRIVER,..., tracer=trace-cmd|perf" 2
    ;;
  *) break ;;
  esac
  shift
done
[ $# -eq 2 ] || fail "expected: run.sh [NAME=VALUE]... KERNEL DIRECTORY" 2
version=$1
[ -s "$2/release" ] || fail "there is no kernel in '$2'; run debian.sh --modules first" 2
directory=$(cd "$2" && pwd)
release=$(cat "$directory/release")
modules=$directory/root/lib/modules/$release
[ -d "$modules/kernel" ] || modules=$directory/root/usr/lib/modules/$release
[ -d "$modules/kernel" ] || fail "no modules of $release; run debian.sh --modules first" 2
busybox=/bin/busybox
[ -x $busybox ] || busybox=/usr/bin/busybox
[ -x $busybox ] || fail "no busybox; install busybox-static" 2
for program in qemu-system-x86_64 xz tar sha256sum timeout truncate; do
  command -v "$program" >/dev/null || fail "no $program" 2
done

# QEMU's model of these reaches memory past the IOMMU, at addresses that are IOVAs.
[ "$iommu" != intel ] || skip=$skip,sym53c8xx,vmw_pvscsi
# tulip does not look whether a mapping has failed, and unmaps DMA_MAPPING_ERROR, which
# observe counts as a difference.
[ "$swiotlb" != noforce ] || skip=$skip,tulip

work=$(mktemp -d)
qemu=
finish() {
  [ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 2' INT TERM HUP

# The machine: address, driver, the device, and what is attached to it; each card has a
# network of its own, each controller a disk.
virtio=disable-legacy=on,iommu_platform=on
devices="
01.0 nvme nvme,serial=lab,drive=d01
02.0 e1000e e1000e,netdev=n02
03.0 8139cp rtl8139,netdev=n03
04.0 e100 i82550,netdev=n04
05.0 e1000 e1000,netdev=n05
06.0 virtio-pci virtio-net-pci,$virtio,netdev=n06
07.0 virtio-pci virtio-blk-pci,$virtio,drive=d07
08.0 sym53c8xx lsi53c895a,id=b08 scsi-hd,bus=b08.0,drive=d08
09.0 am53c974 am53c974,id=b09 scsi-hd,bus=b09.0,drive=d09
0a.0 megaraid_sas megasas,id=b0a scsi-hd,bus=b0a.0,drive=d0a
0b.0 snd_hda_intel intel-hda,id=b0b hda-output,bus=b0b.0,audiodev=sound
0c.0 xhci_hcd qemu-xhci,id=b0c usb-storage,bus=b0c.0,drive=d0c
0d.0 vmw_pvscsi pvscsi,id=b0d scsi-hd,bus=b0d.0,drive=d0d
0e.0 mptsas mptsas1068,id=b0e scsi-hd,bus=b0e.0,drive=d0e
0f.0 pcnet32 pcnet,netdev=n0f
10.0 tulip tulip,netdev=n10
11.0 sdhci-pci sdhci-pci sd-card,bus=sd-bus,drive=d11
1f.2 ahci - ide-hd,bus=ide.0,drive=d1f
"
# Modules that drive what is behind those devices, or that have another name.
more="sd_mod virtio_blk virtio_net snd_hda_codec_generic snd_pcm_oss xhci_pci usb_storage
mmc_block"

root=$work/initramfs
mkdir -p "$work/tftp" "$root/lab/modules" "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/etc"
head -c 131072 /dev/urandom >"$work/tftp/file"
: >"$work/expected"
set --
while read -r address driver device attached; do
  case ,$skip, in *",$driver,"*) continue ;; esac
  [ -n "$address" ] || continue
  slot=${address%.*}
  echo "0000:00:$address $driver" >>"$work/expected"
  case $device in *netdev=*)
    set -- "$@" -netdev \
      "user,id=n$slot,net=10.$((0x$slot)).2.0/24,restrict=on,tftp=$work/tftp"
    ;;
  esac
  case $device$attached in *drive=*)
    truncate -s 64M "$work/d$slot"
    set -- "$@" -drive "if=none,id=d$slot,format=raw,file=$work/d$slot"
    ;;
  esac
  [ "$device" = - ] || set -- "$@" -device "$device,addr=$address"
  [ -z "$attached" ] || set -- "$@" -device "$attached"
done <<END
$devices
END

# Modules in the order in which they can be loaded. Debian's packages have no
# modules.dep, which depmod writes when they are installed: the modules say it too.
(cd "$modules" && find kernel -name '*.ko*') >"$work/files"
: >"$root/lab/modules.list"
decompress() {
  case $1 in
  *.xz) xz -dc "$1" ;;
  *.gz) gzip -dc "$1" ;;
  *.zst) zstd -dcq "$1" ;;
  *) cat "$1" ;;
  esac
}
load() (
  name=$(echo "$1" | tr - _)
  [ ! -e "$root/lab/modules/$name" ] || exit 0
  pattern=$(echo "$name" | sed 's/_/[-_]/g')
  file=$(grep -E "/$pattern\.ko(\.[a-z]+)?\$" "$work/files" | head -n 1)
  if [ -z "$file" ]; then
    grep -q -E "/$pattern\.ko\$" "$modules/modules.builtin" && exit 0
    fail "$release has no driver $1" 2
  fi
  decompress "$modules/$file" >"$root/lab/modules/$name"
  for needed in $(tr '\0' '\n' <"$root/lab/modules/$name" | sed -n 's/^depends=//p' | tr , ' '); do
    load "$needed"
  done
  echo "$name" >>"$root/lab/modules.list"
)
for module in $more $(cut -d ' ' -f 2 "$work/expected" | sed 's/^xhci_hcd$/xhci_pci/'); do
  load "$module"
done

cp $busybox "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
cp "$here/init.sh" "$root/init"
chmod 755 "$root/init"
"$TOOL" host --script >"$root/lab/capture.sh"
cat >"$root/lab/config" <<END
seconds=$seconds
rounds=$rounds
tracer=$tracer
END
if [ -n "$tracer" ]; then
  program=$(command -v "$tracer") || fail "no $tracer; install its package" 2
  for file in $program $(ldd "$program" | grep -o '/[^ ]*'); do
    mkdir -p "$root$(dirname "$file")"
    cp -L "$file" "$root$file"
  done
fi
(cd "$root" && find . | $busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/initrd"

# A slow emulator fails the check of the timer.
line="console=ttyS0 loglevel=4 panic=-1 no_timer_check"
machine=q35
case $iommu in
intel) line="$line intel_iommu=on" machine=q35,kernel-irqchip=split ;;
pt) line="$line intel_iommu=on iommu=pt" machine=q35,kernel-irqchip=split ;;
esac
[ "$iommu" = none ] || set -- -device intel-iommu "$@"
[ "$swiotlb" = default ] || line="$line swiotlb=$swiotlb"

name=$version-$iommu-$swiotlb-$memory
echo "lab-devices: booting $release ($name)" >&2
start=$(date +%s)
timeout -k 5 "$limit" qemu-system-x86_64 -M $machine -cpu max -accel tcg -smp 1 -m "$memory" \
  -nodefaults -no-user-config -display none -monitor none -serial "file:$work/console" \
  -no-reboot -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny \
  -audiodev none,id=sound -kernel "$directory/bzImage" -initrd "$work/initrd" -append "$line" \
  "$@" 2>"$work/qemu" &
qemu=$!
status=0
wait $qemu || status=$?
qemu=
elapsed=$(($(date +%s) - start))
mkdir -p "$directory/captures"
touch "$work/console"
cp "$work/console" "$directory/captures/$name.console"
case $status in
0) ;;
124 | 137) fail "$release did not end within $limit s; see $directory/captures/$name.console" 2 ;;
*) fail "QEMU ended with status $status: $(head -n 1 "$work/qemu")" 2 ;;
esac

# "lab: result BYTES SHA256"
found=$(tr -d '\r' <"$work/console" | sed -n 's/^lab: result //p' | tail -n 1)
[ -n "$found" ] ||
  fail "the guest has no result: $(grep -a -m 1 'BUG:\|Kernel panic' "$work/console" | tr -d '\r'); see $directory/captures/$name.console" 2
mkdir "$work/result"
head -c "${found%% *}" "$work/d01" >"$work/result.tar"
[ "$(sha256sum <"$work/result.tar" | cut -d ' ' -f 1)" = "${found##* }" ] ||
  fail "the result came out of the guest damaged" 2
tar -xf "$work/result.tar" -C "$work/result" || fail "the result is no archive" 2
rm -rf "$directory/captures/$name"
mv "$work/result" "$directory/captures/$name"
result=$directory/captures/$name
capture=$result/capture.tar.gz
[ -s "$capture" ] || fail "the script took no capture: $(head -n 1 "$result/capture.log")" 2
echo "lab-devices: the boot took $elapsed s" >&2

# Every device has its driver, and the trace has an event of each.
mkdir "$work/capture"
tar -xzf "$capture" -C "$work/capture"
trace=$work/capture/sys/kernel/tracing/trace
[ -s "$trace" ] || fail "the capture has no trace: $(sed -n '/^missing/,$p' "$result/capture.log")"
while read -r device driver; do
  bound=$(readlink "$work/capture/sys/bus/pci/devices/$device/driver" || true)
  [ "${bound##*/}" = "$driver" ] ||
    fail "$device has the driver '${bound##*/}' and not $driver"
  grep -q -E ": (dma_map|dma_alloc)[a-z_]*: $device " "$trace" ||
    fail "no traffic of $device ($driver) was traced"
done <"$work/expected"

"$TOOL" host "$result/user.tar.gz" >/dev/null ||
  fail "host does not read what a user without root's rights can take"
"$TOOL" host "$capture" || fail "host ended with status $?"
"$TOOL" observe --dry-run "$capture" || fail "observe ended with status $?"
[ -n "$tracer" ] || exit 0

# The other recorder's events, each of which observe must read.
case $tracer in
trace-cmd) trace-cmd report "$result/trace.dat" >"$result/report.txt" 2>"$work/errors" ;;
perf) perf script -i "$result/perf.data" >"$result/report.txt" 2>"$work/errors" ;;
esac || fail "$tracer does not read what it recorded: $(head -n 1 "$work/errors")" 2
recorded=$(grep -c -E ' (dma:|swiotlb:)?(dma|swiotlb)_[a-z_]*: ' "$result/report.txt" || true)
"$TOOL" observe --dry-run --host "$capture" "$result/report.txt" >"$work/observed" ||
  fail "observe ended with status $? on the text of $tracer"
cat "$work/observed"
[ "$recorded" -gt 0 ] || fail "$tracer recorded nothing: $(head -n 1 "$result/record.log")"
grep -q "^all  *$recorded " "$work/observed" ||
  fail "$tracer has $recorded events, observe $(sed -n 's/^all  *\([0-9]*\).*/\1/p' "$work/observed")"
