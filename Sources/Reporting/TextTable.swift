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

  /// The lines, without trailing spaces, each ending with a newline.
  public func text(header: Bool = true) -> String {
    let widths = columns.indices.map { column in
      let cells = rows.map { $0[column].count }.max() ?? 0
      return max(cells, header ? columns[column].title.count : 0)
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: max(0, widths[column] - cells[column].count))
        return columns[column].alignment == .leading
          ? cells[column] + space : space + cells[column]
      }
      let joined = padded.joined(separator: String(repeating: " ", count: gap))
      return String(joined.reversed().drop { $0 == " " }.reversed()) + "\n"
    }
    var lines: [String] = []
    if header {
      lines.append(line(columns.map(\.title)))
      lines.append(line(widths.map { String(repeating: "-", count: $0) }))
    }
    return (lines + rows.map(line)).joined()
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

/// A condition, broken at spaces, or behind `|` in a long list of values.
func foldedCondition(_ text: String) -> String {
  folded(text, indent: "  ", hanging: "    ", breakingAfter: "|")
}

/// Folds text whose words may also be broken behind a character.
private func folded(
  _ text: String, indent: String, hanging: String, breakingAfter mark: Character
) -> String {
  var lines = [indent]
  for word in text.split(separator: " ") {
    let space = lines[lines.count - 1].allSatisfy { $0 == " " } ? "" : " "
    if lines[lines.count - 1].count + space.count + word.count <= 72 {
      lines[lines.count - 1] += space + word
      continue
    }
    if hanging.count + word.count <= 72 {
      lines.append(hanging + word)
      continue
    }
    var first = true
    for piece in word.split(separator: mark, omittingEmptySubsequences: false) {
      let text = (first ? space : String(mark)) + piece
      if lines[lines.count - 1].count + text.count < 72 {
        lines[lines.count - 1] += text
      } else {
        lines[lines.count - 1] += first ? "" : String(mark)
        lines.append(hanging + piece)
      }
      first = false
    }
  }
  return lines.map { $0 + "\n" }.joined()
}
