import DMAModel
import MatrixStore

/// One device over all platforms, IOMMU modes and some kernels: what a map and an
/// allocation get, and what else they would get had the driver set its streaming mask
/// alone.
///
/// - Parameters:
///   - mask: What `dma_set_mask()` was called with.
///   - coherentMask: What `dma_set_coherent_mask()` was; `same` after
///     `dma_set_mask_and_coherent()`.
///   - busLimit: The end that a bridge or firmware sets.
public func deviceReport(
  mask: DMAMask, coherentMask: CoherentMask = .same, busLimit: BusLimit = .none,
  kernels: [KernelVersion] = KernelVersion.releases,
  platforms: [Platform] = Platform.allCases, iommuModes: [IOMMUMode] = MatrixDomain().iommuModes
) -> Document {
  var domain = MatrixDomain()
  domain.kernels = kernels
  domain.platforms = platforms
  domain.iommuModes = iommuModes
  domain.swiotlbModes = [.standard]
  domain.machines = [.sixtyFourGiB]
  domain.masks = [mask]
  domain.coherentMasks = [coherentMask]
  domain.busLimits = [busLimit]
  domain.coherences = [.coherent]
  domain.facings = [.internal]
  domain.operations = [.map, .alloc]
  domain.attributes = [.none]
  domain.buffers = [.none, .high]
  let rows = DeviceRows(domain)

  var document = Document()
  let limit = busLimit == .none ? "" : ", bus limit \(busLimit.name)"
  let coherent = coherentMask == .same ? "\(mask.name)" : coherentMask.name
  document.blocks = [
    .title("A device with mask \(mask.name), coherent mask \(coherent)\(limit)"),
    .paragraph(
      "64 GiB of RAM, swiotlb= not given, a coherent trusted device, no attributes. Other "
        + "machines and modes: dmamatrix explain, with the same options."),
    .heading("A map of RAM at 32 GiB"), rows.table(.map),
    .heading("dma_alloc_coherent()"), rows.table(.alloc),
    .paragraph(Cell.legend),
  ]
  guard coherentMask != .bits32, mask.bits > 32 else { return document }
  domain.coherentMasks = [.bits32]
  document.blocks.append(.heading("With dma_set_mask() alone: the coherent mask stays at 32"))
  let alone = DeviceRows(domain)
  let differing = [Operation.map, .alloc].compactMap { alone.table($0, unlike: rows) }
  document.blocks +=
    differing.isEmpty ? [.paragraph("Nothing differs but where allocations lie.")] : differing
  return document
}

/// The answers to one device, by platform, IOMMU mode and request.
private struct DeviceRows {
  private let domain: MatrixDomain
  private var cells: [[String]: String] = [:]

  init(_ domain: MatrixDomain) {
    self.domain = domain
    for span in modelSpans(domain.kernels, domain) {
      cells[[span.op, span.platform, span.iommu, span.kernel]] = Cell(span).text
    }
  }

  private func row(_ operation: Operation, _ platform: Platform, _ iommu: IOMMUMode) -> [String] {
    domain.kernels.map {
      cells[[operation.name, platform.name, iommu.name, $0.name]] ?? Cell.absent
    }
  }

  /// A row for each platform and the IOMMU modes that answer alike.
  func table(_ operation: Operation) -> Document.Block {
    table(operation, lines(operation) { _, _ in true })
  }

  /// The rows that another device has otherwise; nil where there is none.
  func table(_ operation: Operation, unlike other: DeviceRows) -> Document.Block? {
    let lines = lines(operation) { platform, iommu in
      row(operation, platform, iommu) != other.row(operation, platform, iommu)
    }
    return lines.isEmpty ? nil : table(operation, lines)
  }

  private func table(_ operation: Operation, _ lines: [[String]]) -> Document.Block {
    .table(columns: [operation.name, "iommu"] + domain.kernels.map(\.name), rows: lines)
  }

  private func lines(
    _ operation: Operation, where isShown: (Platform, IOMMUMode) -> Bool
  ) -> [[String]] {
    domain.platforms.flatMap { platform -> [[String]] in
      var lines: [(modes: [String], cells: [String])] = []
      for iommu in domain.iommuModes where isShown(platform, iommu) {
        let cells = row(operation, platform, iommu)
        if cells.allSatisfy({ $0 == Cell.absent }) { continue }
        if let index = lines.firstIndex(where: { $0.cells == cells }) {
          lines[index].modes.append(iommu.name)
        } else {
          lines.append(([iommu.name], cells))
        }
      }
      return lines.map { [platform.name, $0.modes.joined(separator: "|")] + $0.cells }
    }
  }
}
