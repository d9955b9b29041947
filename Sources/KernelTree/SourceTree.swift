import Foundation

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

  /// Whether the tree has a regular file.
  func exists(_ file: String) -> Bool { read(file) != nil }

  /// A file's text, or nil: no regular file, a link out of the tree, or over 4 MiB.
  func read(_ file: String) -> String? {
    guard let full = realpath(path + "/" + file, nil) else { return nil }
    defer { free(full) }
    let resolved = String(cString: full)
    // Asked before it is opened: a named pipe would never answer.
    var status = stat()
    guard resolved.hasPrefix(path + "/"), stat(full, &status) == 0,
      status.st_mode & S_IFMT == S_IFREG, status.st_size <= 4 << 20,
      let data = FileManager.default.contents(atPath: resolved)
    else { return nil }
    return String(decoding: data, as: UTF8.self)
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
