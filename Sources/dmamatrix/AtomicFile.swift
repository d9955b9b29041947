import Conformance
import Foundation

/// Files that are there whole or not at all.
enum AtomicFile {
  /// Writes text beside the target, then renames; a symbolic link is followed,
  /// and anything but a regular file is refused.
  static func write(_ text: String, to target: String) throws {
    let path = URL(fileURLWithPath: target).resolvingSymlinksInPath().path
    let existing = try? FileManager.default.attributesOfItem(atPath: path)
    if let type = existing?[.type] as? FileAttributeType, type != .typeRegular {
      throw UsageError(
        description: "\(target.printable): is not a regular file; expected a file to write")
    }
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(target, errno) }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      try file.write(contentsOf: Data(text.utf8))
      try file.synchronize()
    } catch {
      let code = errno
      unlink(temporary)
      throw failure(target, code)
    }
    guard rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw failure(target, code)
    }
  }

  private static func failure(_ path: String, _ code: Int32) -> UsageError {
    UsageError(
      description: "\(path.printable): cannot be written (\(String(cString: strerror(code)))); "
        + "nothing was changed")
  }
}
