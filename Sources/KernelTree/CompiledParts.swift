/// What is compiled of a tree, and of its files.
public struct CompiledParts: Sendable {
  /// The files that are compiled or read.
  private var files: Set<String>
  /// Of those that definitions are taken from by name, the names.
  private var definitions: [String: Set<String>]

  public init(_ evaluation: TreeEvaluation) {
    self.init(files: evaluation.files, definitions: evaluation.partial)
  }

  init(files: Set<String>, definitions: [String: Set<String>]) {
    (self.files, self.definitions) = (files, definitions)
  }

  /// Adds what is compiled of another state of the tree.
  public func union(_ other: CompiledParts) -> CompiledParts {
    var definitions: [String: Set<String>] = [:]
    for (file, names) in self.definitions where !other.files.contains(file) {
      definitions[file] = names
    }
    for (file, names) in other.definitions {
      if let known = self.definitions[file] {
        definitions[file] = names.union(known)
      } else if !files.contains(file) {
        definitions[file] = names
      }
    }
    return CompiledParts(files: files.union(other.files), definitions: definitions)
  }

  /// Whether what was rejected of a change may be code that is asked.
  public func mayDepend(on change: PatchedTree.Change) -> Bool {
    let paths = [change.change.old, change.change.new].compactMap { $0 }
    guard paths.contains(where: files.contains) else { return false }
    // Options of a configuration that the harness sets itself where it knows them.
    let name = change.file.split(separator: "/").last ?? ""
    if name == "Kconfig" || name == "Makefile" { return false }
    let hunks = change.change.hunks
    // Compiled whole, where one of its names is.
    let names = paths.filter(files.contains).reduce(into: Optional([])) { all, path in
      all = all.flatMap { known in definitions[path].map { known + $0 } }
    }
    return change.hunks.enumerated().contains { index, report in
      guard report.rejection != nil else { return false }
      guard hunks.indices.contains(index) else { return true }
      if hunks[index].changesIncludesAlone(besides: files) { return false }
      return names.map { hunks[index].mayTouch(Set($0)) } ?? true
    }
  }
}

extension Hunk {
  /// Whether all that it adds and removes is `#include <...>` of headers that are not
  /// compiled, `struct name;` and empty lines.
  func changesIncludesAlone(besides compiled: Set<String>) -> Bool {
    lines.allSatisfy { mark, line in
      if mark == UInt8(ascii: " ") { return true }
      let text = String(decoding: line.source[line.range].prefix(200), as: UTF8.self)
      if text.allSatisfy(\.isWhitespace) { return true }
      if let header = text.wholeMatch(of: /#include <([a-z0-9]+\/[A-Za-z0-9_\/.-]+)>\s*/) {
        return !header.1.hasPrefix("asm/") && !compiled.contains("include/\(header.1)")
      }
      return text.wholeMatch(of: /(struct|union|enum) \w+;\s*/) != nil
    }
  }

  /// Whether it may change one of the definitions with some names.
  ///
  /// The definition around its first lines stands in its header, and another one begins
  /// at the first column and ends with a `}` there.  A line of which neither tells where
  /// it lies may be anywhere.
  func mayTouch(_ names: Set<String>) -> Bool {
    // The words of the definition around the next line; nil where it is not known.
    var around: [String]? = oldStart <= 1 ? [] : Self.definition(section)
    func isOne(beside words: [String] = []) -> Bool {
      around.map { !names.isDisjoint(with: words + $0) } ?? true
    }
    for (mark, line) in lines {
      let text = line.source[line.range]
      let isChanged = mark != UInt8(ascii: " ")
      let words = CSource.words(String(decoding: text, as: UTF8.self))
      switch text.first {
      case nil, UInt8(ascii: " "), UInt8(ascii: "\t"):
        // The rest of a macro may be of any.
        if text.last == UInt8(ascii: "\\") { around = nil }
        if isChanged, text.contains(where: { $0 > 0x20 }), isOne() { return true }
      case UInt8(ascii: "#"):
        if isChanged, isOne(beside: words) { return true }
        around = around.map { $0 + words }
      case UInt8(ascii: "}"):
        if isChanged, isOne() { return true }
        around = []
      default:
        if isChanged, isOne(beside: words) { return true }
        // A label is in the function around it; a brace belongs to its head.
        if words.isEmpty || text.last == UInt8(ascii: ":") { continue }
        around = Self.definition(text)
      }
    }
    return false
  }

  /// The words of a line that begins a definition; nil where it does not say which.
  private static func definition(_ line: ArraySlice<UInt8>) -> [String]? {
    let text = String(decoding: line, as: UTF8.self)
    let says = ["(", "struct ", "enum ", "union "]
    guard !text.hasSuffix(":"), says.contains(where: text.contains) else { return nil }
    return CSource.words(text)
  }
}
