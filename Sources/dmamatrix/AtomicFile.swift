import Foundation

/// Files that are there whole or not at all.
enum AtomicFile {
  /// Writes text beside the target, then renames.
  static func write(_ text: String, to path: String) throws {
    let temporary = "\(path).\(getpid()).tmp"
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: temporary))
    } catch {
      unlink(temporary)
      throw UsageError(
        description: "\(path): cannot be written (\(String(cString: strerror(errno))))")
    }
    guard rename(temporary, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(temporary)
      throw UsageError(description: "\(path): cannot be written (\(reason))")
    }
  }
}
