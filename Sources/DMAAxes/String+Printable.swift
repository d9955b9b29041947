extension String {
  /// The string without control characters, for an error message: at most 60
  /// characters, so that a binary file cannot flood or steer a terminal.
  public var printable: String { printable(upTo: 60) }

  /// The string without control characters, cut after `limit` characters.
  public func printable(upTo limit: Int) -> String {
    let clean = unicodeScalars.prefix(limit).map { scalar in
      scalar.isControl ? "?" : String(scalar)
    }
    return clean.joined() + (unicodeScalars.count > limit ? "..." : "")
  }
}

extension Unicode.Scalar {
  /// Whether a terminal may take it for a command: C0, DEL and C1.
  public var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }
}

/// Bytes as two digits each, in lower case.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { byte in
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
  }.joined()
}
