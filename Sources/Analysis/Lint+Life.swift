import DMAModel

/// The lints about the end of a request.
extension Lint {
  /// Whether the lint is about the end of a request.
  public var isAboutLife: Bool { circumstances != [.ordinary] }

  /// The circumstances that the lint looks at: those that can matter to it.
  var circumstances: [Circumstance] {
    switch self {
    case .freedAsItWas, .freedToItsOwner:
      Circumstance.all.filter { $0.conditions.fill == .empty }
    case .noSleepInAtomic, .unmapMirrorsMap:
      Circumstance.all.filter {
        $0.maskChange == .none && $0.conditions.decryptFailure == .none
      }
    case .slotsReturned:
      Circumstance.all.filter { $0.maskChange == .none }
    default: [.ordinary]
    }
  }

  /// The part of a domain that the lint looks at.
  func narrowed(_ domain: MatrixDomain) -> MatrixDomain {
    var domain = domain
    domain.operations = domain.operations.filter(concerns)
    return domain
  }

  /// Whether the lint can be violated by an operation.
  func concerns(_ operation: Operation) -> Bool {
    switch self {
    case .freedAsItWas, .freedToItsOwner: !operation.isMapping
    case .unmapMirrorsMap: operation.isMapping
    default: true
    }
  }

  /// The violation of each mask of a line by what is left after the request.
  func lifeViolations(of line: LifeLine) -> [ViolationKey?] {
    line.masks.indices.map { lifeViolation(of: line, at: $0) }
  }

  /// The violation of the mask at a position of a line, nil where there is none.
  func lifeViolation(of line: LifeLine, at index: Int) -> ViolationKey? {
    guard let life = line.lives[0][index], let wrong = wrong(life) else { return nil }
    // The verdict on the answer does not matter to its end.
    return ViolationKey(
      verdict: .ok, result: life.answer.result, decision: life.answer.decision, other: nil,
      wrong: wrong,
      exposure: self == .freedAsItWas
        ? exposureAfter(platform: line.platform, after: life.after) : .none)
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

  /// What violates the lint in one life, in a few words, or nil.
  private func wrong(_ life: LifeCycle) -> String? {
    let after = life.after
    switch self {
    case .freedAsItWas:
      return after.state == .same ? nil : after.state.name
    case .freedToItsOwner:
      // A page that cannot be decrypted is leaked on purpose.
      if life.answer.result == .error || after.owner == .ok { return nil }
      return after.owner.name + (after.warnings.contains(.cookieCrash) ? " (crash)" : "")
    case .noSleepInAtomic:
      switch after.atomicCall {
      case .none: return nil
      case .setMemory: return "set_memory_*() in atomic context"
      case .remap: return "dma_common_contiguous_remap() in atomic context"
      }
    case .slotsReturned:
      return after.slots == .ok ? nil : "slots leaked"
    case .unmapMirrorsMap:
      let bounced = life.answer.result.bounces
      if bounced { return after.unmapCopy == .copied ? nil : "bounced, not copied back" }
      return after.unmapCopy == .none ? nil : "copied back, not bounced"
    default: return nil
    }
  }
}
