import Analysis
import ArgumentParser
import DMAModel
import KernelTree
import MatrixStore
import Observations
import Reporting
import Support

struct DisagreementsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disagreements",
    abstract: "Say where the witnesses differ: model, compiled code, booted kernels.",
    discussion: """
      Every observation of the database is compared with the model of this
      dmamatrix, on the machine that was booted; what differs in the same way is
      reduced to few conditions that are exact together over what was observed.

      Every tree that "verify --store" put into the database is compared with the
      model that it is nearest to, over what was stored.  Observations and compiled
      code are not compared with each other: where both agree with the model, they
      agree.

      Exit status 1 if anything differs.

      Examples:
        dmamatrix disagreements
        dmamatrix disagreements --kernel 7.3 --format markdown
      """)

  @OptionGroup var source: DatabaseOption
  @Option(
    help: ArgumentHelp(
      "Kernels and trees (default: all that were observed or stored).", valueName: "k"),
    completion: .kernelList)
  var kernel: [String] = []
  @Option(
    help: ArgumentHelp("text, markdown or json.", valueName: "format"),
    completion: .formats(FindingFormat.self))
  var format = "text"
  @OptionGroup var color: ColorOption

  mutating func run() throws {
    let format: FindingFormat = try dmamatrix.format(format)
    let database = try MatrixDatabase(path: source.database)
    var trees = try TreeStore.names(in: database)
    var boots: AnsweredBoots = []
    do {
      boots = try answered(try StoredObservations(database).boots)
    } catch StoreError.noObservations where !trees.isEmpty {
      // The trees alone are a question as well.
    }
    let names = commaSeparated(kernel)
    for name in names
    where !trees.contains(name) && !boots.contains(where: { $0.version.name == name }) {
      throw UsageError(
        description: "--kernel '\(name.printable)' was not observed; accepted: "
          + (Set(boots.map(\.version.name)).sorted() + trees).joined(separator: ", "))
    }
    if !names.isEmpty {
      boots = boots.filter { names.contains($0.version.name) }
      trees = trees.filter(names.contains)
    }
    let found = Disagreements(boots)
    let code = try trees.compactMap { try Self.agreement(of: $0, in: database) }
    let text =
      switch format {
      case .text: disagreementsDocument(found, code: code).text(.text)
      case .markdown: disagreementsDocument(found, code: code).text(.markdown)
      case .json: disagreementsJSON(found, code: code)
      }
    try Output.write(color.applied(to: text, if: format == .text))
    if !found.findings.isEmpty || code.contains(where: { $0.equal < $0.scenarios }) {
      throw ExitCode(1)
    }
  }

  /// A stored tree against the model that disagrees least.
  private static func agreement(
    of name: String, in database: MatrixDatabase
  ) throws -> Agreement? {
    let tree = try TreeStore.kernel(name, in: database)
    var domain = MatrixDomain()
    domain.platforms = domain.platforms.filter(TreeEvaluation.canExpress)
    return Agreement.nearest(to: tree, among: KernelVersion.all, domain: domain, isPart: true).map {
      Agreement(model: $0, code: tree, domain: domain, limit: 20)
    }
  }
}
