import DMAModel
import Foundation
import Testing

@testable import Analysis
@testable import KernelTree

/// Patch series applied to a kernel's own tree.
extension SeriesTests {
  /// The change of a file between two trees, as a mail has it.
  private func diff(_ file: String, from base: String, to edited: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/diff")
    process.arguments = [
      "-u", "--label", "a/" + file, "--label", "b/" + file, base + "/" + file,
      edited + "/" + file,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return "diff --git a/\(file) b/\(file)\n" + String(decoding: data, as: UTF8.self)
  }

  /// A series answers as the tree that was edited by hand.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aSeriesIsAppliedInOrder() throws {
    let domain = reducedDomain([.x86SME47])
    let file = "arch/x86/mm/mem_encrypt.c"
    let base = try SourceTree(path: Trees.path("6.12"))
    let first = try EditedTree(copyOf: "6.12")
    try first.replace(
      "if (dma_dev_mask <= dma_enc_mask)", with: "if (dma_dev_mask < dma_enc_mask)", in: file)
    let second = try EditedTree(copyOf: "6.12")
    try second.replace(
      "if (dma_dev_mask <= dma_enc_mask)", with: "if (dma_dev_mask + 1 < dma_enc_mask)", in: file)
    // A hunk in a file that is not compiled may fail; it is listed.
    let other = "diff --git a/README b/README\n--- a/README\n+++ b/README\n@@ -1 +1 @@\n-x\n+y\n"
    let mbox = data([
      mail("[PATCH 2/2] second", try diff(file, from: first.path, to: second.path)),
      mail("[PATCH 1/2] first", try diff(file, from: base.path, to: first.path) + other),
    ])
    let evaluation = try TreeEvaluation(tree: base, platforms: domain.platforms)
    let patched = try PatchedTree(
      PatchSeries(mbox: mbox), to: base, evaluated: evaluation.files,
      cacheDirectory: first.cache)
    defer { patched.remove() }
    #expect(patched.subjects == ["[PATCH 1/2] first", "[PATCH 2/2] second"])
    #expect(patched.rejected.map(\.file) == ["README"])
    let byMail = try evaluated(patched.tree.path, domain, cache: patched.buildDirectory)
    let byHand = try evaluated(second.path, domain, cache: second.cache)
    #expect(Agreement(model: byHand, code: byMail, domain: domain, limit: 0).isComplete)
    let unchanged = try evaluated(base.path, domain)
    #expect(!Agreement(model: unchanged, code: byMail, domain: domain, limit: 0).isComplete)
  }

