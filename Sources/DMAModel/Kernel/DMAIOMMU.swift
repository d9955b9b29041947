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
      return mapBounced()
    }
    if let decision = __iommu_dma_map(.streaming) { return refused(decision) }
    return translated(.iova, memory: bufferMemory, pte: pte(mmio: false), .iommuMapped)
  }

  /// `iommu_dma_map_resource()` (6.1, 6.12), and MMIO since: never bounced.
  mutating func iommu_dma_map_resource() -> Answer {
    if let decision = __iommu_dma_map(.streaming) { return refused(decision) }
    return translated(.iova, memory: bufferMemory, pte: pte(mmio: true), .iommuMappedResource)
  }

  /// `iommu_dma_map_sg()` of one entry: by `iommu_dma_map_sg_swiotlb()`, which maps it as
  /// a page, where that might bounce. CC_SHARED is ignored.
  mutating func iommu_dma_map_sg() -> Answer {
    if dev_use_swiotlb() { return iommu_dma_map_phys() }
    if !findsIOVA(.streaming) { return refused(.iommuNoIOVA) }
    return translated(.iova, memory: bufferMemory, pte: pte(mmio: false), .iommuMapped)
  }

  /// `iommu_dma_map_swiotlb()`: the bounce, aligned to the IOMMU's granule.
  ///
  /// - Parameters:
  ///   - size: Bytes.
  ///   - address: Where they begin.
  /// - Returns: Why there is none; nil for success.
  mutating func iommu_dma_map_swiotlb(size: UInt64, at address: UInt64) -> Decision? {
    if !asksActive() {
      warnings.insert(.inactive)
      return .iommuBounceInactive
    }
    var ccShared = request.attributes.isCCShared
    return swiotlb_tbl_map_single(&ccShared, size: size, alignMask: pageSize - 1, at: address)
  }

  /// The bounce of `iommu_dma_map_phys()`, and its IOVA.
  private mutating func mapBounced() -> Answer {
    let buffer = request.buffer
    if let decision = iommu_dma_map_swiotlb(size: buffer.length, at: buffer.physicalAddress) {
      return refused(decision)
    }
    let offset = request.buffer.physicalAddress & kernel.device.minAlignMask
    if let decision = __iommu_dma_map(.streaming, offset: offset) {
      slots = nil
      return refused(decision)
    }
    citePoolMemory()
    return translated(
      .iovaBounce,
      memory: slots?.memory ?? pool.memory,
      pte: pte(mmio: false),
      .iommuBounced
    )
  }

  /// `dev_use_swiotlb()` (M17).
  mutating func dev_use_swiotlb() -> Bool {
    let untrusted = isUntrusted()
    return switch kernel.policy.dmaIOMMUBounce {
    case .untrusted: untrusted
    case .untrustedOrUnsafeKmalloc: untrusted || dma_kmalloc_needs_bounce()
    }
  }

  /// `iova_unaligned()`: start or length is not a multiple of the granule.
  var iova_unaligned: Bool {
    (request.buffer.physicalAddress | request.buffer.length) & (pageSize - 1) != 0
  }

  /// `iommu_dma_alloc()` of one page.
  mutating func iommu_dma_alloc(atomic: Bool) -> Answer {
    let here: StaticString = "iommu_dma_alloc"
    if kernel.policy.dmaIOMMUSharedAlloc == .refused,
      asks(here, "shared memory is asked for: refused", asksForced(), knob: "A3")
    {
      return refused(.iommuAllocShared)
    }
    let noncoherent = isNoncoherent()
    if asks(here, "not coherent, must not block: atomic pool", atomic && noncoherent) {
      return iommu_dma_alloc_from_pool()
    }
    if atomic {
      if !findsContiguousPages() { return refused(.iommuNoPages) }
      if let decision = __iommu_dma_map(.coherent) { return refused(decision) }
    } else {
      // What may block is put together of single pages: iommu_dma_alloc_remap().
      if request.buffer.length > kernel.machine.size { return refused(.iommuNoPages) }
      if !findsIOVA(.coherent) { return refused(.iommuNoIOVA) }
    }
    return translated(
      .page,
      memory: memoryBehindRemap(),
      pte: pte(mmio: false),
      .iommuAllocPages
    )
  }

  /// The state in which the CPU sees an allocation's pages.
  ///
  /// v4 to v6 hand the caller's CC_SHARED on to `dma_pgprot()`, which then maps pages
  /// decrypted that nobody decrypted (A2). On an SME host the mapping is all there is to a
  /// page's state; a guest's pages stay private.
  private mutating func memoryBehindRemap() -> MemoryState {
    guard request.attributes.isCCShared else { return kernel.initialMemory }
    let isMapped = kernel.policy.callerSharedAlloc == .refusedByDirect
    let decrypts = asks(
      "dma_pgprot", "CC_SHARED of a caller: the CPU's mapping is decrypted", isMapped, knob: "A2")
    return decrypts && kernel.hostMemoryEncryption ? kernel.decrypted : kernel.initialMemory
  }

  /// The pool branch of `iommu_dma_alloc()`: a private page of any zone.
  private mutating func iommu_dma_alloc_from_pool() -> Answer {
    switch dma_alloc_from_pool(.none, shared: false, checksAddress: false) {
    case .success(let pool):
      if let decision = __iommu_dma_map(.coherent) {
        return refused(decision)
      }
      return translated(.pool, memory: pool.memory, pte: pte(mmio: false), .iommuAllocPool)
    case .failure(let failure):
      let isUsed = kernel.policy.dmaIOMMUPoolFailure == .usesNullPage
      if asks("iommu_dma_alloc", "the page that it did not get is used", isUsed, knob: "A7") {
        warnings.insert(.poolCrash)
      }
      return refused(failure.decision)
    }
  }

  /// `iommu_dma_alloc_noncontiguous()`: single pages, private ones; neither
  /// `iommu_dma_alloc()` nor its pool and its refusal (A3) are on the way.
  mutating func iommu_dma_alloc_noncontiguous() -> Answer {
    if request.buffer.length > kernel.machine.size { return refused(.iommuNoPages) }
    if !findsIOVA(.coherent) { return refused(.iommuNoIOVA) }
    return translated(.page, memory: kernel.initialMemory, pte: pte(mmio: false), .iommuAllocPages)
  }

  /// kernel/dma/ops_helpers.c `dma_common_alloc_pages()`: private pages.
  mutating func dma_common_alloc_pages() -> Answer {
    if !findsContiguousPages() { return refused(.iommuNoPages) }
    // The mapping is a streaming one.
    if let decision = __iommu_dma_map(.streaming) { return refused(decision) }
    return translated(.page, memory: kernel.initialMemory, pte: pte(mmio: false), .iommuAllocPages)
  }

  /// `iommu_dma_max_mapping_size()` in bytes.
  mutating func iommu_dma_max_mapping_size() -> UInt64 {
    isUntrusted() ? swiotlb_max_mapping_size : .max
  }

  /// `iommu_dma_alloc_pages()`: whether the page allocator has a block of that size.
  private func findsContiguousPages() -> Bool {
    request.buffer.length <= pageSize || kernel.highestBlock(request.buffer.length, .none) != nil
  }

  /// `__iommu_dma_map()`: why memory that is contiguous gets no IOVA; nil where it does.
  ///
  /// After 6.1 it refuses a `min_align_mask` above the IOMMU's granule, once with
  /// `dev_WARN_ONCE()`. `iommu_dma_map_sg()` and `iommu_dma_alloc_remap()` do not come here.
  private mutating func __iommu_dma_map(_ mask: ComparedMask, offset: UInt64? = nil) -> Decision? {
    let minimum = kernel.device.minAlignMask
    if minimum != 0, !kernel.policy.predatesZoneDMALimit,
      asks("__iommu_dma_map", "min_align_mask above the granule: refused", minimum >= pageSize)
    {
      warnings.insert(.unsupportedAlignment)
      return .iommuAlignment
    }
    return findsIOVA(mask, offset: offset) ? nil : .iommuNoIOVA
  }

  /// `iommu_dma_alloc_iova()`: whether an empty IOVA space has room below a limit.
  ///
  /// drivers/iommu/iova.c rounds small sizes up to a power of two of pages
  /// (`alloc_iova_fast()`) and aligns each to its size; the first page is never used.
  ///
  /// - Parameters:
  ///   - mask: `dma_get_mask(dev)`, or the coherent mask.
  ///   - offset: Of the memory in its page; the buffer's without.
  mutating func findsIOVA(_ mask: ComparedMask, offset: UInt64? = nil) -> Bool {
    // Nothing of the matrix is as large, or as near to address 0.
    if request.buffer.length < 1 << 20, !kernel.hasRanges, reaches(bitMask(24), mask) {
      return true
    }
    // 6.1 begins where the bus does: iommu_setup_dma_ops().
    let base = kernel.policy.predatesZoneDMALimit ? kernel.device.ranges.map(\.busStart).min() : nil
    let start = (offset ?? request.buffer.physicalAddress) & (pageSize - 1)
    let last = start + request.buffer.length - 1
    var pages = last / pageSize + 1
    let alignment = pages.roundedUpToPowerOfTwo
    if pages < 32 { pages = alignment }
    let first = (max(1, (base ?? 0) / pageSize) + alignment - 1) & ~(alignment - 1)
    // The last page begins at or below the limit.
    let (lastPage, overflow) = (first + pages - 1).multipliedReportingOverflow(by: pageSize)
    return !overflow && reaches(lastPage, mask)
  }

  /// The alias that the page table selects: AMD's sets the C-bit, for MMIO
  /// depending on the version (M18); no other table has one.
  mutating func pte(mmio: Bool) -> MemoryState {
    guard kernel.encryptionBit != 0 else { return .plain }
    guard mmio else { return .private }
    let isClear = kernel.policy.amdPTEForMMIO == .shared
    return asks("amdv1pt_iommu_set_prot", "MMIO: the C-bit is clear", isClear, knob: "M18")
      ? .shared : .private
  }
}
