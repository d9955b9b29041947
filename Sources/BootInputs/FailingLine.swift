import DMAModel
import Support

/// A message of kernel/dma, drivers/iommu or the architecture about a mapping that failed,
/// or about the pool: the formats of 6.1 to 7.3.
public struct FailingLine: Sendable, Hashable {
  /// The device that the message names: `0000:00:02.0`; nil without.
  public let device: String?
  /// The driver that the message names before its device: `nvme`; nil without.
  public let driver: String?
  public let kind: Kind

  /// What the message says, in numbers.
  public enum Kind: Sendable, Hashable {
    /// "swiotlb buffer is full"; the fill in slots, nil where it is not printed.
    case full(size: UInt64, total: UInt64?, used: UInt64?)
    /// "swiotlb addr ... overflow": the slot that was found is beyond the mask.
    case slotUnreachable(Mapping)
    /// "DMA addr ... overflow": the buffer is beyond the mask and cannot bounce.
    case unreachable(Mapping)
    /// "Can not allocate SWIOTLB buffer earlier and can't now provide you with ..."
    case noPool
    /// "Failed to allocate %zu bytes tlb structure"
    case poolNotAllocated(bytes: UInt64)
    /// "Cannot allocate SWIOTLB buffer", the panic of a guest that needs one.
    case guestWithoutPool
    /// "SWIOTLB bounce buffer size adjusted to %luMB"
    case sized(megabytes: UInt64)
    /// "SWIOTLB bounce buffer size roundup to %luMB"
    case roundedUp(megabytes: UInt64)
    /// "SWIOTLB bounce buffer size adjusted %lu -> %lu slabs"
    case halved(from: UInt64, to: UInt64)
    /// "Memory encryption is active and system is using DMA bounce buffers"
    case encryptionNotice
    /// "Failed to allocate new pool"
    case poolCannotGrow
    /// "Failed to decrypt default memory pool, disabling it", "... restricted DMA pool"
    case poolNotDecrypted
    /// "DMA bounce buffers are inactive, unable to map unaligned transaction."
    case unalignedWithoutPool
    /// "Buffer overflow detected. Allocation size: %zu. Mapping size: %zu."
    case syncBeyondMapping(allocation: UInt64, mapping: UInt64)
    /// "DMA pool exhausted for %s"
    case atomicPoolExhausted
    /// "Failed to get suitable pool for %s"
    case atomicPoolUnsuitable
    /// "leaking DMA memory that can't be re-encrypted"
    case leaked
    /// An IOMMU's report of an access that it refuses.
    case fault(Fault)
    /// Another message of the list: a failure that carries no request.
    case listed(KernelMessage)
  }

  /// What an IOMMU reports.
  public struct Fault: Sendable, Hashable {
    /// What the device accessed, in its own view.
    public let address: UInt64
    /// The IOMMU's own words, where the line has some.
    public let reason: String?
    /// Whether the requester has no domain at all, so that no mapping could help.
    public let hasNoDomain: Bool
    /// The file and function that print it.
    public let source: String
  }

  /// The request of an overflow message.
  public struct Mapping: Sendable, Hashable {
    /// The DMA address of the first byte.
    public let address: UInt64
    /// Bytes.
    public let size: UInt64
    /// `*dev->dma_mask`.
    public let mask: UInt64
    /// `dev->bus_dma_limit`, 0 for none.
    public let busLimit: UInt64
    /// Whether it is the format of 4.20 to 5.4, printed when the bounce had failed too.
    public var isOlder = false

    /// `min_not_zero(*dev->dma_mask, dev->bus_dma_limit)`: the highest address.
    public var limit: UInt64 { busLimit == 0 ? mask : min(mask, busLimit) }
    /// The address of the last byte.
    public var last: UInt64 { address &+ size &- 1 }
    /// Whether mask and limit alone would allow the mapping.
    public var fits: Bool { last <= limit && last >= address }
  }

  /// Reads a message without what a logger put around it; nil for any other.
  public init?(_ message: Substring) {
    if let (kind, device) = Self.fault(message) {
      (self.kind, self.device, driver) = (kind, device, nil)
      return
    }
    for read in [Self.full, Self.overflow, Self.pool, Self.sentence] {
      if let (kind, mark) = read(message), !Self.isCited(mark, in: message) {
        self.kind = kind
        let named = Self.deviceAndDriver(before: mark, in: message)
        device = Self.named(kind, message) ?? named.device
        driver = named.driver
        return
      }
    }
    guard let (entry, mark) = KernelMessage.find(in: message), entry.decision != nil,
      !Self.isCited(mark, in: message)
    else { return nil }
    kind = .listed(entry)
    (device, driver) = Self.deviceAndDriver(before: mark, in: message)
  }

