import Analysis
import ArgumentParser
import DMAModel
import EmbeddedSchema
import Explorer
import Foundation
import MatrixStore
import Reporting
import Support

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Print a report, 72 columns wide or in Markdown; or one HTML file.",
    discussion: """
      Reports:
        platform   \(Report.platform.summary)
        versions   \(Report.versions.summary)
        map        \(Report.map.summary)
        findings   \(ModelReport.findings.summary)
        lifecycle  \(ModelReport.lifecycle.summary)
        2026-07-02 \(ModelReport.mail.summary)
        maintainers
                   \(ModelReport.maintainers.summary)
        observed   what booted kernels did, beside the model
        device     one device (--mask) over all platforms, IOMMU modes and releases
        drivers    the masks of real drivers, and the findings that they fall under
        history    since which commit and until which each finding stands
        html       one HTML file to explore every answer, without a server

      Axes that no filter names have the kernel's defaults, and the output says
      which: swiotlb=default, iommu=none|translated (without an IOMMU, or with
      one and no iommu= parameter), mem=64G, coherent_mask=same, no bus limit, a
      coherent trusted device.  "platform" shows 7.3 on x86-sme47 and every boot;
      "versions" and "map" show SME hosts.  If a default excludes all that was
      asked for, every value of that axis is shown instead.  "findings",
      "lifecycle", "maintainers", "2026-07-02" and --all need no database; "html"
      shows the whole of one.
      "drivers" needs --drivers, and "findings" takes it.  "device" needs --mask
      and takes --coherent-mask, --bus-limit, --platform, --iommu and --kernel.

      Examples:
        dmamatrix report platform --kernel v6 --platform sev
        dmamatrix report findings --kernel v6 --all --format markdown
        dmamatrix report versions --platform tdx
        dmamatrix report versions --platform x86-sme47,x86-sme51 \\
            --iommu passthrough --swiotlb force
        dmamatrix report map --platform arm64-cca --iommu none --format svg -o cca.svg
        dmamatrix report device --mask 36
        dmamatrix report drivers --drivers ~/linux --format markdown
        dmamatrix report html --output explorer.html
        dmamatrix report --all --output reports
      """)

  /// The names that the argument takes.
  private static let names =
    Report.allCases.map(\.rawValue) + ModelReport.allCases.map(\.rawValue) + [
      "observed", "device", "drivers", "history", "html",
    ]

  @Argument(
    help: """
      platform, versions, map, findings, lifecycle, maintainers, 2026-07-02, observed, \
      device, drivers, history or html.
      """,
    completion: .list(names))
  var name: String?
  @Flag(
    help: """
      With findings all of it, not its summary alone; without a name every report, written into \
      a directory: reports, or that of --output.
      """)
  var all = false
  @OptionGroup var source: DatabaseOption
  @Option(
    help: ArgumentHelp("text or markdown; map also svg.", valueName: "format"),
    completion: .formats(Document.Format.self, others: ["svg"]))
  var format = "text"
  @Option(
    name: [.short, .long], help: "Write to a file instead of standard output.",
    completion: .file())
  var output: String?
  @OptionGroup var joined: DriverOption
  @OptionGroup var history: HistoryOption
  @OptionGroup var color: ColorOption
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    if all, name != ModelReport.findings.rawValue { return try everything() }
    guard let name else {
      throw UsageError(
        description: "no report is named; accepted: \(Self.names.joined(separator: ", ")) or --all")
    }
    if joined.drivers != nil, name != "drivers", name != "findings" {
      throw UsageError(
        description: "--drivers is not for report \(name.printable); accepted: "
          + "report findings, report drivers")
    }
    if let output { try AtomicFile.check(output) }
    if name == "html" { return try explorer() }
    let report = Report(rawValue: name)
    if report == .map, format == "svg" { return try picture() }
    let format: Document.Format = try dmamatrix.format(
      format, others: report == .map ? ["svg"] : [])
    let document: Document
    if let report {
      let database = try MatrixDatabase(path: source.database)
      document = try report.document(from: database, filter: filters.filter(of: database))
    } else if let report = ModelReport(rawValue: name) {
      let named = report == .findings ? ["kernel", "policy", "trees"] : []
      try filters.refuse(in: "report \(name)", except: Set(named))
      let kernels =
        filters.kernel.isEmpty ? [KernelVersion.latest.name] : commaSeparated(filters.kernel)
      guard kernels.count == 1 else {
        throw UsageError(
          description: "report findings is about one kernel; --kernel names \(kernels.count)")
      }
      document = report.document(
        kernel: try filters.kernel(called: kernels[0]), drivers: try joined.list(),
        isWhole: all || joined.drivers != nil
      ) { Output.progress($0, "checking") }
    } else if name == "drivers" {
      try filters.refuse(in: "report drivers")
      guard let drivers = try joined.list() else {
        throw UsageError(
          description: "report drivers needs --drivers, a kernel tree or a database with one")
      }
      document = driversReport(drivers)
    } else if name == "device" {
      document = try device()
    } else if name == "observed" {
      document = try observed()
    } else if name == "history" {
      try filters.refuse(in: "report history")
      let database = try MatrixDatabase(path: source.database)
      let name = try history.name(in: database)
      document = historyDocument(try HistoryStore.findings(in: name, of: database), in: name)
    } else {
      throw UsageError(
        description: "report '\(name.printable)' is unknown; accepted: "
          + Self.names.joined(separator: ", "))
    }
    try deliver(document.text(format), isText: format == .text)
  }

  /// One device over platforms, IOMMU modes and kernels.
  private func device() throws -> Document {
    try filters.refuse(
      in: "report device",
      except: [
        "mask", "coherent-mask", "bus-limit", "platform", "iommu", "kernel", "policy", "trees",
      ])
    let domain = try filters.domain()
    guard !filters.mask.isEmpty, domain.masks.count == 1 else {
      throw UsageError(
        description: "report device is about one device; accepted: one --mask, as 36")
    }
    for (option, values) in [
      ("coherent-mask", filters.coherentMask), ("bus-limit", filters.busLimit),
    ] where commaSeparated(values).count > 1 {
      throw UsageError(description: "report device is about one device; accepted: one --\(option)")
    }
    return deviceReport(
      mask: domain.masks[0],
      coherentMask: filters.coherentMask.isEmpty ? .same : domain.coherentMasks[0],
      busLimit: filters.busLimit.isEmpty ? .none : domain.busLimits[0],
      kernels: filters.kernel.isEmpty ? KernelVersion.releases : domain.kernels,
      platforms: domain.platforms, iommuModes: domain.iommuModes)
  }

  /// The whole database as one page; filters do not apply.
  private func explorer() throws {
    try filters.refuse(in: "report html")
    guard format == "text" else {
      throw UsageError(description: "--format '\(format.printable)' is no format of report html")
    }
    let page = try ExplorerPage(MatrixDatabase(path: source.database)) { fraction in
      Output.progress(fraction, "exploring")
    }
    try deliver(page.html)
  }

  /// Every observation of the database; filters do not apply.
  private func observed() throws -> Document {
    try filters.refuse(in: "report observed")
    let stored = try StoredObservations(MatrixDatabase(path: source.database))
    let sources = stored.sources.map {
      ObservedSource(
        name: $0.name, sha256: $0.sha256, boots: $0.boots, observations: $0.observations)
    }
    var document = observedDocument(
      try answered(stored.boots), sources: sources, showsRules: true
    ).document
    document.blocks.append(made("report observed"))
    return document
  }

  private func picture() throws {
    let database = try MatrixDatabase(path: source.database)
    let map = try Report.verdictMap(from: database, filter: filters.filter(of: database))
    try deliver(map.svg)
  }

  /// Every page; pages that exist are replaced, nothing else is touched.
  private func everything() throws {
    guard joined.drivers == nil else {
      throw UsageError(description: "--drivers is not for report --all, which needs no tree")
    }
    guard name == nil else {
      throw UsageError(description: "--all writes every report; a name is not accepted with it")
    }
    guard format == "text" else {
      throw UsageError(
        description:
          "--format '\(format.printable)' is not for --all, where each report has its own")
    }
    try filters.refuse(in: "report --all")
    let directory = output ?? "reports"
    // Before the work, so that a directory that cannot be made is said at once.
    try AtomicFile.makeDirectory(directory)
    let pages = try allReports(claims: Claim.read(Schema.claims)) { fraction in
      Output.progress(fraction, "reporting")
    }
    let base = URL(fileURLWithPath: directory)
    for page in pages {
      let file = base.appendingPathComponent(page.path)
      try AtomicFile.makeDirectory(file.deletingLastPathComponent().path)
      try AtomicFile.write(page.text, to: file.path)
    }
  }

  private func deliver(_ text: String, isText: Bool = false) throws {
    if let output {
      try AtomicFile.write(text, to: output)
    } else {
      try Output.write(color.applied(to: text, if: isText))
    }
  }
}
