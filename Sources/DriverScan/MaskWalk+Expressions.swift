/// What an expression is, and what it does to masks and variables.
extension MaskWalk {
  /// The outcomes of an expression in some states.
  func evaluate(_ range: Range<Int>, _ states: [FlowState]) -> [FlowOutcome] {
    guard !states.isEmpty else { return [] }
    let outcomes = flow.deeper { () -> [FlowOutcome] in
      guard self.flow.spend(1 + range.count / 8 + states.count) else { return [] }
      return self.value(self.stripped(range), states)
    }
    let all = OrderedSet(outcomes ?? []).elements
    guard all.count <= MaskFlow.stateLimit else {
      flow.giveUp("more than \(MaskFlow.stateLimit) states at one place", at: range.lowerBound)
      return []
    }
    return all
  }

  private func value(_ range: Range<Int>, _ states: [FlowState]) -> [FlowOutcome] {
    guard !range.isEmpty else { return same(.unknown, states) }
    guard function.isRelevant(range) else {
      return constant(range).flatMap { same($0, states) }
    }
    let operators = Operators(range, file)
    if let last = operators.commas.last {
      var states = states
      for part in operators.parts(range, operators.commas).dropLast() {
        states = OrderedSet(evaluate(part, states).map(\.state)).elements
      }
      return evaluate(last + 1..<range.upperBound, states)
    }
    if let at = operators.assignment { return assigned(range, at, states) }
    if let question = operators.question { return chosen(range, question, operators.colon, states) }
    if !operators.or.isEmpty || !operators.and.isEmpty || operators.compare != nil
      || file.tokens[range.lowerBound].is("!")
    {
      return states.flatMap { state -> [FlowOutcome] in
        let (yes, no) = condition(range, FlowStates([state]))
        return same(.one, yes.elements) + same(.zero, no.elements)
      }
    }
    if !operators.bits.isEmpty, hasSite(range) {
      return combined(operators.parts(range, operators.bits), states)
    }
    return operand(range, states)
  }

  private func operand(_ range: Range<Int>, _ states: [FlowState]) -> [FlowOutcome] {
    let first = file.tokens[range.lowerBound]
    if first.is("-") || first.is("~") || first.is("+") {
      let op = file.text(first)
      return evaluate(range.lowerBound + 1..<range.upperBound, states).map { outcome in
        guard case .int(let number) = outcome.value else {
          return FlowOutcome(state: outcome.state, value: outcome.value.unary(op))
        }
        return FlowOutcome(
          state: outcome.state, value: number.unary(op).map(FlowValue.int) ?? .unknown)
      }
    }
    if first.is("++") || first.is("--") || file.tokens[range.upperBound - 1].is("++")
      || file.tokens[range.upperBound - 1].is("--")
    {
      return changed(range, states)
    }
    if first.kind == .identifier, range.lowerBound + 1 < range.upperBound,
      file.tokens[range.lowerBound + 1].is("("),
      file.closing(of: range.lowerBound + 1, before: range.upperBound) == range.upperBound - 1
    {
      return called(range, states)
    }
    if !hasSite(range) {
      return read(range, behind(range, states))
    }
    // A cast, or what is not understood.
    if first.is("("), let close = file.closing(of: range.lowerBound, before: range.upperBound),
      !hasSite(range.lowerBound..<close)
    {
      return evaluate(close + 1..<range.upperBound, states)
    }
    flow.giveUp("an expression that is not read", at: range.lowerBound)
    return same(.unknown, states)
  }

  /// The same value in every state.
  func same(_ value: FlowValue, _ states: [FlowState]) -> [FlowOutcome] {
    states.map { FlowOutcome(state: $0, value: value) }
  }

  /// Whether a call that changes masks is in a range.
  func hasSite(_ range: Range<Int>) -> Bool {
    range.contains { index in
      file.tokens[index].kind == .identifier
        && (flow.sites[index] != nil
          || index + 1 < file.tokens.count && file.tokens[index + 1].is("(")
            && flow.callees(file.text(file.tokens[index])) != nil)
    }
  }

  // MARK: - Operators

