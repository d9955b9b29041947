import Foundation

/// Makes those who replace a database wait for each other.
///
/// Both `generate` and `observe` build a new file and rename it.  Each holds an
/// advisory lock on the file that it replaces, from reading what it keeps to the
/// rename: otherwise the later rename would drop what the earlier one added.
///
/// Over NFS, flock(2) locks a file only for who may write it, and then SQLite's own
/// locks of the same process conflict with it: there its directory is locked, which
/// NFS does for the processes of one machine.
enum DatabaseLock {
  /// Runs `body` while no other process replaces `path`.
  static func holding<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    var lock = try locked(path)
    // The file may have been replaced while this waited.
    while let held = lock, held.isFile, identity(ofFile: held.file) != identity(ofPath: path) {
      close(held.file)
      lock = try locked(path)
    }
    defer { if let lock { close(lock.file) } }
    return try body()
  }

  private struct Lock {
    let file: Int32
    /// Of the database itself, rather than of its directory.
    let isFile: Bool
  }

  /// The locked file, or nil where there is none.
  private static func locked(_ path: String) throws(StoreError) -> Lock? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    let code = lock(file)
    if code == 0 { return Lock(file: file, isFile: true) }
    close(file)
    guard [EBADF, ENOLCK, ENOTSUP, ENOSYS].contains(code) else {
      throw .cannotWrite(path: path, reason: String(cString: strerror(code)))
    }
    let parent = (path as NSString).deletingLastPathComponent
    let directory = open(parent.isEmpty ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else {
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    // A file system without any locks: whoever renames last is whole, at least.
    _ = lock(directory)
    return Lock(file: directory, isFile: false)
  }

  /// Waits for the lock; 0 or what the system says.
  private static func lock(_ file: Int32) -> Int32 {
    while flock(file, LOCK_EX) != 0 {
      if errno != EINTR { return errno }
    }
    return 0
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
