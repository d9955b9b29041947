import GRDB
import GRDBSQLite

/// One prepared INSERT of integers over the raw SQLite interface.
///
/// The only raw calls on the way in: with a million rows, GRDB's statement with
/// arguments takes about six times as long (`make bench` measures both).
struct RawInsert {
  private let statement: OpaquePointer
  private let connection: OpaquePointer

  /// Prepares `INSERT INTO table VALUES (?, …)` with `columns` parameters.
  init(_ table: String, columns: Int, on database: Database) throws {
    guard let connection = database.sqliteConnection else {
      throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "connection is closed")
    }
    let marks = Array(repeating: "?", count: columns).joined(separator: ",")
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v2(
      connection, "INSERT INTO \(table) VALUES (\(marks))", -1, &prepared, nil)
    guard code == SQLITE_OK, let prepared else { throw Self.error(code, connection) }
    statement = prepared
    self.connection = connection
  }

  /// Inserts one row of four integers, or five.
  func insert(_ a: Int64, _ b: Int64, _ c: Int64, _ d: Int64, _ e: Int64? = nil) throws {
    sqlite3_bind_int64(statement, 1, a)
    sqlite3_bind_int64(statement, 2, b)
    sqlite3_bind_int64(statement, 3, c)
    sqlite3_bind_int64(statement, 4, d)
    if let e { sqlite3_bind_int64(statement, 5, e) }
    let code = sqlite3_step(statement)
    guard code == SQLITE_DONE else {
      let error = Self.error(code, connection)
      sqlite3_reset(statement)
      throw error
    }
    sqlite3_reset(statement)
  }

  /// Releases the statement; the value must not be used afterwards.
  func finalize() { sqlite3_finalize(statement) }

  private static func error(_ code: Int32, _ connection: OpaquePointer) -> DatabaseError {
    DatabaseError(
      resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(connection)))
  }
}
