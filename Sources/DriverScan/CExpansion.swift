/// Puts what a file's macros stand for in their place, where that changes how a function
/// runs: `TRY(x)` that returns, `CHECK(x)` that jumps, `CLEAR(x)` that assigns.
struct CExpansion {
  private let file: CFile
  /// Macros with such words.
  private let names: Set<String>
  /// Those of them that are not understood.
  private(set) var opaque: Set<String> = []
  private(set) var tokens: [CToken] = []
  /// How many tokens may be made.
  private var left = Self.limit

  /// 7.3's drivers make some hundred.
  private static let limit = 100_000
  private static let depthLimit = 8

  private static let words: Set<String> = [
    "return", "goto", "if", "else", "for", "while", "do", "switch", "case", "break", "continue",
  ]

  /// - Parameter functions: Those of the file; what is outside of all stays.
  init(_ file: CFile, functions: [CFunction]) {
    self.file = file
    var names: Set<String> = []
    for (name, macros) in file.macros {
      let isFlow = macros.contains { Self.isFlow(file.macroTokens[$0.body], file) }
      let sets = macros.contains { macro in
        file.macroTokens[macro.body].contains { token in
          token.kind == .identifier && DriverFile.setters[file.text(token)] != nil
        }
      }
      if isFlow, !sets { names.insert(name) }
    }
    self.names = names
    guard !names.isEmpty else {
      tokens = Array(file.tokens)
      return
    }
    var next = 0
    for function in functions {
      tokens += file.tokens[next..<function.body.lowerBound]
      tokens += expanded(file.tokens[function.body], hiding: [])
      next = function.body.upperBound + 1
    }
    tokens += file.tokens[next...]
  }

  /// Whether a body has a word of flow, or assigns.
  private static func isFlow(_ body: ArraySlice<CToken>, _ file: CFile) -> Bool {
    body.indices.contains { index in
      let token = body[index]
      if token.kind == .identifier { return words.contains(file.text(token)) }
      if token.is("++") || token.is("--") || file.isCompound(token) { return true }
      guard token.is("="), index > body.startIndex else { return false }
      // `.name = x` is a value's.
      return !(index > body.startIndex + 1 && body[index - 2].is("."))
    }
  }

  private mutating func expanded(
    _ input: ArraySlice<CToken>, hiding: Set<String>
  ) -> [CToken] {
    var result: [CToken] = []
    var index = input.startIndex
    while index < input.endIndex {
      let token = input[index]
      index += 1
      guard token.kind == .identifier, isWanted(token) else {
        result.append(token)
        continue
      }
      let name = file.text(token)
      if let last = result.last, last.is(".") || last.is("->") {
        result.append(token)
        continue
      }
      guard names.contains(name), !hiding.contains(name) else {
        result.append(token)
        continue
      }
      guard let (made, next) = replacement(name, token, input, index, hiding: hiding) else {
        if !isHarmless(name) { opaque.insert(name) }
        result.append(token)
        continue
      }
      result += made
      index = next
    }
    return result
  }

  /// Whether a macro is a statement of its own that neither leaves nor assigns.
  private func isHarmless(_ name: String) -> Bool {
    (file.macros[name] ?? []).allSatisfy { macro in
      let body = file.macroTokens[macro.body]
      guard let first = body.first, file.isNamed(first, "do"), isBalanced(body) else {
        return false
      }
      let leaves = body.contains { file.isNamed($0, "return") || file.isNamed($0, "goto") }
      let assigns = body.contains {
        $0.is("=") || $0.is("++") || $0.is("--") || file.isCompound($0)
      }
      return !leaves && !assigns
    }
  }

  /// Whether a token's length and first byte are those of a macro.
  private func isWanted(_ token: CToken) -> Bool {
    names.count > 64
      || names.contains { name in
        name.utf8.count == Int(token.end - token.start)
          && name.utf8.first == file.bytes[Int(token.start)]
      }
  }

