import Support

/// Structures, functions and constants that a tree's code needs, that the harness has not,
/// and that headers of the tree define whose place the harness' own take.
///
/// They are taken where they stand alone: what they use beside is in the same header, or in
/// what is compiled already.  What a configuration chooses is not taken: two definitions, a
/// stub beside the prototype of a function that is elsewhere, a definition inside `#if`, or
/// one that names a CONFIG symbol or has a directive in its body.
extension HarnessSource {
  /// Takes what a compiler misses out of headers.
  ///
  /// - Parameters:
  ///   - preprocessed: The text that does not compile.
  ///   - refused: What did not compile before.
  /// - Returns: The files of the build directory that are others now; empty where nothing of
  ///   it is found.
  mutating func borrow(
    _ error: TreeError, _ preprocessed: [UInt8], except refused: Set<String>
  ) -> [String] {
    guard case .doesNotCompile(_, let problems, _) = error else { return [] }
    let taken = borrowed.values.reduce(into: Set<String>()) { $0.formUnion($1.names) }
    let wanted = Set(problems.compactMap(Self.missingName)).subtracting(refused)
      .subtracting(taken)
    guard !wanted.isEmpty else { return [] }
    let text = String(decoding: preprocessed, as: UTF8.self)
    let items = CSource(path: "", text: text).items
    let known = items.reduce(into: Self.macros) { names, item in
      if !item.isPrototype { names.formUnion(item.names) }
    }.subtracting(wanted)
    var changed: [String] = []
    for (header, key) in headers {
      guard let text = tree.read(header), wanted.contains(where: text.contains) else { continue }
      let source = CSource(path: tree.path + "/" + header, text: text)
      let earlier = borrowed[header]?.roots ?? []
      let found = wanted.filter(source.defines)
      guard !found.isEmpty else { continue }
      let roots = earlier.union(found)
      let piece = source.extract(
        roots.sorted(), stop: known.subtracting(borrowed[header]?.names ?? []))
      guard source.standAlone(piece.names) else { continue }
      borrowed[header] = Borrowed(
        roots: roots, names: piece.names,
        text: "#pragma once\n\(piece.text)")
      changed.append(key)
    }
    return changed
  }

  /// Leaves out what was taken from headers in which a compiler finds errors.
  ///
  /// - Parameter refused: Gets the names.
  /// - Returns: The files of the build directory that are others now.
  mutating func giveBack(_ error: TreeError, _ refused: inout Set<String>) -> [String] {
    guard case .doesNotCompile(_, let problems, _) = error else { return [] }
    var changed: [String] = []
    for (header, key) in headers {
      guard let its = borrowed[header], problems.contains(where: { $0.hasPrefix(header + ":") })
      else { continue }
      refused.formUnion(its.roots)
      borrowed[header] = nil
      changed.append(key)
    }
    return changed
  }

  /// The headers of the tree whose place the harness' own take, and the files that stand for
  /// them.
  private var headers: [(header: String, key: String)] {
    files.keys.filter { $0.hasPrefix("include/") && (files[$0] ?? "").isEmpty }.sorted().map {
      (header(of: $0), $0)
    }
  }

  /// What stands in a file of the build directory.
  func text(of key: String) -> String {
    borrowed[header(of: key)]?.text ?? files[key] ?? ""
  }

  /// What an error of gcc or clang says is missing.
  static func missingName(_ problem: String) -> String? {
    let kinds = [
      /(implicit declaration of|undeclared) function '([A-Za-z_][A-Za-z_0-9]*)'/,
      /(undeclared identifier) '([A-Za-z_][A-Za-z_0-9]*)'/,
      /(unknown type name) '([A-Za-z_][A-Za-z_0-9]*)'/,
      /(undefined type|incomplete definition of type|incomplete type) '(?:struct|union|enum) ([A-Za-z_][A-Za-z_0-9]*)'/,
    ]
    for kind in kinds {
      if let match = problem.firstMatch(of: kind) { return String(match.2) }
    }
    // gcc: `error: 'X' undeclared (first use in this function)`
    return problem.firstMatch(of: /error: '([A-Za-z_][A-Za-z_0-9]*)' undeclared/)
      .map { String($0.1) }
  }

  /// The macros of the harness, which a preprocessed text has no more.
  private static let macros: Set<String> = ShimFiles.all.reduce(into: []) { names, file in
    for match in file.text.matches(of: /#[ \t]*define[ \t]+([A-Za-z_][A-Za-z_0-9]*)/) {
      names.insert(String(match.1))
    }
  }
}

/// What was taken of a header.
struct Borrowed {
  /// What was missed.
  let roots: Set<String>
  /// The same with what that needs.
  let names: Set<String>
  let text: String
}

extension CSource {
  /// Whether no configuration chooses what names mean.
  fileprivate func standAlone(_ names: Set<String>) -> Bool {
    let depths = depths
    var definitions: [String: Int] = [:]
    var functions: Set<String> = []
    var prototypes: Set<String> = []
    for (item, depth) in zip(items, depths) {
      let its = item.names.intersection(names)
      if its.isEmpty || item.kind == .conditional { continue }
      if item.isPrototype {
        prototypes.formUnion(its)
        continue
      }
      for name in its { definitions[name, default: 0] += 1 }
      if item.kind == .function { functions.formUnion(its) }
      guard depth == 0, !item.identifiers.contains(where: { $0.hasPrefix("CONFIG_") }),
        item.kind == .define || item.text.firstMatch(of: /\n[ \t]*#/) == nil
      else { return false }
    }
    return functions.isDisjoint(with: prototypes)
      && names.allSatisfy { definitions[$0] == 1 }
  }

  /// In how many conditionals each item is; the guard of a header counts as none.
  private var depths: [Int] {
    var depth = 0
    var depths: [Int] = []
    for item in items {
      if item.kind == .conditional {
        let directive = item.text.drop { $0 == "#" || $0 == " " || $0 == "\t" }
        if directive.hasPrefix("if") { depth += 1 }
        if directive.hasPrefix("endif") { depth -= 1 }
      }
      depths.append(depth)
    }
    let isGuarded =
      items.first?.kind == .conditional && items.last?.kind == .conditional
      && depths.dropLast().allSatisfy { $0 > 0 } && items.first?.text.contains("ifndef") == true
    return isGuarded ? depths.map { $0 - 1 } : depths
  }
}
