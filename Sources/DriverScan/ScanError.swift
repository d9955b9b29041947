import Support

/// Why a tree's drivers cannot be read; each is one sentence.
public enum ScanError: UserFacingError, Equatable {
  /// The same about a tree that another option than --tree names.
  public func named(by option: String) -> String {
    option + description.dropFirst("--tree".count)
  }

  case missing(path: String)
  case notATree(path: String, missing: String)
  case tooLarge(path: String, what: String, limit: Int)

  public var description: String {
    switch self {
    case .missing(let path):
      "--tree '\(path.printable)' does not exist; accepted: a directory with a kernel tree"
    case .notATree(let path, let missing):
      "--tree '\(path.printable)' is no kernel tree: '\(missing)' is missing"
    case .tooLarge(let path, let what, let limit):
      "--tree '\(path.printable)' has more than \(limit) \(what), which no kernel tree has"
    }
  }
}
