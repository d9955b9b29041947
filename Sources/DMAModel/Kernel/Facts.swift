/// Facts that the boot and the platform settle before a request is made.
///
/// The kernel reads them off flags, static keys and free memory at the place where they
/// matter.  There a path names each once, with the knob that settled it, so that two
/// versions whose boots differ part where the difference is first asked.
struct Facts: OptionSet {
  let rawValue: UInt16
  static let forced = Facts(rawValue: 1 << 0)
  static let memoryEncryption = Facts(rawValue: 1 << 1)
  static let guest = Facts(rawValue: 1 << 2)
  static let host = Facts(rawValue: 1 << 3)
  static let bounces = Facts(rawValue: 1 << 4)
  static let active = Facts(rawValue: 1 << 5)
  static let poolState = Facts(rawValue: 1 << 6)
  static let poolMemory = Facts(rawValue: 1 << 7)
  static let poolPlace = Facts(rawValue: 1 << 8)
  static let atomicPools = Facts(rawValue: 1 << 9)
  static let atomicState = Facts(rawValue: 1 << 10)
  static let forAlloc = Facts(rawValue: 1 << 11)
  static let hostPools = Facts(rawValue: 1 << 12)
}

extension Traced {
  /// Notes a fact where the path does not have it yet, and returns it.
  @inline(__always)
  private mutating func cites(
    _ fact: Facts, _ function: StaticString, _ condition: StaticString, _ taken: Bool,
    knob: StaticString
  ) -> Bool {
    if Trace.isRecording, cited.insert(fact).inserted {
      trace.note(function, condition, taken, knob)
    }
    return taken
  }

  // MARK: - Platform

  /// `cc_platform_has(CC_ATTR_MEM_ENCRYPT)` (P1).
  @inline(__always)
  mutating func asksMemoryEncryption() -> Bool {
    cites(
      .memoryEncryption, "cc_platform_has", "CC_ATTR_MEM_ENCRYPT", kernel.memoryEncryption,
      knob: "P1")
  }

  /// `cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)` (P2).
  @inline(__always)
  mutating func asksGuest() -> Bool {
    cites(
      .guest, "cc_platform_has", "CC_ATTR_GUEST_MEM_ENCRYPT", kernel.guestMemoryEncryption,
      knob: "P2")
  }

  /// `cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT)` (P3).
  @inline(__always)
  mutating func asksHost() -> Bool {
    cites(
      .host, "cc_platform_has", "CC_ATTR_HOST_MEM_ENCRYPT", kernel.hostMemoryEncryption,
      knob: "P3")
  }

  /// `force_dma_unencrypted()`: on x86 by P2 for guests and else by P4, elsewhere by P5.
  @inline(__always)
  mutating func asksForced() -> Bool {
    let isX86 = kernel.platform.family == .x86
    let knob: StaticString =
      if request.isSparedForce(on: kernel) {
        "T1"
      } else if !isX86 || kernel.policy.forceUnencrypted.contains(kernel.platform) {
        "P5"
      } else {
        kernel.guestMemoryEncryption ? "P2" : "P4"
      }
    if Trace.isRecording, isX86, !kernel.guestMemoryEncryption { _ = asksHost() }
    return cites(
      .forced, "force_dma_unencrypted", "the device is forced unencrypted", forced, knob: knob)
  }

  /// `use_dma_iommu()`: by X3 for an SME host with iommu=pt.
  @inline(__always)
  mutating func asksDMAIOMMU(_ function: StaticString) -> Bool {
    let mayTurn = kernel.iommu == .passthrough && kernel.hostMemoryEncryption
    return asks(
      function, "the device has a DMA domain (dma-iommu)", usesDMAIOMMU,
      knob: mayTurn ? "X3" : "")
  }

  // MARK: - Pools

  /// Whether the device uses a restricted pool of its own.
  private var hasRestrictedPool: Bool { pool.forAlloc }

  /// `is_swiotlb_force_bounce()`: P8, and P7 where the architecture passes SWIOTLB_FORCE.
  @inline(__always)
  mutating func asksForceBounce() -> Bool {
    let byArchitecture =
      kernel.policy.defaultPoolForceBounce == .commandLineOrArchitecture
      && kernel.swiotlb != .force
    return cites(
      .bounces, "is_swiotlb_force_bounce", "the device's pool bounces everything",
      pool.forceBounce,
      knob: hasAcceptedPool ? "T2" : hasRestrictedPool ? "" : byArchitecture ? "P7" : "P8")
  }

  /// `is_swiotlb_active()`: P10 on arm64.
  @inline(__always)
  mutating func asksActive() -> Bool {
    cites(
      .active, "is_swiotlb_active", "a pool is active", pool.isActive,
      knob: hasAcceptedPool
        ? "T2" : hasRestrictedPool || kernel.platform.family != .arm64 ? "" : "P10")
  }

  /// Which of two pools an SME host's device has (S9).
  @inline(__always)
  private mutating func citeHostPools() {
    guard Trace.isRecording, kernel.hostMemoryEncryption, pool.isActive, !hasRestrictedPool
    else { return }
    _ = cites(
      .hostPools, "swiotlb_init_remap", "the host has a second, shared pool",
      kernel.hostSharedPool != nil, knob: "S9")
  }

