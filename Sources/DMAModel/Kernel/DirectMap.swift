/// kernel/dma/direct.c and direct.h: streaming mappings without an IOMMU.
extension Evaluation {
  /// `dma_direct_map_phys()` (`dma_direct_map_page()` before 7.2).
  mutating func dma_direct_map_phys() -> Answer {
    let here: StaticString = "dma_direct_map_phys"
    let isMMIO = request.attributes.isMMIO
    let requireCoherent = request.attributes.isRequireCoherent
    let isPeerPage = request.operation == .mapSGP2P
    var ccShared = request.attributes.isCCShared

    // MMIO is rewritten first.
    if isMMIO {
      switch kernel.policy.mmioPreprocessing {
      case .none: break
      case .forcedSetsCCShared:
        let forced = asksForced()
        if asks(here, "MMIO for a forced device: CC_SHARED is added", forced, knob: "M2") {
          ccShared = true
        }
      case .hostSetsCCShared:
        let host = asksHost()
        if asks(here, "MMIO on an encrypting host: CC_SHARED is added", host, knob: "M2") {
          ccShared = true
        }
      case .hostOrForcedSetsCCShared:
        let (host, forced) = (asksHost(), asksForced())
        if asks(
          here, "MMIO on an encrypting host or for a forced device: CC_SHARED is added",
          host || forced, knob: "M2")
        {
          ccShared = true
        }
      }
    }

    if asksForceBounce() {
      if asksRestrictedPoolShared(here) { ccShared = true }
      switch kernel.policy.forcedBounce {
      case .refusesPeerPages:
        if asks(here, "peer page", isPeerPage, knob: "M3") {
          return refused(.forceBouncePeerPage)
        }
        return swiotlb_map(ccShared: ccShared)
      case .skippedByCCShared:
        if !asks(here, "CC_SHARED skips the bounce", ccShared, knob: "M3") {
          if asks(here, "MMIO or REQUIRE_COHERENT", isMMIO || requireCoherent, knob: "M3") {
            return refused(.forceBounceMMIO)
          }
          return swiotlb_map(ccShared: ccShared)
        }
      case .refusesMMIO:
        if asks(here, "MMIO or REQUIRE_COHERENT", isMMIO || requireCoherent, knob: "M3") {
          return refused(.forceBounceMMIO)
        }
        return swiotlb_map(ccShared: ccShared)
      }
    } else if asks(here, "CC_SHARED", ccShared) {
      let isRefused = kernel.policy.unforcedCCShared == .refused
      if asks(here, "CC_SHARED without a forced bounce is refused", isRefused, knob: "M4") {
        return refused(.ccSharedRefused)
      }
    }

    let physical = request.buffer.physicalAddress
    if asks(here, "MMIO", isMMIO) {
      let address = mmioAddress(ccShared: ccShared)
      guard dma_capable(address, ccShared: ccShared) else { return overflow(.directMMIOOverflow) }
      return served(.direct, at: address, memory: bufferMemory, .directMMIO)
    }

    let address = phys_to_dma_direct(physical, unencrypted: ccShared)
    let capable = dma_capable(address, ccShared: ccShared)
    if ccShared {
      let neverBounces = kernel.policy.incapableCCShared == .refused
      if asks(here, "CC_SHARED RAM never bounces", neverBounces, knob: "M7") {
        return capable
          ? served(.direct, at: address, memory: bufferMemory, .directRAM)
          : overflow(.directOverflow)
      }
    }
    return mapRAM(
      at: address,
      capable: capable,
      ccShared: ccShared,
      isPeerPage: isPeerPage,
      requireCoherent: requireCoherent
    )
  }

