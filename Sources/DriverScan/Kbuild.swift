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
    /// The module's own symbol; nil where it is always built.
    let symbol: String?
    /// All symbols that must be on, the module's first.
    let symbols: [String]
  }

  private var directories: [String: [Assignment]] = [:]

  /// Objects are named by a Makefile at most this far above.
  private static let upward = 6

  /// Reads Makefiles; `files` has their paths and texts.
  init(_ files: [(path: String, text: String)]) {
    for (path, text) in files {
      let directory = path.split(separator: "/").dropLast().joined(separator: "/")
      directories[directory, default: []] += Self.assignments(text)
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
      if left.hasSuffix(")"), let mark = left.firstRange(of: "-$(CONFIG_") {
        (name, condition) = (left[..<mark.lowerBound], left[mark.upperBound...].dropLast())
      } else if let dash = left.lastIndex(of: "-"),
        ["y", "m", "objs"].contains(left[left.index(after: dash)...])
      {
        (name, condition) = (left[..<dash], left[left.index(after: dash)...])
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
    guard let all = directories[directory], seen.count < 4 else { return nil }
    let holding = all.filter { $0.objects.contains(object) }
    // An object of its own.
    if let own = holding.first(where: { $0.name == "obj" || $0.name == "lib" }) {
      let symbol = Self.symbol(own.condition)
      let module = object.dropLast(2).split(separator: "/").last.map(String.init) ?? object
      let symbols = [symbol].compactMap { $0 } + guards(of: directory)
      return Place(module: module, symbol: symbol ?? symbols.first, symbols: symbols)
    }
    for part in holding where part.name != object.dropLast(2) && !seen.contains(part.name) {
      guard
        let whole = place(part.name + ".o", in: directory, seen: seen.union([part.name]))
      else { continue }
      let extra = Self.symbol(part.condition).map { [$0] } ?? []
      return Place(
        module: whole.module, symbol: whole.symbol, symbols: whole.symbols + extra)
    }
    return nil
  }

  private static func symbol(_ condition: String) -> String? {
    ["y", "m", "objs"].contains(condition) ? nil : condition
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
