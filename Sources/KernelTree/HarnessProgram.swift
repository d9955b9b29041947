import Crypto
import DMAModel
import Foundation

/// One architecture of one tree, compiled.
struct HarnessProgram: Sendable {
  let family: Platform.Family
  let name: String
  /// The executable.
  let path: String
  /// The program that runs it with limits.
  let launcher: String
  let facts: TreeFacts

  /// Compiles what a tree has for a family, or takes it from the cache.
  ///
  /// - Throws: ``TreeError/doesNotCompile(family:message:probe:)`` with the
  ///   compiler's first error.
  init(
    tree: SourceTree, family: Family, compiler: Compiler, cache: BuildCache
  ) throws(TreeError) {
    let source = try HarnessSource(tree: tree, family: family)
    facts = source.facts
    self.family = family.family
    name = family.name
    launcher = try cache.launcher(compiler)
    let key = Self.key(source, tree: tree, compiler: compiler)
    path = try cache.program(key) { directory, program throws(TreeError) in
      for (file, text) in source.files.sorted(by: { $0.key < $1.key }) {
        try cache.write(text, to: directory + "/" + file)
      }
      for (file, text) in ShimFiles.all { try cache.write(text, to: directory + "/" + file) }
      for command in compiler.commands(in: directory, as: program) {
        let (status, output) = Command(
          cache.launcherPath(compiler), ["limit", "60", "4096"] + command
        ).run()
        guard status == 0 else {
          throw .doesNotCompile(
            family: family.name, message: Compiler.firstError(output), probe: source.probeText)
        }
      }
    }
  }

  /// What decides about the program: every text that goes into it.
  private static func key(
    _ source: HarnessSource, tree: SourceTree, compiler: Compiler
  ) -> String {
    var hash = SHA256()
    func add(_ text: String) {
      hash.update(data: Data("\(text.utf8.count) ".utf8))
      hash.update(data: Data(text.utf8))
    }
    add(compiler.version)
    add(Compiler.kernelFlags.joined(separator: " "))
    for (name, text) in ShimFiles.all {
      add(name)
      add(text)
    }
    for (name, text) in source.files.sorted(by: { $0.key < $1.key }) {
      add(name)
      add(text)
    }
    for file in source.compiled.sorted() {
      add(file)
      add(tree.read(file) ?? "")
    }
    return hexadecimal(hash.finalize())
  }
}

/// What a tree has, as far as scenarios depend on it.
public struct TreeFacts: Sendable, Equatable {
  /// dma-iommu serves the family's devices.
  public var servesByDMAIOMMU = false
  /// dma_map_phys(), or dma_map_page() and dma_map_resource().
  public var mapsPhysicalAddresses = false
  /// The attributes beside `none` that a mapping may have.
  public var attributes: Set<Attributes> = []
  /// arm64 has hooks for encryption, which a pKVM guest registers.
  public var hasArm64Hooks = false
  /// arm64 knows whether it runs in a Realm.
  public var hasRealms = false
  /// Definitions that were looked for by name and not found.
  public var notFound: [String] = []
  /// The tree's files that are compiled or read, for patches and provenance.
  public var files: Set<String> = []
}

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
    self.directory = base
    do {
      try FileManager.default.createDirectory(
        atPath: base, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw .cannotRun(reason: "the cache directory '\(base.printable)' cannot be made")
    }
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
    let begin = /(build|patched|requests|launcher-[0-9a-f]+)\.(?<process>[0-9]+)\..*/
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
    do {
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try text.write(toFile: path, atomically: false, encoding: .utf8)
    } catch {
      throw .cannotRun(reason: "'\(path)' cannot be written")
    }
  }

  /// Whether a program is there from an earlier run.
  func has(_ key: String) -> Bool { access(directory + "/" + key, X_OK) == 0 }

  /// The program of a key, made by `build` in a directory of its own if need be.
  func program(
    _ key: String, build: (_ directory: String, _ program: String) throws(TreeError) -> Void
  ) throws(TreeError) -> String {
    let program = directory + "/" + key
    if has(key) { return program }
    let work = directory + "/build.\(getpid()).\(key.prefix(16))"
    defer { try? FileManager.default.removeItem(atPath: work) }
    try write("", to: work + "/include/empty.h")
    try build(work, work + "/program")
    guard rename(work + "/program", program) == 0 else {
      throw .cannotRun(reason: "'\(program)' cannot be written")
    }
    return program
  }

  func launcherPath(_ compiler: Compiler) -> String {
    let digest = SHA256.hash(data: Data((ShimFiles.launcher + compiler.version).utf8))
    return directory + "/launcher-" + hexadecimal(digest.prefix(8))
  }

  /// The launcher, compiled if need be.
  func launcher(_ compiler: Compiler) throws(TreeError) -> String {
    let path = launcherPath(compiler)
    if access(path, X_OK) == 0 { return path }
    let source = path + ".\(getpid()).c"
    try write(ShimFiles.launcher, to: source)
    defer { unlink(source) }
    let (status, output) = Command(compiler.path, ["-O2", source, "-o", source + ".out"]).run()
    guard status == 0, rename(source + ".out", path) == 0 else {
      throw .cannotRun(reason: "the launcher does not compile: \(Compiler.firstError(output))")
    }
    return path
  }
}
