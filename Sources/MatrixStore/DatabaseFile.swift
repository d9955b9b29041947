import Conformance
import Foundation
import GRDB
import Support

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
    let path = try checkedTarget(target)
    let stages = ["loose", "packed"]
    let files = try temporaryFiles(beside: path, stages)
    defer { files.remove() }
    building(files.all)
    do {
      return try HeldFiles.holding(files, stages) {
        let filling = try DatabaseQueue(path: files["loose"], configuration: configuration)
        let summary = try filling.inDatabase(fill)
        try filling.close()
        let kept = try DatabaseLock.holding(path) {
          let kept = try ObservationMigrations.carry(from: path, to: files["loose"])
          try FileSeal.seal(files.descriptor("packed"), digest: pack(files))
          try commit("packed", of: files, to: path)
          return kept
        }
        return (summary, kept)
      }
    } catch let error as DatabaseError {
      throw StoreError.cannotWrite(path: path, reason: error.message ?? "SQLite error")
    }
  }

  /// Writes the finished database without gaps, in an order that its content decides, and
  /// returns the digest of the content.
  private static func pack(_ files: TemporaryFiles) throws -> String {
    let queue = try DatabaseQueue(path: files["loose"], configuration: configuration)
    let digest = try queue.inDatabase { database in
      let digest = try ContentDigest.store(in: database)
      try database.execute(sql: "ANALYZE; PRAGMA optimize")
      try database.execute(sql: "VACUUM INTO ?", arguments: [files["packed"]])
      return digest
    }
    try queue.close()
    return digest
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
    let path = try checkedTarget(target)
    let files = try temporaryFiles(beside: path, ["copy"])
    defer { files.remove() }
    building(files.all)
    do {
      try DatabaseLock.holding(path) {
        let database = try MatrixDatabase(path: path)
        // A trigger would do more than what is asked.
        if let fault = try database.read({ try StoredSchema.fault(in: $0, alone: true) }) {
          throw StoreError.cannotWrite(path: path, reason: fault)
        }
        try DatabaseCheck(database).requireSound()
        try write(path, into: files.descriptor("copy"))
        let digest = try HeldFiles.holding(files, ["copy"]) {
          try change(files["copy"])
          let queue = try DatabaseQueue(path: files["copy"], configuration: configuration)
          let digest = try queue.inDatabase { try ContentDigest.store(in: $0) }
          try queue.close()
          return digest
        }
        try FileSeal.seal(files.descriptor("copy"), digest: digest)
        try commit("copy", of: files, to: path)
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
  private static func write(_ path: String, into copy: Int32) throws {
    let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? source.close() }
    let target = FileHandle(fileDescriptor: copy, closeOnDealloc: false)
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
      try ConnectionSafety.restrict(database)
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
          PRAGMA temp_store = MEMORY
          """)
      // Afterwards: a restricted connection cannot do without a journal.
      try ConnectionSafety.restrict(database)
    }
    return configuration
  }

  /// The file that a path means: a symbolic link is followed, never replaced.
  static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }

  /// The file that a target means, which can be replaced.
  private static func checkedTarget(_ target: String) throws(StoreError) -> String {
    let path = resolved(target)
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      throw .isDirectory(path: path)
    }
    guard !target.hasSuffix("/") else {
      throw .cannotWrite(
        path: target, reason: "names a directory; expected the name of a database")
    }
    try checkTarget(path)
    return path
  }

  /// Refuses a target that could not be replaced, before any work is done.
  private static func checkTarget(_ path: String) throws(StoreError) {
    var isDirectory: ObjCBool = false
    let directory = (path as NSString).deletingLastPathComponent
    let parent = directory.isEmpty ? "." : directory
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
    if isInWALMode(path) { throw .cannotWrite(path: path, reason: StoreError.inWALMode(path)) }
  }

  /// Refuses a database that cannot be read without leaving files beside it.
  static func checkReadable(_ path: String) throws(StoreError) {
    if access(resolved(path) + "-wal", F_OK) == 0 {
      throw .cannotOpen(path: path, reason: StoreError.otherWriter(path, "-wal"))
    }
    if isInWALMode(path) { throw .cannotOpen(path: path, reason: StoreError.inWALMode(path)) }
  }

  /// The first bytes of a regular file; nil where there is none.
  private static func bytes(of path: String, _ count: Int) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    let read = pread(file, &bytes, count, 0)
    return read < 0 ? nil : Array(bytes.prefix(read))
  }

  /// Whether the header says that changes go to a log (sqlite.org, "Database File
  /// Format", 1.3.3: the numbers at 18 and 19 are 2).
  private static func isInWALMode(_ path: String) -> Bool {
    guard let header = bytes(of: path, 20), header.count == 20 else { return false }
    return header.starts(with: "SQLite format 3\0".utf8) && header[18...].contains(2)
  }

  /// Whether a journal holds anything: SQLite zeroes the first byte of one that it
  /// is done with, if it does not remove it.
  private static func isHot(_ journal: String) -> Bool {
    guard let bytes = bytes(of: journal, 1) else {
      var status = stat()
      return lstat(journal, &status) == 0
    }
    // An empty log is one of a database that another program has open.
    guard let first = bytes.first else { return journal.hasSuffix("-wal") }
    return first != 0
  }

  /// Makes a stage durable and gives it its name.
  private static func commit(
    _ stage: String, of files: TemporaryFiles, to path: String
  ) throws(StoreError) {
    try checkNoOtherWriter(path)
    do throws(TemporaryFiles.Failure) {
      try files.commit(stage, as: path)
    } catch {
      throw .cannotWrite(path: path, reason: error.reason)
    }
  }
}
