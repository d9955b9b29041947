import Foundation
import GRDBSQLite

/// The baseline: a plain loop over the raw SQLite interface, one row a combination.
///
/// Twelve axes, the kernel and eight outcome columns as small integers, one
/// prepared statement, one transaction, no journal: the fastest form that the
/// row-per-combination design has.
struct RowLoop {
  let path: String
  private let columns = 21
  private let rows = 1_000_000

  init(path: String) { self.path = path }

  /// Inserts a million rows and returns how many a second.
  func rowsPerSecond() throws -> Double {
    defer { unlink(path) }
    return try Benchmark.median(3) {
      unlink(path)
      return Double(rows) / (try Benchmark.seconds(insert))
    }
  }

  private func insert() throws {
    var connection: OpaquePointer?
    guard sqlite3_open(path, &connection) == SQLITE_OK else { throw BaselineError.sqlite }
    defer { sqlite3_close(connection) }
    let names = (0..<columns).map { "c\($0) INTEGER NOT NULL" }.joined(separator: ", ")
    let setUp = """
      PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
      CREATE TABLE matrix (\(names)) STRICT; BEGIN
      """
    guard sqlite3_exec(connection, setUp, nil, nil, nil) == SQLITE_OK else {
      throw BaselineError.sqlite
    }
    let marks = Array(repeating: "?", count: columns).joined(separator: ",")
    var statement: OpaquePointer?
    guard
      sqlite3_prepare_v2(
        connection, "INSERT INTO matrix VALUES (\(marks))", -1, &statement, nil) == SQLITE_OK
    else { throw BaselineError.sqlite }
    defer { sqlite3_finalize(statement) }
    for row in 0..<rows {
      for column in 0..<columns {
        sqlite3_bind_int64(statement, Int32(column + 1), Int64((row >> column) & 63))
      }
      guard sqlite3_step(statement) == SQLITE_DONE else { throw BaselineError.sqlite }
      sqlite3_reset(statement)
    }
    guard sqlite3_exec(connection, "COMMIT", nil, nil, nil) == SQLITE_OK else {
      throw BaselineError.sqlite
    }
  }
}

/// The baseline could not be measured.
enum BaselineError: Error { case sqlite }
