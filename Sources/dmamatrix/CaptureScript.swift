/// The script that takes a capture where dmamatrix is not installed.
///
/// POSIX sh with the utilities of busybox; it writes exactly the files that
/// `HostCapture` reads.
enum CaptureScript {
  static let text = #"""
    #!/bin/sh
    # Takes a capture of this machine for "dmamatrix host" and "dmamatrix observe".
    # Needs a POSIX shell and tar, gzip, sed, grep, cat: busybox has all of them.
    # Usage: sh capture.sh [--trace SECONDS] [--root DIR] [-o FILE]
    #
    # Taken: the lines of dmesg that concern DMA; /proc/cmdline (parameters that
    # concern DMA or the IOMMU), version, iomem (RAM alone), cpuinfo (without serial
    # numbers); of each PCI device vendor, device, class, both DMA masks, the
    # driver's name and the type of its IOMMU group; the counters of swiotlb; with
    # --trace the events dma:* and swiotlb:* of so many seconds.
    # Not taken: host names, addresses of networks, serial numbers, names of tasks.
    set -u
    LC_ALL=C
    export LC_ALL

    seconds=0 root= out=dmamatrix-capture.tar.gz
    fail() { echo "capture: $1" >&2; exit 2; }
    while [ $# -gt 0 ]; do
      case $1 in
        --trace) [ $# -gt 1 ] || fail "--trace needs a number of seconds"; seconds=$2; shift ;;
        --root) [ $# -gt 1 ] || fail "--root needs a folder"; root=${2%/}; shift ;;
        -o) [ $# -gt 1 ] || fail "-o needs a file"; out=$2; shift ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "'$1' is unknown; accepted: --trace SECONDS, --root DIR, -o FILE" ;;
      esac
      shift
    done
    case $seconds in
      '' | *[!0-9]* | ?????*) fail "--trace '$seconds' is no number of seconds; accepted: 0 to 9999" ;;
    esac
    [ -d "$root/proc" ] && [ -d "$root/sys" ] || fail "'$root/' has no proc and sys"
    [ ! -e "$out" ] || fail "'$out' exists; -o names another file"

