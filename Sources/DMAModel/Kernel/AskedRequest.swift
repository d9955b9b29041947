/// A request on its way through a kernel.
///
/// What it asks for is there to be read. What its device is like is not: it is asked for
/// below, where the question is noted, so that ``MaskSpan`` knows what an answer depends on.
struct AskedRequest {
  fileprivate let exact: ExactRequest

  init(_ request: ExactRequest) { exact = request }

  var operation: Operation { exact.operation }
  var attributes: ExactRequest.AttributeSet { exact.attributes }
  var buffer: ExactRequest.Memory { exact.buffer }

  /// Whether the guest accepted the device (T=1). Nothing that is known of other devices
  /// holds for it (``KnownLines``), so that the question is not noted.
  var isAccepted: Bool { exact.facing == .ccAccepted }

  /// `use_dma_iommu(dev)` (X3).
  func usesDMAIOMMU(on kernel: BootedKernel, _ trace: inout some Tracer) -> Bool {
    if kernel.iommu == .passthrough, kernel.hostMemoryEncryption,
      kernel.policy.hostPassthrough == .lowMaskTranslated
    {
      compare(.streaming, with: kernel.encryptionBit, &trace)
      compare(.coherent, with: kernel.encryptionBit, &trace)
    }
    return kernel.usesDMAIOMMU(reach: exact)
  }

  /// `force_dma_unencrypted(dev)` as the request asks it.
  ///
  /// - Parameter coherentMask: What the driver has set since; its own without.
  func isForced(
    on kernel: BootedKernel, _ trace: inout some Tracer, usesDMAIOMMU: Bool,
    coherentMask: CoherentMask? = nil
  ) -> Bool {
    if isSparedForce(on: kernel) { return false }
    if kernel.hostMemoryEncryption, kernel.policy.forceUnencryptedX86 != .guest {
      compare(.streaming, with: kernel.encryptionBit, &trace)
      compare(.coherent, with: kernel.encryptionBit, &trace)
    }
    var request = exact
    if let coherentMask { request.set(coherentMask) }
    let isStreaming = operation.isMapping && coherentMask == nil
    return kernel.force_dma_unencrypted(
      request, limit: isStreaming ? request.streamingLimit : request.coherentLimit,
      usesDMAIOMMU: usesDMAIOMMU)
  }

  /// Notes that a mask below the bus limit is compared with an address.
  @inline(__always)
  fileprivate func compare(
    _ mask: ComparedMask, with address: UInt64, _ trace: inout some Tracer
  ) {
    trace.read(.busLimit)
    // Else the bus alone decides.
    if exact.busLimit == 0 || address <= exact.busLimit { trace.compare(mask, with: address) }
  }
}

/// What a request's device is like: every question is noted.
///
/// An evaluation may look at the masks in comparisons alone.
extension Traced {
  /// Whether `dev_is_dma_coherent()` is false.
  @inline(__always)
  mutating func isNoncoherent() -> Bool {
    trace.read(.coherence)
    return request.exact.coherence == .noncoherent
  }

  /// `dev_is_untrusted()`.
  @inline(__always)
  mutating func isUntrusted() -> Bool {
    trace.read(.facing)
    return request.exact.facing == .external
  }

  /// Whether `min_not_zero(*dev->dma_mask, dev->bus_dma_limit)` is at least an address.
  @inline(__always)
  mutating func streamingReaches(_ address: UInt64) -> Bool {
    compare(.streaming, with: address)
    return request.exact.streamingLimit >= address
  }

  /// Whether `min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit)` is at least an
  /// address.
  @inline(__always)
  mutating func coherentReaches(_ address: UInt64) -> Bool {
    compare(.coherent, with: address)
    return request.exact.coherentLimit >= address
  }

  /// Whether `dev->coherent_dma_mask`, whatever the bus, is at least an address.
  @inline(__always)
  mutating func coherentMaskReaches(_ address: UInt64) -> Bool {
    trace.compare(.coherent, with: address)
    return request.exact.coherentMaskAddress >= address
  }

  /// Whether `dma_get_mask()` or the coherent mask, below the bus limit, is at least an
  /// address.
  mutating func reaches(_ address: UInt64, _ mask: ComparedMask) -> Bool {
    compare(mask, with: address)
    let value =
      mask == .streaming ? request.exact.dma_get_mask : request.exact.coherentMaskAddress
    return minNotZero(value, request.exact.busLimit) >= address
  }

  /// Whether `dma_to_phys()` of the coherent limit is at least an address.
  mutating func physicalCoherentLimitReaches(_ address: UInt64) -> Bool {
    // Without a bit for encryption below it the address compares as the limit does; the
    // others are compared once more with where their bits begin.
    compare(.coherent, with: address)
    let bits = kernel.encryptionBit | kernel.sharedBit
    if bits != 0 { compare(.coherent, with: bits) }
    trace.read([.busLimit, .coherentMask])
    return kernel.dma_to_phys(request.exact.coherentLimit) >= address
  }

  /// Notes that a mask below the bus limit is compared with an address.
  @inline(__always)
  mutating func compare(_ mask: ComparedMask, with address: UInt64) {
    request.compare(mask, with: address, &trace)
  }
}
