import DMAModel
import Foundation
import GRDB
import GRDBSQLite
import Support

/// One value of a query's result.
public enum QueryValue: Equatable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob(Data)

  init(_ value: DatabaseValue) {
    self =
      switch value.storage {
      case .null: .null
      case .int64(let integer): .integer(integer)
      case .double(let real): .real(real)
      case .string(let text): .text(text)
      case .blob(let data): .blob(data)
      }
  }
}

extension QueryValue {
  /// Bytes of memory, roughly.
  fileprivate var size: Int {
    switch self {
    case .text(let text): 48 + text.utf8.count
    case .blob(let data): 48 + data.count
    case .null, .integer, .real: 48
    }
  }
}

/// The rows of a query.
public struct QueryResult: Equatable, Sendable {
  public let columns: [String]
  public let rows: [[QueryValue]]
  /// Whether the row limit cut the result.
  public let isTruncated: Bool

  public init(columns: [String], rows: [[QueryValue]], isTruncated: Bool = false) {
    self.columns = columns
    self.rows = rows
    self.isTruncated = isTruncated
  }
}

/// A user's SQL, run so that it can neither write nor run forever.
///
/// The connection is read-only, no database can be attached (which also stops
/// VACUUM INTO), a statement that is not read-only is refused, as is a second
/// statement, anything but SELECT, WITH, VALUES and EXPLAIN, and whatever
/// ``QueryAuthorizer`` does not allow; a progress handler ends it after the time limit.
public struct ReadOnlyQuery: Sendable {
  public let sql: String
  /// Values of named parameters; whole numbers are bound as integers.
  public let parameters: [String: String]
  /// Seconds after which the statement is stopped; 0 for no limit.
  public let timeLimit: Double
  /// How many rows are returned at most; 0 for all.
  public let rowLimit: Int

  public init(
    sql: String, parameters: [String: String] = [:], timeLimit: Double = 10, rowLimit: Int = 0
  ) {
    self.sql = sql
    self.parameters = parameters
    self.timeLimit = timeLimit
    self.rowLimit = rowLimit
  }

  /// Bytes that an answer may take in memory.
  private static let sizeLimit = 512 << 20
  /// Bytes of a value, of a row and of the statement itself.
  private static let lengthLimit = 1 << 20

  /// Runs the statement.
  public func run(on database: MatrixDatabase) throws(StoreError) -> QueryResult {
    do {
      return try database.queue.read { connection in
        try database.authorizer.asking(connection) {
          try Self.withShortValues(connection) { try fetch(connection) }
        }
      }
    } catch let error as StoreError {
      throw error
    } catch let error as DatabaseError {
      throw describe(error, path: database.path, refusal: database.authorizer.refusal)
    } catch {
      throw .query("\(error)")
    }
  }

