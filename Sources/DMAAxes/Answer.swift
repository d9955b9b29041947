import Support

/// What a kernel did with a request.
public enum AnswerResult: UInt8, AxisValue {
  case direct, bounce, iova, iovaBounce, page, pool, swiotlb, error, iovaEnds

  public static let axis = "result"
  public static let allCases: [AnswerResult] = [
    .direct, .bounce, .iova, .iovaBounce, .page, .pool, .swiotlb, .error,
  ]
  public static let extended: [AnswerResult] = [.iovaEnds]

  /// Whether a mapping is a copy in a pool, or its ends are.
  public var bounces: Bool { self == .bounce || self == .iovaBounce || self == .iovaEnds }
  /// The same behind dma-iommu.
  public var bouncesIOVA: Bool { self == .iovaBounce || self == .iovaEnds }

  public var name: String {
    switch self {
    case .direct: "direct"
    case .bounce: "bounce"
    case .iova: "iova"
    case .iovaBounce: "iova_bounce"
    case .page: "page"
    case .pool: "pool"
    case .swiotlb: "swiotlb"
    case .error: "error"
    case .iovaEnds: "iova_ends"
    }
  }

  public var summary: String {
    switch self {
    case .direct: "map: the buffer's own address"
    case .bounce: "map: the address of a swiotlb slot, the data copied"
    case .iova: "map: an IOVA of the buffer"
    case .iovaBounce: "map: an IOVA of a swiotlb slot, the data copied"
    case .page: "alloc: fresh pages, by their own address or an IOVA"
    case .pool: "alloc: memory of an atomic pool"
    case .swiotlb: "alloc: slots of a restricted pool"
    case .error: "DMA_MAPPING_ERROR or NULL"
    case .iovaEnds: "map: an IOVA of the buffer, its unaligned ends swiotlb slots, those copied"
    }
  }
}

/// How a DMA address is encoded.
public enum AddressEncoding: UInt8, AxisValue {
  case none, plain, `private`, shared, iova

  public static let axis = "enc"

  public var name: String {
    switch self {
    case .none: "-"
    case .plain: "plain"
    case .private: "private"
    case .shared: "shared"
    case .iova: "iova"
    }
  }

  public var summary: String {
    switch self {
    case .none: "no address"
    case .plain: "the platform has one encoding"
    case .private: "C-bit set, or the private alias"
    case .shared: "C-bit clear, or the shared alias"
    case .iova: "an I/O virtual address"
    }
  }
}

/// The state of the memory that the device touches, or the alias that the
/// IOMMU's page table selects.
public enum MemoryState: UInt8, AxisValue {
  case none, plain, `private`, shared

  public static let axis = "mem_state"

  public var name: String {
    switch self {
    case .none: "-"
    case .plain: "plain"
    case .private: "private"
    case .shared: "shared"
    }
  }

  public var summary: String {
    switch self {
    case .none: "none, or device memory"
    case .plain: "the platform has one state"
    case .private: "encrypted"
    case .shared: "decrypted"
    }
  }
}

