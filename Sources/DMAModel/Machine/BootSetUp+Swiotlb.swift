/// kernel/dma/swiotlb.c, the boot-time half.
extension BootSetUp {
  /// `default_nslabs` as the command line leaves it: `setup_io_tlb_npages()`.
  var defaultPoolSize: PoolSize {
    var size =
      machine.poolSlots.map { PoolSize(.commandLine, slots: $0) }
      ?? PoolSize(.standard, slots: Self.defaultSlots)
    if let areas = machine.poolAreas { size.roundUp(areas: areas) }
    return size
  }

  /// IO_TLB_DEFAULT_SIZE, 64 MiB, in slots.
  private static let defaultSlots = 64 * megabyte / swiotlbSlotSize

  /// `swiotlb_adjust_size()`: an architecture's wish, unless the command line changed the
  /// size, in whole segments.
  func swiotlb_adjust_size(_ size: UInt64, _ rule: PoolSize.Rule) -> PoolSize {
    let given = defaultPoolSize
    guard given.slots == Self.defaultSlots else { return given }
    let slots = (size + swiotlbSlotSize - 1) / swiotlbSlotSize
    let segments = (slots + swiotlbSegmentSlots - 1) / swiotlbSegmentSlots
    var adjusted = PoolSize(rule, slots: segments * swiotlbSegmentSlots)
    if let areas = machine.poolAreas { adjusted.roundUp(areas: areas) }
    return adjusted
  }

  /// `swiotlb_init_remap()`: whether there is a pool, and where memblock puts it.
  ///
  /// - Parameters:
  ///   - needed: The architecture's own need (`addressing_limit`).
  ///   - size: Rounded up for the areas, then halved until memblock has it.
  ///   - limit: The highest address plus one (`ARCH_LOW_ADDRESS_LIMIT`, or all
  ///     memory with SWIOTLB_ANY).
  ///   - bottomUpFrom: With memblock bottom-up, where it starts.
  mutating func swiotlb_init_remap(
    needed: Bool,
    size: PoolSize,
    limit: UInt64,
    bottomUpFrom floor: UInt64? = nil
  ) -> SwiotlbPool {
    var pool = SwiotlbPool()
    pool.memory = initial
    if !needed && swiotlb != .force { return pool }
    if swiotlb == .noforce { return pool }

    switch policy.defaultPoolForceBounce {
    case .commandLineOrArchitecture:
      pool.forceBounce =
        swiotlb == .force || policy.architectureForcesBounce.contains(platform)
    case .commandLine:
      pool.forceBounce = swiotlb == .force
    case .commandLineUnlessHostPassthrough:
      let hostPassthrough =
        iommu == .passthrough && policy.hostMemoryEncryption.contains(platform)
      pool.forceBounce = swiotlb == .force && !hostPassthrough
    }

    guard let (range, size) = takePool(size, limit: limit, floor: floor) else { return pool }
    pool.isActive = true
    pool.size = size
    pool.isFull = conditions.fill.isOfDefaultPool
    // xen_swiotlb_fixup() is a remap function: such a pool does not grow.
    pool.canGrow =
      conditions.dynamicPools == .on && policy.transientPools != .none && platform.family != .xen
    (pool.start, pool.end) = (range.start, range.end)
    takeDescriptors(for: range, floor: floor)
    return pool
  }

  private mutating func takePool(
    _ wanted: PoolSize,
    limit: UInt64,
    floor: UInt64?
  ) -> (PhysicalRange, PoolSize)? {
    let cpus = UInt64(machine.cpus)
    if let observed = machine.observedPool {
      free.reserve(observed)
      return (observed, PoolSize.observed(observed, areas: machine.poolAreas ?? cpus))
    }
    var size = wanted
    if size.areas == 0 { size.roundUp(areas: cpus) }
    size.limitAreas()
    repeat {
      let bytes = size.slots * swiotlbSlotSize
      let start = free.takeMemblock(
        bytes,
        below: limit,
        bottomUp: floor != nil,
        floor: floor ?? 0
      )
      if let start { return (PhysicalRange(start, start + bytes), size) }
    } while size.halve()
    return nil
  }

  /// The slots array (24 bytes a slot) and the areas (one page).
  private mutating func takeDescriptors(for range: PhysicalRange, floor: UInt64?) {
    let array = range.length / swiotlbSlotSize * 24
    let pages = (array + pageSize - 1) & ~(pageSize - 1)
    for bytes in [pages, pageSize] {
      _ = free.takeMemblock(bytes, bottomUp: floor != nil, floor: floor ?? 0)
    }
  }

  /// `swiotlb_update_mem_attributes()`: the default pool's flag and memory (S1),
  /// where the architecture calls it (S0).
  func swiotlb_update_mem_attributes(_ pool: SwiotlbPool) -> SwiotlbPool {
    guard policy.updatesPoolAttributes.contains(platform) else { return pool }
    var pool = with(pool, state: policy.defaultPoolState, failing: .defaultPool)
    if policy.poolDecryptFailure == .disablesPool, pool.isActive, pool.ccShared,
      conditions.decryptFailure == .defaultPool
    {
      pool.isFull = true
    }
    return pool
  }

