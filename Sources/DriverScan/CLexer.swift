/// Splits C source into tokens: comments and dead code are left out, directives are
/// read, and braces are counted so that both branches of an `#if` may open one.
struct CLexer {
  /// A `#if` that is open.
  private struct Conditional {
    let group: Int32
    var branch: Int32 = 0
    let parent: Int32
    let depth: Int32
    /// The depth at the end of the first branch, which the code behind continues.
    var firstEnd: Int32?
    /// Whether this branch is `#if 0`.
    var isDead: Bool
    let outerIsDead: Bool
    /// Whether a branch is always compiled, `#if 1`, and those behind it never.
    var isTaken = false
  }

  private(set) var tokens: [CToken] = []
  private(set) var macroTokens: [CToken] = []
  private(set) var macros: [String: [CMacro]] = [:]
  private(set) var undefined: Set<String> = []
  private(set) var includes: [CFile.Include] = []
  private(set) var regions: [CRegion] = []
  private(set) var isTooDeep = false
  private var bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var line: Int32 = 1
  private var depth: Int32 = 0
  private var region: Int32 = -1
  /// The region of the directive that is read.
  private var defined: Int32 = -1
  private var groups: Int32 = 0
  private var stack: [Conditional] = []
  /// `#if`s beyond the limit that wait for their `#endif`.
  private var ignored = 0
  private var isDead = false
  /// `X` of the `#ifndef X` that a header begins with.
  private var includeGuard: String?

  /// Kernels nest ten deep.
  private static let nestingLimit = 100

  /// - Parameter bytes: Must outlive the lexer.
  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func run() {
    var isLineStart = true
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        position += 1
        isLineStart = true
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), 0x0b, 0x0c:
        position += 1
      case UInt8(ascii: "#") where isLineStart:
        directive()
      default:
        if skipsComment() || skipsSplice() { continue }
        isLineStart = false
        if isDead {
          skipDead()
        } else if let token = token() {
          tokens.append(token)
        }
      }
    }
  }

  /// In dead code only line ends, comments and literals matter.
  private mutating func skipDead() {
    // An apostrophe there is one of prose.
    position += 1
    while position < bytes.count, bytes[position] != UInt8(ascii: "\n"),
      bytes[position] != UInt8(ascii: "/")
    {
      position += 1
    }
  }

  private mutating func skipsSplice() -> Bool {
    guard bytes[position] == UInt8(ascii: "\\") else { return false }
    position += 1
    return true
  }

  private mutating func skipsComment() -> Bool {
    guard bytes[position] == UInt8(ascii: "/"), position + 1 < bytes.count else { return false }
    if bytes[position + 1] == UInt8(ascii: "/") {
      while position < bytes.count, bytes[position] != UInt8(ascii: "\n") {
        if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count,
          bytes[position + 1] == UInt8(ascii: "\n")
        {
          line += 1
          position += 1
        }
        position += 1
      }
      return true
    }
    guard bytes[position + 1] == UInt8(ascii: "*") else { return false }
    position += 2
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "\n") { line += 1 }
      if bytes[position] == UInt8(ascii: "*"), position + 1 < bytes.count,
        bytes[position + 1] == UInt8(ascii: "/")
      {
        position += 2
        return true
      }
      position += 1
    }
    return true
  }

  /// The next token, or nil for a byte that begins none.
  private mutating func token() -> CToken? {
    let (start, first, at) = (position, bytes[position], line)
    func made(_ kind: CToken.Kind, _ code: UInt32 = 0, _ end: Int, _ depth: Int32) -> CToken {
      CToken(
        kind: kind, code: code, start: Int32(start), end: Int32(end), line: at, depth: depth,
        region: region)
    }
    if first.isWord {
      while position < bytes.count, bytes[position].isWord { position += 1 }
      return made(first.isDigit ? .number : .identifier, 0, position, depth)
    }
    if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
      skipLiteral()
      let kind = first == UInt8(ascii: "'") ? CToken.Kind.character : .string
      return made(kind, 0, position, depth)
    }
    guard first > 0x20, first < 0x7f else {
      position += 1
      return nil
    }
    let length = punctuationLength()
    position += length
    var code: UInt32 = 0
    for index in (start..<start + length).reversed() { code = code << 8 | UInt32(bytes[index]) }
    var own = depth
    if first == UInt8(ascii: "{") {
      depth &+= 1
    } else if first == UInt8(ascii: "}") {
      depth = max(0, depth &- 1)
      own = depth
    }
    return made(.punctuation, code, position, own)
  }

  private mutating func skipLiteral() {
    let quote = bytes[position]
    position += 1
    while position < bytes.count, bytes[position] != quote {
      if bytes[position] == UInt8(ascii: "\n") { return }
      if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count {
        position += 1
        if bytes[position] == UInt8(ascii: "\n") { line += 1 }
      }
      position += 1
    }
    position = min(position + 1, bytes.count)
  }

  private func punctuationLength() -> Int {
    func at(_ offset: Int) -> UInt8 {
      position + offset < bytes.count ? bytes[position + offset] : 0
    }
    let (a, b, c) = (at(0), at(1), at(2))
    let equals = UInt8(ascii: "=")
    switch a {
    case UInt8(ascii: "<"), UInt8(ascii: ">"):
      if b == a { return c == equals ? 3 : 2 }
      return b == equals ? 2 : 1
    case UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "+"):
      return b == a || b == equals ? 2 : 1
    case UInt8(ascii: "-"):
      return b == a || b == equals || b == UInt8(ascii: ">") ? 2 : 1
    case UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "*"), UInt8(ascii: "/"),
      UInt8(ascii: "%"), UInt8(ascii: "^"):
      return b == equals ? 2 : 1
    case UInt8(ascii: "."):
      return b == a && c == a ? 3 : 1
    default: return 1
    }
  }
}

