// MARK: - Dynamic pools

/// M13: whether there are dynamic pools, and when a transient one comes from an
/// atomic pool.
public enum TransientPools: String, KnobValue {
  case none
  case atomicPoolIfForced
  case atomicPoolIfShared
  case atomicPoolIfSharedWithDevice

  public var summary: String {
    switch self {
    case .none: "there are no dynamic pools"
    case .atomicPoolIfForced: "for a device that is forced unencrypted"
    case .atomicPoolIfShared: "for a shared pool"
    case .atomicPoolIfSharedWithDevice: "for a shared pool, where a device asks"
    }
  }
}

/// S6: what happens if the default or a restricted pool cannot be decrypted.
public enum PoolDecryptFailure: String, KnobValue {
  case ignored
  case disablesPool

  public var summary: String {
    switch self {
    case .ignored: "nothing: the pool is used as if it were shared"
    case .disablesPool:
      "the default pool is marked full; a restricted pool is not set up, and its device keeps "
        + "the default pool"
    }
  }
}

/// A14: what is logged where an allocation's page cannot be decrypted and leaks.
public enum PageDecryptFailure: String, KnobValue {
  case silent
  case allocPagesWarns

  public var summary: String {
    switch self {
    case .silent: "nothing"
    case .allocPagesWarns:
      "a rate-limited warning by dma_set_decrypted(), which dma_direct_alloc_pages() calls and "
        + "dma_direct_alloc() does not"
    }
  }
}

// MARK: - Free

/// F1: how `dma_direct_free_pages()` finds out that a page is an atomic pool's.
public enum PoolPageLookup: String, KnobValue {
  case linearAddress
  case physicalAddress
  case physicalIfRemapped

  public var summary: String {
    switch self {
    case .linearAddress: "by linear address, which a remapped pool does not have"
    case .physicalAddress: "by physical address"
    case .physicalIfRemapped: "by physical address under DMA_DIRECT_REMAP, else by linear address"
    }
  }
}

/// F2: how a free finds out that a page is a restricted pool's.
public enum SwiotlbFreeTest: String, KnobValue {
  case swiotlbFree
  case findPoolTwice
  case findPoolOnce

  public var summary: String {
    switch self {
    case .swiotlbFree: "swiotlb_free() looks it up, after any re-encryption"
    case .findPoolTwice: "swiotlb_find_pool() before re-encryption, and again in swiotlb_free()"
    case .findPoolOnce: "swiotlb_find_pool() once, then swiotlb_free_from_pool()"
    }
  }
}

/// F3: what a free encrypts again.
public enum FreeEncrypts: String, KnobValue {
  case forcedUnlessRemapped
  case forcedUnlessSwiotlb

  public var summary: String {
    switch self {
    case .forcedUnlessRemapped:
      "the CPU address of a device that is forced unencrypted by then, unless remapped"
    case .forcedUnlessSwiotlb:
      "the linear address of a device that is forced unencrypted by then, unless a pool's"
    }
  }
}

/// F4: from where a transient pool is freed.
public enum TransientFree: String, KnobValue {
  case none
  case rcuCallback
  case rcuWork

  public var summary: String {
    switch self {
    case .none: "never: there are no dynamic pools"
    case .rcuCallback: "from an RCU callback, which must not sleep"
    case .rcuWork: "from a work item after a grace period"
    }
  }
}
