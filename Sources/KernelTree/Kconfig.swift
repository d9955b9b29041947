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
  private var numbers: [String: String] = [:]

  /// Kernels have conditions of a line or two; longer ones are off.
  private static let conditionLimit = 1000

  /// Reads the `config` blocks of some Kconfig files.
  init(texts: [String]) {
    for text in texts { read(text) }
  }

  private mutating func read(_ text: String) {
    var name: String?
    var isNumber = false
    let joined = text.replacing("\\\n", with: " ")
    for line in joined.split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let first = words.first else { continue }
      if first == "config" || first == "menuconfig", words.count == 2, !line.hasPrefix("\t") {
        name = words[1]
        isNumber = false
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
      case "int": isNumber = true
      case "def_bool":
        let parts = rest.split(separator: " if ", maxSplits: 1)
        let condition = parts.map { "(\($0))" }.joined(separator: " && ")
        add(Rule(target: name, owner: nil, condition: condition))
      case "default" where isNumber && words.count == 2 && Int(words[1]) != nil:
        numbers[name] = words[1]
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

  /// The default of a symbol that is a number.
  func number(of name: String) -> String? { numbers[name] }

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
