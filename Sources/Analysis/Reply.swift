import DMAModel
import Support

/// What an alternative makes of a version, measured by what a release serves.
public struct Reply: Sendable {
  /// Whether an alternative mends what its version serves worse than the release.
  public enum Verdict: Sendable {
    /// Nothing is served worse any more.
    case mends
    /// Less is served worse, and nothing is corrupted that was not.
    case mendsInPart
    /// More is corrupted, or nothing is mended.
    case doesNotMend
  }

  public let alternative: KernelVersion
  /// The version that it changes.
  public let start: KernelVersion
  /// The release whose service counts.
  public let base: KernelVersion
  /// From the release to the version, and to the alternative.
  public let before: Comparison
  public let after: Comparison
  /// From the version to the alternative.
  public let own: Comparison

  /// - Parameter progress: Receives the part that is done.
  public init(
    _ alternative: KernelVersion, of start: KernelVersion, base: KernelVersion,
    domain: MatrixDomain, progress: @Sendable (Double) -> Void = { _ in }
  ) {
    (self.alternative, self.start, self.base) = (alternative, start, base)
    let pairs = [[base, start], [base, alternative], [start, alternative]]
    let comparisons = concurrently(pairs, progress: progress) { Comparison($0, domain: domain) }
    (before, after, own) = (comparisons[0], comparisons[1], comparisons[2])
  }

  public var verdict: Verdict {
    let (old, new) = (before.worseScenarios, after.worseScenarios)
    if new == 0 { return .mends }
    let corrupts = after.scenarios(of: .corrupts) > before.scenarios(of: .corrupts)
    return new < old && !corrupts ? .mendsInPart : .doesNotMend
  }
}

extension Comparison {
  /// Scenarios whose change has an effect.
  public func scenarios(of effect: Effect) -> Int {
    transitions.filter { $0.effect == effect }.reduce(0) { $0 + $1.scenarios }
  }

  /// Scenarios that the last kernel serves worse.
  public var worseScenarios: Int {
    transitions.filter(\.effect.isWorse).reduce(0) { $0 + $1.scenarios }
  }
}
