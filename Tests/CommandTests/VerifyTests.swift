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
    let differs = try verify(["--yes", "--against", "7.2", "--op", "alloc"])
    #expect(differs.status == 0 || differs.output.contains("code: "))

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
    #expect(found.status == 0 && found.output.contains("mine: its own code against the model"))
    let compared = try run(["compare", "6.12", "mine", "--trees", "matrix.db"] + Self.filters)
    #expect(compared.status == 0 && compared.output.contains("equal, 0 differ."))
    let damaged = try run(["info", "--database", "matrix.db"])
    #expect(damaged.status == 0 && damaged.output.contains("tree: 6.12"))
  }
}
