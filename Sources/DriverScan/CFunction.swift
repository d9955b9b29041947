/// A function of a C file.
struct CFunction: Sendable {
  let name: String
  let parameters: [String]
  /// What they keep of a number, in order.
  let types: [CType]
  let isStatic: Bool
  let returnsPointer: Bool
  let returnsBool: Bool
  /// What its result keeps of a number.
  let returned: CType
  /// Its tokens from `{` to `}`.
  let body: ClosedRange<Int>

  /// How many words of a function are read: the longest of 7.3's drivers that sets a mask
  /// has 5500.
  static let wordLimit = 12_000

  /// Whether it is no longer than that.
  var isReadable: Bool { body.count <= Self.wordLimit }
}

extension [CFunction] {
  /// Which function a token lies in, of those that ``CFile/functions()`` has found in order.
  func index(containing token: Int) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].body.upperBound < token { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low].body.contains(token) ? low : nil
  }
}

extension CFile {
  /// The functions that are defined, in order.
  func functions() -> [CFunction] {
    var functions: [CFunction] = []
    var index = 0
    var head = 0
    while index < tokens.count {
      let token = tokens[index]
      if token.depth == 0, token.kind == .punctuation {
        if token.is(";") || token.is("}") {
          head = index + 1
        } else if token.is("{") {
          let close = closingBrace(of: index)
          if let function = function(head..<index, body: index...close) {
            functions.append(function)
            head = close + 1
          }
          index = close
        }
      }
      index += 1
    }
    return functions
  }

  /// The tokens between a `{` and its `}`, or to the end of the file.
  func insideBraces(of open: Int) -> Range<Int> {
    // A file may end with the `{`.
    open + 1..<max(open + 1, closingBrace(of: open))
  }

  /// The `}` of a `{`, or the last token.
  func closingBrace(of open: Int) -> Int {
    let depth = tokens[open].depth
    var index = open + 1
    while index < tokens.count {
      if tokens[index].depth <= depth, tokens[index].is("}") { return index }
      index += 1
    }
    return tokens.count - 1
  }

  /// The `)` or `]` of a `(` or `[`, or nil where there is none before `end`.
  func closing(of open: Int, before end: Int) -> Int? {
    var nesting = 0
    var index = open
    while index < min(end, tokens.count) {
      let token = tokens[index]
      if token.is("(") || token.is("[") || token.is("{") {
        nesting += 1
      } else if token.is(")") || token.is("]") || token.is("}") {
        nesting -= 1
        if nesting == 0 { return index }
      }
      index += 1
    }
    return nil
  }

  private func function(_ head: Range<Int>, body: ClosedRange<Int>) -> CFunction? {
    guard !head.isEmpty, !tokens[head].contains(where: { $0.is("=") }) else { return nil }
    let calls = head.dropLast().filter { index in
      tokens[index].kind == .identifier && tokens[index + 1].is("(")
    }
    // An annotation such as __printf(1, 2) may stand before the name.
    guard
      let name = calls.first(where: { !text(tokens[$0]).hasPrefix("__") }) ?? calls.first,
      let close = closing(of: name + 1, before: head.upperBound)
    else { return nil }
    let parameters = split(name + 2..<close).map { part -> String in
      // `void (*f)(int)` has its name in front of the last parentheses.
      let words = part.filter { tokens[$0].kind == .identifier }
      return words.last.map { text(tokens[$0]) } ?? ""
    }
    let types = split(name + 2..<close).map { part -> CType in
      guard let last = part.last(where: { tokens[$0].kind == .identifier }) else { return .other }
      return declaration(at: last, specifiers: part.lowerBound)?.type ?? .other
    }
    let isStatic = tokens[head].contains { isNamed($0, "static") }
    let words = head.lowerBound..<name
    let type = words.filter { tokens[$0].kind == .identifier }.map { text(tokens[$0]) }
      .filter { !$0.hasPrefix("__") && !$0.hasPrefix("noinline") && $0 != "asmlinkage" }
    return CFunction(
      name: text(tokens[name]), parameters: parameters, types: types, isStatic: isStatic,
      returnsPointer: tokens[max(name - 1, head.lowerBound)].is("*"),
      returnsBool: tokens[head].contains { isNamed($0, "bool") && $0.start < tokens[name].start },
      returned: words.contains { tokens[$0].is("*") } ? .pointer : CType(words: type), body: body)
  }

  /// What is between the commas of a range of tokens, those in parentheses left out.
  func split(_ range: Range<Int>) -> [Range<Int>] {
    range.isEmpty ? [] : split(range, at: ",")
  }

  /// A range split at a punctuation outside of parentheses.
  func split(_ range: Range<Int>, at mark: StaticString) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var (start, nesting) = (range.lowerBound, 0)
    for index in range {
      let token = tokens[index]
      if token.is("(") || token.is("[") || token.is("{") {
        nesting += 1
      } else if token.is(")") || token.is("]") || token.is("}") {
        nesting -= 1
      } else if nesting == 0, token.is(mark) {
        parts.append(start..<index)
        start = index + 1
      }
    }
    return parts + [start..<range.upperBound]
  }
}
