import Analysis
import DMAModel
import MatrixStore
import Support

/// A file of the directory that `report --all` writes.
public struct ReportPage: Sendable {
  /// Path below the directory.
  public let path: String
  /// What the index says about it.
  public let title: String
  public let text: String
}

/// Every page of `report --all`, straight from the model.
///
/// - Parameters:
///   - claims: The review's claims.
///   - progress: Receives the part that is done.
/// - Throws: A claim that is not written correctly.
public func allReports(
  claims: [Claim], progress: (Double) -> Void = { _ in }
) throws(ClaimError) -> [ReportPage] {
  let kernels = KernelVersion.all
  var sections: [(heading: String, pages: [ReportPage])] = []

  var pages: [ReportPage] = []
  for platform in Platform.allCases {
    pages.append(
      page(
        "platform-\(platform.name).md", "\(platform.name): \(platform.summary)",
        platformPage(platform)))
  }
  pages.append(
    beside("platform-sev-v6.txt", "sev on v6, for a mail (dmamatrix report platform)"))
  sections.append(("Platforms", pages))
  progress(0.1)

  let releases = KernelVersion.releases
  let steps = Array(zip(kernels, kernels.dropFirst()))
  // Each release with each later one, where that is no step.
  let upgrades = releases.enumerated().flatMap { index, old in
    releases[(index + 1)...].map { (old, $0) }
  }.filter { pair in !steps.contains { $0 == pair.0 && $1 == pair.1 } }
  let pairs = steps + upgrades
  pages = []
  for (index, (old, new)) in pairs.enumerated() {
    let comparison = Comparison([old, new], domain: MatrixDomain())
    let name = "compare-\(old.name)-\(new.name)"
    var document = PageOpening.comparison(old.name, new.name).opening(
      comparisonDocument(comparison))
    document.blocks.append(made("compare \(old.name) \(new.name) --format markdown"))
    pages.append(
      ReportPage(
        path: name + ".md", title: "\(old.name) to \(new.name)", text: document.text(.markdown)))
    progress(0.1 + 0.4 * Double(index + 1) / Double(pairs.count))
  }
  sections.append(("From version to version", Array(pages.prefix(steps.count))))
  sections.append(("From release to release", Array(pages.dropFirst(steps.count))))

  let checks = concurrently(kernels) { Check.standard(of: $0) }
  let known = Dictionary(uniqueKeysWithValues: checks.map { ($0.kernel.name, $0) })
  pages = kernels.map { kernel in
    let count = known[kernel.name]?.causes.count ?? 0
    return page(
      "findings-\(kernel.name).md", "\(kernel.name): \(count) causes",
      PageOpening.findings(in: kernel).opening(findingsReport(kernel, known: known)))
  }
  pages.append(
    page(
      "lifecycle.md", ModelReport.lifecycle.summary,
      PageOpening.lifecycle.opening(lifecycleReport())))
  pages.insert(
    page(
      "for-maintainers.md", ModelReport.maintainers.summary,
      PageOpening.maintainers.opening(maintainerReport(known: known))),
    at: 0)
  sections.append(("Findings", pages))
  progress(0.9)

  var mail = PageOpening.claims.opening(try claimsDocument(claims))
  mail.blocks.append(made("claims --format markdown"))
  sections.append(
    (
      "The review",
      [
        page("2026-07-02.md", ModelReport.mail.summary, PageOpening.mail.opening(mailReport())),
        page("claims.md", "\(claims.count) claims, decided by the model", mail),
        beside("solve-v6.md", "what would have mended v6 for SME hosts (dmamatrix solve)"),
        beside("versions-sme.txt", "SME hosts, iommu=pt swiotlb=force (dmamatrix report versions)"),
      ]
    ))

  let figures = [Platform.x86SME47, .x86SME51].map { platform in
    ReportPage(
      path: "figures/verdicts-\(platform.name).svg",
      title: "Verdicts on \(platform.name) by version, iommu=pt", text: figure(platform).svg)
  }
  sections.append(("Figures", figures))
  sections.append(
    (
      "Evidence",
      [
        beside("observed.md", "what booted Debian kernels did, beside the model (make lab)"),
        beside("drivers.md", "the masks that the drivers of a kernel tree set (make drivers)"),
        beside("torture.md", "kills, full disks and damaged files (make torture)"),
        beside("benchmark.md", "time, memory and sizes, beside other tools (make bench)"),
      ]
    ))
  sections.append(
    (
      "To explore",
      [
        beside(
          "explorer-sme.html", "an SME host and four kernels as a page (dmamatrix report html)"),
        beside("dmamatrix.1", "the manual page (dmamatrix manual)"),
      ]
    ))
  progress(1)
  return [index(sections)] + sections.flatMap(\.pages).filter { !$0.text.isEmpty }
}

