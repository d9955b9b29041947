/// kernel/dma/swiotlb.c: bounces and restricted allocations.
extension Evaluation {
  /// `swiotlb_map()`: the address of a bounce buffer.
  mutating func swiotlb_map(ccShared: Bool) -> Answer {
    let here: StaticString = "swiotlb_map"
    var ccShared = ccShared
    if let decision = swiotlb_tbl_map_single(&ccShared, size: request.buffer.length) {
      return refused(decision)
    }
    if kernel.policy.attributesAfterBounce == .sharedPoolAddsCCShared,
      asks(here, "the pool is shared: CC_SHARED is added", asksPoolShared(), knob: "M10")
    {
      ccShared = true
    }

    let always = kernel.policy.bounceEncoding == .shared
    let shared =
      asks(here, "a bounce address is shared whatever the pool is", always, knob: "M11")
      || asks(here, "DMA_ATTR_CC_SHARED is set at this point", ccShared)
    citePoolPlace()
    citePoolMemory()
    let slots = slots ?? BounceSlots(start: pool.start, memory: pool.memory, kind: .standard)
    let address = phys_to_dma_direct(slots.start, unencrypted: shared)
    guard dma_capable(address, ccShared: ccShared) else {
      warnings.insert(.swiotlbOverflow)
      return refused(.swiotlbOverflow)
    }
    return served(.bounce, at: address, memory: slots.memory, .swiotlbMapped)
  }

  /// `swiotlb_tbl_map_single()`: finds slots and copies, or says why not.
  ///
  /// - Parameters:
  ///   - ccShared: CC_SHARED, which the pool may decide (M10).
  ///   - size: The length, in bytes.
  ///   - alignMask: `alloc_align_mask`, to which the size is rounded up.
  ///   - address: Where it begins; the request's buffer without.
  /// - Returns: nil for success.
  mutating func swiotlb_tbl_map_single(
    _ ccShared: inout Bool, size: UInt64, alignMask: UInt64 = 0, at address: UInt64? = nil
  ) -> Decision? {
    if !asksActive() {
      warnings.insert(.noSwiotlb)
      return .noPool
    }
    if asksMemoryEncryption() {  // a notice, once
      warnings.insert(.memoryEncryption)
    }
    if !poolStateMatches(ccShared: ccShared) { return .poolStateMismatch }
    setAttributesAfterBounce(&ccShared)
    let address = address ?? request.buffer.physicalAddress
    let wanted = sizeInSlots(size, alignMask, at: address)
    if !swiotlb_find_slots(size: wanted, alignMask: alignMask, at: address) {
      warnings.insert(.swiotlbFull)
      return .noSlots
    }
    return nil
  }

  /// What `swiotlb_tbl_map_single()` makes of CC_SHARED (M10).
  private mutating func setAttributesAfterBounce(_ ccShared: inout Bool) {
    let here: StaticString = "swiotlb_tbl_map_single"
    switch kernel.policy.attributesAfterBounce {
    case .unchanged, .sharedPoolAddsCCShared: break
    case .poolDecides:
      ccShared = asks(here, "CC_SHARED is the pool's state: set", asksPoolShared(), knob: "M10")
    case .guestPoolElseForced:
      if asksGuest() {
        ccShared = asks(here, "CC_SHARED is the pool's state: set", asksPoolShared(), knob: "M10")
      } else {
        ccShared = asks(here, "CC_SHARED is set if forced: set", asksForced(), knob: "M10")
      }
    case .guestPoolHostShared:
      if asksGuest() {
        ccShared = asks(here, "CC_SHARED is the pool's state: set", asksPoolShared(), knob: "M10")
      } else if asks(here, "an encrypting host: CC_SHARED is set", asksHost(), knob: "M10") {
        ccShared = true
      }
    }
  }

  /// The state check of `swiotlb_tbl_map_single()` (M9).
  private mutating func poolStateMatches(ccShared: Bool) -> Bool {
    let here: StaticString = "swiotlb_tbl_map_single"
    switch kernel.policy.poolStateCheck {
    case .none:
      return true
    case .matchesCCSharedOrForced:
      let (shared, forced) = (asksPoolShared(), asksForced())
      return asks(
        here, "the pool is shared exactly if CC_SHARED or forced",
        shared == (ccShared || forced), knob: "M9")
    case .matchesForced:
      return poolMatchesForced("the pool is shared exactly if forced")
    case .guestMatchesForcedHostShared:
      if asksGuest() {
        return poolMatchesForced("guest: the pool is shared exactly if forced")
      }
      guard asksHost() else { return true }
      return asks(here, "encrypting host: the pool is shared", asksPoolShared(), knob: "M9")
    case .guestMatchesForced:
      return !asksGuest() || poolMatchesForced("guest: the pool is shared exactly if forced")
    case .matchesForcedExceptHost:
      return asksHost() || poolMatchesForced("the pool is shared exactly if forced")
    }
  }

  private mutating func poolMatchesForced(_ question: StaticString) -> Bool {
    let (shared, forced) = (asksPoolShared(), asksForced())
    return asks("swiotlb_tbl_map_single", question, shared == forced, knob: "M9")
  }

  /// `swiotlb_alloc()` by way of `dma_direct_alloc_swiotlb()`: slots of a
  /// restricted pool.
  ///
  /// - Parameter decrypts: Whether the caller decrypts the page once more (A8).
  mutating func dma_direct_alloc_swiotlb(decrypts: Bool) -> Answer {
    let here: StaticString = "swiotlb_alloc"
    var shared = asksForced()
    if asksRestrictedPoolShared(here) { shared = true }
    switch kernel.policy.swiotlbAllocCheck {
    case .none: break
    case .matchesForced:
      let isShared = asksPoolShared()
      if !asks(
        here, "the pool is shared exactly if shared memory is asked for", isShared == shared,
        knob: "A9")
      {
        return refused(.allocSwiotlbMismatch)
      }
    }
    let size = request.buffer.length
    let alignMask = kernel.policy.predatesZoneDMALimit ? 0 : size.roundedUpToPowerOfTwo - 1
    if size > swiotlbMaxMapping
      || kernel.restrictsSlots && !kernel.hasSlot(pool.start, pool.end, 0, size, alignMask)
    {
      return refused(.allocSwiotlbNoSlots)
    }
    slots = BounceSlots(start: pool.start, memory: pool.memory, kind: .standard)
    guard dma_coherent_ok(pool.start, unencrypted: shared) else {
      return refused(.allocSwiotlbAddress)
    }
    citePoolMemory()
    var memory = pool.memory
    let again = kernel.policy.restrictedPageDecrypt == .whenForced && decrypts
    if asks(here, "the page is decrypted once more", again, knob: "A8") {
      if request.operation.isAtomic { atomicCall = .setMemory }
      if kernel.decryptFails(.page) {
        leaksSlots = true
        return refused(.allocDecryptFailed)
      }
      memory = kernel.decrypted
    }
    return served(
      .swiotlb,
      at: phys_to_dma_direct(pool.start, unencrypted: shared),
      memory: memory,
      .allocSwiotlb
    )
  }
}
