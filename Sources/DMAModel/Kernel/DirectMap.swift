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
        if asks(here, "MMIO for a forced device: CC_SHARED is added", forced, knob: "M2") {
          ccShared = true
        }
      case .hostSetsCCShared:
        if asks(
          here,
          "MMIO on an encrypting host: CC_SHARED is added",
          kernel.hostMemoryEncryption,
          knob: "M2"
        ) {
          ccShared = true
        }
      case .hostOrForcedSetsCCShared:
        if asks(
          here, "MMIO on an encrypting host or for a forced device: CC_SHARED is added",
          kernel.hostMemoryEncryption || forced, knob: "M2")
        {
          ccShared = true
        }
      }
    }

    if asks(here, "the device's pool bounces everything", pool.forceBounce) {
      if kernel.policy.restrictedPoolRequests == .ccShared, pool.forAlloc, pool.ccShared {
        ccShared = true  // M12
      }
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
    } else if ccShared {
      switch kernel.policy.unforcedCCShared {
      case .refused:
        if asks(here, "CC_SHARED without a forced bounce", true, knob: "M4") {
          return refused(.ccSharedRefused)
        }
      case .allowed: break
      }
    }

    let physical = request.buffer.physicalAddress
    if asks(here, "MMIO", isMMIO) {
      let address: UInt64 =
        switch kernel.policy.mmioEncoding {  // M6
        case .physical: physical
        case .likeRAM: kernel.phys_to_dma_direct(physical, unencrypted: ccShared)
        case .physicalUnlessCCShared:
          ccShared ? kernel.phys_to_dma_unencrypted(physical) : physical
        }
      guard dma_capable(address, ccShared: ccShared) else { return overflow(.directMMIOOverflow) }
      return served(.direct, at: address, memory: bufferMemory, .directMMIO)
    }

    let address = kernel.phys_to_dma_direct(physical, unencrypted: ccShared)
    let capable = dma_capable(address, ccShared: ccShared)
    if ccShared {
      switch kernel.policy.incapableCCShared {
      case .refused:
        if asks(here, "CC_SHARED RAM is dma_capable", capable, knob: "M7") {
          return served(.direct, at: address, memory: bufferMemory, .directRAM)
        }
        return overflow(.directOverflow)
      case .bounces: break
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
    let mayBounce: Bool
    switch kernel.policy.incapableRAM {
    case .bouncesUnlessPeerPage:
      if capable { return served(.direct, at: address, memory: bufferMemory, .directRAM) }
      if asks(here, "peer page", isPeerPage, knob: "M8") { return refused(.directPeerPage) }
      mayBounce = true
    case .alsoUnsafeKmalloc:
      if capable && !asks(here, "unsafe kmalloc() buffer", dma_kmalloc_needs_bounce, knob: "M8") {
        return served(.direct, at: address, memory: bufferMemory, .directRAM)
      }
      if asks(here, "peer page", isPeerPage, knob: "M8") { return refused(.directPeerPage) }
      mayBounce = true
    case .bouncesUnlessRequireCoherent:
      if capable && !asks(here, "unsafe kmalloc() buffer", dma_kmalloc_needs_bounce, knob: "M8") {
        return served(.direct, at: address, memory: bufferMemory, .directRAM)
      }
      mayBounce = !asks(here, "REQUIRE_COHERENT forbids a bounce", requireCoherent, knob: "M8")
    }
    if asks(here, "a pool is active", pool.isActive) && mayBounce {
      return swiotlb_map(ccShared: ccShared)
    }
    return overflow(.directOverflow)
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
      if asks(
        here,
        "the device is forced unencrypted, the address is private",
        forced && !ccShared,
        knob: "M1"
      ) {
        return false
      }
    }
    return asks(
      here,
      "the last byte lies within mask and bus limit",
      address + request.buffer.length - 1 <= request.streamingLimit
    )
  }

  /// `dma_direct_max_mapping_size()` (M14) in bytes.
  mutating func dma_direct_max_mapping_size() -> UInt64 {
    guard pool.isActive else { return .max }
    let limited =
      dma_addressing_limited || pool.forceBounce
      || kernel.policy.maxMappingSize == .alsoForcedUnencrypted && forced
    return limited ? swiotlbMaxMapping : .max
  }

  /// The "DMA addr overflow" warning and an error.
  private mutating func overflow(_ decision: Decision) -> Answer {
    warnings.insert(.overflow)
    return refused(decision)
  }
}
