/// Shapes of C that ``MaskWalk`` does not walk through as a compiler would: a function
/// that has one where masks depend on it is not decided.
struct MaskShapes {
  private let function: MaskFunction
  private let file: CFile
  private let nodes: [CStatements.Node]
  /// What was found: a token, and the reason.
  private(set) var found: [(token: Int, reason: String)] = []

  init(_ function: MaskFunction) {
    self.function = function
    file = function.context.file
    nodes = function.statements.nodes
    readWords()
    for number in nodes.indices where function.isVital(nodes[number].range) {
      readRegions(number)
      readLabel(number)
      readHead(number)
    }
    readJumps()
  }

  private static let words: Set<String> = ["return", "goto", "break", "continue", "if", "switch"]

  /// Words of flow begin statements, and no statement is in an expression.
  private mutating func readWords() {
    let starts = Set(nodes.map(\.range.lowerBound))
    for index in function.function.body {
      let token = file.tokens[index]
      if token.kind == .identifier, !starts.contains(index), Self.words.contains(file.text(token)) {
        found.append((index, "'\(file.text(token))' inside of an expression"))
      }
      guard token.is("{"), file.tokens[index - 1].is("(") else { continue }
      let inside = file.insideBraces(of: index)
      if function.isVital(inside) { found.append((index, "statements inside of an expression")) }
    }
  }

  /// A branch of `#if` holds whole statements.
  private mutating func readRegions(_ number: Int) {
    let node = nodes[number]
    let first = file.tokens[node.range.lowerBound].region
    var head = node.range
    switch node.kind {
    case .block:
      let last = node.range.upperBound - 1
      if file.tokens[last].region != first { found.append((last, "#if divides a statement")) }
      return
    case .branch, .loop, .choice:
      if !node.condition.isEmpty { head = head.lowerBound..<node.condition.upperBound }
      for child in function.children[number]
      where file.tokens[nodes[child].range.lowerBound].region != first
        && (node.condition.isEmpty || function.isVital(nodes[child].range))
      {
        found.append((nodes[child].range.lowerBound, "#if divides a statement"))
      }
      if node.condition.isEmpty { return }
    case .label, .simple: break
    }
    if let other = head.first(where: { file.tokens[$0].region != first }) {
      found.append((other, "#if divides a statement"))
    }
  }

  /// Labels stand among the statements of a block, `case` in that of its `switch`.
  private mutating func readLabel(_ number: Int) {
    let node = nodes[number]
    guard node.kind == .label else { return }
    let word = file.text(file.tokens[node.range.lowerBound])
    var isUsual = node.role == .none && node.parent >= 0 && nodes[node.parent].kind == .block
    if isUsual, word == "case" || word == "default" {
      let outer = nodes[node.parent].parent
      isUsual = outer >= 0 && nodes[outer].kind == .choice
    }
    if !isUsual { found.append((node.range.lowerBound, "a label that is part of a statement")) }
  }

  /// `name(...) statement`, where the name is a macro that is no known loop.
  private mutating func readHead(_ number: Int) {
    let node = nodes[number]
    let first = node.range.lowerBound
    guard file.tokens[first].kind == .identifier, first + 1 < node.range.upperBound else { return }
    let name = file.text(file.tokens[first])
    if name == "scoped_cond_guard" {
      found.append((first, "scoped_cond_guard() has a way of its own"))
    }
    guard node.kind == .simple, file.tokens[first + 1].is("("), !name.hasPrefix("__"),
      name != "typeof", name != "return", name != "asm",
      let close = file.closing(of: first + 1, before: node.range.upperBound),
      close + 1 < node.range.upperBound, file.tokens[close + 1].kind == .identifier
    else { return }
    found.append((first, "\(name)() in front of a statement"))
  }

  /// No `goto` leads into a loop.
  private mutating func readJumps() {
    var labels: [String: Int] = [:]
    for (number, node) in nodes.enumerated() where node.kind == .label {
      labels[file.text(file.tokens[node.range.lowerBound])] = number
    }
    for node in nodes where node.kind == .simple {
      let start = node.range.lowerBound
      guard file.isNamed(file.tokens[start], "goto"), start + 1 < node.range.upperBound,
        let label = labels[file.text(file.tokens[start + 1])]
      else { continue }
      let isInside = function.statements.chain(label).contains { number in
        nodes[number].kind == .loop && !nodes[number].range.contains(start)
      }
      if isInside { found.append((start, "goto into a loop")) }
    }
  }
}
