import Analysis
import DMAModel
import MatrixStore

/// The question of the mail of 2 July 2026, answered: SME hosts under every
/// iommu, swiotlb and mask, by version and by each alternative of that mail.
func mailReport() -> Document {
  let names = [
    "7.2", "v6", "v7", "7.3", "v6+P03", "v6+P06", "v6+P07", "v6+P09", "v6+P10",
  ]
  let kernels = names.compactMap(KernelVersion.named)
  var document = Document()
  let tallies = tallies(kernels)
  document.blocks.append(.title("SME hosts: the alternatives of 2 July 2026"))
  document.blocks.append(.lines(verdictLines(tallies)))
  document.blocks.append(
    .paragraph(
      "What 7.2, v6, v7, 7.3 and the alternatives of "
        + "<fd135adc-a8a4-48e5-b649-2a29789b22d8@amd.com> do for hosts with SME, C-bit 47 and "
        + "51. Each alternative is a change of v6; P06 decides as P03 does."))
  for kernel in kernels where kernel.expectation != nil {
    document.blocks.append(
      .paragraph("\(kernel.name): \(kernel.summary). Expected: \(kernel.expectation ?? "")."))
  }
  document.blocks += tallyBlocks(tallies)
  document.blocks += findingBlocks(kernels)
  document.blocks += tableBlocks(kernels)
  document.blocks.append(.paragraph(Cell.legend))
  document.blocks.append(
    .paragraph("dmamatrix report 2026-07-02, model digest \(ModelDigest.digest().prefix(16))."))
  return document
}

/// Ordinary requests: RAM without attributes, and allocations, of coherent,
/// trusted devices without a bus limit.
private var ordinary: MatrixDomain {
  var domain = MatrixDomain()
  domain.platforms = [.x86SME47, .x86SME51]
  domain.swiotlbModes = [.standard, .force, .noforce]
  domain.busLimits = [.none]
  domain.coherences = [.coherent]
  domain.facings = [.internal]
  domain.operations = [.map, .alloc, .allocAtomic, .allocPages]
  domain.attributes = [.none]
  domain.buffers = [.none, .low, .dma32, .high]
  return domain
}

/// How many scenarios a kernel serves, refuses, corrupts and exposes.
private struct Tally {
  let kernel: KernelVersion
  let scenarios: Int
  let served: Int
  let refused: Int
  let corrupt: Int
  let exposed: Int
  /// Served by the first kernel, and not by this one.
  let lost: Int
  /// Served by the first kernel without decrypted data, and now with it.
  let newlyExposed: Int

  init(_ kernel: KernelVersion, base: [Judged]) {
    let own = verdicts(kernel)
    let pairs = zip(own, base)
    self.kernel = kernel
    scenarios = own.count
    served = own.filter { $0.verdict.isServed }.count
    refused = own.filter { $0.verdict == .refused }.count
    corrupt = own.filter { $0.verdict == .garbled || $0.verdict == .unreachable }.count
    exposed = own.filter { $0.exposure != .none }.count
    lost = pairs.filter { $1.verdict.isServed && !$0.verdict.isServed }.count
    newlyExposed =
      pairs.filter { $1.verdict.isServed && $1.exposure == .none && $0.exposure != .none }.count
  }
}

private func tallies(_ kernels: [KernelVersion]) -> [Tally] {
  let base = verdicts(kernels[0])
  return kernels.map { Tally($0, base: base) }
}

/// The verdict on each alternative, in at most ten lines of 72 columns.
private func verdictLines(_ tallies: [Tally]) -> [String] {
  guard let start = tallies.first(where: { $0.kernel.name == "v6" }) else { return [] }
  let proposals = tallies.filter { $0.kernel.mail != nil }
  var lines = [
    "v6 loses \(start.lost) of the \(tallies[0].served) requests that \(tallies[0].kernel.name) "
      + "serves. Its alternatives:"
  ]
  for tally in proposals {
    let verdict =
      tally.corrupt > start.corrupt
      ? "no: corrupts \(tally.corrupt)"
      : tally.lost > start.lost
        ? "no: loses \(tally.lost)"
        : tally.lost == 0
          ? "yes: loses none" : "\(tally.lost < start.lost ? "in part" : "no"): loses \(tally.lost)"
    let exposed = tally.newlyExposed == 0 ? "none" : String(tally.newlyExposed)
    let name = tally.kernel.name.replacing("v6+", with: "").padding(4)
    let text = "\(name)\(verdict), newly exposes \(exposed)"
    let subject = tally.kernel.mail?.names.first.map { " (\($0))" } ?? ""
    lines.append((text + subject).cut(to: 72))
  }
  for tally in tallies where tally.kernel.mail == nil && tally.kernel.name != start.kernel.name {
    guard tally.kernel.name != tallies[0].kernel.name else { continue }
    lines.append(
      "\(tally.kernel.name.padding(4))loses \(tally.lost), newly exposes \(tally.newlyExposed)"
        + ", corrupts \(tally.corrupt)")
  }
  let clean = proposals.filter { $0.corrupt <= start.corrupt }
  if let best = clean.min(by: { ($0.lost, $0.newlyExposed) < ($1.lost, $1.newlyExposed) }) {
    lines.append("Of the alternatives that corrupt nothing, \(best.kernel.name) loses least.")
  }
  return lines
}

