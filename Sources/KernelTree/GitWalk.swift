import DMAModel
import Foundation
import Support

/// Commits that are asked one after the other; what is like the one before is not asked
/// again.
public struct GitWalk {
  /// A commit and its answers.
  public struct State: Sendable {
    public let commit: GitCommit
    /// Nil where it cannot be asked.
    public let kernel: KernelVersion?
    /// Why it cannot be asked.
    public let failure: TreeError?
    /// The architectures that cannot be asked.
    public let failures: [TreeEvaluation.Failure]
    /// Whether what is asked is the same as of the commit before.
    public let isAlike: Bool
    /// What its answers follow from, a line.
    public let provenance: String
    /// The state as it is compiled; nil where it is not.
    public let evaluation: TreeEvaluation?
    /// With which commit each of its lines came.
    public let origins: LineOrigins
  }

  private let repository: GitRepository
  private let domain: MatrixDomain
  private let jobs: Int
  private let cacheDirectory: String?
  private let cache: AnswerCache
  private let policy: Policy
  private let assumption: Assumption
  /// With which commit each line came, as far as the walk has gone.
  private var origins = LineOrigins()
  /// The functions that say yes or no and are defined elsewhere, of the states so far.
  public private(set) var predicates: Set<String> = []
  private var last: (state: GitState, evaluation: TreeEvaluation, key: String, answer: State)?

  /// - Parameters:
  ///   - domain: What is asked.
  ///   - policy: What says which scenarios exist beside the tree's own code.
  public init(
    _ repository: GitRepository, domain: MatrixDomain, policy: Policy, jobs: Int,
    cacheDirectory: String? = nil, assuming assumption: Assumption = .none
  ) throws(TreeError) {
    self.assumption = assumption
    (self.repository, self.domain, self.policy, self.jobs) = (repository, domain, policy, jobs)
    self.cacheDirectory = cacheDirectory
    cache = try AnswerCache(cacheDirectory: cacheDirectory)
  }

  /// The next commit's answers.
  ///
  /// - Parameter name: What its kernel is called.
  /// - Throws: What is wrong with the repository, the compiler or the cache; what is wrong
  ///   with the commit is ``State/failure``.
  public mutating func next(
    _ commit: GitCommit, named name: String, progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) -> State {
    if let last, last.evaluation.failures.isEmpty,
      try repository.haveSameFiles(
        last.state.commit.tree, commit.tree, last.evaluation.asked)
    {
      return alike(last.answer, commit, name)
    }
    do throws(TreeError) {
      let state = try GitState(commit, of: repository, cacheDirectory: cacheDirectory)
      let evaluation = try state.evaluation(
        for: domain.platforms, cacheDirectory: cacheDirectory,
        after: last.map { ($0.state, $0.evaluation) })
      let (kernel, key) = try evaluation.kernel(
        called: name, summary: commit.subject, domain, basedOn: policy, jobs: jobs, from: cache,
        assuming: assumption, progress: progress)
      origins.add(String(commit.id.prefix(12)), evaluation.files, of: state.tree)
      predicates.formUnion(evaluation.predicates)
      let isAlike = last?.key == key
      let answer = State(
        commit: commit, kernel: kernel, failure: nil, failures: evaluation.failures,
        isAlike: isAlike, provenance: evaluation.provenance, evaluation: evaluation,
        origins: origins)
      last = (state, evaluation, key, answer)
      return answer
    } catch {
      guard error.isOfTheTree else { throw error }
      return State(
        commit: commit, kernel: nil, failure: error, failures: [], isAlike: false,
        provenance: "", evaluation: nil, origins: origins)
    }
  }

  /// Ends the walk: what was not used for long is removed from the cache.
  public func finish() throws(TreeError) {
    try BuildCache(directory: cacheDirectory).prune()
  }

  private func alike(_ state: State, _ commit: GitCommit, _ name: String) -> State {
    State(
      commit: commit,
      kernel: state.kernel.flatMap { kernel in
        kernel.recorded.map {
          KernelVersion(
            recorded: name, summary: commit.subject, policy: kernel.policy, answers: $0)
        }
      }, failure: nil, failures: state.failures, isAlike: true, provenance: state.provenance,
      evaluation: state.evaluation, origins: state.origins)
  }
}