  /// The messages of a text, each with its line.
  public static func all(in text: String) -> [(failure: FailingLine, line: Int)] {
    LogLine.all(in: text).compactMap { line in
      FailingLine(line.message).map { ($0, line.number) }
    }
  }

  /// Whether a message begins like one of the long ones and does not end like it.
  static func isCut(_ message: Substring) -> Bool {
    if let rest = message.text(after: "swiotlb buffer is full") {
      return !rest.hasSuffix(" bytes)") && rest.text(after: "used ")?.first?.isNumber != true
    }
    if [": swiotlb", ": swiotlb buffer", ": swiotlb buffer is"].contains(where: message.hasSuffix) {
      return true
    }
    let begins =
      message.contains("swiotlb addr") || message.contains("DMA addr")
      || message.contains("overflow 0x") || message.hasSuffix(": overflow")
    guard begins else { return false }
    let end = message.text(after: "bus limit ") ?? message.text(after: "bus mask ")
    return end?.first?.isHexDigit != true
  }

  /// Whether a quotation mark stands before: a source's string, or a sentence about it.
  private static func isCited(_ mark: Substring.Index, in message: Substring) -> Bool {
    message[..<mark].last == "\"" || message[..<mark].contains("(\"")
  }

  private typealias Read = (kind: Kind, mark: Substring.Index)

  /// `driver 0000:00:02.0: message`: the word before the colon (drivers/base/core.c
  /// `__dev_printk()`).
  ///
  /// A name without a number is a device's only behind its driver's: `gpu: ` is, `Warning: `
  /// and `Kernel panic - not syncing: ` are not.
  static func deviceAndDriver(
    before mark: Substring.Index, in message: Substring
  ) -> (device: String?, driver: String?) {
    var start = message[..<mark].trimmed
    // A message may begin with its module's name: `0000:03:00.0: AMD-Vi: `.
    while let prefix = modulePrefixes.first(where: start.hasSuffix) {
      start = start.dropLast(prefix.count).trimmed
    }
    guard start.last == ":" else { return (nil, nil) }
    let words = start.dropLast().split(separator: " ")
    guard let name = words.last, name.first?.isLetter == true || name.first?.isNumber == true,
      words.count == 2 || name.contains(where: \.isNumber)
    else { return (nil, nil) }
    return (String(name), words.count == 2 ? String(words[0]) : nil)
  }

  /// What pr_fmt() of the files that print these messages puts before them.
  private static let modulePrefixes = [
    "software IO TLB:", "SVM:", "DMA-API:", "DMA:", "Reserved memory:", "AMD-Vi:", "DMAR:",
  ]

  /// The device that ends the message: kernel/dma/pool.c `dma_alloc_from_pool()`.
  private static func named(_ kind: Kind, _ message: Substring) -> String? {
    switch kind {
    case .atomicPoolExhausted: message.text(after: "exhausted for ").map { String($0.trimmed) }
    case .atomicPoolUnsuitable: message.text(after: "pool for ").map { String($0.trimmed) }
    case .full(_, nil, nil):
      // "Out of SW-IOMMU space for 9100 bytes at device 0000:02:00.0"
      message.text(after: " bytes at device ").map { String($0.prefix { !$0.isWhitespace }) }
    default: nil
    }
  }

  /// A number of bytes, slots or pages; nil for what no machine has.
  private static func number(_ text: Substring) -> UInt64? {
    UInt64(text.prefix { $0.isASCII && $0.isNumber }).flatMap { $0 < 1 << 52 ? $0 : nil }
  }

  private static func full(_ message: Substring) -> Read? {
    if let mark = message.firstRange(of: "Out of SW-IOMMU space for "),
      let size = number(message[mark.upperBound...])
    {
      // lib/swiotlb.c before 4.21
      return (.full(size: size, total: nil, used: nil), mark.lowerBound)
    }
    guard let mark = message.firstRange(of: "swiotlb buffer is full") else { return nil }
    guard let size = message.text(after: "(sz: ").flatMap(number) else { return nil }
    let total = message.text(after: "total ").flatMap(number)
    let used = message.text(after: "used ").flatMap(number)
    return (.full(size: size, total: total, used: used), mark.lowerBound)
  }

