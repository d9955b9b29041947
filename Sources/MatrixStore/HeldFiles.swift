import CLinux
import Foundation
import GRDBSQLite
import Support

/// Files that SQLite opens by the descriptor which this process holds, not by name.
///
/// SQLite knows names alone, follows links and creates what is missing. In a directory
/// that somebody else may write, the name of a file that was made exclusively can be
/// another file's when SQLite opens it. For the files held here the system calls of
/// SQLite's file layer are answered from the descriptors, so that no name is looked at;
/// every other file is opened as ever.
///
/// Source: sqlite.org, c3ref/vfs, `xSetSystemCall`, and os_unix.c for the calls.
enum HeldFiles {
  private static let files = Locked<[String: Int32]>([:])

  /// Runs `body`, in which SQLite opens the stages by their names and gets the files that
  /// were made.
  static func holding<Value>(
    _ temporary: TemporaryFiles, _ stages: [String], _ body: () throws -> Value
  ) throws -> Value {
    guard isInstalled else {
      throw StoreError.cannotWrite(
        path: stages.first.map { temporary[$0] } ?? "",
        reason: "this SQLite has another file layer than that of Unix")
    }
    let held = stages.map { (temporary[$0], temporary.descriptor($0)) }
    files.withLock { files in for (path, file) in held { files[path] = file } }
    defer { files.withLock { files in for (path, _) in held { files[path] = nil } } }
    return try body()
  }

  private enum Kind {
    /// One of the files.
    case file(Int32)
    /// SQLite's journal or another file beside one.
    case companion
    /// A directory in which one lies.
    case directory
    case other
  }

  private static func kind(of path: UnsafePointer<CChar>?) -> Kind {
    guard let path else { return .other }
    let name = String(cString: path)
    return files.withLock { files in
      if files.isEmpty { return .other }
      if let file = files[name] { return .file(file) }
      if files.keys.contains(where: { name.hasPrefix($0 + "-") }) { return .companion }
      return files.keys.contains { $0.hasPrefix(name + "/") } ? .directory : .other
    }
  }

  private static func absent() -> Int32 {
    errno = ENOENT
    return -1
  }

  // The system calls, with the types that os_unix.c gives them.
  private typealias Open = @convention(c) (UnsafePointer<CChar>?, Int32, Int32) -> Int32
  private typealias Status =
    @convention(c) (UnsafePointer<CChar>?, UnsafeMutablePointer<stat>?) -> Int32
  private typealias Access = @convention(c) (UnsafePointer<CChar>?, Int32) -> Int32
  private typealias Unlink = @convention(c) (UnsafePointer<CChar>?) -> Int32

  private static let openFile: Open = { path, flags, mode in
    guard let path else { return absent() }
    switch kind(of: path) {
    case .file(let file):
      // The same file, opened anew: SQLite closes what it gets.
      return open("/proc/self/fd/\(file)", flags & (O_ACCMODE | O_CLOEXEC))
    case .companion:
      // Of a file that is thrown away where something fails, nothing must last.
      return memfd_create("journal", dmamatrix_memfd_cloexec)
    case .directory, .other: return open(path, flags, mode_t(mode))
    }
  }

  private static let status: Status = { path, status in
    guard let path, let status else { return absent() }
    switch kind(of: path) {
    case .file(let file): return fstat(file, status)
    case .companion: return absent()
    case .directory, .other: return stat(path, status)
    }
  }

  private static let linkStatus: Status = { path, status in
    guard let path, let status else { return absent() }
    switch kind(of: path) {
    case .file(let file): return fstat(file, status)
    case .companion: return absent()
    case .directory:
      // A link that somebody put there since the path was resolved is not followed.
      status.pointee = stat()
      status.pointee.st_mode = S_IFDIR
      return 0
    case .other: return lstat(path, status)
    }
  }

  private static let accessFile: Access = { path, mode in
    guard let path else { return absent() }
    switch kind(of: path) {
    case .file: return 0
    case .companion: return absent()
    case .directory, .other: return access(path, mode)
    }
  }

  private static let unlinkFile: Unlink = { path in
    guard let path else { return absent() }
    if case .companion = kind(of: path) { return 0 }
    return unlink(path)
  }

  private static let isInstalled: Bool = {
    guard let system = sqlite3_vfs_find(nil), let replace = system.pointee.xSetSystemCall else {
      return false
    }
    let calls: [(String, sqlite3_syscall_ptr)] = [
      ("open", unsafeBitCast(openFile, to: sqlite3_syscall_ptr.self)),
      ("stat", unsafeBitCast(status, to: sqlite3_syscall_ptr.self)),
      ("lstat", unsafeBitCast(linkStatus, to: sqlite3_syscall_ptr.self)),
      ("access", unsafeBitCast(accessFile, to: sqlite3_syscall_ptr.self)),
      ("unlink", unsafeBitCast(unlinkFile, to: sqlite3_syscall_ptr.self)),
    ]
    return calls.allSatisfy { replace(system, $0.0, $0.1) == SQLITE_OK }
  }()
}
