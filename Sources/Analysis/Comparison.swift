import DMAModel
import Support

/// What differs between kernels, as transitions with exact conditions.
public struct Comparison: Sendable {
  /// What one kernel does in a transition.
  public struct Side: Sendable, Hashable {
    public let verdict: Verdict
    public let result: AnswerResult
    public let exposure: Exposure
  }

  /// An outcome column that differs although no verdict does.
  public struct Change: Sendable, Hashable {
    /// The column, as in ``Answer/columnNames``.
    public let column: String
    /// Its value on each kernel, in their order; empty for `dma`, whose addresses
    /// differ from scenario to scenario.
    public let values: [String]
  }

  /// Scenarios that change in the same way.
  public struct Transition: Sendable {
    /// One side per kernel, in their order.
    public let sides: [Side]
    /// The rule by which the last kernel decides, where its verdict changed.
    public let decision: Decision?
    /// The outcome columns that differ, where no verdict does.
    public let changes: [Change]
    public let scenarios: Int
    /// Of them those with no parameter: swiotlb=default, iommu none or translated.
    public let defaultBoots: Int
    public let conditions: [Condition]
  }

  public let kernels: [KernelVersion]
  /// Worst first.
  public let transitions: [Transition]
  /// Scenarios that exist on every kernel.
  public let scenarios: Int
  /// Of these, those whose answers and verdicts are equal.
  public let equal: Int
  /// Scenarios of each kernel that do not exist on all others.
  public let onlyThere: [Int]
  /// What differs at the end of requests, and where pools are full.
  public let life: LifeComparison
  /// Default pools of another size or place.
  public let pools: [PoolChange]

  public var isEqual: Bool {
    transitions.isEmpty && life.transitions.isEmpty && pools.isEmpty
  }

  /// Compares two or more kernels over a domain.
  ///
  /// - Parameter progress: Receives the part that is done.
  public init(
    _ kernels: [KernelVersion], domain: MatrixDomain,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) {
    self.kernels = kernels
    let ((keys, diagram), life) = concurrently {
      let space = ScenarioSpace(kernels: kernels, domain: domain, progress: progress)
      var classes = ClassNumbers<TransitionKey>()
      let diagram = space.diagram { platform, request, answers in
        classes.number(of: TransitionKey(platform, request, answers))
      }
      return (classes.keys, diagram)
    } _: {
      LifeComparison(kernels, domain: domain)
    }
    self.life = life
    let counts = diagram.counts()
    let total = counts.values.reduce(0, +)
    scenarios = total
    equal = counts[0] ?? 0
    pools = PoolChange.all(kernels, domain: domain)
    onlyThere = kernels.map { ScenarioSpace.count($0, domain) - total }
    let order = keys.indices.sorted { one, two in
      let (a, b) = (counts[Int32(one + 1)] ?? 0, counts[Int32(two + 1)] ?? 0)
      return (keys[one].severity, -a, one) < (keys[two].severity, -b, two)
    }
    let space = ScenarioSpace(kernels: kernels, domain: domain)
    let conditions = space.conditions(for: order.map { Int32($0 + 1) }, in: diagram)
    let defaults = Self.defaultBoots(of: space)
    transitions = zip(order, conditions).map { index, conditions in
      let key = keys[index]
      return Transition(
        sides: key.sides, decision: key.decision, changes: key.changes,
        scenarios: counts[Int32(index + 1)] ?? 0,
        defaultBoots: diagram.count(of: Int32(index + 1), in: defaults), conditions: conditions)
    }
  }
}

/// The outcome columns of an answer and of its end, as a set in the order of
/// ``allNames``.
struct OutcomeColumns: OptionSet, Hashable {
  let rawValue: UInt16

  /// The columns of answers, then those of what is left.
  static let allNames =
    Answer.columnNames
    + ["unmap_copy", "slots_after", "state_after", "owner_after", "warn_after", "atomic_call"]

