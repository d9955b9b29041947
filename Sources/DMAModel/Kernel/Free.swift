/// kernel/dma/mapping.c, direct.c, pool.c, drivers/iommu/dma-iommu.c and
/// drivers/xen/swiotlb-xen.c: the end of an allocation.
extension Undo {
  /// `dma_free_attrs()`.
  mutating func dma_free_attrs(noMapping: Bool) {
    let here: StaticString = "dma_free_attrs"
    if asksDMAIOMMU(here) {
      return iommu_dma_free()
    }
    if asks(here, "swiotlb-xen has the device", kernel.platform.family == .xen) {
      // xen_swiotlb_free_coherent(): an exchanged page is exchanged back.
      after.owner = .ok
      return
    }
    dma_direct_free(noMapping: noMapping)
  }

  /// `dma_free_noncontiguous()`: the pages of a list, or one block (`free_single_sgt()`).
  mutating func dma_free_noncontiguous() {
    if asksDMAIOMMU("dma_free_noncontiguous") {
      // iommu_dma_free_noncontiguous(): nothing was decrypted.
      after.owner = .ok
      return
    }
    dma_free_pages()
  }

  /// `dma_free_pages()`.
  mutating func dma_free_pages() {
    let here: StaticString = "dma_free_pages"
    if asksDMAIOMMU(here) { return dma_common_free_pages() }
    if asks(here, "swiotlb-xen has the device", kernel.platform.family == .xen) {
      return dma_common_free_pages()
    }
    dma_direct_free_pages()
  }

  /// `iommu_dma_free()` and `__iommu_dma_free()`: a pool's page goes back to it, by
  /// the address that the pool handed out; nothing is encrypted again.
  private mutating func iommu_dma_free() {
    _ = asks("__iommu_dma_free", "the address is an atomic pool's", answer.result == .pool)
    after.owner = .ok
  }

  /// kernel/dma/ops_helpers.c `dma_common_free_pages()`: unmaps with
  /// DMA_ATTR_SKIP_CPU_SYNC and frees the page.
  private mutating func dma_common_free_pages() {
    swiotlb_tbl_unmap_single("dma_common_free_pages", copies: false)
    after.owner = .ok
    // The page itself never changed; only its bounce buffer was seen.
    memory = kernel.initialMemory
  }

  /// `dma_direct_free()`.
  private mutating func dma_direct_free(noMapping: Bool) {
    let here: StaticString = "dma_direct_free"
    let (forced, forAlloc) = (asksForced(), asksForAlloc())
    let isCookie = answer.decision == .allocNoMapping
    if asks(
      here, "NO_KERNEL_MAPPING, not forced unencrypted, no restricted pool",
      noMapping && !forced && !forAlloc)
    {
      if isCookie {
        after.owner = .ok
      } else {
        // The address is taken for a struct page.
        after.warnings.insert(.cookieCrash)
      }
      return
    }
    if asks("dma_free_from_pool", "the address is an atomic pool's", answer.result == .pool) {
      after.owner = .ok
      return
    }
    let inPool = answer.result == .swiotlb
    let remapped = isNoncoherent()
    switch kernel.policy.freeEncrypts {
    case .forcedUnlessRemapped:
      if !asks(here, "remapped: no encryption", remapped, knob: "F3"),
        asks(here, "forced unencrypted now: encrypt", forced, knob: "F3")
      {
        if isCookie {
          // The struct page's own address is encrypted, which it is already.
          after.warnings.insert(.misalignedAddress)
        } else {
          set_memory_encrypted()
        }
      }
    case .forcedUnlessSwiotlb:
      if !asks(here, "a swiotlb page: no encryption", inPool, knob: "F3"),
        asks(here, "forced unencrypted now: encrypt", forced, knob: "F3")
      {
        set_memory_encrypted()
      }
    }
    release(inPool: inPool)
  }

  /// `dma_direct_free_pages()`.
  private mutating func dma_direct_free_pages() {
    let here: StaticString = "dma_direct_free_pages"
    let forced = asksForced()
    let isPoolPage = answer.result == .pool
    let found: Bool
    switch kernel.policy.poolPageLookup {
    case .linearAddress:
      found = asks(
        here, "an atomic pool has the page's linear address", isPoolPage && !kernel.remapsPools,
        knob: "F1")
    case .physicalAddress, .physicalIfRemapped:
      found = asks(here, "an atomic pool has the page", isPoolPage, knob: "F1")
    }
    if found {
      after.owner = .ok
      return
    }
    let inPool = answer.result == .swiotlb
    switch kernel.policy.freeEncrypts {
    case .forcedUnlessRemapped:
      if asks(here, "forced unencrypted now: encrypt", forced, knob: "F3") {
        set_memory_encrypted()
      }
    case .forcedUnlessSwiotlb:
      if !asks(here, "a swiotlb page: no encryption", inPool, knob: "F3"),
        asks(here, "forced unencrypted now: encrypt", forced, knob: "F3")
      {
        set_memory_encrypted()
      }
    }
    release(inPool: inPool)
    if isPoolPage { after.owner = .poolPageToBuddy }
  }

  /// The last step of both: slots go back to the pool, pages to the allocator (F2:
  /// by one look-up or two, with the same outcome).
  private mutating func release(inPool: Bool) {
    if asks("swiotlb_free", "the page lies in a swiotlb pool", inPool, knob: "F2") {
      after.slots = .ok
    }
    after.owner = .ok
  }
}

extension BootedKernel {
  /// CONFIG_DMA_DIRECT_REMAP: atomic pools have addresses of their own.
  var remapsPools: Bool { platform.family == .arm64 }
}
