import DMAModel

/// Where two witnesses of one kernel agree: the model and the kernel's own code.
public struct Agreement: Sendable {
  /// Scenarios that both answer, each in the same two ways.
  public struct Disagreement: Sendable {
    /// The model's answer, without its address, and what is left after it.
    public let model: LifeCycle
    /// The other's.
    public let code: LifeCycle
    /// The outcome columns that differ.
    public let columns: [String]
    public let scenarios: Int
    public let conditions: [Condition]
  }

  public let model: KernelVersion
  public let code: KernelVersion
  /// Scenarios that exist on both.
  public let scenarios: Int
  /// Of these, those with equal answers.
  public let equal: Int
  /// Scenarios that exist on one of the two only.
  public let onlyModel: Int
  public let onlyCode: Int
  /// Whether the same scenarios exist on both, with equal answers.
  public var isComplete: Bool { equal == scenarios && onlyModel == 0 && onlyCode == 0 }
  /// For each outcome column, the scenarios in which it differs.
  public let mismatches: [(column: String, scenarios: Int)]
  /// Most scenarios first.
  public let disagreements: [Disagreement]
  /// Disagreements beyond the limit, which have no conditions.
  public let further: Int

  /// Compares the model with recorded answers.
  ///
  /// - Parameters:
  ///   - limit: How many disagreements are reduced to conditions.
  ///   - progress: Receives the part that is done.
  public init(
    model: KernelVersion, code: KernelVersion, domain: MatrixDomain, limit: Int,
    progress: @escaping (Double) -> Void = { _ in }
  ) {
    self.model = model
    self.code = code
    let space = ScenarioSpace(kernels: [model, code], domain: domain, progress: progress)
    var classes = ClassNumbers<Key>()
    let diagram = space.diagram(lives: { point in
      guard let model = point.lives[0], let code = point.lives[1] else { return 0 }
      let columns = OutcomeColumns(model, code)
      if columns.isEmpty { return 0 }
      return classes.number(of: Key(model: model, code: code, columns: columns))
    })
    let keys = classes.keys
    let counts = diagram.counts()
    let total = counts.values.reduce(0, +)
    scenarios = total
    equal = counts[0] ?? 0
    onlyModel = ScenarioSpace.count(model, domain) - total
    onlyCode = ScenarioSpace.count(code, domain) - total
    mismatches = OutcomeColumns.allNames.indices.map { column in
      let differing = keys.indices.filter { keys[$0].columns.rawValue >> UInt16(column) & 1 == 1 }
      return (
        OutcomeColumns.allNames[column], differing.reduce(0) { $0 + (counts[Int32($1 + 1)] ?? 0) }
      )
    }
    let order = keys.indices.sorted {
      ((counts[Int32($1 + 1)] ?? 0), $0) < ((counts[Int32($0 + 1)] ?? 0), $1)
    }
    let shown = Array(order.prefix(limit))
    let conditions = space.conditions(for: shown.map { Int32($0 + 1) }, in: diagram)
    disagreements = zip(shown, conditions).map { index, conditions in
      Disagreement(
        model: keys[index].model, code: keys[index].code, columns: keys[index].columns.names,
        scenarios: counts[Int32(index + 1)] ?? 0, conditions: conditions)
    }
    further = order.count - shown.count
  }

  /// The model that disagrees least with recorded answers, the latest of several.
  ///
  /// The answers decide, not the version that a tree's Makefile claims, and then what
  /// the model alone has.
  ///
  /// - Parameter isPart: Whether scenarios of the domain may not have been recorded.
  public static func nearest(
    to code: KernelVersion, among models: [KernelVersion], domain: MatrixDomain,
    isPart: Bool = false
  ) -> KernelVersion? {
    let ofCode = ScenarioSpace.count(code, domain)
    let counted = models.reversed().map {
      model -> (model: KernelVersion, differing: Int, onlyModel: Int) in
      let space = ScenarioSpace(kernels: [model, code], domain: domain)
      let diagram = space.diagram { _, _, answers in
        OutcomeColumns(answers[0], answers[1]).isEmpty ? 0 : 1
      }
      let counts = diagram.counts()
      let both = counts.values.reduce(0, +)
      return (
        model: model, differing: (counts[1] ?? 0) + ofCode - both,
        onlyModel: isPart ? 0 : ScenarioSpace.count(model, domain) - both
      )
    }
    return counted.min { ($0.differing, $0.onlyModel) < ($1.differing, $1.onlyModel) }?.model
  }

  private struct Key: Hashable {
    let model: LifeCycle
    let code: LifeCycle
    let columns: OutcomeColumns

    init(model: LifeCycle, code: LifeCycle, columns: OutcomeColumns) {
      self.model = Self.withoutAddress(model)
      self.code = Self.withoutAddress(code)
      self.columns = columns
    }

    private static func withoutAddress(_ cycle: LifeCycle) -> LifeCycle {
      var answer = cycle.answer
      answer.address = nil
      return LifeCycle(answer: answer, after: cycle.after, usesPool: cycle.usesPool)
    }
  }
}

extension Agreement {
  /// Whether all that differs is what tells older point releases from the model's: see
  /// ``PointReleases/difference``.
  public var differsAsOlderReleases: Bool {
    !disagreements.isEmpty && further == 0
      && disagreements.allSatisfy { disagreement in
        disagreement.columns == ["owner_after", "warn_after"]
          && disagreement.code.answer.result == .pool
          && disagreement.model.after.owner == .ok && disagreement.code.after.owner == .notFreed
          && disagreement.conditions.allSatisfy { condition in
            condition.terms.contains {
              $0.axis == Operation.axis && $0.values == [Operation.allocPagesAtomic.name]
            }
          }
      }
  }
}