  /// In a file that is compiled a rejected hunk is fatal, and nothing is left.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aRejectedHunkInCompiledCodeIsFatal() throws {
    let base = try SourceTree(path: Trees.path("6.12"))
    let copy = try EditedTree(copyOf: "6.12")
    let diff = small.replacing("f.c", with: "kernel/dma/direct.c")
    let evaluation = try TreeEvaluation(tree: base, platforms: [.x86])
    let patched = try PatchedTree(
      PatchSeries(mbox: data([mail("[PATCH] breaks", diff)])), to: base,
      evaluated: evaluation.files, cacheDirectory: copy.cache)
    let blocking = patched.blocking(CompiledParts(evaluation))
    #expect(blocking.map(\.file) == ["kernel/dma/direct.c"])
    #expect(
      blocking.map(\.reasons) == [["kernel/dma/direct.c:1: context differs at line 1"]])
    #expect(patched.patches.map(\.fate) == [.rejected])
    patched.remove()
    let left = try FileManager.default.contentsOfDirectory(atPath: copy.cache)
    #expect(!left.contains { $0.hasPrefix("patched.") })
  }

  /// The tree has the series already; a comment changes no code; a line of it does.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func whatWasAskedIsCounted() throws {
    let base = try SourceTree(path: Trees.path("6.12"))
    let file = "arch/x86/mm/mem_encrypt.c"
    let before = try TreeEvaluation(tree: base, platforms: [.x86])
    func patched(
      _ old: String, _ new: String, isReversed: Bool = false
    ) throws -> (PatchedTree.Fate?, SeriesCoverage?, Bool) {
      let copy = try EditedTree(copyOf: "6.12")
      try copy.replace(old, with: new, in: file)
      let change = try diff(
        file, from: isReversed ? copy.path : base.path, to: isReversed ? base.path : copy.path)
      let series = try PatchSeries(mbox: data([mail("[PATCH] x", change)]))
      let patched = try PatchedTree(
        series, to: base, evaluated: before.files, cacheDirectory: copy.cache)
      defer { patched.remove() }
      let after = try TreeEvaluation(
        tree: patched.tree, platforms: [.x86], cacheDirectory: patched.buildDirectory)
      return (
        patched.patches.first?.fate, SeriesCoverage(of: patched, after, to: base, before),
        after.hasTheCode(of: before)
      )
    }
    let condition = "if (dma_dev_mask <= dma_enc_mask)"
    var (fate, coverage, isSame) = try patched(condition, "if (dma_dev_mask < dma_enc_mask)")
    #expect(fate == .applied && !isSame)
    #expect(coverage?.compiled == 2 && coverage?.total == 2)
    (fate, coverage, isSame) = try patched(condition, "/* why */\n\t\t" + condition)
    #expect(fate == .applied && isSame)
    #expect(coverage?.compiled == 0 && coverage?.silent == 1 && coverage?.total == 0)
    (fate, coverage, isSame) = try patched(
      condition, "if (dma_dev_mask < dma_enc_mask)", isReversed: true)
    #expect(fate == .alreadyThere && isSame && coverage?.total == 0)
  }

  /// One architecture that does not compile does not keep the others from being asked.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func anArchitectureMayFailAlone() throws {
    let copy = try EditedTree(copyOf: "6.12")
    try copy.replace(
      "if (dma_dev_mask <= dma_enc_mask)", with: "if (dma_dev_mask <= none() + absent)",
      in: "arch/x86/mm/mem_encrypt.c")
    let tree = try SourceTree(path: copy.path)
    let evaluation = try TreeEvaluation(
      tree: tree, platforms: [.x86, .arm64], cacheDirectory: copy.cache)
    #expect(evaluation.failures.map(\.name) == ["x86"])
    #expect(evaluation.platforms(of: [.x86, .arm64, .arm64CCA]) == [.arm64, .arm64CCA])
    let error = try #require(evaluation.failures.first?.error)
    let text = "\(error)\n" + error.details.joined(separator: "\n")
    #expect(text.contains("arch/x86/mm/mem_encrypt.c:") && text.contains("'none'"))
    #expect(text.contains("'absent' undeclared") && !text.contains(copy.path))
    #expect(throws: TreeError.self) {
      try TreeEvaluation(tree: tree, platforms: [.x86], cacheDirectory: copy.cache)
    }
  }

  /// What the linker misses is found where it is used.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func whatIsNotLinkedHasAPlace() throws {
    let copy = try EditedTree(copyOf: "6.12")
    try copy.replace(
      "if (dma_dev_mask <= dma_enc_mask)",
      with: "extern u64 absent(void);\n\t\tif (dma_dev_mask <= absent())",
      in: "arch/x86/mm/mem_encrypt.c")
    let error = #expect(throws: TreeError.self) {
      try TreeEvaluation(
        tree: SourceTree(path: copy.path), platforms: [.x86], cacheDirectory: copy.cache)
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("arch/x86/mm/mem_encrypt.c:"), "\(text)")
    #expect(text.contains("undefined reference to `absent'"), "\(text)")
  }

  /// A name that the C library has and the tree has not is missing all the same.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing), arguments: ["strtol", "getpid"])
  func theLibrarysNamesAreNotTheTrees(name: String) throws {
    let copy = try EditedTree(copyOf: "6.12")
    try copy.replace(
      "if (dma_dev_mask <= dma_enc_mask)",
      with: "extern u64 \(name)(void);\n\t\tif (dma_dev_mask <= \(name)())",
      in: "arch/x86/mm/mem_encrypt.c")
    let error = #expect(throws: TreeError.self) {
      try TreeEvaluation(
        tree: SourceTree(path: copy.path), platforms: [.x86], cacheDirectory: copy.cache)
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("arch/x86/mm/mem_encrypt.c:"), "\(text)")
    #expect(text.contains("undefined reference to `\(name)'"), "\(text)")
  }

  /// What a series breaks is the series', with the patch that wrote the line, or those that
  /// change the file.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func aSeriesThatDoesNotCompileIsNamed() throws {
    let base = try SourceTree(path: Trees.path("6.12"))
    let before = try TreeEvaluation(tree: base, platforms: [.x86])
    let file = "arch/x86/mm/mem_encrypt.c"
    let old = "if (dma_dev_mask <= dma_enc_mask)"
    let one = try EditedTree(copyOf: "6.12")
    try one.replace(old, with: "if (dma_dev_mask <= absent)", in: file)
    let two = try EditedTree(copyOf: "6.12")
    try two.replace(old, with: "/* why */\n\t\tif (dma_dev_mask <= absent)", in: file)
    let three = try EditedTree(copyOf: "6.12")
    try three.replace("u64 dma_enc_mask =", with: "u64 other =", in: file)
    let mails = [
      mail("[PATCH 1/2] one", try diff(file, from: base.path, to: one.path)),
      mail("[PATCH 2/2] two", try diff(file, from: one.path, to: two.path)),
    ]
    for (mails, cause) in [
      (mails, "patch 1 of 2, '[PATCH 1/2] one', wrote that line"),
      (
        [mail("[PATCH] three", try diff(file, from: base.path, to: three.path))],
        "no patch wrote that line; of the series, patch 1 changes that file"
      ),
    ] {
      let series = try PatchSeries(mbox: data(mails))
      let patched = try PatchedTree(
        series, to: base, evaluated: before.neededFiles, cacheDirectory: one.cache)
      defer { patched.remove() }
      let error = #expect(throws: TreeError.self) {
        try TreeEvaluation(
          tree: patched.tree, platforms: [.x86], cacheDirectory: patched.buildDirectory)
      }
      let explained = patched.explained(
        try #require(error), of: series, on: before, cacheDirectory: one.cache)
      let text = explained.description
      #expect(text.hasPrefix("with the series, the x86 code does not compile"), "\(text)")
      #expect(text.contains("\(file):") && text.hasSuffix("(\(cause))"), "\(text)")
    }
  }

  /// A hunk of a function that an earlier patch adds is asked, though the tree before has
  /// none of that name; so is a file that the series makes.
  @Test(.enabled(if: Trees.exists("6.12"), Trees.missing))
  func whatTheSeriesBringsIsAskedToo() throws {
    let base = try SourceTree(path: Trees.path("6.12"))
    let before = try TreeEvaluation(tree: base, platforms: [.x86])
    let file = "drivers/iommu/dma-iommu.c"
    let head = "dma_addr_t iommu_dma_map_page("
    let adds = try EditedTree(copyOf: "6.12")
    try adds.replace(
      head, with: "static bool policy(void)\n{\n\treturn false;\n}\n\n" + head, in: file)
    try adds.replace(
      "phys_addr_t phys = page_to_phys(page) + offset;\n\tbool coherent",
      with: "phys_addr_t phys = page_to_phys(page) + offset + policy();\n\tbool coherent", in: file)
    let change =
      "--- a/\(file)\n+++ b/\(file)\n@@ -1166,3 +1166,3 @@ static bool policy(void)\n {\n"
      + "-\treturn none;\n+\treturn true;\n }\n"
    let made = "--- /dev/null\n+++ b/kernel/dma/policy.h\n@@ -0,0 +1 @@\n+#define POLICY 0\n"
    let includes = try EditedTree(copyOf: "6.12")
    try includes.replace(
      "#include \"direct.h\"", with: "#include \"policy.h\"\n#include \"direct.h\"",
      in: "kernel/dma/direct.c")
    let edits = "--- a/kernel/dma/policy.h\n+++ b/kernel/dma/policy.h\n@@ -1 +1 @@\n-none\n+some\n"
    for (first, second, path) in [
      (try diff(file, from: base.path, to: adds.path), change, file),
      (
        try made + diff("kernel/dma/direct.c", from: base.path, to: includes.path), edits,
        "kernel/dma/policy.h"
      ),
    ] {
      let patched = try PatchedTree(
        PatchSeries(mbox: data([mail("[PATCH 1/2] a", first), mail("[PATCH 2/2] b", second)])),
        to: base, evaluated: before.files, cacheDirectory: adds.cache)
      defer { patched.remove() }
      #expect(patched.patches.map(\.fate) == [.applied, .rejected])
      #expect(patched.blocking(CompiledParts(before)).isEmpty)
      let after = try TreeEvaluation(
        tree: patched.tree, platforms: [.x86], cacheDirectory: patched.buildDirectory)
      let parts = CompiledParts(before).union(CompiledParts(after))
      #expect(patched.blocking(parts).map(\.file) == [path])
    }
  }
}
