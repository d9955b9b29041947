import Foundation

/// Makes those who replace a database wait for each other.
///
/// Both `generate` and `observe` build a new file and rename it.  Each holds an
/// advisory lock on the file that it replaces, from reading what it keeps to the
/// rename: otherwise the later rename would drop what the earlier one added.
enum DatabaseLock {
  /// Runs `body` while no other process replaces `path`.
  static func holding<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    var file = try locked(path)
    // The file may have been replaced while this waited.
    while let held = file, identity(ofFile: held) != identity(ofPath: path) {
      close(held)
      file = try locked(path)
    }
    defer { if let file { close(file) } }
    return try body()
  }

  /// The locked file, or nil where there is none.
  private static func locked(_ path: String) throws(StoreError) -> Int32? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    while flock(file, LOCK_EX) != 0 {
      guard errno == EINTR else {
        let reason = String(cString: strerror(errno))
        close(file)
        throw .cannotWrite(path: path, reason: reason)
      }
    }
    return file
  }

  private struct Identity: Equatable {
    let device: UInt64
    let inode: UInt64
  }

  private static func identity(ofFile file: Int32) -> Identity? {
    var status = stat()
    guard fstat(file, &status) == 0 else { return nil }
    return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  private static func identity(ofPath path: String) -> Identity? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }
}
