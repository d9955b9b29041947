/// What a condition's outcome says about masks and variables.
extension MaskWalk {
  /// The states in which a condition holds, and in which it does not.
  func condition(
    _ range: Range<Int>, _ states: FlowStates
  ) -> (yes: FlowStates, no: FlowStates) {
    let nothing = (FlowStates(), FlowStates())
    guard !states.isEmpty else { return nothing }
    return flow.deeper {
      guard self.flow.spend(1 + range.count / 8 + states.count) else { return nothing }
      return self.decided(self.stripped(range), states)
    }.map { (self.flow.bounded($0.0), self.flow.bounded($0.1)) } ?? nothing
  }

  private func decided(
    _ range: Range<Int>, _ states: FlowStates
  ) -> (FlowStates, FlowStates) {
    if !range.isEmpty, let slot = function.slots["?" + file.text(file.tokens[range])] {
      checkForgotten(slot, states.elements, at: range.lowerBound)
      return split(
        states.elements.map { FlowOutcome(state: $0, value: $0.variables[slot]) }
      ) { ($0.value.truth, (slot, .one, .zero)) }
    }
    if file.isMaskPointer(range), file.busGivesPointer { return (states, FlowStates()) }
    if range.count > 4, file.isNamed(file.tokens[range.upperBound - 1], "NULL"),
      file.isMaskPointer(range.lowerBound..<range.upperBound - 2), file.busGivesPointer
    {
      let comparison = file.tokens[range.upperBound - 2]
      if comparison.is("==") { return (FlowStates(), states) }
      if comparison.is("!=") { return (states, FlowStates()) }
    }
    if !function.isRelevant(range) {
      switch constantTruth(range) {
      case true?: return (states, FlowStates())
      case false?: return (FlowStates(), states)
      case nil: return (states, states)
      }
    }
    let operators = Operators(range, file)
    if operators.isPlain {
      if !operators.or.isEmpty {
        var (yes, rest) = (FlowStates(), states)
        for part in operators.parts(range, operators.or) {
          let (some, others) = condition(part, rest)
          yes.formUnion(some.elements)
          rest = others
        }
        return (yes, rest)
      }
      if !operators.and.isEmpty {
        var (rest, no) = (states, FlowStates())
        for part in operators.parts(range, operators.and) {
          let (some, others) = condition(part, rest)
          no.formUnion(others.elements)
          rest = some
        }
        return (rest, no)
      }
      if let compare = operators.compare {
        return compared(range, compare, states)
      }
      if file.tokens[range.lowerBound].is("!") {
        let (yes, no) = condition(range.lowerBound + 1..<range.upperBound, states)
        return (no, yes)
      }
    }
    if let pointer = tested(range) {
      return split(evaluate(range, states.elements)) { outcome in
        (outcome.value.truth, (pointer, .failed, .succeeded))
      }
    }
    let slot = self.slot(of: range)
    return split(evaluate(range, states.elements)) { outcome in
      (outcome.value.truth, slot.map { ($0, .nonzero, .zero) })
    }
  }

  /// `a == b` and its like.
  private func compared(
    _ range: Range<Int>, _ at: Int, _ states: FlowStates
  ) -> (FlowStates, FlowStates) {
    let op = file.text(file.tokens[at])
    let (left, right) = (range.lowerBound..<at, at + 1..<range.upperBound)
    let slot = self.slot(of: left)
    var (yes, no) = (FlowStates(), FlowStates())
    let read = readMask(stripped(left)).map { mask in
      states.elements.map { FlowOutcome(state: $0, value: mask($0.masks)) }
    }
    for outcome in read ?? evaluate(left, states.elements) {
      for other in evaluate(right, [outcome.state]) {
        let (some, others) = split([FlowOutcome(state: other.state, value: outcome.value)]) {
          (
            $0.value.compared(op, other.value),
            slot.map { slot in
              refined(slot, op, other.value)
            }
          )
        }
        yes.formUnion(some.elements)
        no.formUnion(others.elements)
      }
    }
    return (yes, no)
  }

