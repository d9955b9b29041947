/// The part of a scenario that varies on one booted machine: device and request.
public struct DeviceRequest: Hashable, Sendable {
  public var mask: DMAMask
  public var coherentMask: CoherentMask
  public var busLimit: BusLimit
  public var coherence: Coherence
  public var facing: Facing
  public var operation: Operation
  public var attributes: Attributes
  public var buffer: Buffer

  @inlinable public init(
    mask: DMAMask,
    coherentMask: CoherentMask,
    busLimit: BusLimit,
    coherence: Coherence,
    facing: Facing,
    operation: Operation,
    attributes: Attributes,
    buffer: Buffer
  ) {
    self.mask = mask
    self.coherentMask = coherentMask
    self.busLimit = busLimit
    self.coherence = coherence
    self.facing = facing
    self.operation = operation
    self.attributes = attributes
    self.buffer = buffer
  }

  /// Whether the device is one that the guest accepted (T=1).
  @inlinable public var isAccepted: Bool { facing == .ccAccepted }

  /// `dev->coherent_dma_mask` as an address.
  @inlinable public var coherentMaskAddress: UInt64 {
    coherentMask.address ?? mask.highestAddress
  }

  /// `min_not_zero(*dev->dma_mask, dev->bus_dma_limit)`: the highest address
  /// of a streaming mapping.
  @inlinable public var streamingLimit: UInt64 {
    busLimit.limiting(mask.highestAddress)
  }

  /// `min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit)`: the highest
  /// address of an allocation.
  @inlinable public var coherentLimit: UInt64 {
    busLimit.limiting(coherentMaskAddress)
  }
}

extension Scenario {
  /// A request on a booted machine.
  public init(
    platform: Platform, iommu: IOMMUMode, swiotlb: SwiotlbMode, memory: MachineName,
    request: DeviceRequest
  ) {
    self.init(
      platform: platform, iommu: iommu, swiotlb: swiotlb, memory: memory, mask: request.mask,
      coherentMask: request.coherentMask, busLimit: request.busLimit,
      coherence: request.coherence, facing: request.facing, operation: request.operation,
      attributes: request.attributes, buffer: request.buffer)
  }

  /// The device and the request, without the booted machine.
  public var deviceRequest: DeviceRequest {
    DeviceRequest(
      mask: mask,
      coherentMask: coherentMask,
      busLimit: busLimit,
      coherence: coherence,
      facing: facing,
      operation: operation,
      attributes: attributes,
      buffer: buffer
    )
  }
}
