import Foundation

@testable import HostCapture

/// Small captures, written by the tests: no real machine's.
struct TestCapture {
  var files: [(path: String, text: String)] = []
  var links: [(path: String, target: String)] = []

  /// A plain x86 machine with RAM up to 6 GiB and a pool below 2 GiB.
  init(
    release: String = "6.12.1-test", commandLine: String = "quiet",
    pool: String? = "0x7b000000-0x7f000000"
  ) {
    files = [
      ("proc/version", "Linux version \(release) (gcc) #1 SMP\n"),
      ("proc/cmdline", commandLine + "\n"),
      ("proc/cpuinfo", "processor\t: 0\nvendor_id\t: T\ncpu family\t: 15\nflags\t\t: fpu\n"),
      (
        "proc/iomem",
        """
        00000000-00000fff : Reserved
        00001000-0009ffff : System RAM
        00100000-7fffffff : System RAM
          01000000-01ffffff : Kernel code
        100000000-1ffffffff : System RAM

        """
      ),
    ]
    var log = "[    0.000000] Linux version \(release)\n"
    if let pool {
      let bounds = pool.split(separator: "-")
      log += "[    0.100000] software IO TLB: mapped [mem \(bounds[0])-\(bounds[1])] (64MB)\n"
    }
    files.append(("dmesg", log))
    if pool != nil {
      files.append(("sys/kernel/debug/swiotlb/io_tlb_nslabs", "32768\n"))
      files.append(("sys/kernel/debug/swiotlb/io_tlb_used", "512\n"))
    }
  }

  mutating func add(
    _ address: String, driver: String? = "nvme", masks: (Int, Int) = (64, 64),
    domain: String? = nil, classCode: String = "0x010802"
  ) {
    let folder = "sys/bus/pci/devices/\(address)/"
    files.append((folder + "class", classCode + "\n"))
    files.append((folder + "dma_mask_bits", "\(masks.0)\n"))
    files.append((folder + "consistent_dma_mask_bits", "\(masks.1)\n"))
    if let domain { files.append((folder + "iommu_group/type", domain + "\n")) }
    if let driver { links.append((folder + "driver", "../../../bus/pci/drivers/\(driver)")) }
  }

  mutating func trace(_ lines: [String]) {
    let head = "# tracer: nop\n#\n"
    let text = lines.map { "  task-1  [000] .....    1.000000: \($0)\n" }.joined()
    files.append(("sys/kernel/tracing/trace", head + text))
  }

  /// The archive, uncompressed.
  var archive: [UInt8] {
    var bytes: [UInt8] = []
    for (path, text) in files { bytes += tarEntry("./" + path, Array(text.utf8)) }
    for (path, target) in links { bytes += tarEntry("./" + path, [], type: "2", link: target) }
    return bytes + [UInt8](repeating: 0, count: 1024)
  }

  func read() throws -> HostCapture { try HostCapture(archive: archive, named: "test") }
}

/// One entry of a ustar archive.
func tarEntry(
  _ name: String, _ content: [UInt8], type: Character = "0", link: String = "",
  size: String? = nil
) -> [UInt8] {
  var header = [UInt8](repeating: 0, count: 512)
  func put(_ text: String, at offset: Int) {
    for (index, byte) in text.utf8.enumerated() where offset + index < 512 {
      header[offset + index] = byte
    }
  }
  put(String(name.prefix(100)), at: 0)
  put("0000644", at: 100)
  let octal = String(content.count, radix: 8)
  put(size ?? String(repeating: "0", count: 11 - octal.count) + octal, at: 124)
  put(String(type), at: 156)
  put(String(link.prefix(100)), at: 157)
  put("ustar\0" + "00", at: 257)
  put("        ", at: 148)
  let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
  put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
  let padding = [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  return header + content + padding
}
