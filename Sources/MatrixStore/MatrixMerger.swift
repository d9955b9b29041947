import DMAModel
import GRDB

/// Joins the parts of a sharded run: the same bytes as of a run that was not cut.
///
/// Parts must be all parts of one run: of one model, one domain, one version of the
/// tool, each once.
public struct MatrixMerger: Sendable {
  /// The files, in any order.
  public let parts: [String]

  public init(parts: [String]) { self.parts = parts }

  /// A part that was checked.
  private struct Part {
    let path: String
    let shard: Shard
    let provenance: [String: String]

    func value(_ key: String) -> String { provenance[key] ?? "-" }

    /// What was stored by `verify`.
    var trees: [String: String] { provenance.filter { $0.key.hasPrefix("tree ") } }
  }

  /// Writes the whole database to `target`.
  ///
  /// - Parameters:
  ///   - progress: Called with the fraction done, from 0 to 1.
  ///   - building: Called with the paths to remove if the process is killed.
  /// - Throws: ``StoreError/parts(_:)`` where the parts do not fit together,
  ///   ``StoreError/corrupt(path:reason:)`` where one is damaged.
  public func merge(
    to target: String, progress: (Double) -> Void = { _ in },
    building: ([String]) -> Void = { _ in }
  ) throws -> GenerationSummary {
    for part in parts where DatabaseFile.resolved(part) == DatabaseFile.resolved(target) {
      throw StoreError.parts("\(target): is one of the parts; expected another file")
    }
    let parts = try checkedParts()
    var (summary, kept) = try DatabaseFile.replace(target, building: building) { database in
      try MatrixWriter.makeTables(in: database)
      for (number, part) in parts.enumerated() {
        do {
          try database.execute(sql: "ATTACH ? AS part", arguments: [part.path])
          try Self.copy(part.path, isFirst: number == 0, database)
          try database.execute(sql: "DETACH part")
        } catch let error as DatabaseError {
          throw StoreError.parts("\(part.path): \(error.message ?? "SQLite error")")
        }
        progress(Double(number + 1) / Double(parts.count))
      }
      return try Self.finish(database)
    }
    (summary.keptObservations, summary.damagedCopy) = (kept.observations, kept.damagedCopy)
    return summary
  }

  /// Opens every part, and refuses overlap, gaps and other models.
  private func checkedParts() throws -> [Part] {
    var parts: [Part] = []
    for path in self.parts {
      let database = try MatrixDatabase(path: DatabaseFile.resolved(path))
      let provenance = try DatabaseCheck(database).requireSound()
      guard let text = provenance["part"], let shard = Shard(text) else {
        throw StoreError.parts("\(path): is no part; 'dmamatrix generate --shard' makes parts")
      }
      parts.append(Part(path: database.path, shard: shard, provenance: provenance))
    }
    guard let first = parts.first else { throw StoreError.parts("no part; expected all parts") }
    for part in parts {
      for (key, name) in [
        ("tool_version", "version of dmamatrix"), ("model_digest", "model"),
        ("domain_digest", "selection of the axes"),
      ] where part.value(key) != first.value(key) {
        throw StoreError.parts(
          "\(part.path): has another \(name) (\(part.value(key).prefix(16))) than "
            + "\(first.path) (\(first.value(key).prefix(16))); expected parts of one run")
      }
      guard part.trees == first.trees else {
        throw StoreError.parts(
          "\(part.path): has other kernel trees than \(first.path); expected 'dmamatrix verify "
            + "--shard --store' of the same trees for each part, or for none")
      }
      guard part.shard.count == first.shard.count else {
        throw StoreError.parts(
          "\(part.path): is part \(part.shard), but \(first.path) is part \(first.shard); "
            + "expected parts of one run")
      }
    }
    parts.sort { $0.shard.index < $1.shard.index }
    for (one, next) in zip(parts, parts.dropFirst()) where one.shard == next.shard {
      throw StoreError.parts("\(one.path) and \(next.path) are both part \(one.shard)")
    }
    let found = Set(parts.map(\.shard.index))
    let missing = (1...first.shard.count).filter { !found.contains($0) }
    guard missing.isEmpty else {
      let list = missing.prefix(8).map(String.init).joined(separator: ", ")
      throw StoreError.parts(
        "of \(first.shard.count) parts, missing: \(list)\(missing.count > 8 ? ", ..." : "")")
    }
    return parts
  }

  /// What every part has whole, what parts may share, and what each has alone.
  private static let facts = ["boot"]
  private static let shared = [
    "life", "outcome", "profile", "profile_span", "block", "block_line", "block_count",
    "answer_set", "answer_block",
  ]
  private static let summed = ["provenance", "exclusion"]

  private static func copy(_ path: String, isFirst: Bool, _ database: Database) throws {
    let tables = try String.fetchAll(
      database,
      sql: "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
    // A part is a file from elsewhere: its tables must be ours before they are read.
    if let fault = try StoredSchema.fault(in: database, schema: "part", alone: true) {
      throw StoreError.parts("\(path): \(fault); expected parts of one run")
    }
    try requireNone(
      "SELECT 1 FROM part.observation_source",
      "\(path): holds observations, which 'dmamatrix observe' adds to the merged database", database
    )
    try requireNone(
      "SELECT 1 FROM part.driver_tree",
      "\(path): holds drivers, which 'dmamatrix drivers --store' adds to the merged database",
      database)
    try requireNone(
      "SELECT 1 FROM part.host",
      "\(path): holds machines, which 'dmamatrix host --store' adds to the merged database",
      database)
    try database.inTransaction {
      for table in tables where !facts.contains(table) && !summed.contains(table) {
        if isFirst || shared.contains(table) {
          try database.execute(
            sql: "INSERT OR IGNORE INTO main.\"\(table)\" SELECT * FROM part.\"\(table)\"")
        }
        // What was there already must be the same.
        if !isFirst {
          try requireNone(
            "SELECT * FROM part.\"\(table)\" EXCEPT SELECT * FROM main.\"\(table)\"",
            "\(path): differs from the other parts in table \(table)", database)
        }
      }
      for table in facts {
        try database.execute(
          sql: "INSERT INTO main.\"\(table)\" SELECT * FROM part.\"\(table)\"")
      }
      try database.execute(
        sql: """
          INSERT INTO main.exclusion SELECT * FROM part.exclusion WHERE true
            ON CONFLICT DO UPDATE SET combinations = combinations + excluded.combinations;
          INSERT INTO main.provenance SELECT key, value FROM part.provenance
            WHERE key NOT IN ('part', \(ContentDigest.ownKeys)) AND true
            ON CONFLICT DO UPDATE SET value = CAST(value + excluded.value AS TEXT)
              WHERE key IN ('combinations', 'excluded');
          """)
      return .commit
    }
  }

  private static func requireNone(
    _ query: String, _ sentence: String, _ database: Database
  ) throws {
    guard try Row.fetchOne(database, sql: query) == nil else {
      throw StoreError.parts(sentence + "; expected parts of one run")
    }
  }

  private static func finish(_ database: Database) throws -> GenerationSummary {
    var summary = GenerationSummary()
    try database.inTransaction {
      try database.checkForeignKeys()
      func count(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: sql) ?? 0 }
      summary.combinations = try count(
        "SELECT CAST(value AS INTEGER) FROM provenance WHERE key = 'combinations'")
      summary.outcomes = try count("SELECT count(*) FROM outcome")
      guard summary.combinations > 0 else {
        throw StoreError.emptyDomain("every combination of these filters is excluded")
      }
      return .commit
    }
    return summary
  }
}
