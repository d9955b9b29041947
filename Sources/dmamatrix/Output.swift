import Foundation

/// Results go to standard output, everything else to standard error.
enum Output {
  /// Writes a result; a full disk is an error, not a short file.
  static func write(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw UsageError(
        description: "standard output: cannot be written (\(String(cString: strerror(errno))))")
    }
  }

  /// Writes one sentence for the user.
  static func error(_ sentence: String) { toStandardError("dmamatrix: \(sentence)\n") }

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
