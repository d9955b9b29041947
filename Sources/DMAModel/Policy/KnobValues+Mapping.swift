// MARK: - Mapping

/// M0: the programming interface: which calls and attributes exist.
public enum MappingInterface: String, KnobValue {
  case pageAndResource
  case pageAndIOVA
  case physicalAddress

  public var summary: String {
    switch self {
    case .pageAndResource: "dma_map_page() and dma_map_resource(); no DMA_ATTR_MMIO"
    case .pageAndIOVA: "the same and dma_iova_link(): 6.16 and 6.17"
    case .physicalAddress:
      "dma_map_phys() with DMA_ATTR_MMIO, _CC_SHARED and _REQUIRE_COHERENT; dma_iova_link()"
    }
  }

  /// Whether there is `dma_map_phys()`, and what else came with it.
  public var mapsPhysicalAddresses: Bool { self == .physicalAddress }
  /// Whether there are `dma_iova_try_alloc()` and `dma_iova_link()`.
  public var linksIOVA: Bool { self != .pageAndResource }
}

/// M1: what `dma_capable()` asks beside the mask.
public enum DMACapable: String, KnobValue {
  case maskOnly
  case forcedNeedsCCShared

  public var summary: String {
    switch self {
    case .maskOnly: "the mask and the bus limit only"
    case .forcedNeedsCCShared: "false where the device is forced unencrypted without CC_SHARED"
    }
  }
}

/// M2: how `dma_direct_map_phys()` rewrites an MMIO request.
public enum MMIOPreprocessing: String, KnobValue {
  case none
  case forcedSetsCCShared
  case hostSetsCCShared
  case hostOrForcedSetsCCShared

  public var summary: String {
    switch self {
    case .none: "not at all"
    case .forcedSetsCCShared: "CC_SHARED is added for devices that are forced unencrypted"
    case .hostSetsCCShared: "CC_SHARED is added on hosts with memory encryption"
    case .hostOrForcedSetsCCShared: "CC_SHARED is added on such hosts and for such devices"
    }
  }
}

/// M3: what a pool that bounces everything does with special requests.
public enum ForcedBounce: String, KnobValue {
  case refusesPeerPages
  case skippedByCCShared
  case refusesMMIO

  public var summary: String {
    switch self {
    case .refusesPeerPages: "peer pages are refused, all else bounces"
    case .skippedByCCShared:
      "CC_SHARED is mapped directly; MMIO and REQUIRE_COHERENT are refused; all else bounces"
    case .refusesMMIO: "MMIO and REQUIRE_COHERENT are refused; all else bounces"
    }
  }
}

/// M4: CC_SHARED without a pool that bounces everything.
public enum UnforcedCCShared: String, KnobValue {
  case refused
  case allowed

  public var summary: String {
    switch self {
    case .refused: "refused, silently"
    case .allowed: "mapped with the shared encoding"
    }
  }
}

/// M6: the encoding of an MMIO address.
public enum MMIOEncoding: String, KnobValue {
  case physical
  case likeRAM
  case physicalUnlessCCShared

  public var summary: String {
    switch self {
    case .physical: "the physical address as it is"
    case .likeRAM: "as RAM: shared with CC_SHARED, else private"
    case .physicalUnlessCCShared: "shared with CC_SHARED, else the physical address as it is"
    }
  }
}

/// M7: CC_SHARED RAM that is not `dma_capable()`.
public enum IncapableCCShared: String, KnobValue {
  case refused
  case bounces

  public var summary: String {
    switch self {
    case .refused: "refused with a warning"
    case .bounces: "bounces as private RAM does"
    }
  }
}

/// M8: RAM that the device cannot take as it is.
public enum IncapableRAM: String, KnobValue {
  case bouncesUnlessPeerPage
  case alsoUnsafeKmalloc
  case bouncesUnlessRequireCoherent

  public var summary: String {
    switch self {
    case .bouncesUnlessPeerPage: "not dma_capable: bounces; a peer page is refused silently"
    case .alsoUnsafeKmalloc: "as bouncesUnlessPeerPage, and unsafe kmalloc() buffers too"
    case .bouncesUnlessRequireCoherent:
      "not dma_capable or unsafe kmalloc(): bounces unless REQUIRE_COHERENT; peer pages as RAM"
    }
  }
}

/// M9: what `swiotlb_tbl_map_single()` asks of the pool's state.
public enum PoolStateCheck: String, KnobValue {
  case none
  case matchesCCSharedOrForced
  case matchesForced
  case guestMatchesForcedHostShared
  case guestMatchesForced
  case matchesForcedExceptHost

  public var summary: String {
    switch self {
    case .none: "nothing"
    case .matchesCCSharedOrForced: "shared exactly if CC_SHARED or forced unencrypted"
    case .matchesForced: "shared exactly if forced unencrypted"
    case .guestMatchesForcedHostShared:
      "guest: shared exactly if forced unencrypted; SME host: shared; else nothing"
    case .guestMatchesForced: "guest: shared exactly if forced unencrypted; else nothing"
    case .matchesForcedExceptHost:
      "shared exactly if forced unencrypted; on SME hosts nothing"
    }
  }
}

/// M10: what a bounce does to the request's attributes.
public enum AttributesAfterBounce: String, KnobValue {
  case unchanged
  case sharedPoolAddsCCShared
  case poolDecides
  case guestPoolElseForced
  case guestPoolHostShared

