import DMAModel

/// What a policy costs against a base, in scenarios.
public struct PolicyCost: Hashable, Sendable {
  /// Knobs changed.
  public var changes = 0
  /// Served by the base and no longer: refused or worse.
  public var lost = 0
  /// Served by the base with nothing exposed, and now with something.
  public var exposed = 0
  /// Silently wrong, where the base was not.
  public var corrupted = 0
  /// Scenarios that violate a required lint.
  public var violations: [Lint: Int] = [:]

  /// What solutions are preferred by; the order of the list is the order of
  /// importance.
  public enum Preference: String, CaseIterable, Sendable { case changes, lost, exposed }

  /// Adds what other scenarios cost under the same policy.
  mutating func add(_ other: PolicyCost) {
    lost += other.lost
    exposed += other.exposed
    corrupted += other.corrupted
    violations.merge(other.violations, uniquingKeysWith: +)
  }

  /// The cost by preference.
  public subscript(_ preference: Preference) -> Int {
    switch preference {
    case .changes: changes
    case .lost: lost
    case .exposed: exposed
    }
  }

  /// Whether another cost is as good everywhere and better somewhere.
  public func isDominated(by other: PolicyCost) -> Bool {
    let pairs = Preference.allCases.map { (self[$0], other[$0]) }
    return pairs.allSatisfy { $0.1 <= $0.0 } && pairs.contains { $0.1 < $0.0 }
  }
}

/// The lines of a matrix with their answers under the base: what costs are
/// counted over.
struct CostLines {
  /// A device and a request on one boot, standing for `weight` lines.
  struct Line {
    let boot: Int
    let request: DeviceRequest
    /// The base's answers to its masks.
    let base: [JudgedRun]
    /// What these depend on beside the mask.
    let reads: DeviceAxes
    var weight: Int
  }

  let domain: MatrixDomain
  let base: Policy
  let lints: [Lint]
  let boots: [BootConfiguration]
  var lines: [Line] = []
  private let baseBoots: [BootedKernel]

  /// Every line that exists on both policies.
  init(_ policy: Policy, base: Policy, lints: [Lint], domain: MatrixDomain) {
    self.domain = domain
    self.base = base
    self.lints = lints
    boots = domain.boots(on: [policy, base])
    baseBoots = boots.map { BootedKernel(base, $0) }
    for (number, (boot, kernel)) in zip(boots, baseBoots).enumerated() {
      lines += domain.requests(on: boot, policies: [policy, base]).map { request in
        var reads: DeviceAxes = []
        let answers = kernel.judgedRuns(of: request, masks: domain.masks, boot.platform, &reads)
        return Line(boot: number, request: request, base: answers, reads: reads, weight: 1)
      }
    }
  }

  /// The boots of a policy, made when a line first needs one.
  struct Booted {
    let policy: Policy
    var kernels: [BootedKernel?]
    /// Boots where a pool is full or memory cannot be decrypted.
    private var others: [Int: [BootConditions: BootedKernel]] = [:]

    init(policy: Policy, kernels: [BootedKernel?]) {
      self.policy = policy
      self.kernels = kernels
    }

    mutating func kernel(_ index: Int, _ boot: BootConfiguration) -> BootedKernel {
      if let kernel = kernels[index] { return kernel }
      let kernel = BootedKernel(policy, boot)
      kernels[index] = kernel
      return kernel
    }

    mutating func kernel(
      _ index: Int, _ boot: BootConfiguration, _ conditions: BootConditions
    ) -> BootedKernel {
      if conditions == BootConditions() { return kernel(index, boot) }
      if let kernel = others[index]?[conditions] { return kernel }
      let kernel = BootedKernel(policy, boot, conditions)
      others[index, default: [:]][conditions] = kernel
      return kernel
    }
  }

  func booted(_ policy: Policy) -> Booted {
    Booted(policy: policy, kernels: [BootedKernel?](repeating: nil, count: boots.count))
  }

