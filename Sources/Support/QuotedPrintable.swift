/// The encoding of RFC 2045, section 6.7, in which mails are sent.
package enum QuotedPrintable {
  /// The bytes of one line without its end, and whether a `=` joins the next line to it.
  ///
  /// Returns nil where a `=` begins no code of two hexadecimal digits.
  package static func decoded(
    _ line: some BidirectionalCollection<UInt8>
  ) -> (bytes: [UInt8], goesOn: Bool)? {
    var bytes: [UInt8] = []
    var rest = line[...]
    while let byte = rest.popFirst() {
      if byte != UInt8(ascii: "=") {
        bytes.append(byte)
      } else if rest.isEmpty {
        return (bytes, true)
      } else if let (high, low) = digits(rest.prefix(2)) {
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        return nil
      }
    }
    return (bytes, false)
  }

  private static func digits(_ code: some Collection<UInt8>) -> (UInt8, UInt8)? {
    let values = code.compactMap { byte -> UInt8? in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
      case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
      case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    return values.count == 2 ? (values[0], values[1]) : nil
  }
}
