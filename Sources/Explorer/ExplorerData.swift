import Analysis
import DMAModel
import GRDB
import MatrixStore

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

  /// A violation with the cells to jump to.
  struct Finding: Encodable {
    let kernel: String
    let lint: String
    let headline: String
    let scenarios: Int
    let conditions: [Condition]
  }

  struct Condition: Encodable {
    let text: String
    let scenarios: Int
    let witness: String
  }

  /// How many drivers of a kernel tree may map with which mask.
  struct DriverCounts: Encodable {
    let tree: String
    /// The files that set a mask.
    let total: Int
    /// By bits, of those whose masks are decided.
    let counts: [String: Int]
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
    var findings: [Finding] = []
    /// The drivers of the kernel tree that was stored last; nil without one.
    var drivers: DriverCounts?
    /// The kernel that the page shows first: the latest release of the database.
    var latest = ""
    var exclusions = ExclusionRules()
  }

  private(set) var content: Content
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
      content.drivers = try Self.driverCounts(connection)
      var reader = try LineReader(connection, content)
      try reader.read(connection, progress: progress)
      content = reader.content
      lines = reader.lines
      altered = reader.altered
    }
    (self.content, self.lines, self.altered) = (content, lines, altered)
  }

  /// Adds the violations of the kernels that the model knows, as the report
  /// `findings` has them.
  mutating func addFindings(_ findings: [Finding]) { content.findings = findings }

  /// What `dmamatrix drivers --store` has added: the streaming masks of the named query
  /// mask-histogram.
  private static func driverCounts(_ database: Database) throws -> DriverCounts? {
    guard try database.tableExists("driver_tree"),
      let (id, name) = try DriverStore.newestTree(database)
    else { return nil }
    guard let query = NamedQuery.named("mask-histogram") else { return nil }
    let rows = try Row.fetchAll(database, sql: query.sql, arguments: ["tree": name])
    let total =
      try Int.fetchOne(
        database,
        sql: """
          SELECT count(DISTINCT d.id) FROM driver AS d JOIN driver_mask AS m ON m.driver = d.id
          WHERE d.tree_id = ? AND d.file NOT LIKE 'arch/%' AND m.callee NOT LIKE '%=%'
          """, arguments: [id]) ?? 0
    var counts: [String: Int] = [:]
    for row in rows {
      let count = try row.decode(Int.self, forColumn: "streaming")
      if count > 0 { counts[String(try row.decode(Int.self, forColumn: "bits"))] = count }
    }
    return DriverCounts(tree: name, total: total, counts: counts)
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
      Kernel(
        name: try $0.text(0), text: try $0.text(1), link: try $0.decode(atIndex: 2))
    }
    let releases = content.kernels.filter {
      KernelVersion.named($0.name)?.sourcePackage != nil
    }
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
