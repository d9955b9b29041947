/// A table of plain ASCII text, one line a row, columns two spaces apart.
public struct TextTable: Sendable {
  /// How a column's cells are placed.
  public enum Alignment: Sendable { case leading, trailing }

  /// A column's heading and placement.
  public struct Column: Sendable {
    public let title: String
    public let alignment: Alignment

    public init(_ title: String, alignment: Alignment = .leading) {
      self.title = title
      self.alignment = alignment
    }
  }

  public var columns: [Column]
  public var rows: [[String]] = []
  /// Spaces between two columns.
  public var gap = 2

  public init(columns: [Column]) { self.columns = columns }

  /// The widest column that cells are padded to; a longer cell is printed whole, and moves what
  /// is right of it.
  static let widest = 1000

  /// The lines, without trailing spaces, each ending with a newline.
  public func text(header: Bool = true) -> String {
    var text = ""
    write(rows, header: header) { text += $0 }
    return text
  }

  /// Hands on the lines one by one; `rows` take the place of the table's own and are read twice.
  func write(
    _ rows: some Sequence<[String]>, header: Bool, to write: (String) throws -> Void
  ) rethrows {
    var widths = columns.map { header ? min($0.title.count, Self.widest) : 0 }
    for row in rows {
      for column in widths.indices {
        widths[column] = max(widths[column], Self.width(row[column]))
      }
    }
    if header {
      try write(line(columns.map(\.title), widths))
      try write(line(widths.map { String(repeating: "-", count: $0) }, widths))
    }
    for row in rows { try write(line(row, widths)) }
  }

  /// Characters of a cell, up to ``widest``.
  private static func width(_ cell: String) -> Int {
    cell.utf8.count > widest ? cell.prefix(widest).count : cell.count
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    let separator = String(repeating: " ", count: gap)
    var line = ""
    for column in cells.indices {
      if column > 0 { line += separator }
      let padding = widths[column] - Self.width(cells[column])
      let space = String(repeating: " ", count: max(0, padding))
      line += columns[column].alignment == .leading ? cells[column] + space : space + cells[column]
    }
    while line.unicodeScalars.last == " " { line.unicodeScalars.removeLast() }
    return line + "\n"
  }
}

/// Text folded at spaces to at most `width` columns; a longer word stays whole.
///
/// - Parameters:
///   - indent: What the first line starts with.
///   - hanging: What further lines start with; `indent` without.
public func folded(
  _ text: String, width: Int = 72, indent: String = "", hanging: String? = nil
) -> String {
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ") {
    if line.isEmpty {
      line = (lines.isEmpty ? indent : hanging ?? indent) + word
    } else if line.count + 1 + word.count <= width {
      line += " " + word
    } else {
      lines.append(line)
      line = (hanging ?? indent) + word
    }
  }
  if !line.isEmpty { lines.append(line) }
  return lines.map { $0 + "\n" }.joined()
}

/// A scenario's key as a witness, broken behind a slash where 72 columns end.
func foldedKey(_ key: String) -> String {
  folded("e.g. " + key, indent: "    ", hanging: "      ", breakingAfter: "/")
}

/// A scenario's key in a list of axes, broken likewise.
func foldedScenario(_ key: String) -> String {
  folded("scenario " + key, indent: "  ", hanging: "    ", breakingAfter: "/")
}

/// A kernel and the scenarios it is asked for, broken behind a slash likewise.
public func foldedHeading(_ text: String) -> String {
  folded(text, indent: "", hanging: "  ", breakingAfter: "/")
}

/// Prose or a heading, broken at spaces, or behind `|` in a list of values that is
/// longer than a line.
func foldedProse(_ text: String) -> String {
  foldedProse(text, width: 72).map { $0 + "\n" }.joined()
}

/// The same as lines of at most `width` columns.
func foldedProse(_ text: String, width: Int) -> [String] {
  foldedLines(text, width: width, indent: "", hanging: "", breakingAfter: "|")
}

/// A condition, broken at spaces, or behind `|` in a long list of values.
func foldedCondition(_ text: String) -> String {
  folded(text, indent: "  ", hanging: "    ", breakingAfter: "|")
}

/// Folds text whose words may also be broken behind a character.
private func folded(
  _ text: String, indent: String, hanging: String, breakingAfter mark: Character
) -> String {
  foldedLines(text, width: 72, indent: indent, hanging: hanging, breakingAfter: mark)
    .map { $0 + "\n" }.joined()
}

/// Lines of at most `width` columns.
func foldedLines(
  _ text: String, width: Int, indent: String, hanging: String, breakingAfter mark: Character
) -> [String] {
  var lines = [indent]
  for word in text.split(separator: " ") {
    let space = lines[lines.count - 1].allSatisfy { $0 == " " } ? "" : " "
    if lines[lines.count - 1].count + space.count + word.count <= width {
      lines[lines.count - 1] += space + word
      continue
    }
    if hanging.count + word.count <= width {
      lines.append(hanging + word)
      continue
    }
    var first = true
    for piece in word.split(separator: mark, omittingEmptySubsequences: false) {
      let text = (first ? space : String(mark)) + piece
      if lines[lines.count - 1].count + text.count < width {
        lines[lines.count - 1] += text
      } else {
        lines[lines.count - 1] += first ? "" : String(mark)
        lines.append(hanging + piece)
      }
      first = false
    }
  }
  return lines
}
