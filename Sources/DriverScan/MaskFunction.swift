/// A function as ``MaskFlow`` walks through it: its statements as a tree, the tokens
/// that matter and the variables that are followed.
final class MaskFunction {
  let function: CFunction
  let number: Int
  let context: FunctionContext
  /// The statements inside each one.
  let children: [[Int]]
  /// The tokens that change masks, variables or the flow, in order.
  private(set) var relevant: [Int] = []
  private var vital: [Int] = []
  /// The variables that are followed, by name: locals, `a->b` where the function
  /// assigns it, `=text` for a mask that is written so more than once, and `?text` for
  /// such a condition.
  private(set) var slots: [String: Int] = [:]
  /// The followed variables that are members of structures, which calls may change.
  private(set) var members: [Int] = []
  /// Whether a site is in no statement: braces are not closed.
  let isBroken: Bool
  /// Where such conditions begin.
  private var asking: Set<Int> = []
  /// The names of macros that return, where a statement is one.
  private(set) var returningMacros: Set<Int> = []
  /// The followed variables in order.
  private(set) var names: [String] = []
  /// What each of them keeps of a number.
  private(set) var types: [CType] = []
  /// What is not walked through as a compiler would: a token, and the reason.
  private(set) var hidden: [(token: Int, reason: String)] = []
  /// The same for what may answer otherwise when it is asked again.
  private(set) var unsure: [(token: Int, reason: String)] = []
  /// Those of ``slots`` that hold until something changes what they are about.
  private(set) var kept: [Int] = []

  /// How many variables of a function are followed.
  private static let slotLimit = 24

  var statements: CStatements { context.statements }

  /// - Parameters:
  ///   - sites: Those in the function.
  ///   - calls: Names of calls of functions that set masks.
  init(
    _ function: CFunction, _ number: Int, context: FunctionContext, sites: [MaskSite],
    calls: [Int], evaluator: MaskEvaluator
  ) {
    self.function = function
    self.number = number
    self.context = context
    var children = [[Int]](repeating: [], count: context.statements.nodes.count)
    for (index, node) in context.statements.nodes.enumerated() where node.parent >= 0 {
      children[node.parent].append(index)
    }
    self.children = children
    isBroken = (sites.map(\.token) + calls).contains { token in
      context.statements.innermost(token).map { context.statements.nodes[$0].kind == .block }
        ?? true
    }
    let file = context.file
    let body = function.body.lowerBound..<function.body.upperBound + 1
    if !file.opaqueMacros.isEmpty {
      for index in body where file.tokens[index].kind == .identifier {
        let name = file.text(file.tokens[index])
        if file.opaqueMacros.contains(name) { hidden.append((index, "the macro \(name)")) }
      }
    }
    let addressed = file.addressed(in: body)
    var wanted = OrderedSet<String>()
    for site in sites { wanted.formUnion(file.variables(in: site.mask)) }
    for call in calls {
      guard let close = file.closing(of: call + 1, before: body.upperBound) else { continue }
      wanted.formUnion(file.variables(in: call + 2..<close))
    }
    let results = file.results(sites.filter { !$0.isStore }.map(\.token) + calls, in: body)
    wanted.formUnion(results)
    wanted.formUnion(file.returned(in: body))
    wanted.formUnion(conditions(sites.map(\.token) + calls))
    // What is assigned to them is followed as well.
    var paths = Set(sites.flatMap { file.paths(in: $0.mask) }).filter {
      file.assigns($0, in: body)
    }
    var next = 0
    while next < wanted.count, slots.count < Self.slotLimit {
      let name = wanted.elements[next]
      next += 1
      let variable = context.variable(name)
      let isLocal =
        variable.isDeclared || function.parameters.contains(name)
        || file.declaresPointer(name, in: body)
      guard !addressed.contains(name), !variable.isShadowed, !variable.isStatic else { continue }
      guard isLocal else {
        // One of the file, which calls may change.
        if results.contains(name), !variable.isOpaque {
          members.append(slots.count)
          add(name, .other)
        }
        continue
      }
      add(name, variable.type)
      for assignment in variable.assignments where assignment.value.count <= 64 {
        wanted.formUnion(file.variables(in: assignment.value))
        // err = x->irq;
        let end = file.endOfPath(assignment.value.lowerBound, assignment.value.upperBound)
        if end == assignment.value.upperBound, assignment.value.count > 1 {
          paths.insert(file.text(file.tokens[assignment.value]))
        }
      }
    }
    for path in paths.union(file.returnedPaths(in: body)).sorted()
    where slots.count < Self.slotLimit && context.isFollowed(path) {
      guard let type = evaluator.memberType(of: path, in: function) else { continue }
      members.append(slots.count)
      add(path, type)
    }
    addKept(sites, body)
    for index in body.dropLast(2) where isReturningMacro(index, evaluator) {
      returningMacros.insert(index)
    }
    findRelevant(sites, calls, body)
  }

