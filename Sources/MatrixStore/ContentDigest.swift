import DMAModel
import Foundation
import GRDB
import Support

/// SHA-256 over the content of a database: the SQL of its schema and every row of
/// every table, independent of where in the file they lie.
enum ContentDigest {
  /// The row of `provenance` that holds the digest, and that it leaves out.
  static let key = "content_digest"

  /// Stores the digest, after every other change, and makes room for the checksum of
  /// the file; returns the digest.
  @discardableResult
  static func store(in database: Database) throws -> String {
    let digest = try digest(of: database)
    try database.execute(
      sql: "INSERT OR REPLACE INTO provenance VALUES (?, ?)", arguments: [key, digest])
    try FileSeal.reserve(in: database, digest: digest)
    return digest
  }

  /// Rows of `provenance` that say something of the finished file.
  static let ownKeys = "'\(key)', '\(FileSeal.key)'"

  /// Whether the content is what the stored digest says; nil where none is stored.
  static func holds(in database: Database) throws -> Bool? {
    guard try tables(of: database).contains("provenance") else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "'provenance' is no table")
    }
    let stored = try String.fetchOne(
      database, sql: "SELECT value FROM provenance WHERE key = ?", arguments: [key])
    return try stored.map { try $0 == digest(of: database) }
  }

  /// What has rows of its own, by the statement that SQLite makes it of: a view may have
  /// no end, and a virtual table is a call of its module.
  private static func tables(of database: Database) throws -> Set<String> {
    try String.fetchSet(
      database,
      sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql GLOB 'CREATE TABLE *'")
  }

  /// Computes the digest.
  static func digest(of database: Database) throws -> String {
    let hash = SHA256()
    let tables = try tables(of: database)
    let objects = try Row.fetchAll(
      database,
      sql: """
        SELECT name, type, coalesce(sql, '') FROM sqlite_schema
        WHERE name NOT GLOB 'sqlite_*' ORDER BY name
        """)
    for object in objects {
      let (name, sql) = (try object.text(0), try object.text(2))
      hash.update(Data("\(name) \(sql.utf8.count) \(sql)\n".utf8))
      guard try object.text(1) == "table", tables.contains(name) else { continue }
      // In the order of the table itself, whatever its indexes hold.
      var select = "SELECT * FROM \"\(name.replacing("\"", with: "\"\""))\" NOT INDEXED"
      if name == "provenance" { select += " WHERE key NOT IN (\(ownKeys))" }
      try RawSelect.forEachChunk(of: select, on: database) { hash.update($0) }
    }
    return hexadecimal(hash.finalize())
  }
}
