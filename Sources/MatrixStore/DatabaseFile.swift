import Conformance
import Foundation
import GRDB

/// A database file that is there whole or not at all.
enum DatabaseFile {
  /// Builds a database beside `target` and gives it its name at the end; observations
  /// of the database that it replaces are kept.
  ///
  /// The bytes depend on the content alone, neither on the order of insertion nor
  /// on what was there before: the finished database is packed into a new file.
  ///
  /// - Parameters:
  ///   - building: Called with the paths to remove if the process is killed.
  ///   - fill: Makes tables and rows on a connection without a transaction.
  static func replace<Summary>(
    _ target: String, building: ([String]) -> Void, _ fill: (Database) throws -> Summary
  ) throws -> (Summary, ObservationMigrations.Kept) {
    let path = resolved(target)
    try checkTarget(path)
    let files = try temporaryFiles(beside: path, ["loose", "packed"])
    defer { files.remove() }
    building(files.all)
    let (loose, packed) = (files["loose"], files["packed"])
    do {
      let filling = try DatabaseQueue(path: loose, configuration: configuration)
      let summary = try filling.inDatabase(fill)
      try filling.close()
      let kept = try DatabaseLock.holding(path) {
        let kept = try ObservationMigrations.carry(from: path, to: loose)
        let queue = try DatabaseQueue(path: loose, configuration: configuration)
        try queue.inDatabase { database in
          try ContentDigest.store(in: database)
          try database.execute(sql: "ANALYZE; PRAGMA optimize")
          try database.execute(sql: "VACUUM INTO ?", arguments: [packed])
        }
        try queue.close()
        try commit(packed, to: path)
        return kept
      }
      return (summary, kept)
    } catch let error as DatabaseError {
      throw StoreError.cannotWrite(path: path, reason: error.message ?? "SQLite error")
    }
  }

  /// Changes a copy of a database and gives it the name of the original, which must be
  /// sound: the digest of the copy would say of its damage that it is meant.
  ///
  /// - Parameters:
  ///   - building: Called with the paths to remove if the process is killed.
  ///   - change: Called with the path of the copy; must close what it opens.
  static func change(
    _ target: String, building: ([String]) -> Void, _ change: (String) throws -> Void
  ) throws {
    _ = try MatrixDatabase(path: target)
    let path = resolved(target)
    try checkTarget(path)
    let files = try temporaryFiles(beside: path, ["copy"])
    defer { files.remove() }
    building(files.all)
    let copy = files["copy"]
    do {
      try DatabaseLock.holding(path) {
        let database = try MatrixDatabase(path: path)
        // A trigger would do more than what is asked.
        if let fault = try database.read({ try StoredSchema.fault(in: $0, alone: true) }) {
          throw StoreError.cannotWrite(path: path, reason: fault)
        }
        try DatabaseCheck(database).requireSound()
        try write(path, into: copy)
        try change(copy)
        let queue = try DatabaseQueue(path: copy, configuration: configuration)
        try queue.inDatabase { try ContentDigest.store(in: $0) }
        try queue.close()
        try commit(copy, to: path)
      }
    } catch let error as DatabaseError {
      throw StoreError.cannotWrite(path: path, reason: error.message ?? "SQLite error")
    } catch let error where error is MalformedRow || error is RowDecodingError {
      throw MatrixDatabase.storeError(error, path: path)
    } catch let error as CocoaError {
      throw StoreError.cannotWrite(path: path, reason: error.systemReason)
    }
  }

  /// Fills a file that is there, with its permissions, with the bytes of another.
  private static func write(_ path: String, into copy: String) throws {
    let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? source.close() }
    let target = try FileHandle(forWritingTo: URL(fileURLWithPath: copy))
    defer { try? target.close() }
    while let bytes = try source.read(upToCount: 1 << 22), !bytes.isEmpty {
      try target.write(contentsOf: bytes)
    }
  }

  private static func temporaryFiles(
    beside path: String, _ stages: [String]
  ) throws(StoreError) -> TemporaryFiles {
    do {
      return try TemporaryFiles(beside: path, stages: stages)
    } catch {
      throw .cannotWrite(path: path, reason: error.reason)
    }
  }

  /// For changes of a file that is private until it is renamed, and thrown away where
  /// one fails: a journal in memory, for a transaction that is rolled back.
  static var withoutJournalFile: Configuration {
    var configuration = Configuration()
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")
    }
    return configuration
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false  // checked once, at the end
    configuration.prepareDatabase { database in
      // The file is private until it is renamed: no journal is needed.
      try database.execute(
        sql: """
          PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
          PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF
          """)
    }
    return configuration
  }

  /// The file that a path means: a symbolic link is followed, never replaced.
  static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }

  /// Refuses a target that could not be replaced, before any work is done.
  static func checkTarget(_ path: String) throws(StoreError) {
    var isDirectory: ObjCBool = false
    let directory = (path as NSString).deletingLastPathComponent
    let parent = directory.isEmpty ? "." : directory
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      throw .isDirectory(path: path)
    }
    guard FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory),
      isDirectory.boolValue
    else {
      throw .cannotWrite(path: path, reason: "no such directory: \(parent)")
    }
    guard access(parent, W_OK) == 0 else {
      throw .cannotWrite(path: path, reason: "directory is not writable: \(parent)")
    }
    try checkNoOtherWriter(path)
    guard let existing = try? FileManager.default.attributesOfItem(atPath: path) else { return }
    guard existing[.type] as? FileAttributeType == .typeRegular else {
      throw .cannotWrite(path: path, reason: "is not a regular file")
    }
    if existing[.size] as? UInt64 != 0 {
      // Only a database of ours, or an empty file, is replaced.
      do {
        _ = try MatrixDatabase(path: path)
      } catch .notSQLite, .foreign {
        throw .cannotWrite(path: path, reason: "exists and is not a dmamatrix database")
      } catch {
        // Damaged, older or newer: regenerating it is the remedy.
      }
    }
  }

  /// Refuses a file that another program changes, or did when it was killed: SQLite
  /// would take the journal beside it for the new file's and mix the two.
  private static func checkNoOtherWriter(_ path: String) throws(StoreError) {
    for journal in ["-wal", "-journal"] where isHot(path + journal) {
      throw .cannotWrite(path: path, reason: StoreError.otherWriter(path, journal))
    }
  }

  /// Whether a journal holds anything: SQLite zeroes the first byte of one that it
  /// is done with, if it does not remove it.
  private static func isHot(_ journal: String) -> Bool {
    guard let file = FileHandle(forReadingAtPath: journal) else {
      return FileManager.default.fileExists(atPath: journal)
    }
    guard let first = try? file.read(upToCount: 1)?.first else {
      // An empty log of a database that another program has open.
      return journal.hasSuffix("-wal")
    }
    return first != 0
  }

  /// Makes the file durable and gives it its name.
  static func commit(_ temporary: String, to path: String) throws(StoreError) {
    try checkNoOtherWriter(path)
    let file = open(temporary, O_RDONLY)
    guard file >= 0 else { throw .cannotWrite(path: path, reason: errorText()) }
    let synced = fsync(file)
    close(file)
    guard synced == 0, rename(temporary, path) == 0 else {
      throw .cannotWrite(path: path, reason: errorText())
    }
    let directory = (path as NSString).deletingLastPathComponent
    let parent = open(directory.isEmpty ? "." : directory, O_RDONLY)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }

  private static func errorText() -> String { String(cString: strerror(errno)) }
}
