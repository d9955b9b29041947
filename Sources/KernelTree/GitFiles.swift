import Foundation
import Support

/// The files of a commit, which get into a directory as they are asked for.
final class GitFiles: Sendable {
  private let repository: GitRepository
  private let tree: String
  private let directory: String
  private let cache: BuildCache
  private let state = Locked<(asked: [String: Data?], failure: TreeError?)>(([:], nil))

  init(_ repository: GitRepository, tree: String, in directory: String, cache: BuildCache) {
    (self.repository, self.tree, self.directory, self.cache) = (repository, tree, directory, cache)
  }

  /// Why a file was not found that may be there.
  var failure: TreeError? { state.withLock { $0.failure } }

  /// A file's bytes, which are in the directory from now on; nil where there is none.
  func bytes(of file: String) -> Data? {
    state.withLock { state in
      if let known = state.asked[file] { return known }
      var found: Data?
      do throws(TreeError) {
        found = try repository.file(file, in: tree).map { Data($0) }
        if let found { try cache.write(found, to: directory + "/" + file) }
      } catch {
        state.failure = state.failure ?? error
      }
      state.asked[file] = .some(found)
      return found
    }
  }
}

/// The files that were asked for, whether a tree has them or not.
final class AskedFiles: Sendable {
  private let files = Locked<Set<String>>([])

  func insert(_ file: String) { files.withLock { _ = $0.insert(file) } }

  var all: Set<String> { files.withLock { $0 } }
}
