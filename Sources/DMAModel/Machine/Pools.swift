/// A software IO TLB as a device sees it (`struct io_tlb_mem`).
///
/// The flag, the state of the memory and the bounce flag are kept apart: 6.12
/// on pKVM needs all three.
public struct SwiotlbPool: Hashable, Sendable {
  /// No pool.
  public init() {}

  /// `mem->nslabs != 0`: there are slots.
  public var isActive = false
  /// The first byte of the first slot.
  public var start: UInt64 = 0
  /// One past the last byte.
  public var end: UInt64 = 0
  /// The flag `cc_shared` (v4 to v6: `unencrypted`); always false before v4.
  public var ccShared = false
  /// The state of the memory, as the kernel last set it.
  public var memory = MemoryState.plain
  /// Every streaming mapping through dma-direct goes through this pool.
  public var forceBounce = false
  /// Allocations come from this pool too (restricted-dma-pool).
  public var forAlloc = false
  /// All slots are in use.
  public var isFull = false
  /// `mem->can_grow`: dynamic and transient pools may be added.
  public var canGrow = false
  /// How its size came about; nil without a pool.
  public var size: PoolSize?
}

/// Where the slots of one bounce lie.
struct BounceSlots: Hashable, Sendable {
  /// The first byte.
  var start: UInt64
  /// The state of the memory.
  var memory: MemoryState
  var kind: BouncePool
  var source = TransientSource.none
}

/// One of the three pools for atomic coherent allocations.
public struct AtomicPool: Hashable, Sendable {
  /// The first byte of the pool's first page.
  public var start: UInt64
  /// Bytes, all of them free.
  public var length: UInt64
  /// The flag `cc_shared`; always false before v4.
  public var ccShared: Bool
  /// The state of the memory.
  public var memory: MemoryState
}

/// Bytes of a slot (`IO_TLB_SIZE`, include/linux/swiotlb.h).
public let swiotlbSlotSize: UInt64 = 2048
/// Slots of a segment, which a mapping cannot leave (`IO_TLB_SEGSIZE`, there too).
public let swiotlbSegmentSlots: UInt64 = 128
/// Bytes of a segment: `swiotlb_max_mapping_size()`.
public let swiotlbMaxMapping = swiotlbSegmentSlots * swiotlbSlotSize
