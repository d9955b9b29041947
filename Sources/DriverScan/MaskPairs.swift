/// The pairs of masks that a device of a file's drivers may have at the end.
///
/// Each function that sets masks is followed from where others enter it: from the
/// functions that call it, or from its own beginning where its address is taken or no
/// function of the file calls it.  Where it returns an error no device is driven.
struct MaskPairs {
  /// Each once, in the order in which the source prefers them.
  private(set) var pairs = OrderedSet<DeviceMasks>()
  /// Whether there are no others.
  private(set) var isDecided = true
  /// The masks that calls set, by their numbers, where the flow decides them.
  private(set) var met: [Int: [MaskValue]] = [:]
  /// Calls that the flow does not reach: what leads there is not what it seems.
  private(set) var unreached: [Int] = []
  /// Whether devices are left with a mask that another file of the module may set.
  private(set) var leavesMasks = false
  /// The states that were followed through statements and expressions.
  private(set) var steps = 0

  /// How many functions of a file may lead to masks.
  private static let functionLimit = 200
  /// How many words they may have together.
  private static let wordLimit = 60_000

  init(
    _ file: CFile, functions: [CFunction], sites: [MaskSite], evaluator: MaskEvaluator,
    sharesOneMask: Bool, alternatives: (Int) -> [MaskValue], context: (Int) -> FunctionContext
  ) {
    let graph = CallGraph(file, functions, roots: Set(sites.compactMap(\.function)))
    let words = graph.members.reduce(0) { $0 + functions[$1].body.count }
    guard graph.members.count <= Self.functionLimit, words <= Self.wordLimit,
      graph.members.allSatisfy({ functions[$0].isReadable })
    else {
      isDecided = false
      return
    }
    let members = graph.members.sorted().map { number in
      MaskFunction(
        functions[number], number, context: context(number),
        sites: sites.filter { $0.function == number }, calls: graph.calls[number] ?? [],
        evaluator: evaluator)
    }
    let devices = MaskDevices(file, members: members, sites: sites, calls: graph.calls)
    let flow = MaskFlow(
      file, evaluator: evaluator, sites: sites, functions: members, mixed: devices.mixed,
      aliases: graph.aliases,
      sharesOneMask: sharesOneMask)
    for member in members {
      guard let kind = graph.kind(of: member.number) else { continue }
      ends.append(End(kind: kind, function: member, masks: Self.driven(member, flow, FlowMasks())))
    }
    let outside = Self.initializers(
      file, sites.filter { $0.function == nil }, evaluator, sharesOneMask: sharesOneMask)
    if !outside.isEmpty { ends.append(End(kind: .probe, function: nil, masks: outside)) }
    if ends.isEmpty, !members.isEmpty { isDecided = false }
    combine(graph)
    continueOpen(flow)
    let calls = sites.map { site in
      (site.call, alternatives(site.call) + Self.masks(flow.met[site.call]))
    }
    sort { mask in
      for (call, masks) in calls {
        if let place = masks.firstIndex(of: mask) { return call << 16 | place }
      }
      return .max
    }
    steps = flow.steps
    if flow.isIncomplete || flow.isLoose && pairs.count > 1 { isDecided = false }
    guard !flow.isIncomplete else { return }
    for (call, values) in flow.met {
      let masks = Self.masks(values)
      if masks.count == values.count { met[call] = masks }
    }
    // What never runs sets nothing that is known.
    let entered = Set(flow.entered)
    unreached = sites.filter { site in
      site.function.map(entered.contains) ?? false && flow.met[site.call] == nil
    }.map(\.call)
  }

  private static func masks(_ values: OrderedSet<FlowValue>?) -> [MaskValue] {
    (values?.elements ?? []).compactMap { value in
      if case .int(let number) = value { MaskValue(number.value) } else { nil }
    }
  }

  /// Sorts the pairs by the first place that sets their masks.
  private mutating func sort(by place: (MaskValue) -> Int) {
    let keyed = pairs.elements.enumerated().map { index, pair in
      (key: (place(pair.streaming), place(pair.coherent), index), pair: pair)
    }
    pairs = OrderedSet(keyed.sorted { $0.key < $1.key }.map(\.pair))
  }

  /// How a function that others enter leaves a device's masks.
  private struct End {
    let kind: CallGraph.Kind
    /// nil for the static devices of the file.
    let function: MaskFunction?
    let masks: [FlowMasks]
  }
  private var ends: [End] = []
  /// Functions that set a mask of a device of which others set the other one.
  private var open: [MaskFunction] = []