  /// What one use stands for, and the token behind it.
  private mutating func replacement(
    _ name: String, _ use: CToken, _ input: ArraySlice<CToken>, _ behind: Int, hiding: Set<String>
  ) -> ([CToken], Int)? {
    guard let macros = file.macros[name], macros.count == 1, file.isStable(name),
      hiding.count < Self.depthLimit
    else { return nil }
    let macro = macros[0]
    let body = file.macroTokens[macro.body]
    guard isBalanced(body) else { return nil }
    var arguments: [ArraySlice<CToken>] = []
    var next = behind
    if let parameters = macro.parameters {
      guard behind < input.endIndex, input[behind].is("("),
        let (found, end) = split(input, from: behind)
      else { return nil }
      (arguments, next) = (found, end)
      // The last may be left out.
      guard parameters.count <= arguments.count + 1 else { return nil }
    }
    guard let filled = filled(macro, arguments, of: input, use) else { return nil }
    return (expanded(filled[...], hiding: hiding.union([name])), next)
  }

  /// A body with the arguments of a use; nil where it pastes words or is too long.
  private mutating func filled(
    _ macro: CMacro, _ arguments: [ArraySlice<CToken>], of input: ArraySlice<CToken>, _ use: CToken
  ) -> [CToken]? {
    var result: [CToken] = []
    var isString = false
    for token in file.macroTokens[macro.body] {
      if token.is("#") {
        if isString {
          // a ## b, where that is no comma of GNU's.
          guard let last = result.last, last.is(",") else { return nil }
          isString = false
          continue
        }
        isString = true
        continue
      }
      let position =
        token.kind == .identifier
        ? macro.parameters?.firstIndex(of: file.text(token)) : nil
      guard let position else {
        if isString { return nil }
        result.append(token.moved(use, depth: use.depth + token.depth))
        continue
      }
      var given = position < arguments.count ? arguments[position] : []
      if position + 1 == macro.parameters?.count, position < arguments.count,
        let last = arguments.last
      {
        given = input[given.startIndex..<last.endIndex]
      }
      if isString {
        if let first = given.first, let last = given.last {
          result.append(first.string(to: last, use))
        }
        isString = false
        continue
      }
      left -= given.count
      guard left > 0 else { return nil }
      for part in given {
        result.append(part.moved(use, depth: part.depth + token.depth))
      }
    }
    left -= result.count
    return left > 0 ? result : nil
  }

  private func isBalanced(_ body: ArraySlice<CToken>) -> Bool {
    var (braces, others) = (0, 0)
    for token in body {
      if token.is("{") { braces += 1 }
      if token.is("}") { braces -= 1 }
      if token.is("(") || token.is("[") { others += 1 }
      if token.is(")") || token.is("]") { others -= 1 }
      if braces < 0 || others < 0 { return false }
    }
    return braces == 0 && others == 0
  }

  /// The arguments of a use, and the token behind its `)`.
  private func split(
    _ input: ArraySlice<CToken>, from open: Int
  ) -> ([ArraySlice<CToken>], Int)? {
    var arguments: [ArraySlice<CToken>] = []
    var nesting = 0
    var start = open + 1
    for index in open..<input.endIndex {
      let token = input[index]
      if token.is("(") || token.is("[") || token.is("{") {
        nesting += 1
      } else if token.is(")") || token.is("]") || token.is("}") {
        nesting -= 1
        if nesting == 0 {
          arguments.append(input[start..<index])
          return (arguments, index + 1)
        }
      } else if token.is(","), nesting == 1 {
        arguments.append(input[start..<index])
        start = index + 1
      } else if token.is(";"), nesting == 1 {
        return nil
      }
    }
    return nil
  }
}

extension CToken {
  /// The same word at the place of a macro's use.
  fileprivate func moved(_ use: CToken, depth: Int32) -> CToken {
    CToken(
      kind: kind, code: code, start: start, end: end, line: use.line, depth: depth,
      region: use.region)
  }

  /// The words to another one as a string.
  fileprivate func string(to last: CToken, _ use: CToken) -> CToken {
    CToken(
      kind: .string, code: 0, start: start, end: max(end, last.end), line: use.line,
      depth: use.depth, region: use.region)
  }
}
