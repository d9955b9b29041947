/// kernel/dma/swiotlb.c: bounces and restricted allocations.
extension Evaluation {
  /// `swiotlb_map()`: the address of a bounce buffer.
  mutating func swiotlb_map(ccShared: Bool) -> Answer {
    let here: StaticString = "swiotlb_map"
    var ccShared = ccShared
    if let decision = swiotlb_tbl_map_single(&ccShared, size: request.buffer.length) {
      return refused(decision)
    }
    if kernel.policy.attributesAfterBounce == .sharedPoolAddsCCShared, pool.ccShared {
      ccShared = true  // M10
    }

    let shared: Bool =
      switch kernel.policy.bounceEncoding {
      case .shared: asks(here, "a bounce address is shared", true, knob: "M11")
      case .byAttributes: asks(here, "CC_SHARED by now", ccShared, knob: "M11")
      }
    let slots = slots ?? BounceSlots(start: pool.start, memory: pool.memory, kind: .standard)
    let address = kernel.phys_to_dma_direct(slots.start, unencrypted: shared)
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
  ///   - size: The length with its alignment, in bytes.
  /// - Returns: nil for success.
  mutating func swiotlb_tbl_map_single(_ ccShared: inout Bool, size: UInt64) -> Decision? {
    let here: StaticString = "swiotlb_tbl_map_single"
    if asks(here, "no pool", !pool.isActive) {
      warnings.insert(.noSwiotlb)
      return .noPool
    }
    if asks(here, "memory encryption is active: notice", kernel.memoryEncryption) {
      warnings.insert(.memoryEncryption)
    }
    if !poolStateMatches(ccShared: ccShared) { return .poolStateMismatch }
    switch kernel.policy.attributesAfterBounce {  // M10
    case .unchanged, .sharedPoolAddsCCShared: break
    case .poolDecides: ccShared = pool.ccShared
    case .guestPoolElseForced: ccShared = kernel.guestMemoryEncryption ? pool.ccShared : forced
    case .guestPoolHostShared:
      if kernel.guestMemoryEncryption {
        ccShared = pool.ccShared
      } else if kernel.hostMemoryEncryption {
        ccShared = true
      }
    }
    if !swiotlb_find_slots(size: size) {
      warnings.insert(.swiotlbFull)
      return .noSlots
    }
    return nil
  }

  /// The state check of `swiotlb_tbl_map_single()` (M9).
  private mutating func poolStateMatches(ccShared: Bool) -> Bool {
    let here: StaticString = "swiotlb_tbl_map_single"
    let shared = pool.ccShared
    switch kernel.policy.poolStateCheck {
    case .none:
      return true
    case .matchesCCSharedOrForced:
      return asks(
        here,
        "pool is shared exactly if CC_SHARED or forced",
        shared == (ccShared || forced),
        knob: "M9"
      )
    case .matchesForced:
      return asks(here, "pool is shared exactly if forced", shared == forced, knob: "M9")
    case .guestMatchesForcedHostShared:
      if kernel.guestMemoryEncryption {
        return asks(
          here,
          "guest: pool is shared exactly if forced",
          shared == forced,
          knob: "M9"
        )
      }
      if kernel.hostMemoryEncryption {
        return asks(here, "encrypting host: pool is shared", shared, knob: "M9")
      }
      return true
    case .guestMatchesForced:
      guard kernel.guestMemoryEncryption else { return true }
      return asks(here, "guest: pool is shared exactly if forced", shared == forced, knob: "M9")
    case .matchesForcedExceptHost:
      guard !kernel.hostMemoryEncryption else { return true }
      return asks(here, "pool is shared exactly if forced", shared == forced, knob: "M9")
    }
  }

  /// `swiotlb_alloc()` by way of `dma_direct_alloc_swiotlb()`: slots of a
  /// restricted pool.
  ///
  /// - Parameter decrypts: Whether the caller decrypts the page once more (A8).
  mutating func dma_direct_alloc_swiotlb(decrypts: Bool) -> Answer {
    let here: StaticString = "swiotlb_alloc"
    switch kernel.policy.swiotlbAllocCheck {
    case .none: break
    case .matchesForced:
      if !asks(
        here,
        "pool is shared exactly if forced",
        pool.ccShared == forced,
        knob: "A9"
      ) {
        return refused(.allocSwiotlbMismatch)
      }
    }
    slots = BounceSlots(start: pool.start, memory: pool.memory, kind: .standard)
    guard dma_coherent_ok(pool.start) else { return refused(.allocSwiotlbAddress) }
    var memory = pool.memory
    switch kernel.policy.restrictedPageDecrypt {
    case .whenForced where decrypts:
      if request.operation.isAtomic { atomicCall = .setMemory }
      if kernel.decryptFails(.page) {
        leaksSlots = true
        return refused(.allocDecryptFailed)
      }
      memory = kernel.decrypted
    case .whenForced, .never: break
    }
    return served(
      .swiotlb,
      at: kernel.phys_to_dma_direct(pool.start, unencrypted: forced),
      memory: memory,
      .allocSwiotlb
    )
  }
}
