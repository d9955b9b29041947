import DMAModel
import MatrixStore
import Support

/// What a report over a database is about: what was asked, and the defaults that it
/// took for the other axes.
struct ReportScope {
  let spans: [BehaviorSpan]
  /// The defaults that were taken, by axis; an axis that has one and does not stand
  /// here or in ``asked`` is shown with all its values.
  private let taken: [String: [String]]
  private let asked: [String: [String]]

  /// The order in which defaults are given up that leave nothing of what was asked:
  /// `--coherent 0` is about no SME host, `--op map_sg_p2p` about no RAM.
  private static let order = [
    Buffer.axis, Attributes.axis, Operation.axis, SwiotlbMode.axis, IOMMUMode.axis, Facing.axis,
    Coherence.axis, BusLimit.axis, CoherentMask.axis, MachineName.axis, Platform.axis, "kernel",
  ]

  /// Chooses the defaults that go with what was asked.
  ///
  /// - Throws: ``StoreError/noScenario(_:)`` where nothing goes with it.
  init(
    _ asked: BehaviorFilter, defaults: BehaviorFilter, in database: MatrixDatabase
  ) throws(StoreError) {
    let standard = defaults.values.filter { asked.values[$0.key] == nil }
    let open = Self.order.filter { standard[$0] != nil }
    // All defaults, all but one, all but the first few.
    let attempts =
      [[]] + open.map { [$0] }
      + open.indices.dropFirst().map { Array(open[...$0]) }
    for attempt in attempts {
      let taken = standard.filter { !attempt.contains($0.key) }
      let filter = BehaviorFilter(taken.merging(asked.values) { _, asked in asked })
      guard try database.hasRows(filter) else { continue }
      self.asked = asked.values
      self.taken = taken
      spans = try database.spans(filter)
      return
    }
    let filters = Scenario.axes.filter { asked.values[$0] != nil }.map { axis in
      "\(axis)=\(Self.text(axis, asked.values[axis] ?? []))"
    }
    let kernels = asked.values["kernel"].map { ["kernel=\(Self.text("kernel", $0))"] } ?? []
    throw .noScenario(
      "no scenario of the database has \((kernels + filters).joined(separator: ", "))")
  }

  /// The defaults that were taken, and what was asked and does not exist.
  var blocks: [Document.Block] {
    var blocks: [Document.Block] = []
    let axes = Configurations.axes
    let defaults = axes.enumerated().compactMap { place, axis -> String? in
      guard taken[axis] != nil else { return nil }
      return "\(axis)=\(Self.text(axis, distinct(spans.map { $0.axisValues[place] })))"
    }
    if !defaults.isEmpty {
      blocks.append(
        .paragraph("Defaults, for axes that no filter names: \(defaults.joined(separator: ", "))."))
    }
    var missing = axes.enumerated().compactMap { place, axis -> String? in
      let present = Set(spans.map { $0.axisValues[place] })
      let absent = (asked[axis] ?? []).filter { !present.contains($0) }
      return absent.isEmpty ? nil : "\(axis)=\(Self.text(axis, absent))"
    }
    if let masks = asked[DMAMask.axis] {
      let present = Set(spans.flatMap(\.masks).map(String.init))
      let absent = masks.filter { !present.contains($0) }
      if !absent.isEmpty { missing.append("mask=\(Self.text(DMAMask.axis, absent))") }
    }
    if !missing.isEmpty {
      blocks.append(
        .paragraph("Asked, but in no scenario of the rest: \(missing.joined(separator: ", "))."))
    }
    return blocks
  }

  /// Values as a condition has them, masks as ranges.
  private static func text(_ axis: String, _ values: [String]) -> String {
    guard axis == DMAMask.axis else { return values.map(\.printable).joined(separator: "|") }
    return maskListText(values.compactMap { Int($0) }).replacing(", ", with: "|")
  }
}
