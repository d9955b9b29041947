import Foundation
import Support

/// A directory for what is built.
struct BuildCache: Sendable {
  let directory: String

  /// Makes the directory if need be.
  ///
  /// - Parameter directory: Where to build; the user's cache directory without.
  /// - Throws: ``TreeError/cannotRun(reason:)`` where others could replace what is
  ///   built, which is run by its name.
  init(directory: String?) throws(TreeError) {
    let base =
      if let directory { directory } else { try Self.usual(ProcessInfo.processInfo.environment) }
    do {
      try FileManager.default.createDirectory(
        atPath: base, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw .cannotRun(reason: "the cache directory '\(base.printable)' cannot be made")
    }
    // Programs run elsewhere; a path that begins here would lead them astray.
    let full = realpath(base, nil)
    defer { free(full) }
    self.directory = full.map { String(cString: $0) } ?? base
    var status = stat()
    guard stat(base, &status) == 0, status.st_uid == geteuid() else {
      throw .cannotRun(
        reason: "the cache directory '\(base.printable)' belongs to another user; "
          + "accepted: one of your own, as --cache")
    }
    // Also the group: whether others are in it cannot be known, and a directory that
    // is made here has no such mode, whatever the umask.
    guard status.st_mode & 0o022 == 0 else {
      throw .cannotRun(
        reason: "others may write to the cache directory '\(base.printable)'; "
          + "accepted: one that chmod go-w was applied to, or another one as --cache")
    }
    removeLeftovers()
  }

  /// The user's cache directory; what is empty counts as not set, as does a relative
  /// path in XDG_CACHE_HOME (XDG Base Directory Specification).
  static func usual(_ environment: [String: String]) throws(TreeError) -> String {
    func variable(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let directory = variable("DMAMATRIX_CACHE") { return directory }
    if let directory = variable("XDG_CACHE_HOME"), directory.hasPrefix("/") {
      return directory + "/dmamatrix"
    }
    guard let home = variable("HOME") else {
      throw .cannotRun(
        reason: "HOME is not set, and so there is no cache directory; accepted: one as --cache")
    }
    return home + "/.cache/dmamatrix"
  }

  /// Removes what killed runs were building: an hour old, and its process gone, which
  /// alone says nothing of a process in another container.
  private func removeLeftovers() {
    let begin = /(run|build|patched|requests|launcher-[0-9a-f]+)\.(?<process>[0-9]+)\..*/
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
      let path = directory + "/" + name
      var status = stat()
      guard let process = (try? begin.wholeMatch(in: name)).flatMap({ pid_t($0.process) }),
        process == getpid() || (kill(process, 0) != 0 && errno == ESRCH),
        lstat(path, &status) == 0, status.st_mtim.tv_sec < time(nil) - 3600
      else { continue }
      try? FileManager.default.removeItem(atPath: path)
    }
  }

  func write(_ text: String, to path: String) throws(TreeError) {
    try write(Data(text.utf8), to: path)
  }

  func write(_ data: Data, to path: String) throws(TreeError) {
    do {
      // Most directories are there.
      if (try? OutputFile.write(data, to: path)) != nil { return }
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try OutputFile.write(data, to: path)
    } catch {
      throw .cannotRun(reason: "'\(path)' cannot be written (\(error.systemReason))")
    }
  }

  /// Whether a program is there from an earlier run, whole: behind its code stands the digest
  /// of that, since a disk may lose some.
  func has(_ key: String) -> Bool {
    let path = directory + "/" + key
    guard access(path, X_OK) == 0 else { return false }
    if Self.wholePrograms.withLock({ $0.contains(path) }) { return true }
    guard let bytes = InputFile.contents(of: path, below: directory, limit: Self.fileLimit),
      bytes.count > 32, SHA256.hash(bytes.dropLast(32)) == Array(bytes.suffix(32))
    else { return false }
    Self.wholePrograms.withLock { _ = $0.insert(path) }
    return true
  }

  /// The programs that this process has found whole.
  private static let wholePrograms = Locked<Set<String>>([])

  /// Writes a program's digest behind its code, which ELF does not mind, and puts it in its
  /// place.
  private func settle(_ made: String, as key: String) throws(TreeError) {
    let path = directory + "/" + key
    let file = open(made, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
    defer { close(file) }
    guard file >= 0, let bytes = try? Data(contentsOf: URL(fileURLWithPath: made)),
      (try? OutputFile(descriptor: file).write(contentsOf: SHA256.hash(bytes))) != nil,
      rename(made, path) == 0
    else { throw .cannotRun(reason: "'\(path)' cannot be written") }
    Self.wholePrograms.withLock { _ = $0.insert(path) }
  }

  /// Whether a file is there that is no program.
  func hasFile(_ name: String) -> Bool { access(directory + "/" + name, R_OK) == 0 }

  /// The path of a program that is there, which counts as used from now on.
  func known(_ key: String) throws(TreeError) -> String {
    try program(key) { () throws(TreeError) in
      throw .cannotRun(reason: "'\(directory)/\(key)' is gone")
    }
  }

  /// The program of a key, made by `build` if need be, which returns where it is.
  func program(
    _ key: String, build: () throws(TreeError) -> String
  ) throws(TreeError) -> String {
    let program = directory + "/" + key
    if has(key) {
      utimes(program, nil)
      return program
    }
    try settle(try build(), as: key)
    return program
  }

  /// A file's bytes, which counts as used from now on; nil where there is none.
  func contents(_ name: String) -> [UInt8]? {
    let path = directory + "/" + name
    let bytes = InputFile.contents(of: path, below: directory, limit: Self.fileLimit)
    if bytes != nil { utimes(path, nil) }
    return bytes
  }

  /// Writes a file that others may read meanwhile; nothing where that fails.
  func keep(_ bytes: [UInt8], as name: String) {
    guard bytes.count <= Self.fileLimit else { return }
    let made = directory + "/run.\(getpid()).\(UUID().uuidString)"
    guard (try? OutputFile.write(bytes, to: made)) != nil,
      rename(made, directory + "/" + name) == 0
    else {
      unlink(made)
      return
    }
  }

  /// The bytes that ``seal(_:as:)`` kept, without what tells that they are whole; nil where
  /// there are none, or others.
  func sealed(_ name: String) -> [UInt8]? {
    guard let bytes = contents(name), bytes.count >= 32,
      SHA256.hash(bytes.dropLast(32)) == Array(bytes.suffix(32))
    else { return nil }
    return Array(bytes.dropLast(32))
  }

  /// Keeps bytes with what tells that they are whole: a disk may lose some.
  func seal(_ bytes: [UInt8], as name: String) { keep(bytes + SHA256.hash(bytes), as: name) }

  private static let fileLimit = 256 << 20
  /// How much is kept of programs and answers, in bytes.
  static let sizeLimit = 2 << 30

  /// Removes what was not used for the longest time, where there is more than the limit.
  func prune(to limit: Int = sizeLimit) {
    var files: [(path: String, size: Int, used: Int)] = []
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
      let kept = /((answers|code|files|text|zeros|blocks|looks)-)?[0-9a-f]{64}/
      guard name.wholeMatch(of: kept) != nil else { continue }
      var status = stat()
      let path = directory + "/" + name
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      files.append((path, Int(status.st_size), status.st_mtim.tv_sec))
    }
    var size = files.reduce(0) { $0 + $1.size }
    guard size > limit else { return }
    for file in files.sorted(by: { $0.used < $1.used }) where size > limit / 4 * 3 {
      if unlink(file.path) == 0 { size -= file.size }
    }
  }

  /// The launcher, compiled if need be.  It is linked as trees' programs are.
  func launcher(_ compiler: Compiler) throws(TreeError) -> String {
    let digest = SHA256.hash(Data((ShimFiles.launcher + compiler.version).utf8))
    let name = "launcher-" + hexadecimal(digest.prefix(8))
    let path = directory + "/" + name
    if has(name) { return path }
    let work = directory + "/run.\(getpid()).\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: work) }
    try write(ShimFiles.launcher, to: work + "/launcher.c")
    let (status, output) = try Command(
      compiler.path, ["-O2", "-static", work + "/launcher.c", "-o", work + "/launcher"],
      environment: ["TMPDIR": work]
    ).run()
    guard status == 0 else {
      let needed =
        output.contains("-lc")
        ? "; it needs the static C library: libc6-dev in Debian, glibc-static in Fedora" : ""
      throw .cannotRun(
        reason: "the launcher does not compile: \(Compiler.firstError(output))\(needed)")
    }
    try settle(work + "/launcher", as: name)
    return path
  }
}
