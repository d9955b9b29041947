/// What a type of C keeps of a number that is stored in it.
enum CType: Hashable, Sendable {
  case integer(bits: Int, isSigned: Bool)
  case bool
  case pointer
  /// A type whose width is not read: of another header, or a structure.
  case other

  private static let named: [String: CType] = [
    "u64": .integer(bits: 64, isSigned: false), "__u64": .integer(bits: 64, isSigned: false),
    "uint64_t": .integer(bits: 64, isSigned: false),
    "dma_addr_t": .integer(bits: 64, isSigned: false),
    "phys_addr_t": .integer(bits: 64, isSigned: false),
    "resource_size_t": .integer(bits: 64, isSigned: false),
    "size_t": .integer(bits: 64, isSigned: false),
    "uintptr_t": .integer(bits: 64, isSigned: false),
    "ulong": .integer(bits: 64, isSigned: false),
    "kernel_ulong_t": .integer(bits: 64, isSigned: false),
    "s64": .integer(bits: 64, isSigned: true), "__s64": .integer(bits: 64, isSigned: true),
    "int64_t": .integer(bits: 64, isSigned: true), "loff_t": .integer(bits: 64, isSigned: true),
    "ssize_t": .integer(bits: 64, isSigned: true), "ptrdiff_t": .integer(bits: 64, isSigned: true),
    "u32": .integer(bits: 32, isSigned: false), "__u32": .integer(bits: 32, isSigned: false),
    "uint32_t": .integer(bits: 32, isSigned: false), "uint": .integer(bits: 32, isSigned: false),
    "s32": .integer(bits: 32, isSigned: true), "__s32": .integer(bits: 32, isSigned: true),
    "int32_t": .integer(bits: 32, isSigned: true),
    "u16": .integer(bits: 16, isSigned: false), "__u16": .integer(bits: 16, isSigned: false),
    "uint16_t": .integer(bits: 16, isSigned: false), "ushort": .integer(bits: 16, isSigned: false),
    "s16": .integer(bits: 16, isSigned: true), "int16_t": .integer(bits: 16, isSigned: true),
    "u8": .integer(bits: 8, isSigned: false), "__u8": .integer(bits: 8, isSigned: false),
    "uint8_t": .integer(bits: 8, isSigned: false), "s8": .integer(bits: 8, isSigned: true),
    "int8_t": .integer(bits: 8, isSigned: true),
    "bool": .bool, "_Bool": .bool,
    "irqreturn_t": .integer(bits: 32, isSigned: true),
    "acpi_status": .integer(bits: 32, isSigned: false),
  ]
  private static let words: Set<String> = ["unsigned", "signed", "long", "int", "short", "char"]
  /// Words of a declaration that do not change its type.
  static let qualifiers: Set<String> = [
    "const", "volatile", "static", "register", "extern", "inline", "__init", "__initdata",
    "__initconst", "__maybe_unused", "__read_mostly", "__ro_after_init", "__always_inline",
    "__force", "noinline", "__iomem",
  ]

  /// The type that words such as `unsigned long` name.
  init(words: some Sequence<String>) {
    var counts: [String: Int] = [:]
    var found: CType?
    for word in words where !Self.qualifiers.contains(word) {
      if Self.words.contains(word) {
        counts[word, default: 0] += 1
      } else if word == "auto" || word == "__auto_type" {
        // Whatever is stored.
        found = .pointer
      } else {
        found = found == nil ? Self.named[word] ?? .other : .other
      }
    }
    guard counts.isEmpty else {
      // char is signed on x86 alone; as a mask it is none.
      let bits =
        counts["char"] != nil ? 8 : counts["short"] != nil ? 16 : counts["long"] != nil ? 64 : 32
      self = found == nil ? .integer(bits: bits, isSigned: counts["unsigned"] == nil) : .other
      return
    }
    self = found ?? .other
  }

  /// Whether a word alone is a type that is known.
  static func isNamed(_ word: String) -> Bool { named[word] != nil }

