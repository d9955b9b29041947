import Support

/// The masks and attributes that a C file sets.
struct DriverFile {
  let file: CFile
  let functions: [CFunction]
  private let evaluator: MaskEvaluator
  private var contexts: [Int: FunctionContext] = [:]
  private(set) var calls: [MaskCall] = []
  private(set) var uses: [DriverUse] = []
  /// Whether devices are left with a mask that another file may set.
  private(set) var leavesMasks = false
  /// The functions that lead to masks and that other files may call.
  private(set) var setters: [String] = []
  /// What following the flow took, at most ``MaskFlow/workLimit``.
  private(set) var steps = 0
  /// The token of each call, and its function's number.
  private var places: [(token: Int, function: Int)] = []
  /// The calls by where their names stand in the file.
  private var starts: [Int32: Int] = [:]
  /// Whether a variable points to a device's mask or to a function that sets it, or a
  /// macro makes the name of one.
  private var keepsPointer = false
  /// The same for ``MaskPairs``.
  private var sites: [MaskSite] = []

  /// The functions that set masks, and which.
  static let setters: [String: (streaming: Bool, coherent: Bool)] = [
    "dma_set_mask": (true, false), "dma_set_coherent_mask": (false, true),
    "dma_set_mask_and_coherent": (true, true), "dma_coerce_mask_and_coherent": (true, true),
    "pci_set_dma_mask": (true, false), "pci_set_consistent_dma_mask": (false, true),
  ]
  private static let limits: Set<String> = [
    "dma_set_seg_boundary", "dma_set_min_align_mask", "dma_set_max_seg_size",
  ]
  /// A store of the address of a variable that holds the mask.
  private static let pointer = "dma_mask = &"
  /// What each of these names and stores contains.
  static let needles = ["dma_set_", "dma_coerce_mask", "dma_mask", "DMA_ATTR_"].map {
    ByteSearch($0)
  }

  /// Those that dma-mapping.h defines.
  private let attributes: Set<String>

  init(_ file: CFile, headers: Headers) {
    let expansion = CExpansion(file, functions: file.functions())
    var file = file
    file.tokens = CTokens(expansion.tokens)
    file.opaqueMacros = expansion.opaque
    file.index = NameIndex(file)
    self.file = file
    let known = headers.header(at: "include/linux/dma-mapping.h")?.names ?? []
    attributes = known.filter { $0.hasPrefix("DMA_ATTR_") }
    functions = file.functions()
    evaluator = MaskEvaluator(file, headers: headers, functions: functions)
    for index in candidates() { read(index) }
    findFallbacks()
    let (inMacros, hasNames) = file.maskCallsInMacros(atMost: Self.callLimit - calls.count)
    calls += inMacros
    if hasNames { keepsPointer = true }
  }

  /// The tokens that may name what is looked for, in order.
  private func candidates() -> [Int] {
    let starts = [
      "dma_", "DMA_ATTR_", "pci_set_", "coherent_dma_mask", "platform_dma_mask",
    ].map { Array($0.utf8) }
    return file.bytes.withUnsafeBufferPointer { bytes in
      file.tokens.indices.filter { index in
        let token = file.tokens[index]
        guard token.kind == .identifier, token.end - token.start >= 8 else { return false }
        let first = bytes[Int(token.start)]
        return starts.contains { start in
          start[0] == first && bytes[Int(token.start)..<Int(token.end)].starts(with: start)
        }
      }
    }
  }

  private mutating func context(_ token: Int) -> (number: Int, context: FunctionContext)? {
    guard let number = functions.index(containing: token), functions[number].isReadable else {
      return nil
    }
    if let known = contexts[number] { return (number, known) }
    let context = FunctionContext(functions[number], in: file)
    contexts[number] = context
    return (number, context)
  }

