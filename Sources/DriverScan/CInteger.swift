/// An integer constant with the type that C gives it, `long` having 64 bits.
struct CInteger: Hashable, Sendable {
  /// Sign-extended where the type is signed.
  let value: UInt64
  let is64: Bool
  let isSigned: Bool

  init(_ value: UInt64, is64: Bool, isSigned: Bool) {
    self.is64 = is64
    self.isSigned = isSigned
    if is64 {
      self.value = value
    } else if isSigned {
      self.value = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
    } else {
      self.value = UInt64(UInt32(truncatingIfNeeded: value))
    }
  }

  static func int(_ value: Int) -> CInteger {
    CInteger(UInt64(bitPattern: Int64(value)), is64: false, isSigned: true)
  }

  static func unsigned64(_ value: UInt64) -> CInteger {
    CInteger(value, is64: true, isSigned: false)
  }

  /// A literal such as `0xffffffffULL`; nil where it is none.
  init?(literal: String) {
    var digits = Substring(literal.lowercased())
    var suffix = ""
    while let last = digits.last, last == "u" || last == "l" {
      suffix.append(last)
      digits.removeLast()
    }
    let radix: Int
    if digits.hasPrefix("0x") {
      (radix, digits) = (16, digits.dropFirst(2))
    } else if digits.hasPrefix("0b") {
      (radix, digits) = (2, digits.dropFirst(2))
    } else {
      radix = digits.hasPrefix("0") && digits.count > 1 ? 8 : 10
    }
    guard suffix.count <= 3, let value = UInt64(digits, radix: radix) else { return nil }
    let unsigned = suffix.contains("u")
    // Octal and hexadecimal literals become unsigned before they become longer.
    let fits32 = value <= UInt64(Int32.max) || (unsigned || radix != 10) && value <= 0xffff_ffff
    let is64 = suffix.contains("l") || !fits32
    let isSigned =
      !unsigned && (is64 ? value <= UInt64(Int64.max) : value <= UInt64(Int32.max))
    self.init(value, is64: is64, isSigned: isSigned)
  }

  var isZero: Bool { value == 0 }

  /// `op self`, or nil for what is no operator.
  func unary(_ op: String) -> CInteger? {
    switch op {
    case "-": CInteger(0 &- value, is64: is64, isSigned: isSigned)
    case "~": CInteger(~value, is64: is64, isSigned: isSigned)
    case "+": self
    case "!": .int(isZero ? 1 : 0)
    default: nil
    }
  }

  /// `self op other`, or nil where C leaves it undefined.
  func binary(_ op: String, _ other: CInteger) -> CInteger? {
    if op == "<<" || op == ">>" {
      guard other.value < (is64 ? 64 : 32) else { return nil }
      let shifted: UInt64
      if op == "<<" {
        shifted = value << other.value
      } else if isSigned {
        shifted = UInt64(bitPattern: Int64(bitPattern: value) >> Int64(other.value))
      } else {
        shifted = value >> other.value
      }
      return CInteger(shifted, is64: is64, isSigned: isSigned)
    }
    let wide = is64 || other.is64
    let signed = wide ? bothSigned64(other) : isSigned && other.isSigned
    let (a, b) = (
      CInteger(value, is64: wide, isSigned: signed),
      CInteger(other.value, is64: wide, isSigned: signed)
    )
    func number(_ value: UInt64) -> CInteger { CInteger(value, is64: wide, isSigned: signed) }
    func truth(_ value: Bool) -> CInteger { .int(value ? 1 : 0) }
    let isLess =
      signed ? Int64(bitPattern: a.value) < Int64(bitPattern: b.value) : a.value < b.value
    switch op {
    case "+": return number(a.value &+ b.value)
    case "-": return number(a.value &- b.value)
    case "*": return number(a.value &* b.value)
    case "/", "%":
      guard b.value != 0,
        !(signed && (Int64(bitPattern: a.value) < 0 || Int64(bitPattern: b.value) < 0))
      else { return nil }
      return number(op == "/" ? a.value / b.value : a.value % b.value)
    case "&": return number(a.value & b.value)
    case "|": return number(a.value | b.value)
    case "^": return number(a.value ^ b.value)
    case "==": return truth(a.value == b.value)
    case "!=": return truth(a.value != b.value)
    case "<": return truth(isLess)
    case ">=": return truth(!isLess)
    case ">": return truth(!isLess && a.value != b.value)
    case "<=": return truth(isLess || a.value == b.value)
    case "&&": return truth(!isZero && !other.isZero)
    case "||": return truth(!isZero || !other.isZero)
    default: return nil
    }
  }

  /// Whether the common type of two operands, one of 64 bits, is signed.
  private func bothSigned64(_ other: CInteger) -> Bool {
    (is64 ? isSigned : true) && (other.is64 ? other.isSigned : true)
  }
}

/// What an expression may be: every value that a branch of the code gives it.
struct CValue: Sendable {
  /// In the order of the source, each once.
  var alternatives: [CInteger]
  /// Whether there are no others.
  var isComplete: Bool

  static let undecided = CValue(alternatives: [], isComplete: false)
  /// What takes more is listed as undecided.
  static let limit = 16

  init(alternatives: [CInteger], isComplete: Bool) {
    self.alternatives = alternatives
    self.isComplete = isComplete
  }

  init(_ value: CInteger?) {
    self.init(alternatives: value.map { [$0] } ?? [], isComplete: value != nil)
  }

  /// Either of two.
  func or(_ other: CValue) -> CValue {
    var result = self
    result.isComplete = isComplete && other.isComplete
    for value in other.alternatives where !result.alternatives.contains(value) {
      result.alternatives.append(value)
    }
    return result.alternatives.count > Self.limit ? .undecided : result
  }

  /// A function of every alternative.
  func map(_ function: (CInteger) -> CInteger?) -> CValue {
    var result = CValue(alternatives: [], isComplete: isComplete)
    for value in alternatives { result = result.or(CValue(function(value))) }
    return result
  }

  /// A function of every pair of alternatives.
  func combined(
    _ other: CValue, _ function: (CInteger, CInteger) -> CInteger?
  ) -> CValue {
    var result = CValue(alternatives: [], isComplete: isComplete && other.isComplete)
    for value in alternatives {
      result = result.or(other.map { function(value, $0) })
      if !result.isComplete, result.alternatives.isEmpty { return .undecided }
    }
    return result
  }
}
