import ArgumentParser
import Conformance
import DMAModel
import Explorer
import Foundation
import MatrixStore
import PolicyFiles
import Reporting

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Print a report, 72 columns wide or in Markdown.",
    discussion: """
      Reports:
        platform   \(Report.platform.summary)
        versions   \(Report.versions.summary)
        findings   \(ModelReport.findings.summary)
        2026-07-02 \(ModelReport.mail.summary)
        html       one HTML file to explore every answer, without a server

      Axes that no filter names have defaults: mem=64G, coherent_mask=same,
      no bus limit, a coherent trusted device.  "platform" shows 7.3 on
      x86-sme47; "versions" shows SME hosts with iommu=pt swiotlb=force.

      Examples:
        dmamatrix report platform --kernel v6 --platform sev
        dmamatrix report findings --kernel v6 --format markdown
        dmamatrix report versions --platform tdx --iommu none --swiotlb default
        dmamatrix report html --output explorer.html
      """)

  @Argument(help: "platform, versions, findings, 2026-07-02 or html.")
  var name: String
  @OptionGroup var source: DatabaseOption
  @Option(help: ArgumentHelp("text or markdown.", valueName: "format"))
  var format = "text"
  @Option(
    name: [.short, .long], help: "Write to a file instead of standard output.",
    completion: .file())
  var output: String?
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let format: Document.Format = try dmamatrix.format(format)
    if name == "html" { return try explorer() }
    let document: Document
    if let report = Report(rawValue: name) {
      document = try report.document(
        from: MatrixDatabase(path: source.database), filter: filters.filter())
    } else if let report = ModelReport(rawValue: name) {
      let kernel = filters.kernel.first ?? "7.3"
      document = report.document(kernel: try filters.kernel(called: kernel))
    } else {
      throw UsageError(
        description: "report '\(name.printable)' is unknown; accepted: "
          + (Report.allCases.map(\.rawValue) + ModelReport.allCases.map(\.rawValue) + ["html"])
          .joined(separator: ", "))
    }
    if let output {
      try AtomicFile.write(document.text(format), to: output)
    } else {
      try Output.write(document.text(format))
    }
  }
}

extension ReportCommand {
  /// The whole database as one page; filters do not apply.
  private func explorer() throws {
    let page = try ExplorerPage(MatrixDatabase(path: source.database)) { fraction in
      Output.progress(fraction, "exploring")
    }
    if let output {
      try AtomicFile.write(page.html, to: output)
    } else {
      try Output.write(page.html)
    }
  }
}

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a database holds, and what made it.",
    discussion: """
      Example:
        dmamatrix info -d matrix.db
      """)

  @OptionGroup var source: DatabaseOption
  @Flag(help: "Print what every table, view and column means instead.")
  var schema = false

  mutating func run() throws {
    let database = try MatrixDatabase(path: source.database)
    if schema {
      let result = try ReadOnlyQuery(
        sql: "SELECT object, \"column\", text FROM description ORDER BY 1, 2"
      ).run(on: database)
      try Output.write(ResultFormat.table.text(result))
    } else {
      try Output.write(infoText(try DatabaseInfo(database)))
    }
  }
}

struct Kernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the modelled kernels, and what each changed.",
    discussion: """
      Examples:
        dmamatrix kernels
        dmamatrix kernels v6 7.3 --changes
        dmamatrix kernels --alternatives
      """)

  @Argument(help: "Kernels or alternatives to list; all kernels without.")
  var names: [String] = []
  @Flag(help: "List the alternatives that the review argued about instead.")
  var alternatives = false
  @Flag(help: "List every change with its kernel function and patch.")
  var changes = false

  mutating func run() throws {
    for name in names { _ = try kernel(name) }
    let kernels =
      names.isEmpty
      ? (alternatives ? KernelVersion.alternatives : KernelVersion.all)
      : KernelVersion.known.filter { names.contains($0.name) }
    try Output.write(kernelsText(kernels, changes: changes))
    if alternatives, names.isEmpty { try Output.write(unmodelledText()) }
  }
}

struct Conform: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the model with outcomes measured on real kernels.",
    discussion: """
      A vectors file is CSV, plain or compressed by gzip, with a header: the
      columns kernel, platform, iommu, swiotlb, mem, mask, coherent, external,
      op, attrs, buf (optionally coherent_mask, bus_limit), then result, dma,
      enc, mem_state, pte, warn (optionally max_map).  Every outcome column is
      compared exactly.  Exit status 1 if anything differs.

      Example:
        dmamatrix conform vectors/code-*.csv.gz
      """)

  @Argument(help: "Vectors files.", completion: .file())
  var files: [String]
  @Option(help: "A policy file that describes a variant.", completion: .file())
  var policy: [String] = []
  @Option(help: ArgumentHelp("Show at most this many differing rows.", valueName: "rows"))
  var show = 10

  mutating func run() throws {
    guard show >= 0 else {
      throw UsageError(description: "--show '\(show)' is not a number of rows; accepted: 0 or more")
    }
    var check = ConformanceCheck(limit: show, variants: try PolicyFiles.read(policy))
    for file in files { try check.check(path: file) }
    try Output.write(conformanceText(check))
    if check.mismatchedRows > 0 { throw ExitCode(1) }
  }
}