  /// Adds what is read once: masks that are written so more than once, and conditions.
  private func addKept(_ sites: [MaskSite], _ body: Range<Int>) {
    let file = context.file
    let texts = Dictionary(grouping: sites) { file.text(file.tokens[$0.mask]) }
    for (text, sites) in texts.sorted(by: { $0.key < $1.key })
    where sites.count > 1 && slots.count < Self.slotLimit {
      let mask = sites[0].mask
      guard !(file.variables(in: mask) + file.paths(in: mask)).contains(where: { slots[$0] != nil })
      else { continue }
      guard context.isSteady(mask) else {
        unsure.append((mask.lowerBound, "'\(text.prefix(60))' may change"))
        continue
      }
      if mask.contains(where: file.isMember) { kept.append(slots.count) }
      add("=" + text, .pointer)
    }
    for text in repeatedConditions(sites.map(\.token), body) where slots.count < Self.slotLimit {
      kept.append(slots.count)
      add("?" + text, .pointer)
    }
  }

  /// Whether a statement begins with a macro that returns.
  private func isReturningMacro(_ index: Int, _ evaluator: MaskEvaluator) -> Bool {
    let file = context.file
    let (before, token) = (file.tokens[max(0, index - 1)], file.tokens[index])
    guard token.kind == .identifier, file.tokens[index + 1].is("("),
      before.is(";") || before.is("{") || before.is("}") || before.is(")"),
      file.bytes[Int(token.start)..<Int(token.end)].allSatisfy({ !($0 >= 0x61 && $0 <= 0x7a) }),
      let definition = evaluator.definition(of: file.text(token))
    else { return false }
    let (other, words) = (definition.file, definition.file.macroTokens)
    return definition.macros.contains { macro in
      guard let back = macro.body.first(where: { other.isNamed(words[$0], "return") }) else {
        return false
      }
      let isAsked = words[macro.body.lowerBound..<back].contains { word in
        other.isNamed(word, "if") || other.isNamed(word, "while") || word.is("?")
      }
      if isAsked { hidden.append((index, "the macro \(file.text(token))")) }
      return !isAsked
    }
  }

  private func add(_ name: String, _ type: CType) {
    slots[name] = slots.count
    names.append(name)
    types.append(type)
  }

