import DMAModel
import Foundation
import Support

/// One architecture of one tree, compiled.
struct HarnessProgram: Sendable {
  let family: Platform.Family
  let name: String
  /// What decides about it.
  let key: String
  /// What tells the text that it is compiled from, with the places of its lines.
  let text: String
  /// The executable.
  let path: String
  /// The program that runs it with limits.
  let launcher: String
  let facts: TreeFacts
  /// The lines of the tree that are compiled.
  let code: CompiledText
  /// The files that were asked for, whether the tree has them or not: a tree in which all
  /// are alike gives the same program.
  let asked: Set<String>

  /// Compiles what a tree has for a family, or takes it from the cache.
  ///
  /// - Throws: ``TreeError/doesNotCompile(family:problems:probe:)`` with what the
  ///   compiler or linker misses.
  init(
    tree: SourceTree, family: Family, compiler: Compiler, cache: BuildCache, launcher: String,
    workspace: Workspace
  ) throws(TreeError) {
    self.family = family.family
    name = family.name
    self.launcher = launcher
    var programs = KnownPrograms(tree, family, compiler, cache)
    let known = programs.find()
    if let failure = tree.failure { throw failure }
    if let (entry, files) = known {
      (code, facts, asked) = (entry.code, entry.facts, files)
      (key, text) = (entry.program, entry.text)
      path = try cache.known(key)
      return
    }
    let noted = AskedFiles()
    let tree = tree.noting(noted)
    var source = try HarnessSource(tree: tree, family: family)
    if let failure = tree.failure { throw failure }
    let directory = workspace.path + "/" + family.name
    func compile(
      _ arguments: [String], reading readable: [String] = [], text: [UInt8] = []
    ) throws(TreeError) {
      let (status, output, end) = try compiler.run(
        arguments, in: directory, readable: readable, launcher: launcher)
      guard status == 0 else {
        throw .doesNotCompile(
          family: family.name,
          problems: end.map { [$0] }
            ?? Compiler.errors(output, in: [tree.path, SourceTree.place]).map {
              CompiledText.placed($0, in: text)
            },
          probe: source.probeText)
      }
    }
    for (file, text) in source.files.sorted(by: { $0.key < $1.key }) {
      try cache.write(text, to: directory + "/" + file)
    }
    try Self.writeShim(to: directory, cache)
    // The tree is compiled from here on, but for declarations that it misses.
    func preprocess() throws(TreeError) -> [UInt8] {
      while true {
        do throws(TreeError) {
          try compile(Compiler.preprocessing, reading: tree.entries)
          break
        } catch {
          // A file that only a macro names is known when the compiler misses it.
          guard tree.isLazy, Self.bringsIn(error, of: tree, noted) else {
            throw tree.failure ?? error
          }
        }
      }
      guard let raw = FileManager.default.contents(atPath: directory + "/main.i") else {
        throw .cannotRun(reason: "'\(directory)/main.i' cannot be read")
      }
      return CompiledText.withoutPath(raw, of: tree)
    }
    var preprocessed = try preprocess()
    var code = CompiledText(preprocessed, of: tree)
    var predicates = Predicates()
    var refused: Set<String> = []
    var attempts = 0
    while true {
      let clean = predicates.prelude + preprocessed
      let key = Self.key(code.digest, predicates, compiler: compiler)
      do throws(TreeError) {
        path = try cache.program(key) { () throws(TreeError) in
          try cache.write(Data(clean), to: directory + "/main.i")
          try cache.write(predicates.definitions, to: directory + "/predicates.c")
          for arguments in compiler.building(.pattern) {
            try compile(arguments, text: preprocessed)
          }
          return directory + "/program"
        }
        self.key = key
        text = hexadecimal(SHA256.hash(clean))
        cache.keep(clean, as: Self.textName(text))
        break
      } catch {
        attempts += 1
        var changed =
          attempts < Self.attemptLimit
          ? source.borrow(error, preprocessed, except: refused) : []
        if changed.isEmpty { changed = source.giveBack(error, &refused) }
        if !changed.isEmpty {
          for file in changed {
            try cache.write(source.text(of: file), to: directory + "/" + file)
          }
          preprocessed = try preprocess()
          code = CompiledText(preprocessed, of: tree)
          continue
        }
        guard try predicates.add(error, preprocessed, source) else { throw error }
      }
    }
    self.code = code
    var facts = source.facts
    facts.files.formUnion(code.lines.keys)
    facts.predicates = predicates.names
    self.facts = facts
    asked = noted.all
    if tree.failure == nil {
      programs.keep(
        .init(program: key, text: text, code: code, facts: facts), asked: asked)
    }
  }

  /// How often what is missing is looked for in headers.
  private static let attemptLimit = 12

  /// What its text is called in the cache, from which its traced variants are made.
  static func textName(_ text: String) -> String { "text-" + text }

  /// Writes what is not the tree's into a build directory.
  static func writeShim(to directory: String, _ cache: BuildCache) throws(TreeError) {
    for (file, text) in ShimFiles.all { try cache.write(text, to: directory + "/" + file) }
    for empty in ["/include/empty.h", "/tmp/empty"] { try cache.write("", to: directory + empty) }
  }

  /// Whether a file that the compiler missed is there now, which was not before.
  private static func bringsIn(
    _ error: TreeError, of tree: SourceTree, _ noted: AskedFiles
  ) -> Bool {
    guard case .doesNotCompile(_, let problems, _) = error, let problem = problems.first,
      let found = problem.wholeMatch(
        of: /([^:]+)\/[^:\/]+:[0-9:]+ fatal error: ([^:]+): No such file.*/),
      let file = HarnessSource.path(of: String(found.2), from: String(found.1)),
      !noted.all.contains(file)
    else { return false }
    return tree.exists(file)
  }

  /// What decides about the program: the code of the tree's part, whatever way its files
  /// were included and wherever they are, and what it is compiled with.
  private static func key(
    _ code: [UInt8], _ predicates: Predicates, compiler: Compiler
  ) -> String {
    let hash = SHA256()
    func add(_ data: Data) {
      hash.update(Data("\(data.count) ".utf8))
      hash.update(data)
    }
    add(Data(compiler.version.utf8))
    add(Data(compiler.building(.pattern).joined().joined(separator: " ").utf8))
    add(Data(predicates.prelude))
    add(Data(predicates.definitions.utf8))
    for (name, text) in ShimFiles.all {
      add(Data(name.utf8))
      add(Data(text.utf8))
    }
    add(Data(code))
    return hexadecimal(hash.finalize())
  }
}

/// What a tree has, as far as scenarios depend on it.
public struct TreeFacts: Sendable, Equatable {
  /// dma-iommu serves the family's devices.
  public var servesByDMAIOMMU = false
  /// dma_map_phys(), or dma_map_page() and dma_map_resource().
  public var mapsPhysicalAddresses = false
  /// dma_iova_try_alloc() and dma_iova_link().
  public var linksIOVA = false
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
  /// The tree's headers that the harness has others for.
  public var replaced: Set<String> = []
  /// Functions that say yes or no and that nobody here defines, in order.
  public var predicates: [String] = []
}
