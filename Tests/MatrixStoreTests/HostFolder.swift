import DMAModel
import Foundation
import HostCapture
import HostModel
import MatrixStore
import TestSupport

/// A machine that the tests make up: an SME host of 8 GiB whose disk has a streaming mask
/// of 64 bits and a coherent mask of 32, as drivers leave it that set the first alone.
///
/// Source of what is to be expected: 7.3's force_dma_unencrypted() asks the coherent mask,
/// so that this disk bounces where 6.12 did not.
enum HostFolder {
  private static let files = [
    "proc/version": "Linux version 6.12.1-test (gcc) #1 SMP\n",
    "proc/cmdline": "mem_encrypt=on\n",
    "proc/cpuinfo": "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nflags\t\t: fpu\n",
    "proc/iomem": "00100000-7fffffff : System RAM\n100000000-27fffffff : System RAM\n",
    "dmesg": """
    [    0.000000] Linux version 6.12.1-test
    [    0.000000] Command line: mem_encrypt=on
    [    0.100000] software IO TLB: mapped [mem 0x7b000000-0x7f000000] (64MB)
    [    0.200000] Memory Encryption Features active: AMD SME

    """,
    "sys/bus/pci/devices/0000:00:01.0/class": "0x010802\n",
    "sys/bus/pci/devices/0000:00:01.0/vendor": "0x1af4\n",
    "sys/bus/pci/devices/0000:00:01.0/device": "0x1041\n",
    "sys/bus/pci/devices/0000:00:01.0/dma_mask_bits": "64\n",
    "sys/bus/pci/devices/0000:00:01.0/consistent_dma_mask_bits": "32\n",
    "sys/kernel/tracing/trace": """
    # tracer: nop
    #
      task-1  [000] .....    1.000000: dma_map_page: 0000:00:01.0 dir=TO_DEVICE \
    dma_addr=1000000 size=4096 phys_addr=1000000 attrs=

    """,
  ]

  /// Stores the machine in a database.
  static func store(in path: String, beside directory: TemporaryDirectory) throws {
    let root = directory.file("machine")
    try DriverTree.write(files, to: root)
    try FileManager.default.createSymbolicLink(
      atPath: root + "/sys/bus/pci/devices/0000:00:01.0/driver",
      withDestinationPath: "../../../bus/pci/drivers/disk")
    let host = try FleetHost(
      try HostCapture(root: root),
      comparedWith: ["6.12", "7.2", "7.3"].compactMap { KernelVersion.named($0) })
    var entries = [FleetStore.Entry(name: "machine", sha256: nil, host: host)]
    _ = try FleetStore.add(to: path, toolVersion: "test") {
      defer { entries = [] }
      return entries
    }
  }
}
