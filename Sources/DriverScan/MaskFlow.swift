/// Follows the masks of a device through the functions of a file.
///
/// Abstract interpretation with sets of states: a statement turns the set of states in
/// which it may begin into the set in which it may end, each once.  A call that sets a mask
/// may succeed, or fail and leave it.  Conditions that neither masks nor results decide
/// go both ways.  What is more than the limits is given up, and said to be.
final class MaskFlow {
  let file: CFile
  let evaluator: MaskEvaluator
  /// Whether setting one mask sets both.
  let sharesOneMask: Bool
  /// By their tokens.
  let sites: [Int: MaskSite]
  /// The functions that lead to a site, by their names.
  let functions: [String: [MaskFunction]]
  /// Functions that set masks of more than one device.
  private let mixed: Set<Int>
  /// The tokens that read the mask of a function's own device.
  let ownReads: Set<Int>
  /// Macros that call one of them.
  private let aliases: [String: String]
  /// The masks that were met at each call of the file.
  private(set) var met: [Int: OrderedSet<FlowValue>] = [:]
  /// Whether a limit was reached or code is not understood: masks may be missing.
  private(set) var isIncomplete = false

  /// Whether a result or an answer is lost: the masks that are found may be too many.
  private(set) var isLoose = false

  /// Why masks may be missing.
  private(set) var doubts = OrderedSet<MaskDoubt>()

  /// Why they may be too many.
  private(set) var losses = OrderedSet<MaskDoubt>()

  /// What is left of ``workLimit``.
  private var work: Int
  /// How deep statements, expressions and calls nest now.
  private var depth = 0
  /// The numbers of functions that were entered.
  private(set) var entered: Set<Int> = []
  /// Functions that are being called.
  private var open: Set<String> = []
  private var known: [Call: [Return]] = [:]
  private var groups: [Int32: (branches: Set<Int32>, isExhaustive: Bool)] = [:]
  private var constants: [Int: [FlowValue]] = [:]

  /// At one place; a driver with more is not decided.
  static let stateLimit = 256
  /// States times statements and expressions of one file.
  static let workLimit = 200_000
  private static let depthLimit = 160
  private static let callLimit = 6
  /// Rounds for `goto`s backwards and loops.
  private static let roundLimit = 24

  /// A call of a function with what it depends on.
  private struct Call: Hashable {
    let number: Int
    let masks: FlowMasks
    let arguments: [FlowValue]
  }

  /// How a function returns.
  struct Return: Hashable {
    var masks: FlowMasks
    let value: FlowValue
  }

  init(
    _ file: CFile, evaluator: MaskEvaluator, sites: [MaskSite], functions: [MaskFunction],
    devices: MaskDevices, aliases: [String: String], sharesOneMask: Bool
  ) {
    self.aliases = aliases
    mixed = devices.mixed
    ownReads = devices.ownReads
    self.file = file
    self.evaluator = evaluator
    self.sharesOneMask = sharesOneMask
    self.sites = Dictionary(sites.map { ($0.token, $0) }) { first, _ in first }
    self.functions = Dictionary(grouping: functions, by: \.function.name)
    work = Self.workLimit
  }

  /// Gives up what is behind.
  func giveUp(_ reason: String, at token: Int?) {
    isIncomplete = true
    doubts.add(reason, at: token, in: file)
  }

  /// Goes both ways behind a result that is not followed.
  func loosen(_ reason: String, at token: Int?) {
    isLoose = true
    losses.add(reason, at: token, in: file)
  }

  /// What may lead to others than the masks that are found.
  func doubt(_ reason: String, at token: Int?) { doubts.add(reason, at: token, in: file) }

  /// What was done of ``workLimit``.
  var steps: Int { Self.workLimit - work }

  /// Counts work; false where nothing is left.
  func spend(_ count: Int) -> Bool {
    work -= count
    if work <= 0 { giveUp("more than \(Self.workLimit) steps", at: nil) }
    return work > 0
  }

  /// Runs a step one level deeper; nil below the limit.
  func deeper<Result>(_ step: () -> Result) -> Result? {
    guard depth < Self.depthLimit else {
      giveUp("statements and expressions nest too deep", at: nil)
      return nil
    }
    depth += 1
    defer { depth -= 1 }
    return step()
  }

  /// Remembers a mask that a call sets.
  func meet(_ value: FlowValue, at site: MaskSite) {
    met[site.call, default: OrderedSet()].insert(value)
  }

