/// One kernel booted on one machine: everything that a request meets.
///
/// Built once per kernel, platform, IOMMU mode, swiotlb mode and machine;
/// answering a request is then arithmetic.
public final class BootedKernel: Sendable {
  public let policy: Policy
  public let platform: Platform
  public let iommu: IOMMUMode
  public let swiotlb: SwiotlbMode
  public let machine: Machine
  /// What the boot meets beside its command line.
  public let conditions: BootConditions

  /// `cc_platform_has(CC_ATTR_MEM_ENCRYPT)`.
  let memoryEncryption: Bool
  /// `cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)`.
  let guestMemoryEncryption: Bool
  /// `cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT)`.
  let hostMemoryEncryption: Bool
  /// The state that memory has unless somebody changed it.
  let initialMemory: MemoryState
  let encryptionBit: UInt64
  let sharedBit: UInt64

  /// The pool that bounces come from: `dev->dma_io_tlb_mem`.
  public let pool: SwiotlbPool
  /// The pool that `swiotlb_dyn_alloc()` added, if it did.
  let dynamicPool: BounceSlots?
  /// The shared pool of an SME host that has two (S9).
  let hostSharedPool: SwiotlbPool?
  /// The private pool of accepted devices (T2).
  let acceptedPool: SwiotlbPool?
  public let atomicKernel: AtomicPool?
  public let atomicDMA: AtomicPool?
  public let atomicDMA32: AtomicPool?
  let coherentPoolConfigured: Bool
  /// The default pool, which a device with a restricted one does not use: whether there
  /// is one, and with IO_TLB_DEFAULT_SIZE or more.
  let hasDefaultPool: Bool
  let hasFullSizePool: Bool
  /// Whether every kmalloc() cache has objects of whole cache lines.
  ///
  /// mm/slab_common.c `__kmalloc_minalign()` (6.12, 7.3) allows smaller objects only if
  /// `is_swiotlb_allocated()`: they would have to be bounced.  It asks for the default
  /// pool before any device has a restricted one.
  var kmallocAlignsToCacheLines: Bool { !hasDefaultPool }

  let zones: Zones
  /// What the boot left free.
  let free: FreeMemory
  /// The highest free page that each zone flag may yield.
  let pageNormal: UInt64?
  let pageDMA32: UInt64?
  let pageDMA: UInt64?
  /// `max_pfn` in bytes.
  let top: UInt64
  /// What the machine's devices are like.
  let device: DeviceParameters
  /// Whether they have a `dma_range_map`, so that others need not look.
  let hasRanges: Bool
  /// Whether alignment, boundary or ranges of theirs rule swiotlb slots out.
  let restrictsSlots: Bool
  /// Answers of the kernel's own code, which then decide instead of the policy.
  let recorded: RecordedBoot?
  /// Whether the policy decides nothing, even where an answer is missing.
  public let isRecorded: Bool

  /// Boots a kernel: the architecture's swiotlb set-up, then the atomic pools.
  public init(
    policy: Policy,
    platform: Platform,
    iommu: IOMMUMode,
    swiotlb: SwiotlbMode,
    machine: Machine,
    conditions: BootConditions = .ordinary,
    recorded: RecordedBoot? = nil,
    isRecorded: Bool = false
  ) {
    self.recorded = recorded
    self.isRecorded = isRecorded
    self.policy = policy
    self.conditions = conditions
    self.platform = platform
    self.iommu = iommu
    self.swiotlb = swiotlb
    self.machine = machine
    memoryEncryption = policy.memoryEncryption.contains(platform)
    guestMemoryEncryption = policy.guestMemoryEncryption.contains(platform)
    hostMemoryEncryption = policy.hostMemoryEncryption.contains(platform)
    initialMemory = platform.encryptsMemory ? .private : .plain
    encryptionBit = platform.encryptionBit
    sharedBit = platform.sharedBit
    coherentPoolConfigured = policy.coherentPoolConfigured.contains(platform)
    top = machine.top
    device = machine.device
    hasRanges = !device.ranges.isEmpty
    // A pool outside of all ranges has an address that no slot is aligned at.
    restrictsSlots = device.minAlignMask != 0 || device.segmentBoundary != .max || hasRanges

    var setUp = BootSetUp(
      policy: policy,
      platform: platform,
      iommu: iommu,
      swiotlb: swiotlb,
      machine: machine,
      conditions: conditions
    )
    let defaultPool = setUp.defaultPool()
    hasDefaultPool = defaultPool.isActive
    hasFullSizePool = defaultPool.end - defaultPool.start >= 64 << 20
    let devicePool =
      swiotlb == .restricted ? setUp.rmem_swiotlb_device_init(or: defaultPool) : defaultPool
    pool = isRecorded ? recorded?.pool ?? SwiotlbPool() : devicePool
    hostSharedPool = setUp.sharedHostPool(beside: defaultPool)
    acceptedPool = setUp.privateAcceptedPool(beside: defaultPool)
    let atomic = setUp.dma_atomic_pool_init()
    (atomicKernel, atomicDMA, atomicDMA32) = (atomic.kernel, atomic.dma, atomic.dma32)
    zones = setUp.zones
    dynamicPool = setUp.swiotlb_dyn_alloc(pool)
    free = setUp.free
    pageNormal = setUp.highestBlock(pageSize, .none)
    pageDMA32 = setUp.highestBlock(pageSize, .dma32)
    pageDMA = setUp.highestBlock(pageSize, .dma)
  }

