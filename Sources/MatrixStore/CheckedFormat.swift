import GRDB
import GRDBSQLite

/// SQLite's `printf()` and `format()`, which refuse what they cannot make.
///
/// Where a text would be longer than the connection allows, SQLite's own give NULL and
/// no error: an empty cell, which reads as an answer. These ask SQLite's own on a
/// connection without tables, and tell that NULL from the one of an empty text: a format
/// that begins with one letter more makes a text of at least one.
///
/// Source: SQLite 3.40, func.c, `printfFunc()`, which does not look at `accError`.
final class CheckedFormat {
  private struct Call: Hashable {
    let prefix: String
    let count: Int
  }

  private static let names = ["printf", "format"]

  private let plain: OpaquePointer
  private var statements: [Call: OpaquePointer] = [:]

  /// Takes the place of SQLite's functions on a connection, for as long as that lives.
  static func register(on connection: OpaquePointer) throws(DatabaseError) {
    let format = try CheckedFormat()
    for name in names {
      // Innocuous as SQLite's own are: views of the file may call them.
      let code = sqlite3_create_function_v2(
        connection, name, -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
        Unmanaged.passRetained(format).toOpaque(),
        { context, count, arguments in
          guard let context, let pointer = sqlite3_user_data(context) else { return }
          Unmanaged<CheckedFormat>.fromOpaque(pointer).takeUnretainedValue()
            .answer(context, UnsafeMutableBufferPointer(start: arguments, count: Int(count)))
        }, nil, nil,
        { pointer in
          guard let pointer else { return }
          Unmanaged<CheckedFormat>.fromOpaque(pointer).release()
        })
      guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
  }

  private init() throws(DatabaseError) {
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(
      ":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened else {
      sqlite3_close(opened)
      throw DatabaseError(resultCode: ResultCode(rawValue: code))
    }
    plain = opened
  }

  deinit {
    for statement in statements.values { sqlite3_finalize(statement) }
    sqlite3_close(plain)
  }

  private func answer(
    _ context: OpaquePointer, _ arguments: UnsafeMutableBufferPointer<OpaquePointer?>
  ) {
    // The answer is NULL until another is given.
    guard let format = arguments.first, sqlite3_value_type(format) != SQLITE_NULL else { return }
    let limit = sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1)
    sqlite3_limit(plain, SQLITE_LIMIT_LENGTH, limit)
    for prefix in ["", "'x' || "] {
      guard let statement = statement(Call(prefix: prefix, count: arguments.count)) else {
        return sqlite3_result_error_code(context, sqlite3_errcode(plain))
      }
      defer {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
      }
      for (index, value) in arguments.enumerated() {
        let code = sqlite3_bind_value(statement, Int32(index + 1), value)
        guard code == SQLITE_OK else { return sqlite3_result_error_code(context, code) }
      }
      let code = sqlite3_step(statement)
      guard code == SQLITE_ROW else { return sqlite3_result_error_code(context, code) }
      guard sqlite3_column_type(statement, 0) == SQLITE_NULL else {
        // With the letter more, the text itself is empty.
        if prefix.isEmpty { sqlite3_result_value(context, sqlite3_column_value(statement, 0)) }
        return
      }
    }
    sqlite3_result_error_toobig(context)
  }

  /// The statement that asks SQLite's own function; nil with an error on its connection.
  private func statement(_ call: Call) -> OpaquePointer? {
    if let statement = statements[call] { return statement }
    let parameters = (1...call.count).map { "?\($0)" }.joined(separator: ", ")
    var statement: OpaquePointer?
    guard
      sqlite3_prepare_v2(plain, "SELECT printf(\(call.prefix)\(parameters))", -1, &statement, nil)
        == SQLITE_OK
    else { return nil }
    statements[call] = statement
    return statement
  }
}
