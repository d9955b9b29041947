import Analysis
import DMAModel
import GRDB
import MatrixStore
import Reporting

/// The matrix of a database in the form that the page reads.
///
/// A line (boot, device, request) refers to a profile, a list of spans of masks
/// with an outcome and the path that led to it. Answers come from the database;
/// paths are retraced by the model and kept only where the retraced answer was
/// decided by the same rule.
struct ExplorerData {
  /// A value of an axis or a column with its meaning.
  struct Value: Encodable {
    let name: String
    let text: String
    /// The sign of a verdict.
    var sign: String?
  }

  /// A kernel as the page shows it.
  struct Kernel: Encodable {
    let name: String
    let text: String
    let link: String?
    /// `release`, `series`, `alternative`, or `tree` for what the model does not name: a
    /// stored kernel tree or a variant of a policy file.
    let kind: String
  }

  /// A named decision of the model, or the rule of an answer.
  struct Step: Encodable, Hashable {
    let function: String
    let condition: String
    let knob: String
  }

  struct Knob: Encodable {
    let name: String
    let text: String
    let file: String
  }

  /// A column of an answer: what it says, and what each of its values means.
  struct Word: Encodable {
    let text: String
    let values: [Value]
  }

  /// Everything but the lines.
  struct Content: Encodable {
    var database: String
    var tool: String
    var digest: String
    var kernels: [Kernel] = []
    var axes: [String: [Value]] = [:]
    var masks: [Int] = []
    var verdicts: [Value] = []
    var exposures: [Value] = []
    /// What may happen beside a scenario: name as `fill=exhausted`, and meaning.
    var circumstances: [Value] = []
    /// How many lines each circumstance alters.
    var alteredLines: [Int] = []
    /// The names of an outcome's columns.
    let outcomeColumns = ExplorerData.outcomeColumns
    /// ``outcomeColumns``.
    var outcomes: [[String]] = []
    /// The kernel file of each rule.
    var files: [String: String] = [:]
    var steps: [Step] = []
    var knobs: [String: Knob] = [:]
    /// Steps, doubled, plus one where the condition held.
    var paths: [[Int]] = []
    /// first, last, outcome, path (or -1), and so on.
    var profiles: [[Int]] = []
    /// Indices into kernels and the axes platform, iommu, swiotlb, mem.
    var boots: [[Int]] = []
    /// Indices into coherent_mask, bus_limit, coherent, external.
    var devices: [[Int]] = []
    /// Indices into op, attrs, buf.
    var requests: [[Int]] = []
    /// What the columns of an answer mean, by name.
    var words: [String: Word] = [:]
    var severities: [Value] = []
    var lints: [Value] = []
    /// The kernels that lints were asked about.
    var checked: [String] = []
    /// By kernel, the gravest first.
    var causes: [Cause] = []
    /// The drivers of the kernel tree that was stored last; nil without one.
    var drivers: Drivers?
    /// The kernel that the page shows first: the latest release of the database.
    var latest = ""
    var exclusions = ExclusionRules()
  }

  var content: Content
  /// For each boot, device and request the profile plus one, or 0.
  private(set) var lines: [UInt16] = []
  /// Lines that circumstances alter, circumstance by circumstance, by line.
  private(set) var altered: [AlteredLine] = []

  /// A line in a circumstance that alters it.
  struct AlteredLine {
    let line: UInt32
    /// The profile plus one.
    let profile: UInt16
  }

  /// The columns of an answer, and of what is left after it.
  static let outcomeColumns = [
    "result", "dma", "enc", "mem_state", "pte", "warn", "max_map", "where", "verdict", "exposure",
    "pool_kind", "transient_from", "unmap_copy", "slots_after", "state_after", "owner_after",
    "warn_after", "atomic_call", "exposure_after",
  ]

  static let bootAxes = ["platform", "iommu", "swiotlb", "mem"]
  static let deviceAxes = ["coherent_mask", "bus_limit", "coherent", "external"]
  static let requestAxes = ["op", "attrs", "buf"]

