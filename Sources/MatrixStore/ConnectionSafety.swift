import CSQLite
import GRDB

/// What every connection of this tool gives up before it reads a file.
///
/// A database is hostile: its schema may name functions and modules of SQLite that do
/// more than compute. Source: sqlite.org, "Defense Against The Dark Arts", and the
/// constants of sqlite3_db_config().
enum ConnectionSafety {
  /// The modules that stay: SQLite's JSON tables. Full-text, R-tree and statistics tables
  /// are none of ours, and `fts3tokenize` calls what a statement points at.
  static let modules = ["json_each", "json_tree"]

  /// Flags and the values that they get.
  private static let flags: [(flag: Int32, value: Int32)] = [
    (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    (SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0), (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
    (SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0), (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
  ]

  /// Restricts a connection, for good.
  ///
  /// - Throws: ``DatabaseError`` where this SQLite cannot: it is older than 3.31.
  static func restrict(_ database: Database) throws {
    guard let connection = database.sqliteConnection else {
      throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "connection is closed")
    }
    for (flag, value) in flags {
      let code = dmamatrix_set_flag(connection, flag, value)
      guard code == SQLITE_OK else {
        throw DatabaseError(
          resultCode: ResultCode(rawValue: code),
          message: "SQLite \(String(cString: sqlite3_libversion())) cannot set flag \(flag)")
      }
    }
    try modules[0].withCString { first in
      try modules[1].withCString { second in
        var kept: [UnsafePointer<CChar>?] = [first, second, nil]
        let code = sqlite3_drop_modules(connection, &kept)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
      }
    }
  }
}
