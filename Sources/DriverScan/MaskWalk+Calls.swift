/// Calls and stores that set masks, and calls of the functions around them.
extension MaskWalk {
  /// `name(...)`, which is the whole range.
  func called(_ range: Range<Int>, _ states: [FlowState]) -> [FlowOutcome] {
    let name = range.lowerBound
    if let site = flow.sites[name] { return set(site, states) }
    let arguments = file.split(name + 2..<range.upperBound - 1)
    let text = file.text(file.tokens[name])
    if let functions = flow.callees(text) {
      return functions.flatMap { entered($0, arguments, states) }
    }
    var states = states
    for argument in arguments where !hasSite(argument) { states = behind(argument, states) }
    if flow.isMacro(file.tokens[name]), !hasSite(range) { return read(range, states) }
    var outcomes = same(.unknown, states)
    let isKnown = Self.handsOn.contains(text)
    for argument in arguments where hasSite(argument) {
      if !isKnown { flow.loosen("\(text)() is given a result", at: name) }
      outcomes = outcomes.flatMap { outcome in
        evaluate(argument, [outcome.state]).map { inner in
          // snd_card_free_on_error(dev, f(x)) and its like hand an error on.
          let value = outcome.value == .failed ? .failed : Self.handedOn(inner.value)
          return FlowOutcome(state: inner.state, value: isKnown ? value : .unknown)
        }
      }
    }
    let error = Self.errorArguments[text]
    let tested = error.flatMap { $0 < arguments.count ? arguments[$0] : nil } ?? arguments.last
    let inner = tested.flatMap(slot)
    // Nothing in its argument is followed.
    let given = inner == nil && !(tested.map(hasSite) ?? false) ? self.error(of: range) : nil
    return outcomes.map { outcome in
      var outcome = outcome
      for member in function.members { outcome.state.variables[member] = .unknown }
      if !Self.isMessage(text) { forget(&outcome.state) }
      outcome.value = given ?? result(of: text, outcome, slot: inner)
      return outcome
    }
  }

  /// Functions that give an error that they are given, or that test it.
  private static let handsOn: Set<String> = [
    "dev_err_probe", "dev_err_ptr_probe", "dev_err_cast_probe", "snd_card_free_on_error",
    "IS_ERR", "IS_ERR_OR_NULL", "IS_ERR_VALUE", "PTR_ERR", "PTR_ERR_OR_ZERO", "ERR_PTR", "ERR_CAST",
    "WARN_ON", "WARN_ON_ONCE", "likely", "unlikely",
  ]

  /// What a call gives of which only the name is known.
  private func result(of name: String, _ outcome: FlowOutcome, slot: Int?) -> FlowValue {
    let argument = slot.map { outcome.state.variables[$0] }
    switch name {
    case "IS_ERR", "IS_ERR_OR_NULL":
      if outcome.value == .failed || argument == .failed { return .one }
      if slot == nil, name == "IS_ERR", outcome.value == .zero { return .zero }
      return argument == .zero && name == "IS_ERR" || argument == .succeeded ? .zero : .unknown
    case "PTR_ERR_OR_ZERO": return argument == .failed ? .failed : outcome.value
    case _ where Self.errorArguments[name] != nil:
      guard let argument else { return outcome.value }
      // PTR_ERR() of no error is a number like others.
      let isPointer = name == "PTR_ERR" || name.hasSuffix("CAST") || name.contains("cast")
      return isPointer && argument == .nonzero ? .unknown : Self.handedOn(argument)
    default: return outcome.value
    }
  }

  /// A call that sets masks: it succeeds, or leaves them.
  private func set(_ site: MaskSite, _ states: [FlowState]) -> [FlowOutcome] {
    let masks = masks(of: site, states)
    let done = masks.filter { $0.state.masks.outcome(of: $0.value) != false }.map { outcome in
      var state = applied(site, outcome)
      state.masks.note(outcome.value, succeeded: true)
      return FlowOutcome(state: state, value: .zero)
    }
    let failed = masks.filter { $0.state.masks.outcome(of: $0.value) != true }.map { outcome in
      var state = outcome.state
      flow.meet(outcome.value, at: site)
      if coerces(site) {
        state.masks.areOne = true
        state.masks.streaming = state.masks.coherent
      }
      state.masks.note(outcome.value, succeeded: false)
      return FlowOutcome(state: state, value: .failed)
    }
    return done + failed
  }

