import MatrixStore

/// A configuration: everything of a scenario but the mask.
private struct Configuration: Hashable {
  let platform: String
  let iommu: String
  let swiotlb: String
  let op: String
  let attrs: String
  let buf: String
  let device: [String]

  init(_ span: BehaviorSpan) {
    (platform, iommu, swiotlb) = (span.platform, span.iommu, span.swiotlb)
    (op, attrs, buf) = (span.op, span.attrs, span.buf)
    device = [span.mem, span.coherentMask, span.busLimit, span.coherent, span.external]
  }
}

/// Rows ranges of masks, one column a kernel; configurations that all kernels
/// treat alike share a table.
func versionsReport(_ spans: [BehaviorSpan], kernels: [String]) -> Document {
  let present = Set(spans.map(\.kernel))
  let kernels = kernels.filter(present.contains)
  var document = Document()
  document.blocks.append(.title("What each kernel does, by DMA mask"))
  document.blocks.append(.paragraph("Device: \(deviceText(spans))."))

  var tables: [Document.Block] = []
  var headings: [[Configuration]] = []
  for (configuration, part) in grouped(spans, by: Configuration.init) {
    let table = versionTable(part, kernels: kernels)
    if let index = tables.firstIndex(of: table) {
      headings[index].append(configuration)
    } else {
      tables.append(table)
      headings.append([configuration])
    }
  }
  for (configurations, table) in zip(headings, tables) {
    document.blocks.append(.heading(heading(configurations)))
    document.blocks.append(table)
  }
  return document
}

/// One line for each boot and operation, with the buffers that share a table.
private func heading(_ configurations: [Configuration]) -> String {
  let boots = grouped(configurations) { configuration in
    let attributes = configuration.attrs == "none" ? "" : " \(configuration.attrs)"
    return "\(configuration.platform), iommu=\(configuration.iommu), "
      + "swiotlb=\(configuration.swiotlb), \(configuration.op)\(attributes)"
  }
  return boots.map { boot, members in
    let buffers = distinct(members.map(\.buf)).filter { $0 != "-" }
    return buffers.isEmpty ? boot : "\(boot) of \(buffers.joined(separator: "|"))"
  }.joined(separator: "; ")
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
    [maskText(range)] + kernels.map { rows[$0]?.cells[range.lowerBound]?.text ?? "-" }
  }
  return .table(columns: ["mask"] + (titles ?? kernels), rows: lines)
}
