/// kernel/dma/pool.c: atomic coherent allocations.
extension Evaluation {
  /// kernel/dma/direct.c `dma_direct_alloc_from_pool()`.
  mutating func dma_direct_alloc_from_pool() -> Answer {
    citeFreeMemory()
    if !kernel.coherentPoolConfigured {
      warnings.insert(.noCoherentPool)
      return refused(.allocPoolNotConfigured)
    }
    let flag = dma_direct_optimal_gfp_mask()
    switch dma_alloc_from_pool(flag, shared: forced, checksAddress: true) {
    case .success(let pool):
      return served(
        .pool,
        at: phys_to_dma_direct(pool.start, unencrypted: forced),
        memory: pool.memory,
        .allocPool
      )
    case .failure(let failure):
      return refused(failure.decision)
    }
  }

  /// `dma_alloc_from_pool()`: the first pool, in the order of `dma_guess_pool()`,
  /// of the requested state (S5) that has so many bytes, whose first page fits.
  ///
  /// - Parameters:
  ///   - flag: The zone that the mask falls into.
  ///   - shared: The state that is asked for.
  ///   - checksAddress: Whether the page must be `dma_coherent_ok()`.
  ///   - size: Bytes; those of the request without.
  ///   - warnsIfExhausted: Without __GFP_NOWARN.
  mutating func dma_alloc_from_pool(
    _ flag: ZoneFlag,
    shared: Bool,
    checksAddress: Bool,
    size: UInt64? = nil,
    warnsIfExhausted: Bool = true
  ) -> Result<AtomicPool, NoPoolPage> {
    let here: StaticString = "dma_alloc_from_pool"
    citeAtomicPools()
    citeAtomicState()
    let size = size ?? request.buffer.length
    var found = false
    var previous: PoolKind?
    while let kind = dma_guess_pool(after: previous, flag), let pool = kernel.atomicPool(kind) {
      previous = kind
      switch kernel.policy.atomicPoolSelection {
      case .byZone: break
      case .byZoneAndState:
        if !asks(here, "the pool has the requested state", pool.ccShared == shared, knob: "S5") {
          continue
        }
      }
      found = true
      if kernel.conditions.fill == .atomicPools,
        asks("__dma_alloc_from_pool", "gen_pool_alloc() finds the pool full", true)
      {
        continue
      }
      if asks(here, "the pool is too small", size > pool.length) { continue }
      if !checksAddress || dma_coherent_ok(pool.start, size: size) { return .success(pool) }
    }
    if asks(here, "a pool of that state was found, but no page fits", found) {
      if warnsIfExhausted { warnings.insert(.poolExhausted) }
      return .failure(NoPoolPage(decision: .allocPoolExhausted))
    }
    warnings.insert(.poolUnsuitable)
    return .failure(NoPoolPage(decision: .allocPoolUnsuitable))
  }

  /// `dma_guess_pool()`: the pool to try next, or nil.
  private func dma_guess_pool(after previous: PoolKind?, _ flag: ZoneFlag) -> PoolKind? {
    switch (previous, flag) {
    case (nil, .dma): firstExisting(.dma, .dma32, .kernel)
    case (nil, .dma32): firstExisting(.dma32, .dma, .kernel)
    case (nil, .none): firstExisting(.kernel, .dma32, .dma)
    case (.kernel, _): firstExisting(.dma32, .dma)
    case (.dma32, _): firstExisting(.dma)
    case (.dma, _): nil
    }
  }

  /// `__dma_guess_pool()`.
  private func firstExisting(
    _ first: PoolKind,
    _ second: PoolKind? = nil,
    _ third: PoolKind? = nil
  ) -> PoolKind? {
    if kernel.atomicPool(first) != nil { return first }
    if let second, kernel.atomicPool(second) != nil { return second }
    if let third, kernel.atomicPool(third) != nil { return third }
    return nil
  }
}

/// `dma_alloc_from_pool()` returned NULL.
struct NoPoolPage: Error {
  let decision: Decision
}

/// One of the three atomic pools.
enum PoolKind { case kernel, dma32, dma }

extension BootedKernel {
  func atomicPool(_ kind: PoolKind) -> AtomicPool? {
    switch kind {
    case .kernel: atomicKernel
    case .dma32: atomicDMA32
    case .dma: atomicDMA
    }
  }
}
