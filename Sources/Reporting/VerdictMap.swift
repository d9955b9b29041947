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
    let heading: String
    var rows: [(kernel: String, cells: [Int: Cell])]
  }

  let panels: [Panel]
  let masks: [Int]
  let source: String

  init(_ spans: [BehaviorSpan], kernels: [String], source: String) {
    var masks: Set<Int> = []
    let configurations = grouped(spans) { span in
      let attributes = span.attrs == "none" ? "" : " \(span.attrs)"
      return "\(span.platform), iommu=\(span.iommu), swiotlb=\(span.swiotlb), "
        + "\(span.op)\(attributes)" + (span.buf == "-" ? "" : " of \(span.buf)")
    }
    panels = configurations.map { heading, members in
      let byKernel = Dictionary(grouping: members, by: \.kernel)
      let rows = kernels.compactMap { kernel -> (kernel: String, cells: [Int: Cell])? in
        guard let spans = byKernel[kernel] else { return nil }
        var cells: [Int: Cell] = [:]
        for span in spans { for mask in span.masks { cells[mask] = Cell(span) } }
        masks.formUnion(cells.keys)
        return (kernel, cells)
      }
      return Panel(heading: heading, rows: rows)
    }
    self.masks = masks.sorted()
    self.source = source
  }

  /// What the signs mean.
  static let legend =
    Verdict.allCases.map { "\($0.sign) \($0.name)" }.joined(separator: ", ")
    + ". Columns are DMA masks in bits."

  /// The map in characters: one sign a mask.
  var document: Document {
    var document = Document()
    document.blocks.append(.title("Verdict by kernel and DMA mask"))
    document.blocks += literals
    document.blocks.append(.paragraph(Self.legend))
    document.blocks.append(.paragraph(source + "."))
    return document
  }

  /// The panels in characters; configurations with the same map share one.
  var literals: [Document.Block] {
    let width = panels.flatMap { $0.rows.map(\.kernel.count) }.max() ?? 0
    // A literal block is indented by two.
    let isNarrow = width + 1 + masks.count <= 70
    func line(_ label: String, _ signs: [String]) -> String {
      label + String(repeating: " ", count: width + 1 - label.count) + signs.joined()
    }
    let maps = panels.map { panel in
      let tens = masks.map { $0 % 8 == 0 ? String($0 / 10) : " " }
      let ones = masks.map { $0 % 8 == 0 ? String($0 % 10) : " " }
      let rows = panel.rows.map { row in
        (row.kernel, masks.map { row.cells[$0].map(sign) ?? " " })
      }
      if isNarrow {
        return (panel.heading, [line("", tens), line("", ones)] + rows.map(line))
      }
      let lines = rows.flatMap { [$0.0, $0.1.joined()] }
      return (panel.heading, [tens.joined(), ones.joined()] + lines)
    }
    return grouped(maps, by: \.1).flatMap { map, same -> [Document.Block] in
      [.paragraph(same.map(\.0).joined(separator: "; ")), .literal(map)]
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
    for panel in panels {
      text(8, y, panel.heading, " class=\"heading\"")
      y += 15
      for (column, mask) in masks.enumerated() where mask % 4 == 0 {
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
    text(8, y, source, " class=\"source\"")
    let title = "Verdict by kernel and DMA mask: " + panels.map(\.heading).joined(separator: "; ")
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
    case .unreachable: "beyond the mask"
    }
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
