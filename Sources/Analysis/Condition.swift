import DMAModel

/// A readable condition that holds for scenarios of one finding and no others.
public struct Condition: Sendable, Hashable {
  /// One axis that is limited.
  public struct Term: Sendable, Hashable {
    public let axis: String
    public let values: [String]
    /// `iommu=off|passthrough`, `mask=48-64`, `buf!=large`.
    public let text: String
  }

  /// The limited axes, in the order of a scenario's key.
  public let terms: [Term]
  /// How many scenarios of the finding it holds for.
  public let scenarios: Int
  /// The key of one of them.
  public let witness: String

  /// The terms joined by commas; `all scenarios` where nothing is limited.
  public var text: String {
    terms.isEmpty ? "all scenarios" : terms.map(\.text).joined(separator: ", ")
  }
}

extension ScenarioSpace {
  /// The conditions under which a diagram has each of some classes.
  func conditions(for classes: [Int32], in diagram: Diagram) -> [[Condition]] {
    // The covers are independent of each other, and the expensive part.
    let covers = concurrently(classes) { Cover(diagram: diagram, wanted: $0).conditions() }
    return zip(classes, covers).map { wanted, boxes in
      boxes.compactMap { condition($0, for: wanted, in: diagram) }
    }
  }

  private func condition(
    _ box: Box, for wanted: Int32, in diagram: Diagram
  ) -> Condition? {
    guard let point = diagram.firstPoint(of: wanted, in: box) else { return nil }
    return Condition(
      terms: terms(of: box), scenarios: diagram.count(of: wanted, in: box),
      witness: key(point))
  }

  private func terms(of box: Box) -> [Condition.Term] {
    let terms = zip(axes, box.sets).compactMap { axis, set -> Condition.Term? in
      guard set != axis.all else { return nil }
      let values = BitIterator(set).map { axis.values[$0] }
      return Condition.Term(
        axis: axis.name, values: values, text: Self.text(axis, set, values))
    }
    // In the order of a scenario's key.
    return terms.sorted {
      Self.position(of: $0.axis) < Self.position(of: $1.axis)
    }
  }

  /// The place of an axis in a key, the circumstance after the scenario.
  private static func position(of axis: String) -> Int {
    (Scenario.axes + Circumstance.axes).firstIndex(of: axis) ?? 0
  }

  private static func text(_ axis: Axis, _ set: UInt64, _ values: [String]) -> String {
    if axis.isOrdered, let first = values.first, let last = values.last {
      return first == last ? "\(axis.name)=\(first)" : "\(axis.name)=\(first)-\(last)"
    }
    let others = BitIterator(axis.all & ~set).map { axis.values[$0] }
    if others.count * 2 < values.count {
      return "\(axis.name)!=\(others.joined(separator: "|"))"
    }
    return "\(axis.name)=\(values.joined(separator: "|"))"
  }
}
