/// kernel/dma/pool.c, the boot-time half.
extension BootSetUp {
  /// `dma_atomic_pool_init()`: the pools for atomic coherent allocations.
  ///
  /// 128 KiB per GiB of RAM, at least 128 KiB, at most 4 MiB, each a naturally
  /// aligned block of the highest free memory of its zone; none without
  /// CONFIG_DMA_COHERENT_POOL.
  mutating func dma_atomic_pool_init() -> (
    kernel: AtomicPool?, dma: AtomicPool?, dma32: AtomicPool?
  ) {
    guard policy.coherentPoolConfigured.contains(platform) else { return (nil, nil, nil) }  // S8
    let pages = min(machine.size / pageSize / 8192, 1024)
    let size = max(pages * pageSize, 128 << 10).roundedUpToPowerOfTwo

    let wants: (kernel: Bool, dma32: Bool) =
      switch policy.atomicPoolCreation {
      case .kernelAndDMA32Always: (true, zones.hasDMA32)
      case .populatedZones:
        (
          Zones.isPopulated(zones.normal, of: machine),
          zones.hasDMA32 && Zones.isPopulated(zones.dma32, of: machine)
        )
      }
    let wantsDMA = zones.hasDMA && Zones.isPopulated(zones.dma, of: machine)
    let kernel = wants.kernel ? atomic_pool_expand(size, .none) : nil
    let dma = wantsDMA ? atomic_pool_expand(size, .dma) : nil
    let dma32 = wants.dma32 ? atomic_pool_expand(size, .dma32) : nil
    return (kernel, dma, dma32)
  }

  /// Whether `set_memory_decrypted()` has something to do for an atomic pool.
  private var decryptsAtomicPools: Bool {
    guard platform.encryptsMemory else { return false }
    return policy.atomicPoolState == .noFlagAlwaysDecrypt || isShared(policy.atomicPoolState)
  }

  /// `atomic_pool_expand()`: one pool, with its flag and memory (S3).
  private mutating func atomic_pool_expand(_ size: UInt64, _ flag: ZoneFlag) -> AtomicPool? {
    guard let start = highestBlock(size, flag) else { return nil }
    if conditions.decryptFailure == .atomicPool, decryptsAtomicPools { return nil }
    free.reserve(PhysicalRange(start, start + size))
    switch policy.atomicPoolState {
    case .noFlagAlwaysDecrypt:
      return AtomicPool(start: start, length: size, ccShared: false, memory: decrypted)
    case .memoryEncryption, .guestMemoryEncryption, .memoryEncryptionExceptHost,
      .memoryEncryptionExceptTranslatedHost, .always:
      let ccShared = isShared(policy.atomicPoolState)
      return AtomicPool(
        start: start, length: size, ccShared: ccShared, memory: ccShared ? decrypted : initial)
    }
  }
}
