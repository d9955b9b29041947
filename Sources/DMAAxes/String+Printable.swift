extension String {
  /// The string without control characters, for an error message: at most 60
  /// characters, so that a binary file cannot flood or steer a terminal.
  public var printable: String { printable(upTo: 60) }

  /// The string without control characters, cut after `limit` characters.
  public func printable(upTo limit: Int) -> String {
    let clean = unicodeScalars.prefix(limit).map { scalar in
      scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) ? "?" : String(scalar)
    }
    return clean.joined() + (unicodeScalars.count > limit ? "..." : "")
  }
}
