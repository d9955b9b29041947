import Analysis
import ArgumentParser
import DMAModel
import Foundation
import KernelTree
import MatrixStore
import Reporting
import Support

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compile a kernel tree's own DMA code and compare its answers with the model.",
    discussion: """
      Compiles kernel/dma, drivers/iommu/dma-iommu.c's mapping paths and the
      architectures' memory encryption and swiotlb set-up of any tree, mainline,
      stable or with a series applied, in user space against headers of this tool,
      and asks that program for every scenario.  What a tree has is found out by
      looking into it, never by its version number.

      Without --against, the model that disagrees least is taken.  Disagreements
      are reduced to exact conditions, with both answers; exit status 1 if there
      are any.

      --mbox applies a patch series to a copy of the files that are compiled, and
      compares the tree with the result, and with --against's model too.  It may
      be a mailbox (as b4 or an archive saves it, .gz too), files of git
      format-patch (--mbox for each), a maildir, a folder of these (as b4 am -o
      writes it), or a plain diff.  A reply that has a diff is left out and named.  Hunks
      are placed as patch(1) places them; what the tree has already is skipped.
      What became of each patch is listed, and how many of its lines are in code
      that is compiled.  A hunk that does not apply ends it only where it may
      change what is compiled.

      An architecture whose code does not compile is left out, and said so.  A
      function that says yes or no and is defined outside of what is compiled is
      answered both ways, up to three of them.

      Variables of the stack and memory that the kernel's code has not written hold a
      pattern (gcc 12, clang 16).  The masks at both ends of each run of equal answers
      of a device and a request are asked again with zeros there, in code compiled
      without optimizing, and where one changes, all of its machine; what changes is a
      finding, exit status 1.  In a range this is done at its end.  How many scenarios
      were asked again is printed: others may change, too.

      --git reads a commit of a repository instead of --tree: HEAD, or the REVISION
      behind it.  Nothing is checked out, run of its configuration or fetched; a
      bare repository will do, and a partial clone that has the files.  With A..B
      each commit along first parents is compared with the one before, in a row,
      then A with B; a commit in which nothing that is asked differs costs no time.
      --store puts a range's states into a database, for blame and report history; of
      functions that are answered both ways, each way is a history of its own, as
      A..B+function where it says yes.

      --expect asks one scenario, by its key as explain takes it, and ends as "git
      bisect run" wants it: 0 where all COLUMN=VALUE hold, 1 where one does not,
      125 where the state cannot be compiled or asked, 128 where no state can or no
      kernel has such a scenario, 129 for what you must correct; bisect stops at the
      last two.  Columns are those of behavior and life_cycle; VALUE|VALUE is one or
      the other, != any other.  The key's mask may be *: it must hold for each.

      Exit status: 1 where something differs; 3 where nothing does, but not all was
      asked: nothing of the series is compiled here, the tree has it already, the
      code with the series does not compile, or an architecture was left out; 2 for
      what you must correct, as a tree that does not compile for any platform asked,
      or a series that does not apply to what is compiled.

      --store puts the tree's answers into a database as another kernel: query,
      report and the explorer know it, and compare and check with --trees.
      generate makes the database anew without trees: store them again.

      --shard takes a part of the booted machines; the counts of all parts add up to
      the whole.  With --store it goes into the same part of "generate --shard", and
      merge joins the parts with their trees.

      Each request is undone with the same arguments, so that the columns of
      life_cycle are compared too, in the ordinary circumstance.

      What this cannot show: nothing runs at the same time as anything else, so
      no race; there is no IOMMU, page table, cache or device, only the decision;
      swiotlb's dynamic pools, CMA and Xen are not configured; pools are not full (but
      atomic pools with --fill atomic), decryption does not fail and masks do not
      change before the free.  The
      callers of swiotlb_init() on powerpc and of pv_init() on s390, and Hyper-V's
      set-up are ported, not the tree's: a series that changes those is not seen.
      Page allocation is the worst case: the highest free page of the zone.
      How many address lines a device drives (--device-bits of explain and generate)
      is known to no kernel, and not asked.

      The tree is compiled and its code is run, with limits on time and memory,
      without network and without writing files.  The command asks for
      permission before the first run, and with --yes does not.  What is built stays in the cache directory
      ($XDG_CACHE_HOME/dmamatrix).

      Examples:
        dmamatrix verify --tree ~/linux
        dmamatrix verify --tree ~/linux --platform x86-sme47,sev --against 7.3
        dmamatrix verify --tree ~/linux --mbox v8.mbox --yes
        dmamatrix verify --tree ~/linux --platform arm64 --mask 0-40 \\
            --dma-ranges 0x0:0x400000000:4G --bus-limit 0x47fffffff --yes
        dmamatrix verify --tree ~/linux --name mine --store matrix.db
        dmamatrix verify --tree ~/linux --against 7.3 --shard 1/8 --yes
        dmamatrix verify --git ~/linux v7.2..v7.3 --platform x86-sme47 --yes
        git bisect run dmamatrix verify --git . --yes --expect \\
            "x86/none/force/64G/64/same/none/1/0/map/none/high result=bounce"
      """)

  @Option(help: ArgumentHelp("The kernel tree.", valueName: "directory"), completion: .directory)
  var tree: String?
  @Option(
    help: ArgumentHelp("A git repository, in place of --tree.", valueName: "directory"),
    completion: .directory)
  var git: String?
  @Argument(
    help: ArgumentHelp(
      "With --git: a commit, branch or tag, or A..B (default: HEAD).", valueName: "revision"))
  var revision: String?
  @Option(
    help: ArgumentHelp(
      "A scenario's key and what its answer must be, as 'KEY result=bounce'.",
      valueName: "key column=value"))
  var expect: String?
  @Option(
    help: ArgumentHelp(
      "What to call the tree (default: tree-VERSION by its Makefile, or tree).",
      valueName: "name"))
  var name: String?
  @Option(
    help: ArgumentHelp("The modelled kernel to compare with.", valueName: "k"), completion: .kernels
  )
  var against: String?
  @Option(
    help: ArgumentHelp(
      "A patch series to apply to a copy: a mailbox, mails, a folder of them, a diff; - for "
        + "standard input.", valueName: "path"), completion: .file())
  var mbox: [String] = []
  @Option(help: "A database that takes the answers as another kernel.", completion: .database)
  var store: String?
  @Option(help: ArgumentHelp("Where to build.", valueName: "directory"), completion: .directory)
  var cache: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Show at most this many kinds of disagreement (default: 20).", valueName: "n"))
  var show: Int?
  @Option(
    help: ArgumentHelp("text or markdown.", valueName: "format"),
    completion: .formats(Document.Format.self))
  var format = "text"
  @Flag(help: "Compile and run the tree without asking.")
  var yes = false
  @Option(
    help: ArgumentHelp(
      "What every boot meets: empty, or atomic for full atomic pools.",
      valueName: "fill"), completion: .list(Self.fills))
  var fill = PoolFill.empty.name
  @OptionGroup var jobs: JobsOption
  @OptionGroup var part: ShardOption
  @OptionGroup(title: "Board") var board: BoardOptions
  @OptionGroup(title: "Filters") var filters: AxisFilters

  mutating func run() throws {
    if let show {
      guard show >= 0 else {
        throw UsageError(description: "--show '\(show)' is not a number; accepted: 0 or more")
      }
    }
    let format: Document.Format = try dmamatrix.format(format)
    guard filters.kernel.isEmpty else {
      throw UsageError(description: "--kernel is no filter of verify; --against names the model")
    }
    let expectation = try expect.map { try Expectation($0, filters: &filters) }
    let model = try against.map { try filters.kernel(called: $0, option: "--against") }
    var domain = try Self.expressible(
      board.domain(filters), isNamed: !filters.platform.isEmpty)
    domain.conditions = try conditions()
    domain.shard = try part.part()
    let history = try history(expectation, domain)
    guard domain.shard == nil || against != nil || !mbox.isEmpty || history?.isRange == true else {
      throw UsageError(
        description: "--shard needs --against: the nearest model may be another for each part")
    }
    if let store { _ = try MatrixDatabase(path: store) }
    let series = try Self.series(mbox)
    if let expectation { return try check(expectation, history, domain) }
    if let history, history.isRange {
      return try walk(history, domain, format, in: store)
    }
    let source: SourceTree
    // What is read of a commit is there as long as its state.
    var state: GitState?
    if let history {
      try Consent.ask(for: history.repository.path, yes: yes)
      state = try GitState(history.last, of: history.repository, cacheDirectory: cache)
    }
    defer { withExtendedLifetime(state) {} }
    if let state {
      source = state.tree
    } else {
      source = try SourceTree(path: tree ?? "")
    }
    let name = try treeName(of: source, commit: state?.commit)
    if state == nil { try Consent.ask(for: source.path, yes: yes) }

    let evaluation = try compile(source, called: name, domain)
    domain.platforms = evaluation.platforms(of: domain.platforms)
    if let series {
      return try compare(evaluation, called: name, with: series, domain, basedOn: model, format)
    }
    try agree(evaluation, called: name, domain, basedOn: model, format)
  }

  private static let fills = [PoolFill.empty.name, PoolFill.atomicPools.name]

  /// What the boots meet.
  private func conditions() throws -> BootConditions {
    guard Self.fills.contains(fill), let value = PoolFill(name: fill) else {
      throw UsageError(
        description: "--fill '\(fill.printable)' is none that a tree is asked with; accepted: "
          + Self.fills.joined(separator: ", "))
    }
    guard value == .empty || store == nil && git == nil && mbox.isEmpty && expect == nil else {
      throw UsageError(
        description: "--fill \(fill) compares a tree with a model; accepted: without --store, "
          + "--git, --mbox and --expect")
    }
    return BootConditions(fill: value)
  }

  /// A domain without what the harness cannot express, or what is wrong with it.
  ///
  /// - Parameter isNamed: Whether the user named its platforms.
  static func expressible(_ domain: MatrixDomain, isNamed: Bool) throws -> MatrixDomain {
    var domain = domain
    guard TreeEvaluation.canExpressLimits(of: domain) else {
      throw UsageError(
        description: "the harness cannot express so many masks and limits; accepted: up to 254 "
          + "different ones")
    }
    // A scatter list of the shim's has one entry, a table of pages one block.
    if let size = domain.buffers.first(where: {
      $0.isForAllocation && ($0.length > maxPageOrderSize || !isBlock($0.length))
    }), domain.iommuModes.contains(where: \.usesDMAIOMMU) {
      throw UsageError(
        description: "the harness cannot express --size \(size.length) with --iommu translated; "
          + "accepted: a power of two of pages up to 4M, or --iommu none, off, passthrough")
    }
    let expressible = domain.platforms.filter(TreeEvaluation.canExpress)
    guard !isNamed || expressible == domain.platforms else {
      throw UsageError(
        description: "the harness cannot express platform xen-pv; accepted: "
          + Platform.accepted.filter { $0 != Platform.xenPV.name }.joined(separator: ", "))
    }
    if let far = domain.buffers.first(where: {
      $0.physicalAddress + $0.length > TreeEvaluation.memoryLimit
    }) {
      throw UsageError(
        description: "the harness cannot express --buf \(far.name); accepted: below 256 GiB")
    }
    domain.platforms = expressible
    if let mode = domain.iommuModes.first(where: { $0 == .lazy || $0 == .strict }) {
      throw UsageError(
        description: "the harness cannot express --iommu \(mode.name), which decides as "
          + "translated does; accepted: none, off, passthrough, translated")
    }
    return domain
  }

  /// Compiles a tree, and says what of it does not compile.
  func compile(
    _ source: SourceTree, called name: String, _ domain: MatrixDomain, cache: String? = nil
  ) throws -> TreeEvaluation {
    try Self.compile(source, called: name, domain, cache: cache ?? self.cache)
  }

  /// - Parameters:
  ///   - cache: Where to build.
  ///   - explained: Says more of what does not compile.
  static func compile(
    _ source: SourceTree, called name: String, _ domain: MatrixDomain, cache: String?,
    explained: (TreeError) -> TreeError = { $0 }
  ) throws -> TreeEvaluation {
    let evaluation: TreeEvaluation
    do throws(TreeError) {
      evaluation = try TreeEvaluation(
        tree: source, platforms: domain.platforms, cacheDirectory: cache
      ) { Output.progress($0, "compiling \(name)") }
    } catch {
      for detail in error.details { Output.error("also \(detail)") }
      throw explained(error)
    }
    Output.progress(1, "compiling")
    for failure in evaluation.failures {
      Output.error("\(name), \(failure.name) is left out: \(explained(failure.error))")
      for detail in failure.error.details { Output.error("also \(detail)") }
    }
    for missing in evaluation.notFound where !optional.contains(missing) {
      Output.error("\(name): no '\(missing)' in the tree; its place may have changed")
    }
    return evaluation
  }

  /// Asks a compiled tree for every scenario of the domain.
  func ask(
    _ evaluation: TreeEvaluation, called name: String, _ domain: MatrixDomain,
    basedOn model: KernelVersion?, assuming assumption: Assumption = .none
  ) throws -> KernelVersion {
    let (kernel, _) = try evaluation.kernel(
      called: name, summary: "A kernel tree's own code", domain,
      basedOn: (model ?? .latest).policy, jobs: jobs.count,
      from: AnswerCache(cacheDirectory: cache), assuming: assumption
    ) {
      Output.progress($0, "asking \(name)")
    }
    Output.progress(1, "asking")
    return kernel
  }

  /// Definitions that come and go between versions; others took their place.
  private static let optional: Set<String> = [
    "arch_mm_preinit", "arch_zone_limits_init", "dma_limits_init", "zone_sizes_init",
    "cc_platform_has",
  ]

  /// Whether an allocation is a power of two of pages.
  private static func isBlock(_ length: UInt64) -> Bool {
    let pages = (length + 4095) / 4096
    return pages & (pages - 1) == 0
  }

  private func treeName(of source: SourceTree, commit: GitCommit?) throws -> String {
    let name =
      name ?? commit.map { String($0.id.prefix(12)) } ?? source.version.map { "tree-\($0)" }
      ?? "tree"
    guard !name.isEmpty, name.utf8.count <= 40,
      name.utf8.allSatisfy({
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
          || "-_.+".utf8.contains($0)
      })
    else {
      throw UsageError(
        description:
          "--name '\(name.printable)' is no name; accepted: at most 40 of letters, digits, "
          + "- _ . +")
    }
    guard KernelVersion.named(name) == nil else {
      throw UsageError(description: "--name '\(name)' is a modelled kernel; choose another name")
    }
    return name
  }
}

/// Says that a tree will be compiled and run, before it is.
enum Consent {
  static func ask(for tree: String, yes: Bool, by command: String = "verify") throws {
    if yes { return }
    let notice =
      "\(command) compiles code of \(tree.printable(upTo: 4096)) and runs it, without network "
      + "and without writing files" + (Confinement.isComplete ? "" : "; \(Confinement.missing)")
    guard isatty(STDIN_FILENO) != 0, isatty(STDERR_FILENO) != 0 else {
      throw UsageError(description: "\(notice); --yes agrees to that")
    }
    Output.question("\(notice). Continue? [y/N] ")
    guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
      throw UsageError(description: "not agreed; nothing was compiled or run")
    }
  }
}
