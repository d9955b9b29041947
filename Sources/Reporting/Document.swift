import Analysis
import Support

/// A report as headings, paragraphs and tables, before it has a format.
public struct Document: Sendable, Equatable {
  /// A file beside the document.
  public struct Link: Sendable, Equatable {
    public let path: String
    public let title: String
  }

  /// A piece of a document.
  public enum Block: Sendable, Equatable {
    case title(String)
    case heading(String)
    case paragraph(String)
    /// Lines that are kept as they are.
    case literal([String])
    /// Lines of a summary, which text does not indent.
    case lines([String])
    /// A title with its lines close below.
    case summary(title: String, lines: [String])
    case table(columns: [String], rows: [[String]])
    /// Conditions with their counts and witnesses.
    case conditions([Condition])
    /// Files beside this one, with what they hold.
    case links([Link])
  }

  public var blocks: [Block] = []

  public init(blocks: [Block] = []) { self.blocks = blocks }

  /// The formats of a report.
  public enum Format: String, CaseIterable, Sendable { case text, markdown }

  /// The document in a format, ending with a newline.
  ///
  /// What is printed of trees, mails, commits and databases may hold control characters,
  /// which somebody's terminal would obey behind a pipe or in a file: they become `?`.
  public func text(_ format: Format) -> String {
    let parts = blocks.map { block in
      switch format {
      case .text: plain(block)
      case .markdown: markdown(block)
      }
    }
    return parts.joined(separator: "\n").withoutControls
  }

  private func plain(_ block: Block) -> String {
    switch block {
    case .title(let text):
      return folded(text) + String(repeating: "=", count: min(72, text.count)) + "\n"
    case .heading(let text), .paragraph(let text):
      return foldedProse(text)
    case .literal(let lines):
      return lines.map { "  \($0)\n" }.joined()
    case .lines(let lines): return lines.map { "\($0)\n" }.joined()
    case .summary(let title, let lines): return plain(.title(title)) + plain(.lines(lines))
    case .table(let columns, let rows):
      return panels(columns, rows)
    case .links(let links):
      return links.map { folded("\($0.path): \($0.title)", indent: "  ", hanging: "    ") }.joined()
    case .conditions(let conditions):
      return conditions.map { condition in
        foldedCondition("\(condition.text): \(condition.scenarios)")
          + foldedKey(condition.witness)
      }.joined()
    }
  }

  /// A table of at most 72 columns: where it is wider, the columns behind the
  /// first continue in further panels.
  private func panels(_ columns: [String], _ rows: [[String]]) -> String {
    func table(_ chosen: [Int]) -> String {
      var table = TextTable(columns: chosen.map { TextTable.Column(columns[$0]) })
      table.gap = 1
      table.rows = rows.map { row in chosen.map { row[$0] } }
      return table.text()
    }
    func width(_ column: Int) -> Int {
      max(columns[column].count, rows.map { $0[column].count }.max() ?? 0)
    }
    var panels: [String] = []
    var chosen = [0]
    var total = width(0)
    for column in columns.indices.dropFirst() {
      if total + 1 + width(column) > 72, chosen.count > 1 {
        panels.append(table(chosen))
        chosen = [0]
        total = width(0)
      }
      chosen.append(column)
      total += 1 + width(column)
    }
    panels.append(table(chosen))
    return panels.joined(separator: "\n")
  }

  private func markdown(_ block: Block) -> String {
    switch block {
    case .title(let text): return "# \(text)\n"
    case .heading(let text): return "## \(text)\n"
    case .paragraph(let text): return folded(text)
    case .literal(let lines), .lines(let lines):
      return lines.map { "    \($0)\n" }.joined()
    case .summary(let title, let lines):
      return markdown(.title(title)) + (lines.isEmpty ? "" : "\n" + markdown(.lines(lines)))
    case .links(let links):
      return links.map { folded("- [\($0.path)](\($0.path)): \($0.title)", hanging: "  ") }.joined()
    case .conditions(let conditions):
      return conditions.map { condition in
        folded(
          "- `\(condition.text)`: \(condition.scenarios), e.g. `\(condition.witness)`",
          hanging: "  ")
      }.joined()
    case .table(let columns, let rows):
      let lines =
        ["| " + columns.map(markdownCell).joined(separator: " | ") + " |"]
        + ["|" + String(repeating: " --- |", count: columns.count)]
        + rows.map { "| " + $0.map(markdownCell).joined(separator: " | ") + " |" }
      return lines.map { $0 + "\n" }.joined()
    }
  }
}

extension String {
  /// The text with `?` for control characters, line breaks and tabs excepted.
  fileprivate var withoutControls: String {
    // Nearly all is plain ASCII.
    if utf8.allSatisfy({ (0x20..<0x7f).contains($0) || $0 == 0x0a || $0 == 0x09 }) {
      return self
    }
    return String(
      UnicodeScalarView(unicodeScalars.map { $0.isControl && $0 != "\n" && $0 != "\t" ? "?" : $0 }))
  }
}