  /// Reads a database.
  ///
  /// - Parameter progress: Receives the part that is done.
  init(
    _ database: MatrixDatabase, name: String, progress: (Double) -> Void
  ) throws(StoreError) {
    var content = Content(database: name, tool: "", digest: "")
    var lines: [UInt16] = []
    var altered: [AlteredLine] = []
    try database.read { connection in
      let provenance = try DatabaseInfo.provenance(connection)
      content.tool = provenance["tool_version"] ?? ""
      content.digest = provenance["model_digest"] ?? ""
      try Self.readDimensions(connection, &content)
      content.drivers = try Self.drivers(connection)
      var reader = try LineReader(connection, content)
      try reader.read(connection, progress: progress)
      content = reader.content
      lines = reader.lines
      altered = reader.altered
    }
    (self.content, self.lines, self.altered) = (content, lines, altered)
  }

  /// What the columns of an answer mean: the file's own descriptions, and the model's of
  /// the values.
  private static func words(_ database: Database) throws -> [String: Word] {
    let values = AxisDescription.outcomes.map { axis in
      (axis.name, axis.values.map { Value(name: $0.name, text: $0.summary) })
    }
    let known = Dictionary(values) { first, _ in first }
    let rows = try Row.fetchAll(
      database,
      sql: """
        SELECT "column", text FROM description WHERE object = 'life_cycle' AND "column" <> ''
        """)
    return try rows.reduce(into: [:]) { words, row in
      let column = try row.text(0)
      guard outcomeColumns.contains(column) else { return }
      words[column] = Word(text: try row.text(1), values: known[column] ?? [])
    }
  }

  private static func kind(of kernel: KernelVersion?) -> String {
    guard let kernel else { return "tree" }
    if kernel.sourcePackage != nil { return "release" }
    return KernelVersion.all.contains(kernel) ? "series" : "alternative"
  }

  private static func readDimensions(_ database: Database, _ content: inout Content) throws {
    func values(_ table: String) throws -> [Value] {
      try Row.fetchAll(
        database, sql: "SELECT name, description FROM \(table) ORDER BY rowid"
      ).map { Value(name: try $0.text(0), text: try $0.text(1)) }
    }
    content.kernels = try Row.fetchAll(
      database, sql: "SELECT name, description, link FROM kernel ORDER BY id"
    ).map {
      let name = try $0.text(0)
      return Kernel(
        name: name, text: try $0.text(1), link: try $0.decode(atIndex: 2),
        kind: kind(of: KernelVersion.named(name)))
    }
    let releases = content.kernels.filter { $0.kind == "release" }
    content.latest = (releases.last ?? content.kernels.last)?.name ?? ""
    // What the file has answers for: its axes name every value of the model.
    let used: [(String, [String])] = [
      (LineReader.usedBoots, bootAxes), (LineReader.usedDevices, deviceAxes),
      (LineReader.usedRequests, requestAxes),
    ]
    for (table, axes) in used {
      let rows = try Row.fetchAll(
        database, sql: "SELECT \(axes.joined(separator: ", ")) FROM \(table)")
      for (column, axis) in axes.enumerated() {
        let present = Set(try rows.map { try $0.text(column) })
        content.axes[axis] = try values(axis).filter { present.contains($0.name) }
      }
    }
    content.exclusions = ExclusionRules(content, try LineReader.machines(database))
    let spans = try Row.fetchAll(
      database, sql: "SELECT DISTINCT mask_first, mask_last FROM profile_span")
    content.masks = try spans.reduce(into: Set<Int>()) { masks, span in
      masks.formUnion(try span.masks(0, 1))
    }.sorted()
    content.verdicts = try values("verdict").map { value in
      Value(name: value.name, text: value.text, sign: Verdict(name: value.name)?.sign)
    }
    content.exposures = try values("exposure")
    content.words = try words(database)
    content.circumstances = try Row.fetchAll(
      database,
      sql: """
        SELECT mask_change, dynamic, fill, decrypt_fails, description
        FROM circumstance ORDER BY id
        """
    ).map { row in
      let ordinary = Circumstance.ordinary.names
      let changes = try Circumstance.axes.indices.compactMap { index -> String? in
        let name = try row.text(index)
        return name == ordinary[index] ? nil : "\(Circumstance.axes[index])=\(name)"
      }
      return Value(
        name: changes.isEmpty ? "ordinary" : changes.joined(separator: ";"), text: try row.text(4))
    }
    for row in try Row.fetchAll(database, sql: "SELECT name, file FROM decision") {
      content.files[try row.text(0)] = try row.text(1)
    }
  }
}
