/// What a tree's Kconfig files let be on, by architecture.
struct KconfigSymbols: Sendable {
  private struct Definition: Sendable {
    let file: String
    /// `arch/x86/Kconfig` is read for x86 alone.
    let architecture: String?
    var dependsOn: [String]
  }

  private var definitions: [String: [Definition]] = [:]
  /// The conditions around `source` statements, by the file that is read there.
  private var contexts: [String: (conditions: [String], from: String)] = [:]

  /// Kernels have conditions of a line or two.
  private static let conditionLimit = 2000
  private static let depthLimit = 60
  /// 7.3 defines no symbol in more than some ten places.
  private static let definitionLimit = 200

  /// Reads Kconfig files; `files` has their paths and texts.
  init(_ files: [(path: String, text: String)]) {
    for (path, text) in files { read(path, text) }
  }

  private mutating func read(_ path: String, _ text: String) {
    let parts = path.split(separator: "/")
    var architecture = parts.count > 2 && parts[0] == "arch" ? String(parts[1]) : nil
    // arch/x86/um is User Mode Linux.
    if parts.contains("um") { architecture = "um" }
    // The conditions of `if` and `menu` around a line, nil for a menu without one yet.
    var around: [String] = []
    var symbol: String?
    var isMenu = false
    var isHelp = false
    for line in text.replacing("\\\n", with: " ").split(separator: "\n") {
      let isIndented = line.first?.isWhitespace == true
      let words = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      let rest = words.count > 1 ? Self.trimmed(words[1]) : ""
      if isHelp, isIndented { continue }
      if !isIndented { isHelp = false }
      switch first {
      case "config", "menuconfig":
        symbol = rest
        isMenu = false
        guard definitions[rest, default: []].count < Self.definitionLimit else {
          symbol = nil
          continue
        }
        definitions[rest, default: []].append(
          Definition(
            file: path, architecture: architecture, dependsOn: Array(around.prefix(Self.depthLimit))
          ))
      case "if":
        around.append(rest)
        symbol = nil
      case "menu":
        around.append("")
        (symbol, isMenu) = (nil, true)
      case "choice": (symbol, isMenu) = (nil, false)
      case "comment": (symbol, isMenu) = (nil, false)
      case "endif", "endmenu":
        if !around.isEmpty { around.removeLast() }
        (symbol, isMenu) = (nil, false)
      case "depends":
        guard rest.hasPrefix("on"), rest.utf8.count <= Self.conditionLimit else { continue }
        let condition = Self.trimmed(rest.dropFirst(2))
        if let symbol, let last = definitions[symbol]?.indices.last {
          definitions[symbol]?[last].dependsOn.append(condition)
        } else if isMenu, let last = around.indices.last {
          around[last] += around[last].isEmpty ? "(\(condition))" : " && (\(condition))"
        }
      case "help", "---help---": isHelp = isIndented
      case "source":
        let file = rest.filter { $0 != "\"" }
        if contexts[file] == nil { contexts[file] = (around, path) }
        (symbol, isMenu) = (nil, false)
      default: break
      }
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    // A comment may stand behind a condition.
    var text = text.prefix { $0 != "#" }.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  private static func trimmed(_ text: some StringProtocol) -> String { trimmed(Substring(text)) }

  /// The conditions of the files that read a file.
  private func context(of file: String) -> [String] {
    var conditions: [String] = []
    var current = file
    var seen: Set<String> = []
    while seen.insert(current).inserted, let context = contexts[current] {
      conditions += context.conditions
      current = context.from
    }
    return conditions.filter { !$0.isEmpty }
  }

  /// What a symbol depends on, in words: its own lines, without those around it.
  func dependsOn(_ symbol: String) -> String {
    let lists = (definitions[symbol] ?? []).map { definition in
      Self.joined(definition.dependsOn, by: " && ", around: "||")
    }
    return lists.first { !$0.isEmpty } ?? ""
  }

  /// Conditions as one, in parentheses where another operator is in them.
  static func joined(_ conditions: [String], by separator: String, around op: String) -> String {
    let some = conditions.filter { !$0.isEmpty }
    guard some.count > 1 else { return some.first ?? "" }
    return some.map { $0.contains(op) ? "(\($0))" : $0 }.joined(separator: separator)
  }

  /// Whether symbols can all be on.
  ///
  /// - Parameter compileTest: Whether COMPILE_TEST is.
  func canBeOn(_ symbols: [String], _ architecture: Architecture, compileTest: Bool) -> Bool {
    var evaluation = Evaluation(self, architecture, compileTest)
    return symbols.allSatisfy { evaluation.symbol($0).on }
  }

  /// What a condition can be: on, off, or both.
  private typealias Possible = (on: Bool, off: Bool)

  private struct Evaluation {
    let kconfig: KconfigSymbols
    let architecture: Architecture
    let compileTest: Bool
    private var known: [String: Possible] = [:]
    private var depth = 0

    init(_ kconfig: KconfigSymbols, _ architecture: Architecture, _ compileTest: Bool) {
      self.kconfig = kconfig
      self.architecture = architecture
      self.compileTest = compileTest
    }

    mutating func symbol(_ name: String) -> Possible {
      if architecture.symbols.contains(name) { return (true, false) }
      switch name {
      case "y", "m": return (true, false)
      case "n": return (false, true)
      case "COMPILE_TEST": return (compileTest, true)
      default: break
      }
      if let known = known[name] { return known }
      // What depends on itself, or is too deep, is possible.
      known[name] = (true, true)
      guard depth < KconfigSymbols.depthLimit else { return (true, true) }
      depth += 1
      defer { depth -= 1 }
      let definitions = (kconfig.definitions[name] ?? []).filter {
        $0.architecture == nil || $0.architecture == architecture.rawValue
      }
      var on = false
      for definition in definitions where !on {
        let conditions = definition.dependsOn + kconfig.context(of: definition.file)
        on = conditions.allSatisfy { $0.isEmpty || condition($0).on }
      }
      known[name] = (on, true)
      return (on, true)
    }

    mutating func condition(_ text: String) -> Possible {
      var words = Self.words(text)
      words.reverse()
      return disjunction(&words, 0)
    }

    private static func words(_ text: String) -> [String] {
      var words: [String] = []
      var rest = Substring(text)
      while let first = rest.first {
        if first.isWhitespace {
          rest.removeFirst()
        } else if rest.hasPrefix("$(") {
          // A question to the compiler or the shell.
          var nesting = 0
          var end = rest.startIndex
          while end < rest.endIndex {
            if rest[end] == "(" { nesting += 1 }
            if rest[end] == ")" { nesting -= 1 }
            end = rest.index(after: end)
            if nesting == 0, rest[rest.index(before: end)] == ")" { break }
          }
          words.append("$")
          rest = rest[end...]
        } else if let op = ["&&", "||", "!=", "<=", ">=", "!", "=", "<", ">", "(", ")"]
          .first(where: rest.hasPrefix)
        {
          words.append(op)
          rest = rest.dropFirst(op.count)
        } else {
          let word = rest.dropFirst().prefix { !$0.isWhitespace && !"&|!=()<>".contains($0) }
          words.append(String(rest[..<word.endIndex]))
          rest = rest[word.endIndex...]
        }
      }
      return words
    }

    private mutating func disjunction(_ words: inout [String], _ nesting: Int) -> Possible {
      var value = conjunction(&words, nesting)
      while words.last == "||" {
        words.removeLast()
        let other = conjunction(&words, nesting)
        value = (value.on || other.on, value.off && other.off)
      }
      return value
    }

    private mutating func conjunction(_ words: inout [String], _ nesting: Int) -> Possible {
      var value = term(&words, nesting)
      while words.last == "&&" {
        words.removeLast()
        let other = term(&words, nesting)
        value = (value.on && other.on, value.off || other.off)
      }
      return value
    }

    private mutating func term(_ words: inout [String], _ nesting: Int) -> Possible {
      guard let word = words.popLast(), nesting < KconfigSymbols.depthLimit else {
        words = []
        return (true, true)
      }
      switch word {
      case "!":
        let value = term(&words, nesting + 1)
        return (value.off, value.on)
      case "(":
        let value = disjunction(&words, nesting + 1)
        if words.last == ")" { words.removeLast() }
        return value
      case "$": return (true, true)
      default: break
      }
      let value = symbol(word)
      guard let sign = words.last, ["=", "!=", "<", ">", "<=", ">="].contains(sign) else {
        return value
      }
      words.removeLast()
      switch (sign, words.popLast()) {
      case ("=", "y"), ("=", "m"), ("!=", "n"): return value
      case ("=", "n"): return (value.off, value.on)
      default: return (true, true)
      }
    }
  }
}
