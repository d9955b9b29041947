import Support

/// Why a tree cannot be evaluated; each is one sentence.
public enum TreeError: UserFacingError, Equatable {
  case missing(path: String)
  case notATree(path: String, missing: String)
  /// The same of a commit.
  case noTreeIn(commit: String, missing: String)
  case unusablePath(path: String)
  /// Before swiotlb had areas.
  case tooOld(version: String?)
  case noCompiler
  case notFound(family: String, name: String, files: String)
  /// - Parameter problems: File, line and what is missing there, at least one.
  case doesNotCompile(family: String, problems: [String], probe: String)
  /// The same of a tree with a series that compiles without it.
  /// - Parameter cause: Which patch wrote the first place.
  case seriesDoesNotCompile(family: String, problems: [String], cause: String)
  case cannotRun(reason: String)
  case failed(family: String, reason: String)
  case patch(String)
  case git(String)

  /// Missing names stand one on a line.
  public var isOneSentence: Bool { false }

  public var description: String {
    switch self {
    case .missing(let path):
      "--tree '\(path.printable(upTo: 400))' does not exist; accepted: a directory with a kernel tree"
    case .notATree(let path, let missing):
      "--tree '\(path.printable(upTo: 400))' is no kernel tree: '\(missing)' is missing"
    case .noTreeIn(let commit, let missing):
      "commit \(commit) holds no kernel tree: '\(missing)' is missing"
    case .unusablePath(let path):
      "--tree '\(path.printable(upTo: 400))' has a quote, backslash or line break in its path, which no #include can name"
    case .tooOld(let version):
      "the tree\(version.map { ", \($0.printable(upTo: 40))," } ?? "") is too old to be asked: its "
        + "kernel/dma/swiotlb.c has no 'struct io_tlb_area', which is there since 6.0; accepted: "
        + "6.0 and later"
    case .noCompiler:
      "no C compiler; accepted: cc, gcc or clang on PATH"
    case .notFound(let family, let name, let files):
      "the tree's \(family) code has no '\(name)' in \(files)"
    case .doesNotCompile(let family, let problems, let probe):
      "the tree's \(family) code does not compile against the harness"
        + (probe.isEmpty ? ": " : " (\(probe)): ") + (problems.first ?? "no message")
        + (problems.count > 1 ? ", and \(problems.count - 1) more" : "")
    case .seriesDoesNotCompile(let family, let problems, let cause):
      "with the series, the \(family) code does not compile against the harness, and without it "
        + "it does: \(problems.first ?? "no message")"
        + (problems.count > 1 ? ", and \(problems.count - 1) more" : "") + " (\(cause))"
    case .cannotRun(let reason): "the compiled tree cannot be run: \(reason)"
    case .failed(let family, let reason): "the tree's \(family) code stopped: \(reason)"
    case .patch(let sentence), .git(let sentence): sentence
    }
  }

  /// Whether others of the tree's architectures may still compile.
  var isOfOneFamily: Bool {
    switch self {
    case .notFound, .doesNotCompile, .seriesDoesNotCompile: true
    default: false
    }
  }

  /// Whether another state of the tree may be asked all the same.
  public var isOfTheTree: Bool {
    switch self {
    case .notATree, .noTreeIn, .tooOld, .notFound, .doesNotCompile, .seriesDoesNotCompile,
      .failed:
      true
    default: false
    }
  }

  /// What else is missing beside what the sentence names.
  public var details: [String] {
    switch self {
    case .doesNotCompile(_, let problems, _), .seriesDoesNotCompile(_, let problems, _):
      Array(problems.dropFirst())
    default: []
    }
  }
}
