/// The names in a range of a function's tokens.
extension CFile {
  /// The names that are neither called nor members.
  func variables(in range: Range<Int>) -> [String] {
    range.filter { index in
      let token = tokens[index]
      guard token.kind == .identifier else { return false }
      if index > 0, tokens[index - 1].is(".") || tokens[index - 1].is("->") { return false }
      guard index + 1 < tokens.count else { return true }
      let next = tokens[index + 1]
      return !next.is("(") && !next.is(".") && !next.is("->") && !next.is("[")
    }.map { text(tokens[$0]) }
  }

  /// The variables that calls' results are assigned to, `err` in `err = f(x)`.
  func results(_ calls: [Int], in body: Range<Int>) -> [String] {
    calls.flatMap { call -> [String] in
      // Back to the start of the statement.
      var index = call
      var names: [String] = []
      while index > body.lowerBound, call - index < 200 {
        let token = tokens[index]
        if token.is(";") || token.is("{") || token.is("}") { break }
        if token.is("=") || token.is("|=") || token.is("+=") || token.is("&="),
          tokens[index - 1].kind == .identifier
        {
          names.append(text(tokens[index - 1]))
        }
        index -= 1
      }
      return names
    }
  }

  /// The variables in `return x`.
  func returned(in body: Range<Int>) -> [String] {
    var names: [String] = []
    for index in body where isNamed(tokens[index], "return") {
      var end = index + 1
      while end < body.upperBound, end - index < 24, !tokens[end].is(";") { end += 1 }
      names += variables(in: index + 1..<end)
    }
    return names
  }

  /// The members in `return a->b`.
  func returnedPaths(in body: Range<Int>) -> [String] {
    body.dropLast(4).compactMap { index in
      guard isNamed(tokens[index], "return") else { return nil }
      let end = endOfPath(index + 1, body.upperBound)
      return end > index + 2 && tokens[end].is(";") ? text(tokens[index + 1..<end]) : nil
    }
  }

  /// The variables that a condition compares.
  func compared(in condition: Range<Int>) -> [String] {
    guard condition.count <= 64 else { return [] }
    return condition.filter { index in
      guard tokens[index].kind == .identifier, index + 1 < tokens.count, index > 0 else {
        return false
      }
      if tokens[index - 1].is(".") || tokens[index - 1].is("->") { return false }
      let (last, next) = (tokens[index - 1], tokens[index + 1])
      let ends = next.is("&&") || next.is("||") || next.is(")")
      let begins = last.is("&&") || last.is("||") || last.is("(") || last.is("!")
      return next.is("==") || next.is("!=") || next.is("<") || next.is(">") || next.is(">=")
        || next.is("<=") || ends && begins
    }.map { text(tokens[$0]) }
  }

  /// Whether `type *name` is in a range.
  func declaresPointer(_ name: String, in body: Range<Int>) -> Bool {
    body.contains { index in
      guard tokens[index].is("*"), index > body.lowerBound, index + 2 < body.upperBound,
        tokens[index - 1].kind == .identifier, !isNamed(tokens[index - 1], "return")
      else { return false }
      let next = tokens[index + 2]
      return (next.is(";") || next.is(",") || next.is("=")) && text(tokens[index + 1]) == name
    }
  }

  /// The names whose address is taken.
  func addressed(in body: Range<Int>) -> Set<String> {
    var names: Set<String> = []
    for index in body.dropLast() where tokens[index].is("&") {
      guard tokens[index + 1].kind == .identifier, isAddressOperator(index, body) else { continue }
      let next = index + 2 < tokens.count ? tokens[index + 2] : nil
      if let next, next.is("->") || next.is(".") || next.is("[") { continue }
      names.insert(text(tokens[index + 1]))
    }
    return names
  }

  /// Members such as `a->b.c`, as they are written.
  func paths(in range: Range<Int>) -> [String] {
    var found: [String] = []
    var index = range.lowerBound
    while index < range.upperBound {
      let end = endOfPath(index, range.upperBound)
      if end > index + 1 { found.append(text(tokens[index..<end])) }
      index = max(end, index + 1)
    }
    return found
  }

  /// The end of `a->b.c`, or `start` where no name is.
  func endOfPath(_ start: Int, _ end: Int) -> Int {
    guard start < end, tokens[start].kind == .identifier else { return start }
    var index = start + 1
    while index + 1 < end, tokens[index].is("->") || tokens[index].is("."),
      tokens[index + 1].kind == .identifier
    {
      index += 2
    }
    return index < end && (tokens[index].is("(") || tokens[index].is("[")) ? start : index
  }

  /// Whether `path =` is in a range.
  func assigns(_ path: String, in body: Range<Int>) -> Bool {
    body.contains { index in
      guard tokens[index].is("="), index > body.lowerBound else { return false }
      let start = startOfPath(index - 1, body.lowerBound)
      return start < index - 1 && text(tokens[start..<index]) == path
    }
  }

  /// Where the name or path begins that ends with a token.
  func startOfPath(_ end: Int, _ start: Int) -> Int {
    var index = end
    while index - 2 >= start, tokens[index - 1].is("->") || tokens[index - 1].is("."),
      tokens[index - 2].kind == .identifier
    {
      index -= 2
    }
    return index
  }
}
