/// A function's variables: what they may hold where an expression reads them.
final class FunctionContext {
  let function: CFunction
  let file: CFile
  let statements: CStatements
  private var variables: [String: Variable] = [:]

  /// How many declarations of a name are told apart: a driver has five at most.
  private static let declarationLimit = 16

  /// Every write of a variable.
  struct Variable {
    struct Assignment {
      /// The token of the name.
      let token: Int
      let value: Range<Int>
    }
    var assignments: [Assignment] = []
    /// Whether it is written in another way: `x |= 1`, `x++`, `f(&x)`.
    var isOpaque = false
    var isDeclared: Bool { !declarations.isEmpty }
    /// The names where it is declared.
    var declarations: [Int] = []
    /// Every place of the name, in order.
    var places: [Int] = []
    /// What it keeps of a number.
    var type = CType.other
    /// Whether it keeps its value until the next call.
    var isStatic = false
    /// Whether the function has others of its name around or inside, or a macro writes it.
    var isShadowed = false
  }

  init(_ function: CFunction, in file: CFile) {
    self.function = function
    self.file = file
    statements = CStatements(function, in: file)
  }

  /// The writes of a variable in the function.
  func variable(_ name: String) -> Variable {
    if let known = variables[name] { return known }
    let range = function.body.lowerBound..<function.body.upperBound + 1
    var variable = file.writes(of: name, in: range)
    declare(&variable, name)
    variables[name] = variable
    return variable
  }

  /// Reads the declarations of a variable.
  private func declare(_ variable: inout Variable, _ name: String) {
    let position = function.parameters.firstIndex(of: name)
    if let position { variable.type = function.types[position] }
    guard variable.isDeclared else { return }
    guard variable.declarations.count <= Self.declarationLimit else {
      variable.isShadowed = true
      return
    }
    let found = variable.declarations.map { token in
      file.declaration(at: token, from: function.body.lowerBound)
        ?? CDeclaration(type: .other, isStatic: false)
    }
    let types = Set(found.map(\.type))
    variable.type = types.count == 1 ? found[0].type : .other
    variable.isStatic = found.contains(where: \.isStatic)
    let scopes = variable.declarations.map { statements.scope(of: $0) }
    let isNested = scopes.indices.contains { one in
      scopes.indices.contains { other in
        one < other && scopes[one].overlaps(scopes[other])
          && file.areCompatible(
            file.tokens[variable.declarations[one]].region,
            file.tokens[variable.declarations[other]].region)
      }
    }
    variable.isShadowed =
      variable.isShadowed || isNested || position != nil
      || variable.places.contains { place in !scopes.contains { $0.contains(place) } }
  }

  /// The assignments that may reach the token `use`, and whether the function's
  /// entry does too.
  func reaching(_ name: String, use: Int) -> (assignments: [Variable.Assignment], fromEntry: Bool) {
    let all = variable(name).assignments.filter {
      file.areCompatible(file.tokens[$0.token].region, file.tokens[use].region)
        && !$0.value.contains(use)
    }
    let loop = repeated(around: use)
    var reaching: [Variable.Assignment] = []
    for assignment in all where assignment.token > use && loop?.contains(assignment.token) == true {
      reaching.append(assignment)
    }
    var fromEntry = true
    for assignment in all.reversed() where assignment.token < use {
      let isExclusive = statements.areExclusive(assignment.token, use)
      guard !isExclusive || loop?.contains(assignment.token) == true else { continue }
      reaching.append(assignment)
      if !isExclusive, statements.dominates(assignment.token, use),
        file.encloses(file.tokens[assignment.token].region, file.tokens[use].region)
      {
        fromEntry = false
        break
      }
    }
    return (reaching.sorted { $0.token < $1.token }, fromEntry)
  }

  /// The labels with the `goto`s to them that stand behind.
  private lazy var backwards: [(label: Int, jump: Int)] = {
    var labels: [String: Int] = [:]
    for node in statements.nodes where node.kind == .label {
      labels[file.text(file.tokens[node.range.lowerBound])] = node.range.lowerBound
    }
    guard !labels.isEmpty else { return [] }
    return file.tokens(named: "goto").compactMap { index in
      guard function.body.contains(index), index + 1 < file.tokens.count,
        let label = labels[file.text(file.tokens[index + 1])], label < index
      else { return nil }
      return (label, index)
    }
  }()

  /// Whether a `goto` leads back.
  var jumpsBack: Bool { !backwards.isEmpty }

  /// What may run again before the token `use`: its outermost loop, or from a label
  /// to the `goto` behind.
  private func repeated(around use: Int) -> Range<Int>? {
    var range = statements.loop(around: use)
    for (label, jump) in backwards where label < use && use <= jump {
      range = min(range?.lowerBound ?? use, label)..<max(range?.upperBound ?? 0, jump + 1)
    }
    return range
  }
}

extension CFile {
  /// Whether a name has no small letter, as those of macros.
  func isUpperCase(_ token: CToken) -> Bool {
    !bytes[Int(token.start)..<Int(token.end)].contains { $0 >= 0x61 && $0 <= 0x7a }
  }

  /// How many places of a name are looked at.
  private static let placeLimit = 4000

