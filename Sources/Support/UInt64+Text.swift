extension UInt64 {
  /// The number as kernels print addresses: `0x7bee2000`.
  package var hexadecimal: String { "0x" + String(self, radix: 16) }

  /// The number of a text such as `0x7bee2000`, or nil; no sign is accepted.
  package init?(hexadecimal text: some StringProtocol) {
    guard text.hasPrefix("0x") else { return nil }
    let digits = text.dropFirst(2)
    guard digits.first?.isHexDigit == true else { return nil }
    self.init(digits, radix: 16)
  }

  /// The number of decimal digits, or of a text such as `0x7bee2000`; no sign is
  /// accepted.
  package init?(unsigned text: some StringProtocol) {
    guard text.first?.isNumber == true else { return nil }
    if text.hasPrefix("0x") {
      self.init(hexadecimal: text)
    } else {
      self.init(text)
    }
  }
}
