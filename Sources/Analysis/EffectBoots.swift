import DMAModel

/// The boots that scenarios are on: what holds for all of them, and what for most.
public struct EffectBoots: Sendable {
  /// Boots as the values of their axes.
  public struct Part: Sendable, Equatable {
    /// The values of each of ``EffectBoots/axes``, in the axis' order; nil where it is open.
    public fileprivate(set) var values: [[String]?]

    /// Whether all of these boots are some of others.
    fileprivate func isPart(of other: Part) -> Bool {
      zip(values, other.values).allSatisfy { own, others in
        guard let others else { return true }
        return own?.allSatisfy(others.contains) ?? false
      }
    }
  }

  /// Platform, IOMMU mode and swiotlb mode.
  public static let axes = [Platform.axis, IOMMUMode.axis, SwiotlbMode.axis]
  private static let names = [
    Platform.names, IOMMUMode.names, SwiotlbMode.names,
  ]

  /// Every scenario is on one of these.
  public let all: Part
  /// At least four of five scenarios are on these.
  public let most: Part

  /// The boots that some conditions name.
  ///
  /// - Parameter conditions: Disjoint, so that their counts add up.
  public init(of conditions: [Condition]) {
    let parts = conditions.map { condition in
      let values = Self.axes.map { axis in
        condition.terms.first { $0.axis == axis }?.values
      }
      return (part: Part(values: values), scenarios: condition.scenarios)
    }
    let total = parts.reduce(0) { $0 + $1.scenarios }
    var whole = Part(values: Self.axes.map { _ in [] })
    for axis in Self.axes.indices {
      let own = parts.map { $0.part.values[axis] }
      let named = Set(own.flatMap { $0 ?? [] })
      whole.values[axis] =
        own.contains { $0 == nil }
        ? nil
        : Self.names[axis].filter(named.contains)
          + named.subtracting(Self.names[axis]).sorted()
    }
    all = whole
    /// The part with most scenarios that has enough of them, or nil.
    func best(of candidates: [Part]) -> Part? {
      let held = candidates.map { candidate in
        (candidate, parts.reduce(0) { $1.part.isPart(of: candidate) ? $0 + $1.scenarios : $0 })
      }
      return held.max { $0.1 < $1.1 }.flatMap { $0.1 * 5 >= total * 4 ? $0.0 : nil }
    }
    func with(_ values: [String], _ axis: Int, in part: Part) -> Part {
      var part = part
      part.values[axis] = values
      return part
    }
    var most = whole
    // Modes go one after the other, that first which fewest scenarios need.
    while true {
      let smaller = [1, 2].flatMap { axis in
        let values = most.values[axis] ?? Self.names[axis]
        return values.count < 2
          ? [] : values.map { value in with(values.filter { $0 != value }, axis, in: most) }
      }
      guard let next = best(of: smaller) else { break }
      most = next
    }
    // Platforms that do not go together are no simpler than all of them.
    let platforms = whole.values[0] ?? Self.names[0]
    let kinds = [Platform.SharedMemoryReader.dram, .host, .nobody].map { reader in
      platforms.filter { Platform(name: $0)?.sharedMemoryReader == reader }
    }
    let groups = platforms.map { [$0] } + kinds.filter { $0.count < platforms.count }
    let some = groups.filter { !$0.isEmpty && $0.count < platforms.count }
    self.most = best(of: some.map { with($0, 0, in: most) }) ?? most
  }
}
