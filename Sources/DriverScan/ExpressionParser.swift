/// Evaluates the words of an expression by C's precedence.
struct ExpressionParser {
  private let words: [CWord]
  private let evaluator: MaskEvaluator
  private var index = 0
  private var depth = 0

  private static let depthLimit = 60

  init(_ words: [CWord], _ evaluator: MaskEvaluator) {
    self.words = words
    self.evaluator = evaluator
  }

  /// The value of all words; undecided where they are no expression.
  mutating func whole() -> CValue {
    let value = conditional()
    return index == words.count ? value : .undecided
  }

  private var text: String { index < words.count ? words[index].text : "" }

  private mutating func takes(_ text: String) -> Bool {
    guard index < words.count, words[index].kind == .punctuation, words[index].text == text else {
      return false
    }
    index += 1
    return true
  }

  /// Guards the stack; nothing is parsed below the limit.
  private mutating func deeper(_ parse: (inout ExpressionParser) -> CValue) -> CValue {
    guard depth < Self.depthLimit else {
      index = words.count + 1
      return .undecided
    }
    depth += 1
    defer { depth -= 1 }
    return parse(&self)
  }

  private mutating func conditional() -> CValue {
    deeper { parser in
      let condition = parser.binary(0)
      guard parser.takes("?") else { return condition }
      if parser.takes(":") {
        // a ?: b
        let other = parser.conditional()
        let decided = condition.isComplete && !condition.alternatives.contains(where: \.isZero)
        var nonzero = condition
        nonzero.alternatives.removeAll(where: \.isZero)
        return decided ? condition : nonzero.or(other)
      }
      let first = parser.conditional()
      guard parser.takes(":") else { return .undecided }
      let second = parser.conditional()
      guard condition.isComplete, condition.alternatives.count == 1 else {
        return first.or(second)
      }
      return condition.alternatives[0].isZero ? second : first
    }
  }

  private static let levels: [[String]] = [
    ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", ">", "<=", ">="], ["<<", ">>"],
    ["+", "-"], ["*", "/", "%"],
  ]

  private mutating func binary(_ level: Int) -> CValue {
    guard level < Self.levels.count else { return unary() }
    var value = binary(level + 1)
    while let op = Self.levels[level].first(where: { takes($0) }) {
      let other = binary(level + 1)
      value = value.combined(other) { $0.binary(op, $1) }
      // Either is what a condition may be.
      if op == "&&" || op == "||", !value.isComplete {
        value = CValue(alternatives: [.int(0), .int(1)], isComplete: false)
      }
    }
    return value
  }

  private mutating func unary() -> CValue {
    deeper { parser in
      for op in ["-", "~", "!", "+"] where parser.takes(op) {
        return parser.unary().map { $0.unary(op) }
      }
      // What a pointer points to, and addresses, are known at run time.
      for op in ["*", "&", "++", "--"] where parser.takes(op) {
        _ = parser.unary()
        return .undecided
      }
      if let type = parser.cast() {
        let value = parser.unary()
        return type.converted(value)
      }
      return parser.postfix()
    }
  }

  private static let typeWords: Set<String> = [
    "unsigned", "signed", "long", "int", "short", "char", "const", "volatile", "bool", "__force",
  ]

  /// `(type)` in front of an operand, or nil.
  private mutating func cast() -> CType? {
    guard text == "(", index + 1 < words.count,
      let close = words[index...].firstIndex(where: { $0.text == ")" }), close > index + 1,
      close + 1 < words.count
    else { return nil }
    let names = words[index + 1..<close].map(\.text)
    guard names.allSatisfy({ Self.typeWords.contains($0) || CType.isNamed($0) }) else {
      return nil
    }
    index = close + 1
    return CType(words: names)
  }

  private mutating func postfix() -> CValue {
    var value = primary()
    while index < words.count, words[index].kind == .punctuation {
      switch words[index].text {
      case "[", "(":
        skipParentheses()
        value = .undecided
      case ".", "->":
        index += 2
        value = .undecided
      case "++", "--":
        index += 1
        value = .undecided
      default: return value
      }
    }
    return value
  }

  private mutating func primary() -> CValue {
    guard index < words.count else { return .undecided }
    let word = words[index]
    if takes("(") {
      let value = conditional()
      return takes(")") ? value : failed()
    }
    index += 1
    switch word.kind {
    case .number: return CValue(CInteger(literal: word.text))
    case .identifier:
      if text == "(" { return call(word) }
      if word.text == "sizeof" { return .undecided }
      if text == "." || text == "->" || text == "[" { return .undecided }
      return evaluator.value(named: word)
    default: return failed()
    }
  }

  private mutating func failed() -> CValue {
    index = words.count + 1
    return .undecided
  }

  private mutating func skipParentheses() {
    var nesting = 0
    while index < words.count {
      switch words[index].text {
      case "(", "[", "{": nesting += 1
      case ")", "]", "}": nesting -= 1
      default: break
      }
      index += 1
      if nesting <= 0 { return }
    }
  }

  /// A macro that is computed here; every other call is undecided.
  private mutating func call(_ word: CWord) -> CValue {
    let known: Set<String> = [
      "DMA_BIT_MASK", "GENMASK", "GENMASK_ULL", "BIT", "BIT_ULL", "UL", "ULL", "U", "_UL", "_ULL",
      "_AC", "_BITUL", "_BITULL",
    ]
    if word.text == "sizeof", let size = sizeOfType() { return size }
    guard known.contains(word.text), evaluator.isBuiltin(word.text) else {
      skipParentheses()
      return .undecided
    }
    index += 1
    let first = conditional()
    var second: CValue?
    if takes(",") {
      // The suffix of _AC is no value.
      if word.text == "_AC" {
        index += 1
      } else {
        second = conditional()
      }
    }
    guard takes(")") else { return failed() }
    switch (word.text, second) {
    case ("DMA_BIT_MASK", nil): return first.map { Self.mask($0.value) }
    case ("BIT", nil), ("BIT_ULL", nil), ("_BITUL", nil), ("_BITULL", nil):
      return first.map { CInteger.unsigned64(1).binary("<<", $0) }
    case ("UL", nil), ("ULL", nil), ("_UL", nil), ("_ULL", nil), ("_AC", nil):
      return first.map { .unsigned64($0.value) }
    case ("U", nil): return first.map { CInteger($0.value, is64: $0.is64, isSigned: false) }
    case ("GENMASK", let low?), ("GENMASK_ULL", let low?):
      return first.combined(low) { high, low in
        guard high.value < 64, low.value <= high.value else { return nil }
        return .unsigned64((UInt64.max << low.value) & (UInt64.max >> (63 - high.value)))
      }
    default: return .undecided
    }
  }

  /// `sizeof(dma_addr_t)`: the types that the modelled platforms, all of 64 bits, have alike.
  private mutating func sizeOfType() -> CValue? {
    guard index + 2 < words.count, words[index].text == "(", words[index + 2].text == ")" else {
      return nil
    }
    let size: UInt64? =
      switch words[index + 1].text {
      case "dma_addr_t", "phys_addr_t", "resource_size_t", "u64", "__u64", "uint64_t": 8
      case "u32", "__u32", "uint32_t": 4
      default: nil
      }
    guard let size else { return nil }
    index += 3
    return CValue(.unsigned64(size))
  }

  /// `DMA_BIT_MASK(n)`; nil for what it is not defined for.
  private static func mask(_ bits: UInt64) -> CInteger? {
    switch bits {
    case 0: .unsigned64(0)
    case 1...64: .unsigned64(UInt64.max >> (64 - bits))
    default: nil
    }
  }
}
