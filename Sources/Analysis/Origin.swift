import DMAModel

/// What an earlier version does with a scenario that a later one violates a lint in.
struct EarlierOutcome: Hashable {
  let verdict: Verdict
  let result: AnswerResult
  let decision: Decision
  var isServed: Bool { verdict.isServed }

  init(_ judged: JudgedAnswer) {
    verdict = judged.verdict
    result = judged.answer.result
    decision = judged.answer.decision
  }
}

/// Since when a scenario violates a lint.
struct Origin: Hashable {
  /// How many versions back the unbroken row of violations begins: 0 is the version itself.
  /// Nil where every version does that has the scenario.
  var since: Int?
  /// What the version before it does.
  var before: EarlierOutcome?
  /// How many versions back the oldest is that has the scenario at all, where every one of
  /// them violates the lint and the oldest version of all does not have it.
  var firstKnown: Int?
  /// Whether the base does not violate the lint there.
  var isNew = false

  /// How many versions back the violations begin, with the version or with what it knows
  /// first; nil where the oldest version has them.
  var first: Int? { since ?? firstKnown }
}

/// Since when scenarios of a finding violate its lint.
struct FindingOrigin: Sendable {
  /// The first version of the unbroken row, which may be the first that has the scenarios;
  /// nil where every version that has them violates the lint.
  let since: KernelVersion?
  /// Whether the base does not.
  let isNew: Bool
  /// One of the scenarios; nil where all of the finding's are.
  let witness: String?
}

/// The versions before the one that is checked, nearest first, on the boot that a walk is at.
final class EarlierVersions {
  let kernels: [KernelVersion]
  /// The place of the base among them; nil where it is none of them.
  let base: Int?
  /// A base that is none of them, asked beside them.
  private let other: KernelVersion?
  private var place: ArraySlice<Int> = []
  private var booted: [BootConditions: [BootedKernel??]] = [:]

  /// - Parameter comparing: Whether the lints compare with the base: what was before it
  ///   does not matter to them.
  init(before kernel: KernelVersion, base: KernelVersion?, comparing: Bool) {
    var chain: [KernelVersion] = []
    var below = kernel.recorded == nil ? kernel.baseVersion : nil
    while let version = below {
      chain.append(version)
      below = version.baseVersion
    }
    let place = base.flatMap { chain.firstIndex(of: $0) }
    if comparing, let place { chain = Array(chain[...place]) }
    kernels = chain
    self.base = place
    other = place == nil && base != kernel && base?.recorded == nil ? base : nil
  }

  /// How many kernels there are to ask: the versions, and a base that is none of them.
  var count: Int { kernels.count + (other == nil ? 0 : 1) }
  /// The place of the base that is none of ``kernels``.
  var otherBase: Int? { other == nil ? nil : kernels.count }

  /// A version on the boot of a choice; nil where it cannot be booted so, or does not know
  /// the request.
  func booted(
    _ index: Int, _ space: ScenarioSpace, _ choice: [Int], _ conditions: BootConditions
  ) -> BootedKernel? {
    if place != choice[0..<4] {
      place = choice[0..<4]
      booted.removeAll(keepingCapacity: true)
    }
    let version = index < kernels.count ? kernels[index] : other
    guard let version else { return nil }
    let domain = space.domain
    let exists =
      version.policy.requestExclusion(
        domain.operations[choice[8]], domain.attributes[choice[9]], domain.buffers[choice[10]],
        on: domain.machines[choice[3]]) == nil
    guard exists else { return nil }
    var known = booted[conditions] ?? Array(repeating: nil, count: count)
    if let kernel = known[index] { return kernel }
    let (platform, iommu, swiotlb) = (
      domain.platforms[choice[0]], domain.iommuModes[choice[1]], domain.swiotlbModes[choice[2]]
    )
    let kernel =
      version.policy.bootExclusion(platform, iommu, swiotlb) == nil
      ? space.booted(version, choice, conditions) : nil
    known[index] = .some(kernel)
    booted[conditions] = known
    return kernel
  }
}

/// What an earlier version does with one mask.
enum EarlierState: Hashable {
  case absent
  /// It violates the lint, with this verdict on its answer.
  case violated(Verdict)
  case clean(EarlierOutcome)
}

/// One line of requests in earlier versions, asked as far back as violations go.
struct LineHistory {
  private let versions: EarlierVersions
  /// The states of all masks in a version, for a lint.
  private let states: (Int, Int) -> [EarlierState]
  private var known: [Int: [EarlierState]] = [:]

  /// - Parameter states: For the place of a lint and that of a version.
  init(_ versions: EarlierVersions, _ states: @escaping (Int, Int) -> [EarlierState]) {
    self.versions = versions
    self.states = states
  }

  /// Since when a mask violates a lint, by the lint's place.
  ///
  /// - Parameter verdict: Where data go wrong, the way in which they do: one version
  ///   garbles what another bounces in vain.
  mutating func origin(_ lint: Int, at mask: Int, as verdict: Verdict?) -> Origin {
    var origin = Origin()
    walk: for version in versions.kernels.indices {
      switch state(lint, version)[mask] {
      case .violated(let other):
        if verdict == nil || other == verdict { continue }
        origin.since = version
        break walk
      case .absent:
        origin.firstKnown = version
        break walk
      case .clean(let outcome):
        origin.since = version
        origin.before = outcome
        break walk
      }
    }
    if let other = versions.otherBase {
      if case .clean = state(lint, other)[mask] { origin.isNew = true }
    } else if let base = versions.base, let since = origin.since, since <= base {
      // What the base does wrong in another way is not new.
      origin.isNew =
        (since...base).first { version in
          if case .violated = state(lint, version)[mask] { return false }
          return true
        }.map { version in
          if case .clean = state(lint, version)[mask] { return true }
          return false
        } ?? false
    }
    return origin
  }

  private mutating func state(_ lint: Int, _ version: Int) -> [EarlierState] {
    let place = lint * versions.count + version
    if let states = known[place] { return states }
    let states = states(lint, version)
    known[place] = states
    return states
  }
}
