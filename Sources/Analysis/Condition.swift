import DMAModel
import Support

/// A readable condition that holds for scenarios of one finding and no others.
///
/// The conditions of a finding are disjoint: each of its scenarios meets one.
public struct Condition: Sendable, Hashable {
  /// One axis that is limited.
  public struct Term: Sendable, Hashable {
    public let axis: String
    /// Those of the values that scenarios have which meet the other terms.
    public let values: [String]
    /// `iommu=off|passthrough`, `mask=48-64`, or `buf!=large` where the list of the
    /// others is shorter.
    public let text: String
  }

  /// The limited axes, in the order of a scenario's key.
  public let terms: [Term]
  /// How many scenarios of the finding it holds for.
  public let scenarios: Int
  /// Of them those that users meet most: see ``ScenarioSpace/usualPart``; 0 where nobody
  /// asked.
  public var usual = 0
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
  ///
  /// - Parameter usual: The part whose scenarios each condition counts apart.
  func conditions(
    for classes: [Int32], in diagram: Diagram, usual: Box? = nil
  ) -> [[Condition]] {
    diagram.conditions(
      for: classes, order: Scenario.axes + Circumstance.axes, usual: usual
    ) { self.key($0) }
  }

  /// What users meet most: no boot parameter, an IOMMU or none, a trusted device on a whole
  /// bus, a mask that many drivers set, no REQUIRE_COHERENT, a pool that is not full and
  /// memory that can be decrypted.
  var usualPart: Box {
    let names: [String: [String]] = [
      IOMMUMode.axis: [IOMMUMode.none.name, IOMMUMode.translated.name],
      SwiotlbMode.axis: [SwiotlbMode.standard.name],
      Facing.axis: [Facing.internal.name],
      BusLimit.axis: [BusLimit.none.name],
      // Documentation/core-api/dma-attributes.rst: never by a driver for kernel memory.
      Attributes.axis: Attributes.names.filter { $0 != Attributes.requireCoherent.name },
      DMAMask.axis: commonMaskWidths.map(String.init),
      PoolFill.axis: [PoolFill.empty.name],
      DecryptFailure.axis: [DecryptFailure.none.name],
    ]
    return Box(
      axes.map { axis in
        guard let wanted = names[axis.name] else { return axis.all }
        return axis.values.enumerated().reduce(0) { set, value in
          wanted.contains(value.element) ? set | 1 << UInt64(value.offset) : set
        }
      })
  }
}

/// The widths of DMA masks, in bits, that at least 30 of 719 driver files of Debian's 7.3.4
/// set, 394, 35, 39 and 240: reports/drivers.md.
public let commonMaskWidths = [32, 40, 48, 64]

extension Diagram {
  /// The conditions under which it has each of some classes.
  ///
  /// - Parameters:
  ///   - order: The axes in the order of a condition's terms.
  ///   - usual: The part whose scenarios each condition counts apart.
  ///   - witness: The key of a point.
  func conditions(
    for classes: [Int32], order: [String], usual: Box? = nil, witness: ([Int]) -> String
  ) -> [[Condition]] {
    // The covers are independent of each other, and the expensive part.
    let covers = concurrently(classes) { Cover(diagram: self, wanted: $0).conditions() }
    let visits = Visits(of: self)
    return zip(classes, covers).map { wanted, boxes in
      boxes.compactMap { box in
        guard let point = firstPoint(of: wanted, in: box) else { return nil }
        return Condition(
          terms: terms(of: box, order: order, visits), scenarios: count(of: wanted, in: box),
          usual: usual.map { count(of: wanted, in: box.intersection($0)) } ?? 0,
          witness: witness(point))
      }
    }
  }

  private func terms(of box: Box, order: [String], _ visits: Visits) -> [Condition.Term] {
    let terms = axes.indices.compactMap { axis -> Condition.Term? in
      let all = axes[axis].all
      guard box.sets[axis] != all else { return nil }
      let listed = occurring(axis, in: box, visits)
      return Condition.Term(
        axis: axes[axis].name, values: values(axis, listed),
        text: text(axis, listed: listed, others: all & ~box.sets[axis]))
    }
    return terms.sorted {
      (order.firstIndex(of: $0.axis) ?? 0) < (order.firstIndex(of: $1.axis) ?? 0)
    }
  }

  private func values(_ axis: Int, _ set: UInt64) -> [String] {
    BitIterator(set).map { axes[axis].values[$0] }
  }

  /// - Parameter others: Every value that the box does not have: ``Cover`` gives a box
  ///   values that do not occur in it where the others are fewer.
  private func text(_ axis: Int, listed: UInt64, others: UInt64) -> String {
    let name = axes[axis].name
    let values = values(axis, listed)
    if axes[axis].isOrdered, let first = values.first, let last = values.last {
      return first == last ? "\(name)=\(first)" : "\(name)=\(first)-\(last)"
    }
    guard others.nonzeroBitCount < listed.nonzeroBitCount else {
      return "\(name)=\(values.joined(separator: "|"))"
    }
    return "\(name)!=\(self.values(axis, others).joined(separator: "|"))"
  }
}
