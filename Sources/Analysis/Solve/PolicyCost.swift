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
    /// Where the base's answers to its masks begin.
    let base: Int
    var weight: Int
  }

  struct Boot: Hashable {
    let platform: Platform
    let iommu: IOMMUMode
    let swiotlb: SwiotlbMode
    let machine: Machine
  }

  let domain: MatrixDomain
  let base: Policy
  let lints: [Lint]
  private(set) var boots: [Boot] = []
  var lines: [Line] = []
  private let baseBoots: [BootedKernel]
  /// What the base does with each mask of each line.
  private let baseAnswers: [(verdict: Verdict, exposure: Exposure)]

  /// Every line that exists on both policies.
  init(_ policy: Policy, base: Policy, lints: [Lint], domain: MatrixDomain) {
    self.domain = domain
    self.base = base
    self.lints = lints
    for platform in domain.platforms {
      for iommu in domain.iommuModes {
        for swiotlb in domain.swiotlbModes
        where [policy, base].allSatisfy({ $0.bootExclusion(platform, iommu, swiotlb) == nil }) {
          for machine in domain.machines {
            let boot = boots.count
            boots.append(
              Boot(platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine))
            lines += domain.requests(on: machine, platform, iommu, policies: [policy, base]).map {
              Line(boot: boot, request: $0, base: 0, weight: 1)
            }
          }
        }
      }
    }
    baseBoots = boots.map { Self.booted(base, $0) }
    var answers: [(verdict: Verdict, exposure: Exposure)] = []
    answers.reserveCapacity(lines.count * domain.masks.count)
    for index in lines.indices {
      let line = lines[index]
      lines[index] = Line(
        boot: line.boot, request: line.request, base: answers.count, weight: line.weight)
      let judged = baseBoots[line.boot].judgedAnswers(
        to: line.request, masks: domain.masks, boots[line.boot].platform)
      answers += judged.map { ($0.verdict, $0.exposure) }
    }
    baseAnswers = answers
  }

  static func booted(
    _ policy: Policy, _ boot: Boot, _ conditions: BootConditions = BootConditions()
  ) -> BootedKernel {
    BootedKernel(
      policy: policy, platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
      machine: boot.machine, conditions: conditions)
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

    mutating func kernel(_ index: Int, _ boot: Boot) -> BootedKernel {
      if let kernel = kernels[index] { return kernel }
      let kernel = CostLines.booted(policy, boot)
      kernels[index] = kernel
      return kernel
    }

    mutating func kernel(
      _ index: Int, _ boot: Boot, _ conditions: BootConditions
    ) -> BootedKernel {
      if conditions == BootConditions() { return kernel(index, boot) }
      if let kernel = others[index]?[conditions] { return kernel }
      let kernel = CostLines.booted(policy, boot, conditions)
      others[index, default: [:]][conditions] = kernel
      return kernel
    }
  }

  func booted(_ policy: Policy) -> Booted {
    Booted(policy: policy, kernels: [BootedKernel?](repeating: nil, count: boots.count))
  }

  /// What a policy does with a line: its costs, and numbers that name behaviour
  /// (verdicts and exposures) and paths.
  func visit(
    _ line: Line, _ booted: inout Booted, tracing: Bool, cost: inout PolicyCost
  ) -> (behavior: UInt64, path: UInt64) {
    let kernel = booted.kernel(line.boot, boots[line.boot])
    let base = baseBoots[line.boot]
    let platform = boots[line.boot].platform
    var (behavior, path): (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15)
    var fingerprints: [UInt64] = []
    let answers: [JudgedAnswer]
    if tracing {
      var (request, traced) = (line.request, [JudgedAnswer]())
      kernel.forEachFingerprintedRun(
        of: request, masks: domain.masks, .answer
      ) { run, fingerprint in
        request.mask = domain.masks[run.range.lowerBound]
        let answer = JudgedAnswer(platform, request, run.cycle.answer)
        for _ in run.range {
          traced.append(answer)
          fingerprints.append(fingerprint)
        }
      }
      answers = traced
    } else {
      answers = kernel.judgedAnswers(to: line.request, masks: domain.masks, platform)
    }
    for (index, answer) in answers.enumerated() {
      let before = baseAnswers[line.base + index]
      if tracing {
        // What the base did tells lines apart too.
        path = mixed(path, fingerprints[index])
        path = mixed(path, UInt64(before.verdict.rawValue) << 8 | UInt64(before.exposure.rawValue))
      }
      if before.verdict.isServed {
        if !answer.verdict.isServed { cost.lost += line.weight }
        if before.exposure == .none, answer.verdict.isServed, answer.exposure != .none {
          cost.exposed += line.weight
        }
      }
      if answer.verdict.isSilentlyWrong, !before.verdict.isSilentlyWrong {
        cost.corrupted += line.weight
      }
      behavior = mixed(
        behavior, UInt64(answer.verdict.rawValue) << 8 | UInt64(answer.exposure.rawValue))
    }
    for lint in lints where lint.isAboutLife && lint.concerns(line.request.operation) {
      path = mixed(path, visitLife(lint, line, &booted, tracing: tracing, cost: &cost))
    }
    for lint in lints where !lint.isAboutLife {
      let violations = lint.violations(
        of: ScenarioLine(
          platform: platform, kernels: [kernel, base], request: line.request,
          masks: domain.masks))
      for violation in violations {
        if violation != nil { cost.violations[lint, default: 0] += line.weight }
        path = mixed(path, violation == nil ? 1 : 2)
      }
    }
    return (behavior, mixed(path, behavior))
  }

  /// What a policy costs over all lines.
  func cost(of policy: Policy, changes: Int) -> (cost: PolicyCost, behavior: [UInt64]) {
    var cost = PolicyCost(changes: changes)
    var booted = booted(policy)
    let behavior = lines.map {
      visit($0, &booted, tracing: false, cost: &cost).behavior
    }
    return (cost, behavior)
  }
}

/// Mixes a number into a hash.
@inline(__always)
func mixed(_ hash: UInt64, _ number: UInt64) -> UInt64 {
  let product = (hash ^ number) &* 0x9e37_79b9_7f4a_7c15
  return product ^ product >> 29
}
