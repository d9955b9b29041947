import Conformance
import Foundation
import Support

/// Files that are there whole or not at all.
enum AtomicFile {
  /// Writes text beside the target, then renames.
  static func write(_ text: String, to target: String) throws {
    try write(to: target) { try $0.write(contentsOf: Data(text.utf8)) }
  }

  /// Writes beside the target, then renames; a symbolic link is followed, and
  /// anything but a regular file is refused.
  static func write(to target: String, _ content: (OutputFile) throws -> Void) throws {
    let (path, files) = try begin(target)
    defer { files.remove() }
    Interruption.removeOnSignal(files.all)
    do {
      try content(OutputFile(descriptor: files.descriptor("part")))
      try files.commit("part", as: path)
    } catch let error as TemporaryFiles.Failure {
      throw failure(target, error.reason)
    } catch {
      throw error is POSIXError ? failure(target, error.systemReason) : error
    }
  }

  /// Refuses a target that could not be written, before the work.
  static func check(_ target: String) throws { try begin(target).files.remove() }

  /// Follows a link, and makes an empty file beside where it leads.
  private static func begin(_ target: String) throws -> (path: String, files: TemporaryFiles) {
    guard !target.isEmpty, target != "-" else {
      throw UsageError(
        description: "'\(target)' is no file to write; expected the name of one")
    }
    guard !target.hasSuffix("/") else {
      throw UsageError(
        description: "\(target.printable): names a directory; expected the name of a file")
    }
    let path = URL(fileURLWithPath: target).resolvingSymlinksInPath().path
    let existing = try? FileManager.default.attributesOfItem(atPath: path)
    if let type = existing?[.type] as? FileAttributeType, type != .typeRegular {
      throw UsageError(
        description: "\(target.printable): is not a regular file; expected a file to write")
    }
    if isDatabase(path) {
      throw UsageError(
        description: "\(target.printable): is a database; expected another file to write")
    }
    do {
      return (path, try TemporaryFiles(beside: path, stages: ["part"]))
    } catch {
      throw failure(target, error.reason)
    }
  }

  /// Whether a file is an SQLite database, which no report replaces.
  private static func isDatabase(_ path: String) -> Bool {
    guard let file = FileHandle(forReadingAtPath: path) else { return false }
    defer { try? file.close() }
    return (try? file.read(upToCount: 16)) == Data("SQLite format 3\0".utf8)
  }

  /// Makes a directory that does not exist.
  static func makeDirectory(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true)
    } catch {
      var isDirectory: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      throw UsageError(
        description: exists && !isDirectory.boolValue
          ? "\(path.printable): is not a directory; expected a directory to write to"
          : "\(path.printable): cannot be made; expected a directory to write to")
    }
  }

  private static func failure(_ path: String, _ reason: String) -> UsageError {
    UsageError(
      description: "\(path.printable): cannot be written (\(reason)); nothing was changed")
  }
}