  public var summary: String {
    switch self {
    case .unchanged: "nothing"
    case .sharedPoolAddsCCShared: "swiotlb_map() adds CC_SHARED where the pool is shared"
    case .poolDecides: "swiotlb_tbl_map_single() sets CC_SHARED to the pool's state"
    case .guestPoolElseForced:
      "CC_SHARED is the pool's state in a guest, elsewhere whether the device is forced"
    case .guestPoolHostShared:
      "CC_SHARED is the pool's state in a guest, set on SME hosts, untouched elsewhere"
    }
  }
}

/// M11: the encoding of a bounce address.
public enum BounceEncoding: String, KnobValue {
  case shared
  case byAttributes

  public var summary: String {
    switch self {
    case .shared: "always shared"
    case .byAttributes: "shared exactly if CC_SHARED is set after the pool had its say"
    }
  }
}

/// M12: what requests to a restricted pool carry.
public enum RestrictedPoolRequests: String, KnobValue {
  case asAsked
  case ccShared

  public var summary: String {
    switch self {
    case .asAsked: "the caller's attributes"
    case .ccShared: "CC_SHARED too, for maps and allocations, where the pool is shared"
    }
  }
}

/// M14: when `dma_direct_max_mapping_size()` names swiotlb's limit.
public enum MaxMappingSize: String, KnobValue {
  case limitedOrForcedBounce
  case alsoForcedUnencrypted

  public var summary: String {
    switch self {
    case .limitedOrForcedBounce: "addressing limited, or the pool bounces everything"
    case .alsoForcedUnencrypted: "as limitedOrForcedBounce, or forced unencrypted"
    }
  }
}

/// M17: which requests dma-iommu bounces when they are unaligned.
public enum DMAIOMMUBounce: String, KnobValue {
  case untrusted
  case untrustedOrUnsafeKmalloc

  public var summary: String {
    switch self {
    case .untrusted: "those of untrusted PCI devices"
    case .untrustedOrUnsafeKmalloc: "those of untrusted PCI devices and unsafe kmalloc() buffers"
    }
  }
}

/// M18: the alias that AMD's IOMMU page table selects for MMIO.
public enum AMDPTEForMMIO: String, KnobValue {
  case `private`
  case shared

  public var summary: String {
    switch self {
    case .private: "C-bit set, as for RAM"
    case .shared: "C-bit clear"
    }
  }
}

/// M19: what `dma_need_sync()` says about an IOVA of a coherent device.
public enum DMAIOMMUSync: String, KnobValue {
  case always
  case untilBounce

  public var summary: String {
    switch self {
    case .always: "yes"
    case .untilBounce: "no after dma_set_mask(), yes again after the first bounce"
    }
  }
}

// MARK: - Allocation

/// A2: what becomes of a caller's CC_SHARED in `dma_alloc_attrs()`.
public enum CallerSharedAlloc: String, KnobValue {
  case ignored
  case refusedByDirect
  case refused

  public var summary: String {
    switch self {
    case .ignored: "ignored, or unknown"
    case .refusedByDirect: "refused by dma-direct; dma-iommu goes on"
    case .refused: "refused, whoever serves the device"
    }
  }
}

/// A15: where a forced allocation without an IOMMU comes from.
public enum ForcedAllocSource: String, KnobValue {
  case freshPages
  case swiotlb

  public var summary: String {
    switch self {
    case .freshPages: "fresh pages that are decrypted, or an atomic pool"
    case .swiotlb: "the device's swiotlb pool, where there is one"
    }
  }
}

/// A3: `iommu_dma_alloc()` for a device that is forced unencrypted.
public enum DMAIOMMUSharedAlloc: String, KnobValue {
  case privatePages
  case refused

  public var summary: String {
    switch self {
    case .privatePages: "hands out private pages"
    case .refused: "returns NULL"
    }
  }
}

/// A7: what `iommu_dma_alloc()` does when the atomic pools have no page.
public enum DMAIOMMUPoolFailure: String, KnobValue {
  case returnsNull
  case usesNullPage

  public var summary: String {
    switch self {
    case .returnsNull: "returns NULL"
    case .usesNullPage: "uses the page that it did not get, and crashes"
    }
  }
}

/// A8: whether a restricted pool's page is decrypted once more when allocated.
public enum RestrictedPageDecrypt: String, KnobValue {
  case whenForced
  case never

  public var summary: String {
    switch self {
    case .whenForced: "yes, for devices that are forced unencrypted"
    case .never: "no"
    }
  }
}

/// A9: what `swiotlb_alloc()` asks of the pool's state.
public enum SwiotlbAllocCheck: String, KnobValue {
  case none
  case matchesForced

  public var summary: String {
    switch self {
    case .none: "nothing"
    case .matchesForced: "shared exactly if forced unencrypted, else NULL"
    }
  }
}

/// A10: the linear mapping of a remapped (non-coherent) shared allocation.
public enum RemappedAlloc: String, KnobValue {
  case pgprotOnly
  case decryptsLinearMap

  public var summary: String {
    switch self {
    case .pgprotOnly: "stays private; only the new mapping is decrypted"
    case .decryptsLinearMap: "is decrypted too"
    }
  }
}
