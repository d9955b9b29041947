import MatrixStore

/// Rows ranges of masks, one column a kernel; configurations that all kernels
/// treat alike share a table.
///
/// - Parameter scope: What was asked, and the defaults that were taken.
func versionsReport(
  _ spans: [BehaviorSpan], kernels: [String], scope: [Document.Block]
) -> Document {
  let present = Set(spans.map(\.kernel))
  let kernels = kernels.filter(present.contains)
  var document = Document()
  document.blocks.append(.title("What each kernel does, by DMA mask"))
  document.blocks += tables(spans, shown: ["kernel"], scope: scope) {
    versionTable($0, kernels: kernels)
  }
  return document
}

/// One table: rows ranges of masks, one column a kernel.
///
/// - Parameter titles: The columns' headings; the kernels' names without.
func versionTable(
  _ spans: [BehaviorSpan], kernels: [String], titles: [String]? = nil
) -> Document.Block {
  var rows: [String: MaskRow] = [:]
  for span in spans {
    for mask in span.masks { rows[span.kernel, default: MaskRow()].cells[mask] = Cell(span) }
  }
  let lines = maskRanges(rows.values).map { range in
    [maskText(range)] + kernels.map { rows[$0]?.text(range) ?? Cell.absent }
  }
  return .table(columns: ["mask"] + (titles ?? kernels), rows: lines)
}
