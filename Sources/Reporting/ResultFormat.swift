import DMAModel
import Foundation
import MatrixStore

/// How rows are printed; the names are those of the sqlite3 shell where it has them.
public enum ResultFormat: String, CaseIterable, Sendable {
  case table, csv, tabs, json, markdown, line

  /// The rows as text, ending with a newline unless empty.
  ///
  /// - Parameter header: Whether the column names are printed (`json` and `line`
  ///   always name them).
  public func text(_ result: QueryResult, header: Bool = true) -> String {
    switch self {
    case .table: asciiTable(result, header: header)
    case .csv: separated(result, header: header, by: ",", quoted: csvField)
    case .tabs: separated(result, header: header, by: "\t", quoted: tabField)
    case .json: jsonRows(result)
    case .markdown: markdownTable(result, header: header)
    case .line: lines(result)
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
  String(
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
    case _ where scalar.value < 0x20 || scalar.value == 0x7f:
      let digits = String(scalar.value, radix: 16)
      literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: literal.unicodeScalars.append(scalar)
    }
  }
  return literal + "\""
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
  return isPlain ? text : "\"" + escaping("\"", in: text, by: "\"") + "\""
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
  _ result: QueryResult, header: Bool, by separator: String, quoted: (String) -> String
) -> String {
  var rows = result.rows.map { row in row.map { quoted($0.plainText) } }
  if header { rows.insert(result.columns.map(quoted), at: 0) }
  return rows.map { $0.joined(separator: separator) + "\n" }.joined()
}

private func jsonRows(_ result: QueryResult) -> String {
  let rows = result.rows.map { row in
    let fields = zip(result.columns, row).map { "\(jsonString($0)): \($1.jsonText)" }
    return "  {" + fields.joined(separator: ", ") + "}"
  }
  return rows.isEmpty ? "[]\n" : "[\n" + rows.joined(separator: ",\n") + "\n]\n"
}

private func markdownTable(_ result: QueryResult, header: Bool) -> String {
  var lines: [String] = []
  if header {
    let cells = result.columns.map { markdownCell(harmless($0)) }
    lines.append("| " + cells.joined(separator: " | ") + " |")
    lines.append("|" + String(repeating: " --- |", count: result.columns.count))
  }
  lines += result.rows.map { row in
    "| " + row.map { markdownCell($0.terminalText) }.joined(separator: " | ") + " |"
  }
  return lines.map { $0 + "\n" }.joined()
}

private func lines(_ result: QueryResult) -> String {
  let columns = result.columns.map(harmless)
  let width = columns.map(\.count).max() ?? 0
  let records = result.rows.map { row in
    zip(columns, row).map { name, value in
      String(repeating: " ", count: width - name.count) + "\(name) = \(value.terminalText)\n"
    }.joined()
  }
  return records.joined(separator: "\n")
}

private func asciiTable(_ result: QueryResult, header: Bool) -> String {
  let cells = result.rows.map { row in row.map(\.terminalText) }
  let isNumber = result.columns.indices.map { column in
    !result.rows.isEmpty
      && result.rows.allSatisfy { row in
        switch row[column] {
        case .integer, .real, .null: true
        case .text, .blob: false
        }
      }
  }
  var table = TextTable(
    columns: zip(result.columns, isNumber).map { name, number in
      TextTable.Column(header ? harmless(name) : "", alignment: number ? .trailing : .leading)
    })
  table.rows = cells
  return table.text(header: header)
}
