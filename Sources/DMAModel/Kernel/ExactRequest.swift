/// What decides how far a device reaches.
protocol DeviceReach {
  /// `min_not_zero(*dev->dma_mask, dev->bus_dma_limit)`.
  var streamingLimit: UInt64 { get }
  /// `min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit)`.
  var coherentLimit: UInt64 { get }
}

extension DeviceRequest: DeviceReach {}

/// A device and a request in numbers: any mask, any buffer.
///
/// The matrix asks about representative values (`DeviceRequest`); a booted
/// kernel was asked about the pages that it happened to have.
public struct ExactRequest: Hashable, Sendable, DeviceReach {
  /// The memory that a request names.
  public struct Memory: Hashable, Sendable {
    /// The physical address of the first byte; 0 for an allocation.
    public var physicalAddress: UInt64
    /// Bytes; for an allocation how many are asked for, in whole pages.
    public var length: UInt64
    /// Whether it is device memory rather than RAM.
    public var isDeviceMemory: Bool

    public init(physicalAddress: UInt64, length: UInt64, isDeviceMemory: Bool = false) {
      self.physicalAddress = physicalAddress
      self.length = length
      self.isDeviceMemory = isDeviceMemory
    }
  }

  /// The attributes that decide, in any combination.
  public struct AttributeSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let mmio = AttributeSet(rawValue: 1)
    public static let ccShared = AttributeSet(rawValue: 2)
    public static let requireCoherent = AttributeSet(rawValue: 4)

    public var isMMIO: Bool { contains(.mmio) }
    public var isCCShared: Bool { contains(.ccShared) }
    public var isRequireCoherent: Bool { contains(.requireCoherent) }
  }

  public var operation: Operation
  public var attributes: AttributeSet
  public var buffer: Memory
  public var coherence: Coherence
  public var facing: Facing
  /// `*dev->dma_mask`.
  public var streamingMask: UInt64
  /// `dev->coherent_dma_mask`.
  public var coherentMaskAddress: UInt64
  /// `dev->bus_dma_limit`, 0 for none.
  public var busLimit: UInt64

  public init(
    operation: Operation, attributes: AttributeSet = [], buffer: Memory,
    coherence: Coherence = .coherent, facing: Facing = .internal, streamingMask: UInt64,
    coherentMask: UInt64, busLimit: UInt64 = 0
  ) {
    self.operation = operation
    self.attributes = attributes
    self.buffer = buffer
    self.coherence = coherence
    self.facing = facing
    self.streamingMask = streamingMask
    coherentMaskAddress = coherentMask
    self.busLimit = busLimit
  }

  /// The numbers of a request of the matrix.
  public init(_ request: DeviceRequest) {
    // Allocations are made in whole pages.
    let length =
      request.operation.isMapping
      ? request.buffer.length : (request.buffer.length + pageSize - 1) & ~(pageSize - 1)
    var attributes = AttributeSet(request.attributes)
    if request.operation == .allocCCShared { attributes.insert(.ccShared) }
    self.init(
      operation: request.operation, attributes: attributes,
      buffer: Memory(
        physicalAddress: request.buffer.physicalAddress, length: length,
        isDeviceMemory: request.buffer.isDeviceMemory),
      coherence: request.coherence, facing: request.facing,
      streamingMask: request.mask.highestAddress, coherentMask: request.coherentMaskAddress,
      busLimit: request.busLimit.address)
  }

  /// Sets the coherent mask as a driver of the matrix does.
  mutating func set(_ mask: CoherentMask) {
    coherentMaskAddress = mask.address ?? streamingMask
  }

  public var streamingLimit: UInt64 { minNotZero(streamingMask, busLimit) }

  public var coherentLimit: UInt64 { minNotZero(coherentMaskAddress, busLimit) }

  /// `dma_get_mask()`: 32 bits where no mask was set.
  var dma_get_mask: UInt64 { streamingMask == 0 ? bitMask(32) : streamingMask }
}

extension ExactRequest.AttributeSet {
  /// The attributes of a request of the matrix.
  public init(_ attributes: Attributes) {
    switch attributes {
    case .none: self = []
    case .ccShared: self = .ccShared
    case .mmio: self = .mmio
    case .mmioCCShared: self = [.mmio, .ccShared]
    case .requireCoherent: self = .requireCoherent
    }
  }
}

extension BootedKernel {
  /// The kernel's answer to a request in numbers, of which nothing is recorded.
  public func answer(to request: ExactRequest) -> Answer {
    if isRecorded { return LifeCycle.notRecorded.answer }
    var evaluation = Evaluation(kernel: self, request: request, trace: NoTrace())
    return evaluation.run()
  }
}
