/// One walk through a function from its entry.
final class MaskWalk {
  let function: MaskFunction
  let flow: MaskFlow
  let file: CFile
  var returns = OrderedSet<MaskFlow.Return>()
  /// Whether a `goto` or the end of a loop led back to states that are new there.
  var needsMore = false

  /// The states that `goto`s lead to labels.
  private var incoming: [String: FlowStates] = [:]
  private var passed: Set<String> = []
  /// Of the loops and `switch`es around, innermost last.
  private var breaks: [FlowStates] = []
  private var continues: [FlowStates] = []
  private var choices: [Choice] = []

  /// A `switch`, and what its cases are about.
  private struct Choice {
    let entry: [FlowOutcome]
    /// The variable that is asked, where it is followed.
    let slot: Int?
    let cases: [FlowValue]
    var hasDefault = false
  }
  private var loops = 0
  /// The last token of each variable.
  private lazy var lastUse: [Int] = {
    var last = [Int](repeating: 0, count: function.slots.count)
    for index in function.relevant {
      if let slot = function.slots[file.text(file.tokens[index])] { last[slot] = index }
    }
    for (slot, name) in function.names.enumerated() where name.hasPrefix("=") || last[slot] == 0 {
      last[slot] = .max
    }
    return last
  }()

  init(_ function: MaskFunction, _ flow: MaskFlow) {
    self.function = function
    self.flow = flow
    file = flow.file
  }

  var isInLoop: Bool { loops > 0 }

  private var nodes: [CStatements.Node] { function.statements.nodes }

  /// The states behind a statement.
  func run(_ number: Int, _ states: FlowStates) -> FlowStates {
    guard number < function.children.count else { return states }
    let node = nodes[number]
    guard function.isRelevant(node.range), flow.spend(1 + states.count) else { return states }
    return flow.deeper {
      switch node.kind {
      case .block: sequence(function.children[number][...], node.range.lowerBound, states)
      case .branch: branch(number, states)
      case .loop: loop(number, states)
      case .choice: choice(number, states)
      case .label: label(node, states)
      case .simple: simple(number, states)
      }
    }.map(flow.bounded) ?? FlowStates()
  }

  // MARK: - Sequences

  /// Statements after each other; those of the branches of one `#if` exclude each other.
  private func sequence(
    _ statements: ArraySlice<Int>, _ outer: Int, _ states: FlowStates
  ) -> FlowStates {
    run(statements, in: file.tokens[outer].region, states)
  }

  private func run(
    _ statements: ArraySlice<Int>, in region: Int32, _ states: FlowStates
  ) -> FlowStates {
    var states = states
    var next = statements.startIndex
    while next < statements.endIndex {
      guard let inner = self.region(of: statements[next], inside: region) else {
        states = run(statements[next], states)
        // A `goto` back may read it again.
        if loops == 0, !function.context.jumpsBack {
          states = forgotten(states, behind: nodes[statements[next]].range)
        }
        next += 1
        continue
      }
      let group = file.regions[Int(inner)].group
      var end = next
      var branches: [(region: Int32, statements: Range<Int>)] = []
      while end < statements.endIndex, let other = self.region(of: statements[end], inside: region),
        file.regions[Int(other)].group == group
      {
        if let last = branches.last, last.region == other {
          branches[branches.count - 1].statements = last.statements.lowerBound..<end + 1
        } else {
          branches.append((other, end..<end + 1))
        }
        end += 1
      }
      states = alternatives(branches, of: group, statements, states)
      next = end
    }
    return states
  }

  /// The statements of one of an `#if`'s branches, or of none.
  private func alternatives(
    _ branches: [(region: Int32, statements: Range<Int>)], of group: Int32,
    _ statements: ArraySlice<Int>, _ states: FlowStates
  ) -> FlowStates {
    var result = FlowStates()
    var taken: Set<Int32> = []
    for branch in branches {
      taken.insert(file.regions[Int(branch.region)].branch)
      result.formUnion(
        run(statements[branch.statements], in: branch.region, states).elements)
    }
    let all = flow.branches(of: group)
    if !all.isExhaustive || !all.branches.isSubset(of: taken) {
      result.formUnion(states.elements)
    }
    return flow.bounded(result)
  }

  /// The outermost region of a statement that does not hold all of `region`.
  private func region(of statement: Int, inside region: Int32) -> Int32? {
    var current = file.tokens[nodes[statement].range.lowerBound].region
    guard current != region else { return nil }
    var found: Int32?
    while current >= 0, current != region {
      found = current
      current = file.regions[Int(current)].parent
    }
    return current == region ? found : nil
  }

