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

      "by" names patches that have the effect on scenarios against the patch before,
      the one that turns the witness first; "by default" counts scenarios with no
      parameter: swiotlb=default, and iommu none or translated.  Default pools that
      boots make smaller, or elsewhere, have lines of their own.

      --drivers joins each effect with the drivers of a kernel tree whose masks
      fall under it.  "before" and "after" are where the witness is decided in the
      two states between which it turns: a line that the patch wrote or removed, of
      conditions the one that holds and leaves the function; of a largest mapping
      in dma_max_mapping_size(), of an end in the unmap or free.  --all has both
      ways of each witness.  A
      function that says yes or no and is defined outside of what is compiled is
      answered both ways.  Of the last state, the masks at both ends of each run of
      equal answers of a device and a request are asked again, with other contents
      of memory that nobody has written; states in between are not.  The counts
      say how many.  Where two ways part, lines that were written anew with the
      same outcome do not count.

      --format b4 is b4's check protocol, for a mail or mailbox on standard input
      (--mbox -): corrupts, breaks and exposes fail, other effects but better ones
      are warnings.

      Exit status: 1 where something differs; 3 where nothing does, but not all was
      asked, as where a patch's code does not compile; 2 for what you must correct.

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
  @Option(
    help: ArgumentHelp("text, markdown, json or b4.", valueName: "format"),
    completion: .formats(FindingFormat.self, others: ["b4"]))
  var format = "text"
  @Option(help: ArgumentHelp("Where to build.", valueName: "directory"), completion: .directory)
  var cache: String?
  @Flag(help: "Compile and run the tree without asking.")
  var yes = false
  @OptionGroup var joined: DriverOption
  @OptionGroup var jobs: JobsOption
  @OptionGroup(title: "Board") var board: BoardOptions
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    let findings: FindingFormat? =
      format == "b4" ? nil : try dmamatrix.format(format, others: ["b4"])
    guard filters.kernel.isEmpty else {
      throw UsageError(
        description: "--kernel is no filter of review, which compares a tree's own code")
    }
    let domain = try Verify.expressible(
      board.domain(filters), isNamed: !filters.platform.isEmpty)
    let drivers = try joined.list(domain)
    let review: Review?
    // The lines of a series are read where they are printed.
    var patched: PatchedTree?
    defer { patched?.remove() }
    switch (tree, git) {
    case (let tree?, nil):
      review = try self.review(ofMailsOn: tree, domain, drivers) { patched = $0 }
    case (nil, let git?): review = try self.review(ofCommitsIn: git, domain, drivers)
    default:
      throw UsageError(
        description: "review needs a series; accepted: --tree with --mbox, or --git with A..B")
    }
    guard let review else { return }
    let text =
      switch findings {
      case .text: review.document(all: all).text(.text)
      case .markdown: review.document(all: all).text(.markdown)
      case .json: review.json
      case nil: review.b4
      }
    try Output.write(text)
    if review.differs { throw ExitCode(1) }
    if review.isIncomplete || review.isAlike { throw ExitCode(3) }
  }

  /// The states of a series under an assumption.
  private struct Walked {
    var steps: HistorySteps
    let ends: [(state: TreeEvaluation, kernel: KernelVersion)]
    let witnesses: [String: CodeWitness]
    let predicates: [String]
  }

  /// What a walk finds, for each way that functions which are defined elsewhere may answer.
  ///
  /// - Parameter walk: Functions that its assumption does not name say no.
  private func ways(
    _ domain: MatrixDomain, _ drivers: DriverList?, walk: (Assumption) throws -> Walked
  ) throws -> [Review.Way] {
    let first = try walk(.none)
    let assumptions = Assumption.all(of: first.predicates)
    let walked = try [first] + assumptions.dropFirst().map(walk)
    let answers = try AnswerCache(cacheDirectory: cache)
    return try zip(assumptions, walked).map { assumption, walked in
      var steps = walked.steps
      steps.condition = assumption.condition
      guard let (_, new) = walked.ends.pair else {
        return Review.Way(steps, look: .nothing, witnesses: [:], drivers: false)
      }
      let look = try new.state.secondLook(
        at: new.kernel, domain, jobs: jobs.count, from: answers, assuming: assumption)
      return Review.Way(
        steps, look: look, witnesses: walked.witnesses, drivers: drivers != nil)
    }
  }

  private func review(
    ofCommitsIn git: String, _ domain: MatrixDomain, _ drivers: DriverList?
  ) throws -> Review? {
    guard mbox.isEmpty, let range, range.contains("..") else {
      throw UsageError(
        description: mbox.isEmpty
          ? "'\((range ?? "").printable)' is no range; accepted with --git: A..B"
          : "--mbox is for --tree; accepted with --git: A..B")
    }
    let history = try History(git, range)
    try Consent.ask(for: history.repository.path, yes: yes, by: "review")
    var ends: [(state: TreeEvaluation, kernel: KernelVersion)] = []
    let ways = try ways(domain, drivers) { assumption in
      ends = []
      var steps = HistorySteps(domain: domain)
      var witnesses: [String: CodeWitness] = [:]
      let predicates = try Verify.states(
        of: history, domain, jobs: jobs.count, cache: cache, assuming: assumption,
        isQuiet: !assumption.holding.isEmpty
      ) { state in
        let label = steps.add(state)
        witnesses[label] = CodeWitness(state, domain, assuming: assumption)
        if let evaluation = state.evaluation, let kernel = state.kernel {
          ends = ends.prefix(1) + [(evaluation, kernel)]
        }
      }
      return Walked(
        steps: steps, ends: ends, witnesses: witnesses, predicates: predicates)
    }
    let coverage = try ends.pair.flatMap { _ in
      try Verify.coverage(history, ends, domain, jobs.count, cache)
    }
    let count = history.commits.count - 1
    return Review(
      title: "\(count) \(count == 1 ? "commit" : "commits"), "
        + "\(history.commits[0].id.prefix(12))..\(history.last.id.prefix(12))",
      ways: ways, unseen: coverage?.unseen ?? [],
      hasUnreached: coverage?.hasUnreached ?? false,
      series: coverage.map { [.heading("What was asked"), coverageBlock($0)] } ?? [],
      drivers: drivers)
  }

  /// - Parameter keep: Takes the tree with the series, which the review reads.
  private func review(
    ofMailsOn path: String, _ domain: MatrixDomain, _ drivers: DriverList?,
    keep: (PatchedTree) -> Void
  ) throws -> Review? {
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
      series, to: source, evaluated: base.neededFiles, cacheDirectory: cache)
    keep(patched)
    let parts = CompiledParts(base)
    try Verify.say(patched, parts)
    // Without it, the states before the patch that breaks it are asked all the same.
    let after = try Verify.compile(
      patched, series, on: base, called: "\(name) with the series", domain, cache: cache)
    try Verify.refuse(patched, after.map { parts.union(CompiledParts($0)) } ?? parts)
    var ends: [(state: TreeEvaluation, kernel: KernelVersion)] = []
    let ways = try ways(domain, drivers) { assumption in
      var steps = HistorySteps(domain: domain)
      var witnesses: [String: CodeWitness] = [:]
      var walk = try SeriesWalk(
        series, on: base, files: after?.files ?? [], domain: domain,
        policy: KernelVersion.latest.policy, jobs: jobs.count, cacheDirectory: cache,
        assuming: assumption)
      while let state = try walk.next() {
        Output.progress(Double(state.number) / Double(series.count + 1), "asking patch by patch")
        if let failure = state.failure, assumption.holding.isEmpty {
          Output.error(
            "patch \(state.number) of \(series.count), '\(state.subject.printable(upTo: 100))', "
              + "cannot be asked: \(failure)")
        }
        let label = steps.add(state, of: series.count)
        witnesses[label] = CodeWitness(state, domain, assuming: assumption)
      }
      Output.progress(1, "asking")
      ends =
        steps.ends.flatMap { ends in
          after.map { [(base, ends.first), ($0, ends.last)] }
        } ?? []
      return Walked(
        steps: steps, ends: ends, witnesses: witnesses, predicates: walk.predicates.sorted())
    }
    let coverage = try after.map { after in
      try self.coverage(of: patched, ends, base, after, domain)
    }
    return Review(
      title: "\(series.count) \(series.count == 1 ? "patch" : "patches") on \(name)",
      ways: ways,
      unseen: (coverage?.unseen ?? [])
        + (series.isCut ? ["the end of the series, which is missing"] : []),
      hasUnreached: coverage?.hasUnreached ?? false, patched: patched,
      series: seriesBlocks(
        series, on: name, patched, coverage: coverage,
        hasTheSameCode: after?.hasTheCode(of: base) ?? false), drivers: drivers)
  }

  private func coverage(
    of patched: PatchedTree, _ ends: [(state: TreeEvaluation, kernel: KernelVersion)],
    _ base: TreeEvaluation, _ after: TreeEvaluation, _ domain: MatrixDomain
  ) throws -> SeriesCoverage {
    var lines: (before: SeriesCoverage.Lines, after: SeriesCoverage.Lines)?
    if let (old, new) = ends.pair {
      let answers = try AnswerCache(cacheDirectory: cache)
      let looks = try [old, new].map {
        try $0.state.secondLook(at: $0.kernel, domain, jobs: jobs.count, from: answers)
      }
      lines = try Verify.lines((old.state, looks[0]), (new.state, looks[1]))
    }
    return SeriesCoverage(of: patched, after, to: base.tree, base, lines: lines)
  }
}

extension Array {
  /// The elements of an array of two.
  var pair: (Element, Element)? { count == 2 ? (self[0], self[1]) : nil }
}

extension SeriesCoverage {
  /// What of the changed lines was not asked, for a line.
  var unseen: [String] {
    var unseen = compiled == total ? [] : ["\(total - compiled) of \(total) changed lines of code"]
    if let symbol = unset.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
      unseen[0] += ", as under \(symbol.key.printable(upTo: 60))"
    }
    if let notReached, notReached > 0 {
      unseen.append(
        "\(notReached) compiled \(notReached == 1 ? "line" : "lines") that no scenario reaches")
    }
    return unseen
  }
}