  /// The masks of devices that a function does not refuse.
  private static func driven(
    _ function: MaskFunction, _ flow: MaskFlow, _ masks: FlowMasks
  ) -> [FlowMasks] {
    let returns = flow.call(function, with: masks).filter {
      !function.function.fails(with: $0.value)
    }
    return OrderedSet(returns.map(\.masks)).elements
  }

  /// Joins what the functions leave.
  private mutating func combine(_ graph: CallGraph) {
    // Helpers last: they must not add to what is known.
    for index in ends.indices.sorted(by: { ends[$0].kind.rawValue < ends[$1].kind.rawValue }) {
      let end = ends[index]
      let others = (sets(\.streaming, but: index), sets(\.coherent, but: index))
      for masks in end.masks {
        if masks.isUntouched, end.kind == .setUp || end.kind == .other && (others.0 || others.1) {
          continue
        }
        if end.kind != .probe, end.kind != .helper, let function = end.function,
          masks.streaming == .unset && others.0 || masks.coherent == .unset && others.1
        {
          open.append(function)
          continue
        }
        guard let pair = masks.pair else {
          isDecided = false
          continue
        }
        if masks.streaming == .unset || masks.coherent == .unset {
          leavesMasks = true
          // Others hand it devices that they have given masks.
          if end.kind == .other, let function = end.function?.function,
            !function.isStatic || graph.isExported.contains(function.name)
          {
            isDecided = false
          }
        }
        if end.kind == .helper {
          if !pairs.contains(pair) { isDecided = false }
        } else {
          pairs.insert(pair)
        }
      }
    }
  }

  /// Whether a mask is set by another function than one.
  private func sets(_ mask: KeyPath<FlowMasks, FlowMask>, but index: Int) -> Bool {
    ends.enumerated().contains { number, end in
      number != index && end.kind != .helper && end.masks.contains { $0[keyPath: mask] != .unset }
    }
  }

  /// Follows functions that set one mask for the devices of the others, as those of
  /// resume are; whether other devices come to them is not known.
  private mutating func continueOpen(_ flow: MaskFlow) {
    for function in open {
      for pair in pairs.elements {
        let masks = FlowMasks(
          streaming: .known(pair.streaming.value), coherent: .known(pair.coherent.value))
        let found = Self.driven(function, flow, masks).map(\.pair)
        if !found.allSatisfy({ $0.map(pairs.contains) ?? false }) { isDecided = false }
      }
      if pairs.isEmpty { isDecided = false }
    }
  }

  /// What static devices are given.
  private static func initializers(
    _ file: CFile, _ sites: [MaskSite], _ evaluator: MaskEvaluator, sharesOneMask: Bool
  ) -> [FlowMasks] {
    // Those of one device stand in the same braces.
    let groups = Dictionary(grouping: sites) { site in
      file.tokens[..<site.token].lastIndex { $0.depth == 0 } ?? 0
    }
    return groups.sorted { $0.key < $1.key }.flatMap { _, sites in
      sites.reduce([FlowMasks()]) { states, site in
        let isAddress = file.tokens[site.mask.lowerBound - 1].is("&")
        let value =
          isAddress
          ? evaluator.initialValue(of: file.text(file.tokens[site.mask]))
          : evaluator.value(of: site.mask, in: nil)
        return OrderedSet(
          states.flatMap { state in
            MaskWalk.values(value).map { value in
              var state = state
              if site.streaming || sharesOneMask { state.streaming = FlowMask(value) }
              if site.coherent || sharesOneMask { state.coherent = FlowMask(value) }
              return state
            }
          }
        ).elements.prefix(MaskFlow.stateLimit).map { $0 }
      }
    }
  }
}

extension FlowMasks {
  /// The pair where both are decided.
  fileprivate var pair: DeviceMasks? {
    guard let streaming = streaming.known, let coherent = coherent.known else { return nil }
    return DeviceMasks(streaming: streaming, coherent: coherent)
  }
}

extension FlowMask {
  /// The mask where it is decided, the bus's where nothing set it.
  fileprivate var known: MaskValue? {
    switch self {
    case .unset: Driver.defaultMask
    case .known(let value): MaskValue(value)
    case .unknown: nil
    }
  }
}

extension CFunction {
  /// Whether a value that it returns says that it failed.
  fileprivate func fails(with value: FlowValue) -> Bool {
    !returnsBool && (value.isError || returnsPointer && value.truth == false)
  }

