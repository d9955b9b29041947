import Support

/// A streaming DMA mask: `*dev->dma_mask`.
///
/// The matrix has DMA_BIT_MASK(24) to DMA_BIT_MASK(64). Any other mask is accepted
/// beside them: fewer bits, 0 for a mask that was never set, or an address that is
/// no power of two less one.
public struct DMAMask: AxisValue, Comparable {
  /// The mask as an address: the highest that the device can emit.
  public let highestAddress: UInt64

  /// The narrowest and the widest mask of the matrix, in bits.
  public static let range: ClosedRange<UInt8> = 24...64

  /// A mask as the kernel stores it.
  @inlinable public init(highestAddress: UInt64) { self.highestAddress = highestAddress }

  /// A mask of `bits` bits, or nil outside 0 to 64.
  public init?(bits: Int) {
    guard (0...64).contains(bits) else { return nil }
    highestAddress = bitMask(UInt8(bits))
  }

  /// How many bits the mask needs: `fls64()`.
  @inlinable public var bits: UInt8 {
    UInt8(UInt64.bitWidth - highestAddress.leadingZeroBitCount)
  }

  /// Whether the mask is DMA_BIT_MASK(``bits``).
  @inlinable public var isWholeBits: Bool { highestAddress & (highestAddress &+ 1) == 0 }

  /// The masks that `48`, `32-40` or `0x7ffffffffff` names, or nil where it names none.
  public static func masks(in text: some StringProtocol) -> [DMAMask]? {
    if let address = UInt64(hexadecimal: text) { return [DMAMask(highestAddress: address)] }
    let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
      part.allSatisfy(\.isNumber) ? Int(part) : nil
    }
    guard (1...2).contains(bounds.count), let first = bounds[0],
      let last = bounds[bounds.count - 1], first <= last,
      DMAMask(bits: first) != nil, DMAMask(bits: last) != nil
    else { return nil }
    return (first...last).compactMap(DMAMask.init(bits:))
  }

  public static let axis = "mask"
  public static let allCases: [DMAMask] = range.map { DMAMask(highestAddress: bitMask($0)) }
  public static let finerForms = ["0 to 23", AddressLimit.finerForm]
  public var name: String { AddressLimit.name(highestAddress) }
  public var summary: String {
    isWholeBits ? "DMA_BIT_MASK(\(bits))" : "a mask of \(highestAddress.hexadecimal)"
  }
  public static func < (lhs: DMAMask, rhs: DMAMask) -> Bool {
    lhs.highestAddress < rhs.highestAddress
  }

  public init?(name: some StringProtocol) {
    guard let address = AddressLimit.address(named: name) else { return nil }
    self.init(highestAddress: address)
  }
}

/// `DMA_BIT_MASK(bits)`: the lowest `bits` bits set, for 0...64.
@inlinable public func bitMask(_ bits: UInt8) -> UInt64 { UInt64.max >> UInt64(64 - bits) }

/// `min_not_zero()`: the lesser of two limits of which 0 is none.
@inlinable public func minNotZero(_ one: UInt64, _ other: UInt64) -> UInt64 {
  if one == 0 { return other }
  return other == 0 ? one : min(one, other)
}

/// The one spelling of an inclusive address limit: the number of its bits where it is
/// DMA_BIT_MASK(n), otherwise the address as kernels print it, with 0x.
enum AddressLimit {
  static let finerForm = "0xADDRESS"

  static func name(_ address: UInt64) -> String {
    address & (address &+ 1) == 0
      ? String(UInt64.bitWidth - address.leadingZeroBitCount) : address.hexadecimal
  }

  /// The limit of a name; nil for another spelling of one.
  static func address(named name: some StringProtocol) -> UInt64? {
    let address =
      UInt64(hexadecimal: name)
      ?? UInt8(name).flatMap { $0 <= 64 ? bitMask($0) : nil }
    guard let address, Self.name(address) == name else { return nil }
    return address
  }
}

/// `dev->coherent_dma_mask`, which `force_dma_unencrypted()` on SME looks at.
///
/// The matrix has three; any other mask is accepted, 0 for one that was never set.
public struct CoherentMask: AxisValue {
  /// The mask, or nil for that of the streaming mask.
  public let address: UInt64?

