import Foundation
import GRDB
import GRDBSQLite
import Support

/// What a user's SQL may do: read the ordinary tables and views of the file, and call
/// the functions of ``QueryFunctions``; everything that is not named here is refused.
///
/// SQLite asks when a statement is compiled, and again when a schema that changed makes
/// it compile one anew, so this stays on the connection. It takes the place of GRDB's,
/// which watches for writes; the connection has none.
final class QueryAuthorizer: Sendable {
  private struct State {
    var isAsking = false
    /// Ordinary tables and views of the file, in small letters.
    var readable: Set<String> = []
    /// Everything that the file's schema names, in small letters.
    var named: Set<String> = []
    var refusal: String?
  }

  private let state = Locked(State())

  /// The schema itself, under the name by which SQLite asks, and JSON's tables.
  private static let alwaysReadable = Set(["sqlite_master"] + ConnectionSafety.modules)

  /// Puts this on a connection, which must not outlive it.
  func register(on connection: OpaquePointer) {
    sqlite3_set_authorizer(
      connection,
      { context, action, first, second, _, _ in
        guard let context else { return SQLITE_DENY }
        let authorizer = Unmanaged<QueryAuthorizer>.fromOpaque(context).takeUnretainedValue()
        return authorizer.answer(
          action, first.map { String(cString: $0) }, second.map { String(cString: $0) })
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Runs what a user asked, under the rules for it.
  func asking<Value>(_ database: Database, _ body: () throws -> Value) throws -> Value {
    // The first use of JSON's tables declares them, which SQLite asks for as a write.
    _ = try database.makeStatement(sql: "SELECT 1 FROM json_each('[]'), json_tree('[]')")
    let rows = try Row.fetchAll(
      database, sql: "SELECT name, sql FROM main.sqlite_schema WHERE type <> 'index'")
    var (readable, named) = (Self.alwaysReadable, Set<String>())
    for row in rows {
      guard let name: String = try? row.decode(atIndex: 0) else { continue }
      named.insert(name.lowercased())
      let sql: String? = try? row.decode(atIndex: 1)
      // A virtual table has the type of a table, and is a call of its module.
      let begin = (sql ?? "").prefix(12).uppercased()
      if begin == "CREATE TABLE" || begin.hasPrefix("CREATE VIEW") {
        readable.insert(name.lowercased())
      }
    }
    state.withLock { $0 = State(isAsking: true, readable: readable, named: named) }
    defer { state.withLock { $0.isAsking = false } }
    return try body()
  }

  /// Why the last statement was refused, if it was this that did.
  var refusal: String? { state.withLock { $0.refusal } }

  private func answer(_ action: Int32, _ first: String?, _ second: String?) -> Int32 {
    state.withLock { state in
      guard let refusal = Self.refusal(state, action, first ?? "", second ?? "") else {
        return SQLITE_OK
      }
      if state.refusal == nil { state.refusal = refusal }
      return SQLITE_DENY
    }
  }

  private static let noTable =
    "none that a question may read; accepted: the tables and views of the database, json_each, "
    + "json_tree"

  /// Why an action is refused; nil where it is not.
  private static func refusal(
    _ state: State, _ action: Int32, _ first: String, _ second: String
  ) -> String? {
    switch action {
    case SQLITE_FUNCTION:
      return QueryFunctions.allowed.contains(second.lowercased())
        ? nil
        : "refused, function '\(second.printable)' is none that a question may call; accepted: "
          + "SQL's functions for text, numbers, dates, JSON, groups and windows"
    case SQLITE_ATTACH, SQLITE_DETACH:
      return "refused, no database can be attached; accepted: SELECT, WITH, VALUES, EXPLAIN"
    case _ where !state.isAsking: return nil
    case SQLITE_SELECT, SQLITE_RECURSIVE: return nil
    case SQLITE_READ:
      let table = first.lowercased()
      if state.readable.contains(table) { return nil }
      // Without a column SQLite asks for what WITH makes, too: a name that neither the
      // file nor SQLite has.
      let isOfWith =
        second.isEmpty && !state.named.contains(table)
        && !table.hasPrefix("pragma_") && !table.hasPrefix("sqlite_")
      return isOfWith ? nil : "refused, '\(first.printable)' is \(noTable)"
    case SQLITE_UPDATE where first == "sqlite_master":
      return "refused, what SQLite makes of a PRAGMA or a module is \(noTable)"
    case SQLITE_PRAGMA:
      return "refused, PRAGMA \(first.printable); accepted: SELECT, WITH, VALUES, EXPLAIN"
    default:
      return "refused, the statement would write; queries are read-only"
    }
  }
}
