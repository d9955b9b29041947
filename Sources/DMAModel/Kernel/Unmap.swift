/// kernel/dma/mapping.c, direct.h, swiotlb.c, drivers/iommu/dma-iommu.c and
/// drivers/xen/swiotlb-xen.c: the end of a streaming mapping.
extension Undo {
  /// `dma_unmap_phys()`; before 7.2 `dma_unmap_page_attrs()` and
  /// `dma_unmap_resource()`.
  mutating func dma_unmap_phys() {
    let here: StaticString = "dma_unmap_phys"
    let attributes = request.attributes
    if kernel.policy.mappingInterface == .pageAndResource, attributes.isMMIO { return }
    if asks(here, "the device has a DMA domain (dma-iommu)", usesDMAIOMMU) {
      if asks(here, "CC_SHARED, not dma-direct: nothing to do", attributes.isCCShared) { return }
      return iommu_dma_unmap_phys()
    }
    if asks(here, "swiotlb-xen has the device", kernel.platform.family == .xen) {
      if asks(here, "CC_SHARED, not dma-direct: nothing to do", attributes.isCCShared) { return }
      return xen_swiotlb_unmap_phys()
    }
    dma_direct_unmap_phys()
  }

  /// `dma_unmap_sg_attrs()` of one entry.
  mutating func dma_unmap_sg_attrs() {
    let here: StaticString = "dma_unmap_sg_attrs"
    if asks(here, "the device has a DMA domain (dma-iommu)", usesDMAIOMMU) {
      // iommu_dma_unmap_sg(): an aligned entry has no bounce.
      return
    }
    if asks(here, "swiotlb-xen has the device", kernel.platform.family == .xen) {
      return xen_swiotlb_unmap_phys()
    }
    dma_direct_unmap_phys()
  }

  /// `dma_direct_unmap_phys()` (`dma_direct_unmap_page()` before 7.2): a slot is known
  /// by its address, CC_SHARED plays no role.
  private mutating func dma_direct_unmap_phys() {
    let here: StaticString = "dma_direct_unmap_phys"
    switch kernel.policy.mappingInterface {
    case .pageAndResource: break
    case .physicalAddress:
      if asks(
        here, "MMIO or REQUIRE_COHERENT: nothing to do",
        request.attributes.isMMIO || request.attributes.isRequireCoherent)
      {
        return
      }
    }
    swiotlb_tbl_unmap_single(here, copies: true)
  }

  /// `iommu_dma_unmap_phys()` (`iommu_dma_unmap_page()` before 7.2).
  private mutating func iommu_dma_unmap_phys() {
    let here: StaticString = "iommu_dma_unmap_phys"
    switch kernel.policy.mappingInterface {
    case .pageAndResource: break
    case .physicalAddress:
      if asks(
        here, "MMIO or REQUIRE_COHERENT: the IOVA alone",
        request.attributes.isMMIO || request.attributes.isRequireCoherent)
      {
        return
      }
    }
    swiotlb_tbl_unmap_single(here, copies: true)
  }

  /// `xen_swiotlb_unmap_phys()`.
  mutating func xen_swiotlb_unmap_phys() {
    swiotlb_tbl_unmap_single("xen_swiotlb_unmap_phys", copies: true)
  }

  /// `swiotlb_tbl_unmap_single()`: copies back and releases the slots, where the
  /// address lies in a pool.
  ///
  /// - Parameter copies: Whether the caller, without DMA_ATTR_SKIP_CPU_SYNC, has the
  ///   bounce buffer copied back; the mapping is DMA_BIDIRECTIONAL.
  mutating func swiotlb_tbl_unmap_single(_ caller: StaticString, copies: Bool) {
    guard asks(caller, "the address lies in a swiotlb pool", after.unmapCopy != .none) else {
      return
    }
    after.unmapCopy = copies ? .copied : .skipped
    if asks(
      "__swiotlb_tbl_unmap_single", "the pool is transient: it goes", slots?.kind == .transient)
    {
      swiotlb_del_pool()
    }
    after.slots = .ok
  }

  /// `swiotlb_del_pool()` and `swiotlb_free_tlb()`: the end of a transient pool (F4).
  private mutating func swiotlb_del_pool() {
    let here: StaticString = "swiotlb_free_tlb"
    if asks(here, "the memory is an atomic pool's", slots?.source == .atomicPool) { return }
    guard
      asks(here, "the pool is shared: encrypt again", kernel.decryptsDynamicPools(of: pool))
    else { return }
    switch kernel.policy.transientFree {
    case .rcuCallback:
      if asks(here, "in an RCU callback", kernel.platform.encryptsMemory, knob: "F4") {
        after.warnings.insert(.atomicSetMemory)
        after.atomicCall = .setMemory
      }
    case .none, .rcuWork:
      _ = asks(here, "in an RCU callback", false, knob: "F4")
    }
  }
}