  /// The values of an expression without variables that are followed, which are found
  /// once.
  func constants(_ range: Range<Int>, _ find: () -> [FlowValue]) -> [FlowValue] {
    if let known = constants[range.lowerBound << 24 | range.count] { return known }
    let found = find()
    constants[range.lowerBound << 24 | range.count] = found
    return found
  }

  /// Whether a name that is called is a macro that is computed, no function: by its
  /// letters, because headers have many of both.
  func isMacro(_ token: CToken) -> Bool {
    let name = file.bytes[Int(token.start)..<Int(token.end)]
    guard !name.contains(where: { $0 >= 0x61 && $0 <= 0x7a }) else {
      return file.isNamed(token, "sizeof") || file.macros[file.text(token)] != nil
    }
    let text = file.text(token)
    return !Self.errorPointers.contains(text)
      && (MaskEvaluator.builtins.contains(text) || evaluator.definition(of: text) != nil)
  }

  private static let errorPointers: Set<String> = [
    "IS_ERR", "IS_ERR_OR_NULL", "PTR_ERR", "ERR_PTR",
  ]

  /// The branches of an `#if`, without those that are never compiled, and whether one of
  /// them always is.
  func branches(of group: Int32) -> (branches: Set<Int32>, isExhaustive: Bool) {
    if groups.isEmpty {
      for region in file.regions where !region.isDead {
        groups[region.group, default: ([], false)].branches.insert(region.branch)
        if region.isElse { groups[region.group]?.isExhaustive = true }
      }
    }
    return groups[group] ?? ([], false)
  }

  // MARK: - Functions

  /// How a function returns that begins with some masks.
  func call(
    _ function: MaskFunction, with masks: FlowMasks, arguments: [FlowValue] = []
  ) -> [Return] {
    let name = function.function.name
    let call = Call(number: function.number, masks: masks, arguments: arguments)
    if let known = known[call] { return known }
    guard !open.contains(name), open.count < Self.callLimit else {
      giveUp("functions call each other too deep", at: function.function.body.lowerBound)
      return [Return(masks: FlowMasks(streaming: .unknown, coherent: .unknown), value: .unknown)]
    }
    open.insert(name)
    entered.insert(function.number)
    defer { open.remove(name) }
    var state = function.entry
    state.masks = masks
    for (position, value) in zip(function.function.parameters, arguments) {
      if let slot = function.slots[position] {
        state.variables[slot] = function.types[slot].converted(value)
      }
    }
    let start = function.function.body.lowerBound
    if function.isBroken { giveUp("braces are not closed", at: start) }
    for (token, reason) in function.hidden { giveUp(reason, at: token) }
    if mixed.contains(function.number) {
      giveUp("\(function.function.name)() sets masks of more than one device", at: start)
    }
    for (token, reason) in function.unsure { loosen(reason, at: token) }
    let walk = MaskWalk(function, self)
    var round = 0
    repeat {
      walk.needsMore = false
      let end = walk.run(0, FlowStates([state]))
      walk.returns.formUnion(
        end.elements.map { Return(masks: $0.masks, value: .unknown) })
      round += 1
    } while walk.needsMore && round < Self.roundLimit && work > 0
    if walk.needsMore { giveUp("more than \(Self.roundLimit) rounds of a loop", at: start) }
    let returns = OrderedSet(
      walk.returns.elements.map { back in
        Return(masks: back.masks, value: function.function.result(back.value))
      }
    ).elements
    known[call] = returns
    return returns
  }

  /// The functions that a name calls, also where it is a macro that does.
  func callees(_ name: String) -> [MaskFunction]? { functions[aliases[name] ?? name] }

  /// How a loop ends: `step` turns the states that enter it into those that enter it
  /// again.
  func fixpoint(_ states: FlowStates, _ step: (FlowStates) -> FlowStates) {
    var all = states
    var front = states
    var round = 0
    while !front.isEmpty {
      guard round < Self.roundLimit, all.count <= Self.stateLimit, work > 0 else {
        giveUp("more than \(Self.roundLimit) rounds of a loop", at: nil)
        return
      }
      round += 1
      let next = step(front)
      front = FlowStates(next.elements.filter { !all.contains($0) })
      all.formUnion(front.elements)
    }
  }

  /// The states, or none where they are more than the limit.
  func bounded(_ states: FlowStates) -> FlowStates {
    guard states.count > Self.stateLimit else { return states }
    giveUp("more than \(Self.stateLimit) states at one place", at: nil)
    return FlowStates()
  }
}
