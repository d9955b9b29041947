import Support

/// The files of a capture that the tool reads, by their path below the root.
///
/// Nothing is unpacked to disk and no link is followed: a link's text is data.
public struct CaptureFiles: Sendable {
  /// What regular files hold.
  public internal(set) var files: [String: ArraySlice<UInt8>] = [:]
  /// What symbolic links say.
  public internal(set) var links: [String: String] = [:]
  /// How many files were left out because no capture needs them.
  public internal(set) var others = 0

  init() {}

  /// How many PCI devices a capture may have; machines have at most some thousands.
  static let deviceLimit = 16384
  /// Bytes of one small file: attributes, counters, a command line.
  static let smallLimit = 64 << 10

  static let devices = "sys/bus/pci/devices/"
  static let pool = "sys/kernel/debug/swiotlb/"
  static let trace = "sys/kernel/tracing/trace"

  /// The attributes of a device that are read.
  static let deviceFiles: Set<String> = [
    "vendor", "device", "class", "dma_mask_bits", "consistent_dma_mask_bits",
    "iommu_group/type", "driver", "driver/name",
  ]
  static let poolFiles = ["io_tlb_nslabs", "io_tlb_used", "io_tlb_used_hiwater"]
  static let rootFiles = [
    "dmesg", "proc/cmdline", "proc/version", "proc/iomem", "proc/cpuinfo",
  ]

  /// Whether a capture needs what lies at a path.
  static func isNeeded(_ path: Substring) -> Bool {
    if path.hasPrefix(devices) {
      let parts = path.dropFirst(devices.utf8.count).split(
        separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.count == 2 && PCIAddress(parts[0]) != nil
        && deviceFiles.contains(String(parts[1]))
    }
    if path.hasPrefix(pool) { return poolFiles.contains(String(path.dropFirst(pool.utf8.count))) }
    return path == trace || rootFiles.contains(String(path))
  }

  /// Whether a needed file may be large: a log or a trace.
  static func mayBeLarge(_ path: Substring) -> Bool {
    path == trace || path == "dmesg" || path == "proc/iomem" || path == "proc/cpuinfo"
  }

  /// The text of a small file without the line break at its end, or nil.
  func text(_ path: String) -> String? {
    guard let bytes = files[path] else { return nil }
    var end = bytes.endIndex
    while end > bytes.startIndex, bytes[end - 1] <= 0x20 { end -= 1 }
    return String(decoding: bytes[bytes.startIndex..<end], as: UTF8.self)
  }

  /// The addresses of the PCI devices, ascending.
  var deviceAddresses: [PCIAddress] {
    var found: Set<PCIAddress> = []
    for path in [Array(files.keys), Array(links.keys)].joined()
    where path.hasPrefix(Self.devices) {
      let name = path.dropFirst(Self.devices.utf8.count).prefix { $0 != "/" }
      if let address = PCIAddress(name) { found.insert(address) }
    }
    return found.sorted()
  }
}

/// The address of a PCI function as sysfs names it: `0000:00:1f.2`.
public struct PCIAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let domain: UInt32
  public let bus: UInt8
  public let device: UInt8
  public let function: UInt8

  /// The address of a name (drivers/pci/probe.c `pci_setup_device()`), or nil.
  public init?(_ text: some StringProtocol) {
    let colons = text.split(separator: ":", omittingEmptySubsequences: false)
    guard colons.count == 3, (4...8).contains(colons[0].utf8.count), colons[1].utf8.count == 2,
      colons[2].utf8.count == 4
    else { return nil }
    let last = colons[2].split(separator: ".", omittingEmptySubsequences: false)
    guard last.count == 2, last[0].utf8.count == 2,
      let domain = UInt32(hexadecimalDigits: colons[0]),
      let bus = UInt8(hexadecimalDigits: colons[1]),
      let device = UInt8(hexadecimalDigits: last[0]), device < 32,
      let function = UInt8(hexadecimalDigits: last[1]), function < 8
    else { return nil }
    (self.domain, self.bus, self.device, self.function) = (domain, bus, device, function)
  }

  public var description: String {
    func padded(_ value: some BinaryInteger, _ width: Int) -> String {
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return
      "\(padded(domain, 4)):\(padded(bus, 2)):\(padded(device, 2)).\(String(function, radix: 16))"
  }

  public static func < (lhs: PCIAddress, rhs: PCIAddress) -> Bool {
    (lhs.domain, lhs.bus, lhs.device, lhs.function)
      < (rhs.domain, rhs.bus, rhs.device, rhs.function)
  }
}

extension FixedWidthInteger {
  /// The number of lower-case hexadecimal digits alone, or nil.
  init?(hexadecimalDigits text: some StringProtocol) {
    guard !text.isEmpty,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    self.init(text, radix: 16)
  }
}
