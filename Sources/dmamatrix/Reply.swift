import Analysis
import ArgumentParser
import DMAModel
import Reporting
import Support

struct ReplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reply",
    abstract: "Answer a proposal: does it mend what its version breaks?",
    discussion: """
      Text for a mail: question and answer in a line each, the knobs that the
      proposal changes, scenarios by effect against a release, what is served worse
      with a witness each, and the commands that show it.  With --drivers, the
      real drivers of each.

      The proposal is an alternative ('kernels --alternatives WORDS' finds it by
      what the mail says), several together, a posted version, or a variant of a
      policy file.
      Exit status: 0 it mends all, 1 it does not.

      Examples:
        dmamatrix reply --alternative P03
        dmamatrix reply --alternative P09 --base 7.2 --platform x86-sme47
        dmamatrix reply --alternative v6+P03+P05 --drivers ~/linux
        dmamatrix reply --alternative mine --policy mine.yaml
      """)

  @Option(
    help: ArgumentHelp(
      "The proposal: P03, v6+P03, v6+P03+P05, v7, or a variant.", valueName: "name"),
    completion: .kernels)
  var alternative: String
  @Option(
    help: ArgumentHelp(
      "The release whose service counts (default: the one below).", valueName: "kernel"),
    completion: .kernels)
  var base: String?
  @Option(
    help: ArgumentHelp("text or markdown.", valueName: "format"),
    completion: .formats(Document.Format.self))
  var format = "text"
  @OptionGroup var joined: DriverOption
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let format: Document.Format = try dmamatrix.format(format)
    guard filters.kernel.isEmpty else {
      throw UsageError(
        description: "--kernel is no filter of reply; accepted: --alternative and --base")
    }
    let proposal = try filters.kernel(called: try proposalName(), option: "--alternative")
    guard let start = proposal.changedVersion else {
      throw UsageError(
        description: "--alternative '\(proposal.name)' changes no other version; accepted: "
          + KernelVersion.alternatives.map(\.name).joined(separator: ", "))
    }
    let base: KernelVersion
    if let name = self.base {
      base = try filters.kernel(called: name, option: "--base")
    } else if let release = start.reviewBase {
      base = release
    } else {
      throw UsageError(description: "--base is needed: no release is below \(start.name)")
    }
    let domain = try filters.domain()
    let reply = Reply(proposal, of: start, base: base, domain: domain) {
      Output.progress($0, "comparing")
    }
    guard reply.after.scenarios > 0 else {
      throw UsageError.noScenario(on: [base, proposal].map(\.name).joined(separator: ", "))
    }
    let document = replyDocument(
      reply, drivers: try joined.list(domain), options: filters.commandLine)
    try Output.write(document.text(format))
    if reply.verdict != .mends { throw ExitCode(1) }
  }

  /// `v6+P03` for `P03`, where one version alone has it.
  private func proposalName() throws -> String {
    let found = KernelVersion.alternatives.map(\.name).filter {
      $0.lowercased().hasSuffix("+\(alternative.lowercased())")
    }
    if found.count > 1 {
      throw UsageError(
        description: "--alternative '\(alternative.printable)' exists on several versions; "
          + "accepted: \(found.joined(separator: ", "))")
    }
    return found.first ?? alternative
  }
}