  /// What is left of a number; nil where that is not known.
  func converted(_ number: CInteger) -> CInteger? {
    switch self {
    case .integer(64, let isSigned): return CInteger(number.value, is64: true, isSigned: isSigned)
    case .integer(32, let isSigned): return CInteger(number.value, is64: false, isSigned: isSigned)
    case .integer(let bits, let isSigned):
      // It becomes an int where it is read.
      let shift = UInt64(64 - bits)
      let high = number.value << shift
      let value =
        isSigned ? UInt64(bitPattern: Int64(bitPattern: high) >> Int64(shift)) : high >> shift
      return CInteger(value, is64: false, isSigned: true)
    case .bool: return .int(number.isZero ? 0 : 1)
    case .pointer: return number
    case .other:
      // Fits every integer.
      return number.value < 128 ? number : nil
    }
  }

  func converted(_ value: CValue) -> CValue { value.map { converted($0) } }

  /// The same for what may be the result of a call.
  func converted(_ value: FlowValue) -> FlowValue {
    switch (self, value) {
    case (_, .int(let number)): converted(number).map(FlowValue.int) ?? .unknown
    case (.bool, .failed), (.bool, .nonzero): .one
    case (.integer(let bits, false), .failed) where bits >= 32: .nonzero
    case (.integer(let bits, _), .failed) where bits < 32,
      (.integer(let bits, _), .nonzero)
    where bits < 32: .unknown
    case (.integer(_, false), .succeeded): .unknown
    default: value
    }
  }
}

/// Where a name is declared.
struct CDeclaration: Sendable {
  let type: CType
  let isStatic: Bool
}

extension CFile {
  private static let noTypes: Set<String> = [
    "return", "goto", "else", "case", "default", "sizeof", "do", "if", "while", "for", "switch",
    "typedef", "enum",
  ]

  /// The declaration whose name is a token; nil where it is an expression.
  func declaration(at name: Int, from lowest: Int) -> CDeclaration? {
    var start = name
    var nesting = 0
    while start > lowest {
      let token = tokens[start - 1]
      if token.is(")") || token.is("]") || token.is("}") && nesting > 0 {
        nesting += 1
      } else if token.is("}"), start - 1 > lowest, isInitializer(start - 1, lowest) {
        nesting += 1
      } else if token.is("(") || token.is("[") || token.is("{") {
        if nesting == 0 { break }
        nesting -= 1
      } else if nesting == 0, token.is(";") || token.is("}") || token.is(":") {
        break
      }
      start -= 1
      if name - start > 400 { return nil }
    }
    return declaration(at: name, specifiers: start)
  }

  /// Whether a `}` ends a list of values, as in `int a[] = { 1 }, b;`.
  private func isInitializer(_ close: Int, _ lowest: Int) -> Bool {
    close + 1 < tokens.count && tokens[close + 1].is(",")
  }

  /// A declaration whose first word is a token.
  func declaration(at name: Int, specifiers start: Int) -> CDeclaration? {
    var index = start
    var words: [String] = []
    while index < name, tokens[index].kind == .identifier {
      let text = text(tokens[index])
      if Self.noTypes.contains(text) { return nil }
      words.append(text)
      index += 1
      // __attribute__((x)), typeof(x)
      if index < name, tokens[index].is("("), text.hasPrefix("__") || text == "typeof",
        let close = closing(of: index, before: name)
      {
        index = close + 1
      }
    }
    // `type a, *b`: the last of the words before a comma is a's name.
    let isFirst = index == name || tokens[index..<name].allSatisfy { $0.is("*") }
    if !isFirst, !tokens[index].is("*") { words = Array(words.dropLast()) }
    guard !words.filter({ !CType.qualifiers.contains($0) }).isEmpty else { return nil }
    let isStatic = words.contains("static")
    if words.contains("struct") || words.contains("union") || tokens[name - 1].is("*") {
      return CDeclaration(
        type: tokens[name - 1].is("*") ? .pointer : .other, isStatic: isStatic)
    }
    if name + 1 < tokens.count, tokens[name + 1].is("[") {
      return CDeclaration(type: .other, isStatic: isStatic)
    }
    return CDeclaration(type: CType(words: words), isStatic: isStatic)
  }
}