  @inlinable init(_ address: UInt64?) { self.address = address }

  /// A mask as the kernel stores it.
  public init(highestAddress: UInt64) { address = highestAddress }

  @inlinable public static var same: CoherentMask { CoherentMask(nil) }
  @inlinable public static var bits32: CoherentMask { CoherentMask(bitMask(32)) }
  @inlinable public static var bits64: CoherentMask { CoherentMask(bitMask(64)) }

  public static let axis = "coherent_mask"
  public static let allCases: [CoherentMask] = [.same, .bits32, .bits64]
  public static let finerForms = ["0 to 64", AddressLimit.finerForm]

  public var name: String { address.map(AddressLimit.name) ?? "same" }

  public var summary: String {
    switch self {
    case .same: "dma_set_mask_and_coherent(): the coherent mask is the streaming mask"
    case .bits32: "32 bits, PCI's default whatever the driver sets for streaming"
    default:
      name.hasPrefix("0x") ? "a mask of \(name)" : "\(name) bits"
    }
  }

  public init?(name: some StringProtocol) {
    if name == "same" {
      self = .same
    } else if let address = AddressLimit.address(named: name) {
      self.init(address)
    } else {
      return nil
    }
  }
}

/// `dev->bus_dma_limit`: the highest address that the bus between device and memory
/// can carry.
///
/// The matrix has none and 32 bits; any other address is accepted, since firmware
/// rarely gives a power of two (drivers/of/device.c `of_dma_configure_id()`).
public struct BusLimit: AxisValue {
  /// `dev->bus_dma_limit` as the kernel has it: inclusive, 0 for none.
  public let address: UInt64

  @inlinable init(_ address: UInt64) { self.address = address }

  /// A limit as the kernel stores it; nil for 0, which is none.
  public init?(highestAddress: UInt64) {
    guard highestAddress != 0 else { return nil }
    address = highestAddress
  }

  /// A limit of 1 to 64 bits; nil outside.
  public init?(bits: Int) {
    guard (1...64).contains(bits) else { return nil }
    address = bitMask(UInt8(bits))
  }

  @inlinable public static var none: BusLimit { BusLimit(0) }
  @inlinable public static var bits32: BusLimit { BusLimit(bitMask(32)) }

  public static let axis = "bus_limit"
  public static let allCases: [BusLimit] = [.none, .bits32]
  public static let finerForms = ["1 to 64", AddressLimit.finerForm]
  public var name: String { address == 0 ? "none" : AddressLimit.name(address) }
  public var summary: String {
    if address == 0 { return "no limit (0)" }
    return name.hasPrefix("0x")
      ? "the bus carries addresses up to \(name)" : "the bus carries \(name) address bits"
  }

  public init?(name: some StringProtocol) {
    if name == "none" {
      self = .none
    } else if let address = AddressLimit.address(named: name), address != 0 {
      self.init(address)
    } else {
      return nil
    }
  }

  /// `min_not_zero(mask, dev->bus_dma_limit)`.
  @inlinable public func limiting(_ mask: UInt64) -> UInt64 { minNotZero(mask, address) }
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

/// How far the kernel trusts the device: whether it is an untrusted PCI device behind an
/// external-facing port, or one that a guest has accepted.
public enum Facing: UInt8, AxisValue {
  case `internal`, external
  /// A TDISP device that the guest has attested and accepted, T=1: `device_cc_accepted()`
  /// of posted series, which no modelled release has.
  case ccAccepted

  public static let axis = "external"
  public static let allCases: [Facing] = [.internal, .external]
  public static let extended: [Facing] = [.ccAccepted]

  public var name: String {
    switch self {
    case .internal: "0"
    case .external: "1"
    case .ccAccepted: "accepted"
    }
  }

  public var summary: String {
    switch self {
    case .internal: "trusted device"
    case .external: "untrusted, external-facing PCI device (Thunderbolt)"
    case .ccAccepted: "device that the guest accepted (TDISP, T=1): it can take private memory"
    }
  }
}
