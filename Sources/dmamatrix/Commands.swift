import ArgumentParser
import Conformance
import DMAModel
import Foundation
import MatrixStore
import PolicyFiles
import Reporting

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a database holds, and what made it.",
    discussion: """
      --check reads the whole file: SQLite's integrity check, and a digest of every
      row against the one that generate stored.  Exit status 1 if the file is damaged
      or was changed, 2 if it is no database of this dmamatrix.

      Examples:
        dmamatrix info -d matrix.db
        dmamatrix info -d matrix.db --check
      """)

  @OptionGroup var source: DatabaseOption
  @Flag(help: "Print what every table, view and column means instead.")
  var schema = false
  @Flag(help: "Check that the file holds what its maker wrote, instead.")
  var check = false

  func validate() throws {
    guard schema, check else { return }
    throw ValidationError("--check and --schema are two questions; accepted: one of them")
  }

  mutating func run() throws {
    let database = try MatrixDatabase(path: source.database)
    if check {
      let provenance = try DatabaseCheck(database).requireSound()
      try Output.write(
        "\(source.database): sound, content digest \(provenance["content_digest"] ?? "-")\n")
    } else if schema {
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
      With --alternatives, words select those that mails describe with them: a
      function, a phrase, a subject, a message-id, an author's initials.  Alternatives
      of one version that change different knobs can be combined: v6+P03+P05.

      Examples:
        dmamatrix kernels
        dmamatrix kernels v6 7.3 --changes
        dmamatrix kernels --alternatives
        dmamatrix kernels --alternatives dev_cannot_reach_memory
        dmamatrix kernels v6+P03+P05 --changes
      """)

  @Argument(
    help: """
      Kernels or alternatives to list (default: all kernels); with --alternatives, \
      words that describe them.
      """, completion: .kernels)
  var names: [String] = []
  @Flag(help: "List the alternatives that the review argued about instead.")
  var alternatives = false
  @Flag(help: "List every change with its kernel function and patch.")
  var changes = false

  mutating func run() throws {
    if alternatives { return try list(about: names.joined(separator: " ")) }
    let named = try names.map { try kernel($0) }
    try Output.write(kernelsText(named.isEmpty ? KernelVersion.all : named, changes: changes))
  }

  /// Lists the alternatives that some words describe; all for none.
  private func list(about words: String) throws {
    let isAll = words.isEmpty
    let found = isAll ? KernelVersion.alternatives : KernelVersion.alternatives(about: words)
    let unmodelled = isAll ? UnmodelledProposal.all : UnmodelledProposal.about(words)
    guard !found.isEmpty || !unmodelled.isEmpty else {
      throw UsageError(
        description: "no alternative is about '\(words.printable)'; --alternatives alone lists all")
    }
    let texts = [kernelsText(found, changes: changes), unmodelledText(unmodelled)]
    try Output.write(texts.filter { !$0.isEmpty }.joined(separator: "\n"))
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

      A file about the end of requests has unmap_copy, slots_after, state_after,
      owner_after and warn_after, and of the others only result (optionally
      mask_change).  A column fill says that pools grow
      (CONFIG_SWIOTLB_DYNAMIC=y), with pool_kind and transient_from.

      Examples:
        dmamatrix conform vectors/code-*.csv.gz
        dmamatrix conform vectors/life-*.csv.gz vectors/dyn-*.csv.gz
      """)

  @Argument(help: "Vectors files, - for standard input.", completion: .file())
  var files: [String]
  @Option(help: "A policy file that describes a variant.", completion: .file())
  var policy: [String] = []
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Show at most this many differing rows.", valueName: "rows"))
  var show = 10

  mutating func run() throws {
    guard show >= 0 else {
      throw UsageError(description: "--show '\(show)' is not a number of rows; accepted: 0 or more")
    }
    var check = ConformanceCheck(limit: show, variants: try PolicyFiles.read(policy))
    for (index, file) in files.enumerated() {
      try check.check(path: file == "-" ? "/dev/stdin" : file)
      Output.progress(Double(index + 1) / Double(files.count), "comparing")
    }
    guard check.rows > 0 || !check.excluded.isEmpty else {
      throw UsageError(description: "no file holds a row; expected measured outcomes")
    }
    try Output.write(conformanceText(check))
    if check.mismatchedRows > 0 { throw ExitCode(1) }
  }
}
