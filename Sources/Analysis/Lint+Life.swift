import DMAModel

/// The lints about the end of a request.
extension Lint {
  /// Whether the lint is about the end of a request.
  public var isAboutLife: Bool { circumstances != [.ordinary] }

  /// The circumstances that the lint looks at: those that can matter to it.
  var circumstances: [Circumstance] {
    switch self {
    case .freedAsItWas, .freedToItsOwner, .noCrash:
      // Of full pools, those for atomic allocations alone can matter to an allocation.
      (Circumstance.all + Circumstance.extended).filter { !$0.conditions.fill.isOfDefaultPool }
    case .noSleepInAtomic, .unmapMirrorsMap:
      Circumstance.all.filter {
        $0.maskChange == .none && $0.conditions.decryptFailure == .none
      }
    case .slotsReturned:
      Circumstance.all.filter { $0.maskChange == .none }
    default: [.ordinary]
    }
  }

  /// The circumstances in which requests are compared with a base beside the ordinary one,
  /// which comes first: all that can alter an answer; none where the lint does not compare
  /// requests.
  var comparedCircumstances: [Circumstance] {
    needsBase && !isAboutBoots ? Circumstance.all.filter { $0.maskChange == .none } : []
  }

  /// The part of a domain that the lint looks at.
  func narrowed(_ domain: MatrixDomain) -> MatrixDomain {
    var domain = domain
    domain.operations = domain.operations.filter(concerns)
    if self == .maxMappingSizeIsHonest || self == .addressingLimitedIsHonest {
      domain.attributes = domain.attributes.filter { $0 == .none }
      domain.buffers = domain.buffers.filter { !$0.isForAllocation && !$0.isDeviceMemory }
    }
    return domain
  }

  /// Whether the lint looks at the scenarios that another does, of the same kernels.
  func looksWhere(_ other: Lint) -> Bool {
    needsBase == other.needsBase && circumstances == other.circumstances
      && Operation.allCases.allSatisfy { concerns($0) == other.concerns($0) }
  }

  /// Whether the lint can be violated by an operation.
  func concerns(_ operation: Operation) -> Bool {
    switch self {
    case .freedAsItWas, .freedToItsOwner, .noCrash: !operation.isMapping
    case .unmapMirrorsMap: operation.isMapping
    case .maxMappingSizeIsHonest, .addressingLimitedIsHonest: operation == .map
    default: true
    }
  }

  /// The violation at a point of a walk, nil where there is none: by what is left after a
  /// request, or by an answer that a circumstance makes worse than a base's.  What is worse
  /// in the ordinary circumstance too is none.
  func lifeViolation(at point: LifePoint, in circumstance: Circumstance) -> ViolationKey? {
    guard needsBase else { return lifeViolation(by: point.lives[0], on: point.platform) }
    guard circumstance != .ordinary, let own = point.lives[0], let base = point.lives.last ?? nil
    else { return nil }
    func judged(_ life: LifeCycle) -> JudgedAnswer {
      JudgedAnswer(point.platform, point.request, life.answer)
    }
    guard let violation = violation(judged(own), judged(base)) else { return nil }
    if let usual = point.ordinary[0], let usualBase = point.ordinary.last ?? nil,
      self.violation(judged(usual), judged(usualBase)) != nil
    {
      return nil
    }
    return violation
  }

  /// The violation by what is left after a request, nil where there is none.
  func lifeViolation(by life: LifeCycle?, on platform: Platform) -> ViolationKey? {
    guard let life, let wrong = wrong(life) else { return nil }
    return ViolationKey(
      life.answer, wrong: wrong,
      exposure: self == .freedAsItWas
        ? exposureAfter(platform: platform, after: life.after) : .none)
  }

  /// Whether a policy violates the lint in one scenario, and how it answers; nil where
  /// the scenario cannot exist.
  public func isViolated(
    by policy: Policy, in scenario: Scenario, _ circumstance: Circumstance, on machine: Machine
  ) -> (isViolated: Bool, result: AnswerResult)? {
    let request = scenario.deviceRequest
    guard policy.exclusion(of: scenario, on: machine) == nil,
      policy.circumstanceExclusion(circumstance, scenario.platform, scenario.swiotlb, request)
        == nil
    else { return nil }
    let kernel = BootedKernel(
      policy: policy, platform: scenario.platform, iommu: scenario.iommu,
      swiotlb: scenario.swiotlb, machine: machine, conditions: circumstance.conditions)
    let life = kernel.lifeCycle(of: request, maskChange: circumstance.maskChange)
    return (wrong(life) != nil, life.answer.result)
  }

