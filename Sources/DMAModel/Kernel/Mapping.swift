/// kernel/dma/mapping.c: the calls that drivers make, and who serves them.
extension Evaluation {
  /// Answers the request.
  mutating func run() -> Answer {
    var answer: Answer
    switch request.operation {
    case .map: answer = dma_map_phys()
    case .mapSG, .mapSGP2P: answer = dma_map_sg_attrs()
    case .iovaLink: answer = dma_iova_try_alloc()
    case .alloc, .allocCCShared: answer = dma_alloc_attrs(atomic: false, noMapping: false)
    case .allocAtomic: answer = dma_alloc_attrs(atomic: true, noMapping: false)
    case .allocNoKernelMapping: answer = dma_alloc_attrs(atomic: false, noMapping: true)
    case .allocPages: answer = dma_alloc_pages(atomic: false)
    case .allocPagesAtomic: answer = dma_alloc_pages(atomic: true)
    case .allocNoncontiguous: answer = dma_alloc_noncontiguous()
    }
    answer.warnings = warnings
    if request.operation.isMapping { answer.maxMapping = dma_max_mapping_size() }
    return answer
  }

  /// `dma_map_phys()`; before 7.2 `dma_map_page_attrs()` and `dma_map_resource()` (M0).
  private mutating func dma_map_phys() -> Answer {
    let attributes = request.attributes
    if attributes.isMMIO {
      let isOwnCall = !kernel.policy.mappingInterface.mapsPhysicalAddresses
      if asks("dma_map_resource", "it is a call of its own", isOwnCall, knob: "M0") {
        return dma_map_resource()
      }
    }
    if asks(
      "dma_map_phys",
      "REQUIRE_COHERENT on a non-coherent device",
      attributes.isRequireCoherent && isNoncoherent()
    ) {
      return refused(.requireCoherentOnNoncoherent)
    }
    switch backend("dma_map_phys") {
    case .direct:
      return dma_direct_map_phys()
    case .iommu:
      if asks("dma_map_phys", "CC_SHARED, not dma-direct", attributes.isCCShared) {
        return refused(.ccSharedNotDirect)
      }
      return iommu_dma_map_phys()
    case .xen:
      if asks("dma_map_phys", "CC_SHARED, not dma-direct", attributes.isCCShared) {
        return refused(.ccSharedNotDirect)
      }
      return xen_swiotlb_map_phys()
    }
  }

  /// `dma_map_resource()` as a call of its own (6.1, 6.12).
  private mutating func dma_map_resource() -> Answer {
    switch backend("dma_map_resource") {
    case .direct: dma_direct_map_resource()
    case .iommu: iommu_dma_map_resource()
    case .xen: refused(.xenNoResource)
    }
  }

  /// `__dma_map_sg_attrs()` of one entry; CC_SHARED is not refused here.
  private mutating func dma_map_sg_attrs() -> Answer {
    if asks(
      "__dma_map_sg_attrs",
      "REQUIRE_COHERENT on a non-coherent device",
      request.attributes.isRequireCoherent && isNoncoherent()
    ) {
      return refused(.requireCoherentOnNoncoherent)
    }
    return switch backend("__dma_map_sg_attrs") {
    case .direct: dma_direct_map_phys()
    case .iommu: iommu_dma_map_sg()
    case .xen: xen_swiotlb_map_phys()
    }
  }

  /// `dma_alloc_attrs()`.
  private mutating func dma_alloc_attrs(atomic: Bool, noMapping: Bool) -> Answer {
    let asksShared = request.attributes.isCCShared
    if !coherentMaskReaches(1) { warnings.insert(.coherentMaskUnset) }
    if asksShared,
      asks(
        "dma_alloc_attrs", "CC_SHARED of a caller: refused",
        kernel.policy.callerSharedAlloc == .refused, knob: "A2")
    {
      return refused(.allocCallerShared)
    }
    switch backend("dma_alloc_attrs") {
    case .direct:
      if asksShared,
        asks(
          "dma_direct_alloc", "CC_SHARED of a caller: refused",
          kernel.policy.callerSharedAlloc == .refusedByDirect, knob: "A2")
      {
        return refused(.allocCallerShared)
      }
      return dma_direct_alloc(atomic: atomic, noMapping: noMapping)
    case .iommu: return iommu_dma_alloc(atomic: atomic)
    case .xen: return xen_swiotlb_alloc_coherent()
    }
  }

  /// `__dma_alloc_pages()`.
  private mutating func dma_alloc_pages(atomic: Bool) -> Answer {
    if !coherentMaskReaches(1),
      asks("__dma_alloc_pages", "the coherent mask is 0", true)
    {
      warnings.insert(.coherentMaskUnset)
      return refused(.allocMaskUnset)
    }
    return switch backend("__dma_alloc_pages") {
    case .direct: dma_direct_alloc_pages(atomic: atomic)
    case .iommu: dma_common_alloc_pages()
    case .xen: xen_common_alloc_pages()
    }
  }

  /// `dma_alloc_noncontiguous()`: a list of pages by dma-iommu, else one block
  /// (`alloc_single_sgt()`).
  private mutating func dma_alloc_noncontiguous() -> Answer {
    if asksDMAIOMMU("dma_alloc_noncontiguous") { return iommu_dma_alloc_noncontiguous() }
    return dma_alloc_pages(atomic: false)
  }

  /// `dma_max_mapping_size()` in bytes.
  mutating func dma_max_mapping_size() -> UInt64 {
    if kernel.platform.family == .xen { return swiotlb_max_mapping_size }
    return usesDMAIOMMU ? iommu_dma_max_mapping_size() : dma_direct_max_mapping_size()
  }

  /// `dma_go_direct()`: dma-direct unless dma-iommu or the platform's own
  /// operations have the device.
  private mutating func backend(_ function: StaticString) -> Backend {
    if asksDMAIOMMU(function) {
      return .iommu
    }
    if asks(function, "swiotlb-xen has the device", kernel.platform.family == .xen) {
      return .xen
    }
    return .direct
  }
}

/// Who serves a device.
private enum Backend { case direct, iommu, xen }
