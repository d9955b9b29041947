/// drivers/xen/swiotlb-xen.c: domain 0 of Xen PV.
///
/// No vectors exist for it; the rules are read from the source. Two facts that
/// only a running Xen knows are assumed: pseudo-physical frames equal machine
/// frames, so that a buffer's reach follows from its address, and Xen has
/// memory to exchange for `xen_create_contiguous_region()`.
extension Evaluation {
  /// `xen_swiotlb_map_phys()` (`xen_swiotlb_map_page()` before 7.2).
  mutating func xen_swiotlb_map_phys() -> Answer {
    let here: StaticString = "xen_swiotlb_map_phys"
    let ccShared = request.attributes.isCCShared
    let address = request.buffer.physicalAddress
    if asks(here, "MMIO", request.attributes.isMMIO) {
      guard dma_capable(address, ccShared: ccShared) else {
        warnings.formUnion([.warnOn, .overflow])
        return refused(.xenResourceOverflow)
      }
      return served(.direct, at: address, memory: bufferMemory, .xenMappedResource)
    }
    if dma_capable(address, ccShared: ccShared),
      !asks(here, "the pool bounces everything", pool.forceBounce)
    {
      return served(.direct, at: address, memory: bufferMemory, .xenMapped)
    }

    var bounceShared = ccShared
    if let decision = swiotlb_tbl_map_single(&bounceShared, size: request.buffer.length) {
      return refused(decision)
    }
    // xen_swiotlb_fixup() exchanges the pool for frames below 32 bits.
    if !asks(here, "the pool (below 32 bits) is dma_capable", request.streamingLimit >= bitMask(32))
    {
      return refused(.xenBounceOverflow)
    }
    return served(.bounce, at: 0, memory: pool.memory, .xenBounced)
  }

  /// `xen_swiotlb_alloc_coherent()`: a page, exchanged where it does not fit.
  mutating func xen_swiotlb_alloc_coherent() -> Answer {
    let fits = kernel.pageNormal.map { $0 + pageSize - 1 <= request.coherentMaskAddress }
    guard let fits else { return refused(.allocNoPage) }
    return served(
      .page,
      at: 0,
      memory: kernel.initialMemory,
      asks("xen_swiotlb_alloc_coherent", "the page lies within the coherent mask", fits)
        ? .xenAllocated : .xenExchanged
    )
  }

  /// kernel/dma/ops_helpers.c `dma_common_alloc_pages()` over swiotlb-xen: the
  /// highest free page is mapped, and bounces where the device cannot reach it.
  mutating func xen_common_alloc_pages() -> Answer {
    guard let page = kernel.pageNormal else { return refused(.allocNoPage) }
    let capable = asks(
      "xen_swiotlb_map_phys",
      "the page lies within mask and bus limit",
      page + pageSize - 1 <= request.streamingLimit
    )
    if capable, !pool.forceBounce {
      return served(.page, at: 0, memory: kernel.initialMemory, .xenAllocated)
    }
    var ccShared = false
    if let decision = swiotlb_tbl_map_single(&ccShared, size: pageSize) {
      return refused(decision)
    }
    guard request.streamingLimit >= bitMask(32) else { return refused(.xenBounceOverflow) }
    return served(.page, at: 0, memory: pool.memory, .xenBounced)
  }
}
