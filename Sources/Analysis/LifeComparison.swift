import DMAModel

/// What differs between kernels once a request meets a full pool or has ended.
///
/// Where kernels answer with another result although nothing is full and nothing
/// fails, ``Comparison`` says so; here only the other scenarios count.
public struct LifeComparison: Sendable {
  /// What one kernel leaves.
  public struct Side: Sendable, Hashable {
    public let result: AnswerResult
    /// What is left, without the columns that follow from the result.
    let after: LifeAnswer
    public let exposure: Exposure

    /// What is left, in a few words: `left_shared`, `slots leaked`, or `as it was`.
    public var left: String { after.remains }

    init(_ platform: Platform, _ life: LifeCycle) {
      result = life.answer.result
      exposure = exposureAfter(platform: platform, after: life.after)
      var after = life.after
      after.poolKind = .none
      after.unmapCopy = .none
      after.warnings = []
      self.after = after
    }
  }

  /// Scenarios that change in the same way.
  public struct Transition: Sendable {
    /// One side per kernel, in their order.
    public let sides: [Side]
    public let scenarios: Int
    public let conditions: [Condition]
  }

  /// Worst first.
  public let transitions: [Transition]
  /// Scenarios in circumstances that exist on every kernel.
  public let scenarios: Int

  /// Compares two or more kernels over a domain.
  public init(_ kernels: [KernelVersion], domain: MatrixDomain) {
    let space = ScenarioSpace(kernels: kernels, domain: domain, circumstances: Circumstance.all)
    var classes = ClassNumbers<[Side]>()
    let diagram = space.diagram(lives: { classes.number(of: Self.sides($0)) })
    let keys = classes.keys
    let counts = diagram.counts()
    scenarios = counts.values.reduce(0, +)
    let order = keys.indices.sorted { one, two in
      let (a, b) = (counts[Int32(one + 1)] ?? 0, counts[Int32(two + 1)] ?? 0)
      return (Self.severity(keys[one]), -a, one) < (Self.severity(keys[two]), -b, two)
    }
    let conditions = space.conditions(for: order.map { Int32($0 + 1) }, in: diagram)
    transitions = zip(order, conditions).map { index, conditions in
      Transition(
        sides: keys[index], scenarios: counts[Int32(index + 1)] ?? 0, conditions: conditions)
    }
  }

  /// The sides where the kernels' ends differ, else nil.
  private static func sides(_ point: LifePoint) -> [Side]? {
    guard let first = point.lives[0], let usual = point.ordinary[0] else { return nil }
    var differs = false
    for (life, ordinary) in zip(point.lives, point.ordinary).dropFirst() {
      guard let life, ordinary?.answer.result == usual.answer.result else { return nil }
      differs = differs || life.after != first.after || life.answer.result != first.answer.result
    }
    guard differs else { return nil }
    let sides = point.lives.compactMap { $0.map { Side(point.platform, $0) } }
    return sides.contains { $0 != sides[0] } ? sides : nil
  }

  /// The worse the smaller: what was left in order and no longer is comes first.
  private static func severity(_ sides: [Side]) -> Int {
    guard let first = sides.first, let last = sides.last else { return 0 }
    if first.isInOrder, !last.isInOrder { return last.exposure == .none ? 1 : 0 }
    return last.isInOrder ? 3 : 2
  }
}

extension LifeComparison.Side {
  /// Whether the request was served and ended as it should.
  var isInOrder: Bool {
    result != .error && after.state == .same && after.owner == .ok && after.slots == .ok
      && after.atomicCall == .none
  }
}

extension LifeAnswer {
  /// What is not as it was, in a few words; `as it was` where everything is.
  public var remains: String {
    var parts: [String] = []
    if state != .same { parts.append(state.name) }
    if owner != .ok { parts.append(owner.name) }
    if slots != .ok { parts.append("slots leaked") }
    switch atomicCall {
    case .none: break
    case .setMemory: parts.append("set_memory in atomic context")
    case .remap: parts.append("remap in atomic context")
    }
    if transientFrom != .none { parts.append("transient pool from \(transientFrom.name)") }
    return parts.isEmpty ? "as it was" : parts.joined(separator: ", ")
  }
}
