/// kernel/dma/mapping.c, direct.h, swiotlb.c, drivers/iommu/dma-iommu.c and
/// drivers/xen/swiotlb-xen.c: the end of a streaming mapping.
extension Undo {
  /// `dma_unmap_phys()`; before 7.2 `dma_unmap_page_attrs()` and
  /// `dma_unmap_resource()`.
  mutating func dma_unmap_phys() {
    let here: StaticString = "dma_unmap_phys"
    if request.attributes.isMMIO {
      let isOwnCall = !kernel.policy.mappingInterface.mapsPhysicalAddresses
      if asks("dma_unmap_resource", "it is a call of its own", isOwnCall, knob: "M0") { return }
    }
    // It leaves CC_SHARED alone where dma-direct has not mapped it; dma_map_phys() refuses
    // that (M15), and there is nothing to unmap.
    if asksDMAIOMMU(here) { return iommu_dma_unmap_phys() }
    if asks(here, "swiotlb-xen has the device", kernel.platform.family == .xen) {
      return xen_swiotlb_unmap_phys()
    }
    dma_direct_unmap_phys()
  }

  /// `dma_unmap_sg_attrs()` of one entry.
  mutating func dma_unmap_sg_attrs() {
    let here: StaticString = "dma_unmap_sg_attrs"
    if asksDMAIOMMU(here) {
      // iommu_dma_unmap_sg(): an aligned entry has no bounce.
      if after.unmapCopy == .none { return }
      return iommu_dma_unmap_phys()
    }
    if asks(here, "swiotlb-xen has the device", kernel.platform.family == .xen) {
      return xen_swiotlb_unmap_phys()
    }
    dma_direct_unmap_phys()
  }

  /// `dma_iova_unlink()` of all of the space, page by page where some of it bounces
  /// (`iommu_dma_iova_unlink_range_slow()`), and `dma_iova_free()`.
  mutating func dma_iova_unlink() {
    swiotlb_tbl_unmap_single("iommu_dma_iova_unlink_range_slow", copies: true)
  }

  /// `dma_direct_unmap_phys()` (`dma_direct_unmap_page()` before 7.2): a slot is known
  /// by its address, CC_SHARED plays no role.
  private mutating func dma_direct_unmap_phys() {
    let here: StaticString = "dma_direct_unmap_phys"
    switch kernel.policy.mappingInterface {
    case .pageAndResource, .pageAndIOVA: break
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
    case .pageAndResource, .pageAndIOVA: break
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
    var pages = slots?.memory ?? kernel.initialMemory
    defer { if pages == .shared { after.state = .leftShared } }
    _ = asksPoolShared()
    guard
      asks(here, "the pool is shared: encrypt again", kernel.decryptsDynamicPools(of: pool))
    else { return }
    if pages == .shared { pages = .private }
    let mustNotSleep = kernel.policy.transientFree == .rcuCallback
    if asks(here, "in an RCU callback, which must not sleep", mustNotSleep, knob: "F4"),
      kernel.platform.encryptsMemory
    {
      after.warnings.insert(.atomicSetMemory)
      after.atomicCall = .setMemory
    }
  }
}
