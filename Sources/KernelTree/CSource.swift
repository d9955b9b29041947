/// A C file split at its top level, so that definitions can be taken by name.
///
/// It knows no more of C than the kernel's style needs: a definition starts at the
/// top level and ends with `;` or with the brace that closes a function. The text
/// of what is taken is unchanged.
struct CSource {
  /// One definition or preprocessor line of the top level.
  struct Item {
    enum Kind { case conditional, define, function, declaration }
    let kind: Kind
    let text: String
    /// The line of the file that it starts at, from 1.
    let line: Int
    /// What it defines.
    let names: Set<String>
    /// Every identifier in it.
    let identifiers: Set<String>
    /// A prototype or a declaration without storage.
    let isPrototype: Bool

    /// `postcore_initcall(f);`, `early_param("name", f);`
    var isRegistration: Bool {
      guard kind == .declaration, let name = names.first else { return false }
      return name.hasSuffix("initcall") || name == "early_param"
    }
  }

  let path: String
  private(set) var items: [Item] = []

  init(path: String, text: String) {
    self.path = path
    var splitter = CSplitter(text)
    items = splitter.split()
  }

  /// Whether the file defines a name other than by a prototype.
  func defines(_ name: String) -> Bool {
    items.contains { !$0.isPrototype && $0.names.contains(name) }
  }

  /// The text of some definitions and of all that they use in this file.
  ///
  /// - Parameters:
  ///   - roots: The names wanted; those that the file does not define are ignored.
  ///   - stop: Names that somebody else defines.
  func extract(_ roots: [String], stop: Set<String> = []) -> (text: String, names: Set<String>) {
    var byName: [String: [Int]] = [:]
    for (index, item) in items.enumerated() {
      for name in item.names where !stop.contains(name) { byName[name, default: []].append(index) }
    }
    var wanted: Set<Int> = []
    var found: Set<String> = []
    var queue = roots
    while let name = queue.popLast() {
      guard !found.contains(name), let indices = byName[name] else { continue }
      found.insert(name)
      for index in indices where wanted.insert(index).inserted {
        queue.append(contentsOf: items[index].identifiers.filter { !found.contains($0) })
      }
    }
    guard !wanted.isEmpty else { return ("", []) }
    // What registers an extracted function belongs to it.
    for (index, item) in items.enumerated() where item.isRegistration {
      if !item.identifiers.isDisjoint(with: found) { wanted.insert(index) }
    }
    var text = ""
    for (index, item) in items.enumerated() {
      if item.kind == .conditional {
        text += item.text + "\n"
      } else if wanted.contains(index) {
        text += "#line \(item.line) \"\(path)\"\n\(item.text)\n"
      }
    }
    return (text, found)
  }
}

/// Splits the text of a C file.
private struct CSplitter {
  private let original: [UInt8]
  /// The same bytes with comments blanked.
  private let code: [UInt8]
  private var position = 0
  private var line = 1

  init(_ text: String) {
    original = Array(text.utf8)
    code = Self.withoutComments(original)
  }

  mutating func split() -> [CSource.Item] {
    var items: [CSource.Item] = []
    while position < code.count {
      let byte = code[position]
      if byte == UInt8(ascii: "\n") {
        line += 1
        position += 1
      } else if Self.isSpace(byte) || byte == UInt8(ascii: ";") {
        position += 1
      } else if byte == UInt8(ascii: "#") {
        if let item = preprocessorLine() { items.append(item) }
      } else {
        items.append(definition())
      }
    }
    return items
  }

