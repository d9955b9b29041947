import DMAModel
import Foundation
import Support

/// One architecture of one tree, compiled.
struct HarnessProgram: Sendable {
  let family: Platform.Family
  let name: String
  /// The executable.
  let path: String
  /// The program that runs it with limits.
  let launcher: String
  let facts: TreeFacts
  /// The lines of the tree that are compiled.
  let code: CompiledText

  /// Compiles what a tree has for a family, or takes it from the cache.
  ///
  /// - Throws: ``TreeError/doesNotCompile(family:problems:probe:)`` with what the
  ///   compiler or linker misses.
  init(
    tree: SourceTree, family: Family, compiler: Compiler, cache: BuildCache, launcher: String,
    workspace: Workspace
  ) throws(TreeError) {
    let source = try HarnessSource(tree: tree, family: family)
    self.family = family.family
    name = family.name
    self.launcher = launcher
    let directory = workspace.path + "/" + family.name
    var preprocessed: [UInt8] = []
    func compile(_ arguments: [String], reading readable: [String] = []) throws(TreeError) {
      let (status, output, end) = try compiler.run(
        arguments, in: directory, readable: readable, launcher: launcher)
      guard status == 0 else {
        throw .doesNotCompile(
          family: family.name,
          problems: end.map { [$0] }
            ?? Compiler.errors(output, in: tree.path).map {
              CompiledText.placed($0, in: preprocessed, of: tree)
            },
          probe: source.probeText)
      }
    }
    for (file, text) in source.files.sorted(by: { $0.key < $1.key }) {
      try cache.write(text, to: directory + "/" + file)
    }
    for (file, text) in ShimFiles.all { try cache.write(text, to: directory + "/" + file) }
    for empty in ["/include/empty.h", "/tmp/empty"] { try cache.write("", to: directory + empty) }
    // The tree is read here for the last time.
    try compile(Compiler.preprocessing, reading: tree.entries)
    guard let text = FileManager.default.contents(atPath: directory + "/main.i") else {
      throw .cannotRun(reason: "'\(directory)/main.i' cannot be read")
    }
    preprocessed = [UInt8](text)
    code = CompiledText(preprocessed, of: tree)
    var facts = source.facts
    facts.files.formUnion(code.lines.keys)
    self.facts = facts
    path = try cache.program(Self.key(text, compiler: compiler)) { () throws(TreeError) in
      for arguments in Compiler.building { try compile(arguments) }
      return directory + "/program"
    }
  }

  /// What decides about the program: the whole text of the tree's part, whatever way its
  /// files were included, and what it is compiled with.
  private static func key(_ text: Data, compiler: Compiler) -> String {
    let hash = SHA256()
    func add(_ data: Data) {
      hash.update(Data("\(data.count) ".utf8))
      hash.update(data)
    }
    add(Data(compiler.version.utf8))
    add(Data(Compiler.building.joined().joined(separator: " ").utf8))
    for (name, text) in ShimFiles.all {
      add(Data(name.utf8))
      add(Data(text.utf8))
    }
    add(text)
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
  /// Of the files that definitions are taken from by name, those.
  public var partial: [String: Set<String>] = [:]
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

  /// Whether a program is there from an earlier run.
  func has(_ key: String) -> Bool { access(directory + "/" + key, X_OK) == 0 }

  /// The program of a key, made by `build` if need be, which returns where it is.
  func program(
    _ key: String, build: () throws(TreeError) -> String
  ) throws(TreeError) -> String {
    let program = directory + "/" + key
    if has(key) { return program }
    let made = try build()
    guard rename(made, program) == 0 else {
      throw .cannotRun(reason: "'\(program)' cannot be written")
    }
    return program
  }

  /// The launcher, compiled if need be.  It is linked as trees' programs are.
  func launcher(_ compiler: Compiler) throws(TreeError) -> String {
    let digest = SHA256.hash(Data((ShimFiles.launcher + compiler.version).utf8))
    let path = directory + "/launcher-" + hexadecimal(digest.prefix(8))
    if access(path, X_OK) == 0 { return path }
    let work = directory + "/run.\(getpid()).\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: work) }
    try write(ShimFiles.launcher, to: work + "/launcher.c")
    let (status, output) = try Command(
      compiler.path, ["-O2", "-static", work + "/launcher.c", "-o", work + "/launcher"],
      environment: ["TMPDIR": work]
    ).run()
    guard status == 0, rename(work + "/launcher", path) == 0 else {
      let needed =
        output.contains("-lc")
        ? "; it needs the static C library: libc6-dev in Debian, glibc-static in Fedora" : ""
      throw .cannotRun(
        reason: "the launcher does not compile: \(Compiler.firstError(output))\(needed)")
    }
    return path
  }
}
