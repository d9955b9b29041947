/// The pairs of masks that a device of a file's drivers may have at the end.
///
/// Each function that sets masks is followed from where others enter it: from the
/// functions that call it, or from its own beginning where its address is taken or no
/// function of the file calls it.  Where it returns an error no device is driven.
struct MaskPairs {
  /// Each once, in the order in which the source prefers them.
  private(set) var pairs = OrderedSet<DeviceMasks>()
  /// Why there may be others.
  private(set) var doubts = OrderedSet<MaskDoubt>()
  /// Whether there are no others.
  var isDecided: Bool { doubts.isEmpty }
  /// The masks that calls set, by their numbers, where the flow decides them.
  private(set) var met: [Int: [MaskValue]] = [:]
  /// Calls that the flow does not reach: what leads there is not what it seems.
  private(set) var unreached: [Int] = []
  /// The functions that lead to masks and that other files may call.
  private(set) var setters: [String] = []
  /// Whether devices are left with a mask that another file of the module may set.
  private(set) var leavesMasks = false
  /// Whether a mask that nothing sets has 32 bits.
  private let busGives32: Bool
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
    busGives32 = file.busGives32
    let graph = CallGraph(file, functions, roots: Set(sites.compactMap(\.function)))
    let words = graph.members.reduce(0) { $0 + functions[$1].body.count }
    guard graph.members.count <= Self.functionLimit, words <= Self.wordLimit,
      graph.members.allSatisfy({ functions[$0].isReadable })
    else {
      doubts.add("more functions or words that lead to a call than are read", at: nil, in: file)
      return
    }
    let members = graph.members.sorted().map { number in
      MaskFunction(
        functions[number], number, context: context(number),
        sites: sites.filter { $0.function == number }, calls: graph.calls[number] ?? [],
        evaluator: evaluator)
    }
    let devices = MaskDevices(
      file, functions: functions, members: members, sites: sites, calls: graph.calls)
    // Who sets the masks of devices that it makes sets none of its callers' devices.
    setters = members.filter {
      !$0.function.isStatic && !CType.isNamed($0.function.name)
        && devices.takesDevice($0.number)
    }.map(\.function.name)
    let flow = MaskFlow(
      file, evaluator: evaluator, sites: sites, functions: members, devices: devices,
      aliases: graph.aliases,
      sharesOneMask: sharesOneMask)
    for member in members {
      guard let kind = graph.kind(of: member.number) else { continue }
      let end = Self.end(member, kind, flow, FlowMasks())
      ends.append(End(kind: kind, function: member, masks: end.masks, failed: end.failed))
      if let reason = end.doubt { doubt(reason, member, file) }
      for reason in devices.doubts(about: member.number, isProbe: kind == .probe) {
        doubt(reason, member, file)
      }
    }
    let outside = Self.initializers(
      file, sites.filter { $0.function == nil }, evaluator, sharesOneMask: sharesOneMask)
    if !outside.isEmpty {
      ends.append(End(kind: .probe, function: nil, masks: outside, failed: []))
    }
    noteOwnDevices(file, evaluator, hasMasks: !outside.isEmpty)
    if ends.isEmpty, !members.isEmpty {
      doubts.add("functions that only call each other", at: nil, in: file)
    }
    combine(graph, file)
    continueOthers(flow, file)
    // Where nothing is done, the masks are those of the probe function or of the bus.
    let isOptional =
      !ends.contains { $0.kind == .probe }
      && !pairs.contains(DeviceMasks(streaming: Driver.defaultMask, coherent: Driver.defaultMask))
    for (token, reason) in (isOptional ? graph.optional : []) + graph.doubts
      + devices.configurations() + evaluator.settingUses()
    {
      doubts.add(reason, at: token, in: file)
    }
    for member in members {
      for (token, reason) in MaskShapes(member).found + evaluator.hazards(in: member) {
        doubts.add(reason, at: token, in: file)
      }
      let name = member.function.name
      if evaluator.definition(of: name) != nil {
        doubt("a macro has the name of the function \(name)", member, file)
      }
    }
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
    doubts.formUnion(flow.doubts.elements)
    if flow.isLoose, pairs.count > 1 { doubts.formUnion(flow.losses.elements) }
    if isThatOfTheBus(flow) { doubts = OrderedSet(doubts.elements.filter { !$0.isAboutFailure }) }
    guard !flow.isIncomplete else { return }
    for (call, values) in flow.met {
      let masks = Self.masks(values)
      if masks.count == values.count { met[call] = masks }
    }
    // What never runs sets nothing that is known.
    let entered = Set(flow.entered)
    unreached = sites.filter { site in
      site.function.map(entered.contains) ?? false && flow.met[site.call] == nil
        && !members.contains { $0.isForSizes(site.token) }
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
    /// Where it gives an error.
    let failed: [FlowMasks]
  }
  private var ends: [End] = []

  /// How a function that others enter leaves the masks of the devices that it drives.
  private static func end(
    _ function: MaskFunction, _ kind: CallGraph.Kind, _ flow: MaskFlow, _ masks: FlowMasks
  ) -> (masks: [FlowMasks], failed: [FlowMasks], doubt: String?) {
    let name = function.function.name
    let returns = flow.call(function, with: masks)
    let (failed, done) = returns.divided { function.function.fails(with: $0.value) }
    let driven = OrderedSet(done.map(\.masks)).elements
    // The bus takes a positive number for an error or not.
    let certain = done.filter { !$0.value.isPositive }.map(\.masks)
    if kind == .probe, !driven.allSatisfy({ masks in certain.contains { $0.isSame(as: masks) } }) {
      return (driven, [], "\(name)() may give a number that is no error")
    }
    return (driven, failed.map(\.masks), nil)
  }