  private mutating func preprocessorLine() -> CSource.Item? {
    let (start, first) = (position, line)
    while position < code.count {
      if code[position] == UInt8(ascii: "\n") {
        guard position > start, code[position - 1] == UInt8(ascii: "\\") else { break }
        line += 1
      }
      position += 1
    }
    let text = String(decoding: code[start..<position], as: UTF8.self)
    let words = CSource.words(text)
    guard let directive = words.first else { return nil }
    switch directive {
    case "if", "ifdef", "ifndef", "elif", "else", "endif":
      return CSource.Item(
        kind: .conditional, text: text, line: first, names: [], identifiers: [],
        isPrototype: false)
    case "define":
      guard words.count > 1 else { return nil }
      return CSource.Item(
        kind: .define, text: text, line: first, names: [words[1]],
        identifiers: Set(words.dropFirst(2)), isPrototype: false)
    default: return nil
    }
  }

  /// Reads up to the `;` or closing brace of one definition.
  private mutating func definition() -> CSource.Item {
    let (start, first) = (position, line)
    var (braces, parentheses) = (0, 0)
    var bodyStart: Int?
    var lastCode: UInt8 = 0
    var isFunction = false
    scan: while position < code.count {
      let byte = code[position]
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "\""), UInt8(ascii: "'"): skipLiteral(byte)
      case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
      case UInt8(ascii: "{"):
        if braces == 0, bodyStart == nil {
          bodyStart = position
          isFunction = lastCode == UInt8(ascii: ")") && parentheses == 0
        }
        braces += 1
      case UInt8(ascii: "}"):
        braces -= 1
        if braces <= 0, isFunction {
          position += 1
          break scan
        }
      case UInt8(ascii: ";") where braces == 0 && parentheses <= 0:
        position += 1
        break scan
      case UInt8(ascii: "#") where braces == 0 && parentheses == 0 && isLineStart(start):
        break scan  // a macro call without `;`
      default: break
      }
      if !Self.isSpace(byte), byte != UInt8(ascii: "\n") { lastCode = byte }
      position += 1
    }
    position = min(position, code.count)  // a literal that nothing closes
    let head = String(decoding: code[start..<(bodyStart ?? position)], as: UTF8.self)
    let body = String(decoding: code[start..<position], as: UTF8.self)
    let (names, isPrototype) = Self.names(
      head: head, whole: body, isFunction: isFunction, hasBody: bodyStart != nil)
    return CSource.Item(
      kind: isFunction ? .function : .declaration,
      text: String(decoding: original[start..<position], as: UTF8.self), line: first,
      names: names, identifiers: Set(CSource.words(body)), isPrototype: isPrototype)
  }

  private func isLineStart(_ start: Int) -> Bool {
    position > start && code[position - 1] == UInt8(ascii: "\n")
  }

  private mutating func skipLiteral(_ quote: UInt8) {
    position += 1
    while position < code.count, code[position] != quote {
      if code[position] == UInt8(ascii: "\\") { position += 1 }
      if position < code.count, code[position] == UInt8(ascii: "\n") { line += 1 }
      position += 1
    }
  }

  /// What a definition defines.
  private static func names(
    head: String, whole: String, isFunction: Bool, hasBody: Bool
  ) -> (Set<String>, isPrototype: Bool) {
    if isFunction || (!hasBody && head.contains("(") && !head.contains("=")) {
      let (name, arguments) = CSource.called(head)
      guard let name else { return ([], false) }
      // DEFINE_STATIC_KEY_FALSE(x), LIST_HEAD(x): the argument is what is defined.
      if !isFunction, name == name.uppercased() {
        return (Set(CSource.words(arguments).prefix(1)), false)
      }
      return ([name], !isFunction)
    }
    let words = CSource.words(head)
    guard hasBody, let tag = words.firstIndex(where: { ["struct", "union", "enum"].contains($0) }),
      !head.contains("="), !head.contains("(")
    else {
      let declared = head.split(separator: "=", maxSplits: 1).first.map(String.init) ?? head
      let before = declared.split(separator: "[", maxSplits: 1).first.map(String.init) ?? declared
      let isPrototype = words.first == "extern" || (words.first == "struct" && words.count == 2)
      // `int name __read_mostly;`: annotations are no names.
      var candidates = CSource.words(before)
      while let last = candidates.last, last.hasPrefix("__"), candidates.count > 2,
        !["int", "long", "char", "bool", "unsigned", "u8", "u16", "u32", "u64"]
          .contains(candidates[candidates.count - 2])
      {
        candidates.removeLast()
      }
      return (Set(candidates.suffix(1)), isPrototype)
    }
    var names = Set(words.dropFirst(tag + 1).prefix(1))
    if words[tag] == "enum", let open = whole.firstIndex(of: "{") {
      for enumerator in whole[whole.index(after: open)...].split(separator: ",") {
        names.formUnion(CSource.words(String(enumerator)).prefix(1))
      }
    }
    // `static struct tag { … } variable`
    if let close = whole.lastIndex(of: "}") {
      let after = CSource.words(String(whole[close...]))
      names.formUnion(after.prefix(1))
    }
    return (names, false)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  private static func withoutComments(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    var index = 0
    func blank(_ range: Range<Int>) {
      for position in range where result[position] != UInt8(ascii: "\n") {
        result[position] = UInt8(ascii: " ")
      }
    }
    while index < bytes.count {
      let byte = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
        var end = index + 2
        while end + 1 < bytes.count,
          !(bytes[end] == UInt8(ascii: "*") && bytes[end + 1] == UInt8(ascii: "/"))
        { end += 1 }
        let stop = min(end + 2, bytes.count)
        blank(index..<stop)
        index = stop
      } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "/") {
        var end = index
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        blank(index..<end)
        index = end
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        index += 1
        while index < bytes.count, bytes[index] != byte, bytes[index] != UInt8(ascii: "\n") {
          index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        index += 1
      } else {
        index += 1
      }
    }
    return result
  }
}

