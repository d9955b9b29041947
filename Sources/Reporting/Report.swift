import DMAModel
import GRDB
import MatrixStore

/// The reports that `dmamatrix report` knows.
public enum Report: String, CaseIterable, Sendable {
  case platform, versions, map

  /// What the report shows, in one sentence.
  public var summary: String {
    switch self {
    case .platform: "one kernel: rows iommu x swiotlb x request, columns ranges of masks"
    case .versions: "every kernel side by side: rows ranges of masks, one column a kernel"
    case .map: "verdicts as a picture: rows kernels, columns masks; also --format svg"
    }
  }

  /// What the report is about where the user does not say.
  public var defaults: BehaviorFilter {
    let device = [
      MachineName.axis: ["64G"], CoherentMask.axis: ["same"], BusLimit.axis: ["none"],
      Coherence.axis: ["1"], Facing.axis: ["0"],
    ]
    let chosen: [String: [String]] =
      switch self {
      case .platform:
        [
          "kernel": [KernelVersion.latest.name], Platform.axis: ["x86-sme47"],
          Operation.axis: Operation.names,
          Attributes.axis: ["none", "mmio", "cc_shared"],
          Buffer.axis: ["-", "dma32", "high", "mmio64"],
        ]
      case .versions:
        [
          Platform.axis: ["x86-sme47", "x86-sme51"], IOMMUMode.axis: ["passthrough"],
          SwiotlbMode.axis: ["force"], Operation.axis: ["map"], Attributes.axis: ["none"],
        ]
      case .map:
        [
          Platform.axis: ["x86-sme47"], IOMMUMode.axis: ["passthrough"],
          SwiotlbMode.axis: ["default", "force", "noforce"], Operation.axis: ["map"],
          Attributes.axis: ["none"], Buffer.axis: ["high"],
        ]
      }
    return BehaviorFilter(device.merging(chosen) { _, new in new })
  }

  /// Makes the report; axes that `filter` does not name have their defaults.
  public func document(
    from database: MatrixDatabase, filter: BehaviorFilter
  ) throws(StoreError) -> Document {
    if self == .map { return try Self.verdictMap(from: database, filter: filter).document }
    let spans = try spans(of: database, filter)
    var document =
      self == .platform
      ? platformReport(spans) : versionsReport(spans, kernels: try database.kernelNames())
    document.blocks.append(.paragraph(Cell.legend))
    document.blocks.append(.paragraph(try source(database) + "."))
    return document
  }

  /// The map as a picture; axes that `filter` does not name have their defaults.
  public static func verdictMap(
    from database: MatrixDatabase, filter: BehaviorFilter
  ) throws(StoreError) -> VerdictMap {
    VerdictMap(
      try Report.map.spans(of: database, filter), kernels: try database.kernelNames(),
      source: try Report.map.source(database))
  }

  private func spans(
    of database: MatrixDatabase, _ filter: BehaviorFilter
  ) throws(StoreError) -> [BehaviorSpan] {
    let merged = BehaviorFilter(defaults.values.merging(filter.values) { _, new in new })
    let spans = try database.spans(merged)
    guard !spans.isEmpty else {
      let defaults = defaults.values.filter { filter.values[$0.key] == nil }
        .map { "\($0.key.replacing("_", with: "-"))=\($0.value.joined(separator: "|"))" }.sorted()
      throw .query(
        "the database has no combination that these filters keep; filters that are not given are "
          + defaults.joined(separator: " "))
    }
    return spans
  }

  private func source(_ database: MatrixDatabase) throws(StoreError) -> String {
    let digest = try database.read { database in
      try String.fetchOne(
        database, sql: "SELECT value FROM provenance WHERE key = 'model_digest'") ?? "-"
    }
    return "dmamatrix report \(rawValue), model digest \(digest.prefix(16))"
  }
}

/// The device that a report is about, where it is the same for all rows.
func deviceText(_ spans: [BehaviorSpan]) -> String {
  func values(_ name: String, _ value: (BehaviorSpan) -> String) -> String {
    let all = Set(spans.map(value)).sorted()
    return "\(name)=\(all.joined(separator: "|"))"
  }
  return [
    values("mem") { $0.mem }, values("coherent_mask") { $0.coherentMask },
    values("bus_limit") { $0.busLimit }, values("coherent") { $0.coherent },
    values("external") { $0.external },
  ].joined(separator: ", ")
}

/// Distinct elements in the order of their first appearance.
func distinct<Element: Hashable>(_ elements: some Sequence<Element>) -> [Element] {
  var seen: Set<Element> = []
  return elements.filter { seen.insert($0).inserted }
}