  /// What more than one `if` around sites asks of members that the function does not
  /// assign: the answers are the same.
  private func repeatedConditions(_ tokens: [Int], _ body: Range<Int>) -> [String] {
    let file = context.file
    let parts = statements.nodes.flatMap { node -> [Range<Int>] in
      guard node.kind == .branch, node.condition.count <= 64,
        tokens.contains(where: node.range.contains)
      else { return [] }
      return file.split(node.condition, at: "&&").flatMap { file.split($0, at: "||") }
    }
    let asked = parts.map { part -> Range<Int> in
      let isNegated = !part.isEmpty && file.tokens[part.lowerBound].is("!")
      return isNegated ? part.dropFirst() : part
    }
    let texts = Dictionary(grouping: asked.filter { !$0.isEmpty }) { file.text(file.tokens[$0]) }
    let repeated = texts.filter { text, ranges in
      let paths = file.paths(in: ranges[0])
      guard ranges.count > 1, slots[text] == nil, !tokens.contains(where: ranges[0].contains) else {
        return false
      }
      if ranges[0].contains(where: { index in
        file.tokens[index].kind == .identifier && file.tokens[index + 1].is("(")
          && !file.isUpperCase(file.tokens[index])
      }) {
        unsure.append((ranges[0].lowerBound, "'\(text.prefix(60))' is asked twice"))
        return false
      }
      guard !paths.isEmpty else { return false }
      guard ranges.allSatisfy(context.isSteady) else {
        unsure.append((ranges[0].lowerBound, "'\(text.prefix(60))' may change"))
        return false
      }
      return true
    }
    asking = Set(repeated.values.joined().map(\.lowerBound))
    return repeated.keys.sorted()
  }

  /// Variables that are tested alone by an `if` around a site.
  private func conditions(_ tokens: [Int]) -> [String] {
    let file = context.file
    return statements.nodes.flatMap { node -> [String] in
      guard node.kind == .branch, tokens.contains(where: node.range.contains) else { return [] }
      let words = node.condition.filter { !file.tokens[$0].is("!") }
      guard words.count == 1, file.tokens[words[0]].kind == .identifier else {
        return file.compared(in: node.condition)
      }
      return [file.text(file.tokens[words[0]])]
    }
  }

  private func findRelevant(_ sites: [MaskSite], _ calls: [Int], _ body: Range<Int>) {
    let file = context.file
    var asked: Set<Int> = []
    var found = returningMacros.union(asking).union(sites.map(\.token) + calls)
    let words = Set(slots.keys)
    let last = Set(
      members.compactMap { names[$0].split(whereSeparator: { "->.".contains($0) }).last }
        .map(String.init))
    let flow: Set<String> = [
      "return", "goto", "break", "continue", "case", "default", "dma_mask", "coherent_dma_mask",
      "dma_get_mask", "panic", "BUG", "BUG_ON",
    ]
    for index in body where file.tokens[index].kind == .identifier {
      let text = file.text(file.tokens[index])
      if words.contains(text) || flow.contains(text) || last.contains(text) {
        found.insert(index)
      } else if !(members.isEmpty && kept.isEmpty), index + 1 < body.upperBound,
        file.tokens[index + 1].is("(")
      {
        asked.insert(index)
      }
    }
    for node in statements.nodes where node.kind == .label { found.insert(node.range.lowerBound) }
    vital = found.sorted()
    relevant = found.union(asked).sorted()
  }

  /// Whether a range has a token that matters.
  func isRelevant(_ range: Range<Int>) -> Bool { Self.isIn(range, relevant) }

  /// The same without the calls that only may change what is followed.
  func isVital(_ range: Range<Int>) -> Bool { Self.isIn(range, vital) }

  private static func isIn(_ range: Range<Int>, _ tokens: [Int]) -> Bool {
    var (low, high) = (0, tokens.count)
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle] < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    return low < tokens.count && tokens[low] < range.upperBound
  }

  /// Whether a place runs or not by the size of a type: never, where that is another.
  func isForSizes(_ token: Int) -> Bool {
    guard function.body.contains(token), let inner = statements.innermost(token) else {
      return false
    }
    return statements.chain(inner).contains { node in
      statements.nodes[node].condition.contains {
        context.file.isNamed(context.file.tokens[$0], "sizeof")
      }
    }
  }

  /// The state at the function's entry.
  var entry: FlowState {
    FlowState(variables: [FlowValue](repeating: .unbound, count: slots.count))
  }
}