  /// What reads a device's mask: `*dev->dma_mask`, `dev->coherent_dma_mask`.  Whoever
  /// compares it means his own; whoever sets it to another's does not.
  private func readMask(_ range: Range<Int>) -> ((FlowMasks) -> FlowValue)? {
    guard !range.isEmpty else { return nil }
    let last = file.tokens[range.upperBound - 1]
    if file.isNamed(file.tokens[range.lowerBound], "dma_get_mask") {
      guard
        file.closing(of: range.lowerBound + 1, before: range.upperBound) == range.upperBound - 1,
        flow.ownReads.contains(range.lowerBound)
      else { return nil }
      return { $0.streaming.value }
    }
    guard flow.ownReads.contains(range.upperBound - 1) else { return nil }
    if file.isNamed(last, "coherent_dma_mask"), range.count > 2,
      file.endOfPath(range.lowerBound, range.upperBound) == range.upperBound
    {
      return { $0.coherent.value }
    }
    guard file.isNamed(last, "dma_mask"), file.tokens[range.lowerBound].is("*"),
      file.endOfPath(range.lowerBound + 1, range.upperBound) == range.upperBound
    else { return nil }
    return { $0.streaming.value }
  }

  /// What a variable is where `variable op value` holds, and where it does not.
  private func refined(
    _ slot: Int, _ op: String, _ value: FlowValue
  ) -> (slot: Int, yes: FlowValue?, no: FlowValue?) {
    let isZero = value == .zero || value.compared("==", .zero) == true
    switch op {
    case "==" where isZero: return (slot, .zero, .nonzero)
    case "!=" where isZero: return (slot, .nonzero, .zero)
    case "<" where isZero: return (slot, .failed, .succeeded)
    case ">=" where isZero: return (slot, .succeeded, .failed)
    case "==" where value != .unknown && value != .unbound: return (slot, value, nil)
    case "!=" where value != .unknown && value != .unbound: return (slot, nil, value)
    default: return (slot, nil, nil)
    }
  }

  /// Divides outcomes by whether a condition holds; where it may do both, the variable
  /// that it tests is known behind it.
  private func split(
    _ outcomes: [FlowOutcome],
    _ test: (FlowOutcome) -> (truth: Bool?, refined: (slot: Int, yes: FlowValue?, no: FlowValue?)?)
  ) -> (FlowStates, FlowStates) {
    var (yes, no) = (FlowStates(), FlowStates())
    for outcome in outcomes {
      let (truth, refined) = test(outcome)
      func state(_ value: FlowValue?) -> FlowState {
        guard truth == nil, let slot = refined?.slot, let value else { return outcome.state }
        var state = outcome.state
        // What is known of it is not made less.
        switch (state.variables[slot], value) {
        case (.int, _), (.failed, .nonzero): return state
        default: break
        }
        state.variables[slot] = value
        return state
      }
      if truth != false { yes.insert(state(refined?.yes)) }
      if truth != true { no.insert(state(refined?.no)) }
    }
    return (yes, no)
  }

  /// The variable of `IS_ERR(variable)`.
  private func tested(_ range: Range<Int>) -> Int? {
    let first = file.tokens[range.lowerBound]
    guard range.count > 3, file.tokens[range.lowerBound + 1].is("("),
      file.isNamed(first, "IS_ERR") || file.isNamed(first, "IS_ERR_OR_NULL")
    else { return nil }
    return slot(of: range.lowerBound + 2..<range.upperBound - 1)
  }

