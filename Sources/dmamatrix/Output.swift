import Foundation

/// Results go to standard output, everything else to standard error.
enum Output {
  /// Writes a result; a full disk is an error, not a short file.
  static func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Writes a part of a result.
  static func write(_ bytes: [UInt8]) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: bytes)
    } catch {
      throw UsageError(
        description: "standard output: cannot be written (\(String(cString: strerror(errno))))")
    }
  }

  /// Writes one sentence for the user.
  ///
  /// Control characters become `?`: a name from a file must not steer a terminal.
  static func error(_ sentence: String) {
    let scalars = sentence.unicodeScalars.map { scalar -> UnicodeScalar in
      let isControl = scalar.value < 0x20 && scalar != "\n" || (0x7f...0x9f).contains(scalar.value)
      return isControl ? "?" : scalar
    }
    toStandardError("dmamatrix: \(String(String.UnicodeScalarView(scalars)))\n")
  }

  /// Asks the user on the terminal.
  static func question(_ text: String) { toStandardError(text) }

  /// Whether progress is shown: only on a terminal.
  static let showsProgress = isatty(STDERR_FILENO) != 0

  /// Shows progress on one line of the terminal.
  static func progress(_ fraction: Double, _ what: String) {
    guard showsProgress else { return }
    toStandardError(fraction < 1 ? "\r\(what) \(Int(fraction * 100)) %" : "\r\u{1b}[K")
  }

  /// Nothing can be said about a standard error that does not take text.
  private static func toStandardError(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}