/// The messages that the kernel logged on the way, "once" warnings included.
public struct Warnings: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let inactive = Warnings(rawValue: 1 << 0)
  public static let memoryEncryption = Warnings(rawValue: 1 << 1)
  public static let noSwiotlb = Warnings(rawValue: 1 << 2)
  public static let poolUnsuitable = Warnings(rawValue: 1 << 3)
  public static let poolExhausted = Warnings(rawValue: 1 << 4)
  public static let noCoherentPool = Warnings(rawValue: 1 << 5)
  public static let warnOn = Warnings(rawValue: 1 << 6)
  public static let poolCrash = Warnings(rawValue: 1 << 7)
  public static let overflow = Warnings(rawValue: 1 << 8)
  public static let swiotlbFull = Warnings(rawValue: 1 << 9)
  public static let swiotlbOverflow = Warnings(rawValue: 1 << 10)
  /// Not a message: `set_memory_encrypted()` or `set_memory_decrypted()`, which may
  /// sleep, was called in atomic context.
  public static let atomicSetMemory = Warnings(rawValue: 1 << 11)
  public static let cookieCrash = Warnings(rawValue: 1 << 12)
  public static let decryptLeak = Warnings(rawValue: 1 << 13)
  public static let misalignedAddress = Warnings(rawValue: 1 << 14)
  public static let coherentMaskUnset = Warnings(rawValue: 1 << 15)
  public static let unsupportedAlignment = Warnings(rawValue: 1 << 16)

  /// Each warning's spelling in vectors and queries, sorted by spelling.
  public static let names: [(warning: Warnings, name: String)] = [
    (.atomicSetMemory, "atomic_set_memory"),
    (.inactive, "inactive"),
    (.memoryEncryption, "memenc"),
    (.noSwiotlb, "no_swiotlb"),
    (.poolExhausted, "other:DMA pool exhausted for %s"),
    (.poolUnsuitable, "other:Failed to get suitable pool for %s"),
    (.unsupportedAlignment, "other:Unsupported alignment constraint"),
    (.noCoherentPool, "other:WARN_ON(!IS_ENABLED(CONFIG_DMA_COHERENT_POOL))"),
    (.coherentMaskUnset, "other:WARN_ON(!dev->coherent_dma_mask)"),
    (.warnOn, "other:WARN_ON(1)"),
    (
      .poolCrash,
      "other:crash: dma_alloc_from_pool() returned NULL and iommu_dma_alloc() used the page"
    ),
    (
      .cookieCrash,
      "other:crash: dma_direct_free() took a page for an address, or an address for a page"
    ),
    (.decryptLeak, "other:leaking DMA memory that can't be decrypted"),
    (.misalignedAddress, "other:misaligned address: %#lx"),
    (.overflow, "overflow"),
    (.swiotlbFull, "swiotlb_full"),
    (.swiotlbOverflow, "swiotlb_overflow"),
  ]

  /// The warnings' spellings, sorted and joined by semicolons; empty for none.
  public var text: String {
    let known = Self.names.filter { contains($0.warning) }.map(\.name)
    guard rawValue >> UInt32(Self.names.count) != 0 else { return known.joined(separator: ";") }
    return (known + OtherWarnings.names(of: self)).sorted().joined(separator: ";")
  }
}

/// A kernel's answer to one request.
public struct Answer: Hashable, Sendable {
  public var result: AnswerResult
  public var encoding: AddressEncoding
  public var memoryState: MemoryState
  public var pte: MemoryState
  public var warnings: Warnings
  /// The rule that decided.
  public var decision: Decision
  /// The DMA address where it is known: for `direct` and `page` exactly, for bounces
  /// and pools the pool's first page; nil for IOVAs, errors and Xen's machine addresses.
  public var address: UInt64?
  /// `dma_max_mapping_size()` in bytes, `UInt64.max` for SIZE_MAX, 0 for allocations.
  public var maxMapping: UInt64

  @inlinable public init(
    result: AnswerResult,
    encoding: AddressEncoding,
    memoryState: MemoryState,
    pte: MemoryState = .none,
    warnings: Warnings,
    decision: Decision,
    address: UInt64?,
    maxMapping: UInt64 = 0
  ) {
    self.result = result
    self.encoding = encoding
    self.memoryState = memoryState
    self.pte = pte
    self.warnings = warnings
    self.decision = decision
    self.address = address
    self.maxMapping = maxMapping
  }

  /// Whether the address follows from the scenario alone.
  @inlinable public var hasPrintableAddress: Bool {
    (result == .direct || result == .page) && encoding != .iova && address != nil
  }

  /// The `dma` column: hexadecimal, or `-` where the pool's own address decides.
  public var addressText: String {
    hasPrintableAddress ? address?.hexadecimal ?? "-" : "-"
  }

  /// The `max_map` column.
  public var maxMappingText: String {
    switch maxMapping {
    case 0: "-"
    case .max: "max"
    default: String(maxMapping)
    }
  }
}

extension Answer {
  /// The outcome columns that a vectors file has, in the order of reports.
  public static let columnNames = [
    "result", "dma", "enc", "mem_state", "pte", "warn", "max_map",
  ]

  /// The answer spelled out, in the order of ``columnNames``.
  public var columns: [String] {
    [
      result.name, addressText, encoding.name, memoryState.name, pte.name, warnings.text,
      maxMappingText,
    ]
  }
}