  /// `use_dma_iommu(dev)` (X3): the device has a DMA domain.
  public func usesDMAIOMMU(_ request: DeviceRequest) -> Bool {
    usesDMAIOMMU(reach: request)
  }

  /// `use_dma_iommu(dev)` (X3) of a device with some reach.
  func usesDMAIOMMU(reach request: some DeviceReach) -> Bool {
    if iommu.usesDMAIOMMU { return true }
    guard iommu == .passthrough, hostMemoryEncryption else { return false }
    switch policy.hostPassthrough {
    case .asAsked: return false
    case .translated: return true
    case .lowMaskTranslated:
      return min(request.streamingLimit, request.coherentLimit) < encryptionBit
    }
  }

  /// The kernel's answer to a request; no allocation, no trace.
  ///
  /// A recorded kernel is asked only for what it ``answers(_:masks:)``; anything else is
  /// `Decision.notRecorded`, never what the policy would say.
  public func answer(to request: DeviceRequest) -> Answer {
    if isRecorded { return recordedCycle(of: request).answer }
    var evaluation = Evaluation(kernel: self, request: request, trace: NoTrace())
    return evaluation.run()
  }

  /// The recorded answer with its end, or ``Decision/notRecorded``.
  private func recordedCycle(of request: DeviceRequest) -> LifeCycle {
    recorded?.cycle(of: request) ?? .notRecorded
  }

  /// The kernel's answer to a request, and what is left after it has been undone.
  ///
  /// `maskChange` happens to the coherent mask in between; nothing was recorded but `none`.
  public func lifeCycle(
    of request: DeviceRequest, maskChange: MaskChange = .none
  ) -> LifeCycle {
    if isRecorded {
      guard maskChange == .none, conditions == .ordinary else { return .notRecorded }
      return recordedCycle(of: request)
    }
    var evaluation = Evaluation(kernel: self, request: request, trace: NoTrace())
    let answer = evaluation.run()
    if evaluation.slots == nil, request.operation.isMapping {
      // Nothing was bounced: unmapping leaves nothing, which is most of the matrix.
      return LifeCycle(answer: answer, after: LifeAnswer(), usesPool: false)
    }
    let usesPool = evaluation.slots != nil
    var undo = Undo(consume evaluation, answer, maskChange: maskChange)
    return LifeCycle(answer: answer, after: undo.run(), usesPool: usesPool)
  }

  /// What is left after a request, with the number of the path that undid it; a recorded
  /// kernel has no paths, and the number is that of its answer.
  public func lifeCycleAndFingerprint(
    of request: DeviceRequest, maskChange: MaskChange = .none
  ) -> (cycle: LifeCycle, fingerprint: UInt64) {
    if isRecorded {
      let cycle = lifeCycle(of: request, maskChange: maskChange)
      return (cycle, UInt64(bitPattern: Int64(cycle.hashValue)))
    }
    var evaluation = Evaluation(kernel: self, request: request, trace: PathFingerprint())
    let answer = evaluation.run()
    let usesPool = evaluation.slots != nil
    var undo = Undo(evaluation, answer, maskChange: maskChange)
    let after = undo.run()
    return (LifeCycle(answer: answer, after: after, usesPool: usesPool), undo.trace.value)
  }

  /// The end of a request, with every decision on the way.
  public func explainUndo(
    of request: DeviceRequest, maskChange: MaskChange = .none
  ) -> (after: LifeAnswer, path: [TraceStep]) {
    if isRecorded { return (lifeCycle(of: request, maskChange: maskChange).after, []) }
    var evaluation = Evaluation(kernel: self, request: request, trace: PathTrace())
    let answer = evaluation.run()
    evaluation.trace = PathTrace()
    var undo = Undo(evaluation, answer, maskChange: maskChange)
    let after = undo.run()
    return (after, undo.trace.steps)
  }

  /// The kernel's answer to a request, with every decision on the way.
  public func explain(_ request: DeviceRequest) -> (answer: Answer, path: [TraceStep]) {
    if isRecorded { return (recordedCycle(of: request).answer, []) }
    var evaluation = Evaluation(kernel: self, request: request, trace: PathTrace())
    let answer = evaluation.run()
    return (answer, evaluation.trace.steps)
  }

  /// A number that is the same for requests that take the same path, within one
  /// process; far cheaper than the path itself.
  public func pathFingerprint(of request: DeviceRequest) -> UInt64 {
    answerAndFingerprint(of: request).fingerprint
  }

  /// The answer with the number of its path; a recorded kernel has no paths, and the
  /// number is that of its answer.
  public func answerAndFingerprint(
    of request: DeviceRequest
  ) -> (answer: Answer, fingerprint: UInt64) {
    if isRecorded {
      let answer = recordedCycle(of: request).answer
      return (answer, UInt64(bitPattern: Int64(answer.hashValue)))
    }
    var evaluation = Evaluation(kernel: self, request: request, trace: PathFingerprint())
    let answer = evaluation.run()
    return (answer, evaluation.trace.value &* 31 &+ UInt64(answer.decision.rawValue))
  }
}