  /// One call of a function cannot be stopped: it works on little.
  private static func withShortValues<Value>(
    _ database: Database, _ body: () throws -> Value
  ) rethrows -> Value {
    let connection = database.sqliteConnection
    let before = sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, Int32(lengthLimit))
    defer { sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, before) }
    return try body()
  }

  private func fetch(_ database: Database) throws -> QueryResult {
    guard sql.utf8.count <= Self.lengthLimit else {
      throw StoreError.query("the statement is longer than \(Self.lengthLimit >> 20) MiB")
    }
    guard sql.contains(where: { !$0.isWhitespace && $0 != ";" }) else {
      throw StoreError.query("no statement; expected one SELECT")
    }
    let keyword = firstKeyword(of: sql)
    guard ["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(keyword) else {
      throw StoreError.query(
        "refused, '\(keyword.printable)' does not begin a question; accepted: SELECT, WITH, VALUES, EXPLAIN"
      )
    }
    let deadline = Deadline(seconds: timeLimit)
    let pointer = UnsafeMutablePointer<Deadline>.allocate(capacity: 1)
    pointer.initialize(to: deadline)
    defer {
      sqlite3_progress_handler(database.sqliteConnection, 0, nil, nil)
      pointer.deinitialize(count: 1)
      pointer.deallocate()
    }
    if timeLimit > 0 {
      sqlite3_progress_handler(
        database.sqliteConnection, 1000,
        { $0?.assumingMemoryBound(to: Deadline.self).pointee.hasPassed == true ? 1 : 0 }, pointer)
    }

    let statement = try makeStatement(database)
    guard statement.isReadonly else {
      throw StoreError.query("refused, the statement would write; queries are read-only")
    }
    let arguments = try arguments(of: statement)
    let cursor = try Row.fetchCursor(statement, arguments: arguments)
    var rows: [[QueryValue]] = []
    var size = 0
    while let row = try cursor.next() {
      if rowLimit > 0, rows.count == rowLimit {
        return QueryResult(columns: statement.columnNames, rows: rows, isTruncated: true)
      }
      var values: [QueryValue] = []
      values.reserveCapacity(row.count)
      for column in 0..<row.count {
        let value = QueryValue(row[column])
        size += value.size
        guard size <= Self.sizeLimit else {
          throw StoreError.query(
            "the answer takes more than \(Self.sizeLimit >> 20) MiB; ask for fewer rows or columns, "
              + "or use 'dmamatrix export'")
        }
        values.append(value)
      }
      rows.append(values)
    }
    return QueryResult(columns: statement.columnNames, rows: rows)
  }

  /// The statement, in a faster form where one is known and has the same columns.
  private func makeStatement(_ database: Database) throws -> Statement {
    let statement = try database.makeStatement(sql: sql)
    guard let form = FasterQuestion.form(of: sql),
      let faster = try? database.makeStatement(sql: form),
      faster.columnNames == statement.columnNames, faster.isReadonly
    else { return statement }
    return faster
  }

  /// Binds every parameter of the statement by name, and no other.
  private func arguments(of statement: Statement) throws -> StatementArguments {
    let count = sqlite3_bind_parameter_count(statement.sqliteStatement)
    var names: [String] = []
    for index in 0..<count {
      guard let name = sqlite3_bind_parameter_name(statement.sqliteStatement, index + 1) else {
        throw StoreError.query("a '?' parameter has no name; write :name and give -p name=value")
      }
      names.append(String(String(cString: name).dropFirst()))
    }
    for name in parameters.keys.sorted() where !names.contains(name) {
      let accepted = names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))"
      throw StoreError.query("the statement has no parameter '\(name.printable)'; \(accepted)")
    }
    var values: [String: any DatabaseValueConvertible] = [:]
    for name in names {
      guard let text = parameters[name] else {
        throw StoreError.query("no value for parameter '\(name)'; give -p \(name)=value")
      }
      values[name] = Int64(text) ?? text
    }
    return StatementArguments(values)
  }

  private func describe(_ error: DatabaseError, path: String, refusal: String?) -> StoreError {
    if let refusal, [.SQLITE_AUTH, .SQLITE_ERROR].contains(error.resultCode) {
      return .query(refusal)
    }
    switch error.resultCode {
    case .SQLITE_TOOBIG:
      return .query(
        "a value or a row would be longer than \(Self.lengthLimit >> 20) MiB; ask for a part of it, "
          + "as with substr()")
    case .SQLITE_NOMEM:
      return .query(
        "SQLite would take more than 1024 MiB; ask for fewer rows, or sort fewer; "
          + StoreError.lessToWalk)
    case .SQLITE_INTERRUPT: return .timeLimit(seconds: timeLimit)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_IOERR:
      return MatrixDatabase.storeError(error, path: path)
    case .SQLITE_READONLY:
      return .query("refused, the statement would write; queries are read-only")
    default:
      let message = error.message ?? "SQLite error"
      if message.contains("Multiple statements") {
        return .query("more than one statement; expected one SELECT")
      }
      // The message quotes the statement, line breaks and all.
      return .query((message.prefix(1).lowercased() + message.dropFirst()).printable(upTo: 400))
    }
  }
}

/// The first word of a statement in capitals, comments passed over as SQLite does:
/// a line ends with LF alone.
func firstKeyword(of sql: String) -> String {
  var rest = Substring(sql).unicodeScalars
  while true {
    rest = rest.drop { $0.properties.isWhitespace || $0 == ";" }
    if rest.starts(with: "--".unicodeScalars) {
      rest = rest.drop { $0 != "\n" }
    } else if rest.starts(with: "/*".unicodeScalars) {
      rest = rest.dropFirst(2)
      while !rest.isEmpty, !rest.starts(with: "*/".unicodeScalars) { rest = rest.dropFirst() }
      rest = rest.dropFirst(2)
    } else {
      return String(rest.prefix { $0.properties.isAlphabetic }).uppercased()
    }
  }
}

/// A moment after which a statement is stopped.
private struct Deadline {
  private let end: ContinuousClock.Instant

  init(seconds: Double) { end = ContinuousClock.now + .seconds(seconds) }

  var hasPassed: Bool { ContinuousClock.now > end }
}