extension CSource {
  /// The identifiers of a text, in order; literals are skipped.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word: [UInt8] = []
    var quote: UInt8?
    var escaped = false
    for byte in text.utf8 {
      if let open = quote {
        if escaped {
          escaped = false
        } else if byte == UInt8(ascii: "\\") {
          escaped = true
        } else if byte == open || byte == UInt8(ascii: "\n") {
          quote = nil  // an apostrophe in a comment ends with its line
        }
        continue
      }
      if isWord(byte) {
        word.append(byte)
        continue
      }
      if let first = word.first, !(48...57).contains(first) {
        words.append(String(decoding: word, as: UTF8.self))
      }
      word.removeAll(keepingCapacity: true)
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { quote = byte }
    }
    if let first = word.first, !(48...57).contains(first) {
      words.append(String(decoding: word, as: UTF8.self))
    }
    return words
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, 95: true
    default: false
    }
  }

  /// The members of a structure that are one bit wide: `unsigned int name:1;`.
  static func bitFields(_ structure: String) -> [String] {
    structure.matches(of: /([A-Za-z_][A-Za-z_0-9]*)[ \t]*:[ \t]*1[ \t]*;/).map { String($0.1) }
  }

  /// The name before the first parenthesis that is not an attribute's, and what
  /// the parentheses hold.
  static func called(_ head: String) -> (name: String?, arguments: String) {
    var rest = Substring(head)
    while let open = rest.firstIndex(of: "(") {
      let name = words(String(rest[..<open])).last
      var (depth, index) = (0, open)
      while index < rest.endIndex {
        if rest[index] == "(" { depth += 1 }
        if rest[index] == ")" { depth -= 1 }
        if depth == 0 { break }
        index = rest.index(after: index)
      }
      let close = index < rest.endIndex ? rest.index(after: index) : rest.endIndex
      let arguments = String(rest[open..<close])
      guard let name else { return (nil, "") }
      if name != "__attribute__", name != "__section", name != "__aligned", name != "__printf" {
        return (name, arguments)
      }
      rest = rest[close...]
    }
    return (nil, "")
  }
}
