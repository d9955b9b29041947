import Support

/// One `struct bus_dma_region`: addresses of a bus and the CPU's addresses behind them.
public struct BusRange: Hashable, Sendable {
  /// `cpu_start`: the first physical address.
  public let cpuStart: UInt64
  /// `dma_start`: the bus address of it.
  public let busStart: UInt64
  /// Bytes, never 0.
  public let size: UInt64

  /// A range; nil for no bytes, for parts of pages, and for what ends above 2^64.
  public init?(cpuStart: UInt64, busStart: UInt64, size: UInt64) {
    guard size > 0, (cpuStart | busStart | size) % 4096 == 0,
      cpuStart <= .max - (size - 1), busStart <= .max - (size - 1)
    else { return nil }
    self.cpuStart = cpuStart
    self.busStart = busStart
    self.size = size
  }

  /// `0x0:0x400000000:0x100000000`: CPU, bus, size.
  public var name: String {
    [cpuStart, busStart, size].map(\.hexadecimal).joined(separator: ":")
  }
}

/// What a device and the bus to it are like beside masks and limits.
///
/// The matrix has ordinary devices alone. A machine of the user's has one kind of
/// device for all its requests, and its name says what that is.
public struct DeviceParameters: Hashable, Sendable {
  /// `dev->dma_range_map`, in the order of the firmware; empty for none.
  public var ranges: [BusRange] = []
  /// `dma_get_seg_boundary()`: a power of two less one, all ones for none.
  public var segmentBoundary: UInt64 = .max
  /// `dma_get_min_align_mask()`: a power of two less one, 0 for none.
  public var minAlignMask: UInt64 = 0
  /// How many address lines the device really drives, whatever mask its driver sets.
  public var addressLines: UInt8 = 64
  /// Whether machine frames behind neighbouring pages of a Xen PV domain lie apart.
  public var hasScatteredFrames = false

  public init() {}

  /// An ordinary device: no ranges, no boundary, no alignment, 64 lines.
  public static let ordinary = DeviceParameters()

  /// What ``segmentBoundary`` may be where it is set: a slot at least.
  public static let segmentBoundaries: ClosedRange<UInt64> = 2047...UInt64(Int64.max)

  /// The largest ``minAlignMask``: half of what a swiotlb mapping can hold, less one.
  public static let minAlignLimit: UInt64 = (1 << 17) - 1

  /// What a machine's name is followed by: `+min_align=4095`; empty for ``ordinary``.
  public var suffix: String {
    var parts: [String] = []
    if !ranges.isEmpty { parts.append("dma_ranges=" + ranges.map(\.name).joined(separator: "+")) }
    if segmentBoundary != .max { parts.append("seg_boundary=\(segmentBoundary.hexadecimal)") }
    if minAlignMask != 0 { parts.append("min_align=\(minAlignMask)") }
    if addressLines != 64 { parts.append("device_bits=\(addressLines)") }
    if hasScatteredFrames { parts.append("frames=scattered") }
    return parts.map { "+" + $0 }.joined()
  }

  /// The parameters of a ``suffix``; nil for any other text.
  public init?(suffix: some StringProtocol) {
    self.init()
    var key = ""
    let parts = String(suffix).split(separator: "+", omittingEmptySubsequences: false)
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      let value: String
      if pair.count == 2 {
        (key, value) = (pair[0], pair[1])
      } else {
        value = String(part)
      }
      switch key {
      case "dma_ranges":
        let numbers = value.split(separator: ":").map { UInt64(hexadecimal: $0) }
        guard numbers.count == 3, let cpu = numbers[0], let bus = numbers[1], let size = numbers[2],
          let range = BusRange(cpuStart: cpu, busStart: bus, size: size)
        else { return nil }
        ranges.append(range)
      case "seg_boundary":
        guard let mask = UInt64(hexadecimal: value), Self.segmentBoundaries.contains(mask)
        else { return nil }
        segmentBoundary = mask
      case "min_align":
        guard let mask = UInt64(value), mask <= Self.minAlignLimit else { return nil }
        minAlignMask = mask
      case "device_bits":
        guard let bits = UInt8(value), (1...64).contains(bits) else { return nil }
        addressLines = bits
      case "frames": hasScatteredFrames = true
      default: return nil
      }
    }
    let masks = [segmentBoundary, minAlignMask]
    guard masks.allSatisfy({ $0 & ($0 &+ 1) == 0 }), self.suffix == suffix else { return nil }
  }

  /// include/linux/dma-direct.h `translate_phys_to_dma()`: the bus address of a physical
  /// one, DMA_MAPPING_ERROR (all ones) outside all ranges.
  public func busAddress(of address: UInt64) -> UInt64 {
    if ranges.isEmpty { return address }
    for range in ranges where address >= range.cpuStart && address - range.cpuStart < range.size {
      return range.busStart + (address - range.cpuStart)
    }
    return .max
  }

  /// `translate_dma_to_phys()`: the physical address of one of the bus, all ones
  /// outside all ranges.
  public func physicalAddress(of address: UInt64) -> UInt64 {
    if ranges.isEmpty { return address }
    for range in ranges where address >= range.busStart && address - range.busStart < range.size {
      return range.cpuStart + (address - range.busStart)
    }
    return .max
  }

  /// kernel/dma/direct.c `check_ram_in_range_map()`: whether ranges cover memory from
  /// `start` up to, not including, `end`.
  public func covers(_ start: UInt64, _ end: UInt64) -> Bool {
    if ranges.isEmpty { return true }
    var start = start
    while start < end {
      guard
        let range = ranges.first(where: { start >= $0.cpuStart && start - $0.cpuStart < $0.size })
      else { return false }
      let (next, overflow) = range.cpuStart.addingReportingOverflow(range.size)
      if overflow { return true }
      start = next
    }
    return true
  }
}
