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
    if dma_capable(address, ccShared: ccShared), !range_straddles_page_boundary(),
      !asksForceBounce()
    {
      return served(.direct, at: address, memory: bufferMemory, .xenMapped)
    }

    var bounceShared = ccShared
    if let decision = swiotlb_tbl_map_single(&bounceShared, size: request.buffer.length) {
      return refused(decision)
    }
    // xen_swiotlb_fixup() exchanges the pool for frames below 32 bits.
    let isReached = streamingReaches(bitMask(32))
    if !asks(here, "the pool (below 32 bits) is dma_capable", isReached) {
      return refused(.xenBounceOverflow)
    }
    return served(.bounce, at: nil, memory: pool.memory, .xenBounced)
  }

  /// `range_straddles_page_boundary()`: more than a page whose machine frames lie apart.
  ///
  /// `xen_create_contiguous_region()` and the domain builder may have made them
  /// contiguous; only a running Xen knows.
  private mutating func range_straddles_page_boundary() -> Bool {
    range_straddles_page_boundary(request.buffer.physicalAddress, request.buffer.length)
  }

  private mutating func range_straddles_page_boundary(_ start: UInt64, _ length: UInt64) -> Bool {
    guard kernel.device.hasScatteredFrames, start & (pageSize - 1) + length > pageSize else {
      return false
    }
    return asks(
      "range_straddles_page_boundary", "machine frames of the buffer lie apart", true)
  }

  /// The bytes that an allocation needs, a page at least.
  private var allocated: UInt64 { max(request.buffer.length, pageSize) }

  /// `xen_swiotlb_alloc_coherent()`: a block of the page allocator, exchanged where it
  /// does not fit or its machine frames lie apart.
  mutating func xen_swiotlb_alloc_coherent() -> Answer {
    let here: StaticString = "xen_swiotlb_alloc_coherent"
    guard let block = kernel.highestBlock(allocated, .none) else { return refused(.allocNoPage) }
    let fits = coherentMaskReaches(block + allocated - 1)
    let isTaken =
      asks(here, "the page lies within the coherent mask", fits)
      && !range_straddles_page_boundary(block, allocated)
    return served(
      .page, at: nil, memory: kernel.initialMemory, isTaken ? .xenAllocated : .xenExchanged)
  }

  /// kernel/dma/ops_helpers.c `dma_common_alloc_pages()` over swiotlb-xen: the
  /// highest free block is mapped, and bounces where the device cannot reach it.
  mutating func xen_common_alloc_pages() -> Answer {
    guard let block = kernel.highestBlock(allocated, .none) else { return refused(.allocNoPage) }
    let isReached = streamingReaches(block + allocated - 1)
    let capable = asks(
      "xen_swiotlb_map_phys", "the page lies within mask and bus limit", isReached)
    if capable, !range_straddles_page_boundary(block, allocated), !asksForceBounce() {
      return served(.page, at: nil, memory: kernel.initialMemory, .xenAllocated)
    }
    var ccShared = false
    if let decision = swiotlb_tbl_map_single(&ccShared, size: allocated) {
      return refused(decision)
    }
    guard streamingReaches(bitMask(32)) else { return refused(.xenBounceOverflow) }
    return served(.page, at: nil, memory: pool.memory, .xenBounced)
  }
}
