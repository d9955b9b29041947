import Foundation
import Support

/// Which lines of a tree are in a preprocessed text: what the compiler saw of it.
struct CompiledText: Sendable {
  /// The lines of each of the tree's files, from 1, that are not empty.
  let lines: [String: Set<Int>]
  /// Of the code without its places: equal texts make equal programs.  A text that can ask
  /// for its places, or has strings over several lines, counts as it is.
  let digest: [UInt8]

  /// - Parameter text: With lines such as `# 12 "/tree/kernel/dma/direct.c"`: see
  ///   ``withoutPath(_:of:)``.
  init(_ text: [UInt8], of tree: SourceTree) {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let hash = SHA256()
    var found: [String: Set<Int>] = [:]
    // Empty for what is no file of the tree.
    var known: [String: String] = [:]
    var names = Names(tree: SourceTree.place)
    for line in ByteLines(text[...]) {
      if let place = names.place(line) {
        guard known[place] == nil else { continue }
        // `direct/../debug.h` is one file with `debug.h`.
        let file = HarnessSource.path(of: place, from: "") ?? ""
        known[place] = !file.isEmpty && tree.exists(file) ? file : ""
        if known[place] == file, !file.isEmpty, found[file] == nil { found[file] = [] }
        continue
      }
      guard !line.allSatisfy(isBlank) else {
        names.line += 1
        continue
      }
      // A comment before or behind it leaves blanks.
      let code = line.drop(while: isBlank)
      hash.update(
        code.prefix((code.lastIndex { !isBlank($0) } ?? code.startIndex) + 1 - code.startIndex))
      hash.update([TextLines.newline][...])
      if let name = names.file, let file = known[name], !file.isEmpty {
        found[file, default: []].insert(names.line)
      }
      names.line += 1
    }
    if Self.asksForPlaces(text) { hash.update(text[...]) }
    lines = found
    digest = hash.finalize()
  }

  /// Whether the compiler may make something of lines that are skipped here: by builtins
  /// that say where they stand, and in raw strings.
  private static func asksForPlaces(_ text: [UInt8]) -> Bool {
    ["__builtin_LINE", "__builtin_FILE", "R\""].contains {
      ByteSearch($0).first(in: text) != nil
    }
  }

  /// An error of the linker with the file and line where what it misses is used first in a
  /// preprocessed text.
  static func placed(_ error: String, in text: [UInt8]) -> String {
    guard error.hasPrefix("undefined reference"),
      let open = error.firstIndex(of: "`"),
      let close = error[open...].firstIndex(of: "'")
    else { return error }
    let name = Array(error[error.index(after: open)..<close].utf8)
    var names = Names(tree: SourceTree.place)
    for line in ByteLines(text[...]) {
      if names.place(line) != nil { continue }
      defer { names.line += 1 }
      guard let file = names.file, line.count >= name.count else { continue }
      var rest = line
      while let start = rest.firstIndex(of: name[0]) {
        let end = start + name.count
        if rest[start...].starts(with: name), end == line.endIndex || !isWord(line[end]),
          start == line.startIndex || !isWord(line[start - 1])
        {
          return "\(file.printable(upTo: 200)):\(names.line): \(error)"
        }
        rest = rest[(start + 1)...]
      }
    }
    return error
  }

  /// A preprocessed text with ``SourceTree/place`` for the path of its tree.
  static func withoutPath(_ text: Data, of tree: SourceTree) -> [UInt8] {
    let (path, place) = (Array("\"\(tree.path)/".utf8), Array("\"\(SourceTree.place)/".utf8))
    var clean: [UInt8] = []
    clean.reserveCapacity(text.count)
    for line in ByteLines([UInt8](text)[...]) {
      var rest = line
      while let quote = rest.firstIndex(of: path[0]) {
        clean += rest[rest.startIndex..<quote]
        rest = rest[quote...]
        let isPath = rest.starts(with: path)
        clean += isPath ? place[...] : rest.prefix(1)
        rest = rest.dropFirst(isPath ? path.count : 1)
      }
      clean += rest
      clean.append(TextLines.newline)
    }
    return clean
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || byte == UInt8(ascii: "_")
  }

  /// The place of the next line, as the lines that begin with `#` say it.
  private struct Names {
    /// Below the tree, as it was included; nil outside of it.
    private(set) var file: String?
    var line = 0
    private let start: [UInt8]

    init(tree: String) { start = Array("\"\(tree)/".utf8) }

    /// The file that a line is a place in, empty outside of the tree; nil for code.
    mutating func place(_ text: ArraySlice<UInt8>) -> String? {
      guard text.starts(with: "# ".utf8) else { return nil }
      let digits = text.dropFirst(2).prefix { (48...57).contains($0) }
      // Any other, as #pragma, is code.
      guard let number = Int(String(decoding: digits, as: UTF8.self)),
        let quote = text.firstIndex(of: UInt8(ascii: "\""))
      else { return nil }
      line = number
      guard text[quote...].starts(with: start) else {
        file = nil
        return ""
      }
      let name = text[(quote + start.count)...].prefix { $0 != UInt8(ascii: "\"") }
      file = String(decoding: name, as: UTF8.self)
      return file
    }
  }
}