  /// The truth of a condition that no variable decides, such as `IS_DMA64`.
  private func constantTruth(_ range: Range<Int>) -> Bool? {
    guard !range.isEmpty, range.count <= 32 else { return nil }
    for index in range where range.count > 1 && file.tokens[index].kind == .identifier {
      let token = file.tokens[index]
      let hasLower = file.bytes[Int(token.start)..<Int(token.end)].contains {
        $0 >= 0x61 && $0 <= 0x7a
      }
      guard
        !hasLower || file.isNamed(token, "sizeof") || file.isNamed(token, "true")
          || file.isNamed(token, "false")
          || index > 0 && file.tokens[index - 1].is("(")
            && index + 1 < range.upperBound && file.tokens[index + 1].is(")")
      else { return nil }
    }
    let values = constant(range)
    guard values.count == 1 else { return nil }
    return values[0].truth
  }

  /// The variable that an expression is, or assigns.
  func slot(of range: Range<Int>) -> Int? {
    let range = stripped(range)
    guard let end = range.first.map({ file.endOfPath($0, range.upperBound) }),
      end > range.lowerBound
    else { return nil }
    let isAssigned = end < range.upperBound && file.tokens[end].is("=")
    guard end == range.upperBound || isAssigned else { return nil }
    return function.slots[file.text(file.tokens[range.lowerBound..<end])]
  }

  /// A range without parentheses around it, and without what only says how likely it is.
  func stripped(_ range: Range<Int>) -> Range<Int> {
    var range = range
    while range.count > 2 {
      let first = file.tokens[range.lowerBound]
      var open = range.lowerBound
      if first.kind == .identifier, file.tokens[open + 1].is("("),
        Self.wrappers.contains(file.text(first))
      {
        open += 1
      }
      guard file.tokens[open].is("("), file.tokens[range.upperBound - 1].is(")"),
        file.closing(of: open, before: range.upperBound) == range.upperBound - 1
      else { return range }
      range = open + 1..<range.upperBound - 1
    }
    return range
  }

  private static let wrappers: Set<String> = [
    "likely", "unlikely", "WARN_ON", "WARN_ON_ONCE", "__must_check",
  ]
}

/// The operators of an expression outside of its parentheses.
struct Operators {
  var commas: [Int] = []
  var assignment: Int?
  var question: Int?
  var colon: Int?
  var or: [Int] = []
  var and: [Int] = []
  var bits: [Int] = []
  var compare: Int?
  /// Whether a statement is inside.
  var hasBraces = false

  /// Whether it is a condition: neither a list, an assignment nor a choice.
  var isPlain: Bool { commas.isEmpty && assignment == nil && question == nil }

  init(_ range: Range<Int>, _ file: CFile) {
    var nesting = 0
    var choices = 0
    for index in range {
      let token = file.tokens[index]
      guard token.kind == .punctuation else { continue }
      if token.is("(") || token.is("[") || token.is("{") {
        nesting += 1
        if token.is("{") { hasBraces = true }
      } else if token.is(")") || token.is("]") || token.is("}") {
        nesting -= 1
      } else if nesting == 0 {
        if token.is("?") {
          if question == nil { question = index }
          choices += 1
        } else if token.is(":"), choices > 0 {
          choices -= 1
          if choices == 0, colon == nil { colon = index }
        } else {
          add(token, index, isFirst: index == range.lowerBound, file)
        }
      }
    }
  }

  private mutating func add(_ token: CToken, _ index: Int, isFirst: Bool, _ file: CFile) {
    if token.is(",") {
      commas.append(index)
    } else if token.is("=") || file.isCompound(token) {
      if assignment == nil { assignment = index }
    } else if token.is("||") {
      or.append(index)
    } else if token.is("&&") {
      // GNU's address of a label has no left operand.
      if !isFirst { and.append(index) }
    } else if token.is("|") || token.is("+"), !isFirst {
      bits.append(index)
    } else if token.is("==") || token.is("!=") || token.is("<") || token.is(">") || token.is("<=")
      || token.is(">=")
    {
      if compare == nil { compare = index }
    }
  }

  /// A range between operators.
  func parts(_ range: Range<Int>, _ operators: [Int]) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = range.lowerBound
    for index in operators {
      parts.append(start..<index)
      start = index + 1
    }
    return parts + [start..<range.upperBound]
  }
}