/// A page that the index names and another command makes.
private func beside(_ path: String, _ title: String) -> ReportPage {
  ReportPage(path: path, title: title, text: "")
}

private func page(_ path: String, _ title: String, _ document: Document) -> ReportPage {
  ReportPage(path: path, title: title, text: document.text(.markdown))
}

/// The line that says what made a page.
public func made(_ arguments: String) -> Document.Block {
  .paragraph("dmamatrix \(arguments), model digest \(ModelDigest.digest().prefix(16)).")
}

private func index(_ sections: [(heading: String, pages: [ReportPage])]) -> ReportPage {
  var document = Document()
  document.blocks.append(.title("What Linux does with a DMA mapping"))
  document.blocks += PageOpening.index.blocks
  for section in sections {
    document.blocks.append(.heading(section.heading))
    document.blocks.append(
      .links(section.pages.map { Document.Link(path: $0.path, title: $0.title) }))
  }
  document.blocks.append(made("report --all"))
  return page("index.md", "Index", document)
}

/// A platform: verdicts by version, then every request on the newest kernel.
private func platformPage(_ platform: Platform) -> Document {
  let newest = KernelVersion.all[KernelVersion.all.count - 1]
  var domain = defaultDevice(platform)
  domain.attributes = [.none, .mmio, .ccShared]
  domain.buffers = [.none, .dma32, .high, .mmio64]
  var document = platformReport(modelSpans([newest], domain))
  document = PageOpening.platform(platform, on: newest).opening(document)

  let releases = KernelVersion.releases
  let sides = versionsReport(
    modelSpans(releases, domain), kernels: releases.map(\.name), scope: [])
  document.blocks.append(.title("\(platform.name) by release"))
  document.blocks += sides.blocks.dropFirst()

  domain.operations = [.map]
  domain.attributes = [.none]
  domain.buffers = [.high]
  let map = VerdictMap(
    modelSpans(KernelVersion.all, domain), kernels: KernelVersion.all.map(\.name), source: "")
  document.blocks.append(.title("\(platform.name) by version: mapping RAM above 4 GiB"))
  document.blocks += map.fixed
  document.blocks += map.literals
  document.blocks.append(.paragraph(map.legend))
  document.blocks.append(made("report --all"))
  return document
}

private func figure(_ platform: Platform) -> VerdictMap {
  var domain = defaultDevice(platform)
  domain.iommuModes = [.passthrough]
  domain.operations = [.map]
  domain.attributes = [.none]
  domain.buffers = [.high]
  return VerdictMap(
    modelSpans(KernelVersion.all, domain), kernels: KernelVersion.all.map(\.name),
    source: "dmamatrix report --all, model digest \(ModelDigest.digest().prefix(16))")
}

/// A coherent trusted device with one mask and no bus limit, on the big machine.
private func defaultDevice(_ platform: Platform) -> MatrixDomain {
  var domain = MatrixDomain()
  domain.platforms = [platform]
  domain.machines = Machine.standard.filter { $0.name == .sixtyFourGiB }
  domain.coherentMasks = [.same]
  domain.busLimits = [.none]
  domain.coherences = [.coherent]
  domain.facings = [.internal]
  return domain
}
