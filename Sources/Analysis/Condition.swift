import DMAModel
import Parallel

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
  /// The conditions under which a diagram has each of some classes, in the order of
  /// a scenario's key, the circumstance behind it.
  func conditions(for classes: [Int32], in diagram: Diagram) -> [[Condition]] {
    diagram.conditions(for: classes, order: Scenario.axes + Circumstance.axes) { self.key($0) }
  }
}

extension Diagram {
  /// The conditions under which it has each of some classes.
  ///
  /// - Parameters:
  ///   - order: The axes in the order of a condition's terms.
  ///   - witness: The key of a point.
  func conditions(
    for classes: [Int32], order: [String], witness: ([Int]) -> String
  ) -> [[Condition]] {
    // The covers are independent of each other, and the expensive part.
    let covers = concurrently(classes) { Cover(diagram: self, wanted: $0).conditions() }
    return zip(classes, covers).map { wanted, boxes in
      boxes.compactMap { box in
        guard let point = firstPoint(of: wanted, in: box) else { return nil }
        return Condition(
          terms: terms(of: box, order: order), scenarios: count(of: wanted, in: box),
          witness: witness(point))
      }
    }
  }

  private func terms(of box: Box, order: [String]) -> [Condition.Term] {
    let terms = zip(axes, box.sets).compactMap { axis, set -> Condition.Term? in
      guard set != axis.all else { return nil }
      let values = BitIterator(set).map { axis.values[$0] }
      return Condition.Term(
        axis: axis.name, values: values, text: Self.text(axis, set, values))
    }
    return terms.sorted {
      (order.firstIndex(of: $0.axis) ?? 0) < (order.firstIndex(of: $1.axis) ?? 0)
    }
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