  /// The states without variables that are not read again.
  private func forgotten(_ states: FlowStates, behind range: Range<Int>) -> FlowStates {
    guard states.count > 1 else { return states }
    let dead = lastUse.indices.filter { range.contains(lastUse[$0]) }
    guard !dead.isEmpty else { return states }
    return FlowStates(
      states.elements.map { state in
        var state = state
        for slot in dead { state.variables[slot] = .unbound }
        return state
      })
  }

  // MARK: - Statements

  private func branch(_ number: Int, _ states: FlowStates) -> FlowStates {
    let (yes, no) = condition(nodes[number].condition, states)
    var result = FlowStates()
    var hasElse = false
    for child in function.children[number] {
      let isElse = nodes[child].role == .otherwise
      if isElse { hasElse = true }
      result.formUnion(run(child, isElse ? no : yes).elements)
    }
    if !hasElse { result.formUnion(no.elements) }
    return result
  }

  private func loop(_ number: Int, _ states: FlowStates) -> FlowStates {
    let node = nodes[number]
    let word = file.text(file.tokens[node.range.lowerBound])
    loops += 1
    breaks.append(FlowStates())
    defer { loops -= 1 }
    var result = FlowStates()
    let body = function.children[number]
    func once(_ states: FlowStates) -> FlowStates {
      continues.append(FlowStates())
      var end = body.reduce(states) { run($1, $0) }
      end.formUnion((continues.popLast() ?? FlowStates()).elements)
      return end
    }
    switch word {
    case "do":
      let tail = (body.last.map { nodes[$0].range.upperBound } ?? node.range.lowerBound + 1)
      let test = tail + 2..<max(tail + 2, node.range.upperBound - 2)
      flow.fixpoint(states) { states in
        let (again, out) = condition(test, once(states))
        result.formUnion(out.elements)
        return again
      }
    case "while", "for":
      let parts =
        word == "for" ? file.split(node.condition, at: ";") : [0..<0, node.condition, 0..<0]
      let first = effects(parts.first ?? 0..<0, states)
      let test = parts.count > 1 ? parts[1] : 0..<0
      func round(_ states: FlowStates) -> FlowStates {
        effects(parts.count > 2 ? parts[2] : 0..<0, once(states))
      }
      // What a count says is of the first round alone.
      let enters = isEntered(parts)
      if enters == false {
        breaks.removeLast()
        return first
      }
      flow.fixpoint(enters == true ? round(first) : first) { states in
        let (enter, out) = test.isEmpty ? (states, FlowStates()) : condition(test, states)
        result.formUnion(out.elements)
        return round(enter)
      }
    case _ where word.hasPrefix("scoped_"):
      result = once(effects(node.condition, states))
    default:
      flow.fixpoint(effects(node.condition, states)) { states in
        result.formUnion(states.elements)
        return once(states)
      }
    }
    result.formUnion((breaks.popLast() ?? FlowStates()).elements)
    return result
  }

  /// Whether `for (i = a; i < b; ...)` runs at all; nil where that is not known.
  private func isEntered(_ parts: [Range<Int>]) -> Bool? {
    guard parts.count == 3, let equals = parts[0].last(where: { file.tokens[$0].is("=") }),
      equals > parts[0].lowerBound, let first = parts[1].first, parts[1].count > 2,
      file.tokens[first].kind == .identifier,
      file.text(file.tokens[first]) == file.text(file.tokens[equals - 1])
    else { return nil }
    let start = equals + 1..<parts[0].upperBound
    let end = first + 2..<parts[1].upperBound
    guard !start.isEmpty, case .int(let low)? = constant(start).first, constant(start).count == 1
    else { return nil }
    let op = file.text(file.tokens[first + 1])
    // An array has an element.
    if file.isNamed(file.tokens[end.lowerBound], "ARRAY_SIZE"), op == "<",
      file.closing(of: end.lowerBound + 1, before: end.upperBound) == end.upperBound - 1
    {
      return low.isZero ? true : nil
    }
    guard case .int(let high)? = constant(end).first, constant(end).count == 1 else { return nil }
    return low.binary(op, high).map { !$0.isZero }
  }