  /// `a = b`, and `a |= b`, of a mask, of a variable that is followed, or of others.
  private func assigned(
    _ range: Range<Int>, _ at: Int, _ states: [FlowState]
  ) -> [FlowOutcome] {
    let outcomes = evaluate(
      at + 1..<range.upperBound, behind(range.lowerBound..<max(range.lowerBound, at - 1), states))
    if let site = flow.sites[at - 1], site.isStore { return stored(site, outcomes) }
    let start = at > range.lowerBound ? file.startOfPath(at - 1, range.lowerBound) : at
    let isPointed = start > range.lowerBound && file.tokens[start - 1].is("*")
    guard start < at, !isPointed || isDeclaration(range.lowerBound..<start),
      let slot = function.slots[file.text(file.tokens[start..<at])]
    else {
      // A result that is not followed decides nothing behind.
      if hasSite(at + 1..<range.upperBound) { flow.loosen("a result that is not followed", at: at) }
      return outcomes
    }
    if isFiltered(at + 1..<range.upperBound, slot, outcomes) {
      flow.loosen("a function changes a result", at: at)
    }
    let type = function.types[slot]
    let isPlain = file.tokens[at].is("=")
    // Loops count: what they count is not followed.
    let isCounted =
      isPlain
      ? isInLoop && reads(at + 1..<range.upperBound, slot)
      : !file.tokens[at].is("|=") && !hasSite(range)
    let op = file.text(file.tokens[at])
    return outcomes.map { outcome in
      var outcome = outcome
      if isCounted {
        outcome.value = .unknown
      } else if !isPlain {
        outcome.value = Self.joined(outcome.state.variables[slot], outcome.value, op)
      }
      outcome.value = type.converted(outcome.value)
      outcome.state.variables[slot] = outcome.value
      return outcome
    }
  }

  /// Whether a variable becomes what a function makes of its own value, a call's result.
  private func isFiltered(_ range: Range<Int>, _ slot: Int, _ outcomes: [FlowOutcome]) -> Bool {
    guard reads(range, slot) else { return false }
    return outcomes.contains { outcome in
      outcome.value == .unknown && outcome.state.variables[slot] == .failed
    }
  }

  /// Whether a variable is in a range.
  private func reads(_ range: Range<Int>, _ slot: Int) -> Bool {
    (file.variables(in: range) + file.paths(in: range)).contains { function.slots[$0] == slot }
  }

  /// Whether a type stands in front of `*name =`.
  private func isDeclaration(_ range: Range<Int>) -> Bool {
    range.contains { file.tokens[$0].kind == .identifier }
  }

  /// `a | b` and `a + b` of results.
  private static func joined(_ one: FlowValue, _ other: FlowValue, _ op: String) -> FlowValue {
    if case .int(let a) = one, case .int(let b) = other {
      let plain = op.count > 1 ? String(op.dropLast()) : op
      return a.binary(plain, b).map(FlowValue.int) ?? .unknown
    }
    guard op.hasPrefix("|") || op.hasPrefix("+") else { return .unknown }
    if one == .zero { return other }
    if other == .zero { return one }
    let hasError = op.hasPrefix("|") && (one == .failed || other == .failed)
    return hasError || one == .failed && other == .failed ? .failed : .unknown
  }

  private func combined(_ parts: [Range<Int>], _ states: [FlowState]) -> [FlowOutcome] {
    var outcomes = same(.zero, states)
    for part in parts {
      outcomes = outcomes.flatMap { outcome in
        evaluate(part, [outcome.state]).map {
          FlowOutcome(state: $0.state, value: Self.joined(outcome.value, $0.value, "|"))
        }
      }
    }
    return outcomes
  }

  /// `a ? b : c` and `a ?: c`.
  private func chosen(
    _ range: Range<Int>, _ question: Int, _ colon: Int?, _ states: [FlowState]
  ) -> [FlowOutcome] {
    guard let colon else {
      if hasSite(range) { flow.giveUp("a choice that is not read", at: question) }
      return same(.unknown, states)
    }
    let test = range.lowerBound..<question
    let other = colon + 1..<range.upperBound
    if colon == question + 1 {
      return evaluate(test, states).flatMap { outcome -> [FlowOutcome] in
        switch outcome.value.truth {
        case true?: return [outcome]
        case false?: return evaluate(other, [outcome.state])
        case nil:
          return [FlowOutcome(state: outcome.state, value: .nonzero)]
            + evaluate(other, [outcome.state])
        }
      }
    }
    let (yes, no) = condition(test, FlowStates(states))
    return evaluate(question + 1..<colon, yes.elements) + evaluate(other, no.elements)
  }

  /// `x++` and its like.
  private func changed(_ range: Range<Int>, _ states: [FlowState]) -> [FlowOutcome] {
    if hasSite(range) {
      flow.giveUp("an expression that is not read", at: range.lowerBound)
    }
    let names = file.variables(in: range) + file.paths(in: range)
    return states.map { state in
      var state = state
      for slot in names.compactMap({ function.slots[$0] }) { state.variables[slot] = .unknown }
      return FlowOutcome(state: state, value: .unknown)
    }
  }

  // MARK: - Values

