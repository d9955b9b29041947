import Analysis
import ArgumentParser
import DMAModel
import Reporting
import Support

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what differs between kernels, as exact conditions.",
    discussion: """
      Every scenario whose answer or verdict differs, grouped by what changes,
      worst first, reduced to few conditions that are exact together, each with
      a count and a scenario as witness.  First a line for each effect: corrupts,
      breaks, exposes, slower, works now, safer, faster; --summary stops there.  Kernels may
      be alternatives (v6+P03), also several together (v6+P03+P05).
      Exit status: 0 equal, 1 different.

      Examples:
        dmamatrix compare v6 v7
        dmamatrix compare 7.2 7.3 --summary
        dmamatrix compare 7.2 v6 7.3 --platform x86-sme47 --op map --attrs none
        dmamatrix compare v6 v6+P07 --swiotlb force --format markdown
        dmamatrix compare v6 v7 --drivers ~/linux
      """)

  @Argument(help: "Two kernels or more, the base first.", completion: .kernels)
  var names: [String]
  @Option(
    help: ArgumentHelp("text, markdown or json.", valueName: "format"),
    completion: .formats(FindingFormat.self))
  var format = "text"
  @Flag(help: "Stop behind the summary: a line for each effect.")
  var summary = false
  @OptionGroup var joined: DriverOption
  @OptionGroup var length: DriverLength
  @OptionGroup var color: ColorOption
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let format: FindingFormat = try dmamatrix.format(format)
    guard names.count >= 2 else {
      throw UsageError(description: "compare needs two kernels or more, not \(names.count)")
    }
    guard filters.kernel.isEmpty else {
      throw UsageError(
        description: "--kernel is no filter of compare; the kernels are its arguments")
    }
    guard !summary || joined.drivers == nil else {
      throw UsageError(
        description: "--summary stops before what --drivers is for; give one of them")
    }
    let kernels = try filters.kernels(called: names, option: "kernel")
    let domain = try filters.domain()
    try Self.write(
      kernels, domain: domain, format: format, drivers: try joined.list(domain, length: length),
      summary: summary, color: color)
  }

  /// Compares kernels and prints what differs.
  ///
  /// - Throws: Exit status 1 where anything does.
  static func write(
    _ kernels: [KernelVersion], domain: MatrixDomain, format: FindingFormat, drivers: DriverList?,
    summary: Bool = false, color: ColorOption
  ) throws {
    let comparison = Comparison(kernels, domain: domain) { Output.progress($0, "comparing") }
    Output.progress(1, "comparing")
    guard comparison.scenarios > 0 else {
      throw UsageError.noScenario(on: kernels.map(\.name).joined(separator: ", "))
    }
    let text = comparisonText(
      comparison, format: format, drivers: drivers, summary: summary)
    try Output.write(color.applied(to: text, if: format == .text))
    if !comparison.isEqual { throw ExitCode(1) }
  }
}

/// The kernel called `name`, or a sentence that says which there are.
func kernel(_ name: String, others: [String] = []) throws -> KernelVersion {
  if let kernel = KernelVersion.named(name) { return kernel }
  if let kernel = try KernelVersion.combination(name) { return kernel }
  throw UsageError(
    description: "kernel '\(name.printable)' is unknown; accepted: "
      + (KernelVersion.known.map(\.name) + others.map(\.printable)).joined(separator: ", "))
}
