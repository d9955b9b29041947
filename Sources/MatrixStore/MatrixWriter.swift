import Crypto
import DMAModel
import EmbeddedSchema
import Foundation
import GRDB

/// Writes a matrix into an empty database, in a fixed order.
///
/// Identical outcomes and profiles of different boots are stored once. Their
/// keys are hashes of their content, so that the same answer has the same key
/// in every database.
struct MatrixWriter: Sendable {
  private(set) var summary = GenerationSummary()
  private var outcomeIDs: [Outcome: Int64] = [:]
  private var lifeIDs: [Life: Int64] = [:]
  private var usedLifeIDs: Set<Int64> = []
  private var usedOutcomeIDs: Set<Int64> = []
  /// Profiles by their spans and the outcomes' keys.
  private var profileIDs: [String: Int64] = [:]
  private var usedProfileIDs: Set<Int64> = []
  /// What was in the database before.
  private var storedOutcomeIDs: Set<Int64> = []
  private var storedProfileIDs: Set<Int64> = []
  private var storedLifeIDs: Set<Int64> = []

  /// Creates the tables and fills the dimensions.
  init(_ database: Database, domain: MatrixDomain, toolVersion: String) throws {
    try database.execute(
      sql: """
        PRAGMA application_id = \(Schema.applicationID);
        PRAGMA user_version = \(Schema.version);
        """)
    try database.execute(sql: Schema.tables)
    try database.execute(sql: Schema.views)
    try database.execute(sql: Schema.descriptions)
    try DimensionWriter(domain: domain, toolVersion: toolVersion).write(to: database)
  }

  /// Continues a database that is complete: what is stored already is not stored
  /// again.
  init(appendingTo database: Database) throws {
    storedOutcomeIDs = try Int64.fetchSet(database, sql: "SELECT id FROM outcome")
    storedProfileIDs = try Int64.fetchSet(database, sql: "SELECT id FROM profile")
    storedLifeIDs = try Int64.fetchSet(database, sql: "SELECT id FROM life")
  }

  /// Stores the answers of one boot.
  mutating func write(_ matrix: BootMatrix, to database: Database) throws {
    try insertBoot(matrix, database)
    let outcomes = try matrix.outcomes.map { try id(of: $0, database) }
    let spans = try RawInsert("profile_span", columns: 4, on: database)
    defer { spans.finalize() }
    let profiles = try matrix.profiles.map { profile in
      try id(of: profile, outcomes: outcomes, spans, database)
    }
    let lines = try RawInsert("behavior_line", columns: 4, on: database)
    defer { lines.finalize() }
    for line in matrix.lines {
      try lines.insert(
        matrix.boot.id, Int64(line.device), Int64(line.request), profiles[Int(line.profile)])
    }
    let altered = try RawInsert("circumstance_line", columns: 5, on: database)
    defer { altered.finalize() }
    for line in matrix.alteredLines {
      try altered.insert(
        Int64(line.circumstance), matrix.boot.id, Int64(line.device), Int64(line.request),
        profiles[Int(line.profile)])
    }
    summary.combinations += matrix.combinations
    summary.lines += matrix.lines.count
  }

  /// Stores the exclusions and the counts, and checks every reference.
  func finish(_ database: Database, excluded: [ExclusionKey: Int]) throws {
    var total = 0
    let order = excluded.sorted {
      ($0.key.kernel, $0.key.platform.name, $0.key.rule.name)
        < ($1.key.kernel, $1.key.platform.name, $1.key.rule.name)
    }
    for (key, count) in order where count > 0 {
      total += count
      try database.execute(
        sql: "INSERT INTO exclusion VALUES (?, ?, ?, ?)",
        arguments: [key.kernel, key.platform.name, key.rule.name, count])
    }
    for (key, value) in [("combinations", summary.combinations), ("excluded", total)] {
      try database.execute(
        sql: "INSERT INTO provenance VALUES (?, ?)", arguments: [key, String(value)])
    }
    try database.checkForeignKeys()
  }

  private func insertBoot(_ matrix: BootMatrix, _ database: Database) throws {
    let (boot, pool) = (matrix.boot, matrix.pool)
    let range =
      pool.isActive
      ? "0x\(String(pool.start, radix: 16))-0x\(String(pool.end, radix: 16))" : "-"
    try database.execute(
      sql: "INSERT INTO boot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        boot.id, boot.kernel.name, boot.platform.name, boot.iommu.name, boot.swiotlb.name,
        boot.machine.name.name, range, pool.isActive ? pool.memory.name : "-",
        pool.forceBounce ? 1 : 0,
      ])
  }

  private mutating func id(of outcome: Outcome, _ database: Database) throws -> Int64 {
    if let id = outcomeIDs[outcome] { return id }
    let answer = outcome.answer
    let columns =
      answer.columns + [answer.decision.name, outcome.verdict.name, outcome.exposure.name]
    let life = try self.id(of: outcome.life, database)
    let id = try Self.key(
      columns.joined(separator: "\t") + "\t\(life)", into: &usedOutcomeIDs)
    outcomeIDs[outcome] = id
    if storedOutcomeIDs.contains(id) { return id }
    summary.outcomes += 1
    try database.execute(
      sql: "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [id] + StatementArguments(columns) + [life])
    return id
  }

  private mutating func id(of life: Life, _ database: Database) throws -> Int64 {
    if let id = lifeIDs[life] { return id }
    let columns = life.after.columns + [life.after.atomicCall.name, life.exposure.name]
    let id = try Self.key(columns.joined(separator: "\t"), into: &usedLifeIDs)
    lifeIDs[life] = id
    if storedLifeIDs.contains(id) { return id }
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
    if let id = profileIDs[joined] { return id }
    let id = try Self.key(joined, into: &usedProfileIDs)
    profileIDs[joined] = id
    if storedProfileIDs.contains(id) { return id }
    summary.profiles += 1
    let masks = profile.reduce(0) { $0 + Int($1.last - $1.first) + 1 }
    try database.execute(
      sql: "INSERT INTO profile VALUES (?, ?, ?)", arguments: [id, profile.count, masks])
    for span in profile {
      try insert.insert(
        id, Int64(span.first), Int64(span.last), outcomes[Int(span.outcome)])
    }
    return id
  }

  /// A key of 47 bits from the content: SHA-256's first bytes.
  ///
  /// - Throws: If two contents had the same key; none of the default matrix has.
  private static func key(_ text: String, into used: inout Set<Int64>) throws -> Int64 {
    let bytes = SHA256.hash(data: Data(text.utf8)).prefix(6)
    let key = bytes.reduce(Int64(0)) { $0 << 8 | Int64($1) } >> 1
    guard used.insert(key).inserted else {
      throw DatabaseError(message: "two contents have the same hash key \(key): \(text)")
    }
    return key
  }
}
