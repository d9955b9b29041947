import Foundation
import Support

/// A kernel tree as files that may be read; nothing in it is run.
public struct SourceTree: Sendable {
  /// The absolute path, without symbolic links.
  public let path: String

  /// Opens a tree.
  ///
  /// - Throws: ``TreeError/notATree(path:missing:)`` where a file is missing that
  ///   every tree has.
  public init(path: String) throws(TreeError) {
    guard let resolved = realpath(path, nil) else { throw .missing(path: path) }
    self.path = String(cString: resolved)
    free(resolved)
    guard !self.path.contains(where: { "\"\\\n\r".contains($0) }) else {
      throw .unusablePath(path: self.path)
    }
    for file in ["kernel/dma/mapping.c", "kernel/dma/direct.c", "kernel/dma/swiotlb.c"]
    where !exists(file) {
      throw .notATree(path: path, missing: file)
    }
  }

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
    InputFile.contents(
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