  private mutating func read(_ index: Int) {
    let name = file.text(file.tokens[index])
    let isCalled = index + 1 < file.tokens.count && file.tokens[index + 1].is("(")
    if let sets = Self.setters[name] {
      // Its address, or a name in parentheses.
      if !isCalled { keepsPointer = true }
      // Outside of a function it is declared or defined.
      guard isCalled, let around = functions.index(containing: index), takesOne(index, around),
        let (number, context) = context(index)
      else { return }
      guard let mask = argument(of: index) else {
        return addUnknown(index, "arguments that are not read")
      }
      guard file.macros[name] == nil, !file.undefined.contains(name) else {
        return addUnknown(index, file.text(file.tokens[mask]))
      }
      add(
        name, mask, sets.streaming, sets.coherent, token: index, function: number, context)
    } else if Self.limits.contains(name) {
      guard isCalled, let (_, context) = context(index), let value = argument(of: index) else {
        return
      }
      use(name, at: index, value, context)
    } else if name.hasPrefix("DMA_ATTR_") {
      // Others have such names too.
      guard attributes.isEmpty || attributes.contains(name) else { return }
      let inside = context(index)
      uses.append(
        DriverUse(
          line: Int(file.tokens[index].line), function: inside?.context.function.name ?? "",
          name: name, expression: "", value: nil))
    } else if name == "dma_mask" || name == "coherent_dma_mask" {
      store(name, index)
    } else if name == "platform_dma_mask" {
      keepsPointer = true
    }
  }

  /// How many calls and stores of a file are read: a driver has some twenty at most, and
  /// each is looked up among all functions of its file.
  static let callLimit = 200
  /// The same for limits and attributes.
  private static let useLimit = 500

  /// Whether a call or store is read: those of long functions, and after ``callLimit``, are
  /// listed as not decided.
  private mutating func takesOne(_ index: Int, _ function: Int?) -> Bool {
    guard calls.count <= Self.callLimit else { return false }
    if calls.count == Self.callLimit {
      addUnknown(index, "more than \(Self.callLimit) calls in one file")
      return false
    }
    if let function, !functions[function].isReadable {
      addUnknown(index, "a function of more than \(CFunction.wordLimit) words")
      return false
    }
    return true
  }

  /// A call whose masks are not read.
  private mutating func addUnknown(_ index: Int, _ expression: String) {
    let name = file.text(file.tokens[index])
    let sets = Self.setters[name]
    calls.append(
      MaskCall(
        line: Int(file.tokens[index].line),
        function: functions.index(containing: index).map { functions[$0].name } ?? "",
        callee: sets == nil ? name + " =" : name, expression: expression, alternatives: [],
        isDecided: false, setsStreaming: sets?.streaming ?? true,
        setsCoherent: sets?.coherent ?? true))
    places.append((index, -1))
  }

  /// How many tokens the arguments of a call may have: calls within calls cost their square.
  private static let tokenLimit = 512

  /// The second argument of a call; nil where the call has no end within ``tokenLimit``.
  private func argument(of index: Int) -> Range<Int>? {
    let end = min(file.tokens.count, index + 1 + Self.tokenLimit)
    guard let close = file.closing(of: index + 1, before: end) else { return nil }
    let arguments = file.split(index + 2..<close)
    return arguments.count == 2 ? arguments[1] : nil
  }

  private mutating func add(
    _ callee: String, _ mask: Range<Int>, _ streaming: Bool, _ coherent: Bool, token: Int,
    function: Int?, _ context: FunctionContext?
  ) {
    let value =
      callee == Self.pointer
      ? evaluator.initialValue(of: file.text(file.tokens[mask]))
      : evaluator.value(of: mask, in: context)
    let masks = value.alternatives.map { MaskValue($0.value) }
    let start = file.tokens[token].start
    // What a macro puts in two places is one call.
    if let known = starts[start] {
      sites.append(
        MaskSite(
          token: token, mask: mask, streaming: streaming, coherent: coherent,
          isStore: callee.contains("="), function: function, call: known))
      return
    }
    starts[start] = calls.count
    calls.append(
      MaskCall(
        line: Int(file.tokens[token].line), function: context?.function.name ?? "",
        callee: callee, expression: file.text(file.tokens[mask]),
        alternatives: masks.reduce(into: []) { if !$0.contains($1) { $0.append($1) } },
        isDecided: value.isComplete, setsStreaming: streaming, setsCoherent: coherent))
    places.append((token, function ?? -1))
    sites.append(
      MaskSite(
        token: token, mask: mask, streaming: streaming, coherent: coherent,
        isStore: callee.contains("="), function: function, call: calls.count - 1))
  }