  private mutating func doubt(_ reason: String, _ function: MaskFunction?, _ file: CFile) {
    doubts.add(reason, at: function?.function.body.lowerBound, in: file)
  }

  /// Whether all masks that are set are those of the bus: who fails to set them has them.
  private func isThatOfTheBus(_ flow: MaskFlow) -> Bool {
    let bus = FlowValue.int(.unsigned64(Driver.defaultMask.value))
    return busGives32 && !flow.isIncomplete
      && pairs.elements.allSatisfy {
        $0.streaming == Driver.defaultMask && $0.coherent == Driver.defaultMask
      }
      && flow.met.values.flatMap(\.elements).allSatisfy { $0.compared("==", bus) == true }
  }

  /// A device that the file itself makes begins with the masks that it gives it, not with
  /// those of the bus.
  private mutating func noteOwnDevices(
    _ file: CFile, _ evaluator: MaskEvaluator, hasMasks: Bool
  ) {
    let isLeft = ends.contains { end in
      end.function != nil
        && end.masks.contains { $0.streaming == .unset || $0.coherent == .unset }
    }
    guard isLeft else { return }
    if hasMasks {
      doubts.add("the file's own devices have other masks before", at: nil, in: file)
    } else if let made = file.givenMasks.first(where: { value in
      let mask = evaluator.value(of: value, in: nil)
      return !mask.isComplete || mask.alternatives.contains { $0.value != Driver.defaultMask.value }
    })?.lowerBound {
      doubts.add("a platform_device_info gives a device masks", at: made, in: file)
    }
  }

  /// Joins what the functions leave.
  private mutating func combine(_ graph: CallGraph, _ file: CFile) {
    // Helpers last: they must not add to what is known.
    for index in ends.indices.sorted(by: { ends[$0].kind.rawValue < ends[$1].kind.rawValue }) {
      let end = ends[index]
      let others = (sets(\.streaming, but: index), sets(\.coherent, but: index))
      // An error of what is no probe function leaves the device with its driver.
      if end.kind == .other, !others.0, !others.1, let function = end.function,
        !end.failed.allSatisfy({ masks in end.masks.contains { $0.isSame(as: masks) } })
      {
        let name = function.function.name
        doubt(
          "\(name)() is not known to be a probe function; if it fails, its device keeps the masks",
          function, file)
      }
      for masks in end.masks {
        if masks.isUntouched, end.kind == .setUp || end.kind == .other && (others.0 || others.1) {
          continue
        }
        if end.kind == .other || end.kind == .setUp,
          masks.streaming == .unset && others.0 || masks.coherent == .unset && others.1
        {
          // Continued behind the others.
          continue
        }
        if !busGives32, masks.streaming == .unset || masks.coherent == .unset {
          doubt("a mask that nothing sets is the bus's own", end.function, file)
          guard file.someBusGives32 else { continue }
        }
        guard let pair = masks.pair else {
          doubt("a mask that is not decided", end.function, file)
          continue
        }
        if masks.streaming == .unset || masks.coherent == .unset {
          leavesMasks = true
          // Others hand it devices that they have given masks.
          if end.kind == .other, let function = end.function?.function,
            !function.isStatic || graph.isExported.contains(function.name)
          {
            doubt("\(function.name)() leaves a mask that its callers may set", end.function, file)
          }
        }
        if end.kind == .helper {
          if !pairs.contains(pair) {
            doubt("other files may call a function that is not static", end.function, file)
          }
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

  /// Follows functions that are entered at any time behind the others.
  private mutating func continueOthers(_ flow: MaskFlow, _ file: CFile) {
    guard ends.filter({ $0.kind != .helper }).count > 1 else { return }
    for end in ends where end.kind == .other || end.kind == .setUp {
      guard let function = end.function else { continue }
      let others = pairs.elements.flatMap { pair in
        // What one function made one mask stays one.
        let one = ends.contains { $0.masks.contains(where: \.areOne) }
        return [false, true].filter { !$0 || one && pair.streaming == pair.coherent }
          .flatMap { isOne in
            var masks = FlowMasks(
              streaming: .known(pair.streaming.value), coherent: .known(pair.coherent.value))
            masks.areOne = isOne
            return flow.call(function, with: masks).map(\.masks.pair)
          }
      }
      if pairs.isEmpty || !others.allSatisfy({ $0.map(pairs.contains) ?? false }) {
        doubt("\(function.function.name)() may set masks behind others", function, file)
      }
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

extension FlowValue {
  /// Whether it may be more than 0, which is no error number.
  fileprivate var isPositive: Bool {
    switch self {
    case .nonzero: true
    case .int(let number): !number.isZero && !number.isNegative
    default: false
    }
  }
}

extension Array {
  /// Those with a property, and the others.
  fileprivate func divided(_ has: (Element) -> Bool) -> ([Element], [Element]) {
    (filter(has), filter { !has($0) })
  }
}

extension FlowMasks {
  /// Whether both masks are those of others.
  fileprivate func isSame(as other: FlowMasks) -> Bool {
    streaming == other.streaming && coherent == other.coherent
  }

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

  /// What a value that it returns is to its callers, cut to the type of its result.
  func result(_ value: FlowValue) -> FlowValue {
    guard returned == .other, !returnsPointer else { return returned.converted(value) }
    // Of a type that is not read, errors may be positive.
    if case .int = value { return returned.converted(value) }
    return .unknown
  }
}
