/// What happens to the device's coherent mask between an allocation and its free.
///
/// `force_dma_unencrypted()` of an SME host looks at that mask, and is asked
/// again when the memory is freed.
public enum MaskChange: UInt8, AxisValue {
  case none, up, down

  public static let axis = "mask_change"

  public var name: String {
    switch self {
    case .none: "none"
    case .up: "up"
    case .down: "down"
    }
  }

  public var summary: String {
    switch self {
    case .none: "the coherent mask stays as it is"
    case .up: "32 bits at allocation, 64 at free"
    case .down: "64 bits at allocation, 32 at free"
    }
  }

  /// The coherent mask at allocation that the change starts from, in bits.
  @inlinable public var bitsBefore: UInt8? {
    switch self {
    case .none: nil
    case .up: 32
    case .down: 64
    }
  }

  /// The coherent mask at free, or nil where it stays.
  @inlinable public var after: CoherentMask? {
    switch self {
    case .none: nil
    case .up: .bits64
    case .down: .bits32
    }
  }
}

/// CONFIG_SWIOTLB_DYNAMIC.
public enum DynamicPools: UInt8, AxisValue {
  case off, on

  public static let axis = "dynamic"
  public var name: String { self == .off ? "n" : "y" }
  public var summary: String {
    self == .off ? "CONFIG_SWIOTLB_DYNAMIC=n: pools do not grow" : "CONFIG_SWIOTLB_DYNAMIC=y"
  }
}

/// How full the default pool is, or the atomic pools.  A restricted pool of a device's own
/// is empty.
public enum PoolFill: UInt8, AxisValue {
  case empty, exhausted, grown
  /// `gen_pool_alloc()` of every atomic pool fails.  They grow in the background, after an
  /// allocation that succeeds and leaves little (kernel/dma/pool.c `__dma_alloc_from_pool()`).
  case atomicPools

  public static let axis = "fill"
  public static let allCases: [PoolFill] = [.empty, .exhausted, .grown]
  public static let extended: [PoolFill] = [.atomicPools]

  public var name: String {
    switch self {
    case .empty: "empty"
    case .exhausted: "exhausted"
    case .grown: "grown"
    case .atomicPools: "atomic"
    }
  }

  public var summary: String {
    switch self {
    case .empty: "the default pool has free slots"
    case .exhausted: "the default pool is full and swiotlb_dyn_alloc() has not run"
    case .grown: "the default pool is full and swiotlb_dyn_alloc() ran once"
    case .atomicPools: "the pools for atomic allocations are full, the default pool is not"
    }
  }

  /// Whether the default pool is full.
  public var isOfDefaultPool: Bool { self == .exhausted || self == .grown }
}

/// Where `set_memory_decrypted()` fails.
public enum DecryptFailure: UInt8, AxisValue {
  case none, defaultPool, restrictedPool, atomicPool, page

  public static let axis = "decrypt_fails"

  public var name: String {
    switch self {
    case .none: "none"
    case .defaultPool: "default"
    case .restrictedPool: "restricted"
    case .atomicPool: "atomic"
    case .page: "page"
    }
  }

  public var summary: String {
    switch self {
    case .none: "it never fails"
    case .defaultPool: "for the default pool, at boot"
    case .restrictedPool: "for the device's restricted pool, when the device appears"
    case .atomicPool: "for the atomic pools, at boot"
    case .page: "for a fresh page of an allocation or of a dynamic pool"
    }
  }
}

/// What a boot meets beside its machine and command line.
public struct BootConditions: Hashable, Sendable {
  public var dynamicPools: DynamicPools
  public var fill: PoolFill
  public var decryptFailure: DecryptFailure

  public init(
    dynamicPools: DynamicPools = .off, fill: PoolFill = .empty,
    decryptFailure: DecryptFailure = .none
  ) {
    self.dynamicPools = dynamicPools
    self.fill = fill
    self.decryptFailure = decryptFailure
  }

  /// The conditions of the mapping matrix: nothing is full and nothing fails.
  public static let ordinary = BootConditions()
}
