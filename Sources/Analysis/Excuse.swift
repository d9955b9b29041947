import DMAModel

/// Why scenarios that a lint's words are violated in are none of its violations.
///
/// They are shown as classes of their own, behind all findings.
public enum Excuse: UInt8, CaseIterable, Sendable {
  case requireCoherent
  case noPool
  case segment
  case maskBelowPool
  case pageRefused
  case guestBehindIOMMU
  case awaitsPKVM

  /// What kind of reason it is.
  public enum Kind: String, Sendable {
    /// The kernel means it so, and says so.
    case byDesign = "by design"
    /// Nobody runs it.
    case hypothetical
  }

  public var kind: Kind {
    switch self {
    case .requireCoherent, .noPool, .segment, .maskBelowPool, .pageRefused: .byDesign
    case .guestBehindIOMMU, .awaitsPKVM: .hypothetical
    }
  }

  /// What happens, in a few words.
  public var name: String {
    switch self {
    case .requireCoherent: "REQUIRE_COHERENT under swiotlb=force"
    case .noPool: "swiotlb=force without a pool"
    case .segment: "more than a segment under swiotlb=force"
    case .maskBelowPool: "masks below the pool under swiotlb=force"
    case .pageRefused: "sizes promised where a page is refused as well"
    case .guestBehindIOMMU: "guests behind a virtual IOMMU"
    case .awaitsPKVM: "pKVM guests without the pKVM series"
    }
  }

  /// The reason, in one sentence without a period.
  public var reason: String {
    switch self {
    case .requireCoherent:
      "DMA_ATTR_REQUIRE_COHERENT asks for an error where a bounce or cache management is needed"
    case .noPool:
      "hosts of s390 and x86 with iommu=off make no swiotlb that could bounce anything"
    case .segment:
      "a mapping cannot leave a segment of 128 slots, 256 KiB, which dma_max_mapping_size() tells "
        + "the driver"
    case .maskBelowPool:
      "no slot of the pool lies within the device's mask and bus limit, in a Realm as a shared "
        + "address"
    case .pageRefused:
      "the device reaches no byte there, and without a pool nothing bounces: no size that "
        + "dma_max_mapping_size() could name would be served"
    case .guestBehindIOMMU:
      "dma-iommu has no shared memory: iommu_dma_alloc() of 7.3 refuses it as not yet supported, "
        + "and the protection of a mapping does not depend on it; that nobody runs such a guest "
        + "is an assumption of dmamatrix, for which the kernel has no statement"
    case .awaitsPKVM:
      "v6 and v7 need the series that makes pKVM guests confidential, which v5 had in it and "
        + "their cover letters leave to a posting of its own; nobody runs them there without it"
    }
  }

  /// Where the kernel says so.
  public var source: String {
    switch self {
    case .requireCoherent: "Documentation/core-api/dma-attributes.rst DMA_ATTR_REQUIRE_COHERENT"
    case .noPool: "arch/s390/mm/init.c pv_init(), arch/x86/kernel/pci-dma.c pci_swiotlb_detect()"
    case .segment: "kernel/dma/swiotlb.c swiotlb_max_mapping_size()"
    case .maskBelowPool: "kernel/dma/swiotlb.c swiotlb_map(), swiotlb_memblock_alloc()"
    case .pageRefused:
      "kernel/dma/direct.c dma_direct_max_mapping_size(), which asks is_swiotlb_active() first"
    case .guestBehindIOMMU: "drivers/iommu/dma-iommu.c iommu_dma_alloc(), dma_info_to_prot()"
    case .awaitsPKVM: "message-id 20260604083959.1265923-1-aneesh.kumar@kernel.org"
    }
  }
}

extension Excuse {
  /// The excuse for a violation, or nil.
  ///
  /// - Parameters:
  ///   - request: With one of the masks that violate the lint.
  ///   - awaitsPKVM: Whether the version is ``DMAModel/KernelVersion/awaitsPKVM``.
  init?(
    _ lint: Lint, _ violation: ViolationKey, _ request: DeviceRequest, on kernel: BootedKernel,
    awaitsPKVM: Bool
  ) {
    if awaitsPKVM, kernel.platform == .arm64PKVM, violation.verdict == .blocked {
      self = .awaitsPKVM
      return
    }
    if kernel.platform.sharedMemoryReader == .host, kernel.usesDMAIOMMU(request) {
      self = .guestBehindIOMMU
      return
    }
    if lint == .maxMappingSizeIsHonest, violation.other == .error {
      self = .pageRefused
      return
    }
    guard lint == .forceMeansBounce else { return nil }
    switch violation.decision {
    case .requireCoherentOnNoncoherent: self = .requireCoherent
    case .forceBounceMMIO where request.attributes == .requireCoherent: self = .requireCoherent
    case _ where !kernel.pool.isActive: self = .noPool
    case .noSlots where request.buffer.length > swiotlbMaxMapping: self = .segment
    case .swiotlbOverflow
    where request.streamingLimit < kernel.pool.start | kernel.platform.sharedBit:
      self = .maskBelowPool
    default: return nil
    }
  }
}

extension KernelVersion {
  /// Whether an earlier version forces devices of pKVM guests unencrypted, and this one leaves
  /// that to a series that it needs.
  var awaitsPKVM: Bool {
    guard recorded == nil, !policy.forceUnencrypted.contains(.arm64PKVM) else { return false }
    var version = baseVersion
    while let earlier = version {
      if earlier.policy.forceUnencrypted.contains(.arm64PKVM) { return true }
      version = earlier.baseVersion
    }
    return false
  }
}
