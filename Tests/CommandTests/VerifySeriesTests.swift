import Foundation
import Testing

/// `verify --mbox` as it is used: what may be given, and what the exit status says.
extension CommandTests {
  private static let tree =
    (ProcessInfo.processInfo.environment["DMAMATRIX_KERNELS"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(".kernels").path) + "/6.12"
  private static let canRun = access(tree + "/kernel/dma/swiotlb.c", R_OK) == 0
  private static let why: Comment = "it needs the tree that make verify-kernels unpacks"
  private static let file = "arch/x86/mm/mem_encrypt.c"

  /// A patch that replaces the line with a text by others.
  private static func patch(_ subject: String, _ old: String, _ new: [String]) throws -> String {
    let lines = try String(contentsOfFile: tree + "/" + file, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
    let index = try #require(lines.firstIndex { $0.contains(old) })
    let changed = ["-\(lines[index])"] + new.map { "+\($0)" }
    let (before, after) = (lines[index - 3..<index], lines[index + 1..<index + 4])
    let body = (before.map { " \($0)" } + changed + after.map { " \($0)" }).joined(separator: "\n")
    return "From 0 Mon Sep 17 00:00:00 2001\nSubject: \(subject)\n\nWhy.\n---\n"
      + "--- a/\(file)\n+++ b/\(file)\n"
      + "@@ -\(index - 2),7 +\(index - 2),\(new.count + 6) @@\n\(body)\n\n"
  }

  private static let old = "if (dma_dev_mask <= dma_enc_mask)"
  private static let changed = "\t\tif (dma_dev_mask + 1 < dma_enc_mask)"

  /// In the test's own directory.
  private func path(_ name: String) -> String { directory + "/" + name }

  private func verify(_ arguments: [String]) throws -> Run {
    try run(
      ["verify", "--tree", Self.tree, "--yes", "--platform", "x86-sme47", "--mask", "46,47"]
        + ["--iommu", "none", "--cache", path("cache")] + arguments)
  }

  /// A folder as git format-patch writes it: both patches, in the order of their numbers.
  @Test(.enabled(if: canRun, why))
  func aFolderIsASeries() throws {
    let folder = path("out")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Self.patch("[PATCH 1/2] one", Self.old, [Self.changed])
      .write(toFile: folder + "/0001-one.patch", atomically: false, encoding: .utf8)
    try "Subject: [PATCH 2/2] two\n\nWhy.\n---\n--- a/none.c\n+++ b/none.c\n@@ -1 +1 @@\n-a\n+b\n"
      .write(toFile: folder + "/0002-two.patch", atomically: false, encoding: .utf8)
    try "no patch".write(toFile: folder + "/README", atomically: false, encoding: .utf8)
    let run = try verify(["--mbox", folder, "--against", "6.12", "--show", "1"])
    #expect(run.status == 1, "\(run.error)")
    #expect(run.output.hasPrefix("tree-6.12"), "\(run.output)")
    #expect(run.output.contains("+mbox -> 6.12: "), "\(run.output)")
    #expect(run.output.contains("  applied        [PATCH 1/2] one\n"), "\(run.output)")
    #expect(run.output.contains("  rejected       [PATCH 2/2] two\n"), "\(run.output)")
    #expect(
      run.output.contains("none.c: no such file (not compiled)\n")
        || run.output.contains("none.c:1: no such file (not compiled)\n"), "\(run.output)")
    #expect(run.output.contains("changes 2 lines: 2 in code that is"), "\(run.output)")
    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 72 }, "\(run.output)")
  }

  /// A comment is not asked, and the tree's own state is there already: 3, not 0.
  @Test(.enabled(if: canRun, why))
  func whatIsNotAskedIsNoSuccess() throws {
    let line = "\t\t\(Self.old)"
    let comment = try Self.patch("[PATCH 1/2] why", Self.old, ["\t\t/* why */", line])
    try comment.write(toFile: path("comment"), atomically: false, encoding: .utf8)
    let same = try verify(["--mbox", path("comment")])
    #expect(same.status == 3, "\(same.error)")
    #expect(same.output.contains("Nothing of this series is compiled here"), "\(same.output)")
    #expect(same.output.contains("--mbox holds 1 of 2 patches"), "\(same.output)")
    // What a patch removed that the tree never had is gone already.
    let diff = try Self.patch("", Self.old, [line])
      .replacing("-\(line)\n+\(line)\n", with: "-\t\t/* why */\n \(line)\n")
      .replacing(/,7 \+([0-9]+),7 @@/) { ",8 +\($0.1),7 @@" }
    try diff.write(toFile: path("there.patch"), atomically: false, encoding: .utf8)
    let done = try verify(["--mbox", path("there.patch")])
    #expect(done.status == 3, "\(done.error)")
    #expect(done.output.contains("  already there"), "\(done.output)")
    #expect(done.error.contains("has the whole series already"), "\(done.error)")
  }

  /// What b4 am writes: a .mbx with the cover letter as a file of its own beside it, or a
  /// maildir, alone or in the folder that was named.
  @Test(.enabled(if: canRun, why), arguments: ["mbx", "maildir"])
  func whatB4WritesIsASeries(kind: String) throws {
    let folder = path("b4")
    let box = folder + "/v2_20260702_a_u_thor_some_series"
    let patch = try Self.patch("[PATCH v2 1/1] one", Self.old, [Self.changed])
    let cover = "Subject: [PATCH v2 0/1] some series\n\nWhy.\n\n f.c | 2 +-\n"
    try FileManager.default.createDirectory(
      atPath: kind == "mbx" ? folder : box + ".maildir/new", withIntermediateDirectories: true)
    if kind == "maildir" {
      for part in ["cur", "tmp"] {
        try FileManager.default.createDirectory(
          atPath: "\(box).maildir/\(part)", withIntermediateDirectories: true)
      }
    }
    let files =
      kind == "mbx"
      ? [box + ".mbx", box + ".cover"]
      : ["0001.eml", "0000.eml"].map { box + ".maildir/new/" + $0 }
    for (file, text) in zip(files, [patch, cover]) {
      try text.write(toFile: file, atomically: false, encoding: .utf8)
    }
    for given in [folder, box + "." + kind] {
      let run = try verify(["--mbox", given])
      #expect(run.status == 1, "\(run.error)")
      #expect(run.output.contains("  applied        [PATCH v2 1/1] one\n"), "\(run.output)")
    }
  }

  /// Code that does not compile with a series is the patch's: named, and 3, not the status
  /// of a tree that cannot be read.
  @Test(.enabled(if: canRun, why))
  func aPatchThatDoesNotCompileIsNamed() throws {
    try Self.patch("[PATCH] breaks it", Self.old, ["\t\tif (dma_dev_mask <= absent)"])
      .write(toFile: path("breaks"), atomically: false, encoding: .utf8)
    let verified = try verify(["--mbox", path("breaks")])
    #expect(verified.status == 3, "\(verified.error)")
    #expect(
      verified.error.contains(
        "patch 1 of 1, '[PATCH] breaks it', wrote that line"), "\(verified.error)")
    #expect(verified.output.contains("  applied        [PATCH] breaks it\n"), "\(verified.output)")
    let reviewed = try run(
      ["review", "--tree", Self.tree, "--yes", "--platform", "x86-sme47", "--mask", "46,47"]
        + ["--iommu", "none", "--cache", path("cache"), "--mbox", path("breaks")])
    #expect(reviewed.status == 3, "\(reviewed.error)")
    #expect(
      reviewed.error.contains("patch 1 of 1, '[PATCH] breaks it', cannot be asked"),
      "\(reviewed.error)")
    #expect(
      reviewed.output.contains("the first or the last state cannot be asked"), "\(reviewed.output)")
  }

  /// What cannot be used is one sentence, after every hunk that was rejected.
  @Test(.enabled(if: canRun, why))
  func whatCannotBeUsedIsSaid() throws {
    let empty = try verify(["--mbox", path("")])
    #expect(empty.status == 2 && empty.error.contains("holds no patches"), "\(empty.error)")
    let hunks = [10, 20].map { "@@ -\($0) +\($0) @@\n-none \($0)\n+x\n" }.joined()
    try "--- a/\(Self.file)\n+++ b/\(Self.file)\n\(hunks)"
      .write(toFile: path("x.diff"), atomically: false, encoding: .utf8)
    let rejected = try verify(["--mbox", path("x.diff")])
    #expect(rejected.status == 2 && rejected.output.isEmpty)
    for line in [10, 20] {
      #expect(
        rejected.error.contains("not applied: \(Self.file):\(line): context differs at line"),
        "\(rejected.error)")
    }
    #expect(rejected.error.contains("--mbox does not apply to \(Self.file), which is compiled"))
  }
}
