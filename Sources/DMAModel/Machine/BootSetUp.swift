/// The boot of one machine, up to the point where drivers map memory.
struct BootSetUp {
  let policy: Policy
  let platform: Platform
  let iommu: IOMMUMode
  let swiotlb: SwiotlbMode
  let machine: Machine
  let conditions: BootConditions
  let zones: Zones
  var free: FreeMemory

  init(
    policy: Policy,
    platform: Platform,
    iommu: IOMMUMode,
    swiotlb: SwiotlbMode,
    machine: Machine,
    conditions: BootConditions
  ) {
    self.policy = policy
    self.conditions = conditions
    self.platform = platform
    self.iommu = iommu
    self.swiotlb = swiotlb
    self.machine = machine
    zones = Zones(platform.family, machine, policy)
    free = FreeMemory(machine)
  }

  /// The default pool, by the architecture's own set-up.
  mutating func defaultPool() -> SwiotlbPool {
    switch platform.family {
    case .x86: pci_iommu_alloc()
    case .xen: pci_xen_swiotlb_init()
    case .arm64: arch_mm_preinit()
    case .s390: pv_init()
    case .ppc64: powerpc_mem_init()
    }
  }

  /// The state that memory has after `set_memory_decrypted()`.
  var decrypted: MemoryState { platform.encryptsMemory ? .shared : .plain }

  /// The state that memory has at boot.
  var initial: MemoryState { platform.encryptsMemory ? .private : .plain }

  /// The highest free block that a zone flag may yield, the preferred zone first.
  func highestBlock(_ size: UInt64, _ flag: ZoneFlag) -> UInt64? {
    for zone in zones.zonelist(flag) {
      if let block = free.highestBlock(size, in: zone) { return block }
    }
    return nil
  }
}

// MARK: - x86

extension BootSetUp {
  /// arch/x86/kernel/pci-dma.c `pci_iommu_alloc()`.
  fileprivate mutating func pci_iommu_alloc() -> SwiotlbPool {
    let pool = swiotlb_init_remap(
      needed: pci_swiotlb_detect(),
      size: mem_encrypt_setup_arch(),
      limit: 4 * gigabyte
    )
    return swiotlb_update_mem_attributes(pool)
  }

  /// arch/x86/kernel/pci-dma.c `pci_swiotlb_detect()`: whether x86 needs a pool;
  /// `iommu_setup()` has asked for one before (`iommu=soft`).
  private func pci_swiotlb_detect() -> Bool {
    if machine.wantsPool { return true }
    if iommu != .off && machine.top > 4 * gigabyte { return true }
    if policy.hostMemoryEncryption.contains(platform) { return true }
    return policy.guestMemoryEncryption.contains(platform)
  }

  /// arch/x86/mm/mem_encrypt.c `mem_encrypt_setup_arch()`: the size of the pool.
  ///
  /// Guests get 6 % of RAM, 64 MiB to 1 GiB (in 6.1 the same in
  /// arch/x86/mm/mem_encrypt_amd.c `sev_setup_arch()`).
  private func mem_encrypt_setup_arch() -> PoolSize {
    guard policy.guestMemoryEncryption.contains(platform) else { return defaultPoolSize }
    return swiotlb_adjust_size(
      min(max(machine.size * 6 / 100, 64 * megabyte), gigabyte), .guest)
  }

  /// arch/x86/kernel/pci-dma.c `pci_xen_swiotlb_init()` of domain 0: always.
  ///
  /// `xen_swiotlb_fixup()` makes the pool contiguous below 32 bits of machine
  /// address; where its pseudo-physical address lies does not matter.
  fileprivate mutating func pci_xen_swiotlb_init() -> SwiotlbPool {
    swiotlb_init_remap(needed: true, size: defaultPoolSize, limit: .max)
  }
}

// MARK: - arm64, s390, powerpc

extension BootSetUp {
  /// arch/arm64/mm/init.c `arch_mm_preinit()` (`mem_init()` before 7.2).
  fileprivate mutating func arch_mm_preinit() -> SwiotlbPool {
    let limit = zones.lowEnd
    let above = machine.top > limit
    let asked = defaultPoolSize.slots * swiotlbSlotSize
    let small = swiotlb_adjust_size(min(asked, (machine.size + 1023) / 1024), .kmalloc)
    let realm = platform == .arm64CCA
    let (needed, size): (Bool, PoolSize) =
      switch policy.arm64DefaultPool {
      case .ramAboveLimit: (above, defaultPoolSize)
      case .alsoForKmalloc: (true, above ? defaultPoolSize : small)
      case .alsoForRealm: (true, above || realm ? defaultPoolSize : small)
      case .always: (true, above ? defaultPoolSize : small)
      }
    return swiotlb_update_mem_attributes(
      swiotlb_init_remap(needed: needed, size: size, limit: limit)
    )
  }

  /// arch/s390/mm/init.c `pv_init()`: only protected guests have a pool.
  fileprivate mutating func pv_init() -> SwiotlbPool {
    guard platform == .s390PV else { return SwiotlbPool() }
    let limit: UInt64 =
      switch policy.s390PoolPlacement {
      case .low: 2 * gigabyte
      case .anywhere: .max
      }
    return swiotlb_update_mem_attributes(
      swiotlb_init_remap(needed: true, size: defaultPoolSize, limit: limit)
    )
  }

  /// arch/powerpc/mm/mem.c `mem_init()` (`arch_mm_preinit()`), memblock bottom-up.
  ///
  /// `init_svm()` asks for the pool only afterwards (a machine_early_initcall),
  /// so that a secure guest has one with `swiotlb=force` alone. Read from the
  /// source, not confirmed on hardware.
  fileprivate mutating func powerpc_mem_init() -> SwiotlbPool {
    swiotlb_update_mem_attributes(
      swiotlb_init_remap(
        needed: false,
        size: defaultPoolSize,
        limit: .max,
        bottomUpFrom: 32 * megabyte
      )
    )
  }
}
