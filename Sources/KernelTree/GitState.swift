import DMAModel
import Foundation
import Support

/// A commit's files, as far as they are asked for.
public final class GitState: Sendable {
  public let commit: GitCommit
  public let tree: SourceTree
  private let repository: GitRepository
  private let workspace: Workspace

  /// Makes a directory for a commit's files.
  ///
  /// - Throws: ``TreeError/notATree(path:missing:)`` where the commit holds no kernel.
  public init(
    _ commit: GitCommit, of repository: GitRepository, cacheDirectory: String? = nil
  ) throws(TreeError) {
    (self.commit, self.repository) = (commit, repository)
    let cache = try BuildCache(directory: cacheDirectory)
    workspace = try Workspace(in: cache, launcher: cache.launcher(Compiler()))
    let directory = workspace.path + "/tree"
    guard mkdir(directory, 0o700) == 0 else {
      throw .cannotRun(reason: "'\(directory)' cannot be made")
    }
    tree = try SourceTree(
      path: directory,
      source: GitFiles(repository, tree: commit.tree, in: directory, cache: cache),
      commit: String(commit.id.prefix(12)))
  }

  /// Compiles it, except what is like an earlier state's.
  public func evaluation(
    for platforms: [Platform], cacheDirectory: String? = nil,
    after earlier: (state: GitState, evaluation: TreeEvaluation)?,
    progress: @Sendable (Double) -> Void = { _ in }
  ) throws(TreeError) -> TreeEvaluation {
    try TreeEvaluation(
      tree: tree, platforms: platforms, cacheDirectory: cacheDirectory,
      after: earlier?.evaluation,
      isAlike: { [repository, commit] files throws(TreeError) in
        guard let earlier else { return false }
        return try repository.haveSameFiles(earlier.state.commit.tree, commit.tree, files)
      }, progress: progress)
  }
}
