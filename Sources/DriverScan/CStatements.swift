/// The statements of a function as a tree, for what must have been executed before
/// what.
struct CStatements: Sendable {
  enum Kind: Sendable { case block, branch, loop, choice, label, simple }

  /// How a statement hangs below a `branch`.
  enum Role: Sendable { case none, then, otherwise }

  struct Node: Sendable {
    let kind: Kind
    let parent: Int
    let role: Role
    /// Its tokens.
    var range: Range<Int>
    /// The tokens in the parentheses of `if`, `while`, `switch`.
    var condition: Range<Int> = 0..<0
  }

  /// A statement stands behind the one around it.
  private(set) var nodes: [Node] = []
  private let file: CFile

  /// Kernels nest ten deep; deeper statements are one.
  private static let depthLimit = 100

  init(_ function: CFunction, in file: CFile) {
    self.file = file
    _ = statement(from: function.body.lowerBound, to: function.body.upperBound + 1, -1, .none, 0)
  }

  /// The innermost statement that holds a token.
  func innermost(_ token: Int) -> Int? {
    // They begin in order, those inside behind those around.
    var (low, high) = (0, nodes.count)
    while low < high {
      let middle = (low + high) / 2
      if nodes[middle].range.lowerBound <= token { low = middle + 1 } else { high = middle }
    }
    var node = low - 1
    while node >= 0, !nodes[node].range.contains(token) { node = nodes[node].parent }
    return node >= 0 ? node : nil
  }

  /// The block or loop whose variable a token declares.
  func scope(of token: Int) -> Range<Int> {
    guard let node = innermost(token) else { return 0..<0 }
    let around = chain(node).first { nodes[$0].kind == .block || nodes[$0].kind == .loop }
    return around.map { nodes[$0].range } ?? 0..<0
  }

  /// A statement and those around it, innermost first.
  func chain(_ node: Int) -> [Int] {
    var chain: [Int] = []
    var current = node
    while current >= 0 {
      chain.append(current)
      current = nodes[current].parent
    }
    return chain
  }

  /// Whether `one` was executed whenever the token `use`, behind it, is.
  func dominates(_ one: Int, _ use: Int) -> Bool {
    guard let node = innermost(one), let target = innermost(use) else { return false }
    // The condition of an `if` is executed where the `if` is.
    let own = nodes[node].kind == .simple || nodes[node].condition.contains(one) ? node : -1
    guard own >= 0 else { return false }
    let parent = nodes[own].parent
    guard parent >= 0, nodes[parent].kind == .block, chain(target).contains(parent) else {
      return false
    }
    let outer = nodes[parent].parent
    return outer < 0 || nodes[outer].kind != .choice
  }

  /// Whether two tokens stand in the two branches of one `if`.
  func areExclusive(_ one: Int, _ other: Int) -> Bool {
    guard let first = innermost(one), let second = innermost(other) else { return false }
    let chains = (chain(first), chain(second))
    for child in chains.0 where nodes[child].role != .none {
      let parent = nodes[child].parent
      for sibling in chains.1 where nodes[sibling].parent == parent && sibling != child {
        if nodes[sibling].role != .none { return true }
      }
    }
    return false
  }

  /// The outermost loop around a token, which may have executed what is behind it.
  func loop(around token: Int) -> Range<Int>? {
    guard let node = innermost(token) else { return nil }
    return chain(node).last { nodes[$0].kind == .loop }.map { nodes[$0].range }
  }

  // MARK: - Parsing

  private mutating func open(
    _ kind: Kind, _ start: Int, _ parent: Int, _ role: Role
  ) -> Int {
    nodes.append(Node(kind: kind, parent: parent, role: role, range: start..<start))
    return nodes.count - 1
  }

