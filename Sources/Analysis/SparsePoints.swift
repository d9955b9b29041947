/// Some points of a product of axes, each with a class: what was observed.
///
/// Points that are not among them are nobody's concern: a condition may hold any.
public struct SparsePoints {
  /// How many values an axis may have.
  public static let valueLimit = 64

  private let diagram: Diagram
  private let order: [String]

  /// - Parameters:
  ///   - axes: The last may be ordered.
  ///   - classes: The class of each point, by the numbers of its values.
  public init(axes: [Axis], classes: [[Int]: Int32]) {
    var prefixes: Set<ArraySlice<Int>> = []
    for point in classes.keys {
      for length in 0..<point.count { prefixes.insert(point.prefix(length)) }
    }
    let width = axes.last?.values.count ?? 0
    diagram = Diagram(axes: axes) { choice in
      prefixes.contains(choice[...])
    } classes: { choice, row in
      for value in 0..<width {
        row.set(value..<value + 1, to: classes[choice + [value]] ?? Diagram.absent)
      }
    }
    order = axes.map(\.name)
  }

  /// The conditions under which points have each of some classes, exact together.
  ///
  /// - Parameter witness: What names a point.
  public func conditions(
    for classes: [Int32], witness: ([Int]) -> String
  ) -> [[Condition]] {
    diagram.conditions(for: classes, order: order, witness: witness)
  }
}
