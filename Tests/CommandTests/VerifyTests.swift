import Foundation
import Testing

/// verify as it is used, on Debian's 6.12 as `make verify-kernels` unpacks it.
extension CommandTests {
  private static let tree =
    (ProcessInfo.processInfo.environment["DMAMATRIX_KERNELS"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(".kernels").path) + "/6.12"

  private static let filters = ["--platform", "x86-sme47", "--iommu", "none", "--mem", "64G"]

  private func verify(_ arguments: [String]) throws -> Run {
    try run(
      ["verify", "--tree", Self.tree, "--cache", directory + "/cache"] + Self.filters + arguments)
  }

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: tree),
      "make verify-kernels unpacks the tree that this test reads"))
  func aTreeIsComparedAndStored() throws {
    // Nothing is compiled before somebody agrees.
    let asked = try verify([])
    #expect(asked.status == 2 && asked.error.contains("compiles code of"))
    #expect(asked.error.contains("--yes agrees to that"))
    #expect(!contents.contains("cache"))

    let agreed = try verify(["--yes", "--against", "6.12"])
    #expect(agreed.status == 0 && agreed.error.isEmpty)
    #expect(agreed.output.contains(" equal, 0 differ."))
    #expect(agreed.output.split(separator: "\n").allSatisfy { $0.count <= 72 })

    // Another model's answers differ, with conditions.
    let differs = try verify(["--yes", "--against", "7.2"])
    #expect(differs.status == 1 && differs.output.contains("code: result=error"))

    let name = try verify(["--yes", "--name", "6.12", "--store", "matrix.db"])
    #expect(name.status == 2)
    #expect(try run(["generate", "--kernel", "6.12,7.2"] + Self.filters).status == 0)
    for _ in 1...2 {  // the second replaces the first
      let stored = try verify(["--yes", "--name", "mine", "--store", "matrix.db"])
      #expect(stored.status == 0)
    }
    let counts = try run([
      "query", "--format", "csv",
      "SELECT kernel, sum(combinations) FROM life_cycle WHERE kernel IN ('6.12', 'mine') "
        + "AND mask_change = 'none' AND decrypt_fails = 'none' AND fill = 'empty' GROUP BY 1",
    ])
    let lines = counts.output.split(separator: "\n").dropFirst().map { $0.split(separator: ",")[1] }
    #expect(lines.count == 2 && lines[0] == lines[1])
    let found = try run(["disagreements"])
    #expect(
      found.status == 0 && found.output.contains("mine: its own code against the model of 6.12"))
    let compared = try run(["compare", "6.12", "mine", "--trees", "matrix.db"] + Self.filters)
    #expect(compared.status == 0 && compared.output.contains("equal, 0 differ."))
    // The tree was asked in the ordinary circumstance alone.
    let full = try run([
      "explain", "--kernel", "mine", "--trees", "matrix.db", "--platform", "x86-sme47", "--mask",
      "32", "--buf", "high", "--fill", "exhausted",
    ])
    #expect(full.status == 2 && full.error.contains("did not evaluate"))
    let lints = try run(
      [
        "check", "--kernel", "mine", "--trees", "matrix.db", "--lint",
        "freed-as-it-was,mask-monotone",
      ] + Self.filters)
    #expect(lints.output.contains("freed-as-it-was: not decided"))
    for (command, option) in [
      (["solve", "--from", "mine", "--base", "7.2"], "--from"),
      (["solve", "--from", "7.2", "--base", "mine"], "--base"),
      (["policy", "reach", "mine"], "kernel"),
    ] {
      let refused = try run(command + ["--trees", "matrix.db"])
      #expect(refused.status == 2 && refused.output.isEmpty)
      #expect(refused.error.contains("\(option) 'mine' is a kernel tree, whose code has no knobs"))
    }
    let damaged = try run(["info", "--database", "matrix.db"])
    #expect(damaged.status == 0 && damaged.output.contains("tree: 6.12"))
  }

  /// A tree's answers in parts, joined with the matrix' parts, are the rows of one
  /// run; a part goes into the same part only.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: tree),
      "make verify-kernels unpacks the tree that this test reads"))
  func aTreeIsAskedInParts() throws {
    func digest(_ database: String) throws -> Substring? {
      let checked = try run(["info", "--check", "--database", database])
      #expect(checked.status == 0)
      return checked.output.split(separator: " ").last
    }
    func scenarios(_ arguments: [String]) throws -> Int {
      let parts = ["--yes", "--name", "mine", "--against", "6.12"]
      let agreed = try verify(parts + arguments)
      let line = agreed.output.split(separator: "\n").first { $0.contains("exist on both") }
      #expect(agreed.status == 0 && agreed.error.isEmpty)
      return Int(line?.split(separator: " ").first ?? "") ?? -1
    }
    let generate = ["generate", "--kernel", "6.12"] + Self.filters
    #expect(try run(generate + ["-d", "whole.db"]).status == 0)
    let whole = try scenarios(["--store", "whole.db"])
    var sum = 0
    for part in ["1", "2"] {
      #expect(try run(generate + ["-d", part + ".db", "--shard", part + "/2"]).status == 0)
      let count = try scenarios(["--shard", part + "/2", "--store", part + ".db"])
      #expect(count > 0)
      sum += count
    }
    #expect(sum == whole)
    #expect(try run(["merge", "-o", "merged.db", "2.db", "1.db"]).status == 0)
    #expect(try digest("merged.db") == digest("whole.db"))

    let other = ["--yes", "--name", "other", "--against", "6.12"]
    for (wrong, sentence) in [
      (["--store", "1.db"], "'1.db' is part 1/2 of a matrix; accepted: --shard 1/2"),
      (
        ["--store", "1.db", "--shard", "2/2"],
        "'1.db' is part 1/2 of a matrix; accepted: --shard 1/2"
      ),
      (["--store", "whole.db", "--shard", "2/2"], "'whole.db' is a whole matrix"),
    ] {
      let refused = try verify(other + wrong)
      #expect(refused.status == 2 && refused.error.contains(sentence), "\(refused.error)")
    }
    #expect(try verify(other + ["--store", "1.db", "--shard", "1/2"]).status == 0)
    let foreign = try run(["merge", "-o", "foreign.db", "1.db", "2.db"])
    #expect(foreign.status == 2 && foreign.error.contains("has other kernel trees than"))
    #expect(!contents.contains("foreign.db"))
  }
}
