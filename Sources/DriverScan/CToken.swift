/// A word of C source.
struct CToken: Sendable {
  enum Kind: UInt8, Sendable {
    case identifier, number, string, character, punctuation
  }

  let kind: Kind
  /// The bytes of punctuation, the first in the lowest bits; 0 for other kinds.
  let code: UInt32
  let start: Int32
  let end: Int32
  let line: Int32
  /// How many braces are open: before a `{`, behind a `}`.
  let depth: Int32
  /// The branch of conditional compilation that it stands in.
  let region: Int32

  func `is`(_ text: StaticString) -> Bool {
    kind == .punctuation && code == punctuation(text)
  }
}

/// A word of an expression: a token of the file, or of a macro's body.
struct CWord: Sendable {
  let kind: CToken.Kind
  let text: String
  /// Its token in the file, or -1.
  let token: Int
}

/// Punctuation of one to three characters as the code of a token.
@inline(__always) func punctuation(_ text: StaticString) -> UInt32 {
  text.withUTF8Buffer { bytes in
    var code: UInt32 = 0
    for index in bytes.indices.reversed() { code = code << 8 | UInt32(bytes[index]) }
    return code
  }
}

/// A branch of `#if`, inside of others.
struct CRegion: Sendable {
  /// The branch around it, or -1.
  let parent: Int32
  /// What its branches have in common.
  let group: Int32
  let branch: Int32
  /// Whether it is what `#else` begins.
  let isElse: Bool
  /// Whether it is never compiled: `#if 0`.
  let isDead: Bool
}

/// A `#define`.
struct CMacro: Sendable {
  let name: String
  /// nil where it takes none.
  let parameters: [String]?
  /// Its tokens in ``CFile/macroTokens``.
  let body: Range<Int>
  let line: Int
  /// The branch of conditional compilation that it stands in.
  let region: Int32
}

/// A C file as tokens, without comments and code below `#if 0`.
struct CFile: Sendable {
  /// Below the tree.
  let path: String
  let bytes: [UInt8]
  var tokens = CTokens()
  /// The bodies of macros.
  var macroTokens: [CToken] = []
  var macros: [String: [CMacro]] = [:]
  /// The names of `#undef`.
  var undefined: Set<String> = []
  /// An `#include`.
  struct Include: Sendable {
    let name: String
    /// Whether it is `"x.h"`.
    let isQuoted: Bool
    /// Whether it stands in a branch of `#if`.
    let isConditional: Bool
  }
  /// What is included, in order.
  var includes: [Include] = []
  var regions: [CRegion] = []
  /// Where its names stand, where that was asked for.
  var index: NameIndex?
  /// Macros that change how a function runs, and are not understood.
  var opaqueMacros: Set<String> = []
  /// Whether `#if` or braces nest deeper than any kernel's, where it is not followed.
  var isTooDeep = false

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    let lexer = bytes.withUnsafeBufferPointer { bytes in
      var lexer = CLexer(bytes)
      lexer.run()
      return lexer
    }
    tokens = CTokens(lexer.tokens)
    macroTokens = lexer.macroTokens
    macros = lexer.macros
    undefined = lexer.undefined
    includes = lexer.includes
    regions = lexer.regions
    isTooDeep = lexer.isTooDeep
  }

  /// The text of a token.
  func text(_ token: CToken) -> String {
    String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self)
  }

  /// Whether a token is an identifier with this name.
  func isNamed(_ token: CToken, _ name: StaticString) -> Bool {
    guard token.kind == .identifier, Int(token.end - token.start) == name.utf8CodeUnitCount
    else { return false }
    return name.withUTF8Buffer { name in
      bytes[Int(token.start)..<Int(token.end)].elementsEqual(name)
    }
  }

  /// The text of tokens as it is written, with single blanks between those that
  /// were apart.
  func text(_ tokens: some Collection<CToken>) -> String {
    var result = ""
    var last: CToken?
    for token in tokens {
      if let last, last.end != token.start { result += " " }
      result += text(token)
      last = token
    }
    return result
  }

  /// Whether a macro of its own makes the names of module parameters.
  var pastesParameters: Bool {
    macros.values.joined().contains { macro in
      let body = macroTokens[macro.body]
      return body.contains { $0.is("#") }
        && body.contains { $0.kind == .identifier && text($0).contains("_param") }
    }
  }

  /// Whether a macro is the same wherever it is used: never undefined, and defined once in
  /// each branch of an `#if`.
  func isStable(_ name: String) -> Bool {
    guard !undefined.contains(name) else { return false }
    let all = macros[name] ?? []
    guard all.count > 1 else { return true }
    guard all.count <= 8 else { return false }
    return !all.indices.contains { one in
      all.indices.contains { one < $0 && areCompatible(all[one].region, all[$0].region) }
    }
  }

  /// Whether a name has one of its definitions wherever code in a region is compiled.
  func isAlwaysDefined(_ name: String, in use: Int32) -> Bool {
    let all = macros[name] ?? []
    if all.contains(where: { encloses($0.region, use) }) { return true }
    // One in each branch of an `#if` with an `#else`.
    guard let first = all.first, first.region >= 0 else { return false }
    let (group, parent) = (regions[Int(first.region)].group, regions[Int(first.region)].parent)
    let branches = regions.filter { $0.group == group && !$0.isDead }
    let taken = Set(
      all.filter { $0.region >= 0 && regions[Int($0.region)].group == group }
        .map { regions[Int($0.region)].branch })
    return encloses(parent, use) && branches.contains(where: \.isElse)
      && branches.allSatisfy { taken.contains($0.branch) }
  }

  /// Whether code in one region can be compiled together with that in another.
  func areCompatible(_ one: Int32, _ other: Int32) -> Bool {
    var region = one
    while region >= 0 {
      var second = other
      while second >= 0 {
        let (a, b) = (regions[Int(region)], regions[Int(second)])
        if a.group == b.group, a.branch != b.branch { return false }
        second = b.parent
      }
      region = regions[Int(region)].parent
    }
    return true
  }

  /// Whether code in a region is always compiled where `inner` is.
  func encloses(_ outer: Int32, _ inner: Int32) -> Bool {
    if outer < 0 { return true }
    var region = inner
    while region >= 0 {
      if region == outer { return true }
      region = regions[Int(region)].parent
    }
    return false
  }
}