  /// What a value that it returns is to its callers: numbers that were tested for not
  /// being 0 are errors.
  func result(_ value: FlowValue) -> FlowValue {
    value == .nonzero && !returnsBool && !returnsPointer ? .failed : value
  }
}

/// Which functions of a file lead to those that set masks.
struct CallGraph {
  /// How a device comes to a function.
  enum Kind: Int {
    /// As the bus made it.
    case probe
    /// At any time.
    case other
    /// Once, before there is a device.
    case setUp
    /// From functions of this file, and perhaps from others.
    case helper
  }

  /// Those that set masks, and those that call them.
  private(set) var members: Set<Int> = []
  /// The calls of members in each function.
  private(set) var calls: [Int: [Int]] = [:]
  /// Macros that call members, by their names.
  private(set) var aliases: [String: String] = [:]
  private let functions: [CFunction]
  private var isCalled: Set<String> = []
  private var isTaken: Set<String> = []
  private(set) var isExported: Set<String> = []
  private var isProbe: Set<String> = []
  private var isSetUp: Set<String> = []

  init(_ file: CFile, _ functions: [CFunction], roots: Set<Int>) {
    self.functions = functions
    guard !roots.isEmpty else { return }
    let byName = Dictionary(grouping: functions.indices) { functions[$0].name }
    for macro in file.macros.values where macro.count == 1 && byName[macro[0].name] == nil {
      let called = macro[0].body.dropLast().first { index in
        file.macroTokens[index].kind == .identifier && file.macroTokens[index + 1].is("(")
          && byName[file.text(file.macroTokens[index])] != nil
      }
      if let called { aliases[macro[0].name] = file.text(file.macroTokens[called]) }
    }
    var uses = Self.uses(of: Set(byName.keys).union(aliases.keys), in: file)
    for (macro, name) in aliases { uses[name, default: []] += uses[macro] ?? [] }
    var queue = roots.map { functions[$0].name }.sorted()
    var seen = Set(queue)
    while let name = queue.popLast() {
      // `#if` may choose between functions of one name.
      members.formUnion(byName[name] ?? [])
      for use in uses[name] ?? [] {
        let isCall = use + 1 < file.tokens.count && file.tokens[use + 1].is("(")
        guard let around = functions.index(containing: use) else {
          if !isCall { note(name, use, file) }
          continue
        }
        guard isCall else {
          isTaken.insert(name)
          continue
        }
        calls[around, default: []].append(use)
        let caller = functions[around].name
        if caller != name { isCalled.insert(name) }
        if seen.insert(caller).inserted { queue.append(caller) }
      }
    }
  }

  /// Notes what the name of a function outside of all is for.
  private mutating func note(_ name: String, _ use: Int, _ file: CFile) {
    guard use >= 2 else { return }
    let before = file.text(file.tokens[use - 2])
    if before.hasPrefix("EXPORT_") {
      isExported.insert(name)
    } else if before == "module_init" || before.hasSuffix("_initcall") {
      isSetUp.insert(name)
    } else if file.tokens[use - 1].is("="), before.hasPrefix("probe") {
      isProbe.insert(name)
    } else {
      isTaken.insert(name)
    }
  }

  /// Where names stand, in order.
  private static func uses(of names: Set<String>, in file: CFile) -> [String: [Int]] {
    var shapes: Set<Int> = []
    for name in names { shapes.insert(name.utf8.count << 8 | Int(name.utf8.first ?? 0)) }
    var uses: [String: [Int]] = [:]
    for (index, token) in file.tokens.enumerated() where token.kind == .identifier {
      let shape = Int(token.end - token.start) << 8 | Int(file.bytes[Int(token.start)])
      guard shapes.contains(shape) else { continue }
      let text = file.text(token)
      if names.contains(text) { uses[text, default: []].append(index) }
    }
    return uses
  }

  /// How a device comes to a function by itself; nil where only others of the file call it.
  func kind(of number: Int) -> Kind? {
    let function = functions[number]
    let name = function.name
    guard members.contains(number) else { return nil }
    if isProbe.contains(name) || name.contains("probe") && !isCalled.contains(name) {
      return .probe
    }
    if isSetUp.contains(name) { return .setUp }
    if isTaken.contains(name) || !isCalled.contains(name) { return .other }
    return function.isStatic ? nil : .helper
  }
}
