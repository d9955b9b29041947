import DMAModel

/// What a driver can read of its device, beside the answer to its request.
public struct DriverValues: Sendable {
  /// Whether `dma_set_mask()` accepts the streaming mask; refused ones return -EIO.
  public let acceptsMask: Bool
  /// The same of `dma_set_coherent_mask()`.
  public let acceptsCoherentMask: Bool
  public let reach: DeviceReachAnswer
  /// `dma_need_sync()` of the mapping; nil for allocations and errors.
  public let needsSync: Bool?
  /// The IOVAs that mask and bus limit allow; nil without an IOMMU.
  public let iovas: ClosedRange<UInt64>?

  init(_ scenario: Scenario, _ answer: Answer, on kernel: BootedKernel) {
    let exact = ExactRequest(scenario.deviceRequest)
    acceptsMask = kernel.accepts(mask: exact.streamingMask, of: exact)
    acceptsCoherentMask = kernel.accepts(mask: exact.coherentMaskAddress, of: exact)
    reach = kernel.reach(of: exact)
    let isMapped = scenario.operation.isMapping && answer.result != .error
    // A bounce clears dev->dma_skip_sync, which dma_set_mask() has set.
    needsSync =
      isMapped
      ? kernel.needsSync(answer, of: exact, skipsSync: !answer.result.bouncesIOVA) : nil
    let limit = scenario.operation.isMapping ? exact.streamingLimit : exact.coherentLimit
    iovas =
      kernel.usesDMAIOMMU(scenario.deviceRequest) && limit > 0x1000 ? 0x1000...limit : nil
  }
}
