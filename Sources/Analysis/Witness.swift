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

  private var boot: BootConfiguration {
    BootConfiguration(scenario.platform, scenario.iommu, scenario.swiotlb, machine)
  }

  /// What a kernel answers; nil where the scenario cannot exist.
  private func explanation(by kernel: KernelVersion) -> Explanation? {
    try? Explanation.explain(scenario, in: circumstance, on: machine, by: kernel).get()
  }

  /// The decisions of a kernel, with those of unmap or free.
  public func path(_ kernel: KernelVersion, withEnd: Bool) -> [TraceStep] {
    explanation(by: kernel).map { $0.path + (withEnd ? $0.undoPath : []) } ?? []
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
    explanation(by: kernel)?.verdict.isServed ?? false
  }

  /// Whether a policy violates a lint; false where the scenario cannot exist.
  ///
  /// - Parameter booting: Boots the policy; one that keeps what it booted, where many are asked.
  public func violates(
    _ lint: Lint, _ policy: Policy, _ base: KernelVersion?,
    _ booting: (Policy, Witness) -> BootedKernel = { $1.booted($0) }
  ) -> Bool {
    if lint.isAboutBoots {
      guard let base else { return false }
      return PoolChange.shrinks(
        from: base.booted(boot).pool,
        to: booted(policy).pool)
    }
    if lint.isAboutLife {
      return lint.isViolated(by: policy, in: scenario, circumstance, on: machine)?.isViolated
        ?? false
    }
    guard policy.exclusion(of: scenario, on: machine) == nil else { return false }
    if circumstance != .ordinary {
      guard let base, let own = judged(by: policy), let other = judged(by: base.policy) else {
        return false
      }
      return lint.violation(own, other) != nil
    }
    var kernels = [booting(policy, self)]
    if lint.needsBase {
      guard let base else { return false }
      kernels.append(base.booted(boot))
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

  /// The answer of a policy in the witness' circumstance; nil where it cannot happen.
  private func judged(by policy: Policy) -> JudgedAnswer? {
    let request = scenario.deviceRequest
    guard policy.exclusion(of: scenario, on: machine) == nil,
      policy.circumstanceExclusion(circumstance, scenario.platform, scenario.swiotlb, request)
        == nil
    else { return nil }
    let kernel = BootedKernel(policy, boot, circumstance.conditions)
    let life = kernel.lifeCycle(of: request, maskChange: circumstance.maskChange)
    return JudgedAnswer(scenario.platform, request, life.answer)
  }

  /// A policy on the witness' boot.
  public func booted(_ policy: Policy) -> BootedKernel { BootedKernel(policy, boot) }
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