  /// The pairs of masks that a device may have, and whether it can have no others.
  ///
  /// Calls whose masks the flow of their functions decides are decided from here on.
  mutating func pairs(
    sharesOneMask: Bool
  ) -> (pairs: [DeviceMasks], isDecided: Bool, doubts: [MaskDoubt]) {
    let rest = calls.indices.filter { index in !sites.contains { $0.call == index } }
    // Of the many calls of a hostile file not all are sites.
    guard calls.count <= Self.callLimit else {
      return (
        [], false, [MaskDoubt(line: 0, reason: "more than \(Self.callLimit) calls and stores")]
      )
    }
    let found = MaskPairs(
      file, functions: functions, sites: sites, evaluator: evaluator, sharesOneMask: sharesOneMask,
      alternatives: { calls[$0].alternatives }
    ) { contexts[$0] ?? FunctionContext(functions[$0], in: file) }
    for (index, masks) in found.met where !calls[index].isDecided {
      calls[index] = calls[index].decided(as: masks)
    }
    for index in found.unreached { calls[index] = calls[index].undecided() }
    (leavesMasks, setters) = (found.leavesMasks, found.setters)
    steps = found.steps
    var doubts = found.doubts
    for index in rest {
      doubts.insert(MaskDoubt(line: calls[index].line, reason: "a call that is not followed"))
    }
    if file.isTooDeep { doubts.add("#if or braces nest too deep", at: nil, in: file) }
    if keepsPointer, !calls.isEmpty {
      doubts.add("masks may be set through a pointer or another name", at: nil, in: file)
    }
    return (found.pairs.elements, doubts.isEmpty, doubts.elements)
  }

  private mutating func use(
    _ name: String, at index: Int, _ value: Range<Int>, _ context: FunctionContext?
  ) {
    let decided =
      uses.count < Self.useLimit ? evaluator.value(of: value, in: context) : .undecided
    let isOne = decided.isComplete && decided.alternatives.count == 1
    uses.append(
      DriverUse(
        line: Int(file.tokens[index].line), function: context?.function.name ?? "", name: name,
        expression: file.text(file.tokens[value]),
        value: isOne ? decided.alternatives[0].value : nil))
  }

  // MARK: - Stores

  /// `dev->coherent_dma_mask = x`, `*dev->dma_mask = x`, `.dma_mask = &x`.
  private mutating func store(_ name: String, _ index: Int) {
    // What is not read writes it: `&=`, a parenthesis, its address.
    if index + 2 < file.tokens.count, file.isWrittenOtherwise(index) { keepsPointer = true }
    // u64 *m = dev->dma_mask;
    if name == "dma_mask", index > 1, index + 1 < file.tokens.count, file.isMember(index),
      file.tokens[index + 1].is(";"), file.keepsPointer(at: index)
    {
      keepsPointer = true
    }
    guard index > 0, index + 2 < file.tokens.count,
      file.tokens[index - 1].is(".") || file.tokens[index - 1].is("->"),
      file.tokens[index + 1].is("=")
    else { return }
    guard takesOne(index, functions.index(containing: index)) else { return }
    let inside = context(index)
    let end = file.endOfValue(index + 2, file.tokens.count)
    // a = b = value
    let value = file.startOfValue(index + 2, end)..<end
    guard !value.isEmpty else { return }
    if name == "coherent_dma_mask" {
      add(
        "coherent_dma_mask =", value, false, true, token: index, function: inside?.number,
        inside?.context)
    } else if file.isDereferenced(index) {
      add(
        "*dma_mask =", value, true, false, token: index, function: inside?.number,
        inside?.context)
    } else if file.tokens[value.lowerBound].is("&") {
      // struct device has a pointer to the mask.
      if value.count == 2 {
        add(
          Self.pointer, value.lowerBound + 1..<end, true, false, token: index,
          function: inside?.number, inside?.context)
      } else {
        // What a member holds is not read, but where both masks are one.
        if file.busGivesPointer, file.isWithoutPointer(index) { return }
        let isShared = file.isNamed(file.tokens[value.upperBound - 1], "coherent_dma_mask")
        if !isShared { keepsPointer = true }
        use("dma_mask pointer", at: index, value, inside?.context)
      }
    } else {
      // A number is the member of another structure: struct device has a pointer.
      if file.isNamed(file.tokens[value.upperBound - 1], "dma_mask"),
        !file.tokens[value.lowerBound].is("*")
      {
        // Another device's pointer.
        keepsPointer = true
      }
      if file.isOfPCI(index) { keepsPointer = true }
      use("dma_mask member", at: index, value, inside?.context)
    }
  }

