import Foundation
import TestSupport
import Testing

/// `verify --git`, `blame`, `report history` and `review` on a repository of small commits.
@Suite(.enabled(if: GitTestRepository.isThere)) struct GitCommandTests {
  private static let tree =
    (ProcessInfo.processInfo.environment["DMAMATRIX_KERNELS"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(".kernels").path) + "/6.12"
  private static let canRun = access(tree + "/kernel/dma/swiotlb.c", R_OK) == 0
  private static let why: Comment = "it needs the tree that make verify-kernels unpacks"
  private static let key = "x86-sme47/none/default/2G/47/same/none/1/0/alloc/none/-"
  private static let file = "arch/x86/mm/mem_encrypt.c"
  private static let old = "if (dma_dev_mask <= dma_enc_mask)"

  private let tests: CommandTests
  private let repository: GitTestRepository

  init() throws {
    tests = try CommandTests()
    repository = try GitTestRepository()
  }

  /// What x86 is made of, of the unpacked tree.
  private func copyTree() throws {
    for part in [
      "Makefile", "kernel/dma", "include/linux", "include/asm-generic", "arch/x86/Kconfig",
      "arch/x86/mm", "arch/x86/kernel", "arch/x86/coco", "arch/x86/hyperv", "arch/x86/include",
      "drivers/iommu",
    ] where FileManager.default.fileExists(atPath: Self.tree + "/" + part) {
      let target = URL(fileURLWithPath: repository.path + "/" + part)
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: Self.tree + "/" + part, toPath: target.path)
    }
  }

  private func edit(_ old: String, _ new: String) throws {
    let text = try repository.read(Self.file)
    try #require(text.contains(old))
    try repository.write(text.replacing(old, with: new), to: Self.file)
  }

  /// Behind the base: nothing of it, no C, a comment, a change, its contrary, and the change
  /// again.
  private func makeHistory() throws -> [String] {
    try copyTree()
    var commits = [try repository.commit("base")]
    try repository.write("text\n", to: "README")
    commits.append(try repository.commit("a file that nobody compiles"))
    try edit(Self.old, "if (dma_dev_mask <= <= dma_enc_mask)")
    commits.append(try repository.commit("no C"))
    try edit("if (dma_dev_mask <= <= dma_enc_mask)", "/* why */ " + Self.old)
    commits.append(try repository.commit("a comment"))
    try edit(Self.old, "if (dma_dev_mask + 1 < dma_enc_mask)")
    commits.append(try repository.commit("the change"))
    try edit("dma_dev_mask + 1 < dma_enc_mask", "dma_dev_mask <= dma_enc_mask")
    commits.append(try repository.commit("and back"))
    try edit(Self.old, "if (dma_dev_mask + 1 < dma_enc_mask)")
    commits.append(try repository.commit("again"))
    return commits
  }

  private func run(_ arguments: [String]) throws -> Run {
    try tests.run(arguments + ["--cache", tests.directory + "/cache"])
  }

  private static let filters = [
    "--platform", "x86-sme47", "--mask", "46,47", "--iommu", "none", "--yes",
  ]

  @Test(.enabled(if: canRun, why))
  func aHistoryIsAsked() throws {
    let commits = try makeHistory()
    let bare = repository.file("bare.git")
    try repository.git(["clone", "-q", "--bare", repository.path, bare])

    // One state for git bisect: it holds, does not, cannot be asked.
    func expect(_ revision: String, _ what: String) throws -> Run {
      try run(["verify", "--git", bare, revision, "--yes", "--expect", "\(Self.key) \(what)"])
    }
    let holds = try expect(commits[0], "result=page verdict!=refused")
    #expect(holds.status == 0, "\(holds.error)")
    #expect(holds.output == "\(commits[0].prefix(12)): result=page verdict!=refused holds\n")
    let fails = try expect(commits[4], "result=page")
    #expect(fails.status == 1 && fails.output.contains("\(Self.key): result="), "\(fails)")
    let skipped = try expect(commits[2], "result=page")
    #expect(skipped.status == 125 && skipped.error.contains("does not compile"), "\(skipped)")
    for (what, word) in [
      ("result=none", "'none' is unknown"), ("color=red", "'color' is unknown"), ("", "COLUMN"),
    ] {
      let bad = try expect("HEAD", what)
      #expect(bad.status == 129 && bad.error.contains(word), "\(what): \(bad.error)")
    }

    // An allocation has no DMA_ATTR_MMIO: no kernel has the scenario.
    let none = try run([
      "verify", "--git", bare, "--yes", "--expect",
      "x86-sme47/none/default/2G/47/same/none/1/0/alloc/mmio/- result=page",
    ])
    #expect(none.status == 128 && none.error.contains("no scenario"), "\(none.error)")

    // The range, a row for each.
    tests.generateSmall()
    let range = "\(commits[0])..main"
    let store = ["--store", tests.directory + "/matrix.db", "--name", "h"]
    let walk = try run(["verify", "--git", bare, range] + Self.filters + store)
    #expect(walk.status == 1, "\(walk.error)")
    let rows = walk.output.split(separator: "\n").filter { line in
      commits.contains { line.hasPrefix($0.prefix(12) + " ") }
    }
    #expect(rows.count == 6, "\(walk.output)")
    for (row, word) in zip(
      rows, [" alike ", " not asked ", " alike ", " breaks ", " and back", " breaks "])
    {
      #expect(row.contains(word), "\(row)")
    }
    #expect(walk.error.contains("\(commits[2].prefix(12)) cannot be asked"))
    #expect(walk.output.split(separator: "\n").allSatisfy { $0.count <= 72 }, "\(walk.output)")

    // What fewer filters asked is not replaced by less.
    let fewer = ["--platform", "x86-sme47", "--mask", "46", "--iommu", "none", "--yes"]
    let less = try run(["verify", "--git", bare, range] + fewer + store)
    #expect(less.status == 2 && less.error.contains("would replace"), "\(less.error)")
    // As many others are not the same.
    let others = try run(
      ["verify", "--git", bare, range, "--platform", "x86-sme47", "--mask", "47,48", "--iommu"]
        + ["none", "--yes"] + store)
    #expect(others.status == 2 && others.error.contains("would replace"), "\(others.error)")

    // Who changed it, in the database and its views.
    let blame = try tests.run(["blame", Self.key])
    #expect(blame.status == 0, "\(blame.error)")
    let named = commits.filter { blame.output.contains($0.prefix(12)) }
    #expect(named == [commits[0], commits[4], commits[5], commits[6]], "\(blame.output)")
    #expect(blame.output.contains("3 commits changed it. 1 could not be asked."))
    #expect(blame.output.split(separator: "\n").allSatisfy { $0.count <= 72 }, "\(blame.output)")
    let history = try tests.run(["report", "history"])
    #expect(history.status == 0 && history.output.hasPrefix("Findings of h\n"))

    // b4 reads a status for each effect.
    let checks = try run(
      ["review", "--git", bare, "\(commits[0])..\(commits[6])", "--format", "b4"] + Self.filters)
    let objects = try #require(
      JSONSerialization.jsonObject(with: Data(checks.output.utf8)) as? [[String: String]])
    #expect(objects.first?["status"] == "fail", "\(checks.output)")
    #expect(objects.allSatisfy { $0["tool"] == "dmamatrix" && $0["summary"] != nil })

    // A review of the same, of which the first change is undone in between.
    let review = try run(["review", "--git", bare, "\(commits[0])..\(commits[6])"] + Self.filters)
    #expect(review.status == 1, "\(review.error)")
    let lines = review.output.split(separator: "\n")
    #expect(lines.count <= 13 && lines.allSatisfy { $0.count <= 72 }, "\(review.output)")
    #expect(review.output.contains("  before: "), "\(review.output)")
    #expect(review.output.contains("  after:  "), "\(review.output)")
    let undone = try run(
      ["review", "--git", bare, "\(commits[0])..\(commits[5])", "--format", "json"]
        + Self.filters)
    let json = try #require(
      JSONSerialization.jsonObject(with: Data(undone.output.utf8)) as? [String: Any])
    #expect((json["effects"] as? [Any])?.isEmpty == true, "\(undone.output)")
    #expect((json["patches"] as? [Any])?.count == 5)
    #expect(tests.numbersAsText(in: json).isEmpty, "\(undone.output)")
  }

  /// Patches that touch neighbouring lines, in a way that is decided by one of them each:
  /// the effects of each name its own line and no other's.
  @Test(.enabled(if: canRun, why))
  func neighboursAreToldApart() throws {
    try copyTree()
    let (direct, pool) = ("kernel/dma/direct.h", "kernel/dma/swiotlb.c")
    var commits = [try repository.commit("base")]
    func change(_ file: String, _ old: String, _ new: String) throws {
      let text = try repository.read(file)
      try #require(text.contains(old))
      try repository.write(text.replacing(old, with: new, maxReplacements: 1), to: file)
      commits.append(try repository.commit(new))
    }
    func line(of text: String, in file: String) throws -> Int {
      let lines = try repository.read(file).components(separatedBy: "\n")
      return try #require(lines.firstIndex { $0.contains(text) }) + 1
    }
    try change(
      direct, "\tif (is_swiotlb_force_bounce(dev)) {\n\t\tif (is_pci",
      "\tif (is_swiotlb_force_bounce(dev) && size) {\n\t\tif (is_pci")
    // The first of the two is passed.
    try change(
      direct, "\t\tif (is_swiotlb_active(dev))\n",
      "\t\tif (dir == DMA_NONE)\n\t\t\treturn DMA_MAPPING_ERROR;\n"
        + "\t\tif (dev->bus_dma_limit)\n\t\t\treturn DMA_MAPPING_ERROR;\n"
        + "\t\tif (is_swiotlb_active(dev))\n")
    let refused = try line(of: "\t\tif (dev->bus_dma_limit)", in: direct)
    let served = try line(of: "if (dir == DMA_NONE)", in: direct)
    try change(
      direct, "\t    dma_kmalloc_needs_bounce(dev, size, dir)) {",
      "\t    (attrs & DMA_ATTR_NO_WARN) ||\n\t    dma_kmalloc_needs_bounce(dev, size, dir)) {")
    try change(pool, "* IO_TLB_SEGSIZE - min_align", "* IO_TLB_SEGSIZE / 2 - min_align")
    let size = try line(of: "IO_TLB_SEGSIZE / 2", in: pool)
    try change("include/linux/swiotlb.h", "(64UL<<20)", "(32UL<<20)")
    let labels = commits.map { String($0.prefix(12)) }
    let review = try run([
      "review", "--git", repository.path, "\(commits[0])..main", "--format", "json", "--platform",
      "x86", "--mask", "31,47", "--iommu", "none", "--yes",
    ])
    #expect(review.status == 1, "\(review.error)")
    let json = try #require(
      JSONSerialization.jsonObject(with: Data(review.output.utf8)) as? [String: Any])
    let effects = try #require(json["effects"] as? [[String: Any]])
    func effect(_ name: String) throws -> [String: Any] {
      try #require(effects.first { $0["effect"] as? String == name }, "\(review.output)")
    }
    let breaks = try effect("breaks")
    #expect((breaks["by"] as? [String])?.first == labels[2], "\(breaks)")
    #expect(
      breaks["after"] as? String == "dma_direct_map_page() \(direct):\(refused), by \(labels[2])")
    #expect(breaks["before"] as? String == "dma_direct_map_page() \(direct):\(served)")
    let slower = try effect("slower")
    #expect(
      slower["after"] as? String == "swiotlb_max_mapping_size() \(pool):\(size), by \(labels[4])")
    #expect(slower["before"] as? String == "swiotlb_max_mapping_size() \(pool):\(size)")
    let pools = try #require(json["pools"] as? [[String: Any]])
    #expect(!pools.isEmpty && pools.allSatisfy { $0["by"] as? [String] == [labels[5]] })
    #expect(pools.contains { $0["bytes"] as? [Int] == [64 << 20, 32 << 20] }, "\(pools)")
  }

  /// Where a function is answered both ways, both are kept: blame asks "no" without a name.
  @Test(.enabled(if: canRun, why))
  func bothWaysAreStored() throws {
    try copyTree()
    let base = try repository.commit("base")
    try edit(
      Self.old,
      "extern bool device_cc_accepted(struct device *dev);\n"
        + "\t\tif (!device_cc_accepted(dev) && dma_dev_mask <= dma_enc_mask)")
    _ = try repository.commit("accept")
    tests.generateSmall()
    let database = tests.directory + "/matrix.db"
    let walk = try run(
      ["verify", "--git", repository.path, "\(base)..main", "--store", database, "--name", "h"]
        + Self.filters)
    #expect(walk.status == 1, "\(walk.error)")
    let no = try tests.run(["blame", Self.key])
    #expect(no.output.contains("no commit changed it."), "\(no.output)\(no.error)")
    let yes = try tests.run(["blame", "--history", "h+device_cc_accepted", Self.key])
    #expect(yes.output.contains("1 commit changed it."), "\(yes.output)\(yes.error)")
    // Nothing is said of what decides, which is looked for where one scenario is shown.
    let decided = try tests.run([
      "query", "SELECT DISTINCT decided_by = '' FROM behavior WHERE kernel NOT IN ('6.12')",
      "--format", "csv", "--database", database,
    ])
    #expect(decided.output.split(separator: "\n").dropFirst() == ["1"], "\(decided.output)")
  }

  /// A git that hangs at a FIFO ends with the command, however that ends.
  @Test func noGitOutlivesTheCommand() throws {
    try repository.write("text\n", to: "file")
    let commit = try repository.commit("one")
    let path = "\(repository.path)/.git/objects/\(commit.prefix(2))/\(commit.dropFirst(2))"
    #expect(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
    let process = try tests.start(["verify", "--git", repository.path, "--yes"])
    func gits() -> [pid_t] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return names.compactMap { pid_t($0) }.filter { number in
        let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") ?? Data()
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.contains(repository.path) && words.contains("cat-file")
      }
    }
    // It hangs as long as it is let.
    for _ in 0..<1000 where gits().isEmpty { usleep(10_000) }
    #expect(!gits().isEmpty)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    for _ in 0..<1000 where !gits().isEmpty { usleep(10_000) }
    #expect(gits().isEmpty)
  }

  @Test(.enabled(if: canRun, why))
  func gitBisectFindsTheCommit() throws {
    let commits = try makeHistory()
    try repository.git(["checkout", "-q", commits[4]])
    try repository.git(["bisect", "start", commits[4], commits[0]])
    let said = try repository.git([
      "bisect", "run", tool.path, "verify", "--git", ".", "--yes", "--cache",
      tests.directory + "/cache", "--expect", "\(Self.key) result=page",
    ])
    #expect(said.contains("\(commits[4]) is the first bad commit"), "\(said)")
  }

  /// What is wrong with the command ends a bisection, to which 2 is a bad commit.
  @Test(arguments: [
    ["--expect", "none"], ["--expect=\(key) result=none"], ["--git", "none", "--expect", key],
  ])
  func aWrongExpectationEndsABisection(arguments: [String]) throws {
    let git = arguments.contains("--git") ? [] : ["--git", "."]
    let run = try tests.run(["verify", "--yes"] + git + arguments)
    #expect(run.status == 129 && run.output.isEmpty, "\(run.error)")
    #expect(run.error.split(separator: "\n").count == 1, "\(run.error)")
  }

  @Test(arguments: [
    (["verify"], "--tree"), (["verify", "--git", "none"], "does not exist"),
    (["verify", "--git", "/"], "is no git repository"),
    (["verify", "--git", ".", "--tree", "."], "accepted: one"),
    (["verify", "--tree", ".", "HEAD"], "needs --git"),
    (["review", "--tree", "."], "--mbox"), (["review"], "--git with A..B"),
    (["review", "--git", ".", "HEAD"], "is no range"),
    (["blame", "x86/none"], "is no scenario's key"),
  ])
  func badInputIsOneSentence(arguments: [String], word: String) throws {
    let run = try tests.run(arguments)
    #expect(run.status == 2 && run.output.isEmpty, "\(arguments)")
    #expect(run.error.contains(word), "\(run.error)")
    #expect(run.error.split(separator: "\n").count == 1, "\(run.error)")
  }
}

extension CommandTests {
  /// A database for what is stored beside a model.
  fileprivate func generateSmall() {
    _ = try? run(["generate", "--quiet", "--kernel", "6.12", "--platform", "x86-sme47"])
  }
}