  /// `rmem_swiotlb_device_init()`: the device's restricted pool (S2).
  ///
  /// 32 MiB at 0x60000000, reserved by the device tree.  If it cannot be decrypted
  /// and that is an error (S6), the device keeps the default pool: drivers/of/device.c
  /// `of_dma_set_restricted_buffer()` only warns.
  mutating func rmem_swiotlb_device_init(or defaultPool: SwiotlbPool) -> SwiotlbPool {
    var pool = SwiotlbPool()
    pool.isActive = true
    pool.start = 0x6000_0000
    pool.end = pool.start + 32 * megabyte
    pool.memory = initial
    pool.forceBounce = true
    pool.forAlloc = true
    pool.size = PoolSize(.device, slots: (pool.end - pool.start) / swiotlbSlotSize)
    free.reserve(PhysicalRange(pool.start, pool.end))
    let restricted = with(pool, state: policy.restrictedPoolState, failing: .restrictedPool)
    if policy.poolDecryptFailure == .disablesPool, restricted.ccShared,
      conditions.decryptFailure == .restrictedPool
    {
      return defaultPool
    }
    return restricted
  }

  /// `swiotlb_dyn_alloc()`: the pool that the worker adds to a full one.
  ///
  /// As large as the default pool, at most MAX_PAGE_ORDER pages, halved until the
  /// page allocator has them below `mem->phys_limit`.
  mutating func swiotlb_dyn_alloc(_ pool: SwiotlbPool) -> BounceSlots? {
    guard conditions.fill == .grown, pool.canGrow else { return nil }
    let decrypts = policy.defaultPoolState == .noFlagAlwaysDecrypt || pool.ccShared
    if decrypts, platform.encryptsMemory, conditions.decryptFailure == .page { return nil }
    let anywhere = platform == .s390PV && policy.s390PoolPlacement == .anywhere
    let lowLimit = platform.family == .s390 ? bitMask(31) : bitMask(32)
    let limit = anywhere ? machine.top - 1 : lowLimit
    var size = min((pool.end - pool.start).roundedUpToPowerOfTwo, maxPageOrderSize)
    while size >= megabyte {
      let start = highestBlock(size, zones.flag { limit >= $0 })
      if let start, start + size - 1 <= limit {
        free.reserve(PhysicalRange(start, start + size))
        return BounceSlots(
          start: start, memory: decrypts ? decrypted : initial, kind: .dynamic)
      }
      size /= 2
    }
    return nil
  }

  private func with(
    _ pool: SwiotlbPool, state: PoolState, failing failure: DecryptFailure
  ) -> SwiotlbPool {
    var pool = pool
    let decrypted = conditions.decryptFailure == failure ? initial : decrypted
    switch state {
    case .noFlagAlwaysDecrypt:
      pool.memory = decrypted
    case .memoryEncryption, .guestMemoryEncryption, .memoryEncryptionExceptHost,
      .memoryEncryptionExceptTranslatedHost, .always:
      pool.ccShared = isShared(state)
      if pool.ccShared { pool.memory = decrypted }
    }
    return pool
  }

  /// What a state flag comes to on this platform.
  func isShared(_ state: PoolState) -> Bool {
    let encrypts = policy.memoryEncryption.contains(platform)
    let host = policy.hostMemoryEncryption.contains(platform)
    return switch state {
    case .noFlagAlwaysDecrypt: false
    case .memoryEncryption: encrypts
    case .guestMemoryEncryption: policy.guestMemoryEncryption.contains(platform)
    case .memoryEncryptionExceptHost: encrypts && !host
    case .memoryEncryptionExceptTranslatedHost: encrypts && !(host && iommu.usesDMAIOMMU)
    case .always: true
    }
  }

  /// The shared pool of an SME host with two (S9).
  mutating func sharedHostPool(beside pool: SwiotlbPool) -> SwiotlbPool? {
    guard policy.hostPools == .privateAndShared, policy.hostMemoryEncryption.contains(platform)
    else { return nil }
    var shared = secondPool(beside: pool)
    shared?.ccShared = true
    shared?.memory = decrypted
    return shared
  }

  /// The private pool of devices that the guest accepted (T2).
  ///
  /// Where its memory would come from nobody has said: what others find free stays as it is.
  func privateAcceptedPool(beside pool: SwiotlbPool) -> SwiotlbPool? {
    guard policy.acceptedSwiotlb == .privatePool, platform.acceptsDevices else { return nil }
    var copy = self
    var second = copy.secondPool(beside: pool)
    second?.ccShared = false
    second?.memory = initial
    second?.forceBounce = false
    // How it would grow nobody has said.
    second?.canGrow = false
    return second
  }

  /// A pool of the default pool's size, in the highest memory below it.
  private mutating func secondPool(beside pool: SwiotlbPool) -> SwiotlbPool? {
    guard pool.isActive, let start = free.takeMemblock(pool.end - pool.start, below: pool.start)
    else { return nil }
    var second = pool
    second.end = start + (pool.end - pool.start)
    second.start = start
    takeDescriptors(for: PhysicalRange(second.start, second.end), floor: nil)
    return second
  }
}

extension UInt64 {
  var roundedUpToPowerOfTwo: UInt64 {
    self <= 1 ? 1 : 1 << UInt64(UInt64.bitWidth - (self - 1).leadingZeroBitCount)
  }
}
