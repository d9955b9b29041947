import DMAModel
import EmbeddedSchema
import Foundation
import GRDB
import GRDBSQLite

/// A database made by the generator, opened for reading alone.
public struct MatrixDatabase: Sendable {
  /// The file.
  public let path: String
  /// A read-only connection; ``ReadOnlyQuery`` runs a user's SQL.
  public let queue: DatabaseQueue

  /// Opens a database and checks that it is one of ours.
  public init(path: String) throws(StoreError) {
    self.path = path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw .missing(path: path)
    }
    if isDirectory.boolValue { throw .isDirectory(path: path) }
    guard access(path, R_OK) == 0 else {
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    var applicationID: Int32 = 0
    var version: Int32 = 0
    do {
      queue = try DatabaseQueue(path: path, configuration: Self.configuration)
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
    if let fault = try read({ try StoredSchema.fault(in: $0) }) {
      throw .corrupt(path: path, reason: fault)
    }
  }

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

  static var configuration: Configuration {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.prepareDatabase { database in
      guard let connection = database.sqliteConnection else { return }
      // Read-only is not enough: ATTACH and VACUUM INTO would still write.
      sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0)
      sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, 64 << 20)
      // A question fills neither the memory nor the disk of temporary files.
      sqlite3_hard_heap_limit64(1 << 30)
      try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY")
    }
    return configuration
  }
}
