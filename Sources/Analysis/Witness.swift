import DMAModel

/// One scenario of a finding, to be asked of other policies.
public struct Witness {
  public let scenario: Scenario
  public let circumstance: Circumstance
  public let machine: Machine
  private let masks: [DMAMask]

  /// - Parameter key: The scenario's key, with its circumstance.
  public init?(_ key: String, _ domain: MatrixDomain) {
    guard let (scenario, circumstance) = Circumstance.parsed(key: key),
      let machine = domain.machines.first(where: { $0.name == scenario.memory })
    else { return nil }
    self.scenario = scenario
    self.circumstance = circumstance
    self.machine = machine
    masks = domain.masks
  }

  /// The decisions of a kernel, with those of unmap or free.
  public func path(_ kernel: KernelVersion, withEnd: Bool) -> [TraceStep] {
    guard
      case .success(let explanation) = Explanation.explain(
        scenario, in: circumstance, on: machine, by: kernel)
    else { return [] }
    return explanation.path + (withEnd ? explanation.undoPath : [])
  }

  /// The changes between two versions that violate and do not violate a lint which alone
  /// make the difference: those that end the violation when they are taken back, else those
  /// that bring it about on their own.
  func changes(
    _ changes: [Cause.Change], from old: KernelVersion, to new: KernelVersion,
    violating lint: Lint, _ base: KernelVersion?, _ boots: TrialBoots
  ) -> [Cause.Change] {
    let necessary = changes.filter { candidate in
      let knob = candidate.change.knob
      var policy = new.policy
      guard knob.set(knob.value(in: old.policy), in: &policy) else { return false }
      return !violates(lint, policy, base, boots.known("\(new.name)-\(knob.id)"))
    }
    guard necessary.isEmpty else { return necessary }
    return changes.filter { candidate in
      let knob = candidate.change.knob
      var policy = old.policy
      guard knob.set(knob.value(in: new.policy), in: &policy) else { return false }
      return violates(lint, policy, base, boots.known("\(old.name)+\(knob.id)"))
    }
  }

  /// Whether a kernel serves the request, so that the device gets at the right bytes.
  public func isServed(by kernel: KernelVersion) -> Bool {
    guard
      case .success(let explanation) = Explanation.explain(
        scenario, in: circumstance, on: machine, by: kernel)
    else { return false }
    return explanation.verdict.isServed
  }

  /// Whether a policy violates a lint; false where the scenario cannot exist.
  ///
  /// - Parameter boot: Boots the policy; one that keeps what it booted, where many are asked.
  public func violates(
    _ lint: Lint, _ policy: Policy, _ base: KernelVersion?,
    _ boot: (Policy, Witness) -> BootedKernel = { $1.booted($0) }
  ) -> Bool {
    if lint.isAboutBoots {
      guard let base else { return false }
      return PoolChange.shrinks(
        from: base.booted(scenario.platform, scenario.iommu, scenario.swiotlb, machine).pool,
        to: booted(policy).pool)
    }
    if lint.isAboutLife {
      return lint.isViolated(by: policy, in: scenario, circumstance, on: machine)?.isViolated
        ?? false
    }
    guard policy.exclusion(of: scenario, on: machine) == nil else { return false }
    var kernels = [boot(policy, self)]
    if lint.needsBase {
      guard let base else { return false }
      kernels.append(
        base.booted(scenario.platform, scenario.iommu, scenario.swiotlb, machine))
    }
    // A wider mask is compared with the narrower ones.
    let masks = lint == .maskMonotone ? masks : [scenario.mask]
    guard let place = masks.firstIndex(of: scenario.mask) else { return false }
    let line = ScenarioLine(
      platform: scenario.platform, kernels: kernels, request: scenario.deviceRequest,
      masks: masks, for: [lint])
    var isViolated = false
    lint.forEachViolation(of: line) { range, violation in
      if range.contains(place), violation != nil { isViolated = true }
    }
    return isViolated
  }

  /// A policy on the witness' boot.
  public func booted(_ policy: Policy) -> BootedKernel {
    BootedKernel(
      policy: policy, platform: scenario.platform, iommu: scenario.iommu,
      swiotlb: scenario.swiotlb, machine: machine)
  }
}

/// Booted policies that are tried at many witnesses, by one thread.
final class TrialBoots {
  private var booted: [String: BootedKernel] = [:]

  /// What boots a policy, once on each machine.
  ///
  /// - Parameter name: Names the policy.
  func known(_ name: String) -> (Policy, Witness) -> BootedKernel {
    { [self] policy, witness in
      let scenario = witness.scenario
      let place =
        "\(name) \(scenario.platform.name)/\(scenario.iommu.name)/\(scenario.swiotlb.name)/"
        + scenario.memory.name
      if let kernel = booted[place] { return kernel }
      let kernel = witness.booted(policy)
      booted[place] = kernel
      return kernel
    }
  }
}
