/// What a tree's Kconfig files select, as far as the DMA code asks.
struct Kconfig {
  private struct Symbol {
    var selects: [(name: String, condition: String)] = []
    var defaults: [String] = []
    var number: String?
  }

  private var symbols: [String: Symbol] = [:]

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
        symbols[words[1], default: Symbol()].defaults += []
        continue
      }
      guard let name else { continue }
      let rest = words.dropFirst().joined(separator: " ")
      switch first {
      case "select":
        guard words.count > 1 else { continue }
        let condition =
          words.count > 3 && words[2] == "if" ? words[3...].joined(separator: " ") : ""
        symbols[name]?.selects.append((words[1], condition))
      case "int": isNumber = true
      case "def_bool":
        let parts = rest.split(separator: " if ", maxSplits: 1)
        symbols[name]?.defaults.append(parts.map { "(\($0))" }.joined(separator: " && "))
      case "default" where isNumber && words.count == 2 && Int(words[1]) != nil:
        symbols[name]?.number = words[1]
      default: break
      }
    }
  }

  /// Whether any file describes a symbol.
  func knows(_ name: String) -> Bool { symbols[name] != nil }

  /// Every symbol that is on if `roots` are, `without` these.
  func closure(of roots: Set<String>, without: Set<String>) -> Set<String> {
    var on = roots
    var changed = true
    while changed {
      changed = false
      for (name, symbol) in symbols {
        if !on.contains(name), !without.contains(name),
          symbol.defaults.contains(where: { Self.holds($0, on) })
        {
          on.insert(name)
          changed = true
        }
        guard on.contains(name) else { continue }
        for (target, condition) in symbol.selects
        where !on.contains(target) && !without.contains(target) && Self.holds(condition, on) {
          on.insert(target)
          changed = true
        }
      }
    }
    return on
  }

  /// The default of a symbol that is a number.
  func number(of name: String) -> String? { symbols[name]?.number }

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
      var spaced = text
      for mark in ["&&", "||", "(", ")", "!="] {
        spaced = spaced.replacing(mark, with: " \(mark) ")
      }
      tokens = spaced.replacing("!", with: " ! ").split(whereSeparator: \.isWhitespace)
        .map(String.init).reversed()
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
        if tokens.last == "=" {  // X=y
          tokens.removeLast()
          return tokens.popLast() == "y" ? on.contains(token) : !on.contains(token)
        }
        return on.contains(token)
      }
    }
  }
}
