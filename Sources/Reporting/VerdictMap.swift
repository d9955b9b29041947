import DMAModel
import MatrixStore

extension Verdict {
  /// Fill and text colour of a map, apart for the colour-blind as well (after
  /// Okabe and Ito), with a contrast of 4.5 or more.
  fileprivate var colors: (fill: String, text: String) {
    switch self {
    case .ok: ("#dcebf8", "#0b3d66")
    case .bounced: ("#56b4e9", "#00202e")
    case .refused: ("#f0e442", "#332f00")
    case .garbled: ("#d55e00", "#000000")
    case .blocked: ("#7b3f8c", "#ffffff")
    case .unreachable: ("#2b2b2b", "#ffffff")
    }
  }
}

/// Verdicts as a picture: a panel a configuration, a row a kernel, a column a
/// DMA mask.
public struct VerdictMap: Sendable {
  /// One configuration.
  struct Panel: Sendable {
    /// The values by which it differs from other panels; nil where it is the only one.
    let heading: String?
    var rows: [(kernel: String, cells: [Int: Cell])]
  }

  /// Configurations with the same verdicts share a panel.
  let panels: [Panel]
  let masks: [Int]
  let source: String
  /// What all panels have in common.
  private let fixedText: String
  private let scope: [Document.Block]

  /// - Parameter scope: What was asked, and the defaults that were taken.
  init(
    _ spans: [BehaviorSpan], kernels: [String], scope: [Document.Block] = [], source: String
  ) {
    let configurations = Configurations(spans, shown: ["kernel"])
    let present = Set(spans.map(\.kernel))
    let kernels = kernels.filter(present.contains)
    var rows: [[String: MaskRow]] = []
    var keys: [[[String]]] = []
    for (key, members) in grouped(spans, by: configurations.key) {
      var row: [String: MaskRow] = [:]
      for span in members {
        for mask in span.masks { row[span.kernel, default: MaskRow()].cells[mask] = Cell(span) }
      }
      let same = rows.firstIndex { known in
        known.mapValues { $0.cells.mapValues(\.verdict) }
          == row.mapValues { $0.cells.mapValues(\.verdict) }
      }
      if let same {
        keys[same].append(key)
      } else {
        rows.append(row)
        keys.append([key])
      }
    }
    panels = zip(rows, keys).map { row, keys in
      Panel(
        heading: configurations.heading(keys),
        rows: kernels.map { ($0, row[$0]?.cells ?? [:]) })
    }
    masks = Set(rows.flatMap { $0.values.flatMap(\.cells.keys) }).sorted()
    fixedText = configurations.fixedText
    self.scope = scope
    self.source = source
  }

  /// What the signs mean.
  static let signs =
    (Verdict.allCases.map { "\($0.sign) \($0.name)" } + ["\(Cell.absent) no such scenario"])
    .joined(separator: ", ")

  /// What the signs and the columns mean.
  var legend: String { "\(Self.signs). Columns are DMA masks in bits: \(maskListText(masks))." }

  /// The map in characters: one sign a mask.
  var document: Document {
    var document = Document()
    document.blocks.append(.title("Verdict by kernel and DMA mask"))
    document.blocks += fixed
    document.blocks += scope
    document.blocks += literals
    document.blocks.append(.paragraph(legend))
    document.blocks.append(.paragraph(source + "."))
    return document
  }

  /// What all panels have in common, as a paragraph.
  var fixed: [Document.Block] {
    fixedText.isEmpty ? [] : [.paragraph("Fixed: \(fixedText).")]
  }

  /// The masks that have a number above their column: multiples of `step`, and where
  /// masks before are left out.
  private func isNumbered(_ mask: Int, step: Int) -> Bool {
    mask % step == 0 || !masks.contains(mask - 1)
  }

  /// The panels in characters.
  var literals: [Document.Block] {
    let width = panels.flatMap { $0.rows.map(\.kernel.count) }.max() ?? 0
    // A literal block is indented by two.
    let isNarrow = width + 1 + masks.count <= 70
    func line(_ label: String, _ signs: [String]) -> String {
      label + String(repeating: " ", count: width + 1 - label.count) + signs.joined()
    }
    let tens = masks.map { isNumbered($0, step: 8) ? String($0 / 10) : " " }
    let ones = masks.map { isNumbered($0, step: 8) ? String($0 % 10) : " " }
    return panels.flatMap { panel -> [Document.Block] in
      let rows = panel.rows.map { row in
        (row.kernel, masks.map { row.cells[$0].map(sign) ?? Cell.absent })
      }
      let lines =
        isNarrow
        ? [line("", tens), line("", ones)] + rows.map(line)
        : [tens.joined(), ones.joined()] + rows.flatMap { [$0.0, $0.1.joined()] }
      return (panel.heading.map { [.paragraph($0)] } ?? []) + [.literal(lines)]
    }
  }

  private func sign(_ cell: Cell) -> String { Verdict(name: cell.verdict)?.sign ?? "?" }

