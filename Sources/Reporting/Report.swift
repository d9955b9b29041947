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

  /// What the report is about where the user does not say: the kernel's own defaults,
  /// a coherent trusted device without a bus limit, and for a platform SME hosts.
  ///
  /// Without an `iommu=` parameter a machine has a DMA domain or no IOMMU; both are
  /// shown.  An axis without a default is shown with all its values.
  public var defaults: BehaviorFilter {
    let common = [
      MachineName.axis: ["64G"], CoherentMask.axis: ["same"], BusLimit.axis: ["none"],
      Coherence.axis: ["1"], Facing.axis: ["0"],
    ]
    let boot = [
      IOMMUMode.axis: [IOMMUMode.none.name, IOMMUMode.translated.name],
      SwiotlbMode.axis: [SwiotlbMode.standard.name],
    ]
    let chosen: [String: [String]] =
      switch self {
      case .platform:
        [
          "kernel": [KernelVersion.latest.name], Platform.axis: ["x86-sme47"],
          Attributes.axis: ["none", "mmio", "cc_shared"],
          Buffer.axis: ["-", "dma32", "high", "mmio64"],
        ]
      case .versions:
        boot.merging([
          Platform.axis: ["x86-sme47", "x86-sme51"], Operation.axis: ["map"],
          Attributes.axis: ["none"],
        ]) { _, new in new }
      case .map:
        boot.merging([
          Platform.axis: ["x86-sme47"], Operation.axis: ["map"], Attributes.axis: ["none"],
          // Whatever the operation and the attribute: each takes one of the three.
          Buffer.axis: ["-", "high", "mmio64"],
        ]) { _, new in new }
      }
    return BehaviorFilter(common.merging(chosen) { _, new in new })
  }

  /// Makes the report; axes that `filter` does not name have their defaults.
  public func document(
    from database: MatrixDatabase, filter: BehaviorFilter
  ) throws(StoreError) -> Document {
    if self == .map { return try Self.verdictMap(from: database, filter: filter).document }
    let scope = try ReportScope(filter, defaults: defaults, in: database)
    var document =
      self == .platform
      ? platformReport(scope.spans, scope: scope.blocks)
      : versionsReport(scope.spans, kernels: try database.kernelNames(), scope: scope.blocks)
    document.blocks.insert(.paragraph(Cell.legend), at: 1)
    document.blocks.append(.paragraph(try source(database) + "."))
    return document
  }

  /// The map as a picture; axes that `filter` does not name have their defaults.
  public static func verdictMap(
    from database: MatrixDatabase, filter: BehaviorFilter
  ) throws(StoreError) -> VerdictMap {
    let scope = try ReportScope(filter, defaults: Report.map.defaults, in: database)
    return VerdictMap(
      scope.spans, kernels: try database.kernelNames(), scope: scope.blocks,
      source: try Report.map.source(database))
  }

  private func source(_ database: MatrixDatabase) throws(StoreError) -> String {
    let digest = try database.read { database in
      try String.fetchOne(
        database, sql: "SELECT value FROM provenance WHERE key = 'model_digest'") ?? "-"
    }
    return "dmamatrix report \(rawValue), model digest \(digest.prefix(16))"
  }
}
