import Support

/// Functions of other files that set masks: a driver that uses one may end with masks
/// that its own file does not set.
struct CoreSetters: Sendable {
  /// The files of the functions, by their names.
  private var files: [String: String] = [:]

  /// How many functions lead to each other between two that set masks.
  private static let rounds = 3

  /// What may lead to masks: the functions that files without `static` define.
  ///
  /// - Parameters:
  ///   - own: Those of files that set masks themselves.
  ///   - exporting: Those of `sources` that export functions.
  ///   - sources: All C files, of which those beside `own` may hand their calls on.
  init(
    _ own: [(file: String, names: [String])], exporting: [String], sources: [String],
    tree: TreeFiles
  ) {
    var front: [String: [String]] = [:]
    for (file, names) in own where !Self.isBus(file) {
      for name in names {
        files[name] = files[name] ?? file
        front[Self.directory(of: file), default: []].append(name)
      }
    }
    let bySetting = Set(own.map(\.file))
    let byDirectory = Dictionary(
      grouping: sources.filter { $0.hasSuffix(".c") && !bySetting.contains($0) },
      by: Self.directory)
    for _ in 0..<Self.rounds where !front.isEmpty {
      let work = front.keys.sorted().flatMap { directory in
        (byDirectory[directory] ?? []).map { ($0, front[directory] ?? []) }
      }
      let found = concurrently(work) { file, names in (file, Self.leading(file, to: names, tree)) }
      front = [:]
      for (file, names) in found {
        for name in names where files[name] == nil {
          files[name] = file
          front[Self.directory(of: file), default: []].append(name)
        }
      }
    }
    addWrappers(exporting.filter { !bySetting.contains($0) }, tree)
  }

  /// Adds the functions of all directories that hand a call on to one that is known.
  private mutating func addWrappers(_ exporting: [String], _ tree: TreeFiles) {
    let words = WordSet(files.keys)
    let found = concurrently(exporting) { file -> (String, [String]) in
      guard let bytes = tree.read(file) else { return (file, []) }
      let used = words.found(in: bytes)
      return (file, used.isEmpty ? [] : Self.leading(file, to: used, tree))
    }
    for (file, names) in found {
      for name in names where files[name] == nil { files[name] = file }
    }
  }

  /// Whether a file is of the code that gives devices masks before they have drivers.
  private static func isBus(_ file: String) -> Bool {
    file.hasPrefix("drivers/base/") || file == "drivers/pci/probe.c"
  }

  private static func directory(of file: String) -> String {
    file.split(separator: "/").dropLast().joined(separator: "/")
  }

  static let export = ByteSearch("EXPORT_SYMBOL")

  /// The functions of a file that others may call and that call one of some names.
  private static func leading(_ path: String, to names: [String], _ tree: TreeFiles) -> [String] {
    guard let bytes = tree.read(path), export.first(in: bytes) != nil,
      names.contains(where: { ByteSearch($0).isWord(in: bytes) })
    else { return [] }
    let file = CFile(path: path, bytes: bytes)
    return file.functions().filter { function in
      !function.isStatic && function.isReadable
        && function.body.contains { index in
          file.tokens[index].kind == .identifier && names.contains(file.text(file.tokens[index]))
        }
    }.map(\.name)
  }

  /// Why another file may set the masks of a driver's devices; nil where none does.
  func doubt(about used: Set<Int>, of file: String) -> MaskDoubt? {
    guard let name = files.keys.filter({ used.contains($0.hashValue) && files[$0] != file }).min()
    else { return nil }
    return MaskDoubt(line: 0, reason: "\(name)() of \(files[name] ?? "") sets masks as well")
  }
}

extension DriverFile {
  /// The hashes of the names that functions use and that are none of the file's functions.
  var used: Set<Int> {
    let own = Set(functions.map(\.name))
    var used: Set<Int> = []
    for index in file.tokens.indices.dropLast()
    where file.tokens[index].kind == .identifier && !file.isMember(index)
      && (file.tokens[index + 1].is("(") || file.tokens[index + 1].is(",")
        || file.tokens[index + 1].is(")"))
    {
      let name = file.text(file.tokens[index])
      if !own.contains(name) { used.insert(name.hashValue) }
    }
    return used
  }
}
