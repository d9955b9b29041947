/// kernel/dma/swiotlb.c, the boot-time half.
extension BootSetUp {
  /// IO_TLB_DEFAULT_SIZE.
  var defaultPoolSize: UInt64 { 64 * megabyte }

  /// `swiotlb_adjust_size()` with the rounding of `swiotlb_adjust_nareas()`: up
  /// to a power of two of slots, at least 128 for each area.
  func swiotlb_adjust_size(_ size: UInt64) -> UInt64 {
    let slots = (size + slotSize - 1) / slotSize
    let segments = (slots + segmentSlots - 1) / segmentSlots * segmentSlots
    return max(segments, segmentSlots * areas).roundedUpToPowerOfTwo * slotSize
  }

  /// `swiotlb_init_remap()`: whether there is a pool, and where memblock puts it.
  ///
  /// - Parameters:
  ///   - needed: The architecture's own need (`addressing_limit`).
  ///   - size: Bytes, halved until memblock has them.
  ///   - limit: The highest address plus one (`ARCH_LOW_ADDRESS_LIMIT`, or all
  ///     memory with SWIOTLB_ANY).
  ///   - bottomUpFrom: With memblock bottom-up, where it starts.
  mutating func swiotlb_init_remap(
    needed: Bool,
    size: UInt64,
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

    guard let range = takePool(size, limit: limit, floor: floor) else { return pool }
    pool.isActive = true
    (pool.start, pool.end) = (range.start, range.end)
    takeDescriptors(for: range, floor: floor)
    return pool
  }

  private mutating func takePool(
    _ size: UInt64,
    limit: UInt64,
    floor: UInt64?
  ) -> PhysicalRange? {
    if let observed = machine.observedPool {
      free.reserve(observed)
      return observed
    }
    var size = size
    while size >= megabyte {
      let start = free.takeMemblock(
        size,
        below: limit,
        bottomUp: floor != nil,
        floor: floor ?? 0
      )
      if let start { return PhysicalRange(start, start + size) }
      size =
        (size / 2 + segmentSlots * slotSize - 1) / (segmentSlots * slotSize)
        * (segmentSlots * slotSize)
    }
    return nil
  }

  /// The slots array (24 bytes a slot) and the areas (one page).
  private mutating func takeDescriptors(for range: PhysicalRange, floor: UInt64?) {
    let array = range.length / slotSize * 24
    let pages = (array + pageSize - 1) & ~(pageSize - 1)
    for bytes in [pages, pageSize] {
      _ = free.takeMemblock(bytes, bottomUp: floor != nil, floor: floor ?? 0)
    }
  }

  /// `swiotlb_update_mem_attributes()`: the default pool's flag and memory (S1),
  /// where the architecture calls it (S0).
  func swiotlb_update_mem_attributes(_ pool: SwiotlbPool) -> SwiotlbPool {
    guard policy.updatesPoolAttributes.contains(platform) else { return pool }
    return with(pool, state: policy.defaultPoolState)
  }

  /// `rmem_swiotlb_device_init()`: the device's restricted pool (S2).
  ///
  /// 32 MiB at 0x60000000, reserved by the device tree.
  mutating func rmem_swiotlb_device_init() -> SwiotlbPool {
    var pool = SwiotlbPool()
    pool.isActive = true
    pool.start = 0x6000_0000
    pool.end = pool.start + 32 * megabyte
    pool.memory = initial
    pool.forceBounce = true
    pool.forAlloc = true
    free.reserve(PhysicalRange(pool.start, pool.end))
    return with(pool, state: policy.restrictedPoolState)
  }

  private func with(_ pool: SwiotlbPool, state: PoolState) -> SwiotlbPool {
    var pool = pool
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

  /// The shared pool of an SME host with two (S6): of the default pool's size, in
  /// the highest memory below it.
  mutating func sharedHostPool(beside pool: SwiotlbPool) -> SwiotlbPool? {
    guard policy.hostPools == .privateAndShared, pool.isActive,
      policy.hostMemoryEncryption.contains(platform),
      let start = free.takeMemblock(pool.end - pool.start, below: pool.start)
    else { return nil }
    var shared = pool
    shared.end = start + (pool.end - pool.start)
    shared.start = start
    shared.ccShared = true
    shared.memory = decrypted
    takeDescriptors(for: PhysicalRange(shared.start, shared.end), floor: nil)
    return shared
  }

  /// IO_TLB_SIZE.
  private var slotSize: UInt64 { 2048 }
  /// IO_TLB_SEGSIZE.
  private var segmentSlots: UInt64 { 128 }
  /// `default_nareas`: one per possible CPU, rounded up to a power of two.
  private var areas: UInt64 { UInt64(machine.cpus).roundedUpToPowerOfTwo }
}

extension UInt64 {
  var roundedUpToPowerOfTwo: UInt64 {
    self <= 1 ? 1 : 1 << UInt64(UInt64.bitWidth - (self - 1).leadingZeroBitCount)
  }
}
