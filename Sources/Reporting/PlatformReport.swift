import MatrixStore

/// A request with the device axes that vary in a report.
private struct RequestKey: Hashable {
  let op: String
  let attrs: String
  let buf: String
  let mem: String
  let coherentMask: String
  let busLimit: String
  let coherent: String
  let external: String

  init(_ span: BehaviorSpan) {
    (op, attrs, buf, mem) = (span.op, span.attrs, span.buf, span.mem)
    (coherentMask, busLimit) = (span.coherentMask, span.busLimit)
    (coherent, external) = (span.coherent, span.external)
  }

  var request: String {
    let attributes = attrs == "none" ? "" : " \(attrs)"
    return op + attributes + (buf == "-" ? "" : " \(buf)")
  }
}

/// Rows iommu x swiotlb under each request, columns ranges of masks.
func platformReport(_ spans: [BehaviorSpan]) -> Document {
  var document = Document()
  let kernels = distinct(spans.map(\.kernel))
  let platforms = distinct(spans.map(\.platform))
  document.blocks.append(
    .title("\(platforms.joined(separator: ", ")) on \(kernels.joined(separator: ", "))"))
  document.blocks.append(.paragraph("Device: \(deviceText(spans))."))
  for kernel in kernels {
    for platform in platforms {
      let part = spans.filter { $0.kernel == kernel && $0.platform == platform }
      let prefix = kernels.count * platforms.count > 1 ? "\(kernel) \(platform): " : ""
      document.blocks += sections(part, prefix: prefix)
    }
  }
  return document
}

/// Requests whose tables are the same share a heading.
private func sections(_ spans: [BehaviorSpan], prefix: String) -> [Document.Block] {
  var order: [Document.Block] = []
  var requests: [[RequestKey]] = []
  for (key, part) in grouped(spans, by: RequestKey.init) {
    let table = bootTable(part)
    if let index = order.firstIndex(of: table) {
      requests[index].append(key)
    } else {
      order.append(table)
      requests.append([key])
    }
  }
  return zip(requests, order).flatMap { keys, table in
    [
      .heading(prefix + distinct(keys.map(\.request)).joined(separator: ", ")),
      table,
    ]
  }
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
      lines.append([label] + ranges.map { row.cells[$0.lowerBound]?.text ?? "-" })
    }
  }
  return .table(columns: ["iommu swiotlb"] + ranges.map(maskText), rows: lines)
}

/// Elements by a key, both in the order of first appearance.
func grouped<Element, Key: Hashable>(
  _ elements: some Sequence<Element>, by key: (Element) -> Key
) -> [(key: Key, elements: [Element])] {
  var order: [Key] = []
  var groups: [Key: [Element]] = [:]
  for element in elements {
    let key = key(element)
    if groups[key] == nil { order.append(key) }
    groups[key, default: []].append(element)
  }
  return order.map { ($0, groups[$0] ?? []) }
}
