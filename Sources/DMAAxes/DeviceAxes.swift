/// A streaming DMA mask of 24 to 64 bits: `*dev->dma_mask = DMA_BIT_MASK(bits)`.
public struct DMAMask: AxisValue, Comparable {
  /// The number of bits, 24...64.
  public let bits: UInt8

  /// The narrowest and the widest mask of the axis, in bits.
  public static let range: ClosedRange<UInt8> = 24...64

  /// A mask of `bits` bits, or nil outside ``range``.
  public init?(bits: Int) {
    guard let bits = UInt8(exactly: bits), Self.range.contains(bits) else { return nil }
    self.bits = bits
  }

  /// The masks that `48` or `32-40` names, or nil where it names none.
  public static func masks(in text: some StringProtocol) -> [DMAMask]? {
    let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(bounds.count), let first = bounds[0],
      let last = bounds[bounds.count - 1], first <= last,
      DMAMask(bits: first) != nil, DMAMask(bits: last) != nil
    else { return nil }
    return (first...last).compactMap(DMAMask.init(bits:))
  }

  @usableFromInline init(unchecked bits: UInt8) { self.bits = bits }

  public static let axis = "mask"
  public static let allCases: [DMAMask] = range.map { DMAMask(unchecked: $0) }
  public var name: String { String(bits) }
  public var summary: String { "DMA_BIT_MASK(\(bits))" }
  public static func < (lhs: DMAMask, rhs: DMAMask) -> Bool { lhs.bits < rhs.bits }

  /// The mask as an address: the highest that the device can emit.
  @inlinable public var highestAddress: UInt64 { bitMask(bits) }
}

/// `DMA_BIT_MASK(bits)`: the lowest `bits` bits set, for 1...64.
@inlinable public func bitMask(_ bits: UInt8) -> UInt64 { UInt64.max >> UInt64(64 - bits) }

/// `dev->coherent_dma_mask`, which `force_dma_unencrypted()` on SME looks at.
public enum CoherentMask: UInt8, AxisValue {
  case same, bits32, bits64

  public static let axis = "coherent_mask"

  public var name: String {
    switch self {
    case .same: "same"
    case .bits32: "32"
    case .bits64: "64"
    }
  }

  public var summary: String {
    switch self {
    case .same: "dma_set_mask_and_coherent(): the coherent mask is the streaming mask"
    case .bits32: "32 bits, PCI's default whatever the driver sets for streaming"
    case .bits64: "64 bits"
    }
  }
}

/// `dev->bus_dma_limit`: what the bus between device and memory can carry.
///
/// The matrix has none and 32 bits; 24 to 63 bits are accepted.
public struct BusLimit: AxisValue {
  /// The number of address bits that the bus carries, 0 for no limit.
  public let bits: UInt8

  @inlinable init(_ bits: UInt8) { self.bits = bits }

  /// A limit of 24 to 63 bits; nil outside.
  public init?(bits: Int) {
    guard (24...63).contains(bits) else { return nil }
    self.init(UInt8(bits))
  }

  @inlinable public static var none: BusLimit { BusLimit(0) }
  @inlinable public static var bits32: BusLimit { BusLimit(32) }

  public static let axis = "bus_limit"
  public static let allCases: [BusLimit] = [.none, .bits32]
  public static let finerForms = ["24 to 63"]
  public var name: String { bits == 0 ? "none" : String(bits) }
  public var summary: String {
    bits == 0 ? "no limit (0)" : "the bus carries \(bits) address bits"
  }

  public init?(name: some StringProtocol) {
    if name == "none" {
      self = .none
    } else if let bits = Int(name), let limit = BusLimit(bits: bits), limit.name == name {
      self = limit
    } else {
      return nil
    }
  }

  /// `dev->bus_dma_limit` as the kernel has it: 0 for none.
  @inlinable public var address: UInt64 { bits == 0 ? 0 : bitMask(bits) }

  /// `min_not_zero(mask, dev->bus_dma_limit)`.
  @inlinable public func limiting(_ mask: UInt64) -> UInt64 {
    bits == 0 ? mask : min(mask, bitMask(bits))
  }
}

/// `dev_is_dma_coherent()`.
public enum Coherence: UInt8, AxisValue {
  case coherent, noncoherent

  public static let axis = "coherent"
  public var name: String { self == .coherent ? "1" : "0" }
  public var summary: String {
    self == .coherent ? "caches are kept coherent by hardware" : "needs cache maintenance"
  }
}

/// Whether the device is an untrusted PCI device behind an external-facing port.
public enum Facing: UInt8, AxisValue {
  case `internal`, external

  public static let axis = "external"
  public var name: String { self == .internal ? "0" : "1" }
  public var summary: String {
    self == .internal ? "trusted device" : "untrusted, external-facing PCI device (Thunderbolt)"
  }
}
