import DMAModel
import EmbeddedSchema
import GRDB

/// Writes a matrix into an empty database, in a fixed order.
///
/// Identical outcomes, profiles, blocks and sets of different boots are stored once.
/// Their keys are hashes of their content, so that the same answer has the same key
/// in every database.
struct MatrixWriter: Sendable {
  private(set) var summary = GenerationSummary()
  private var outcomes = ContentKeys<Outcome>()
  private var lives = ContentKeys<Life>()
  /// Profiles by their spans and the outcomes' keys.
  private var profiles = ContentKeys<String>()
  /// Blocks by their lines: device and profile in turn.
  var blocks = ContentKeys<[Int64]>()
  /// Sets by their blocks: circumstance, request and block in turn.
  var sets = ContentKeys<[Int64]>()

  /// Creates the tables and fills the dimensions.
  init(
    _ database: Database, domain: MatrixDomain, toolVersion: String, shard: Shard? = nil
  ) throws {
    try Self.makeTables(in: database)
    try database.execute(sql: Schema.descriptions)
    try DimensionWriter(domain: domain, toolVersion: toolVersion, shard: shard)
      .write(to: database)
  }

  /// Makes the empty tables and the views.
  static func makeTables(in database: Database) throws {
    try database.execute(
      sql: """
        PRAGMA application_id = \(Schema.applicationID);
        PRAGMA user_version = \(Schema.version);
        """)
    try database.execute(sql: Schema.tables)
    try database.execute(sql: Schema.views)
  }

  /// Continues a database that is complete: what is stored already is not stored
  /// again.
  init(appendingTo database: Database) throws {
    func keys(_ table: String) throws -> Set<Int64> {
      try Int64.fetchSet(database, sql: "SELECT id FROM \(table)")
    }
    outcomes = ContentKeys(stored: try keys("outcome"))
    profiles = ContentKeys(stored: try keys("profile"))
    lives = ContentKeys(stored: try keys("life"))
    blocks = ContentKeys(stored: try keys("block"))
    sets = ContentKeys(stored: try keys("answer_set"))
  }

  /// Stores the answers of one boot.
  mutating func write(_ matrix: BootMatrix, to database: Database) throws {
    let outcomes = try matrix.outcomes.map { try id(of: $0, database) }
    let spans = try RawInsert("profile_span", columns: 4, on: database)
    defer { spans.finalize() }
    let profiles = try matrix.profiles.map { profile in
      try id(of: profile, outcomes: outcomes, spans, database)
    }
    let set = try id(ofSet: matrix, outcomes: outcomes, profiles: profiles, database)
    try insertBoot(matrix, set: set, database)
    summary.combinations += matrix.combinations
  }

  /// Stores the exclusions and the counts, and checks every reference.
  mutating func finish(_ database: Database, excluded: [ExclusionKey: Int]) throws {
    let total = try Self.insert(excluded, database)
    for (key, value) in [("combinations", summary.combinations), ("excluded", total)] {
      try database.execute(
        sql: "INSERT INTO provenance VALUES (?, ?)", arguments: [key, String(value)])
    }
    try database.checkForeignKeys()
  }

  /// Stores exclusions in a fixed order, and returns how many combinations they are.
  static func insert(_ excluded: [ExclusionKey: Int], _ database: Database) throws -> Int {
    let order = excluded.sorted {
      ($0.key.kernel, $0.key.platform.name, $0.key.rule.name)
        < ($1.key.kernel, $1.key.platform.name, $1.key.rule.name)
    }
    for (key, count) in order where count > 0 {
      try database.execute(
        sql: "INSERT INTO exclusion VALUES (?, ?, ?, ?)",
        arguments: [key.kernel, key.platform.name, key.rule.name, count])
    }
    return excluded.values.reduce(0, +)
  }

  private func insertBoot(_ matrix: BootMatrix, set: Int64, _ database: Database) throws {
    let (boot, pool) = (matrix.boot, matrix.pool)
    let range = pool.isActive ? PhysicalRange(pool.start, pool.end).text : "-"
    let size = pool.isActive ? pool.size : nil
    let slots = pool.isActive ? (pool.end - pool.start) / swiotlbSlotSize : 0
    try database.execute(
      sql: "INSERT INTO boot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        boot.id, boot.kernel.name, boot.platform.name, boot.iommu.name, boot.swiotlb.name,
        boot.machine.name.name, range, pool.isActive ? pool.memory.name : "-",
        pool.forceBounce ? 1 : 0, pool.isActive ? Int64(pool.start) : nil,
        pool.isActive ? Int64(pool.end - 1) : nil, Int64(slots),
        pool.isActive ? size.map { Int64($0.areas) } : 0, size?.summary ?? "-",
        set,
      ])
  }

  private mutating func id(of outcome: Outcome, _ database: Database) throws -> Int64 {
    if let id = outcomes[outcome] { return id }
    let answer = outcome.answer
    let columns =
      answer.columns + [answer.decision.storedName, outcome.verdict.name, outcome.exposure.name]
    let life = try self.id(of: outcome.life, database)
    let (id, isStored) = try outcomes.add(
      outcome, text: columns.joined(separator: "\t") + "\t\(life)")
    if isStored { return id }
    summary.outcomes += 1
    try database.execute(
      sql: "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [id] + StatementArguments(columns) + [life])
    return id
  }

  private mutating func id(of life: Life, _ database: Database) throws -> Int64 {
    if let id = lives[life] { return id }
    let columns = life.after.columns + [life.after.atomicCall.name, life.exposure.name]
    let (id, isStored) = try lives.add(life, text: columns.joined(separator: "\t"))
    if isStored { return id }
    try database.execute(
      sql: "INSERT INTO life VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [id] + StatementArguments(columns))
    return id
  }

  private mutating func id(
    of profile: [Span], outcomes: [Int64], _ insert: RawInsert, _ database: Database
  ) throws -> Int64 {
    // Spans number the outcomes of one boot; across boots the outcomes' keys count.
    let text = profile.map { "\($0.first)-\($0.last)=\(outcomes[Int($0.outcome)])" }
    let joined = text.joined(separator: ",")
    if let id = profiles[joined] { return id }
    let (id, isStored) = try profiles.add(joined, text: joined)
    if isStored { return id }
    let masks = profile.reduce(0) { $0 + Int($1.last - $1.first) + 1 }
    try database.execute(
      sql: "INSERT INTO profile VALUES (?, ?, ?)", arguments: [id, profile.count, masks])
    for span in profile {
      try insert.insert(
        id, Int64(span.first), Int64(span.last), outcomes[Int(span.outcome)])
    }
    return id
  }
}
