import DMAModel
import Foundation

/// Names beside a file under which it is built until it is whole, in the same
/// directory, so that the rename is atomic: `NAME.PID-NUMBER.STAGE.tmp`.
///
/// The number is random: no run takes a file that another one left or is building,
/// even where process numbers repeat (a container's first process is always 1) or
/// belong to another machine.  The stage `lock` is an empty file that this holds an
/// advisory lock on, as long as the process lives: what is not locked was left by a
/// killed run, and the next one for the same file removes it.
public struct TemporaryFiles: Sendable {
  /// Why a name could not be taken, as `errno`.
  public struct Failure: Error {
    let code: Int32
    /// In the system's words.
    public var reason: String { String(cString: strerror(code)) }
  }

  private let stem: String
  private let lock: Int32
  private let stages: [String]

  /// Removes what killed runs left beside `path`, and makes an empty file for each
  /// stage, for whom `path` is if it exists; ``remove()`` ends that.
  public init(beside path: String, stages: [String]) throws(Failure) {
    Self.removeLeftovers(beside: path)
    (stem, lock) = try Self.locked(beside: path)
    self.stages = stages
    var old = stat()
    let replaces = stat(path, &old) == 0 && old.st_mode & S_IFMT == S_IFREG
    // Its user must be able to write it until it is whole.
    let mode = old.st_mode & 0o777 | 0o600
    for stage in stages {
      // Exclusively: in a directory that others write, the name may be a link.
      let file = open(
        self[stage], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, replaces ? 0o600 : 0o644)
      guard file >= 0 else {
        let code = errno
        remove()
        throw Failure(code: code)
      }
      if replaces { Self.hand(file, old, mode) }
      close(file)
    }
  }

  /// Gives a file the owner, the group and the permissions of another; where it cannot
  /// have the group, no other group gets in.
  private static func hand(_ file: Int32, _ old: stat, _ mode: mode_t) {
    let isOfGroup =
      fchown(file, old.st_uid, old.st_gid) == 0 || fchown(file, uid_t.max, old.st_gid) == 0
    fchmod(file, isOfGroup ? mode : mode & ~0o070)
  }

  /// The name of a stage.
  public subscript(_ stage: String) -> String { "\(stem).\(stage).tmp" }

  /// Every file that may be there, SQLite's too, in the order of removal.
  public var all: [String] {
    stages.flatMap { [self[$0], self[$0] + "-journal"] } + [self["lock"]]
  }

  /// Removes what was not renamed; once, at the end.
  public func remove() {
    for file in all { unlink(file) }
    close(lock)
  }

  /// Makes and locks the file that says that this process lives.
  private static func locked(beside path: String) throws(Failure) -> (String, Int32) {
    while true {
      let number = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
      let stem = "\(path).\(getpid())-\(number)"
      let name = stem + ".lock.tmp"
      let file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      guard file >= 0 else { throw Failure(code: errno) }
      var status = stat()
      // Another run may have taken it for a leftover before it was locked.
      if flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
        fstat(file, &status) == 0, status.st_nlink > 0
      {
        return (stem, file)
      }
      unlink(name)
      close(file)
    }
  }

  /// Removes the files of runs that hold no lock any more.
  static func removeLeftovers(beside path: String) {
    let directory = (path as NSString).deletingLastPathComponent
    let parent = directory.isEmpty ? "." : directory
    let prefix = (path as NSString).lastPathComponent + "."
    let files = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    var runs: [String: [String]] = [:]
    for file in files where file.hasPrefix(prefix) {
      let rest = file.dropFirst(prefix.count)
      guard let run = try? /([0-9]+-[0-9a-f]{16})\.[a-z]+\.tmp(-[0-9A-Za-z]+)?/.wholeMatch(in: rest)
      else { continue }
      runs[String(run.1), default: []].append(file)
    }
    for (run, files) in runs {
      let lock = "\(parent)/\(prefix)\(run).lock.tmp"
      guard let descriptor = lockOfTheDead(lock, process: run.prefix { $0 != "-" }) else {
        continue
      }
      for file in files { unlink("\(parent)/\(file)") }
      unlink(lock)
      if descriptor >= 0 { close(descriptor) }
    }
  }

  /// The lock of a run that ended, now held here; -1 where it left none, nil for a run
  /// that may live.
  private static func lockOfTheDead(_ path: String, process: Substring) -> Int32? {
    let flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    // Over NFS only a file that is open for writing can be locked.
    var file = open(path, O_WRONLY | flags)
    if file < 0, errno == EACCES { file = open(path, O_RDONLY | flags) }
    guard file >= 0 else { return errno == ENOENT ? -1 : nil }
    if flock(file, LOCK_EX | LOCK_NB) == 0 { return file }
    // Without locks in this file system, the process' number must do.
    if errno != EWOULDBLOCK, let process = pid_t(process), kill(process, 0) != 0, errno == ESRCH {
      return file
    }
    close(file)
    return nil
  }
}