extension UInt8 {
  var isDigit: Bool { self >= 0x30 && self <= 0x39 }

  /// A byte of an identifier or a number.
  var isWord: Bool {
    isDigit || (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7a || self == 0x5f || self >= 0x80
  }
}

// MARK: - Directives

extension CLexer {
  /// Reads a directive to the end of its last line.
  private mutating func directive() {
    position += 1
    let at = line
    let start = macroTokens.count
    let saved = (depth, region)
    defined = region
    // Bodies of macros may open braces that they do not close.
    (depth, region) = (0, -1)
    readLine()
    (depth, region) = saved
    let words = Array(macroTokens[start...])
    guard let first = words.first, first.kind == .identifier else {
      macroTokens.removeSubrange(start...)
      return
    }
    let name = text(first)
    if name == "define", !isDead, define(start, line: Int(at)) { return }
    if name == "undef", !isDead, words.count > 1 { undefined.insert(text(words[1])) }
    let rest = Array(words.dropFirst())
    macroTokens.removeSubrange(start...)
    conditional(name, rest)
    if name == "include", !isDead { include(rest) }
  }

  /// The tokens of the rest of a line, where a backslash continues it.
  private mutating func readLine() {
    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\\") {
        position += 1
        if position < bytes.count, bytes[position] == UInt8(ascii: "\r") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "\n") {
          position += 1
          line += 1
        }
      } else if byte <= 0x20 {
        position += 1
      } else if !skipsComment(), let token = token() {
        macroTokens.append(token)
      }
    }
  }

  /// Keeps a macro whose tokens, from `define` on, begin at `start`.
  private mutating func define(_ start: Int, line: Int) -> Bool {
    let tokens = macroTokens
    guard start + 1 < tokens.count, tokens[start + 1].kind == .identifier else { return false }
    let name = tokens[start + 1]
    var body = start + 2
    var parameters: [String]?
    if body < tokens.count, tokens[body].is("("), tokens[body].start == name.end {
      guard let close = tokens[body...].firstIndex(where: { $0.is(")") }) else { return false }
      // `args...` names what `...` leaves without a name.
      parameters = (body + 1..<close).compactMap { index in
        let token = tokens[index]
        if token.is("..."), tokens[index - 1].kind != .identifier { return "__VA_ARGS__" }
        return token.kind == .identifier ? text(token) : nil
      }
      body = close + 1
    }
    let key = text(name)
    if key == includeGuard, macros.isEmpty, body == tokens.count, parameters == nil {
      // What a header holds once is in no branch.
      (defined, region) = (-1, -1)
    }
    macros[key, default: []].append(
      CMacro(
        name: key, parameters: parameters, body: body..<tokens.count, line: line,
        region: defined))
    return true
  }

  private func text(_ token: CToken) -> String {
    String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self)
  }

  private mutating func include(_ words: [CToken]) {
    guard let first = words.first else { return }
    if first.kind == .string {
      includes.append(
        .init(
          name: String(text(first).dropFirst().dropLast()), isQuoted: true,
          isConditional: defined >= 0))
    } else if first.is("<"), let last = words.last, last.is(">") {
      let name = bytes[Int(first.end)..<Int(last.start)]
      includes.append(
        .init(
          name: String(decoding: name, as: UTF8.self), isQuoted: false,
          isConditional: defined >= 0))
    }
  }

  /// Whether a condition holds wherever it is compiled: `0`, `1`, and what no kernel of the
  /// modelled architectures has, of which all have 64 bits.
  private func constant(_ name: String, _ words: [CToken]) -> Bool? {
    let texts = words.map(text)
    if name == "ifdef" || name == "ifndef" {
      guard texts.first == "CONFIG_HIGHMEM" else { return nil }
      return name == "ifndef"
    }
    switch texts.joined() {
    case "0": return false
    case "1": return true
    case "defined(CONFIG_HIGHMEM)", "definedCONFIG_HIGHMEM", "IS_ENABLED(CONFIG_HIGHMEM)":
      return false
    case "!defined(CONFIG_HIGHMEM)", "!IS_ENABLED(CONFIG_HIGHMEM)": return true
    default: return nil
    }
  }

  private mutating func conditional(_ name: String, _ words: [CToken]) {
    let known = constant(name, words)
    let (isZero, isOne) = (known == false, known == true)
    switch name {
    case "if", "ifdef", "ifndef":
      guard stack.count < Self.nestingLimit else {
        isTooDeep = true
        ignored += 1
        return
      }
      groups += 1
      if name == "ifndef", let first = words.first, tokens.isEmpty,
        includes.isEmpty || text(first).contains("_H"), macros.isEmpty, stack.isEmpty
      {
        includeGuard = text(first)
      }
      stack.append(
        Conditional(
          group: groups, parent: region, depth: depth, isDead: isZero,
          outerIsDead: isDead, isTaken: isOne))
      // What is always compiled leaves no other way.
      enterBranch(isElse: isOne)
    case "else", "elif", "elifdef", "elifndef":
      guard ignored == 0, let last = stack.indices.last else { return }
      if !stack[last].isDead, stack[last].firstEnd == nil { stack[last].firstEnd = depth }
      stack[last].branch += 1
      stack[last].isDead = stack[last].isTaken || name == "elif" && isZero
      if name == "elif", isOne { stack[last].isTaken = true }
      depth = stack[last].depth
      enterBranch(isElse: name == "else")
    case "endif":
      if ignored > 0 {
        ignored -= 1
      } else if let last = stack.popLast() {
        if let end = last.firstEnd { depth = end } else if last.isDead { depth = last.depth }
        region = last.parent
        isDead = last.outerIsDead
      }
    default: break
    }
  }

  private mutating func enterBranch(isElse: Bool) {
    guard let last = stack.last else { return }
    isDead = last.outerIsDead || last.isDead
    regions.append(
      CRegion(
        parent: last.parent, group: last.group, branch: last.branch, isElse: isElse,
        isDead: last.isDead))
    region = Int32(regions.count - 1)
  }
}
