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
      path = try cache.known(entry.program)
      return
    }
    let noted = AskedFiles()
    let tree = tree.noting(noted)
    let source = try HarnessSource(tree: tree, family: family)
    if let failure = tree.failure { throw failure }
    let directory = workspace.path + "/" + family.name
    var preprocessed: [UInt8] = []
    func compile(_ arguments: [String], reading readable: [String] = []) throws(TreeError) {
      let (status, output, end) = try compiler.run(
        arguments, in: directory, readable: readable, launcher: launcher)
      guard status == 0 else {
        throw .doesNotCompile(
          family: family.name,
          problems: end.map { [$0] }
            ?? Compiler.errors(output, in: [tree.path, SourceTree.place]).map {
              CompiledText.placed($0, in: preprocessed)
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
    guard let text = FileManager.default.contents(atPath: directory + "/main.i") else {
      throw .cannotRun(reason: "'\(directory)/main.i' cannot be read")
    }
    preprocessed = CompiledText.withoutPath(text, of: tree)
    code = CompiledText(preprocessed, of: tree)
    var facts = source.facts
    facts.files.formUnion(code.lines.keys)
    self.facts = facts
    asked = noted.all
    let clean = Data(preprocessed)
    let key = Self.key(code.digest, compiler: compiler)
    path = try cache.program(key) { () throws(TreeError) in
      try cache.write(clean, to: directory + "/main.i")
      for arguments in Compiler.building { try compile(arguments) }
      return directory + "/program"
    }
    if tree.failure == nil {
      programs.keep(.init(program: key, code: code, facts: facts), asked: asked)
    }
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
  private static func key(_ code: [UInt8], compiler: Compiler) -> String {
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
