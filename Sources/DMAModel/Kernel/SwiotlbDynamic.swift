/// kernel/dma/swiotlb.c: slots in a pool that may be full and may grow.
extension Evaluation {
  /// `swiotlb_find_slots()`: slots of the device's pool, of a dynamic pool, or of a
  /// transient pool made for this request alone.
  ///
  /// - Parameters:
  ///   - size: The length with its alignment, in bytes.
  ///   - alignMask: `alloc_align_mask`.
  ///   - address: Where the memory begins.
  /// - Returns: Whether there are slots; they are then ``slots``.
  mutating func swiotlb_find_slots(
    size: UInt64, alignMask: UInt64, at address: UInt64
  ) -> Bool {
    let here: StaticString = "swiotlb_find_slots"
    if asks("swiotlb_tbl_map_single", "more than 128 contiguous slots", size > swiotlbMaxMapping) {
      return false
    }
    guard pool.isFull else {
      if kernel.restrictsSlots, !findsSlot(pool.start, pool.end, size, alignMask, at: address) {
        return false
      }
      slots = BounceSlots(start: pool.start, memory: pool.memory, kind: .standard)
      return true
    }
    if asks(here, "the pool is full and cannot grow", !pool.canGrow) { return false }
    let dynamic = kernel.dynamicPool
    if asks(here, "swiotlb_dyn_alloc() has added a pool", dynamic != nil), let dynamic {
      // It has at least 1 MiB, after which alignments and boundaries repeat or fit.
      if kernel.restrictsSlots,
        !findsSlot(dynamic.start, dynamic.start + megabyte, size, alignMask, at: address)
      {
        return false
      }
      slots = dynamic
      return true
    }
    let slots = (size + swiotlbSlotSize - 1) / swiotlbSlotSize
    guard swiotlb_alloc_tlb(bytes: slots * swiotlbSlotSize) else { return false }
    // The pool has just as many slots as the request.
    if kernel.restrictsSlots, let start = self.slots?.start,
      !findsSlot(start, start + slots * swiotlbSlotSize, size, alignMask, at: address)
    {
      self.slots = nil
      return false
    }
    return true
  }

  /// `swiotlb_alloc_tlb()` with GFP_NOWAIT, by way of `swiotlb_alloc_pool()`: the
  /// memory of a transient pool (M13).
  private mutating func swiotlb_alloc_tlb(bytes: UInt64) -> Bool {
    let here: StaticString = "swiotlb_alloc_tlb"
    let fromAtomicPool: Bool
    switch kernel.policy.transientPools {
    case .none:
      return false
    case .atomicPoolIfForced:
      fromAtomicPool = asks(here, "forced unencrypted: atomic pool", asksForced(), knob: "M13")
    case .atomicPoolIfShared, .atomicPoolIfSharedWithDevice:
      let shared = asksPoolShared()
      fromAtomicPool = asks(here, "the pool is shared: atomic pool", shared, knob: "M13")
    }
    guard fromAtomicPool else { return alloc_dma_pages(bytes: bytes) }
    citeAtomicPools()
    guard kernel.coherentPoolConfigured else { return false }
    // No zone flag; the address must fit the *coherent* mask.
    let found = dma_alloc_from_pool(
      .none, shared: pool.ccShared, checksAddress: true, size: bytes, warnsIfExhausted: false)
    guard case .success(let atomic) = found else { return false }
    slots = BounceSlots(
      start: atomic.start, memory: atomic.memory, kind: .transient, source: .atomicPool)
    return true
  }

  /// `alloc_dma_pages()` and the loop around it: pages below the streaming limit,
  /// taken as physical addresses, and decrypted on the spot.
  private mutating func alloc_dma_pages(bytes: UInt64) -> Bool {
    let here: StaticString = "alloc_dma_pages"
    var flag = zoneFlag()
    while let page = kernel.highestBlock(bytes, flag) {
      let isReached = streamingReaches(page + bytes - 1)
      if asks(here, "the page lies below mask and bus limit", isReached) {
        var memory = kernel.initialMemory
        _ = asksPoolShared()
        if asks(here, "the pool is shared: decrypt", kernel.decryptsDynamicPools(of: pool)) {
          noteAtomicSetMemory()
          if kernel.decryptFails(.page) { return false }
          memory = kernel.decrypted
        }
        slots = BounceSlots(start: page, memory: memory, kind: .transient, source: .buddy)
        return true
      }
      if kernel.zones.hasDMA32, flag == .none, !streamingReaches(.max) {
        flag = .dma32
      } else if kernel.zones.hasDMA, flag != .dma {
        flag = .dma
      } else {
        return false
      }
    }
    return false
  }

  /// The zone that the streaming limit, taken as a physical address, asks for.
  private mutating func zoneFlag() -> ZoneFlag {
    kernel.zones.flag { streamingReaches($0) }
  }

  /// Notes that memory changes its state where nothing may sleep; a plain
  /// platform's `set_memory_decrypted()` does nothing.
  private mutating func noteAtomicSetMemory() {
    guard kernel.platform.encryptsMemory else { return }
    warnings.insert(.atomicSetMemory)
    atomicCall = .setMemory
  }
}

extension BootedKernel {
  /// Whether the memory of a dynamic or transient pool from the page allocator is
  /// decrypted: always before there were state flags (S1), then for shared pools.
  func decryptsDynamicPools(of pool: SwiotlbPool) -> Bool {
    policy.defaultPoolState == .noFlagAlwaysDecrypt || pool.ccShared
  }

  /// Whether `set_memory_decrypted()` fails for some memory; a platform without
  /// encryption has nothing that could fail.
  func decryptFails(_ memory: DecryptFailure) -> Bool {
    conditions.decryptFailure == memory && platform.encryptsMemory
  }
}

extension Zones {
  /// The zone that a limit on physical addresses asks for.
  ///
  /// - Parameter reaches: Whether the limit is at least an address.
  @inline(__always)
  func flag(_ reaches: (UInt64) -> Bool) -> ZoneFlag {
    if dmaLimit == .max || !reaches(dmaLimit + 1) { return .dma }
    return reaches(bitMask(32) + 1) ? .none : .dma32
  }
}