  /// The columns in which two answers or what is left after them differ.
  init(_ one: LifeCycle, _ two: LifeCycle) {
    var bits = OutcomeColumns(one.answer, two.answer).rawValue
    if one.after.unmapCopy != two.after.unmapCopy { bits |= 1 << 7 }
    if one.after.slots != two.after.slots { bits |= 1 << 8 }
    if one.after.state != two.after.state { bits |= 1 << 9 }
    if one.after.owner != two.after.owner { bits |= 1 << 10 }
    if one.after.warnings != two.after.warnings { bits |= 1 << 11 }
    if one.after.atomicCall != two.after.atomicCall { bits |= 1 << 12 }
    rawValue = bits
  }

  /// The columns in which two answers differ.
  init(_ one: Answer, _ two: Answer) {
    var bits: UInt16 = 0
    if one.result != two.result { bits |= 1 << 0 }
    let (shown, other) = (one.hasPrintableAddress, two.hasPrintableAddress)
    if shown != other || shown && one.address != two.address { bits |= 1 << 1 }
    if one.encoding != two.encoding { bits |= 1 << 2 }
    if one.memoryState != two.memoryState { bits |= 1 << 3 }
    if one.pte != two.pte { bits |= 1 << 4 }
    if one.warnings != two.warnings { bits |= 1 << 5 }
    if one.maxMapping != two.maxMapping { bits |= 1 << 6 }
    rawValue = bits
  }

  init(rawValue: UInt16) { self.rawValue = rawValue }

  var names: [String] {
    Self.allNames.indices.filter { rawValue & 1 << $0 != 0 }.map { Self.allNames[$0] }
  }
}

/// What makes two changes the same.
private struct TransitionKey: Hashable {
  let sides: [Comparison.Side]
  let decision: Decision?
  let columns: OutcomeColumns
  /// The answers where no verdict differs, without the columns that are alike.
  let answers: [Answer]

  /// The change between answers, or nil where there is none.
  init?(_ platform: Platform, _ request: DeviceRequest, _ answers: [Answer]) {
    var columns = OutcomeColumns()
    for answer in answers.dropFirst() { columns.formUnion(OutcomeColumns(answers[0], answer)) }
    if columns.isEmpty { return nil }
    sides = answers.map { answer in
      let judged = JudgedAnswer(platform, request, answer)
      return Comparison.Side(
        verdict: judged.verdict, result: answer.result, exposure: judged.exposure)
    }
    let sameVerdict = Set(sides.map(\.verdict)).count == 1
    // The columns explain a change without a new verdict, the rule one with it.
    self.columns = sameVerdict ? columns : []
    self.answers = sameVerdict ? answers.map { $0.limited(to: columns) } : []
    decision = sameVerdict || answers.count > 2 ? nil : answers.last?.decision
  }

  var changes: [Comparison.Change] {
    let values = answers.map(\.columns)
    return columns.names.compactMap { column in
      guard let place = Answer.columnNames.firstIndex(of: column) else { return nil }
      return Comparison.Change(
        column: column, values: column == "dma" ? [] : values.map { $0[place] })
    }
  }

  /// The worse the smaller: what was served and no longer is comes first.
  var severity: Int {
    guard let first = sides.first, let last = sides.last else { return 0 }
    if first.verdict.isServed {
      switch last.verdict {
      case .garbled: return 0
      case .blocked: return 1
      case .unreachable: return 2
      case .refused: return 3
      case .ok, .bounced: break
      }
      if first.exposure == .none, last.exposure != .none { return 5 }
      return first.verdict == last.verdict ? 8 : 6
    }
    if !last.verdict.isServed {
      if first.verdict == .refused, last.verdict != .refused { return 4 }
      return first.verdict == last.verdict ? 8 : 9
    }
    return first.verdict == .refused ? 10 : 11
  }
}

extension Answer {
  /// The answer with the columns that are named, and nothing else that tells answers
  /// apart: no address, no rule, no value of another column.
  fileprivate func limited(to columns: OutcomeColumns) -> Answer {
    func has(_ column: Int) -> Bool { columns.rawValue & 1 << UInt16(column) != 0 }
    return Answer(
      result: has(0) ? result : .direct, encoding: has(2) ? encoding : .none,
      memoryState: has(3) ? memoryState : .none, pte: has(4) ? pte : .none,
      warnings: has(5) ? warnings : [], decision: .directRAM, address: 0,
      maxMapping: has(6) ? maxMapping : 0)
  }
}
