/// The end of a request: what unmapping or freeing it leaves behind.
///
/// As in ``Evaluation``, the kernel's functions are extensions under the
/// kernel's names, in the kernel's order.
struct Undo<Trace: Tracer>: Traced {
  let kernel: BootedKernel
  let request: AskedRequest
  /// How the request was answered.
  let answer: Answer
  /// Where its bounce lies, if it has one.
  let slots: BounceSlots?
  /// `dev->dma_io_tlb_mem`.
  let pool: SwiotlbPool
  /// `use_dma_iommu(dev)`.
  let usesDMAIOMMU: Bool
  /// `force_dma_unencrypted(dev)` as the free asks it.
  let forced: Bool
  /// The state of the request's own memory, as the kernel last set it.
  var memory: MemoryState
  var after = LifeAnswer()
  var trace: Trace
  var cited: Facts = []

  init(_ evaluation: consuming Evaluation<Trace>, _ answer: Answer, maskChange: MaskChange) {
    kernel = evaluation.kernel
    request = evaluation.request
    self.answer = answer
    slots = evaluation.slots
    pool = evaluation.pool
    usesDMAIOMMU = evaluation.usesDMAIOMMU
    trace = evaluation.trace
    memory = answer.memoryState
    if let coherentMask = maskChange.after {
      forced = request.isForced(
        on: kernel, &trace, usesDMAIOMMU: usesDMAIOMMU, coherentMask: coherentMask)
    } else {
      forced = evaluation.forced
    }
    if answer.result.bounces || answer.decision == .xenBounced {
      after.poolKind = slots?.kind ?? .none
      after.transientFrom = slots?.source ?? .none
      after.unmapCopy = .skipped
      after.slots = .leaked
    }
    if answer.result == .swiotlb { after.slots = .leaked }
    if !request.operation.isMapping, answer.result != .error { after.owner = .notFreed }
    if evaluation.leaksPage { after.owner = .notFreed }
    if evaluation.leaksSlots { after.slots = .leaked }
    after.atomicCall = evaluation.atomicCall
  }

  /// Undoes the request with the same arguments.
  mutating func run() -> LifeAnswer {
    guard answer.result != .error else { return after }
    switch request.operation {
    case .map: dma_unmap_phys()
    case .iovaLink: dma_iova_unlink()
    case .mapSG, .mapSGP2P: dma_unmap_sg_attrs()
    case .alloc, .allocAtomic, .allocCCShared: dma_free_attrs(noMapping: false)
    case .allocNoKernelMapping: dma_free_attrs(noMapping: true)
    case .allocPages, .allocPagesAtomic: dma_free_pages()
    case .allocNoncontiguous: dma_free_noncontiguous()
    }
    if !request.operation.isMapping, !usesDMAIOMMU { after.state = stateAfter }
    return after
  }

  /// The state of an allocation's memory against what it was before.
  private var stateAfter: StateAfter {
    let inPool: Bool
    let before: MemoryState
    switch answer.result {
    case .pool: (inPool, before) = (true, answer.memoryState)
    case .swiotlb: (inPool, before) = (true, pool.memory)
    default: (inPool, before) = (false, kernel.initialMemory)
    }
    if memory == before { return .same }
    switch memory {
    case .shared: return inPool ? .poolShared : .leftShared
    case .private: return inPool ? .poolPrivate : .leftPrivate
    case .plain, .none: return .same
    }
  }

  /// `set_memory_encrypted()`.
  mutating func set_memory_encrypted() {
    if memory == .shared { memory = .private }
  }
}
