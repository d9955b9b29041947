import Support

/// The buffer that a mapping request names, `-` for allocations.
///
/// The matrix has seven; any other is named by where it lies: `0x340000000+8192` is
/// RAM, `mmio:0x3900000000+4096` device memory. RAM is taken to be a driver's, even
/// where the boot has put a pool.
public struct Buffer: AxisValue {
  /// The position in `allCases`, ``finer`` for any other buffer.
  @usableFromInline let number: UInt8
  /// The physical address of the first byte.
  public let physicalAddress: UInt64
  /// The length in bytes; 4096 where there is no buffer.
  public let length: UInt64
  /// Whether the buffer is device memory rather than RAM.
  public let isDeviceMemory: Bool

  private static let finer = UInt8.max
  /// An allocation of a size of its own.
  private static let sized = UInt8.max - 1

  @usableFromInline init(
    number: UInt8, at physicalAddress: UInt64, _ length: UInt64 = 4096,
    isDeviceMemory: Bool = false
  ) {
    self.number = number
    self.physicalAddress = physicalAddress
    self.length = length
    self.isDeviceMemory = isDeviceMemory
  }

  @inlinable public static var none: Buffer { Buffer(number: 0, at: 0) }
  @inlinable public static var low: Buffer { Buffer(number: 1, at: 8 << 20) }
  @inlinable public static var dma32: Buffer { Buffer(number: 2, at: 1 << 30) }
  @inlinable public static var high: Buffer { Buffer(number: 3, at: 32 << 30) }
  @inlinable public static var small: Buffer { Buffer(number: 4, at: (1 << 30) + 0x48, 24) }
  @inlinable public static var large: Buffer { Buffer(number: 5, at: 1 << 30, 512 << 10) }
  @inlinable public static var mmio32: Buffer {
    Buffer(number: 6, at: 0xfe00_0000, isDeviceMemory: true)
  }
  @inlinable public static var mmio64: Buffer {
    Buffer(number: 7, at: 0x38_0000_0000, isDeviceMemory: true)
  }

  /// The end of every address that a buffer may have.
  public static let limit: UInt64 = 1 << 46

  /// RAM or device memory anywhere below ``limit``; nil for no bytes, or past it.
  public init?(at physicalAddress: UInt64, length: UInt64, isDeviceMemory: Bool = false) {
    let (end, overflow) = physicalAddress.addingReportingOverflow(length)
    guard length > 0, !overflow, end <= Self.limit else { return nil }
    self.init(
      number: Self.finer, at: physicalAddress, length, isDeviceMemory: isDeviceMemory)
  }

  /// An allocation of some bytes, more than none and up to ``limit``.
  public init?(allocating length: UInt64) {
    guard length > 0, length <= Self.limit else { return nil }
    self.init(number: Self.sized, at: 0, length)
  }

  /// Whether this is what an allocation has: nothing, or its size.
  public var isForAllocation: Bool { number == 0 || number == Self.sized }

  /// The position in `allCases`, or nil for any other buffer.
  public var position: Int? { number < Self.sized ? Int(number) : nil }

  public static let axis = "buf"
  public static let allCases: [Buffer] = [
    .none, .low, .dma32, .high, .small, .large, .mmio32, .mmio64,
  ]
  public static let finerForms = ["0xADDRESS+LENGTH", "mmio:0xADDRESS+LENGTH", "size:LENGTH"]
  private static let standardNames = [
    "-", "low", "dma32", "high", "small", "large", "mmio32", "mmio64",
  ]

  public var name: String {
    if number == Self.sized { return "size:\(length)" }
    guard number == Self.finer else { return Self.standardNames[Int(number)] }
    return "\(isDeviceMemory ? "mmio:" : "")\(physicalAddress.hexadecimal)+\(length)"
  }

  public init?(name: some StringProtocol) {
    if let buffer = Self.standard(name) {
      self = buffer
      return
    }
    if name.hasPrefix("size:") {
      guard let length = UInt64(unsigned: name.dropFirst(5)),
        let buffer = Buffer(allocating: length), buffer.name == name
      else { return nil }
      self = buffer
      return
    }
    let isDeviceMemory = name.hasPrefix("mmio:")
    let place = name.dropFirst(isDeviceMemory ? 5 : 0).split(
      separator: "+", omittingEmptySubsequences: false)
    guard place.count == 2, let address = UInt64(hexadecimal: place[0]),
      let length = UInt64(place[1]),
      let buffer = Buffer(at: address, length: length, isDeviceMemory: isDeviceMemory),
      buffer.name == name
    else { return nil }
    self = buffer
  }

  public var summary: String {
    switch self {
    case .none: "no buffer: the request allocates"
    case .low: "RAM at 8 MiB, 4096 bytes"
    case .dma32: "RAM at 1 GiB, 4096 bytes"
    case .high: "RAM at 32 GiB, 4096 bytes"
    case .small: "kmalloc object at 1 GiB + 0x48, 24 bytes, unaligned"
    case .large: "RAM at 1 GiB, 512 KiB: more than a swiotlb mapping can hold"
    case .mmio32: "device memory at 0xfe000000, 4096 bytes"
    case .mmio64: "device memory at 0x3800000000, 4096 bytes"
    case _ where number == Self.sized: "no buffer: the request allocates \(length) bytes"
    default:
      "\(isDeviceMemory ? "device memory" : "RAM") at \(physicalAddress.hexadecimal), "
        + "\(length) bytes"
    }
  }

  /// Whether a scatter list of one page can name it.
  public var isPage: Bool {
    !isForAllocation && length == 4096 && physicalAddress % 4096 == 0
  }
}
