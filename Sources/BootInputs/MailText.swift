import Foundation
import Support

/// The lines of a text; of a mail as it was sent, those of its body without the
/// encoding that the transfer needed (RFC 2045).
struct MailText {
  /// A line and its number in the text, from 1.
  struct Row {
    let number: Int
    let text: Substring
  }

  /// How the lines of a part are encoded.
  private enum Encoding { case none, quotedPrintable, base64 }

  private(set) var rows: [Row] = []
  /// Whether the text begins with the headers of a mail.
  let isMail: Bool

  private var encoding = Encoding.none
  private var boundaries: Set<Substring> = []
  /// The lines of a part that is encoded, until it ends.
  private var pending: [Row] = []

  init(_ text: String) {
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { Substring($0) }
    isMail = Self.beginsWithHeaders(lines)
    guard isMail else {
      rows = lines.enumerated().map { Row(number: $0.offset + 1, text: $0.element) }
      return
    }
    var isHeader = true
    for (index, line) in lines.enumerated() {
      if isHeader {
        readHeader(line)
        isHeader = !line.trimmed.isEmpty
      } else if beginsPart(line) || line.hasPrefix("From ") && lines[index - 1].trimmed.isEmpty {
        flush()
        (isHeader, encoding) = (true, .none)
      } else {
        add(line, index + 1)
      }
    }
    flush()
  }

  /// Two of the headers that every mail has, in the first lines of the text.
  private static func beginsWithHeaders(_ lines: [Substring]) -> Bool {
    let names = ["from:", "date:", "subject:", "message-id:", "received:", "return-path:"]
    let block = lines.prefix(200).prefix { !$0.trimmed.isEmpty }
    let found = block.compactMap { line -> String? in
      let start = line.prefix(12).lowercased()
      return names.first { start.hasPrefix($0) }
    }
    return Set(found).count >= 2
  }

  private mutating func readHeader(_ line: Substring) {
    let text = line.lowercased()
    if text.hasPrefix("content-transfer-encoding:") {
      if text.contains("quoted-printable") { encoding = .quotedPrintable }
      if text.contains("base64") { encoding = .base64 }
    } else if let mark = text.range(of: "boundary="), boundaries.count < 1000 {
      // The name is taken as it stands in the line, whose case matters.
      let rest = line.dropFirst(text.distance(from: text.startIndex, to: mark.upperBound))
      let name =
        rest.first == "\""
        ? rest.dropFirst().prefix { $0 != "\"" }
        : rest.prefix {
          $0 != ";" && !$0.isWhitespace
        }
      if !name.isEmpty { boundaries.insert(name) }
    }
  }

  private func beginsPart(_ line: Substring) -> Bool {
    guard line.hasPrefix("--"), !boundaries.isEmpty else { return false }
    let name = line.dropFirst(2).trimmed
    return boundaries.contains(name)
      || name.hasSuffix("--") && boundaries.contains(name.dropLast(2))
  }

  private mutating func add(_ line: Substring, _ number: Int) {
    let row = Row(number: number, text: line)
    if encoding == .none { rows.append(row) } else { pending.append(row) }
  }

  /// Ends a part; one that is no text, such as a picture, is left out.
  private mutating func flush() {
    let part = pending
    pending = []
    switch encoding {
    case .none: break
    case .quotedPrintable: rows += Self.unquoted(part)
    case .base64:
      let bytes = Data(part.flatMap { Array($0.text.utf8) })
      let data = Data(base64Encoded: bytes, options: .ignoreUnknownCharacters) ?? Data()
      guard let number = part.first?.number, !data.contains(0) else { return }
      let text = String(decoding: data, as: UTF8.self)
      for line in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false) {
        rows.append(Row(number: number, text: Substring(line)))
      }
    }
  }

  /// Archives keep the header of a part that they decoded: a part in which a `=` begins no
  /// code stays as it is.
  private static func unquoted(_ part: [Row]) -> [Row] {
    var rows: [Row] = []
    var line: (number: Int, bytes: [UInt8])?
    for row in part {
      guard let (bytes, goesOn) = QuotedPrintable.decoded(row.text.trimmedEnd.utf8) else {
        return part
      }
      line = (line?.number ?? row.number, (line?.bytes ?? []) + bytes)
      if let (number, bytes) = line, !goesOn {
        rows.append(Row(number: number, text: Substring(String(decoding: bytes, as: UTF8.self))))
        line = nil
      }
    }
    if let (number, bytes) = line {
      rows.append(Row(number: number, text: Substring(String(decoding: bytes, as: UTF8.self))))
    }
    return rows
  }
}

extension Substring {
  /// Without white space at the end.
  var trimmedEnd: Substring {
    var text = self
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
