import Support

extension TraceLine {
  /// A part of the line.
  struct Text {
    let bytes: UnsafeBufferPointer<UInt8>
    let start: Int
    let count: Int

    var string: String {
      String(decoding: bytes[start..<start + count], as: UTF8.self)
    }
    var printable: String { string.printable }

    func starts(with word: StaticString) -> Bool {
      guard word.utf8CodeUnitCount <= count else { return false }
      let pointer = word.utf8Start
      for index in 0..<word.utf8CodeUnitCount where bytes[start + index] != pointer[index] {
        return false
      }
      return true
    }

    func equals(_ word: StaticString) -> Bool {
      word.utf8CodeUnitCount == count && starts(with: word)
    }

    /// perf names the subsystem before the event.
    var isOfOtherSystem: Bool { bytes[start..<start + count].contains(UInt8(ascii: ":")) }

    /// Decimal digits, or hexadecimal ones behind `0x`; nil for anything else.
    var number: UInt64? {
      if count > 2, bytes[start] == 0x30, bytes[start + 1] == UInt8(ascii: "x") {
        return Text(bytes: bytes, start: start + 2, count: count - 2).hexadecimal
      }
      guard count > 0, count <= 20 else { return nil }
      var value: UInt64 = 0
      for index in start..<start + count {
        let digit = bytes[index] &- 0x30
        guard digit < 10 else { return nil }
        let (product, high) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
        guard !high, !carry else { return nil }
        value = sum
      }
      return value
    }

    /// Hexadecimal digits with or without `0x`; nil for anything else.
    var hexadecimal: UInt64? {
      var (first, digits) = (start, count)
      if digits > 2, bytes[first] == 0x30, bytes[first + 1] == UInt8(ascii: "x") {
        first += 2
        digits -= 2
      }
      guard digits > 0, digits <= 16 else { return nil }
      var value: UInt64 = 0
      for index in first..<first + digits {
        let byte = bytes[index]
        let digit: UInt8
        if byte &- 0x30 < 10 {
          digit = byte &- 0x30
        } else if byte | 0x20 >= 0x61, byte | 0x20 <= 0x66 {
          digit = (byte | 0x20) &- 0x57
        } else {
          return nil
        }
        value = value << 4 | UInt64(digit)
      }
      return value
    }
  }
}