    umask 077
    work=$(mktemp -d "${TMPDIR:-/tmp}/capture.XXXXXX") || fail "no folder for temporary files"
    tracing=
    restore() {
      if [ -n "$tracing" ]; then
        echo 0 >"$tracing/tracing_on" 2>/dev/null
        rmdir "$tracing" 2>/dev/null
        tracing=
      fi
    }
    trap 'restore; rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    top=$work/capture
    mkdir -p "$top/proc" "$top/sys/bus/pci/devices" "$top/sys/kernel/debug/swiotlb" \
      "$top/sys/kernel/tracing"
    missing=
    lacks() { missing="$missing
      $1"; }

    # Names and addresses that tell a machine or a person from others.
    clean() {
      sed -e 's/[0-9A-Fa-f][0-9A-Fa-f]\(:[0-9A-Fa-f][0-9A-Fa-f]\)\{5\}/xx:xx:xx:xx:xx:xx/g' \
        -e 's/\(^\|[^0-9.]\)[0-9]\{1,3\}\.[0-9]\{1,3\}\.[0-9]\{1,3\}\.[0-9]\{1,3\}\([^0-9.]\|$\)/\1x.x.x.x\2/g' \
        -e 's/\([0-9A-Fa-f]\{1,4\}:\)\{4,7\}[0-9A-Fa-f]\{0,4\}/x::x/g' \
        -e 's/[0-9A-Fa-f]\{8\}-[0-9A-Fa-f]\{4\}-[0-9A-Fa-f]\{4\}-[0-9A-Fa-f]\{4\}-[0-9A-Fa-f]\{12\}/x-uuid/g'
    }
    # user@host of who built the kernel.
    builder() { sed -e 's/([^() ]*@[^() ]*)/(builder)/'; }
    # Parameters that concern DMA; the others may name disks, hosts and users.
    parameters() {
      for word in $1; do
        case $word in
          --) printf '%s ' "$word"; break ;;
          iommu=* | iommu.* | *_iommu=* | swiotlb=* | mem_encrypt=* | mem=* | memmap=* | \
            pci=* | kvm.* | kvm-arm.* | xen* | arm-smmu* | crashkernel=* | coherent_pool=* | \
            hugepages=* | numa=* | nokaslr | maxcpus=* | nr_cpus=* | cma=* | tdx=* | sev=*)
            printf '%s ' "$word" ;;
        esac
      done
      echo
    }

    log=
    if [ -n "$root" ]; then
      [ ! -r "$root/dmesg" ] || log=$(cat "$root/dmesg")
    else
      log=$(dmesg 2>/dev/null)
    fi
    line=$(cat "$root/proc/cmdline" 2>/dev/null)
    if [ -n "$log" ]; then
      printf '%s\n' "$log" | grep -E \
        'Linux version |Memory Encryption|Default domain type|Hyper-V: Isolation|Xen|RME: Using RSI|software IO TLB|e820: \[mem|node +[0-9]+: \[mem|Zone ranges|  DMA(32)? |Normal  |nr_cpu_ids|DMAR|AMD-Vi|IVRS|smmu|IORT|DMA: preallocated|TLB invalidation|TDX|SEV|SME|ultravisor|swiotlb|Detected confidential' |
        builder | clean >"$top/dmesg"
      [ -s "$top/dmesg" ] || lacks "dmesg has no line of the boot: its buffer wrapped"
    else
      lacks "dmesg: only root may read it"
    fi
    if [ -n "$line" ]; then
      parameters "$line" >"$top/proc/cmdline"
    else
      lacks "proc/cmdline"
    fi
    if [ -r "$root/proc/version" ]; then
      builder <"$root/proc/version" >"$top/proc/version"
    else
      fail "$root/proc/version cannot be read"
    fi
    if grep -E '^[0-9a-f]+-[0-9a-f]+ : System RAM' "$root/proc/iomem" >"$top/proc/iomem" 2>/dev/null &&
      grep -qv '^0*-0* ' "$top/proc/iomem"
    then :; else
      # Everybody sees the firmware's map, where there is one: the kernel has since kept
      # a page here and there.
      for entry in "$root"/sys/firmware/memmap/*; do
        [ "$(cat "$entry/type" 2>/dev/null)" = "System RAM" ] || continue
        start=$(cat "$entry/start") end=$(cat "$entry/end")
        echo "${start#0x}-${end#0x} : System RAM"
      done >"$top/proc/iomem"
      if [ -s "$top/proc/iomem" ]; then
        lacks "proc/iomem: only root sees where RAM lies; taken from the firmware's map"
      else
        rm -f "$top/proc/iomem"
        lacks "proc/iomem: only root sees where RAM lies"
      fi
    fi
    grep -viE '^(serial|machine|uuid)|serial number' "$root/proc/cpuinfo" 2>/dev/null |
      clean >"$top/proc/cpuinfo"

    count=0 masks=0
    for device in "$root"/sys/bus/pci/devices/*; do
      [ -e "$device" ] || continue
      name=${device##*/}
      to=$top/sys/bus/pci/devices/$name
      mkdir -p "$to"
      for file in vendor device class dma_mask_bits consistent_dma_mask_bits; do
        [ ! -r "$device/$file" ] || cat "$device/$file" >"$to/$file"
      done
      [ ! -s "$to/dma_mask_bits" ] || masks=$((masks + 1))
      if [ -r "$device/iommu_group/type" ]; then
        mkdir -p "$to/iommu_group"
        cat "$device/iommu_group/type" >"$to/iommu_group/type"
      fi
      if [ -L "$device/driver" ]; then
        ln -s "$(readlink "$device/driver")" "$to/driver"
      fi
      count=$((count + 1))
    done
    [ "$masks" -eq "$count" ] || lacks "DMA masks of $((count - masks)) of $count devices"

    pool=$root/sys/kernel/debug/swiotlb
    for file in io_tlb_nslabs io_tlb_used io_tlb_used_hiwater; do
      [ ! -r "$pool/$file" ] || cat "$pool/$file" >"$top/sys/kernel/debug/swiotlb/$file"
    done
    [ -e "$top/sys/kernel/debug/swiotlb/io_tlb_nslabs" ] ||
      lacks "counters of swiotlb: only root may read debugfs, or there is no pool"

    # The names of tasks say who does what; the parser does not need them.
    anonymous() { sed -e 's/^.*\[\([0-9][0-9]*\)\] / task-0 [\1] /' | clean; }
    if [ "$seconds" -gt 0 ]; then
      for folder in "$root/sys/kernel/tracing" "$root/sys/kernel/debug/tracing"; do
        [ ! -d "$folder/events/dma" ] || break
      done
      # An instance of its own leaves other users' tracing alone.
      instance=$folder/instances/dmamatrix.$$
      if [ -d "$folder/events/dma" ] && mkdir "$instance" 2>/dev/null; then
        tracing=$instance
        # Of all CPUs together at most 256 MiB of events, of one at most 16.
        cpus=$(grep -c '^processor' "$root/proc/cpuinfo" 2>/dev/null)
        size=$((262144 / (${cpus:-0} + 1)))
        [ "$size" -le 16384 ] || size=16384
        echo "$size" >"$tracing/buffer_size_kb" 2>/dev/null
        echo 1 >"$tracing/events/dma/enable"
        [ ! -e "$tracing/events/swiotlb/enable" ] || echo 1 >"$tracing/events/swiotlb/enable"
        echo 1 >"$tracing/tracing_on"
        echo "capture: tracing for $seconds s" >&2
        sleep "$seconds"
        echo 0 >"$tracing/tracing_on"
        anonymous <"$tracing/trace" >"$top/sys/kernel/tracing/trace"
        restore
      else
        lacks "the trace: needs root, tracefs, and a kernel with dma:* (6.12 or later)"
      fi
    elif [ -n "$root" ] && [ -r "$root/sys/kernel/tracing/trace" ]; then
      anonymous <"$root/sys/kernel/tracing/trace" >"$top/sys/kernel/tracing/trace"
    fi

    (cd "$top" && tar -cf - .) | gzip -c >"$work/archive" || fail "tar or gzip failed"
    mv "$work/archive" "$out" || fail "'$out' cannot be written"
    echo "$out holds:"
    (cd "$top" && for file in dmesg proc/* sys/kernel/debug/swiotlb/* sys/kernel/tracing/trace; do
      [ ! -f "$file" ] || echo "  $file ($(($(wc -l <"$file"))) lines)"
    done)
    echo "  sys/bus/pci/devices: $count devices, their masks, drivers and domains"
    [ -z "$missing" ] || echo "missing:$missing"
    """# + "\n"
}