  // MARK: - Alternatives

  /// Calls that are made because another one failed.
  private mutating func findFallbacks() {
    for later in calls.indices.dropFirst() where places[later].function >= 0 {
      for earlier in (0..<later).reversed()
      where places[earlier].function == places[later].function
        && calls[earlier].setsStreaming == calls[later].setsStreaming
        && calls[earlier].setsCoherent == calls[later].setsCoherent
        && isFallback(later, of: earlier)
      {
        calls[later].fallbackOf = earlier
        break
      }
    }
  }

  private func isFallback(_ later: Int, of earlier: Int) -> Bool {
    guard let context = contexts[places[later].function] else { return false }
    let statements = context.statements
    let (first, second) = (places[earlier].token, places[later].token)
    // An argument of the earlier call is evaluated before it.
    guard let close = file.closing(of: first + 1, before: file.tokens.count), close < second else {
      return false
    }
    let inner = statements.innermost(second).map(statements.chain) ?? []
    for node in inner.map({ statements.nodes[$0] }) where node.kind == .branch {
      if node.condition.contains(first) {
        let succeeds = isNegated(first, close)
        if node.condition.contains(second) {
          let between = file.tokens[close..<second]
          return between.contains { $0.is(succeeds ? "||" : "&&") }
        }
        return isInElse(second, of: node, statements) == succeeds
      }
      // ret = dma_set_mask(...); if (ret) ...
      guard let name = assigned(first), node.range.lowerBound > first,
        let tested = node.condition.first(where: { file.text(file.tokens[$0]) == name }),
        node.range.contains(second), !node.condition.contains(second),
        // The last write of it before the test.
        context.variable(name).assignments.last(where: { $0.token < tested })
          .map({ $0.value.contains(first) }) == true
      else { continue }
      return isInElse(second, of: node, statements) == isNegated(tested, tested)
    }
    return false
  }

  /// Whether `!x` or `x == 0` is tested.
  private func isNegated(_ first: Int, _ last: Int) -> Bool {
    if file.tokens[first - 1].is("!") { return true }
    guard last + 2 < file.tokens.count else { return false }
    return file.tokens[last + 1].is("==") && file.text(file.tokens[last + 2]) == "0"
  }

  private func isInElse(
    _ token: Int, of branch: CStatements.Node, _ statements: CStatements
  ) -> Bool {
    statements.nodes.contains {
      $0.role == .otherwise && $0.range.contains(token) && $0.parent >= 0
        && statements.nodes[$0.parent].range == branch.range
        && statements.nodes[$0.parent].kind == .branch
    }
  }

  /// The variable that a call's result is assigned to.
  private func assigned(_ call: Int) -> String? {
    guard call >= 2, file.tokens[call - 1].is("="), file.tokens[call - 2].kind == .identifier
    else { return nil }
    return file.text(file.tokens[call - 2])
  }
}
