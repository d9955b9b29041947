import EmbeddedSchema
import Foundation
import GRDB

/// The tables of observations, drivers and machines: made by migrations, kept when a
/// matrix is made anew.  Those of histories are made so too, but name kernels of the matrix,
/// and are empty in a new one.
enum ObservationMigrations {
  /// What became of the observations of a database that is replaced.
  struct Kept {
    var observations = 0
    var damagedCopy: String?
  }

  /// The tables of each migration, those that others refer to first.
  private static let tables: [(migration: String, tables: [String])] = [
    ("observations-1", ["observation_source", "observed_boot", "observation"]),
    (
      "drivers-1",
      ["driver_tree", "driver", "driver_mask", "driver_pair", "driver_use", "driver_id"]
    ),
    (
      "fleet-1",
      [
        "host", "host_device", "host_answer", "fleet_kernel", "host_kernel", "host_change",
        "host_traffic",
      ]
    ),
    ("drivers-2", ["driver_doubt"]),
  ]

  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    for migration in Schema.observationMigrations {
      migrator.registerMigration(migration.name, foreignKeyChecks: .immediate) { database in
        try database.execute(sql: migration.sql)
      }
    }
    return migrator
  }

  /// As GRDB makes it, but strict like every table of the file.
  static let migrationTable = """
    CREATE TABLE IF NOT EXISTS grdb_migrations (
      identifier TEXT NOT NULL PRIMARY KEY
    ) STRICT, WITHOUT ROWID
    """

  /// Brings the tables up to date.
  static func migrate(_ queue: DatabaseQueue, upTo last: String? = nil) throws {
    try queue.inDatabase { try $0.execute(sql: migrationTable) }
    if let last {
      try migrator.migrate(queue, upTo: last)
    } else {
      try migrator.migrate(queue)
    }
  }

  /// Copies the observations of `old`, if there is such a file, into `new`.
  ///
  /// A damaged `old` with observations, in one of which the damage may be, is kept
  /// under another name: what is copied gets a new digest.
  static func carry(from old: String, to new: String) throws -> Kept {
    let queue = try DatabaseQueue(path: new, configuration: DatabaseFile.withoutJournalFile)
    defer { try? queue.close() }
    var kept = Kept()
    do {
      let made = try migrations(of: old)
      let known = Schema.observationMigrations.map(\.name)
      if let made, let last = known.last(where: made.contains) {
        if let unknown = made.first(where: { !known.contains($0) }) {
          throw StoreError.cannotWrite(
            path: old, reason: "it holds observations of a newer dmamatrix ('\(unknown)')")
        }
        try requireUnchanged(old)
        try migrate(queue, upTo: last)
        kept.observations = try copy(
          tables.filter { made.contains($0.migration) }.flatMap(\.tables), from: old, to: queue)
      }
    } catch is RowDecodingError {
      kept.damagedCopy = try keepAside(old)
    } catch let error as DatabaseError {
      guard [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_IOERR].contains(error.resultCode) else {
        throw error
      }
      kept.damagedCopy = try keepAside(old)
    }
    try migrate(queue)
    return kept
  }

  private static func reading<Value>(
    _ path: String, _ value: (Database) throws -> Value
  ) throws -> Value {
    let queue = try DatabaseQueue(path: path, configuration: MatrixDatabase.configuration())
    defer { try? queue.close() }
    return try queue.read(value)
  }

  private static func requireUnchanged(_ path: String) throws {
    guard try reading(path, { try ContentDigest.holds(in: $0) }) != false else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the content was changed")
    }
  }

  /// The migrations that a file has; nil where it holds neither observations, drivers nor
  /// machines.
  private static func migrations(of path: String) throws -> [String]? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let size = attributes?[.size] as? UInt64, size > 0 else { return nil }
    return try reading(path) { database in
      if let fault = try StoredSchema.observationFault(in: database) {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: fault)
      }
      let pages = try UInt64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
      let pageSize = try UInt64.fetchOne(database, sql: "PRAGMA page_size") ?? 0
      let isFilled = try ["observation", "driver_tree", "host"].contains { table in
        try database.tableExists(table)
          && Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM \(table))") == true
      }
      // A database that is cut but whose schema names none of these loses none.
      guard isFilled else { return nil }
      guard size >= pages * pageSize else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the file is cut")
      }
      return try String.fetchAll(
        database, sql: "SELECT identifier FROM grdb_migrations")
    }
  }

  private static func copy(
    _ tables: [String], from old: String, to queue: DatabaseQueue
  ) throws -> Int {
    try queue.inDatabase { database in
      try database.execute(sql: "ATTACH ? AS old", arguments: [old])
      defer { try? database.execute(sql: "DETACH old") }
      var count = 0
      // Deferred: the old file is read, not locked for writing with the new one.
      try database.inTransaction(.deferred) {
        for table in tables {
          try database.execute(sql: "INSERT INTO main.\(table) SELECT * FROM old.\(table)")
        }
        count = try Int.fetchOne(database, sql: "SELECT count(*) FROM main.observation") ?? 0
        return .commit
      }
      return count
    }
  }

  /// Gives a file a second name, which stays when the first is replaced.
  private static func keepAside(_ path: String) throws(StoreError) -> String {
    for number in 1...1000 {
      let name = path + (number == 1 ? ".damaged" : ".damaged-\(number)")
      if link(path, name) == 0 { return name }
      guard errno == EEXIST else { break }
    }
    throw .cannotWrite(
      path: path, reason: "it is damaged and may hold observations; move it out of the way")
  }
}
