import Analysis
import ArgumentParser
import DMAModel
import Foundation
import Reporting

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Evaluate properties that a kernel should have.",
    discussion: """
      Lints:
      \(Lint.allCases.map { "  " + $0.rawValue }.joined(separator: "\n"))

      Violations that have one cause are one finding: the line of the kernel that
      decides, and what a version changed there.  text and markdown have at most 15
      lines, the gravest first: what the base does not have and users meet, and the
      gravest, have a line each, the others stand below those of their severity, by
      what happens; a number is that of the heading under --all, which goes on with
      what happens to whom, since which patch, what ends it, the path of a witness,
      and the exact conditions.

      Severities, the gravest first:
      \(Severity.allCases.map { folded("\($0.name): \($0.summary)", indent: "        ", hanging: "          ") }.joined())
      Of one severity, causes with scenarios that users meet most come first: no
      parameter on the command line, a trusted device on a whole bus, and a mask
      that many drivers set (\(commonMaskWidths.map(String.init).joined(separator: ", ")) bits: reports/drivers.md); of these
      what the base does not have; then the larger.  What the kernel means by design and what nobody runs (guests behind a
      virtual IOMMU) is no violation; --all names each class with reason and source.

      Formats: text, markdown, json, ktap (version 1 of the kernel's test protocol),
      sarif (2.1.0), and b4: a mail of a known version of the series on standard
      input, by its message-id or its cover letter's title, and a JSON array for
      b4's check protocol on standard output.  Any other mail yields no verdict and
      exit status 2.  With a base, which b4 always has, ktap, sarif and b4 speak of,
      and fail for, only what the base does not have, one line a cause.  Without
      --base, text, markdown and json compare a kernel with the release below it,
      which the title names; a baseline file and the other formats with none.

      served-stays-served and no-new-exposure also look where a pool is full or
      decryption fails.  What that adds to a cause as grave of the same line is part
      of it; what is worse there alone is a cause of its own, behind those of the
      ordinary circumstance, and names the circumstance.  no-crash and the lints on
      what is freed also look where the atomic pools are full.  To ask for one
      circumstance: explain --fill atomic.

      A baseline file holds accepted violations; one that is no longer found is
      an error too.  Exit status 1 if a violation is not accepted.

      Examples:
        dmamatrix check --kernel v6 --base 7.2
        dmamatrix check --kernel 7.3 --lint no-silent-corruption --format ktap
        dmamatrix check --kernel v7 --write-baseline v7.txt
        dmamatrix check --kernel v7 --baseline v7.txt
        dmamatrix check --format b4 < patch.mbox
      """)

  @Option(
    help: ArgumentHelp(
      "The version that three of the lints compare with (text, markdown, json: the release below).",
      valueName: "k"),
    completion: .kernels)
  var base: String?
  @Option(
    help: ArgumentHelp("Only these lints.", valueName: "name"),
    completion: .names(Lint.allCases.map(\.rawValue)))
  var lint: [String] = []
  @Option(
    help: ArgumentHelp("text, markdown, json, ktap, sarif or b4.", valueName: "format"),
    completion: .formats(CheckFormat.self, others: ["b4"]))
  var format = "text"
  @Option(help: "A file of accepted violations.", completion: .file())
  var baseline: String?
  @Option(help: "Write the violations to a baseline file instead.", completion: .file())
  var writeBaseline: String?
  @OptionGroup var joined: DriverOption
  @OptionGroup var length: DriverLength
  @OptionGroup var color: ColorOption
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let lints = try commaSeparated(lint).map { try parsedLint($0) }
    let base = try base.map { try filters.kernel(called: $0, option: "--base") }
    let domain = try filters.domain()
    guard baseline == nil || writeBaseline == nil else {
      throw UsageError(description: "--baseline and --write-baseline exclude each other; give one")
    }
    if format == "b4" {
      let ignored: [(String, Bool)] = [
        ("--baseline", baseline != nil), ("--write-baseline", writeBaseline != nil),
        ("--kernel", !filters.kernel.isEmpty), ("--drivers", joined.drivers != nil),
      ]
      for (option, isGiven) in ignored where isGiven {
        throw UsageError(
          description: option == "--drivers"
            ? "--drivers is not for --format b4"
            : "\(option) is not for --format b4, where the mail names the version")
      }
    }
    if let writeBaseline { try AtomicFile.check(writeBaseline) }
    let accepted = try baseline.map { try acceptedLines(of: $0) }
    if format == "b4" { return try b4(base: base, lints: lints, domain: domain) }
    let format: CheckFormat = try dmamatrix.format(format, others: ["b4"])
    if joined.drivers != nil, format.judgesChange || writeBaseline != nil {
      throw UsageError(
        description: "--drivers is not for "
          + "\(format.judgesChange ? "--format \(format.rawValue)" : "--write-baseline"); accepted with "
          + "text, markdown and json")
    }
    let kernels =
      filters.kernel.isEmpty
      ? [KernelVersion.all[KernelVersion.all.count - 1]]
      : domain.kernels
    // What judges a change, and files of accepted violations, name their base.
    let hasBase = !format.judgesChange && self.baseline == nil && writeBaseline == nil
    let bases = kernels.map { base ?? (hasBase ? $0.reviewBase : nil) }
    if bases.contains(where: { $0 == nil }), let lint = lints.first(where: \.needsBase) {
      throw UsageError(
        description: "--lint \(lint.rawValue) needs --base, the version to compare with")
    }
    let drivers = try joined.list(domain, length: joined.drivers == nil ? nil : length)
    let isWhole = length.all || drivers != nil
    let checks = try zip(kernels, bases).map { kernel, base in
      guard domain.hasScenarios(on: kernel) else { throw UsageError.noScenario(on: kernel.name) }
      return Check(
        kernel, base: base, lints: lints.isEmpty ? Lint.allCases : lints, domain: domain,
        findsCauses: true
      ) {
        Output.progress($0, "checking \(kernel.name)")
      }
    }
    if let writeBaseline {
      let lines = checks.flatMap(baselineLines)
      try AtomicFile.write(lines.map { $0 + "\n" }.joined(), to: writeBaseline)
      return
    }
    let text = checkText(
      checks, format: format, drivers: drivers, isWhole: isWhole)
    try Output.write(color.applied(to: text, if: format == .text))
    if let accepted {
      try compare(checks, with: accepted)
    } else if checks.contains(where: {
      !(format.judgesChange ? $0.changed : $0.causes).isEmpty
    }) {
      throw ExitCode(1)
    }
  }

  /// The violations of a baseline file.
  private func acceptedLines(of path: String) throws -> Set<String> {
    let data = try Input.file(
      path, option: "--baseline", expected: "what --write-baseline wrote")
    guard let text = String(bytes: data, encoding: .utf8),
      !text.unicodeScalars.contains(where: {
        $0.value < 0x20 && !"\n\r\t".unicodeScalars.contains($0)
      })
    else {
      throw UsageError(
        description: "--baseline '\(path.printable)' is not text; expected what "
          + "--write-baseline wrote")
    }
    return Set(
      text.split(whereSeparator: \.isNewline)
        .filter { !$0.hasPrefix("#") }.map(String.init))
  }

  /// Fails on a violation that is not accepted, and on an accepted one that is gone.
  private func compare(_ checks: [Check], with accepted: Set<String>) throws {
    let found = Set(checks.flatMap(baselineLines))
    for line in found.subtracting(accepted).sorted() {
      Output.error("not in the baseline: \(line.printableLine)")
    }
    for line in accepted.subtracting(found).sorted() {
      Output.error("stale in the baseline: \(line.printableLine)")
    }
    if found != accepted { throw ExitCode(1) }
  }

  /// The b4 check protocol.
  private func b4(base: KernelVersion?, lints: [Lint], domain: MatrixDomain) throws {
    let data = try Input.standardInput(expected: "a mail")
    guard let version = PatchMail.version(of: String(decoding: data, as: UTF8.self)) else {
      let what =
        data.isEmpty
        ? "standard input is empty" : "the mail on standard input is of no known series"
      throw UsageError(
        description: "\(what), so that there is no verdict; expected a mail of "
          + KernelVersion.all.filter { $0.messageID != nil }.map(\.name).joined(separator: ", ")
          + ", by its message-id or its cover letter's title")
    }
    guard domain.hasScenarios(on: version) else { throw UsageError.noScenario(on: version.name) }
    let chosen = lints.isEmpty ? Lint.allCases : lints
    let check = Check(
      version, base: base ?? version.reviewBase, lints: chosen, domain: domain, findsCauses: true)
    try Output.write(checkB4(check))
    if check.changed.contains(where: { $0.severity <= .breaks }) { throw ExitCode(1) }
  }
}

extension String {
  /// The line without control characters, whole.
  fileprivate var printableLine: String {
    String(unicodeScalars.map { $0.value < 0x20 ? "?" : Character($0) })
  }
}
