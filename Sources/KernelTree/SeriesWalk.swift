import DMAModel
import Foundation
import Support

/// A tree with a series applied patch by patch, each state asked.
public struct SeriesWalk {
  /// The tree with some patches, and its answers.
  public struct State: Sendable {
    /// How many patches are applied.
    public let number: Int
    /// Of the last one, as its mail has it.
    public let subject: String
    /// Nil where it cannot be asked.
    public let kernel: KernelVersion?
    public let failure: TreeError?
    public let failures: [TreeEvaluation.Failure]
    public let isAlike: Bool
    /// The state as it is compiled; nil where it is not.
    public let evaluation: TreeEvaluation?
    /// With which patch each of its lines came.
    public let origins: LineOrigins
    /// Its files, which go with it; nil for the tree without a patch.
    let patched: PatchedTree?
  }

  private let series: PatchSeries
  private let base: TreeEvaluation
  private let policy: Policy
  private let domain: MatrixDomain
  private let jobs: Int
  private let cacheDirectory: String?
  private let cache: AnswerCache
  private let assumption: Assumption
  /// With which patch each line came, as far as the walk has gone.
  private var origins = LineOrigins()
  /// The functions that say yes or no and are defined elsewhere, of the states so far.
  public private(set) var predicates: Set<String> = []
  private var last: (evaluation: TreeEvaluation, key: String)
  private var number = 0
  /// Every file that any state was made of.
  private var files: Set<String>
  /// The files that patches have changed since the last state that was asked.
  private var touched: Set<String> = []

  /// - Parameters:
  ///   - base: The tree before the series, compiled.
  ///   - after: The same with all of it: what it brings in is copied too.
  ///   - policy: What says which scenarios exist beside the tree's own code.
  public init(
    _ series: PatchSeries, on base: TreeEvaluation, files after: Set<String>,
    domain: MatrixDomain, policy: Policy, jobs: Int, cacheDirectory: String? = nil,
    assuming assumption: Assumption = .none
  ) throws(TreeError) {
    self.assumption = assumption
    (self.series, self.base, self.policy) = (series, base, policy)
    (self.domain, self.jobs, self.cacheDirectory) = (domain, jobs, cacheDirectory)
    files = base.neededFiles.union(after)
    cache = try AnswerCache(cacheDirectory: cacheDirectory)
    last = (base, "")
  }

  /// The next state, the first one without a patch; nil behind the last.
  public mutating func next(
    progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) -> State? {
    guard number <= series.count else { return nil }
    defer { number += 1 }
    let subject = number == 0 ? "" : series.mails[number - 1].subject
    if number > 0 {
      let changes = series.mails[number - 1].changes
      touched.formUnion(changes.flatMap { [$0.old, $0.new].compactMap { $0 } })
    }
    var patched: PatchedTree?
    do throws(TreeError) {
      let evaluation: TreeEvaluation
      if number == 0 {
        evaluation = base
      } else {
        let tree = try PatchedTree(
          series.first(number), to: base.tree, evaluated: files, cacheDirectory: cacheDirectory)
        patched = tree
        let changed = touched
        evaluation = try TreeEvaluation(
          tree: tree.tree, platforms: domain.platforms, cacheDirectory: cacheDirectory,
          after: last.evaluation,
          isAlike: { files throws(TreeError) in files.isDisjoint(with: changed) })
      }
      let (kernel, key) = try evaluation.kernel(
        called: "patch-\(number)", summary: subject.printable(upTo: 200), domain,
        basedOn: policy, jobs: jobs, from: cache, assuming: assumption, progress: progress)
      origins.add("\(number)/\(series.count)", files, of: evaluation.tree)
      predicates.formUnion(evaluation.predicates)
      let isAlike = last.key == key
      last = (evaluation, key)
      touched = []
      return State(
        number: number, subject: subject, kernel: kernel, failure: nil,
        failures: evaluation.failures, isAlike: isAlike, evaluation: evaluation,
        origins: origins, patched: patched)
    } catch {
      guard error.isOfTheTree else { throw error }
      return State(
        number: number, subject: subject, kernel: nil,
        failure: patched?.explained(
          error, of: series, on: base, cacheDirectory: cacheDirectory) ?? error, failures: [],
        isAlike: false, evaluation: nil, origins: origins, patched: nil)
    }
  }
}
