import Analysis
import DMAModel

/// Where booted kernels and the model differ, as exact conditions.
public struct Disagreements: Sendable {
  /// Observations that differ from the model in the same way.
  public struct Finding: Sendable {
    public let kernel: String
    /// Columns with what was seen and what the model says, of one observation.
    public let differences: [ObservationOutcome.Difference]
    /// What the kernel and the model did, in the probe's words.
    public let observed: ProbeResult
    public let model: ProbeResult?
    /// The rule by which the model decided, where it answered.
    public let decision: Decision?
    /// Whether observations under the same conditions agree too.
    public let isUnsteady: Bool
    public let observations: Int
    /// Each condition's count is one of distinct requests.
    public let conditions: [Condition]
  }

  /// Most observations first.
  public let findings: [Finding]
  /// What was compared.
  public let boots: Int
  public let observations: Int

  public init(_ boots: [(boot: BootObservations, version: KernelVersion)]) {
    var table = DisagreementTable()
    for (boot, version) in boots {
      var check = ObservationCheck(boot.boot, version: version)
      let bootDifferences = check.bootDifferences
      for row in boot.observations {
        var outcome = check.compare(row)
        guard !outcome.isAbsent else { continue }
        outcome.differences += bootDifferences
        table.add(boot.boot, row, outcome, kernel: version.name)
      }
    }
    findings = table.findings()
    self.boots = boots.count
    observations = boots.reduce(0) { $0 + $1.boot.observations.count }
  }
}

/// What makes two disagreements the same.
private struct DisagreementKey: Hashable {
  let kernel: String
  let columns: [String]
  let observed: ProbeResult
  let model: ProbeResult?
  let decision: Decision?
  var isUnsteady = false
}

/// Requests by their values, and what became of each.
private struct DisagreementTable {
  /// The axes of conditions, the mask last.
  private static let axes = [
    "kernel", "platform", "iommu", "domain", "external", "swiotlb", "mem", "bus_limit", "op",
    "region", "attrs", "dir", "len", "mask",
  ]
  private static let other = "other"

  private var disagreements = ClassNumbers<DisagreementKey>()
  private var examples: [DisagreementKey: [ObservationOutcome.Difference]] = [:]
  private var counts: [DisagreementKey: Int] = [:]
  /// By request: the disagreements, nil for agreement.
  private var requests: [[String]: Set<DisagreementKey?>] = [:]

  mutating func add(
    _ boot: ObservedBoot, _ row: Observation, _ outcome: ObservationOutcome, kernel: String
  ) {
    let values = [
      kernel, boot.platforms.map(\.name).joined(separator: "|"), boot.iommu.name, boot.domain,
      boot.facing.name, boot.swiotlb.name, boot.machine.name.name,
      boot.busLimitBits == 0 ? "none" : "\(boot.busLimitBits)", row.operation.rawValue,
      row.region.isEmpty ? "-" : row.region,
      row.attributes.isEmpty ? "none" : row.attributes.joined(separator: "+"),
      row.direction?.rawValue ?? "-", row.length.map(String.init) ?? "-", "\(row.maskBits)",
    ]
    guard !outcome.agrees else {
      requests[values, default: []].insert(nil)
      return
    }
    let key = DisagreementKey(
      kernel: kernel, columns: outcome.differences.map(\.column), observed: row.result,
      model: outcome.predicted, decision: outcome.decision)
    requests[values, default: []].insert(key)
    counts[key, default: 0] += 1
    if examples[key] == nil { examples[key] = outcome.differences }
  }

  mutating func findings() -> [Disagreements.Finding] {
    guard !counts.isEmpty else { return [] }
    var (axes, classes) = points()
    // What no axis tells apart is no condition.
    let useful = axes.indices.filter { axes[$0].values.count > 1 || $0 == axes.count - 1 }
    axes = useful.map { axes[$0] }
    let points = SparsePoints(
      axes: axes,
      classes: Dictionary(
        classes.map { point, number in (useful.map { point[$0] }, number) },
        uniquingKeysWith: { first, _ in first }))
    let keys = disagreements.keys
    let order = keys.indices.sorted {
      (-counts[steady(keys[$0]), default: 0], $0) < (-counts[steady(keys[$1]), default: 0], $1)
    }
    let conditions = points.conditions(for: order.map { Int32($0 + 1) }) { point in
      zip(axes, point).map { "\($0.name)=\($0.values[$1])" }.joined(separator: " ")
    }
    return zip(order, conditions).map { index, conditions in
      let key = keys[index]
      return Disagreements.Finding(
        kernel: key.kernel, differences: examples[steady(key)] ?? [], observed: key.observed,
        model: key.model, decision: key.decision, isUnsteady: key.isUnsteady,
        observations: counts[steady(key), default: 0], conditions: conditions)
    }
  }

  private func steady(_ key: DisagreementKey) -> DisagreementKey {
    var key = key
    key.isUnsteady = false
    return key
  }

  /// The axes with their values, and the class of each request.
  private mutating func points() -> (axes: [Axis], classes: [[Int]: Int32]) {
    let axes = Self.axes.indices.map { column in
      let values = Set(requests.keys.map { $0[column] }).sorted { one, two in
        if let a = UInt64(one), let b = UInt64(two) { return a < b }
        return one < two
      }
      let isMask = column == Self.axes.count - 1
      let kept = values.prefix(SparsePoints.valueLimit - 1)
      return Axis(
        Self.axes[column], kept.count < values.count ? kept + [Self.other] : values,
        isOrdered: isMask && kept.count == values.count)
    }
    let numbersByText = axes.map { axis in
      Dictionary(uniqueKeysWithValues: axis.values.enumerated().map { ($1, $0) })
    }
    var classes: [[Int]: Int32] = [:]
    // In a fixed order: equal files have equal reports.
    for (values, outcomes) in requests.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let point = values.indices.map { numbersByText[$0][values[$0]] ?? axes[$0].values.count - 1 }
      let number = number(of: outcomes)
      if classes[point, default: 0] == 0 { classes[point] = number }
    }
    return (axes, classes)
  }

  private mutating func number(of outcomes: Set<DisagreementKey?>) -> Int32 {
    let differing = outcomes.compactMap { $0 }.sorted { "\($0)" < "\($1)" }
    guard var key = differing.first else { return 0 }
    key.isUnsteady = outcomes.count > 1
    return disagreements.number(of: key)
  }
}
