/// kernel/dma/direct.c: coherent allocations without an IOMMU.
extension Evaluation {
  /// `dma_direct_alloc()` of one page.
  mutating func dma_direct_alloc(atomic: Bool, noMapping: Bool) -> Answer {
    let here: StaticString = "dma_direct_alloc"
    let (forced, forAlloc) = (asksForced(), asksForAlloc())
    if asks(
      here,
      "NO_KERNEL_MAPPING, not forced unencrypted, no restricted pool",
      noMapping && !forced && !forAlloc
    ) {
      return dma_direct_alloc_no_mapping()
    }
    // arm64 alone has non-coherent devices here, and configures DMA_DIRECT_REMAP.
    let remap = asks(here, "the device is not coherent: remap", isNoncoherent())
    if asks(
      here,
      "remapping or decrypting, but must not block: atomic pool",
      (remap || forced) && atomic && !forAlloc
    ) {
      if mayUseAtomicPool() { return dma_direct_alloc_from_pool() }
    }
    if forAlloc {
      let answer = dma_direct_alloc_swiotlb(decrypts: forced && !remap)
      // An atomic request is remapped on the spot: the atomic pools, which are
      // mapped beforehand, are for devices without a restricted pool.
      if remap, atomic, answer.result == .swiotlb { atomicCall = .remap }
      return answer
    }
    guard let page = __dma_direct_alloc_pages() else { return refused(.allocNoPage) }
    // Without an atomic pool (T2) the page is remapped on the spot, by vmap(), or decrypted.
    if atomic, remap || forced { atomicCall = remap ? .remap : .setMemory }

    var decrypts = forced
    if forced, remap {
      let isLeft = kernel.policy.remappedAlloc == .pgprotOnly
      decrypts = !asks(here, "remapped: the linear mapping stays private", isLeft, knob: "A10")
    }
    if decrypts, kernel.decryptFails(.page) { return leaked() }
    return allocated(page, decrypted: decrypts, .allocPages)
  }

  /// `dma_direct_alloc_no_mapping()`: a page as an opaque cookie, private address.
  private mutating func dma_direct_alloc_no_mapping() -> Answer {
    guard let page = __dma_direct_alloc_pages() else { return refused(.allocNoPage) }
    return served(
      .page,
      at: phys_to_dma_direct(page, unencrypted: false),
      memory: kernel.initialMemory,
      .allocNoMapping
    )
  }

  /// `dma_direct_alloc_pages()` of one page.
  mutating func dma_direct_alloc_pages(atomic: Bool) -> Answer {
    let here: StaticString = "dma_direct_alloc_pages"
    let (forced, forAlloc) = (asksForced(), asksForAlloc())
    if asks(
      here,
      "forced unencrypted, but must not block: atomic pool",
      forced && atomic && !forAlloc
    ), mayUseAtomicPool() {
      return dma_direct_alloc_from_pool()
    }
    if forAlloc { return dma_direct_alloc_swiotlb(decrypts: forced) }
    guard let page = __dma_direct_alloc_pages() else { return refused(.allocNoPage) }
    if atomic, forced { atomicCall = .setMemory }
    if forced, kernel.decryptFails(.page) {
      let warns = kernel.policy.pageDecryptFailure == .allocPagesWarns
      if asks("dma_set_decrypted", "the leak is logged", warns, knob: "A14") {
        warnings.insert(.decryptLeak)
      }
      return leaked()
    }
    return allocated(page, decrypted: forced, .allocPages)
  }

  /// The page whose state nobody knows is kept from everybody (A14).
  private mutating func leaked() -> Answer {
    leaksPage = true
    return refused(.allocDecryptFailed)
  }

  private mutating func allocated(
    _ page: UInt64, decrypted: Bool, _ decision: Decision
  ) -> Answer {
    served(
      .page,
      at: phys_to_dma_direct(page, unencrypted: forced),
      memory: decrypted ? kernel.decrypted : kernel.initialMemory,
      decision
    )
  }

  /// `__dma_direct_alloc_pages()`: a page that is `dma_coherent_ok()`, retrying in
  /// lower zones.
  private mutating func __dma_direct_alloc_pages() -> UInt64? {
    citeFreeMemory()
    var flag = dma_direct_optimal_gfp_mask()
    while let page = kernel.highestBlock(request.buffer.length, flag) {
      if dma_coherent_ok(page) { return page }
      if kernel.zones.hasDMA32, flag == .none, !physicalCoherentLimitReaches(.max) {
        flag = .dma32
      } else if kernel.zones.hasDMA, flag != .dma {
        flag = .dma
      } else {
        return nil
      }
    }
    return nil
  }

  /// `dma_direct_optimal_gfp_mask()`: the zone that the mask falls into.
  mutating func dma_direct_optimal_gfp_mask() -> ZoneFlag {
    kernel.zones.flag { physicalCoherentLimitReaches($0) }
  }

  /// `dma_coherent_ok()`: the page lies within coherent mask and bus limit, with
  /// the encoding that the device is forced to.
  ///
  /// - Parameters:
  ///   - size: Bytes; those of the request without.
  ///   - unencrypted: The encoding; as the device is forced without.
  mutating func dma_coherent_ok(
    _ page: UInt64, size: UInt64? = nil, unencrypted: Bool? = nil
  ) -> Bool {
    let address = phys_to_dma_direct(page, unencrypted: unencrypted ?? forced)
    let isReached =
      address != .max && coherentReaches(address &+ ((size ?? request.buffer.length) - 1))
    return asks("dma_coherent_ok", "the page lies within coherent mask and bus limit", isReached)
  }
}

extension BootedKernel {
  /// `is_swiotlb_for_alloc()` (A15): allocations come from the device's pool.
  func is_swiotlb_for_alloc(_ pool: SwiotlbPool, forced: Bool) -> Bool {
    switch policy.forcedAllocSource {
    case .freshPages: pool.forAlloc
    case .swiotlb: pool.forAlloc || forced && pool.isActive
    }
  }

  /// The highest free block that a zone flag yields, naturally aligned; `size` is
  /// rounded up to a power of two of pages, and none is above MAX_PAGE_ORDER.
  func highestBlock(_ size: UInt64, _ flag: ZoneFlag) -> UInt64? {
    if size <= pageSize { return highestPage(flag) }
    if size > maxPageOrderSize { return nil }
    let block = size.roundedUpToPowerOfTwo
    return zones.zonelist(flag).lazy.compactMap { self.free.highestBlock(block, in: $0) }.first
  }

  /// The highest free page that a zone flag yields.
  func highestPage(_ flag: ZoneFlag) -> UInt64? {
    switch flag {
    case .none: pageNormal
    case .dma32: pageDMA32
    case .dma: pageDMA
    }
  }

  /// The state that memory has after `set_memory_decrypted()`.
  var decrypted: MemoryState { platform.encryptsMemory ? .shared : .plain }
}