  /// An expression of variables that are followed and of constants.
  func read(_ range: Range<Int>, _ states: [FlowState]) -> [FlowOutcome] {
    if let slot = function.slots[file.text(file.tokens[range])] {
      return states.map { FlowOutcome(state: $0, value: Self.bound($0.variables[slot])) }
    }
    let words = joinedPaths(flow.evaluator.words(range))
    let used = OrderedSet(words.compactMap { function.slots[$0.text] }).elements
    var found: [[FlowValue]: [FlowValue]] = [:]
    return states.flatMap { state -> [FlowOutcome] in
      let key = used.map { state.variables[$0] }
      let values: [FlowValue]
      if let known = found[key] {
        values = known
      } else {
        var evaluator = flow.evaluator
        for slot in used {
          if case .int(let number) = state.variables[slot] {
            evaluator.bindings[function.names[slot]] = CValue(number)
          } else {
            evaluator.bindings[function.names[slot]] = .undecided
          }
        }
        evaluator.context = function.context
        values = Self.values(evaluator.value(words))
        found[key] = values
      }
      return values.map { FlowOutcome(state: state, value: $0) }
    }
  }

  private static func bound(_ value: FlowValue) -> FlowValue {
    value == .unbound ? .unknown : value
  }

  static func values(_ value: CValue) -> [FlowValue] {
    var values = value.alternatives.map(FlowValue.int)
    if !value.isComplete { values.append(.unknown) }
    return values
  }

  /// The words with `a`, `->`, `b` as one where that is a variable that is followed.
  private func joinedPaths(_ words: [CWord]) -> [CWord] {
    guard !function.members.isEmpty else { return words }
    var result: [CWord] = []
    var index = 0
    while index < words.count {
      var end = index + 1
      if words[index].kind == .identifier {
        while end + 1 < words.count, words[end].text == "->" || words[end].text == ".",
          words[end + 1].kind == .identifier
        {
          end += 2
        }
      }
      let text = words[index..<end].map(\.text).joined()
      if end > index + 1, function.slots[text] != nil {
        result.append(CWord(kind: .identifier, text: text, token: words[index].token))
      } else {
        result += words[index..<end]
      }
      index = end
    }
    return result
  }

  /// The values of an expression that no variable decides.
  func constant(_ range: Range<Int>) -> [FlowValue] {
    let first = file.tokens[range.lowerBound]
    if range.count == 1, first.kind == .identifier {
      switch file.text(first) {
      case "NULL", "false", "nullptr": return [.zero]
      case "true": return [.one]
      case let name where Self.isErrorNumber(name) && file.macros[name] == nil: return [.nonzero]
      default: break
      }
    }
    if range.count == 2, first.is("-"), file.tokens[range.lowerBound + 1].kind == .identifier,
      Self.isErrorNumber(file.text(file.tokens[range.lowerBound + 1]))
    {
      return [.failed]
    }
    if let error = error(of: range) { return [error] }
    return flow.constants(range) {
      isOfRunTime(range)
        ? [.unknown] : Self.values(flow.evaluator.value(of: range, in: function.context))
    }
  }

  /// Whether a call or a member says at once that no evaluation decides an expression.
  private func isOfRunTime(_ range: Range<Int>) -> Bool {
    var isKnown = true
    for index in range {
      let token = file.tokens[index]
      if token.is("?") { return false }
      if token.is("->") || token.is(".") || token.is("[") { isKnown = false }
      if token.kind == .identifier, index + 1 < range.upperBound, file.tokens[index + 1].is("("),
        !flow.isMacro(token)
      {
        isKnown = false
      }
    }
    return !isKnown
  }

  /// Whether a name is one of errno.h.
  static func isErrorNumber(_ name: String) -> Bool { errorNumbers.contains(name) }

  /// Those that drivers return: include/uapi/asm-generic/errno-base.h and errno.h,
  /// include/linux/errno.h.
  private static let errorNumbers: Set<String> = [
    "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD",
    "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV",
    "ENOTDIR", "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC",
    "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK",
    "ENOSYS", "ENOTEMPTY", "ELOOP", "EWOULDBLOCK", "ENOMSG", "ENOSTR", "ENODATA", "ETIME",
    "ENOSR", "ENOLINK", "ECOMM", "EPROTO", "EBADMSG", "EOVERFLOW", "EILSEQ", "EUSERS",
    "EMSGSIZE", "EPROTONOSUPPORT", "EOPNOTSUPP", "EADDRINUSE", "EADDRNOTAVAIL", "ENETDOWN",
    "ENETUNREACH", "ECONNABORTED", "ECONNRESET", "ENOBUFS", "EISCONN", "ENOTCONN", "ESHUTDOWN",
    "ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "EALREADY", "EINPROGRESS",
    "EREMOTEIO", "ENOMEDIUM", "EMEDIUMTYPE", "ECANCELED", "ENOTSUPP", "EPROBE_DEFER",
    "ERESTARTSYS", "ENOIOCTLCMD", "EHWPOISON", "ESTALE", "EUCLEAN", "ENOTRECOVERABLE",
    "EKEYREJECTED",
  ]
}
