import Support

/// What the Makefiles of a tree say about an object: its module and the symbols that
/// must be on.
struct Kbuild: Sendable {
  /// `foo-$(CONFIG_BAR) += a.o b.o`.
  private struct Assignment {
    let name: String
    /// `y`, `m`, `objs`, or a symbol without `CONFIG_`.
    let condition: String
    let objects: Set<String>
  }

  /// Where an object goes.
  struct Place: Sendable, Equatable {
    let module: String
    /// The module's own symbols, any of which builds it; none where it is always built.
    let symbols: [String]
    /// The symbols of the object: its own where its list has one, or else its module's.
    let ownSymbols: [String]
    /// All symbols that must be on beside: the ways to build it.
    let ways: [[String]]

    init(module: String, symbols: [String], ownSymbols: [String]? = nil, ways: [[String]]) {
      (self.module, self.symbols, self.ways) = (module, symbols, ways)
      self.ownSymbols = ownSymbols ?? symbols
    }

    /// Where a file goes that objects of several places include; nil for none.
    init?(joining places: [Place]) {
      guard !places.isEmpty else { return nil }
      module = places.map(\.module).distinct.joined(separator: ",")
      symbols = places.flatMap(\.symbols).distinct
      ownSymbols = places.flatMap(\.ownSymbols).distinct
      ways = places.flatMap(\.ways).distinct
    }
  }

  private var directories: [String: [Assignment]] = [:]

  /// Objects are named by a Makefile at most this far above.
  private static let upward = 6
  /// How many lists an object is part of, one in the other.
  private static let partLimit = 6
  /// How many files one Makefile includes: nouveau's some hundred.
  private static let includeLimit = 1000

  /// Reads Makefiles; `files` has their paths and texts.
  init(_ files: [(path: String, text: String)]) {
    let texts = Dictionary(files.map { ($0.path, $0.text) }) { first, _ in first }
    for (path, text) in files {
      let directory = path.split(separator: "/").dropLast().joined(separator: "/")
      directories[directory, default: []] += Self.assignments(text)
      var seen: Set<String> = [path]
      include(Self.included(text), into: directory, texts, &seen)
    }
  }

  /// Reads what a Makefile includes: its paths begin where the Makefile is.
  private mutating func include(
    _ names: [String], into directory: String, _ texts: [String: String], _ seen: inout Set<String>
  ) {
    for name in names {
      let path = directory + "/" + name
      guard seen.count < Self.includeLimit, let text = texts[path], seen.insert(path).inserted
      else { continue }
      directories[directory, default: []] += Self.assignments(text)
      include(Self.included(text), into: directory, texts, &seen)
    }
  }

