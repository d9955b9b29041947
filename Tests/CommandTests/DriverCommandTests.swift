import Foundation
import TestSupport
import Testing

/// One question about the drivers of a tree has one answer, whoever gives it.
extension CommandTests {
  /// The tree of the other tests with files that do not count as drivers beside.
  private func writeDriverTree() throws -> String {
    let tree = directory + "/tree"
    let probe = "static int x_probe(struct device *dev)\n{\n  "
    try DriverTree.write(
      to: tree,
      others: [
        "arch/x86/kernel/x.c": probe + "return dma_set_mask(dev, DMA_BIT_MASK(40));\n}\n",
        "drivers/dma/store.c": probe + "dev->coherent_dma_mask = DMA_BIT_MASK(40);\n}\n",
      ])
    return tree
  }

  private func object(_ run: Run) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
  }

  private func rows(_ query: String, _ parameters: [String] = []) throws -> [[String]] {
    let run = try run(
      ["query", "--named", query, "--format", "csv"] + parameters.flatMap { ["-p", $0] })
    #expect(run.status == 0, "\(run.error)")
    return run.output.split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  private static let filters = [
    "--platform", "x86-sme47", "--iommu", "passthrough", "--swiotlb", "force", "--mem", "64G",
    "--bus-limit", "none", "--coherent", "1", "--external", "0", "--attrs", "none",
  ]

  @Test func driversAreCountedOnce() throws {
    let tree = try writeDriverTree()
    #expect(try run(["generate", "--kernel", "7.2,v6"] + Self.filters).status == 0)
    let text = try run(["drivers", "--tree", tree, "--store", "matrix.db"])
    #expect(text.status == 0 && text.output.contains("in 4 files below"), "\(text.output)")
    let json = try object(try run(["drivers", "--tree", tree, "--format", "json"]))
    let drivers = try #require(json["drivers"] as? [[String: Any]])
    #expect(drivers.count == 6 && drivers.count { $0["counted"] as? Bool == true } == 4)
    for (query, sets, title) in [
      ("streaming-only", "streaming", "The streaming mask alone"),
      ("coherent-only", "coherent", "The coherent mask alone"),
    ] {
      let files = Set(try rows(query).map { $0[0] })
      let same = drivers.filter {
        $0["counted"] as? Bool == true && $0["sets"] as? String == sets
      }
      #expect(Set(same.compactMap { $0["file"] as? String }) == files)
      #expect(text.output.contains("\(title): \(files.count) files"))
    }
    // The pairs, of the JSON and of the query.
    let slow = drivers.first { $0["file"] as? String == "drivers/net/slow.c" }
    let pairs = try rows("streaming-only").map { "\($0[1])/\($0[2])" }.sorted()
    #expect(pairs == ["32/32", "48/32"])
    #expect((slow?["masks"] as? [String])?.sorted() == ["32", "48/32"])
  }

  /// One driver with all that is known; the newest kernel's tree answers, not the last one.
  @Test func oneDriverAndTheNewestTree() throws {
    let tree = try writeDriverTree()
    let slow = try run(["drivers", "--tree", tree, "--driver", "slow"])
    #expect(slow.status == 0, "\(slow.error)")
    for words in ["drivers/net/slow.c", "48/32", "SLOW", "Calls and stores"] {
      #expect(slow.output.contains(words), "\(slow.output)")
    }
    #expect(!slow.output.contains("fast_main.c"))
    #expect(try run(["drivers", "--tree", tree, "--driver", "none"]).status != 0)
    let missing = try run(["compare", "7.2", "v6", "--drivers", "/no/tree"])
    #expect(missing.error.contains("--drivers '/no/tree' does not exist"), "\(missing.error)")
    #expect(try run(["generate", "--kernel", "7.2"] + Self.filters).status == 0)
    #expect(
      try run(["drivers", "--tree", tree, "--name", "new", "--store", "matrix.db"]).status == 0)
    let makefile = URL(fileURLWithPath: tree).appendingPathComponent("Makefile")
    try Data("VERSION = 6\nPATCHLEVEL = 12\n".utf8).write(to: makefile)
    #expect(
      try run(["drivers", "--tree", tree, "--name", "old", "--store", "matrix.db"]).status == 0)
    #expect(try rows("streaming-only").allSatisfy { $0.last == "new" })
    #expect(try rows("streaming-only", ["tree=old"]).allSatisfy { $0.last == "old" })
    let doubts = try rows("driver-doubts")
    #expect(!doubts.isEmpty && doubts.allSatisfy { !$0[2].isEmpty })
  }

  @Test func findingsAndQueriesNameTheSameDrivers() throws {
    let tree = try writeDriverTree()
    #expect(try run(["generate", "--kernel", "7.2,v6"] + Self.filters).status == 0)
    #expect(try run(["drivers", "--tree", tree, "--store", "matrix.db"]).status == 0)
    let asked = Set(
      try rows("who-breaks").map { row in
        "\(row[0]) \(row[1] == row[2] ? row[1] : "\(row[1])/\(row[2])")"
      })
    #expect(!asked.isEmpty)
    let works: Set<String?> = ["ok", "bounced"]
    for command in [
      ["drivers", "--tree", tree, "--compare", "7.2,v6"],
      ["compare", "7.2", "v6", "--drivers", "matrix.db"],
    ] {
      let found = try object(try run(command + Self.filters + ["--format", "json"]))
      var named: Set<String> = []
      for transition in try #require(found["transitions"] as? [[String: Any]]) {
        let verdicts = (transition["sides"] as? [[String: Any]] ?? []).map {
          $0["verdict"] as? String
        }
        guard works.contains(verdicts[0]), !works.contains(verdicts[1]) else { continue }
        let drivers = try #require(transition["drivers"] as? [String: Any])
        let matching = try #require(drivers["matching"] as? [[String: Any]])
        #expect(drivers["count"] as? Int == matching.count && drivers["of"] as? Int == 4)
        for match in matching {
          for masks in match["masks"] as? [String] ?? [] {
            named.insert("\(match["file"] as? String ?? "") \(masks)")
          }
        }
      }
      #expect(named == asked, "\(command)")
    }
  }

  @Test func longListsAreCutUnlessAllAreAsked() throws {
    let names = (10..<40).map { "drivers/net/n\($0).c" }
    let tree = directory + "/tree"
    let probe = "static int x_probe(struct device *dev)\n{\n  "
    try DriverTree.write(
      to: tree,
      others: Dictionary(
        uniqueKeysWithValues: names.map {
          ($0, probe + "return dma_set_mask(dev, DMA_BIT_MASK(40));\n}\n")
        }))
    let cut = try run(["drivers", "--tree", tree])
    #expect(cut.output.contains("The streaming mask alone: 31 files"))
    #expect(cut.output.contains("and 19 more") && !cut.output.contains("n39.c"))
    let whole = try run(["drivers", "--tree", tree, "--all"])
    #expect(whole.output.contains("n39.c") && !whole.output.contains(" more\n"))
    // A list of findings has the same end.
    let arguments = ["drivers", "--tree", tree, "--compare", "7.2,v6"] + Self.filters
    let compared = try run(arguments)
    #expect(compared.status == 1)
    let alone = try run(["compare", "7.2", "v6", "--all"])
    #expect(alone.status == 2 && alone.error.contains("--all needs --drivers"))
  }

  /// Without --base it is the release below, as in check.
  @Test func checkHasTheSameDefaults() throws {
    let tree = try writeDriverTree()
    let filters = ["--platform", "x86-sme47", "--mem", "64G", "--mask", "40", "--op", "map"]
    let check = try run(["check", "--kernel", "7.3", "--drivers", tree] + filters)
    let drivers = try run(
      ["drivers", "--tree", tree, "--check", "7.3", "--name", "7.3.9"] + filters)
    #expect(check.status == drivers.status && !check.output.isEmpty)
    func sorted(_ run: Run) -> [Substring] { run.output.split(separator: "\n").sorted() }
    #expect(sorted(check) == sorted(drivers))
  }
}