  /// The last part of `dma_direct_map_phys()`: RAM as it is, else a bounce (M8).
  private mutating func mapRAM(
    at address: UInt64,
    capable: Bool,
    ccShared: Bool,
    isPeerPage: Bool,
    requireCoherent: Bool
  ) -> Answer {
    let here: StaticString = "dma_direct_map_phys"
    switch kernel.policy.incapableRAM {
    case .bouncesUnlessPeerPage:
      if capable { return served(.direct, at: address, memory: bufferMemory, .directRAM) }
      if asks(here, "peer page", isPeerPage, knob: "M8") { return refused(.directPeerPage) }
    case .alsoUnsafeKmalloc:
      if capable && !asksUnsafeKmalloc() {
        return served(.direct, at: address, memory: bufferMemory, .directRAM)
      }
      if asks(here, "peer page", isPeerPage, knob: "M8") { return refused(.directPeerPage) }
    case .bouncesUnlessRequireCoherent:
      if capable && !asksUnsafeKmalloc() {
        return served(.direct, at: address, memory: bufferMemory, .directRAM)
      }
      // 7.2 and 7.3 look for a pool first.
      if asksActive(),
        !asks(here, "REQUIRE_COHERENT forbids a bounce", requireCoherent, knob: "M8")
      {
        return swiotlb_map(ccShared: ccShared)
      }
      return overflow(.directOverflow)
    }
    return asksActive() ? swiotlb_map(ccShared: ccShared) : overflow(.directOverflow)
  }

  /// The kmalloc() half of the test for a bounce (M8).
  private mutating func asksUnsafeKmalloc() -> Bool {
    let isUnsafe = dma_kmalloc_needs_bounce()
    return asks("dma_direct_map_phys", "unsafe kmalloc() buffer", isUnsafe, knob: "M8")
  }

  /// M12: whether a request to a restricted pool gets CC_SHARED from the pool.
  mutating func asksRestrictedPoolShared(_ caller: StaticString) -> Bool {
    guard kernel.policy.restrictedPoolRequests == .ccShared, pool.forAlloc else { return false }
    let shared = asksPoolShared()
    return asks(caller, "a shared restricted pool: CC_SHARED is added", shared, knob: "M12")
  }

  /// The address of device memory (M6): as RAM's, or the physical one.
  private mutating func mmioAddress(ccShared: Bool) -> UInt64 {
    let physical = request.buffer.physicalAddress
    let isPhysical =
      switch kernel.policy.mmioEncoding {
      case .physical: true
      case .likeRAM: false
      case .physicalUnlessCCShared: !ccShared
      }
    if asks(
      "dma_direct_map_phys", "MMIO keeps its physical address", isPhysical, knob: "M6")
    {
      return physical
    }
    return phys_to_dma_direct(physical, unencrypted: ccShared)
  }

  /// `dma_direct_map_resource()` (6.1, 6.12): the physical address, never swiotlb.
  mutating func dma_direct_map_resource() -> Answer {
    let address = request.buffer.physicalAddress
    guard dma_capable(address, ccShared: false) else {
      warnings.insert(.warnOn)
      return overflow(.resourceOverflow)
    }
    return served(.direct, at: address, memory: bufferMemory, .resourceMapped)
  }

  /// include/linux/dma-direct.h `dma_capable()` (M1): whether the device can emit
  /// the buffer's last byte.
  mutating func dma_capable(_ address: UInt64, ccShared: Bool) -> Bool {
    let here: StaticString = "dma_capable"
    switch kernel.policy.dmaCapable {
    case .maskOnly: break
    case .forcedNeedsCCShared:
      _ = asksForced()
      if asks(
        here,
        "the device is forced unencrypted, the address is private",
        forced && !ccShared,
        knob: "M1"
      ) {
        return false
      }
    }
    let isReached = address != .max && streamingReaches(address &+ (request.buffer.length - 1))
    return asks(here, "the last byte lies within mask and bus limit", isReached)
  }

  /// `dma_direct_max_mapping_size()` (M14) in bytes.
  mutating func dma_direct_max_mapping_size() -> UInt64 {
    let here: StaticString = "dma_direct_max_mapping_size"
    guard asksActive() else { return .max }
    _ = asksForced()  // it decides the required mask
    let isLimited = dma_addressing_limited()
    if asks(here, "addressing is limited", isLimited) {
      return swiotlb_max_mapping_size
    }
    if asksForceBounce() { return swiotlb_max_mapping_size }
    let forcedCounts = kernel.policy.maxMappingSize == .alsoForcedUnencrypted && forced
    return asks(here, "a forced device's mappings are limited too", forcedCounts, knob: "M14")
      ? swiotlb_max_mapping_size : .max
  }

  /// The "DMA addr overflow" warning and an error.
  private mutating func overflow(_ decision: Decision) -> Answer {
    warnings.insert(.overflow)
    return refused(decision)
  }
}
