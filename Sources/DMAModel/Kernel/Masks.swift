/// kernel/dma/mapping.c and direct.c: what a device is told about its reach.
public struct DeviceReachAnswer: Hashable, Sendable {
  /// `dma_max_mapping_size()` in bytes, `UInt64.max` for SIZE_MAX.
  public let maxMapping: UInt64
  /// `dma_opt_mapping_size()` in bytes.
  public let optimalMapping: UInt64
  /// `dma_get_required_mask()`.
  public let requiredMask: UInt64
  /// `dma_addressing_limited()`.
  public let isAddressingLimited: Bool
}

extension BootedKernel {
  /// What the kernel says about a device's reach.
  public func reach(of request: ExactRequest) -> DeviceReachAnswer {
    var evaluation = Evaluation(kernel: self, request: request, trace: NoTrace())
    let maxMapping = evaluation.dma_max_mapping_size()
    let isLimited = evaluation.dma_addressing_limited()
    return DeviceReachAnswer(
      maxMapping: maxMapping,
      optimalMapping: min(
        maxMapping, evaluation.usesDMAIOMMU ? evaluation.iommu_dma_opt_mapping_size : .max),
      requiredMask: evaluation.dma_get_required_mask,
      isAddressingLimited: isLimited)
  }

  /// Whether `dma_set_mask()` or `dma_set_coherent_mask()` accepts a mask; refused
  /// ones return -EIO and leave the old mask.
  public func accepts(mask: UInt64, of request: ExactRequest) -> Bool {
    Evaluation(kernel: self, request: request, trace: NoTrace()).dma_supported(mask)
  }
}

extension BootedKernel {
  /// `dma_to_phys()`: the memory behind a direct address.
  public func physical(_ address: UInt64) -> UInt64 { dma_to_phys(address) }

  /// `dma_need_sync()` of what a request was given (M19).
  ///
  /// `skipsSync` is `dev->dma_skip_sync`: set by `dma_set_mask()`, cleared by the device's
  /// first bounce.
  public func needsSync(_ answer: Answer, of request: ExactRequest, skipsSync: Bool) -> Bool {
    if request.coherence == .noncoherent { return true }
    guard usesDMAIOMMU(reach: request) else { return answer.result == .bounce }
    return switch policy.dmaIOMMUSync {
    case .always: true
    case .untilBounce: !skipsSync
    }
  }

  /// Whether `needsSync` of a request depends on what the device did before.
  public func syncHasHistory(_ request: ExactRequest) -> Bool {
    usesDMAIOMMU(reach: request) && policy.dmaIOMMUSync == .untilBounce
  }
}

extension Evaluation {
  /// kernel/dma/mapping.c `dma_supported()`: dma-iommu accepts every mask,
  /// `dma_direct_supported()` those of 32 bits and those that reach ZONE_DMA.
  func dma_supported(_ mask: UInt64) -> Bool {
    if usesDMAIOMMU || mask >= bitMask(32) { return true }
    // xen_swiotlb_dma_supported(): the pool's end, whose frames lie below 32 bits.
    if usesSwiotlbXen { return false }
    var least = kernel.top - pageSize
    if kernel.zones.hasDMA { least = min(least, kernel.zones.dmaLimit) }
    return mask >= kernel.phys_to_dma_unencrypted(least)
  }

  /// swiotlb-xen's operations serve the device.
  private var usesSwiotlbXen: Bool { kernel.platform.family == .xen }

  /// kernel/dma/mapping.c `dma_get_required_mask()`: 32 bits with dma-iommu and
  /// swiotlb-xen, which have none of their own; else what the last page of RAM needs.
  var dma_get_required_mask: UInt64 {
    if usesDMAIOMMU || usesSwiotlbXen { return bitMask(32) }
    let highest = max(
      1, kernel.phys_to_dma_direct(kernel.top - pageSize, unencrypted: forced || hidesCBit))
    return bitMask(UInt8(UInt64.bitWidth - highest.leadingZeroBitCount))
  }

  /// kernel/dma/mapping.c `dma_addressing_limited()`: mask or bus limit are
  /// narrower than the required mask, or the ranges leave out some RAM.
  mutating func dma_addressing_limited() -> Bool {
    let required = dma_get_required_mask
    if !reaches(required, .streaming) { return true }
    if !kernel.hasRanges || usesDMAIOMMU || usesSwiotlbXen { return false }
    if kernel.policy.predatesZoneDMALimit { return false }
    return !kernel.machine.ram.allSatisfy { kernel.device.covers($0.start, $0.end) }
  }

  /// drivers/iommu/dma-iommu.c `iommu_dma_opt_mapping_size()`: what the IOVA
  /// caches hold, PAGE_SIZE << 5.
  var iommu_dma_opt_mapping_size: UInt64 { pageSize << 5 }
}
