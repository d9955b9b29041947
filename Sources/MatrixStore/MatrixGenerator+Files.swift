import Foundation
import GRDB

extension MatrixGenerator {
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
  static func temporaryPath(for path: String) -> String {
    "\(path).\(getpid()).tmp"
  }

  /// Removes what a killed run left behind: files of processes that are gone.
  static func removeLeftovers(of path: String) {
    let directory = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent + "."
    let parent = directory.isEmpty ? "." : directory
    for file in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
      guard file.hasPrefix(name), file.hasSuffix(".tmp"),
        let process = pid_t(file.dropFirst(name.count).dropLast(4)),
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      unlink("\(parent)/\(file)")
    }
  }

  /// Changes a copy of a database and gives it the database's name, so that it is
  /// whole at any time; who else replaces it waits.
  ///
  /// - Parameters:
  ///   - building: Called with the paths to remove if the process is killed.
  ///   - change: Called with the copy's path.
  /// - Throws: ``StoreError``; nothing is changed then.
  static func changing(
    _ path: String, building: ([String]) -> Void, _ change: (String) throws -> Void
  ) throws {
    _ = try MatrixDatabase(path: path)
    let target = resolved(path)
    removeLeftovers(of: target)
    let temporary = temporaryPath(for: target)
    building([temporary, temporary + "-journal"])
    defer { for file in [temporary, temporary + "-journal"] { unlink(file) } }
    do {
      try DatabaseLock.holding(target) {
        try FileManager.default.copyItem(atPath: target, toPath: temporary)
        try change(temporary)
        try commit(temporary, to: target)
      }
    } catch let error as DatabaseError {
      throw StoreError.cannotWrite(path: path, reason: error.message ?? "SQLite error")
    } catch let error as CocoaError {
      throw StoreError.cannotWrite(path: path, reason: error.localizedDescription)
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
