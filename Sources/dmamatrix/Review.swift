import Analysis
import ArgumentParser
import DMAModel
import Foundation
import KernelTree
import Reporting
import Support

struct ReviewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "review",
    abstract: "Say what a patch series changes, the worst first, in ten lines.",
    discussion: """
      Compiles the tree's own code before the series and after each of its patches,
      as verify does, asks every scenario, and compares.  Ten lines come first, to
      be quoted in a mail; --all shows the rest: what the whole changes, a row for
      each patch, and scenarios that are worse after some patch than before the
      series and after it, at which a bisection would stop.

      Effects, the worst first:
        corrupts        data go to the wrong place, without an error
        breaks          served before, refused now
        exposes         memory that somebody else can read
        slower          bounced where it was not, or a smaller largest mapping
        warns anew      a message that was not logged before
        ends otherwise  the same answer, another state after unmap or free
        works now       not served before
        safer, faster   the contrary of exposes or corrupts, and of slower
        other           addresses, states and messages

      "by" names patches that have the effect on scenarios against the patch before;
      "by default" counts scenarios with no parameter: swiotlb=default, and iommu
      none or translated.

      Exit status: 1 where something differs; 3 where nothing does, but not all was
      asked; 2 for what you must correct.

      Examples:
        dmamatrix review --tree ~/linux --mbox v8.mbox --yes
        dmamatrix review --git ~/linux v7.2..topic --all --format markdown
        dmamatrix review --git . HEAD~5..HEAD --platform x86-sme47,sev --yes
      """)

  @Option(
    help: ArgumentHelp("The kernel tree that --mbox applies to.", valueName: "directory"),
    completion: .directory)
  var tree: String?
  @Option(
    help: ArgumentHelp(
      "A patch series: a mailbox, mails, a folder of them, a diff; - for standard input.",
      valueName: "path"), completion: .file())
  var mbox: [String] = []
  @Option(
    help: ArgumentHelp("A git repository that holds the series.", valueName: "directory"),
    completion: .directory)
  var git: String?
  @Argument(help: ArgumentHelp("With --git: A..B.", valueName: "range"))
  var range: String?
  @Flag(help: "Show all, not the first lines alone.")
  var all = false
  @Option(help: ArgumentHelp("text, markdown or json.", valueName: "format"))
  var format = "text"
  @Option(help: ArgumentHelp("Where to build.", valueName: "directory"), completion: .directory)
  var cache: String?
  @Flag(help: "Compile and run the tree without asking.")
  var yes = false
  @OptionGroup var jobs: JobsOption
  @OptionGroup(title: "Board") var board: BoardOptions
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let format: FindingFormat = try dmamatrix.format(format)
    guard filters.kernel.isEmpty else {
      throw UsageError(
        description: "--kernel is no filter of review, which compares a tree's own code")
    }
    let domain = try Verify.expressible(
      board.domain(filters), isNamed: !filters.platform.isEmpty)
    let review: Review
    switch (tree, git) {
    case (let tree?, nil): review = try self.review(ofMailsOn: tree, domain)
    case (nil, let git?): review = try self.review(ofCommitsIn: git, domain)
    default:
      throw UsageError(
        description: "review needs a series; accepted: --tree with --mbox, or --git with A..B")
    }
    let text =
      switch format {
      case .text: review.document(all: all).text(.text)
      case .markdown: review.document(all: all).text(.markdown)
      case .json: review.json
      }
    try Output.write(text)
    if review.differs { throw ExitCode(1) }
    if review.isIncomplete { throw ExitCode(3) }
  }

  private func review(ofCommitsIn git: String, _ domain: MatrixDomain) throws -> Review {
    guard mbox.isEmpty, let range, range.contains("..") else {
      throw UsageError(
        description: mbox.isEmpty
          ? "'\((range ?? "").printable)' is no range; accepted with --git: A..B"
          : "--mbox is for --tree; accepted with --git: A..B")
    }
    let history = try History(git, range)
    try Consent.ask(for: history.repository.path, yes: yes, by: "review")
    var steps = HistorySteps(domain: domain)
    try Verify.states(of: history, domain, jobs: jobs.count, cache: cache) { steps.add($0) }
    let count = history.commits.count - 1
    return Review(
      title: "\(count) \(count == 1 ? "commit" : "commits"), "
        + "\(history.commits[0].id.prefix(12))..\(history.last.id.prefix(12))",
      steps: steps, unseen: [])
  }

  private func review(ofMailsOn path: String, _ domain: MatrixDomain) throws -> Review {
    guard range == nil, let series = try Verify.series(mbox) else {
      throw UsageError(
        description: range.map { "'\($0.printable)' is a range, which needs --git" }
          ?? "--tree needs --mbox with the series")
    }
    let source = try SourceTree(path: path)
    try Consent.ask(for: source.path, yes: yes, by: "review")
    for note in series.notes { Output.error(note) }
    let name = source.version.map { "tree-\($0)" } ?? "tree"
    let base = try Verify.compile(source, called: name, domain, cache: cache)
    let patched = try PatchedTree(
      series, to: source, evaluated: base.files, cacheDirectory: cache)
    defer { patched.remove() }
    let parts = CompiledParts(base)
    try Verify.say(patched, parts)
    let after = try Verify.compile(
      patched.tree, called: "\(name) with the series", domain, cache: cache)
    try Verify.refuse(patched, parts.union(CompiledParts(after)))
    let coverage = SeriesCoverage(of: patched, after, to: source, base)
    var steps = HistorySteps(domain: domain)
    var walk = try SeriesWalk(
      series, on: base, files: after.files, domain: domain,
      policy: KernelVersion.latest.policy, jobs: jobs.count, cacheDirectory: cache)
    while let state = try walk.next() {
      Output.progress(Double(state.number) / Double(series.count + 1), "asking patch by patch")
      if let failure = state.failure {
        Output.error("patch \(state.number) cannot be asked: \(failure)")
      }
      steps.add(state, of: series.count)
    }
    Output.progress(1, "asking")
    var unseen =
      coverage.compiled == coverage.total
      ? [] : ["\(coverage.total - coverage.compiled) of \(coverage.total) changed lines"]
    if series.isCut { unseen.append("the end of the series, which is missing") }
    return Review(
      title: "\(series.count) \(series.count == 1 ? "patch" : "patches") on \(name)",
      steps: steps, unseen: unseen,
      series: seriesBlocks(series, on: name, patched, coverage: coverage))
  }
}
