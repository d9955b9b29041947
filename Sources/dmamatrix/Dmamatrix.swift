import ArgumentParser
import Analysis
import Conformance
import DMAModel
import DriverScan
import Foundation
import KernelTree
import Lab
import MatrixStore
import Observations
import PolicyFiles
import Support

/// The version of the tool.
let toolVersion = "0.2.0"

@main
struct Dmamatrix: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dmamatrix",
    abstract: "What Linux does with a DMA mapping, for every platform, device and version.",
    discussion: """
      Start with:
        dmamatrix generate                 make matrix.db, every combination
        dmamatrix report versions          the review's question as a table
        dmamatrix report html -o x.html    the whole matrix as a page
        dmamatrix query --list             questions that have names
        dmamatrix query 'SELECT ...'       ask in SQL; the view is "behavior"

      Exit status:
        0  success: equal, holds, agrees
        1  a check differs, a lint is violated, or a database is damaged
        2  something that the user must correct, in one sentence
        3  verify, review: nothing differs, but not all was asked

      "dmamatrix manual | man -l -" shows every command's help as one page.
      """,
    version: versionText,
    groupedSubcommands: [
      CommandGroup(
        name: "Asking",
        subcommands: [
          Explain.self, HostCommand.self, ReportCommand.self, Query.self, Claims.self,
          Axes.self,
        ]),
      CommandGroup(
        name: "Comparing and reviewing",
        subcommands: [
          Compare.self, CheckCommand.self, ReplyCommand.self, Solve.self, ReviewCommand.self,
          Verify.self, Blame.self, Drivers.self, PolicyCommand.self, Kernels.self,
        ]),
      CommandGroup(
        name: "Evidence",
        subcommands: [
          Conform.self, Observe.self, DisagreementsCommand.self, LabCommand.self,
        ]),
      CommandGroup(
        name: "Data",
        subcommands: [
          Generate.self, Merge.self, Export.self, Info.self, Bench.self, Manual.self,
        ]),
    ])

  /// The version with the model's digest, which takes the model's answers: not computed
  /// for a command that does not print it.
  private static var versionText: String {
    CommandLine.arguments.dropFirst().first == "--version"
      ? "dmamatrix \(toolVersion), model \(ModelDigest.digest().prefix(16))"
      : "dmamatrix \(toolVersion)"
  }

  /// Without a command: what to do first.
  mutating func run() throws {
    let next =
      FileManager.default.fileExists(atPath: "matrix.db")
      ? """
      matrix.db is here. Ask it:
        dmamatrix report versions           the review's question as a table
        dmamatrix report html -o x.html     the whole matrix as a page
        dmamatrix query --list              questions that have names
      """
      : """
      Make the database first, in a few seconds and 2 MB:
        dmamatrix generate
      Without one, these work at once:
        dmamatrix explain --kernel v6,v7 --platform x86-sme47 --mask 64 \\
          --cmdline "mem_encrypt=on iommu=pt swiotlb=force"
        dmamatrix compare v6 v7
      """
    try Output.write(
      """
      What Linux does with a DMA mapping, for every platform, device and version.

      \(next)

      Every command explains itself: dmamatrix --help, dmamatrix query --help.

      """)
  }

  /// Parses and runs a command; errors are one sentence on standard error.
  static func main() {
    // A limit of file sizes is a sentence, as a full disk is, and no signal.
    signal(SIGXFSZ, SIG_IGN)
    do {
      try ProcessStart.prepare()
      let arguments = Array(CommandLine.arguments.dropFirst())
      if let script = CompletionScript.asked(for: arguments) { return try Output.write(script) }
      try CommandNames.check(arguments, below: Dmamatrix.self)
      var command = try parseAsRoot()
      try command.run()
    } catch {
      fail(error)
    }
  }

  /// Help, the version or a completion script: a result as any other.
  private static func show(_ text: String) -> Never {
    do {
      try Output.write(text + "\n")
      Foundation.exit(0)
    } catch {
      Output.error("\(error)")
      Foundation.exit(2)
    }
  }

  private static func fail(_ error: any Error) -> Never {
    switch error {
    case let error as ExitCode:
      Foundation.exit(error.rawValue)
    case let error as any UserFacingError:
      if error.isOneSentence {
        Output.sentence(error.description)
      } else {
        Output.error(error.description)
      }
      Foundation.exit(error.exitStatus == 2 ? usageStatus : error.exitStatus)
    default:
      // Help and version are "errors" of the parser that succeed.
      if exitCode(for: error) == .success { show(fullMessage(for: error)) }
      // The parser names the value; options with a type of their own are numbers.
      let text = message(for: error)
      let isNumber = text.hasPrefix("The value '") && text.contains("' is invalid for '")
      if let sentence = OptionNames.sentence(
        for: text, Array(CommandLine.arguments.dropFirst()))
      {
        Output.error(sentence)
      } else {
        Output.error(isNumber ? text + "; accepted: a number" : text)
      }
    }
    Foundation.exit(usageStatus)
  }

  /// The status of what a user must correct: one that ends `git bisect run`, to which 2 is a
  /// bad commit, where verify runs below it.
  private static var usageStatus: Int32 {
    let arguments = CommandLine.arguments.dropFirst()
    let isBelowBisect =
      arguments.first == "verify"
      && arguments.contains { $0 == "--expect" || $0.hasPrefix("--expect=") }
    return isBelowBisect ? 129 : 2
  }
}

/// What a user must correct, in one sentence.
struct UsageError: UserFacingError {
  let description: String

  /// Filters that leave nothing to do.
  ///
  /// - Parameter rule: Why, where one rule about the kernel is the reason.
  static func noScenario(on kernels: String, _ rule: Exclusion? = nil) -> UsageError {
    UsageError(
      description: "no scenario that these filters keep exists on \(kernels)"
        + (rule.map { ": " + $0.summary } ?? ""))
  }
}
