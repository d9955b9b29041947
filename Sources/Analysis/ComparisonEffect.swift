import DMAModel

extension Comparison {
  /// What a change means to who is served, the worst first.
  public enum Effect: String, CaseIterable, Sendable {
    /// Data go to the wrong place or arrive garbled, without an error.
    case corrupts
    /// Served before, refused now.
    case breaks
    /// Served as before, out of memory that somebody else can read.
    case exposes
    /// Bounced where it was not, or the largest mapping shrinks.
    case slower
    /// A message that was not logged before; of the steps of a series alone.
    case warnsAnew = "warns anew"
    /// The answer is the same, what is left after unmap or free is not; of the steps of a
    /// series alone.
    case endsOtherwise = "ends otherwise"
    /// Not served before.
    case worksNow = "works now"
    /// What was exposed or wrong without an error no longer is.
    case safer
    /// No longer bounced, or the largest mapping grows.
    case faster
    /// Warnings, addresses and states that none of this follows from.
    case other

    /// Whether a user is served worse.
    public var isWorse: Bool {
      switch self {
      case .corrupts, .breaks, .exposes, .slower, .warnsAnew: true
      case .endsOtherwise, .worksNow, .safer, .faster, .other: false
      }
    }
  }

  /// The changes of one effect.
  public struct EffectSummary: Sendable {
    public let effect: Effect
    public let scenarios: Int
    /// Of them those with no parameter: swiotlb=default, iommu none or translated.
    public let defaultBoots: Int
    /// The boots on which they are.
    public let boots: EffectBoots
  }

  /// What the last kernel changes, by effect, the worst first; without those that do not
  /// occur.
  public var effects: [EffectSummary] {
    let grouped = Dictionary(grouping: transitions, by: \.effect)
    return Effect.allCases.compactMap { effect in
      guard let some = grouped[effect] else { return nil }
      return EffectSummary(
        effect: effect, scenarios: some.reduce(0) { $0 + $1.scenarios },
        defaultBoots: some.reduce(0) { $0 + $1.defaultBoots },
        boots: EffectBoots(of: some.flatMap(\.conditions)))
    }
  }

  /// The part of a space that is booted with no parameter.
  static func defaultBoots(of space: ScenarioSpace) -> Box {
    Box(
      space.axes.map { axis in
        let names: [String]
        switch axis.name {
        case IOMMUMode.axis: names = [IOMMUMode.none.name, IOMMUMode.translated.name]
        case SwiotlbMode.axis: names = [SwiotlbMode.standard.name]
        default: return axis.all
        }
        return axis.values.enumerated().reduce(0) { set, value in
          names.contains(value.element) ? set | 1 << UInt64(value.offset) : set
        }
      })
  }
}

extension Comparison.Transition {
  /// What the change from the first to the last kernel means.
  public var effect: Comparison.Effect {
    guard let first = sides.first, let last = sides.last else { return .other }
    let sizes = changes.first { $0.column == "max_map" }?.values.map {
      UInt64($0) ?? ($0 == "max" ? .max : 0)
    }
    return Comparison.Effect(first, last, sizes: sizes ?? [])
  }
}

extension Comparison.Effect {
  /// What a change between two sides means.
  ///
  /// - Parameter sizes: What dma_max_mapping_size() says on each; none where they are alike.
  init(_ first: Comparison.Side, _ last: Comparison.Side, sizes: [UInt64]) {
    self = Self.of(first, last, sizes)
  }

  private static func of(
    _ first: Comparison.Side, _ last: Comparison.Side, _ sizes: [UInt64]
  ) -> Self {
    switch (first.verdict.isServed, last.verdict.isServed) {
    case (true, false): return last.verdict.isSilentlyWrong ? .corrupts : .breaks
    case (false, true): return .worksNow
    case (false, false):
      if last.verdict.isSilentlyWrong { return first.verdict.isSilentlyWrong ? .other : .corrupts }
      return first.verdict.isSilentlyWrong ? .safer : .other
    case (true, true): break
    }
    if first.exposure != last.exposure {
      if first.exposure == .none { return .exposes }
      if last.exposure == .none { return .safer }
    }
    let bounced = [first, last].map(\.result.bounces)
    if bounced[0] != bounced[1] { return bounced[1] ? .slower : .faster }
    guard let before = sizes.first, let after = sizes.last, before != after else { return .other }
    return after < before ? .slower : .faster
  }
}
