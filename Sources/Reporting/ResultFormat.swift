import DMAModel
import Foundation
import MatrixStore
import Support

/// How rows are printed; the names are those of the sqlite3 shell where it has them.
public enum ResultFormat: String, CaseIterable, Sendable {
  case table, csv, tabs, json, markdown, line

  /// The rows as text, ending with a newline unless empty.
  ///
  /// - Parameter header: Whether the column names are printed (`json` and `line`
  ///   always name them).
  public func text(_ result: QueryResult, header: Bool = true) -> String {
    var text = ""
    write(result, header: header) { text += $0 }
    return text
  }

  /// Hands the same text on in pieces of whole lines: the text of an answer takes more
  /// memory than the answer.
  public func write(
    _ result: QueryResult, header: Bool = true, to write: (String) throws -> Void
  ) rethrows {
    var piece = ""
    try forEachRecord(of: result, header: header) { record in
      piece += record
      guard piece.utf8.count >= 1 << 16 else { return }
      try write(piece)
      piece = ""
    }
    if !piece.isEmpty { try write(piece) }
  }

  private func forEachRecord(
    of result: QueryResult, header: Bool, _ use: (String) throws -> Void
  ) rethrows {
    switch self {
    case .table: try asciiTable(result, header: header, use)
    case .csv: try separated(result, header: header, by: ",", quoted: csvField, use)
    case .tabs: try separated(result, header: header, by: "\t", quoted: tabField, use)
    case .json: try jsonRows(result, use)
    case .markdown: try markdownTable(result, header: header, use)
    case .line: try lines(result, use)
    }
  }
}

extension QueryValue {
  /// The value as plain text; NULL is empty, a blob is hexadecimal.
  public var plainText: String {
    switch self {
    case .null: ""
    case .integer(let integer): String(integer)
    case .real(let real): String(real)
    case .text(let text): text
    case .blob(let data): "x'" + hexadecimal(data) + "'"
    }
  }

  /// The value for a terminal: control characters become `?`.
  var terminalText: String { harmless(plainText) }

  fileprivate var jsonText: String {
    switch self {
    case .null: "null"
    case .integer(let integer): String(integer)
    case .real(let real): real.isFinite ? String(real) : "null"
    case .text, .blob: jsonString(plainText)
    }
  }
}

/// Text for a table: control characters become `?`.
private func harmless(_ text: String) -> String {
  // Most text: without a walk through its characters.
  if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
  return String(
    String.UnicodeScalarView(
      text.unicodeScalars.map { scalar in
        scalar.isControl ? "?" : scalar
      }))
}

/// A JSON string literal.
public func jsonString(_ text: String) -> String {
  var literal = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": literal += "\\\""
    case "\\": literal += "\\\\"
    case "\n": literal += "\\n"
    case "\t": literal += "\\t"
    case "\r": literal += "\\r"
    // Also those of C1 and what turns the direction of text: JSON goes to terminals too.
    case _ where scalar.isControl:
      let digits = String(scalar.value, radix: 16)
      literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: literal.unicodeScalars.append(scalar)
    }
  }
  return literal + "\""
}

/// The value of an axis as JSON: a number where the axis has nothing else, which of all is
/// the mask; one that is no whole number of bits is an address, and text.
public func jsonValue(_ name: String, of axis: String) -> String {
  axis == DMAMask.axis && UInt8(name) != nil ? name : jsonString(name)
}

/// A field of RFC 4180, quoted where it must be.
///
/// Bytes and scalars are compared: CR LF is one character, as is a comma with an accent.
func csvField(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r"): false
    default: true
    }
  }
  return isPlain ? text : quotedCSVField(text)
}

/// A field of RFC 4180 in quotes, whatever it holds.
func quotedCSVField(_ text: String) -> String {
  "\"" + escaping("\"", in: text, by: "\"") + "\""
}

/// Text for a cell of a Markdown table.
func markdownCell(_ text: String) -> String { escaping("|", in: text, by: "\\") }

private func escaping(
  _ special: Unicode.Scalar, in text: String, by escape: Unicode.Scalar
) -> String {
  var scalars = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    if scalar == special { scalars.append(escape) }
    scalars.append(scalar)
  }
  return String(scalars)
}

private func tabField(_ text: String) -> String {
  String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
}

private func separated(
  _ result: QueryResult, header: Bool, by separator: String, quoted: (String) -> String,
  _ use: (String) throws -> Void
) rethrows {
  if header { try use(result.columns.map(quoted).joined(separator: separator) + "\n") }
  for row in result.rows {
    try use(row.map { quoted($0.plainText) }.joined(separator: separator) + "\n")
  }
}

private func jsonRows(_ result: QueryResult, _ use: (String) throws -> Void) rethrows {
  guard !result.rows.isEmpty else { return try use("[]\n") }
  let names = result.columns.map(jsonString)
  for (index, row) in result.rows.enumerated() {
    let fields = zip(names, row).map { "\($0): \($1.jsonText)" }
    try use((index == 0 ? "[\n  {" : ",\n  {") + fields.joined(separator: ", ") + "}")
  }
  try use("\n]\n")
}

private func markdownTable(
  _ result: QueryResult, header: Bool, _ use: (String) throws -> Void
) rethrows {
  func line(_ cells: [String]) -> String {
    "| " + cells.map(markdownCell).joined(separator: " | ") + " |\n"
  }
  if header {
    try use(line(result.columns.map(harmless)))
    try use("|" + String(repeating: " --- |", count: result.columns.count) + "\n")
  }
  for row in result.rows { try use(line(row.map(\.terminalText))) }
}

private func lines(_ result: QueryResult, _ use: (String) throws -> Void) rethrows {
  let columns = result.columns.map(harmless)
  let width = columns.map(\.count).max() ?? 0
  let names = columns.map { String(repeating: " ", count: width - $0.count) + $0 }
  for (index, row) in result.rows.enumerated() {
    let fields = zip(names, row).map { "\($0) = \($1.terminalText)\n" }
    try use((index == 0 ? "" : "\n") + fields.joined())
  }
}

private func asciiTable(
  _ result: QueryResult, header: Bool, _ use: (String) throws -> Void
) rethrows {
  let isNumber = result.columns.indices.map { column in
    !result.rows.isEmpty
      && result.rows.allSatisfy { row in
        switch row[column] {
        case .integer, .real, .null: true
        case .text, .blob: false
        }
      }
  }
  let table = TextTable(
    columns: zip(result.columns, isNumber).map { name, number in
      TextTable.Column(header ? harmless(name) : "", alignment: number ? .trailing : .leading)
    })
  try table.write(
    result.rows.lazy.map { row in row.map(\.terminalText) }, header: header, to: use)
}