  /// What a policy does with a line: its costs, and numbers that name behaviour
  /// (verdicts and exposures) and paths; and what these depend on beside the mask.
  func visit(
    _ line: Line, _ booted: inout Booted, tracing: Bool, cost: inout PolicyCost
  ) -> (behavior: UInt64, path: UInt64, reads: DeviceAxes) {
    let kernel = booted.kernel(line.boot, boots[line.boot])
    let base = baseBoots[line.boot]
    let platform = boots[line.boot].platform
    var (behavior, path) = (Signature(), Signature())
    var reads = line.reads
    var answers: [JudgedRun] = []
    var request = line.request
    func add(_ run: MaskRun, _ fingerprint: UInt64) {
      request.mask = domain.masks[run.range.lowerBound]
      reads.formUnion(run.reads)
      let answer = JudgedAnswer(platform, request, run.cycle.answer)
      answers.append(JudgedRun(range: run.range, judged: answer))
      behavior.add(answer.number, times: run.range.count)
      path.add(fingerprint, times: run.range.count)
    }
    if tracing {
      kernel.forEachFingerprintedRun(of: line.request, masks: domain.masks, .answer, body: add)
    } else {
      kernel.forEachRun(of: line.request, masks: domain.masks, .answer) { add($0, 0) }
    }
    forEachJointRun(answers, line.base) { range, answer, base in
      count(answer, against: base, weight: line.weight * range.count, in: &cost)
    }
    path.end()
    // What the base did tells lines apart too.
    for run in line.base { path.add(run.judged.number, times: run.range.count) }
    behavior.end()
    path.end()
    for lint in lints where lint.isAboutLife && lint.concerns(line.request.operation) {
      path.add(visitLife(lint, line, &booted, tracing: tracing, &reads, cost: &cost))
    }
    path.end()
    let others = lints.filter { !$0.isAboutLife }
    if !others.isEmpty {
      let scenarioLine = ScenarioLine(
        platform: platform, kernels: [kernel, base], request: line.request, masks: domain.masks,
        for: others, known: ([answers, line.base], reads))
      reads.formUnion(scenarioLine.reads)
      for lint in others {
        lint.forEachViolation(of: scenarioLine) { range, violation in
          if violation != nil { cost.violations[lint, default: 0] += line.weight * range.count }
          path.add(violation == nil ? 1 : 2, times: range.count)
        }
        path.end()
      }
    }
    return (behavior.value, mixed(path.value, behavior.value), reads)
  }

  /// Counts what a policy's answer costs where the base has another.
  private func count(
    _ answer: JudgedAnswer, against base: JudgedAnswer, weight: Int, in cost: inout PolicyCost
  ) {
    if base.verdict.isServed {
      if !answer.verdict.isServed { cost.lost += weight }
      if base.exposure == .none, answer.verdict.isServed, answer.exposure != .none {
        cost.exposed += weight
      }
    }
    if answer.verdict.isSilentlyWrong, !base.verdict.isSilentlyWrong { cost.corrupted += weight }
  }
}

extension JudgedAnswer {
  /// What names verdict and exposure.
  fileprivate var number: UInt64 { UInt64(verdict.rawValue) << 8 | UInt64(exposure.rawValue) }
}

/// A number that names what a line does, mask by mask: the same however masks that do the
/// same are cut into runs.
struct Signature {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325
  private var latest: (number: UInt64, times: UInt64)?

  /// Adds what some masks in a row do.
  mutating func add(_ number: UInt64, times: Int = 1) {
    if let (known, before) = latest, known == number {
      latest = (number, before + UInt64(times))
      return
    }
    end()
    latest = (number, UInt64(times))
  }

  /// Ends a list: what follows is not of the same kind.
  mutating func end() {
    guard let (number, times) = latest else { return }
    value = mixed(mixed(value, number), times)
    latest = nil
  }
}

/// Mixes a number into a hash.
@inline(__always)
func mixed(_ hash: UInt64, _ number: UInt64) -> UInt64 {
  let product = (hash ^ number) &* 0x9e37_79b9_7f4a_7c15
  return product ^ product >> 29
}