  /// What violates the lint in one life, or nil.
  private func wrong(_ life: LifeCycle) -> WrongEnd? {
    let after = life.after
    switch self {
    case .freedAsItWas:
      return after.state == .same ? nil : .state(after.state)
    case .freedToItsOwner:
      // A page that cannot be decrypted is leaked on purpose.
      if life.answer.result == .error || after.owner == .ok { return nil }
      return .owner(after.owner, crashes: after.warnings.contains(.cookieCrash))
    case .noSleepInAtomic:
      return after.atomicCall == .none
        ? nil : .atomicCall(after.atomicCall, SleepPlace(life))
    case .slotsReturned:
      return after.slots == .ok ? nil : .slotsLeaked
    case .unmapMirrorsMap:
      if life.answer.result.bounces { return after.unmapCopy == .copied ? nil : .notCopiedBack }
      return after.unmapCopy == .none ? nil : .copiedBack
    case .noCrash:
      if life.answer.warnings.contains(.poolCrash) { return .nullPage }
      return after.warnings.contains(.cookieCrash) ? .cookie : nil
    default: return nil
    }
  }
}

/// Where something that may sleep is called.
public enum SleepPlace: Hashable, Sendable {
  case request
  /// The RCU callback that frees a transient pool (kernel/dma/swiotlb.c swiotlb_dyn_free()).
  case callback
  case both

  /// Where a life calls it.
  init(_ life: LifeCycle) {
    guard life.after.warnings.contains(.atomicSetMemory) else {
      self = .request
      return
    }
    self = life.answer.warnings.contains(.atomicSetMemory) ? .both : .callback
  }
}

/// What is wrong once a request has been undone.
public enum WrongEnd: Hashable, Sendable, CustomStringConvertible {
  case state(StateAfter)
  case owner(OwnerAfter, crashes: Bool)
  case atomicCall(AtomicCall, SleepPlace)
  case slotsLeaked
  case notCopiedBack
  case copiedBack
  /// The page that `dma_alloc_from_pool()` did not give is used.
  case nullPage
  /// A page is taken for an address, or an address for a page.
  case cookie

  /// In a few words.
  public var description: String {
    switch self {
    case .state(let state): state.name
    case .owner(let owner, let crashes): owner.name + (crashes ? " (crash)" : "")
    case .atomicCall(.none, _): ""
    case .atomicCall(.setMemory, .request): "set_memory_*() in atomic context"
    case .atomicCall(.setMemory, .callback): "set_memory_*() in an RCU callback"
    case .atomicCall(.setMemory, .both):
      "set_memory_*() in atomic context and in an RCU callback"
    case .atomicCall(.remap, _): "dma_common_contiguous_remap() in atomic context"
    case .slotsLeaked: "slots leaked"
    case .notCopiedBack: "bounced, not copied back"
    case .copiedBack: "copied back, not bounced"
    case .nullPage: "NULL page used (crash)"
    case .cookie: "page and address confused (crash)"
    }
  }

  /// What became of it, in plain words for a summary.
  public var words: String {
    switch self {
    case .state(.leftShared): "freed decrypted"
    case .state(.leftPrivate): "freed encrypted"
    case .state(.poolPrivate): "pool page encrypted"
    case .state(.poolShared): "pool page decrypted"
    case .state(.same): ""
    case .owner(.poolPageToBuddy, _): "pool page freed as if no pool's"
    case .owner(.buddyPageToPool, _): "page freed to a pool"
    case .owner(.notFreed, _): "never freed"
    case .owner(.ok, _): ""
    case .atomicCall(.none, _): ""
    case .atomicCall(.setMemory, .request): "sleeps in set_memory"
    case .atomicCall(.setMemory, .callback): "sleeps in RCU free"
    case .atomicCall(.setMemory, .both): "sleeps in map, RCU free"
    case .atomicCall(.remap, _): "sleeps in vmap"
    case .slotsLeaked: "swiotlb slots leaked"
    case .notCopiedBack: "not copied back"
    case .copiedBack: "copied back for nothing"
    case .nullPage: "NULL page used"
    case .cookie: "freed by a wrong pointer"
    }
  }

  /// The same as a sentence, without its period.
  public var sentence: String {
    switch self {
    case .state(let state): "When it is freed, \(state.summary)"
    case .owner(let owner, let crashes):
      "When it is freed, the memory's new owner is: \(owner.summary)"
        + (crashes ? "; the free crashes" : "")
    case .atomicCall(let call, .request):
      "The request must not sleep, and calls \(call.summary)"
    case .atomicCall(let call, .callback):
      "The RCU callback that frees the transient pool must not sleep, and calls \(call.summary)"
    case .atomicCall(let call, .both):
      "The request must not sleep, nor the RCU callback that frees its transient pool, and both "
        + "call \(call.summary)"
    case .slotsLeaked: "The request fails or ends, and its swiotlb slots stay in use"
    case .notCopiedBack: "What the device wrote into the bounce buffer never reaches the driver"
    case .copiedBack: "Unmapping overwrites the driver's memory with a buffer that is not its own"
    case .nullPage:
      "An atomic pool gives no page, and the NULL that it returns is mapped and used"
    case .cookie:
      "The free takes an address for a page, or a page for an address, and crashes"
    }
  }
}
