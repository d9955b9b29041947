extension String {
  /// The string without control characters, for an error message: at most 60
  /// characters, so that a binary file cannot flood or steer a terminal.
  package var printable: String { printable(upTo: 60) }

  /// The string without control characters, cut after `limit` characters.
  package func printable(upTo limit: Int) -> String {
    let clean = unicodeScalars.prefix(limit).map { scalar in
      scalar.isControl ? "?" : String(scalar)
    }
    return clean.joined() + (unicodeScalars.count > limit ? "..." : "")
  }
}

extension Unicode.Scalar {
  /// Whether a terminal may take it for a command: C0, DEL and C1, line and paragraph
  /// separators, and the marks that turn the direction of text (Unicode's Bidi_Control).
  package var isControl: Bool {
    switch value {
    case 0x20..<0x7f: false
    case 0..<0xa0, 0x61c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }
}

/// Bytes as two digits each, in lower case.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