  private func choice(_ number: Int, _ states: FlowStates) -> FlowStates {
    let node = nodes[number]
    let labels = function.children[number].flatMap { function.children[$0] }.filter {
      nodes[$0].kind == .label
    }
    let entry = evaluate(node.condition, states.elements)
    breaks.append(FlowStates())
    choices.append(
      Choice(
        entry: entry, slot: slot(of: node.condition),
        cases: labels.compactMap { value(ofCase: nodes[$0]) }))
    var result = function.children[number].reduce(FlowStates()) { run($1, $0) }
    if let last = choices.popLast(), !last.hasDefault {
      result.formUnion(others(of: last))
    }
    result.formUnion((breaks.popLast() ?? FlowStates()).elements)
    return result
  }

  /// The constant of `case constant:`.
  private func value(ofCase node: CStatements.Node) -> FlowValue? {
    let range = node.range.dropFirst().dropLast()
    guard !range.isEmpty, file.isNamed(file.tokens[node.range.lowerBound], "case") else {
      return nil
    }
    let values = constant(range)
    guard values.count == 1 else { return nil }
    switch values[0] {
    case .int, .failed: return values[0]
    default: return nil
    }
  }

  /// The states that no `case` takes.
  private func others(of choice: Choice) -> [FlowState] {
    choice.entry.filter { outcome in
      !choice.cases.contains { outcome.value.compared("==", $0) == true }
    }.map(\.state)
  }

  private func label(_ node: CStatements.Node, _ states: FlowStates) -> FlowStates {
    var states = states
    let word = file.text(file.tokens[node.range.lowerBound])
    guard word == "case" || word == "default" else {
      passed.insert(word)
      states.formUnion((incoming[word] ?? FlowStates()).elements)
      return states
    }
    guard let last = choices.indices.last else { return states }
    if word == "default" {
      choices[last].hasDefault = true
      states.formUnion(others(of: choices[last]))
      return states
    }
    guard let value = value(ofCase: node) else {
      states.formUnion(choices[last].entry.map(\.state))
      return states
    }
    for outcome in choices[last].entry where outcome.value.mayEqual(value) {
      var state = outcome.state
      if outcome.value == .unknown || outcome.value == .nonzero, let slot = choices[last].slot {
        state.variables[slot] = value
      }
      states.insert(state)
    }
    return states
  }

  private func simple(_ number: Int, _ states: FlowStates) -> FlowStates {
    guard !states.isEmpty else { return states }
    let range = nodes[number].range
    let first = file.tokens[range.lowerBound]
    var end = range.upperBound
    if end > range.lowerBound, file.tokens[end - 1].is(";") { end -= 1 }
    if first.kind == .identifier {
      let rest = range.lowerBound + 1..<max(range.lowerBound + 1, end)
      switch file.text(first) {
      case "return":
        leave(returning: rest, states)
        return FlowStates()
      case "goto":
        leave(to: rest, states)
        return FlowStates()
      case "break":
        if let last = breaks.indices.last { breaks[last].formUnion(states.elements) }
        return FlowStates()
      case "continue":
        if let last = continues.indices.last { continues[last].formUnion(states.elements) }
        return FlowStates()
      case "panic", "BUG":
        // The machine stops.
        return FlowStates()
      case "BUG_ON":
        return condition(stripped(rest), states).no
      default:
        // RET(-ENOMEM);
        if function.returningMacros.contains(range.lowerBound) {
          leave(returning: stripped(rest), states)
          return FlowStates()
        }
      }
    }
    return effects(range.lowerBound..<end, states)
  }

  private func leave(returning range: Range<Int>, _ states: FlowStates) {
    let outcomes =
      range.isEmpty
      ? states.elements.map { FlowOutcome(state: $0, value: .unknown) }
      : evaluate(range, states.elements)
    let isError = !range.isEmpty && isTested(range)
    for outcome in outcomes {
      let isFailed =
        outcome.value == .unknown && isError
        || outcome.value == .nonzero
          && !function.function.returnsPointer && isResult(range)
      let value = isFailed ? .failed : outcome.value
      returns.insert(MaskFlow.Return(masks: outcome.state.masks, value: value))
    }
  }

  private func leave(to target: Range<Int>, _ states: FlowStates) {
    guard target.count == 1 else {
      return flow.giveUp("a goto to an address", at: target.lowerBound)
    }
    let name = file.text(file.tokens[target.lowerBound])
    var all = incoming[name] ?? FlowStates()
    let count = all.count
    all.formUnion(states.elements)
    incoming[name] = flow.bounded(all)
    if all.count > count, passed.contains(name) { needsMore = true }
  }

  /// The states behind an expression.
  private func effects(_ range: Range<Int>, _ states: FlowStates) -> FlowStates {
    guard !range.isEmpty, function.isRelevant(range) else { return states }
    return FlowStates(evaluate(range, states.elements).map(\.state))
  }
}