  /// What `include $(src)/name` names.
  private static func included(_ text: String) -> [String] {
    guard text.contains("include ") else { return [] }
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 2, words[0] == "include" || words[0] == "-include" else { return nil }
      for start in ["$(src)/", "$(srctree)/$(src)/"] where words[1].hasPrefix(start) {
        return String(words[1].dropFirst(start.count))
      }
      return nil
    }
  }

  private static func assignments(_ text: String) -> [Assignment] {
    let joined = text.replacing("\\\n", with: " ")
    return joined.split(separator: "\n").compactMap { line in
      let line = line.prefix { $0 != "#" }
      guard let equals = line.firstIndex(of: "=") else { return nil }
      var left = line[..<equals].filter { !$0.isWhitespace }
      while let last = left.last, last == "+" || last == ":" { left.removeLast() }
      let name: Substring
      let condition: Substring
      if left.hasSuffix(")") || left.hasSuffix("}"),
        let mark = left.firstRange(of: "-$(") ?? left.firstRange(of: "-${"),
        let symbol = left[mark.upperBound...].firstRange(of: "CONFIG_")
      {
        // Also -${CONFIG_X} and -$(subst m,y,$(CONFIG_X)).
        name = left[..<mark.lowerBound]
        condition = left[symbol.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      } else if let dash = left.lastIndex(of: "-"),
        ["y", "m", "objs"].contains(left[left.index(after: dash)...])
      {
        (name, condition) = (left[..<dash], left[left.index(after: dash)...])
      } else if line.contains(".o") || line.contains("$("),
        left.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
      {
        // A variable that others name.
        (name, condition) = (left[...], "")
      } else {
        return nil
      }
      let objects = line[line.index(after: equals)...].split(whereSeparator: \.isWhitespace)
      return Assignment(
        name: String(name), condition: String(condition), objects: Set(objects.map(String.init)))
    }
  }

  /// Where the object of a source file goes; nil where no Makefile says it.
  func place(of file: String) -> Place? {
    let parts = file.split(separator: "/").map(String.init)
    guard let last = parts.last, last.hasSuffix(".c") else { return nil }
    var object = last.dropLast(2) + ".o"
    for count in stride(from: parts.count - 1, through: max(1, parts.count - Self.upward), by: -1) {
      let directory = parts[..<count].joined(separator: "/")
      if let place = place(String(object), in: directory, seen: []) { return place }
      object = parts[count - 1] + "/" + object
    }
    return nil
  }

  private func place(_ object: String, in directory: String, seen: Set<String>) -> Place? {
    guard let all = directories[directory], seen.count < Self.partLimit else { return nil }
    let holding = all.filter { $0.objects.contains(object) }
    // An object of its own.
    let own = holding.filter { $0.name == "obj" || $0.name == "lib" }
    if !own.isEmpty {
      let module = object.dropLast(2).split(separator: "/").last.map(String.init) ?? object
      let guards = guards(of: directory)
      var symbols = own.compactMap { Self.symbol($0.condition) }.distinct
      // One that is always built needs no other.
      if own.contains(where: { Self.symbol($0.condition) == nil }) { symbols = [] }
      let ways = symbols.isEmpty ? [guards] : symbols.map { [$0] + guards }
      return Place(
        module: module, symbols: symbols.isEmpty ? Array(guards.prefix(1)) : symbols, ways: ways)
    }
    for part in holding where part.name != object.dropLast(2) && !seen.contains(part.name) {
      guard let whole = whole(of: part, in: directory, seen: seen.union([part.name])) else {
        continue
      }
      let extra = Self.symbol(part.condition).map { [$0] } ?? []
      return Place(
        module: whole.module, symbols: whole.symbols,
        ownSymbols: extra.isEmpty ? whole.ownSymbols : extra, ways: whole.ways.map { $0 + extra })
    }
    return nil
  }

  /// Where the objects of `name-y` or of a variable go.
  private func whole(of part: Assignment, in directory: String, seen: Set<String>) -> Place? {
    if let place = place(part.name + ".o", in: directory, seen: seen) { return place }
    // $(NAME) and $(name-y) among the objects of others.
    let names = part.condition.isEmpty ? ["$(\(part.name))"] : ["$(\(part.name)-y)"]
    for name in names {
      if let place = place(name, in: directory, seen: seen) { return place }
    }
    return nil
  }

  private static func symbol(_ condition: String) -> String? {
    ["y", "m", "objs", ""].contains(condition) ? nil : condition
  }

  /// The symbols that Makefiles above ask before they enter a directory.
  private func guards(of directory: String) -> [String] {
    var symbols: [String] = []
    var parts = directory.split(separator: "/").map(String.init)
    var below = ""
    while let last = parts.popLast(), parts.count < TreeFiles.depthLimit {
      below = last + "/" + below
      let above = directories[parts.joined(separator: "/")] ?? []
      let entering = above.filter { $0.name == "obj" && $0.objects.contains(below) }
      guard !entering.isEmpty else { continue }
      below = ""
      // Entered for one of several symbols: none of them must be on.
      let conditions = Set(entering.map(\.condition))
      if conditions.count == 1, let symbol = conditions.first.flatMap(Self.symbol) {
        symbols.append(symbol)
      }
    }
    return symbols
  }
}
