import DMAModel
import Support

/// How many scenarios each knob of a policy could alter.
///
/// A knob that no scenario reaches is code without effect: a check that nothing
/// can fail, for one.
public struct Reach: Sendable {
  /// What another value of a knob would alter.
  public struct Change: Sendable {
    public let knob: Knob
    /// The other value, or the platform that comes (+) or goes (-).
    public let value: String
    /// Scenarios whose answer or end would differ; those that would come or go are not
    /// counted.
    public let scenarios: Int
    /// Whether they are scenarios in circumstances: those are tried where nothing differs
    /// without.
    public let needsCircumstance: Bool
    /// The key of one of them.
    public let witness: String?
  }

  public let kernel: KernelVersion
  /// In the order of the knobs.
  public let changes: [Change]

  /// Knobs of which no other value alters any scenario.
  public var unreached: [Knob] {
    Knob.all.filter { knob in
      let own = changes.filter { $0.knob == knob }
      return !own.isEmpty && own.allSatisfy { $0.scenarios == 0 }
    }
  }

  /// Tries every other value of every knob.
  ///
  /// - Parameter progress: Called with the fraction done.
  public init(
    _ kernel: KernelVersion, domain: MatrixDomain, progress: @escaping @Sendable (Double) -> Void
  ) {
    self.kernel = kernel
    let trials = Self.trials(kernel, domain)
    changes = concurrently(trials, progress: progress) { trial in
      let (count, witness) = Self.differences(kernel.policy, trial.policy, trial.domain)
      guard count == 0 else {
        return Change(
          knob: trial.knob, value: trial.value, scenarios: count, needsCircumstance: false,
          witness: witness)
      }
      let other = Self.differences(kernel, trial)
      return Change(
        knob: trial.knob, value: trial.value, scenarios: other.count, needsCircumstance: true,
        witness: other.witness)
    }
  }

  private struct Trial {
    let knob: Knob
    let value: String
    let policy: Policy
    let domain: MatrixDomain
  }

  private static func trials(_ kernel: KernelVersion, _ domain: MatrixDomain) -> [Trial] {
    Knob.all.flatMap { knob -> [Trial] in
      let current = knob.value(in: kernel.policy)
      let members = knob.isPlatformSet ? knob.platformNames(in: kernel.policy) : []
      return knob.values.map(\.name).compactMap { value in
        guard value != current else { return nil }
        var part = domain
        var step = PolicyStep(knob: knob, value: value)
        if knob.isPlatformSet, let platform = Platform(name: value) {
          // One platform comes or goes; only its own scenarios can change.
          step = PolicyStep(knob: knob, value: (members.contains(value) ? "-" : "+") + value)
          part.platforms = domain.platforms.filter(PlatformSet([platform]).contains)
        }
        var policy = kernel.policy
        guard step.apply(to: &policy) else { return nil }
        return Trial(knob: knob, value: step.value, policy: policy, domain: part)
      }
    }
  }

  /// Counts scenarios in circumstances whose answers or ends differ.
  private static func differences(
    _ kernel: KernelVersion, _ trial: Trial
  ) -> (count: Int, witness: String?) {
    guard
      let variant = KernelVersion(
        variant: "\(kernel.name) with another value", basedOn: kernel, summary: "", link: nil,
        settings: [(trial.knob, trial.knob.value(in: trial.policy))])
    else { return (0, nil) }
    let space = ScenarioSpace(
      kernels: [kernel, variant], domain: trial.domain, circumstances: Circumstance.all)
    let diagram = space.diagram(lives: { point in
      guard let one = point.lives[0], let two = point.lives[1] else { return 0 }
      return OutcomeColumns(one, two).isEmpty ? 0 : 1
    })
    let witness = diagram.firstPoint(of: 1, in: Box(space.axes.map(\.all)))
    return (diagram.counts()[1] ?? 0, witness.map(space.key))
  }

  /// Counts scenarios of both policies whose answers or ends differ where nothing happens
  /// beside them.
  private static func differences(
    _ one: Policy, _ two: Policy, _ domain: MatrixDomain
  ) -> (count: Int, witness: String?) {
    var count = 0
    var witness: String?
    for boot in domain.boots(on: [one, two]) {
      let kernels = [one, two].map { BootedKernel($0, boot) }
      var known = KnownLines(domain)
      for var request in domain.requests(on: boot, policies: [one, two]) {
        if let differing = known[request] {
          count += differing
          continue
        }
        var differing = 0
        defer { count += differing }
        let runs = kernels.map { $0.runs(of: request, masks: domain.masks) }
        let reads = runs.joined().reduce(DeviceAxes()) { $0.union($1.reads) }
        defer { known.keep(differing, for: request, reads) }
        forEachJointRun(runs) { range, cycles in
          if OutcomeColumns(cycles[0], cycles[1]).isEmpty { return }
          differing += range.count
          guard witness == nil else { return }
          request.mask = domain.masks[range.lowerBound]
          witness = boot.scenario(request).key
        }
      }
    }
    return (count, witness)
  }
}
