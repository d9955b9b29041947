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
    removeLeftovers(of: path)
    let loose = temporaryPath(for: path, "loose")
    let packed = temporaryPath(for: path, "packed")
    let files = [loose, loose + "-journal", packed, packed + "-journal"]
    building(files)
    // Exclusively: in a directory that others write, the names may be links.
    try makeEmpty(loose, for: path)
    defer { unlink(loose) }
    try makeEmpty(packed, for: path)
    defer { for file in files { unlink(file) } }
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

  /// Changes a copy of a database and gives it the name of the original.
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
    removeLeftovers(of: path)
    let copy = temporaryPath(for: path, "copy")
    let files = [copy, copy + "-journal"]
    building(files)
    defer { for file in files { unlink(file) } }
    do {
      try DatabaseLock.holding(path) {
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try change(copy)
        let queue = try DatabaseQueue(path: copy, configuration: configuration)
        try queue.inDatabase { try ContentDigest.store(in: $0) }
        try queue.close()
        try commit(copy, to: path)
      }
    } catch let error as DatabaseError {
      throw StoreError.cannotWrite(path: path, reason: error.message ?? "SQLite error")
    } catch let error as CocoaError {
      throw StoreError.cannotWrite(path: path, reason: error.localizedDescription)
    }
  }

  private static func makeEmpty(_ file: String, for path: String) throws(StoreError) {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: errorText()) }
    close(descriptor)
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

  /// The name under which the database is built: in the same directory, so that
  /// the rename is atomic, with the process' number.
  static func temporaryPath(for path: String, _ stage: String) -> String {
    "\(path).\(getpid()).\(stage).tmp"
  }

  /// Removes what a killed run left behind: files of processes that are gone.
  static func removeLeftovers(of path: String) {
    let directory = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent + "."
    let parent = directory.isEmpty ? "." : directory
    for file in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
      guard file.hasPrefix(name), file.hasSuffix(".tmp"),
        let process = pid_t(file.dropFirst(name.count).prefix { $0.isNumber }),
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      unlink("\(parent)/\(file)")
    }
  }

  /// Makes the file durable and gives it its name.
  static func commit(_ temporary: String, to path: String) throws(StoreError) {
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
