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

  /// Inserts one row of three integers, or four.
  func insert(_ a: Int64, _ b: Int64, _ c: Int64, _ d: Int64? = nil) throws {
    sqlite3_bind_int64(statement, 1, a)
    sqlite3_bind_int64(statement, 2, b)
    sqlite3_bind_int64(statement, 3, c)
    if let d { sqlite3_bind_int64(statement, 4, d) }
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

/// The rows of a SELECT as bytes, over the raw SQLite interface.
///
/// Rows of GRDB take about eight times as long, and a digest reads all of them.
enum RawSelect {
  /// Encodes every row, each value with its type and length, and hands the bytes on
  /// in chunks.
  static func forEachChunk(
    of sql: String, on database: Database, _ use: (UnsafeRawBufferPointer) -> Void
  ) throws {
    let statement = try database.makeStatement(sql: sql)
    let raw = statement.sqliteStatement
    defer { sqlite3_reset(raw) }
    let columns = sqlite3_column_count(raw)
    var chunk: [UInt8] = []
    chunk.reserveCapacity(1 << 17)
    func append(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { chunk += $0 } }
    while true {
      let code = sqlite3_step(raw)
      guard code == SQLITE_ROW else {
        chunk.withUnsafeBytes(use)
        if code == SQLITE_DONE { return }
        let message = sqlite3_errmsg(database.sqliteConnection).map { String(cString: $0) }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
      }
      for column in 0..<columns {
        let type = sqlite3_column_type(raw, column)
        chunk.append(UInt8(truncatingIfNeeded: type))
        switch type {
        case SQLITE_INTEGER:
          append(UInt64(bitPattern: sqlite3_column_int64(raw, column)))
        case SQLITE_FLOAT:
          append(sqlite3_column_double(raw, column).bitPattern)
        case SQLITE_NULL:
          break
        default:
          let bytes = sqlite3_column_blob(raw, column)
          let count = Int(sqlite3_column_bytes(raw, column))
          append(UInt64(count))
          chunk += UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
        }
      }
      if chunk.count >= 1 << 16 {
        chunk.withUnsafeBytes(use)
        chunk.removeAll(keepingCapacity: true)
      }
    }
  }
}
