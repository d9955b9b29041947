import DMAModel
import MatrixStore

/// Rows iommu x swiotlb under each request, columns ranges of masks.
///
/// - Parameter scope: What was asked, and the defaults that were taken.
func platformReport(_ spans: [BehaviorSpan], scope: [Document.Block] = []) -> Document {
  var document = Document()
  let kernels = distinct(spans.map(\.kernel))
  let platforms = distinct(spans.map(\.platform))
  document.blocks.append(
    .title("\(platforms.joined(separator: ", ")) on \(kernels.joined(separator: ", "))"))
  document.blocks += tables(
    spans, shown: [IOMMUMode.axis, SwiotlbMode.axis], scope: scope, table: bootTable)
  return document
}

/// What is fixed, then a table for each configuration; those with the same table
/// share a heading.
func tables(
  _ spans: [BehaviorSpan], shown: Set<String>, scope: [Document.Block],
  table: ([BehaviorSpan]) -> Document.Block
) -> [Document.Block] {
  let configurations = Configurations(spans, shown: shown)
  var blocks: [Document.Block] = []
  if !configurations.fixedText.isEmpty {
    blocks.append(.paragraph("Fixed: \(configurations.fixedText)."))
  }
  blocks += scope
  var tables: [Document.Block] = []
  var keys: [[[String]]] = []
  for (key, part) in grouped(spans, by: configurations.key) {
    let table = table(part)
    if let index = tables.firstIndex(of: table) {
      keys[index].append(key)
    } else {
      tables.append(table)
      keys.append([key])
    }
  }
  for (table, keys) in zip(tables, keys) {
    if let heading = configurations.heading(keys) { blocks.append(.heading(heading)) }
    blocks.append(table)
  }
  return blocks
}

/// One table: rows iommu and swiotlb, modes that decide alike on one line.
private func bootTable(_ spans: [BehaviorSpan]) -> Document.Block {
  struct BootKey: Hashable {
    let iommu: String
    let swiotlb: String
  }
  var rows: [BootKey: MaskRow] = [:]
  for span in spans {
    let key = BootKey(iommu: span.iommu, swiotlb: span.swiotlb)
    for mask in span.masks { rows[key, default: MaskRow()].cells[mask] = Cell(span) }
  }
  let ranges = maskRanges(rows.values)
  let iommus = distinct(spans.map(\.iommu))
  let swiotlbs = distinct(spans.map(\.swiotlb))

  var lines: [[String]] = []
  let byIOMMU = grouped(iommus) { iommu in
    swiotlbs.map { rows[BootKey(iommu: iommu, swiotlb: $0)] }
  }
  for (_, sameIOMMUs) in byIOMMU {
    let bySwiotlb = grouped(swiotlbs) { swiotlb in
      rows[BootKey(iommu: sameIOMMUs[0], swiotlb: swiotlb)]
    }
    for (row, sameSwiotlbs) in bySwiotlb {
      guard let row else { continue }
      let label = sameIOMMUs.joined(separator: "|") + " " + sameSwiotlbs.joined(separator: "|")
      lines.append([label] + ranges.map(row.text))
    }
  }
  return .table(columns: ["iommu swiotlb"] + ranges.map(maskText), rows: lines)
}
