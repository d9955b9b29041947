import CSQLite
import Foundation
import MatrixStore

/// The program that SQLite makes of a question, on a connection without the tool's
/// authorizer: what the question does, whatever its text looks like.
///
/// Source: sqlite.org, opcode.html.
struct QuestionProgram {
  /// Functions that are called, in small letters.
  private(set) var functions: Set<String> = []
  /// Instructions that make or change something that lasts.
  private(set) var writes: Set<String> = []
  /// Whether the tables of a module are read.
  private(set) var readsModule = false
  /// What is read by name.
  let tables: Set<String>

  private static let calls: Set<String> = [
    "Function", "PureFunc", "AggStep", "AggStep1", "AggInverse", "AggValue", "AggFinal",
  ]
  private static let changes: Set<String> = [
    "AutoCommit", "Checkpoint", "Clear", "CreateBtree", "Destroy", "DropIndex", "DropTable",
    "DropTrigger", "IncrVacuum", "JournalMode", "LoadAnalysis", "OpenWrite", "ParseSchema",
    "SetCookie", "SqlExec", "VCreate", "VDestroy", "VRename", "VUpdate", "Vacuum",
  ]

  /// Nil for what does not compile, and for an EXPLAIN, which computes nothing.
  init?(_ sql: String, databasePath path: String) {
    var connection: OpaquePointer?
    defer { sqlite3_close(connection) }
    guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else {
      return nil
    }
    let names = UnsafeMutablePointer<Set<String>>.allocate(capacity: 1)
    names.initialize(to: [])
    defer {
      names.deinitialize(count: 1)
      names.deallocate()
    }
    sqlite3_set_authorizer(
      connection,
      { names, action, table, _, _, _ in
        if action == SQLITE_READ, let table {
          names?.assumingMemoryBound(to: Set<String>.self).pointee
            .insert(String(cString: table).lowercased())
        }
        return SQLITE_OK
      }, names)
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    let question = sql.drop { $0.isWhitespace || $0 == ";" }
    guard sqlite3_prepare_v2(connection, "EXPLAIN \(question)", -1, &statement, nil) == SQLITE_OK,
      statement != nil, sqlite3_stmt_isexplain(statement) == 1
    else { return nil }
    func text(_ column: Int32) -> String {
      sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
    }
    while sqlite3_step(statement) == SQLITE_ROW {
      let operation = text(1)
      if Self.calls.contains(operation) {
        functions.insert(text(5).prefix { $0 != "(" }.lowercased())
      }
      if Self.changes.contains(operation) { writes.insert(operation) }
      if operation == "Transaction", sqlite3_column_int(statement, 3) != 0 {
        writes.insert(operation)
      }
      if operation == "VOpen" { readsModule = true }
    }
    tables = names.pointee
  }

  /// Throws where an answered question did more than it may.
  func check() throws {
    let others = functions.subtracting(QueryFunctions.allowed)
    if !others.isEmpty { throw Violation("called: \(others.sorted())") }
    if !writes.isEmpty { throw Violation("wrote: \(writes.sorted())") }
    let modules = tables.filter { $0.hasPrefix("pragma_") || Self.others.contains($0) }
    if readsModule, !modules.isEmpty { throw Violation("read: \(modules.sorted())") }
  }

  /// Tables that SQLite has without a schema, JSON's excepted.
  private static let others: Set<String> = [
    "bytecode", "completion", "dbstat", "fsdir", "fts3tokenize", "generate_series",
    "sqlite_dbdata", "sqlite_dbpage", "sqlite_dbptr", "sqlite_memstat", "sqlite_stmt",
    "tables_used",
  ]
}