  /// Every write of a variable in a range of tokens.
  func writes(of name: String, in range: Range<Int>) -> FunctionContext.Variable {
    var variable = FunctionContext.Variable()
    let places = tokens(named: name).filter(range.contains)
    guard places.count <= Self.placeLimit else {
      (variable.isOpaque, variable.isShadowed) = (true, true)
      return variable
    }
    for index in places {
      let before = index > range.lowerBound ? tokens[index - 1] : nil
      let after = index + 1 < tokens.count ? tokens[index + 1] : nil
      if let before, before.is(".") || before.is("->") || isNamed(before, "struct") { continue }
      variable.places.append(index)
      if let before, before.kind == .identifier, !isNamed(before, "return"),
        !isNamed(before, "else"), !isNamed(before, "goto"), !isNamed(before, "case"),
        !isNamed(before, "do")
      {
        variable.declarations.append(index)
      } else if let before, before.is(","), isDeclaratorList(index, range) {
        variable.declarations.append(index)
      }
      if let before, before.is("++") || before.is("--") { variable.isOpaque = true }
      if let before, before.is("&"), isAddressOperator(index - 1, range) {
        variable.isOpaque = true
      }
      if index > range.lowerBound + 1, tokens[index - 1].is("("), tokens[index - 2].is("&"),
        isAddressOperator(index - 2, range)
      {
        variable.isOpaque = true
      }
      if isGivenAway(index) { (variable.isOpaque, variable.isShadowed) = (true, true) }
      guard let after else { continue }
      if after.is("=") {
        if let before, before.is("*") {
          variable.isOpaque = true  // a pointer, or what it points to
          continue
        }
        let end = endOfValue(index + 2, range.upperBound)
        let start = startOfValue(index + 2, end)
        variable.assignments.append(.init(token: index, value: start..<end))
      } else if after.is("++") || after.is("--") || after.is("[") || isCompound(after) {
        variable.isOpaque = true
      }
    }
    return variable
  }

  /// Whether a macro or assembler writes a name: `swap(a, name)`, `asm("" : "=r" (name))`.
  private func isGivenAway(_ index: Int) -> Bool {
    guard index > 1, tokens[index - 1].is("(") || tokens[index - 1].is(",") else { return false }
    if tokens[index - 2].kind == .string, tokens[index - 1].is("(") { return true }
    let call = tokens[index - 1].is("(") ? index - 2 : index - 4
    guard call >= 0, tokens[call + 1].is("(") else { return false }
    let name = text(tokens[call])
    return ["swap", "get_user", "__get_user", "do_div"].contains(name)
      || name.contains("for_each_") || name.contains("_poll_timeout")
  }

  /// Whether `name` in `u64 one = 1, name` is declared.
  private func isDeclaratorList(_ index: Int, _ range: Range<Int>) -> Bool {
    var start = index - 1
    var nesting = 0
    while start >= range.lowerBound {
      let token = tokens[start]
      if token.is(")") || token.is("]") {
        nesting += 1
      } else if token.is("(") || token.is("[") {
        nesting -= 1
        if nesting < 0 { return false }
      } else if nesting == 0, token.is(";") || token.is("{") || token.is("}") {
        break
      }
      start -= 1
    }
    // A declaration begins with a type and a name, an expression does not.
    guard start + 2 < index else { return false }
    let (first, second) = (tokens[start + 1], tokens[start + 2])
    guard first.kind == .identifier, !isNamed(first, "return"), !isNamed(first, "case") else {
      return false
    }
    return second.kind == .identifier || second.is("*") && tokens[start + 3].kind == .identifier
  }

  func isCompound(_ token: CToken) -> Bool {
    token.is("|=") || token.is("&=") || token.is("+=") || token.is("-=") || token.is("<<=")
      || token.is(">>=") || token.is("^=") || token.is("*=") || token.is("/=") || token.is("%=")
  }

  /// Whether a `&` has no left operand.
  func isAddressOperator(_ index: Int, _ range: Range<Int>) -> Bool {
    guard index > range.lowerBound else { return true }
    let before = tokens[index - 1]
    if before.kind == .identifier { return isNamed(before, "return") }
    // `(u32 *)&bits` looks like a product: behind a parenthesis it may be either.
    return before.kind == .punctuation && !before.is("]")
  }

  /// Where the value of `a = b = value` begins, which all of them get.
  func startOfValue(_ start: Int, _ end: Int) -> Int {
    var nesting = 0
    var found = start
    for index in start..<max(start, end) {
      let token = tokens[index]
      if token.is("(") || token.is("[") || token.is("{") {
        nesting += 1
      } else if token.is(")") || token.is("]") || token.is("}") {
        nesting -= 1
      } else if nesting == 0, token.is("?") {
        return found
      } else if nesting == 0, token.is("=") {
        found = index + 1
      }
    }
    return found
  }

  /// The end of an assigned value: `;`, or a `,` or `)` outside of its parentheses.
  func endOfValue(_ start: Int, _ end: Int) -> Int {
    var nesting = 0
    var index = start
    while index < end {
      let token = tokens[index]
      if token.is("(") || token.is("[") || token.is("{") {
        nesting += 1
      } else if token.is(")") || token.is("]") || token.is("}") {
        if nesting == 0 { return index }
        nesting -= 1
      } else if nesting == 0, token.is(";") || token.is(",") {
        return index
      }
      index += 1
    }
    return end
  }
}