  /// What a pool's state follows from: P1 to P3, by the value of S1, S2 or S3.
  private mutating func citeSource(of state: PoolState) {
    switch state {
    case .noFlagAlwaysDecrypt, .always: break
    case .memoryEncryption: _ = asksMemoryEncryption()
    case .guestMemoryEncryption: _ = asksGuest()
    case .memoryEncryptionExceptHost, .memoryEncryptionExceptTranslatedHost:
      _ = asksMemoryEncryption()
      _ = asksHost()
    }
  }

  /// The pool's flag `cc_shared`: S1 or S2, what they follow from, and for the default
  /// pool S0.
  @inline(__always)
  mutating func asksPoolShared() -> Bool {
    citePoolSource()
    return cites(
      .poolState, "swiotlb_update_mem_attributes", "the pool is flagged as shared",
      pool.ccShared, knob: poolStateKnob)
  }

  /// The state of the pool's memory, which a bounce or restricted page then has.
  @inline(__always)
  mutating func citePoolMemory() {
    guard Trace.isRecording, kernel.platform.encryptsMemory else { return }
    citePoolSource()
    _ = cites(
      .poolMemory, "swiotlb_update_mem_attributes", "the pool's memory is decrypted",
      pool.memory == .shared, knob: poolStateKnob)
  }

  /// What settles the state of the device's pool.
  @inline(__always)
  private var poolStateKnob: StaticString {
    if hasAcceptedPool, kernel.policy.acceptedSwiotlb == .privatePool { return "T2" }
    return hasRestrictedPool ? "S2" : "S1"
  }

  private mutating func citePoolSource() {
    guard Trace.isRecording, cited.isDisjoint(with: [.poolState, .poolMemory]) else { return }
    citeHostPools()
    if hasRestrictedPool {
      citeSource(of: kernel.policy.restrictedPoolState)
    } else {
      trace.note(
        "swiotlb_update_mem_attributes", "the architecture calls it",
        kernel.policy.updatesPoolAttributes.contains(kernel.platform), "S0")
      citeSource(of: kernel.policy.defaultPoolState)
    }
  }

  /// Where the default pool lies: P10 on arm64, P11 on s390, S9 on SME hosts.
  @inline(__always)
  mutating func citePoolPlace() {
    guard Trace.isRecording, !hasRestrictedPool else { return }
    citeHostPools()
    switch kernel.platform.family {
    case .arm64:
      _ = cites(
        .poolPlace, "arch_mm_preinit", "the default pool has its full size",
        kernel.hasFullSizePool, knob: "P10")
    case .s390 where kernel.hasDefaultPool:
      _ = cites(
        .poolPlace, "pv_init", "the default pool may lie anywhere",
        kernel.policy.s390PoolPlacement == .anywhere, knob: "P11")
    case .x86, .s390, .ppc64, .xen: break
    }
  }

  /// What the boot took of the highest free memory, which places a fresh page: the
  /// pool, and the atomic pools (S7, S8).
  @inline(__always)
  mutating func citeFreeMemory() {
    guard Trace.isRecording else { return }
    if kernel.platform.family == .arm64 {
      trace.note(
        "arch_mm_preinit", "there is a default pool", kernel.hasDefaultPool, "P10")
    }
    if kernel.swiotlb != .restricted { citePoolPlace() }
    citeAtomicPools()
  }

  /// Which atomic pools there are (S7, S8).
  @inline(__always)
  mutating func citeAtomicPools() {
    guard Trace.isRecording, !cited.contains(.atomicPools),
      cites(
        .atomicPools, "dma_atomic_pool_init", "DMA_COHERENT_POOL is configured",
        kernel.coherentPoolConfigured, knob: "S8")
    else { return }
    trace.note(
      "dma_atomic_pool_init", "there is a pool for any zone", kernel.atomicKernel != nil, "S7")
    trace.note(
      "dma_atomic_pool_init", "there is a pool for ZONE_DMA32", kernel.atomicDMA32 != nil, "S7")
  }

  /// The atomic pools' state: S3 and what it follows from.
  @inline(__always)
  mutating func citeAtomicState() {
    guard Trace.isRecording, kernel.platform.encryptsMemory, !cited.contains(.atomicState)
    else { return }
    citeSource(of: kernel.policy.atomicPoolState)
    let pools = [kernel.atomicKernel, kernel.atomicDMA, kernel.atomicDMA32]
    _ = cites(
      .atomicState, "atomic_pool_expand", "atomic pools are flagged as shared",
      pools.contains { $0?.ccShared == true }, knob: "S3")
    trace.note(
      "atomic_pool_expand", "the atomic pools' memory is decrypted",
      pools.contains { $0?.memory == .shared }, "S3")
  }

  /// `is_swiotlb_for_alloc()` (A15): allocations come from the device's pool.
  @inline(__always)
  mutating func asksForAlloc() -> Bool {
    let takes = kernel.is_swiotlb_for_alloc(pool, forced: forced)
    if Trace.isRecording, kernel.policy.forcedAllocSource == .swiotlb, !cited.contains(.forAlloc) {
      _ = asksForced()
      _ = asksActive()
    }
    return cites(
      .forAlloc, "is_swiotlb_for_alloc", "allocations come from the device's pool", takes,
      knob: hasAcceptedPool ? "T2" : "A15")
  }
}
