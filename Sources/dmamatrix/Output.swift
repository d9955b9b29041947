import DMAModel
import Foundation
import Support

/// Results go to standard output, everything else to standard error.
enum Output {
  /// Writes a result; a full disk is an error, not a short file.
  ///
  /// On a terminal control characters become `?`, colours excepted: a name from a
  /// file must not steer it.  Files and pipes get every byte.
  static func write(_ text: String) throws {
    try write(Array((isTerminal ? harmless(text) : text).utf8))
  }

  /// Writes what a command says of work that is done: where nobody can read it, the work
  /// is done all the same. A standard output that the user closed takes nothing, and
  /// nothing is missed; one that is full loses what was to be read.
  static func summary(_ text: String) {
    do { try write(text) } catch {
      if isClosed { return }
      self.error("done, and stored; what it says of that is lost: \(error)")
    }
  }

  /// Whether nothing can be written to standard output; ``ProcessStart`` opens what the
  /// shell closed for reading alone.
  private static let isClosed = fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE == O_RDONLY

  /// Writes a result: an error where nobody can read it, unless a file keeps it.
  static func write(_ text: String, isKept: Bool) throws {
    if isKept { summary(text) } else { try write(text) }
  }

  private static let isTerminal = isatty(STDOUT_FILENO) != 0

  /// The text without control characters but line breaks, tabs and `ESC [ ... m`.
  static func harmless(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    var rest = Substring(text).unicodeScalars
    while let scalar = rest.popFirst() {
      if scalar == "\u{1b}", rest.first == "[" {
        let color = rest.dropFirst().prefix { ("0"..."9").contains($0) || $0 == ";" }
        if rest.dropFirst(1 + color.count).first == "m" {
          shown.append(scalar)
          continue
        }
      }
      shown.append(scalar.isControl && scalar != "\n" && scalar != "\t" ? "?" : scalar)
    }
    return String(shown)
  }

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
      scalar.isControl && scalar != "\n" ? "?" : scalar
    }
    toStandardError("dmamatrix: \(String(String.UnicodeScalarView(scalars)))\n")
  }

  /// Writes one sentence for the user, on one line whatever name it holds.
  static func sentence(_ sentence: String) {
    error(sentence.replacing("\n", with: "?"))
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
