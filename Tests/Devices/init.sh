#!/bin/busybox sh
# The guest of run.sh, started by the kernel: loads the drivers, lets the capture's
# script trace while they are bound anew and do I/O, and writes what came out to the
# NVMe disk as a tar archive. Says on the console how long that is.
# /lab/config has: seconds, rounds, and another tracer or nothing.
# shellcheck shell=dash disable=SC2154

/bin/busybox --install -s /bin
PATH=/bin:/usr/bin:/sbin:/usr/sbin
export PATH
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t debugfs none /sys/kernel/debug
mount -t tracefs none /sys/kernel/tracing
ip link set lo up
# shellcheck source=/dev/null
. /lab/config

out=/lab/out
mkdir -p $out /tmp
chmod 1777 /tmp
echo "root:x:0:0::/:/bin/sh
user:x:1000:1000::/tmp:/bin/sh" >/etc/passwd
echo "root:x:0:
user:x:1000:" >/etc/group
say() { echo "lab: $1"; }
moment() { cut -d ' ' -f 1 /proc/uptime; }

say "loading drivers at $(moment)"
while read -r module; do
  insmod "/lab/modules/$module" || say "$module does not load"
done </lab/modules.list

# Disks appear some time after their drivers: waits until there are so many, or until
# there are as many as some seconds ago.
disks() {
  for disk in /sys/block/nvme* /sys/block/vd* /sys/block/sd* /sys/block/mmcblk*; do
    [ ! -e "$disk" ] || echo "${disk##*/}"
  done
}
settle() {
  left=20 found=0
  until [ "$found" -ge "$1" ] || [ "$left" -eq 0 ]; do
    sleep 1
    before=$found found=$(disks | wc -l)
    left=$((left - 1))
    [ "$found" -eq "$before" ] || left=$2
  done
}

# eth* of the PCI slot N has the network 10.N.2.0/24.
slot() {
  path=$(readlink -f "/sys/class/net/$1/device")
  path=${path%/virtio*}
  path=${path##*/}
  path=${path#*:*:}
  echo $((0x${path%.*}))
}
networks() {
  for card in /sys/class/net/eth*; do
    [ -e "$card/device" ] || continue
    number=$(slot "${card##*/}")
    ip link set "${card##*/}" up
    ip address add "10.$number.2.15/24" dev "${card##*/}"
  done
}

# Whether the script is tracing; afterwards, I/O would only take its time.
tracing() {
  for instance in /sys/kernel/tracing/instances/dmamatrix.*; do
    [ ! -d "$instance" ] || return 0
  done
  return 1
}

io() {
  for disk in $(disks); do
    tracing || return
    node=/dev/$disk
    dd if=/dev/zero of="$node" bs=4k count=32 oflag=direct
    dd if=/dev/urandom of="$node" bs=64k seek=4 count=8 conv=fsync
    dd if="$node" of=/dev/null bs=64k count=16 iflag=direct
    dd if="$node" of=/dev/null bs=512 count=8 iflag=direct
    dd if="$node" of=/dev/null bs=1M skip=4 count=2
    echo 1 >/proc/sys/vm/drop_caches
  done
  for card in /sys/class/net/eth*; do
    tracing || return
    [ -e "$card/device" ] || continue
    number=$(slot "${card##*/}")
    ping -c 1 -s 56 -w 4 "10.$number.2.2"
    ping -c 1 -s 3000 -w 4 "10.$number.2.2"
    timeout 20 tftp -g -b 1428 -r file -l /tmp/file "10.$number.2.2"
    rm -f /tmp/file
  done
  [ ! -e /dev/dsp ] || timeout 10 dd if=/dev/zero of=/dev/dsp bs=4k count=8
}

# What a driver allocates and frees, it does when it is bound and unbound.
rebind() {
  for device in /sys/bus/pci/devices/*; do
    [ -L "$device/driver" ] || continue
    driver=$(readlink -f "$device/driver")
    echo "${device##*/}" >"$driver/unbind"
    echo "${device##*/}" >"$driver/bind"
  done
}

settle 99 5
count=$(disks | wc -l)
networks
su user -c "cd /tmp && sh /lab/capture.sh --trace 1 -o user.tar.gz" >$out/user.log 2>&1
cp /tmp/user.tar.gz $out/user.tar.gz

say "tracing for $seconds s at $(moment)"
recorder=
case $tracer in
trace-cmd)
  trace-cmd record -e dma -e swiotlb -b 16384 -o $out/trace.dat sleep "$seconds" >$out/record.log 2>&1 &
  recorder=$!
  ;;
perf)
  perf record -a -e 'dma:*' -e 'swiotlb:*' -m 2048 -o $out/perf.data sleep "$seconds" >$out/record.log 2>&1 &
  recorder=$!
  ;;
esac
(cd /tmp && exec sh /lab/capture.sh --trace "$seconds" -o $out/capture.tar.gz) >$out/capture.log 2>&1 &
capture=$!
left=60
until tracing; do
  if [ $left -eq 0 ] || ! kill -0 $capture 2>/dev/null; then break; fi
  left=$((left - 1))
  sleep 1
done
rebind
settle "$count" 10
networks
while [ "$rounds" -gt 0 ] && tracing; do
  io >>$out/io.log 2>&1
  rounds=$((rounds - 1))
done
say "$rounds rounds of I/O were left, $(disks | wc -l) of $count disks were there at $(moment)"
wait $capture $recorder
dmesg >$out/dmesg

cd $out || exit
say "$(grep -c . capture.log) lines of the script, writing the result at $(moment)"
tar -cf /tmp/result.tar .
dd if=/tmp/result.tar of=/dev/nvme0n1 bs=64k conv=fsync 2>/dev/null
sum=$(sha256sum </tmp/result.tar)
say "result $(($(wc -c </tmp/result.tar))) ${sum%% *}"
poweroff -f
