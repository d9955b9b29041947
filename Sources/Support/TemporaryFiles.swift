import CLinux
import Foundation

/// Files beside another one under which it is built until it is whole, in the same
/// directory, so that the rename is atomic: `NAME.PID-NUMBER.STAGE.tmp`.
///
/// The number is random: no run takes a file that another one left or is building,
/// even where process numbers repeat (a container's first process is always 1) or
/// belong to another machine.  The stage `lock` is an empty file that this holds an
/// advisory lock on, as long as the process lives: what is not locked was left by a
/// killed run, and the next one for the same file removes it.
///
/// Every file is made exclusively and stays open.  Who writes it uses the descriptor:
/// where somebody else may write the directory, its name may lead elsewhere by then.
package struct TemporaryFiles: Sendable {
  /// Why files could not be made or renamed.
  package struct Failure: Error {
    /// In the system's words.
    package let reason: String

    init(code: Int32) { reason = String(cString: strerror(code)) }
    init(reason: String) { self.reason = reason }
  }

  /// The directory, which may be moved meanwhile.
  private let directory: Int32
  private let stem: String
  private let lock: Int32
  private let stages: [String]
  private let files: [String: Int32]
  /// The permissions of the file that is replaced.
  private let mode: mode_t?

  /// Removes what killed runs left beside `path`, and makes an empty file for each
  /// stage, for whom `path` is if it exists; ``remove()`` ends that.
  package init(beside path: String, stages: [String]) throws(Failure) {
    let (parent, name) = Self.parts(of: path)
    let directory = open(parent, dmamatrix_o_path | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw Failure(code: errno) }
    Self.removeLeftovers(of: name, in: directory, parent)
    let run: String
    do throws(Failure) {
      (run, lock) = try Self.locked(name, in: directory)
    } catch {
      close(directory)
      throw error
    }
    (self.directory, self.stages, stem) = (directory, stages, "\(parent)/\(run)")
    var old = stat()
    let replaces =
      fstatat(directory, name, &old, AT_SYMLINK_NOFOLLOW) == 0 && old.st_mode & S_IFMT == S_IFREG
    var mode: mode_t?
    var files: [String: Int32] = [:]
    for stage in stages {
      // Exclusively: in a directory that others write, the name may be a link.
      let file = openat(
        directory, "\(run).\(stage).tmp", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        replaces ? 0o600 : 0o644)
      guard file >= 0 else {
        let code = errno
        (self.files, self.mode) = (files, nil)
        remove()
        throw Failure(code: code)
      }
      files[stage] = file
      if replaces { mode = Self.hand(file, old) }
    }
    (self.files, self.mode) = (files, mode)
  }

  /// Gives a file the owner, the group and the permissions of another, and returns
  /// them; where it cannot have the group, no other group gets in.
  private static func hand(_ file: Int32, _ old: stat) -> mode_t {
    let isOfGroup =
      fchown(file, old.st_uid, old.st_gid) == 0 || fchown(file, uid_t.max, old.st_gid) == 0
    let mode = old.st_mode & 0o777 & (isOfGroup ? 0o777 : ~0o070)
    // Its user must be able to write it until it is whole.
    fchmod(file, mode | 0o600)
    return mode
  }

  /// The name of a stage, for messages and for what removes files of a killed process.
  package subscript(_ stage: String) -> String { "\(stem).\(stage).tmp" }

  /// The open file of a stage, to read and write; -1 for a stage that is none.
  package func descriptor(_ stage: String) -> Int32 { files[stage] ?? -1 }

  /// Every file that may be there, SQLite's too, in the order of removal.
  package var all: [String] {
    stages.flatMap { [self[$0], self[$0] + "-journal"] } + [self["lock"]]
  }

  /// Makes a stage durable and gives it the name of the file it was made for, with that
  /// file's permissions.
  ///
  /// - Throws: ``Failure``, and nothing is replaced, where the stage's name is another
  ///   file's by now.
  package func commit(_ stage: String, as path: String) throws(Failure) {
    let file = descriptor(stage)
    let name = Self.parts(of: self[stage]).name
    if let mode, fchmod(file, mode) != 0 { throw Failure(code: errno) }
    guard fsync(file) == 0 else { throw Failure(code: errno) }
    var (made, named) = (stat(), stat())
    guard fstat(file, &made) == 0, fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0
    else { throw Failure(code: errno) }
    guard made.st_dev == named.st_dev, made.st_ino == named.st_ino else {
      throw Failure(reason: "somebody else put another file into its place while it was made")
    }
    guard renameat(directory, name, directory, Self.parts(of: path).name) == 0 else {
      throw Failure(code: errno)
    }
    let parent = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }

  /// Removes what was not renamed; once, at the end.
  package func remove() {
    for file in all { unlinkat(directory, Self.parts(of: file).name, 0) }
    for file in files.values { close(file) }
    close(lock)
    close(directory)
  }

  /// A file's directory and its name there.
  private static func parts(of path: String) -> (parent: String, name: String) {
    let parent = (path as NSString).deletingLastPathComponent
    return (parent.isEmpty ? "." : parent, (path as NSString).lastPathComponent)
  }

  /// Makes and locks the file that says that this process lives.
  private static func locked(
    _ name: String, in directory: Int32
  ) throws(Failure) -> (run: String, lock: Int32) {
    while true {
      let number = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
      let run = "\(name).\(getpid())-\(number)"
      let lock = run + ".lock.tmp"
      let file = openat(
        directory, lock, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
      guard file >= 0 else { throw Failure(code: errno) }
      var status = stat()
      // Another run may have taken it for a leftover before it was locked.
      if flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
        fstat(file, &status) == 0, status.st_nlink > 0
      {
        return (run, file)
      }
      unlinkat(directory, lock, 0)
      close(file)
    }
  }

  /// Removes the files of runs that hold no lock any more.
  private static func removeLeftovers(of name: String, in directory: Int32, _ parent: String) {
    let prefix = name + "."
    let files = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    var runs: [String: [String]] = [:]
    for file in files where file.hasPrefix(prefix) {
      let rest = file.dropFirst(prefix.count)
      guard let run = try? /([0-9]+-[0-9a-f]{16})\.[a-z]+\.tmp(-[0-9A-Za-z]+)?/.wholeMatch(in: rest)
      else { continue }
      runs[String(run.1), default: []].append(file)
    }
    for (run, files) in runs {
      let lock = "\(prefix)\(run).lock.tmp"
      let process = run.prefix { $0 != "-" }
      guard let descriptor = lockOfTheDead(lock, in: directory, process: process) else {
        continue
      }
      for file in files { unlinkat(directory, file, 0) }
      unlinkat(directory, lock, 0)
      if descriptor >= 0 { close(descriptor) }
    }
  }

  /// The lock of a run that ended, now held here; -1 where it left none, nil for a run
  /// that may live.
  private static func lockOfTheDead(
    _ name: String, in directory: Int32, process: Substring
  ) -> Int32? {
    let flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    // Over NFS only a file that is open for writing can be locked.
    var file = openat(directory, name, O_WRONLY | flags)
    if file < 0, errno == EACCES { file = openat(directory, name, O_RDONLY | flags) }
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
