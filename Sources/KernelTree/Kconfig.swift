/// What a tree's Kconfig files select, as far as the DMA code asks.
struct Kconfig {
  /// What turns a symbol on: its own default, or what selects it.
  private struct Rule {
    let target: String
    /// Who selects it; nil for a default.
    let owner: String?
    let condition: String
  }

  /// In the order of the files.
  private var rules: [Rule] = []
  /// The defaults of symbols that are numbers or text, in the order of the files.
  private var values: [(name: String, value: String, condition: String)] = []

  /// Kernels have conditions of a line or two; longer ones are off.
  private static let conditionLimit = 1000

  /// Reads the `config` blocks of some Kconfig files.
  init(texts: [String]) {
    for text in texts { read(text) }
  }

  private mutating func read(_ text: String) {
    var name: String?
    var type = ""
    let joined = text.replacing("\\\n", with: " ")
    for line in joined.split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let first = words.first else { continue }
      if first == "config" || first == "menuconfig", words.count == 2, !line.hasPrefix("\t") {
        name = words[1]
        type = ""
        continue
      }
      guard let name else { continue }
      let rest = words.dropFirst().joined(separator: " ")
      switch first {
      case "select":
        guard words.count > 1 else { continue }
        let condition =
          words.count > 3 && words[2] == "if" ? words[3...].joined(separator: " ") : ""
        add(Rule(target: words[1], owner: name, condition: condition))
      case "int", "hex", "string": type = first
      case "def_bool":
        let parts = rest.split(separator: " if ", maxSplits: 1)
        let condition = parts.map { "(\($0))" }.joined(separator: " && ")
        add(Rule(target: name, owner: nil, condition: condition))
      case "default" where !type.isEmpty && words.count > 1:
        let parts = rest.split(separator: " if ", maxSplits: 1).map(String.init)
        guard let value = Self.constant(parts[0], type) else { continue }
        values.append((name, value, parts.count > 1 ? parts[1] : ""))
      default: break
      }
    }
  }

  private mutating func add(_ rule: Rule) {
    if rule.condition.utf8.count <= Self.conditionLimit { rules.append(rule) }
  }

  /// Every symbol that is on if `roots` are, `without` these.
  ///
  /// A rule is looked at once, and again when a symbol that it names comes on; those
  /// that ask what is off wait for the others.
  func closure(of roots: Set<String>, without: Set<String>) -> Set<String> {
    var mentions: [String: [Int]] = [:]
    for (index, rule) in rules.enumerated() {
      let words = rule.condition.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      for name in Set(words.map(String.init) + [rule.owner].compactMap { $0 }) {
        mentions[name, default: []].append(index)
      }
    }
    var on = roots
    for includesNegations in [false, true] {
      var queue = Array(rules.indices)
      var next = 0
      while next < queue.count {
        let rule = rules[queue[next]]
        next += 1
        guard includesNegations || !rule.condition.contains("!"),
          !on.contains(rule.target), !without.contains(rule.target),
          rule.owner.map(on.contains) ?? true, Self.holds(rule.condition, on)
        else { continue }
        on.insert(rule.target)
        queue += mentions[rule.target] ?? []
      }
    }
    return on
  }

  /// A default as C has it; nil for another symbol's value.
  private static func constant(_ text: String, _ type: String) -> String? {
    switch type {
    case "int": return Int(text) == nil ? nil : text
    case "hex":
      let isHexadecimal = text.hasPrefix("0x") && UInt64(text.dropFirst(2), radix: 16) != nil
      return isHexadecimal ? text : nil
    default:
      let isPlain = text.utf8.dropFirst().dropLast().allSatisfy {
        $0 > 0x1f && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
      }
      return text.count > 1 && text.first == "\"" && text.last == "\"" && isPlain ? text : nil
    }
  }

  /// The first default of each symbol that is a number or text, where its condition holds
  /// with these symbols on.
  func defaults(with on: Set<String>) -> [String: String] {
    var defaults: [String: String] = [:]
    for (name, value, condition) in values
    where defaults[name] == nil && condition.utf8.count <= Self.conditionLimit
      && Self.holds(condition, on)
    {
      defaults[name] = value
    }
    return defaults
  }

  /// Evaluates `A && !B || C`; what is not known is off.
  static func holds(_ condition: String, _ on: Set<String>) -> Bool {
    var parser = ConditionParser(condition, on)
    return condition.isEmpty || parser.disjunction()
  }

  private struct ConditionParser {
    private var tokens: [String] = []
    private let on: Set<String>
    private var depth = 0
    /// Kernels nest three deep; the stack has an end.
    private static let depthLimit = 64

    init(_ text: String, _ on: Set<String>) {
      self.on = on
      var rest = Substring(text)
      while let first = rest.first {
        let operators = ["&&", "||", "!=", "!", "=", "(", ")"]
        if first.isWhitespace {
          rest.removeFirst()
        } else if let token = operators.first(where: rest.hasPrefix) {
          tokens.append(token)
          rest = rest.dropFirst(token.count)
        } else {
          // A lone & or | begins a word too.
          let word = rest.dropFirst().prefix { !$0.isWhitespace && !"&|!=()".contains($0) }
          tokens.append(String(rest[..<word.endIndex]))
          rest = rest[word.endIndex...]
        }
      }
      tokens.reverse()
    }

    mutating func disjunction() -> Bool {
      var value = conjunction()
      while tokens.last == "||" {
        tokens.removeLast()
        let other = conjunction()
        value = value || other
      }
      return value
    }

    private mutating func conjunction() -> Bool {
      var value = term()
      while tokens.last == "&&" {
        tokens.removeLast()
        let other = term()
        value = value && other
      }
      return value
    }

    private mutating func term() -> Bool {
      guard let token = tokens.popLast() else { return false }
      switch token {
      case "!", "(":
        guard depth < Self.depthLimit else {
          tokens = []
          return false
        }
        depth += 1
        defer { depth -= 1 }
        if token == "!" { return !term() }
        let value = disjunction()
        if tokens.last == ")" { tokens.removeLast() }
        return value
      case "y": return true
      case "n": return false
      default:
        guard let sign = tokens.last, sign == "=" || sign == "!=" else {
          return on.contains(token)
        }
        tokens.removeLast()  // X=y, X!=y
        return on.contains(token) == ((tokens.popLast() == "y") == (sign == "="))
      }
    }
  }
}
