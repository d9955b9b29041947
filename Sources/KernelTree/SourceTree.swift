import Foundation
import Support

/// A kernel tree as files that may be read; nothing in it is run.
public struct SourceTree: Sendable {
  /// The absolute path, without symbolic links.
  public let path: String
  /// Where files come from that are not in the directory yet; nil for a tree on disk.
  private let source: GitFiles?
  /// Who wants to know what is asked for.
  private var asked: AskedFiles?

  /// What stands for the path in what the compiler sees: programs of equal code are equal
  /// wherever their tree is.
  static let place = "/tree"

  /// Opens a tree.
  ///
  /// - Throws: ``TreeError/notATree(path:missing:)`` where a file is missing that
  ///   every tree has.
  public init(path: String) throws(TreeError) {
    guard let resolved = realpath(path, nil) else { throw .missing(path: path) }
    self.path = String(cString: resolved)
    free(resolved)
    source = nil
    try check { .notATree(path: path, missing: $0) }
  }

  /// A tree in a directory that is empty, whose files come from elsewhere.
  init(path: String, source: GitFiles, commit: String) throws(TreeError) {
    (self.path, self.source) = (path, source)
    try check { .noTreeIn(commit: commit, missing: $0) }
  }

  private func check(_ error: (_ missing: String) -> TreeError) throws(TreeError) {
    guard !path.contains(where: { "\"\\\n\r".contains($0) }) else {
      throw .unusablePath(path: path)
    }
    for file in ["kernel/dma/mapping.c", "kernel/dma/direct.c", "kernel/dma/swiotlb.c"]
    where !exists(file) {
      if let failure { throw failure }
      throw error(file)
    }
  }

  /// Why a file was not found that may be there; nil where all are known.
  var failure: TreeError? { source?.failure }

  /// The same tree, of which it is noted what it is asked for.
  func noting(_ asked: AskedFiles) -> SourceTree {
    var tree = self
    tree.asked = asked
    return tree
  }

  /// Whether files get into the directory only when they are asked for.
  var isLazy: Bool { source != nil }

  /// What is in the tree's directory, but neither hidden files nor links: all that a
  /// compiler may read.
  var entries: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { !$0.hasPrefix(".") }.sorted().map { path + "/" + $0 }
  }

  /// Whether the tree has a regular file.
  func exists(_ file: String) -> Bool { read(file) != nil }

  /// Whether a path below a tree stays in it: no part is empty, `.`, `..` or `.git`, which
  /// holds no source, but settings that programs obey and passwords of remotes.
  static func isInside(_ file: some StringProtocol) -> Bool {
    file.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
      !["", ".", "..", ".git"].contains($0.lowercased())
    } && !file.unicodeScalars.contains(where: \.isControl)
  }

  /// A file's text, or nil: see ``bytes(of:)``.
  func read(_ file: String) -> String? {
    bytes(of: file).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A file's bytes, or nil: no regular file, a link out of the tree or into its `.git`,
  /// or over 4 MiB.
  func bytes(of file: String) -> Data? {
    asked?.insert(file)
    if let source { return source.bytes(of: file) }
    return InputFile.contents(
      of: path + "/" + file, below: path, limit: Self.sizeLimit, accepting: Self.isInside
    ).map { Data($0) }
  }

  private static let sizeLimit = 4 << 20

  /// Whether a directory of the tree has this name.
  func isDirectory(_ file: String) -> Bool {
    var status = stat()
    return lstat(path + "/" + file, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether a part of a file's path above it is a file of the tree.
  func hasFile(above file: String, except removed: Set<String>) -> Bool {
    var parts = file.split(separator: "/").dropLast()
    while !parts.isEmpty {
      let parent = parts.joined(separator: "/")
      var status = stat()
      if !removed.contains(parent), lstat(path + "/" + parent, &status) == 0 {
        return status.st_mode & S_IFMT != S_IFDIR
      }
      parts.removeLast()
    }
    return false
  }

  /// The first of some files that defines a name.
  func file(defining name: String, among files: [String]) -> CSource? {
    for file in files {
      guard let text = read(file), text.contains(name) else { continue }
      let source = CSource(path: path + "/" + file, text: text)
      if source.defines(name) { return source }
    }
    return nil
  }

  /// `7.3.4` from the tree's Makefile, or nil: for people, never for decisions.
  public var version: String? {
    guard let text = read("Makefile") else { return nil }
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n").prefix(10) {
      let parts = line.split(separator: "=", maxSplits: 1).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    guard let major = fields["VERSION"], let minor = fields["PATCHLEVEL"] else { return nil }
    let sub = fields["SUBLEVEL"].map { ".\($0)" } ?? ""
    return "\(major).\(minor)\(sub)\(fields["EXTRAVERSION"] ?? "")"
  }
}