/// The tallies as a table.
private func tallyBlocks(_ tallies: [Tally]) -> [Document.Block] {
  let rows = tallies.map { tally in
    [tally.kernel.name]
      + [
        tally.served, tally.refused, tally.corrupt, tally.exposed, tally.lost, tally.newlyExposed,
      ].map(String.init)
  }
  return [
    .heading("In numbers: ordinary requests (maps of RAM without attributes, allocations)"),
    .paragraph(
      "\(tallies[0].scenarios) scenarios: C-bit 47 and 51, four IOMMU modes, three swiotlb modes, 2G and "
        + "64G, three coherent masks, masks of 24 to 64 bits. \"lost\" were served by 7.2 and "
        + "are not; \"newly exposed\" were served by 7.2 without decrypted data and now have "
        + "it."),
    .table(
      columns: ["version", "served", "refused", "corrupt", "exposed", "lost", "newly exposed"],
      rows: rows),
  ]
}

private struct Judged {
  let verdict: Verdict
  let exposure: Exposure
}

private func verdicts(_ kernel: KernelVersion) -> [Judged] {
  modelSpans([kernel], ordinary).compactMap { span in
    guard let verdict = Verdict(name: span.verdict), let exposure = Exposure(name: span.exposure)
    else { return nil }
    return Judged(verdict: verdict, exposure: exposure)
  }
}

/// What each kernel loses against 7.2, corrupts and newly exposes, as conditions.
private func findingBlocks(_ kernels: [KernelVersion]) -> [Document.Block] {
  kernels.dropFirst().flatMap { kernel -> [Document.Block] in
    let check = Check(
      kernel, base: kernels[0],
      lints: [.noSilentCorruption, .servedStaysServed, .noNewExposure, .maskMonotone],
      domain: ordinary, inCircumstances: false)
    var blocks: [Document.Block] = [.heading("\(kernel.name) against 7.2")]
    if check.findings.isEmpty {
      blocks.append(
        .paragraph("Serves everything that 7.2 serves, corrupts nothing, exposes nothing new."))
    }
    for finding in check.findings {
      blocks.append(
        .paragraph(
          "\(finding.lint.rawValue): \(finding.headline): \(scenarioCount(finding.scenarios))"))
      blocks.append(.conditions(finding.conditions))
    }
    return blocks
  }
}

/// The tables, those that are equal under one heading.
private func tableBlocks(_ kernels: [KernelVersion]) -> [Document.Block] {
  let columns = kernels.filter { $0.name != "v6+P06" }
  var blocks: [Document.Block] = []
  for (title, operation, buffer) in [
    ("Streaming maps of RAM above 4 GiB", Operation.map, Buffer.high),
    ("Coherent allocations", .alloc, .none),
  ] {
    blocks.append(.heading("\(title), by streaming mask"))
    var domain = ordinary
    domain.machines = [.sixtyFourGiB]
    domain.operations = [operation]
    domain.buffers = [buffer]
    let spans = modelSpans(columns, domain)
    let named: Set = [
      "kernel", Platform.axis, IOMMUMode.axis, SwiotlbMode.axis, CoherentMask.axis,
    ]
    blocks.append(.paragraph("Fixed: \(Configurations(spans, shown: named).fixedText)."))
    var tables: [(table: Document.Block, titles: [Title])] = []
    for (title, part) in grouped(spans, by: Title.init) {
      let table = alternativeTable(part, columns.map(\.name))
      if let index = tables.firstIndex(where: { $0.table == table }) {
        tables[index].titles.append(title)
      } else {
        tables.append((table, [title]))
      }
    }
    for (table, titles) in tables {
      for text in merged(titles) { blocks.append(.paragraph(text)) }
      blocks.append(table)
    }
  }
  return blocks
}

/// The configuration of a table.
private struct Title: Hashable {
  let platform: String
  let iommu: String
  let swiotlb: String
  let coherentMask: String

  init(_ span: BehaviorSpan) {
    (platform, iommu) = (span.platform, span.iommu)
    (swiotlb, coherentMask) = (span.swiotlb, span.coherentMask)
  }
}

/// Titles with the modes joined that have the same rest.
private func merged(_ titles: [Title]) -> [String] {
  let byMode = grouped(titles) { [$0.platform, $0.swiotlb, $0.coherentMask] }
  let bySwiotlb = grouped(byMode) { entry in
    [entry.key[0], entry.key[2], entry.elements.map(\.iommu).joined(separator: "|")]
  }
  return bySwiotlb.map { key, entries in
    let swiotlbs = entries.map { $0.key[1] }.joined(separator: "|")
    return "\(key[0]), iommu=\(key[2]), swiotlb=\(swiotlbs), coherent_mask=\(key[1])"
  }
}

private func alternativeTable(_ spans: [BehaviorSpan], _ names: [String]) -> Document.Block {
  versionTable(
    spans, kernels: names,
    titles: names.map { $0.hasPrefix("v6+") ? String($0.dropFirst(3)) : $0 })
}
