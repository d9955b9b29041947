/// drivers/iommu/dma-iommu.c: devices with a DMA domain.
///
/// `swiotlb=force` is ignored here, and the page table's protection does not
/// depend on the state of a bounce pool.
extension Evaluation {
  /// `iommu_dma_map_phys()` (`iommu_dma_map_page()` before 7.2).
  mutating func iommu_dma_map_phys() -> Answer {
    let here: StaticString = "iommu_dma_map_phys"
    if asks(here, "MMIO", request.attributes.isMMIO) { return iommu_dma_map_resource() }
    let bounces = dev_use_swiotlb() && iova_unaligned
    if asks(here, "untrusted or unsafe kmalloc(), and unaligned: bounce", bounces, knob: "M17") {
      if asks(here, "REQUIRE_COHERENT forbids it", request.attributes.isRequireCoherent) {
        return refused(.iommuBounceRequireCoherent)
      }
      return iommu_dma_map_swiotlb()
    }
    return translated(.iova, memory: bufferMemory, pte: pte(mmio: false), .iommuMapped)
  }

  /// `iommu_dma_map_resource()` (6.1, 6.12), and MMIO since: never bounced.
  mutating func iommu_dma_map_resource() -> Answer {
    translated(.iova, memory: bufferMemory, pte: pte(mmio: true), .iommuMappedResource)
  }

  /// `iommu_dma_map_sg()` of one page-aligned entry: the entry is aligned, so
  /// that nothing bounces even for an untrusted device. CC_SHARED is ignored.
  mutating func iommu_dma_map_sg() -> Answer {
    translated(.iova, memory: bufferMemory, pte: pte(mmio: false), .iommuMapped)
  }

  /// `iommu_dma_map_swiotlb()`: the bounce, aligned to the IOMMU's granule.
  private mutating func iommu_dma_map_swiotlb() -> Answer {
    if asks("iommu_dma_map_swiotlb", "no pool", !pool.isActive) {
      warnings.insert(.inactive)
      return refused(.iommuBounceInactive)
    }
    var ccShared = request.attributes.isCCShared
    let size = (request.buffer.length + pageSize - 1) & ~(pageSize - 1)
    if let decision = swiotlb_tbl_map_single(&ccShared, size: size) { return refused(decision) }
    return translated(
      .iovaBounce,
      memory: slots?.memory ?? pool.memory,
      pte: pte(mmio: false),
      .iommuBounced
    )
  }

  /// `dev_use_swiotlb()` (M17).
  private func dev_use_swiotlb() -> Bool {
    let untrusted = request.facing == .external
    return switch kernel.policy.dmaIOMMUBounce {
    case .untrusted: untrusted
    case .untrustedOrUnsafeKmalloc: untrusted || dma_kmalloc_needs_bounce
    }
  }

  /// `iova_unaligned()`: start or length is not a multiple of the granule.
  private var iova_unaligned: Bool {
    (request.buffer.physicalAddress | request.buffer.length) & (pageSize - 1) != 0
  }

  /// `iommu_dma_alloc()` of one page.
  mutating func iommu_dma_alloc(atomic: Bool) -> Answer {
    let here: StaticString = "iommu_dma_alloc"
    switch kernel.policy.dmaIOMMUSharedAlloc {
    case .privatePages: break
    case .refused:
      if asks(here, "shared memory is asked for", forced, knob: "A3") {
        return refused(.iommuAllocShared)
      }
    }
    let noncoherent = request.coherence == .noncoherent
    if asks(here, "not coherent, must not block: atomic pool", atomic && noncoherent) {
      return iommu_dma_alloc_from_pool()
    }
    return translated(
      .page,
      memory: kernel.initialMemory,
      pte: pte(mmio: false),
      .iommuAllocPages
    )
  }

  /// The pool branch of `iommu_dma_alloc()`: a private page of any zone.
  private mutating func iommu_dma_alloc_from_pool() -> Answer {
    switch dma_alloc_from_pool(.none, shared: false, checksAddress: false) {
    case .success(let pool):
      return translated(.pool, memory: pool.memory, pte: pte(mmio: false), .iommuAllocPool)
    case .failure(let failure):
      if kernel.policy.dmaIOMMUPoolFailure == .usesNullPage {  // A7
        warnings.insert(.poolCrash)
      }
      return refused(failure.decision)
    }
  }

  /// kernel/dma/ops_helpers.c `dma_common_alloc_pages()`: private pages.
  mutating func dma_common_alloc_pages() -> Answer {
    translated(.page, memory: kernel.initialMemory, pte: pte(mmio: false), .iommuAllocPages)
  }

  /// `iommu_dma_max_mapping_size()` in bytes.
  func iommu_dma_max_mapping_size() -> UInt64 {
    request.facing == .external ? swiotlbMaxMapping : .max
  }

  /// The alias that the page table selects: AMD's sets the C-bit, for MMIO
  /// depending on the version (M18); no other table has one.
  private func pte(mmio: Bool) -> MemoryState {
    guard kernel.encryptionBit != 0 else { return .plain }
    switch kernel.policy.amdPTEForMMIO {
    case .private: return .private
    case .shared: return mmio ? .shared : .private
    }
  }
}