  /// The map as an SVG picture.
  public var svg: String {
    let (cell, line, left) = (14, 17, 66)
    let width = left + masks.count * cell + 12
    var body = ""
    var y = 22
    func text(_ x: Int, _ y: Int, _ text: String, _ attributes: String = "") {
      body += "<text x=\"\(x)\" y=\"\(y)\"\(attributes)>\(escaped(text))</text>\n"
    }
    /// Text over as many lines as the picture's width needs.
    func lines(_ content: String, _ attributes: String) {
      for line in foldedProse(content, width: max(20, (width - 16) / 7)) {
        text(8, y, line, attributes)
        y += 15
      }
    }
    if !fixedText.isEmpty { lines(fixedText, "") }
    for case .paragraph(let content) in scope { lines(content, "") }
    for panel in panels {
      if let heading = panel.heading { lines(heading, " class=\"heading\"") }
      for (column, mask) in masks.enumerated() where isNumbered(mask, step: 4) {
        text(left + column * cell + cell / 2, y, String(mask), " class=\"mask\"")
      }
      y += 4
      for row in panel.rows {
        text(left - 6, y + 12, row.kernel, " class=\"kernel\"")
        for run in runs(row.cells) {
          let x = left + run.columns.lowerBound * cell
          body += "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(run.columns.count * cell - 1)\" "
          body += "height=\"\(line - 1)\" fill=\"\(run.verdict.colors.fill)\"/>"
          let middles = run.columns.map { String(left + $0 * cell + cell / 2) }
          body += "<text x=\"\(middles.joined(separator: " "))\" y=\"\(y + 12)\" class=\"sign\" "
          body += "style=\"fill:\(run.verdict.colors.text)\">"
          body += String(repeating: run.verdict.sign, count: run.columns.count) + "</text>\n"
        }
        let absent = masks.indices.filter { row.cells[masks[$0]] == nil }
        if !absent.isEmpty {
          let middles = absent.map { String(left + $0 * cell + cell / 2) }
          body += "<text x=\"\(middles.joined(separator: " "))\" y=\"\(y + 12)\" class=\"sign\">"
          body += String(repeating: Cell.absent, count: absent.count) + "</text>\n"
        }
        y += line
      }
      y += 22
    }
    for (index, verdict) in Verdict.allCases.enumerated() {
      let (x, row) = (8 + index % 2 * (width / 2), y + index / 2 * 20)
      body += "<rect x=\"\(x)\" y=\"\(row - 12)\" width=\"14\" height=\"16\" "
      body += "fill=\"\(verdict.colors.fill)\"/>"
      text(x + 7, row, verdict.sign, " class=\"sign\" style=\"fill:\(verdict.colors.text)\"")
      text(x + 20, row, "\(verdict.name): \(shortMeaning(verdict))")
    }
    y += 3 * 20
    text(15, y, Cell.absent, " class=\"sign\"")
    text(28, y, "no such scenario on this kernel, or not in the database")
    y += 20
    text(8, y, source, " class=\"source\"")
    let configurations = ([fixedText] + panels.compactMap(\.heading)).filter { !$0.isEmpty }
    let title = "Verdict by kernel and DMA mask: " + configurations.joined(separator: "; ")
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(y + 12)" \
      viewBox="0 0 \(width) \(y + 12)" role="img" aria-label="\(escaped(title))">
      <title>\(escaped(title))</title>
      <style>text{font:12px "DejaVu Sans",sans-serif;fill:#1b1f24}.heading{font-weight:700}\
      .mask{font-size:10px;text-anchor:middle;fill:#505a66}.kernel{text-anchor:end}\
      .sign{font:700 11px "DejaVu Sans Mono",monospace;text-anchor:middle}\
      .source{font-size:10px;fill:#505a66}</style>
      <rect width="100%" height="100%" fill="#ffffff"/>
      \(body)</svg>

      """
  }

  /// Neighbouring columns with one verdict.
  private func runs(_ cells: [Int: Cell]) -> [(columns: Range<Int>, verdict: Verdict)] {
    var runs: [(columns: Range<Int>, verdict: Verdict)] = []
    for (column, mask) in masks.enumerated() {
      guard let cell = cells[mask], let verdict = Verdict(name: cell.verdict) else { continue }
      if let last = runs.last, last.verdict == verdict, last.columns.upperBound == column {
        runs[runs.count - 1].columns = last.columns.lowerBound..<(column + 1)
      } else {
        runs.append((column..<(column + 1), verdict))
      }
    }
    return runs
  }

  private func shortMeaning(_ verdict: Verdict) -> String {
    switch verdict {
    case .ok: "right bytes, directly or by IOVA"
    case .bounced: "right bytes, by a bounce buffer"
    case .refused: "the kernel returned an error"
    case .garbled: "wrong bytes, silently"
    case .blocked: "private memory, no access"
    case .unreachable: "out of reach"
    }
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