  /// A store, with the outcomes of what is stored.
  func stored(_ site: MaskSite, _ outcomes: [FlowOutcome]) -> [FlowOutcome] {
    outcomes.flatMap { outcome -> [FlowOutcome] in
      var values = [outcome.value]
      if file.tokens[site.mask.lowerBound - 1].is("&") {
        let name = file.text(file.tokens[site.mask])
        values = Self.values(flow.evaluator.initialValue(of: name))
      }
      return values.map { value in
        FlowOutcome(
          state: applied(site, FlowOutcome(state: outcome.state, value: value)), value: value)
      }
    }
  }

  private func applied(_ site: MaskSite, _ outcome: FlowOutcome) -> FlowState {
    var state = outcome.state
    flow.meet(outcome.value, at: site)
    let mask = FlowMask(outcome.value)
    if coerces(site) { state.masks.areOne = true }
    let isOne = flow.sharesOneMask || state.masks.areOne
    if site.streaming || isOne { state.masks.streaming = mask }
    if site.coherent || isOne { state.masks.coherent = mask }
    return state
  }

  /// Whether a call makes both masks one before it sets them.
  private func coerces(_ site: MaskSite) -> Bool {
    file.isNamed(file.tokens[site.token], "dma_coerce_mask_and_coherent")
  }

  /// What the mask of a call may be.  The same text is the same mask: it is read once.
  private func masks(of site: MaskSite, _ states: [FlowState]) -> [FlowOutcome] {
    let text = "=" + file.text(file.tokens[site.mask])
    guard let slot = function.slots[text], !hasVariables(site.mask) else {
      return evaluate(site.mask, states)
    }
    let known = states.filter { $0.variables[slot].isBound }
    let fresh = states.filter { !$0.variables[slot].isBound }
    checkForgotten(slot, fresh, at: site.mask.lowerBound)
    return known.map { FlowOutcome(state: $0, value: $0.variables[slot]) }
      + evaluate(site.mask, fresh).map { outcome in
        var outcome = outcome
        outcome.state.variables[slot] = outcome.value
        return outcome
      }
  }

  /// Forgets what a function that is called may change.
  private func forget(_ state: inout FlowState) {
    for slot in function.kept where state.variables[slot].isBound {
      state.variables[slot] = .unknown
    }
  }

  /// Notes that something is asked again behind a call, which may have changed it.
  func checkForgotten(_ slot: Int, _ states: [FlowState], at token: Int) {
    guard function.kept.contains(slot), states.contains(where: { $0.variables[slot] == .unknown })
    else { return }
    let name = function.names[slot].dropFirst().prefix(60)
    flow.loosen("'\(name)' is read again behind a call", at: token)
  }

  /// Whether a function only writes to the log.
  private static func isMessage(_ name: String) -> Bool {
    guard let mark = name.firstIndex(of: "_") else { return name == "printk" }
    return name.hasPrefix("pr_")
      || ["dev", "pci", "netdev", "drm", "netif", "ata", "scmd"].contains(name[..<mark])
        && messages.contains { name[mark...].hasPrefix($0) }
  }

  private static let messages = ["_err", "_warn", "_info", "_notice", "_dbg", "_alert", "_crit"]

  private func hasVariables(_ range: Range<Int>) -> Bool {
    (file.variables(in: range) + file.paths(in: range)).contains { function.slots[$0] != nil }
  }

  /// A call of a function of the file that leads to a site.
  private func entered(
    _ callee: MaskFunction, _ arguments: [Range<Int>], _ states: [FlowState]
  ) -> [FlowOutcome] {
    var given = states.map { (state: $0, values: [FlowValue]()) }
    for (position, argument) in arguments.enumerated() {
      let parameters = callee.function.parameters
      let isFollowed =
        position < parameters.count && callee.slots[parameters[position]] != nil
      guard isFollowed || function.isRelevant(argument) && hasSite(argument) else {
        for index in given.indices { given[index].values.append(.unknown) }
        continue
      }
      given = given.flatMap { state, values in
        evaluate(argument, [state]).map { ($0.state, values + [$0.value]) }
      }
      guard given.count <= MaskFlow.stateLimit else {
        flow.giveUp("more than \(MaskFlow.stateLimit) states at one place", at: argument.lowerBound)
        return []
      }
    }
    return given.flatMap { state, values in
      flow.call(callee, with: state.masks, arguments: values).map { back in
        var state = state
        state.masks = back.masks
        if back.value == .nonzero, !callee.function.returnsPointer,
          callee.function.returned != .bool
        {
          flow.doubt(
            "\(callee.function.name)() may give a number that is no error",
            at: callee.function.body.lowerBound)
        }
        for member in function.members { state.variables[member] = .unknown }
        forget(&state)
        return FlowOutcome(state: state, value: back.value)
      }
    }
  }
}