  /// `0x419400000+9236 overflow (mask ffffffff, bus limit 0)`.
  private static func overflow(_ message: Substring) -> Read? {
    for (name, isSlot) in [("swiotlb addr ", true), ("DMA addr ", false)] {
      guard let mark = message.firstRange(of: name) else { continue }
      let rest = message[mark.upperBound...]
      guard let end = rest.firstRange(of: " overflow (mask ") else { continue }
      let place = rest[..<end.lowerBound].split(separator: "+")
      let limits = rest[end.upperBound...].prefix { $0 != ")" }
      guard place.count == 2, let address = UInt64(hexadecimal: place[0]),
        let size = UInt64(place[1]), size > 0, size < 1 << 40,
        let comma = limits.firstRange(of: ", bus limit "),
        let mask = UInt64(limits[..<comma.lowerBound], radix: 16),
        let busLimit = UInt64(limits[comma.upperBound...], radix: 16)
      else { continue }
      let mapping = Mapping(address: address, size: size, mask: mask, busLimit: busLimit)
      return (isSlot ? .slotUnreachable(mapping) : .unreachable(mapping), mark.lowerBound)
    }
    return olderOverflow(message)
  }

  /// `overflow 0x0000000a1c8f9a60+8 of DMA mask ffffffff bus limit 0` of 4.20 to 5.4, with
  /// `bus mask` before 5.3 (kernel/dma/direct.c `report_addr()`).
  private static func olderOverflow(_ message: Substring) -> Read? {
    guard let mark = message.firstRange(of: "overflow 0x"),
      let middle = message.firstRange(of: " of DMA mask "),
      mark.upperBound <= middle.lowerBound
    else { return nil }
    let place = ("0x" + message[mark.upperBound..<middle.lowerBound]).split(separator: "+")
    let words = message[middle.upperBound...].split(separator: " ")
    guard place.count == 2, let address = UInt64(hexadecimal: place[0]),
      let size = UInt64(place[1]), size > 0, size < 1 << 40, words.count >= 4,
      let mask = UInt64(words[0], radix: 16),
      let busLimit = UInt64(words[3].prefix { $0.isHexDigit }, radix: 16)
    else { return nil }
    let mapping = Mapping(
      address: address, size: size, mask: mask, busLimit: busLimit, isOlder: true)
    return (.unreachable(mapping), mark.lowerBound)
  }

  private static func pool(_ message: Substring) -> Read? {
    if let mark = message.firstRange(of: "SWIOTLB bounce buffer size ") {
      let rest = message[mark.upperBound...]
      if let size = rest.rest(after: "adjusted to ").flatMap(number) {
        return (.sized(megabytes: size), mark.lowerBound)
      }
      if let size = rest.rest(after: "roundup to ").flatMap(number) {
        return (.roundedUp(megabytes: size), mark.lowerBound)
      }
      if let from = rest.rest(after: "adjusted ").flatMap(number),
        let to = rest.text(after: "-> ").flatMap(number)
      {
        return (.halved(from: from, to: to), mark.lowerBound)
      }
    }
    if let mark = message.firstRange(of: " bytes tlb structure"),
      let bytes = message.text(after: "Failed to allocate ").flatMap(number)
    {
      return (.poolNotAllocated(bytes: bytes), mark.lowerBound)
    }
    if let mark = message.firstRange(of: "Buffer overflow detected. Allocation size: "),
      let allocation = number(message[mark.upperBound...]),
      let mapping = message.text(after: "Mapping size: ").flatMap(number)
    {
      return (.syncBeyondMapping(allocation: allocation, mapping: mapping), mark.lowerBound)
    }
    return nil
  }

  private static func sentence(_ message: Substring) -> Read? {
    for (text, kind) in sentences {
      if let mark = message.firstRange(of: text) { return (kind, mark.lowerBound) }
    }
    return nil
  }

  private static let sentences: [(String, Kind)] = [
    ("Can not allocate SWIOTLB buffer earlier", .noPool),
    ("Cannot allocate SWIOTLB buffer", .guestWithoutPool),
    ("Memory encryption is active and system is using DMA bounce buffers", .encryptionNotice),
    ("Failed to allocate new pool", .poolCannotGrow),
    ("Failed to decrypt default memory pool", .poolNotDecrypted),
    ("Failed to decrypt restricted DMA pool", .poolNotDecrypted),
    ("DMA bounce buffers are inactive, unable to map unaligned", .unalignedWithoutPool),
    ("DMA pool exhausted for ", .atomicPoolExhausted),
    ("Failed to get suitable pool for ", .atomicPoolUnsuitable),
    ("leaking DMA memory that can't be", .leaked),
  ]
}