  /// Parses one statement; returns the token behind it.
  private mutating func statement(
    from start: Int, to end: Int, _ parent: Int, _ role: Role, _ depth: Int
  ) -> Int {
    guard start < end else { return end }
    let token = file.tokens[start]
    guard depth < Self.depthLimit else { return simple(start, end, parent, role) }
    if token.is("{") { return block(start, end, parent, role, depth) }
    if file.isNamed(token, "if") {
      return headed(.branch, start, end, parent, role, depth)
    }
    if file.isNamed(token, "for") || file.isNamed(token, "while") {
      return headed(.loop, start, end, parent, role, depth)
    }
    if file.isNamed(token, "switch") {
      return headed(.choice, start, end, parent, role, depth)
    }
    if file.isNamed(token, "do") {
      let node = open(.loop, start, parent, role)
      var next = statement(from: start + 1, to: end, node, .none, depth + 1)
      if next < end, file.isNamed(file.tokens[next], "while") {
        next = endOfSimple(next, end)
      }
      nodes[node].range = start..<next
      return next
    }
    if file.isNamed(token, "case") || file.isNamed(token, "default") {
      let node = open(.label, start, parent, role)
      var next = start + 1
      while next < end, !file.tokens[next].is(":"), !file.tokens[next].is(";") { next += 1 }
      nodes[node].range = start..<min(next + 1, end)
      return min(next + 1, end)
    }
    if token.kind == .identifier, start + 1 < end, file.tokens[start + 1].is(":") {
      let node = open(.label, start, parent, role)
      nodes[node].range = start..<start + 2
      return start + 2
    }
    // for_each_something(x) { ... }
    if token.kind == .identifier, start + 1 < end, file.tokens[start + 1].is("("),
      let close = file.closing(of: start + 1, before: end), close + 1 < end,
      file.tokens[close + 1].is("{") || isLoop(token) && !file.tokens[close + 1].is(";")
    {
      return headed(.loop, start, end, parent, role, depth)
    }
    return simple(start, end, parent, role)
  }

  /// Whether a macro's name says that a statement follows.
  private func isLoop(_ token: CToken) -> Bool {
    let name = file.text(token)
    return name.contains("for_each") || name.hasPrefix("scoped_")
  }

  private mutating func block(
    _ start: Int, _ end: Int, _ parent: Int, _ role: Role, _ depth: Int
  ) -> Int {
    let node = open(.block, start, parent, role)
    let close = min(file.closingBrace(of: start), end - 1)
    nodes[node].range = start..<close + 1
    var next = start + 1
    while next < close {
      next = max(next + 1, statement(from: next, to: close, node, .none, depth + 1))
    }
    return close + 1
  }

  /// `if (...) ... else ...`, `while (...) ...` and what looks like it.
  private mutating func headed(
    _ kind: Kind, _ start: Int, _ end: Int, _ parent: Int, _ role: Role, _ depth: Int
  ) -> Int {
    let node = open(kind, start, parent, role)
    guard let head = (start..<min(start + 3, end)).first(where: { file.tokens[$0].is("(") }),
      let close = file.closing(of: head, before: end)
    else {
      let next = endOfSimple(start, end)
      nodes[node].range = start..<next
      return next
    }
    nodes[node].condition = head + 1..<close
    nodes[node].range = start..<close + 1
    let isBranch = kind == .branch
    var next = statement(from: close + 1, to: end, node, isBranch ? .then : .none, depth + 1)
    if isBranch, next < end, file.isNamed(file.tokens[next], "else") {
      next = statement(from: next + 1, to: end, node, .otherwise, depth + 1)
    }
    nodes[node].range = start..<max(next, close + 1)
    return nodes[node].range.upperBound
  }

  private mutating func simple(_ start: Int, _ end: Int, _ parent: Int, _ role: Role) -> Int {
    let node = open(.simple, start, parent, role)
    let next = endOfSimple(start, end)
    nodes[node].range = start..<next
    return next
  }

  /// The token behind the `;` of a statement.
  private func endOfSimple(_ start: Int, _ end: Int) -> Int {
    var nesting = 0
    var index = start
    while index < end {
      let token = file.tokens[index]
      if token.is("(") || token.is("[") || token.is("{") {
        nesting += 1
      } else if token.is(")") || token.is("]") || token.is("}") {
        nesting -= 1
      } else if token.is(";"), nesting <= 0 {
        return index + 1
      }
      index += 1
    }
    return end
  }
}
