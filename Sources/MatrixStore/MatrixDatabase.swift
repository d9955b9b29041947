import DMAModel
import EmbeddedSchema
import Foundation
import GRDB
import GRDBSQLite
import Support

/// A database made by the generator, opened for reading alone.
public struct MatrixDatabase: Sendable {
  /// The file.
  public let path: String
  /// A read-only connection; ``ReadOnlyQuery`` runs a user's SQL.
  public let queue: DatabaseQueue
  /// What a user's SQL may do on it.
  let authorizer = QueryAuthorizer()

  /// Opens a database and checks that it is one of ours.
  public init(path: String) throws(StoreError) {
    self.path = path
    try Self.checkFile(path)
    var applicationID: Int32 = 0
    var version: Int32 = 0
    do {
      queue = try DatabaseQueue(
        path: Self.literal(path), configuration: Self.configuration(authorizer))
      (applicationID, version) = try queue.read { database in
        let id = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        return (id, try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0)
      }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
      throw .notSQLite(path: path)
    } catch {
      throw Self.storeError(error, path: path)
    }
    guard applicationID == Schema.applicationID else {
      throw .foreign(path: path, applicationID: applicationID)
    }
    if version > Schema.version {
      throw .newer(path: path, version: version, supported: Schema.version)
    }
    if version < Schema.version {
      throw .older(path: path, version: version, supported: Schema.version)
    }
    try checkLength()
    for check in [{ try StoredSchema.fault(in: $0) }, FileSeal.fault] {
      if let fault = try read(check) { throw .corrupt(path: path, reason: fault) }
    }
  }

  /// Refuses what is no file that can be read as it is, before SQLite opens it.
  private static func checkFile(_ path: String) throws(StoreError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if [ENOENT, ENOTDIR].contains(errno) { throw .missing(path: path) }
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .isDirectory(path: path)
    default:
      throw .cannotOpen(
        path: path,
        reason: "it is not a regular file; expected a database made by 'dmamatrix generate'")
    }
    guard access(path, R_OK) == 0 else {
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    try DatabaseFile.checkReadable(path)
  }

  /// The path as SQLite takes it for a file, whatever it begins with: `file:` and
  /// `:memory:` have a meaning of their own.
  static func literal(_ path: String) -> String { path.hasPrefix("/") ? path : "./" + path }

  /// Reads from the database.
  ///
  /// - Throws: ``StoreError/corrupt(path:reason:)`` where pages cannot be read, or rows
  ///   hold what none of ours does.
  public func read<Value>(_ value: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try queue.read(value)
    } catch {
      throw Self.storeError(error, path: path)
    }
  }

  /// Reads from the database and hands on what was read: an error of who takes it is
  /// none of the database.
  public func stream<Value>(_ value: (Database) throws -> Value) throws -> Value {
    do {
      return try queue.read(value)
    } catch let error where Self.isOfDatabase(error) {
      throw Self.storeError(error, path: path)
    }
  }

  /// Compares the file's length with the page count of its header: a truncated
  /// file may answer some queries, and must not.
  private func checkLength() throws(StoreError) {
    let (expected, length) = try read { database -> (UInt64, UInt64) in
      let pages = try UInt64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
      let pageSize = try UInt64.fetchOne(database, sql: "PRAGMA page_size") ?? 0
      // Of the file that is open: the path may name a newer one by now.
      var file: UnsafeMutablePointer<sqlite3_file>?
      sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file)
      var length: sqlite3_int64 = 0
      _ = file?.pointee.pMethods?.pointee.xFileSize?(file, &length)
      return (pages * pageSize, UInt64(clamping: length))
    }
    guard length == expected else {
      throw .corrupt(path: path, reason: "\(length) bytes, but \(expected) expected")
    }
  }

  private static func isOfDatabase(_ error: any Error) -> Bool {
    error is DatabaseError || error is RowDecodingError || error is MalformedRow
  }

  static func storeError(_ error: any Error, path: String) -> StoreError {
    if let error = error as? StoreError { return error }
    if let error = error as? MalformedRow {
      return .corrupt(path: path, reason: error.description)
    }
    if error is RowDecodingError {
      return .corrupt(path: path, reason: "a value is missing or has another type")
    }
    guard let error = error as? DatabaseError else {
      return .cannotOpen(path: path, reason: "\(error)")
    }
    // The message may quote the damaged schema.
    let message = (error.message ?? "SQLite error").printable(upTo: 200)
    switch error.resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_IOERR:
      return .corrupt(path: path, reason: message)
    case .SQLITE_ERROR where error.message?.contains("malformed") == true,
      .SQLITE_ERROR where error.message == "integer overflow":
      return .corrupt(path: path, reason: message)
    case .SQLITE_READONLY:
      // What a killed program began would have to be rolled back first.
      return .cannotOpen(path: path, reason: StoreError.otherWriter(path))
    default:
      return .cannotOpen(path: path, reason: message)
    }
  }

  /// A connection that can do nothing but read.
  static func configuration(_ authorizer: QueryAuthorizer = QueryAuthorizer()) -> Configuration {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.prepareDatabase { database in
      guard let connection = database.sqliteConnection else { return }
      try ConnectionSafety.restrict(database)
      // Read-only is not enough: ATTACH and VACUUM INTO would still write.
      sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0)
      sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, 64 << 20)
      // A question fills neither the memory nor the disk of temporary files.
      sqlite3_hard_heap_limit64(1 << 30)
      try database.execute(sql: "PRAGMA temp_store = MEMORY")
      try CheckedFormat.register(on: connection)
      authorizer.register(on: connection)
    }
    return configuration
  }
}
