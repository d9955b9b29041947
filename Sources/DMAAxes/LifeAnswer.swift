/// Which pool a bounce's slots lie in.
public enum BouncePool: UInt8, AxisValue {
  case none, standard, dynamic, transient

  public static let axis = "pool_kind"

  public var name: String {
    switch self {
    case .none: "-"
    case .standard: "default"
    case .dynamic: "dynamic"
    case .transient: "transient"
    }
  }

  public var summary: String {
    switch self {
    case .none: "no bounce"
    case .standard: "the default pool, or the device's restricted pool"
    case .dynamic: "a pool that swiotlb_dyn_alloc() added"
    case .transient: "a pool of its own for this mapping, made in swiotlb_find_slots()"
    }
  }
}

/// Where a transient pool's memory comes from.
public enum TransientSource: UInt8, AxisValue {
  case none, atomicPool, buddy

  public static let axis = "transient_from"

  public var name: String {
    switch self {
    case .none: "-"
    case .atomicPool: "atomic_pool"
    case .buddy: "buddy"
    }
  }

  public var summary: String {
    switch self {
    case .none: "no transient pool"
    case .atomicPool: "an atomic pool, decrypted beforehand"
    case .buddy: "the page allocator"
    }
  }
}

/// Whether unmapping copies the bounce buffer back.
public enum UnmapCopy: UInt8, AxisValue {
  case none, skipped, copied

  public static let axis = "unmap_copy"

  public var name: String {
    switch self {
    case .none: "-"
    case .skipped: "0"
    case .copied: "1"
    }
  }

  public var summary: String {
    switch self {
    case .none: "no bounce"
    case .skipped: "the bounce buffer is dropped"
    case .copied: "the bounce buffer is copied back"
    }
  }
}

/// Whether swiotlb slots are free again.
public enum SlotsAfter: UInt8, AxisValue {
  case ok, leaked

  public static let axis = "slots_after"
  public var name: String { self == .ok ? "ok" : "leaked" }
  public var summary: String { self == .ok ? "as many slots as before" : "slots stay in use" }
}

/// The encryption state in which memory goes back.
public enum StateAfter: UInt8, AxisValue {
  case same, leftShared, leftPrivate, poolPrivate, poolShared

  public static let axis = "state_after"

  public var name: String {
    switch self {
    case .same: "same"
    case .leftShared: "left_shared"
    case .leftPrivate: "left_private"
    case .poolPrivate: "pool_private"
    case .poolShared: "pool_shared"
    }
  }

  public var summary: String {
    switch self {
    case .same: "the state that it had before the request"
    case .leftShared: "a private page goes back decrypted"
    case .leftPrivate: "a shared page goes back encrypted"
    case .poolPrivate: "memory of a shared pool goes back encrypted"
    case .poolShared: "memory of a private pool goes back decrypted"
    }
  }
}

/// Who owns the memory afterwards.
public enum OwnerAfter: UInt8, AxisValue {
  case ok, poolPageToBuddy, buddyPageToPool, notFreed

  public static let axis = "owner_after"

  public var name: String {
    switch self {
    case .ok: "ok"
    case .poolPageToBuddy: "pool_page_to_buddy"
    case .buddyPageToPool: "buddy_page_to_pool"
    case .notFreed: "not_freed"
    }
  }

  public var summary: String {
    switch self {
    case .ok: "who owned it before"
    case .poolPageToBuddy: "a page of an atomic pool is given to the page allocator"
    case .buddyPageToPool: "a page of the page allocator is given to a pool"
    case .notFreed: "nobody: the memory is lost"
    }
  }
}

/// What a request that must not sleep called although it may sleep.
public enum AtomicCall: UInt8, AxisValue {
  case none, setMemory, remap

  public static let axis = "atomic_call"

  public var name: String {
    switch self {
    case .none: "-"
    case .setMemory: "set_memory"
    case .remap: "remap"
    }
  }

  public var summary: String {
    switch self {
    case .none: "nothing, or the request may sleep"
    case .setMemory: "set_memory_decrypted() or set_memory_encrypted()"
    case .remap: "dma_common_contiguous_remap(), which allocates with GFP_KERNEL"
    }
  }
}

/// What is left after a request has been undone with the same arguments.
public struct LifeAnswer: Hashable, Sendable {
  public var poolKind: BouncePool = .none
  public var transientFrom: TransientSource = .none
  public var unmapCopy: UnmapCopy = .none
  public var slots: SlotsAfter = .ok
  public var state: StateAfter = .same
  public var owner: OwnerAfter = .ok
  /// What the undoing logged.
  public var warnings: Warnings = []
  /// What was called in atomic context; measured for mappings alone, where it is the
  /// warning `atomic_set_memory`, and therefore no column of vectors.
  public var atomicCall: AtomicCall = .none

  public init() {}

  /// The columns that a vectors file has, in the order of reports.
  public static let columnNames = [
    "pool_kind", "transient_from", "unmap_copy", "slots_after", "state_after", "owner_after",
    "warn_after",
  ]

  /// The answer spelled out, in the order of ``columnNames``.
  public var columns: [String] {
    [
      poolKind.name, transientFrom.name, unmapCopy.name, slots.name, state.name, owner.name,
      warnings.text,
    ]
  }
}
