import Support

/// Functions of a tree that say yes or no and that are defined outside of what is compiled:
/// they are answered both ways.
struct Predicates {
  /// What each returns, as it is declared.
  private var types: [String: ReturnType] = [:]
  /// Those that the compiled text has no declaration of.
  private var undeclared: Set<String> = []

  enum ReturnType: String { case bool = "_Bool", int }

  /// The most of a tree: each doubles what is asked.
  static let limit = 3

  /// In the order of their bits.
  var names: [String] { types.keys.sorted() }

  /// What stands before the compiled text.
  var prelude: [UInt8] {
    let lines = names.filter(undeclared.contains).map { name in
      "\(types[name]?.rawValue ?? "int") \(name)();\n"
    }
    return Array(lines.joined().utf8)
  }

  /// The file that defines them.
  var definitions: String { Self.definitions(of: names) }

  /// Says of posted series whether the guest accepted the device (TDISP): beside what is
  /// assumed, it is true of the devices that the axis `external` calls accepted.
  private static let accepted = "device_cc_accepted"

  /// What returns 0 or 1 as int returns it as bool, too.
  static func definitions(of names: [String]) -> String {
    "extern unsigned int shim_predicates, shim_accepted;\n"
      + names.enumerated().map { number, name in
        let device = name == accepted ? "shim_accepted | " : ""
        return "int \(name)(void) { return \(device)(shim_predicates >> \(number) & 1); }\n"
      }.joined()
  }

  /// Takes what a compiler or linker misses.
  ///
  /// - Returns: Whether it is worth another try: everything that is missing is a function
  ///   that says yes or no.
  mutating func add(
    _ error: TreeError, _ text: [UInt8], _ source: HarnessSource
  ) throws(TreeError) -> Bool {
    guard case .doesNotCompile(let family, let problems, let probe) = error else { return false }
    var found: [String: (type: ReturnType, isDeclared: Bool)] = [:]
    let compiled = String(decoding: text, as: UTF8.self)
    for problem in problems {
      guard let (name, isDeclared) = Self.missing(problem), types[name] == nil else { return false }
      guard found[name] == nil else { continue }
      let texts = isDeclared ? [compiled] : source.replacedHeaders.compactMap(source.tree.read)
      guard let type = texts.lazy.compactMap({ Self.type(of: name, in: $0) }).first,
        type == .bool || Self.isCondition(name, in: compiled)
      else {
        throw .doesNotCompile(
          family: family,
          problems: [
            "\(problem); \(name)() is not defined in what is compiled here, and only functions "
              + "that say yes or no can be answered both ways"
          ] + problems.filter { $0 != problem }, probe: probe)
      }
      found[name] = (type, isDeclared)
    }
    guard !found.isEmpty else { return false }
    guard types.count + found.count <= Self.limit else {
      let all = (names + found.keys.sorted()).map { "\($0)()" }
      throw .doesNotCompile(
        family: family,
        problems: [
          "more than \(Self.limit) functions decide that are defined elsewhere: "
            + all.joined(separator: ", ")
        ], probe: probe)
    }
    for (name, its) in found {
      types[name] = its.type
      if !its.isDeclared { undeclared.insert(name) }
    }
    return true
  }

  /// The function that an error of gcc, clang or ld is about.
  static func missing(_ problem: String) -> (name: String, isDeclared: Bool)? {
    if let match = problem.firstMatch(of: /undefined reference to `([A-Za-z_][A-Za-z_0-9]*)'/) {
      return (String(match.1), true)
    }
    if let match = problem.firstMatch(
      of: /(implicit declaration of|undeclared) function '([A-Za-z_][A-Za-z_0-9]*)'/)
    {
      return (String(match.2), false)
    }
    return nil
  }

  private static let qualifiers: Set<String> = [
    "static", "inline", "extern", "__always_inline", "__must_check", "__pure", "noinline",
    "__init", "notrace", "__maybe_unused", "__inline__", "const",
  ]

  /// What a text says that a function returns; nil where it does not say it, or another type.
  static func type(of name: String, in text: String) -> ReturnType? {
    var rest = Substring(text)
    while let range = rest.firstRange(of: name) {
      defer { rest = rest[range.upperBound...] }
      guard rest[range.upperBound...].drop(while: \.isWhitespace).first == "(" else { continue }
      let before = text[..<range.lowerBound]
      let start = before.lastIndex { ";:{}#\"()=,*/".contains($0) }
      // Of a `# 12 "file"` the line, of a directive its own.
      var head = before[(start.map { before.index(after: $0) } ?? before.startIndex)...]
      if let start, text[start] == "#" || text[start] == "\"" {
        head = head.drop { $0 != "\n" }
      }
      guard head.last?.isWhitespace == true else { continue }
      let words = head.split(whereSeparator: \.isWhitespace).map(String.init)
        .filter { !qualifiers.contains($0) }
      if words == ["bool"] || words == ["_Bool"] { return .bool }
      if words == ["int"] { return .int }
    }
    return nil
  }

  /// Whether every call of a function is a condition, so that its numbers are yes and no.
  static func isCondition(_ name: String, in text: String) -> Bool {
    var rest = Substring(text)
    var calls = 0
    while let range = rest.firstRange(of: name) {
      rest = rest[range.upperBound...]
      let isWord = text[..<range.lowerBound].last.map { $0.isLetter || $0.isNumber || $0 == "_" }
      guard isWord != true, rest.first == "(" || rest.first?.isWhitespace == true else {
        continue
      }
      let (head, end) = (text[..<range.lowerBound], after(call: rest))
      // Its own declaration.
      let isDeclaration = type(of: name, in: head.suffix(80) + name + "(") != nil
      if isDeclaration, end.first == ";" || end.first == "{" { continue }
      let before = head.last { !$0.isWhitespace }
      let trimmed = head.reversed().drop(while: \.isWhitespace)
      let isIf = trimmed.starts(with: "( fi") || trimmed.starts(with: "(fi")
      guard before == "!" || isIf || trimmed.starts(with: "&&") || trimmed.starts(with: "||"),
        end.hasPrefix(")") || end.hasPrefix("&&") || end.hasPrefix("||") || end.hasPrefix("?")
      else { return false }
      calls += 1
    }
    return calls > 0
  }

  /// Whether a text has a function with its body.
  static func isDefined(_ name: String, in text: String) -> Bool {
    text.ranges(of: name).contains { range in
      let rest = text[range.upperBound...]
      let isWord = text[..<range.lowerBound].last.map { $0.isLetter || $0.isNumber || $0 == "_" }
      return isWord != true && rest.drop(while: \.isWhitespace).first == "("
        && after(call: rest).first == "{"
    }
  }

  /// What follows the parenthesis that closes a call's first one.
  private static func after(call: Substring) -> Substring {
    var depth = 0
    var index = call.startIndex
    while index < call.endIndex {
      if call[index] == "(" { depth += 1 }
      if call[index] == ")" {
        depth -= 1
        if depth == 0 { return call[call.index(after: index)...].drop(while: \.isWhitespace) }
      }
      index = call.index(after: index)
    }
    return ""
  }
}

extension TreeEvaluation {
  /// The tree's header that defines a function and that the harness has another for; nil
  /// where none does.
  public func header(defining name: String) -> String? {
    Set(programs.flatMap(\.facts.replaced)).sorted().first { file in
      tree.read(file).map { Predicates.isDefined(name, in: $0) } ?? false
    }
  }
}
