import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Mailboxes and trees that try to leave the copy that patches write, or to have a
/// program obey what they put there.
@Suite struct MailboxAttackTests {
  /// The files that every kernel tree has.
  private static let least: Set = [
    "kernel/dma/mapping.c", "kernel/dma/direct.c", "kernel/dma/swiotlb.c",
  ]

  /// The least that counts as a kernel tree, with more files.
  private func tree(_ directory: TemporaryDirectory, _ files: [String: String]) throws -> SourceTree
  {
    let path = directory.file("tree")
    for (file, text) in Self.least.map({ ($0, "int a;\n") }) + files.map({ ($0.key, $0.value) }) {
      let full = URL(fileURLWithPath: path + "/" + file)
      try FileManager.default.createDirectory(
        at: full.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: full, atomically: false, encoding: .utf8)
    }
    return try SourceTree(path: path)
  }

  private func series(_ diffs: [String]) throws -> PatchSeries {
    let mails = diffs.enumerated().map { number, diff in
      "From 0 Mon Sep 17 00:00:00 2001\nSubject: [PATCH \(number + 1)/\(diffs.count)] x\n\n"
        + "---\n\(diff)-- \n2\n\n"
    }
    return try PatchSeries(mbox: Data(mails.joined().utf8))
  }

  private func made(_ file: String, _ lines: [String]) -> String {
    "--- /dev/null\n+++ b/\(file)\n@@ -0,0 +1,\(lines.count) @@\n"
      + lines.map { "+\($0)\n" }.joined()
  }

  /// A patch makes the copy a repository whose filter runs a program for the file that
  /// the next patch changes: nothing is run.
  @Test func aCopyThatBecomesARepositoryRunsNothing() throws {
    let directory = try TemporaryDirectory()
    let witness = directory.file("witness")
    let base = try tree(directory, [:])
    let repository = [
      made("HEAD", ["ref: refs/heads/x"]),
      made(
        "config",
        [
          "[core]", "\trepositoryformatversion = 0", "\tbare = false", "\tworktree = .",
          "[filter \"x\"]",
        ]
          + ["clean", "smudge", "process"].map { "\t\($0) = \"touch \(witness); cat\"" }),
      made("objects/x", ["x"]), made("refs/x", ["x"]),
      made(".gitattributes", ["* filter=x"]),
    ].joined()
    let change =
      "--- a/kernel/dma/direct.c\n+++ b/kernel/dma/direct.c\n@@ -1 +1 @@\n-int a;\n+int b;\n"
    let patched = try PatchedTree(
      series([repository, change]), to: base, evaluated: Self.least,
      cacheDirectory: directory.file("cache"))
    defer { patched.remove() }
    #expect(patched.rejected.isEmpty)
    #expect(patched.tree.read("kernel/dma/direct.c") == "int b;\n")
    #expect(!FileManager.default.fileExists(atPath: witness))
  }

  @Test(arguments: [
    ".git/config", ".GIT/config", ".Git/hooks/x", "kernel/.git/config", "kernel/.giT/x", "x/../y",
    "../x", "./x", "x//y", "/x", "x/.", "x\u{7f}", "x\u{9b}y", "x\\y", "x\"y", "",
  ])
  func noPathLeaves(path: String) {
    #expect(throws: TreeError.self) { try series([made(path, ["x"])]) }
  }

  /// Links and submodules are said not to be applied, and nothing is made of them: neither
  /// a link nor a file with its text.
  @Test(arguments: [
    ("120000", "a symbolic link, which is never made or changed"),
    ("160000", "a submodule, which is never made or changed"),
  ])
  func whatIsNoFileIsNotApplied(mode: String, reason: String) throws {
    let directory = try TemporaryDirectory()
    let base = try tree(directory, ["there": "/etc/passwd\n"])
    let header = "diff --git a/x b/x\n"
    let new = made("new", ["/etc/passwd"])
    let changed = "--- a/there\n+++ b/there\n@@ -1 +1 @@\n-/etc/passwd\n+/etc/shadow\n"
    let removed = "--- a/there\n+++ /dev/null\n@@ -1 +0,0 @@\n-/etc/passwd\n"
    for (diff, file) in [
      (header + "new file mode \(mode)\nindex 0000000..1111111\n" + new, "new"),
      (header + "new file mode \(mode)\r\n" + new, "new"),
      (header + "index 0000000..1111111 \(mode)\n" + changed, "there"),
      (header + "deleted file mode \(mode)\nindex 0000000..1111111\n" + removed, "there"),
    ] {
      let patched = try PatchedTree(
        series([diff + header + "new file mode 100644\n" + made("file", ["x"])]), to: base,
        evaluated: Self.least.union(["there"]).subtracting([file]),
        cacheDirectory: directory.file("cache"))
      defer { patched.remove() }
      #expect(patched.rejected.map(\.file) == [file])
      #expect(patched.rejected.first?.reason.hasSuffix(": " + reason) == true)
      #expect(patched.tree.read("file") == "x\n")
      var status = stat()
      #expect(lstat(patched.tree.path + "/new", &status) != 0)
      let there = patched.tree.read("there")
      #expect(there == (file == "there" ? nil : "/etc/passwd\n"))
    }
    // Where it is compiled, that is the end.
    let compiled = try PatchedTree(
      series([header + "index 0000000..1111111 \(mode)\n" + changed]), to: base,
      evaluated: Self.least.union(["there"]), cacheDirectory: directory.file("cache"))
    defer { compiled.remove() }
    let parts = CompiledParts(files: Self.least.union(["there"]), definitions: [:])
    #expect(compiled.blocking(parts).map(\.file) == ["there"])
    #expect(compiled.tree.read("there") == "/etc/passwd\n")
  }

  /// A patch cannot make a file of a directory, nor one below a file.
  @Test func filesAndDirectoriesStayApart() throws {
    let directory = try TemporaryDirectory()
    let base = try tree(directory, ["README": "x\n"])
    let patched = try PatchedTree(
      series([made("kernel", ["x"]), made("README/x", ["x"])]), to: base,
      evaluated: Self.least, cacheDirectory: directory.file("cache"))
    defer { patched.remove() }
    #expect(patched.rejected.map(\.file) == ["kernel", "README/x"])
    #expect(patched.tree.read("kernel/dma/direct.c") == "int a;\n")
  }

  /// All changes of a mail begin with the same files: two exchange their names, and a copy
  /// is one of what was there.
  @Test func movesBeginWithWhatWasThere() throws {
    let directory = try TemporaryDirectory()
    let base = try tree(directory, ["one": "1\n", "two": "2\n"])
    func move(_ word: String, _ from: String, _ to: String) -> String {
      "diff --git a/\(from) b/\(to)\n\(word) from \(from)\n\(word) to \(to)\n"
    }
    let patched = try PatchedTree(
      series([
        move("rename", "one", "two") + move("rename", "two", "one"),
        "diff --git a/one b/one\n--- a/one\n+++ b/one\n@@ -1 +1 @@\n-2\n+22\n"
          + move("copy", "one", "three"),
      ]), to: base, evaluated: Self.least, cacheDirectory: directory.file("cache"))
    defer { patched.remove() }
    #expect(patched.rejected.isEmpty)
    #expect(["one", "two", "three"].map { patched.tree.read($0) } == ["22\n", "1\n", "2\n"])
  }

  /// What is in a tree's `.git` is neither read nor copied, by whatever name.
  @Test func settingsOfARepositoryAreNoSource() throws {
    let directory = try TemporaryDirectory()
    let secret = directory.file("secret")
    try "secret\n".write(toFile: secret, atomically: false, encoding: .utf8)
    let base = try tree(directory, [".git/config": "secret\n", "sub/.GIT/config": "secret\n"])
    let link = base.path + "/link.h"
    for target in [".git/config", "sub/.GIT/config", "../secret", secret, "/etc/passwd"] {
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      #expect(base.read("link.h") == nil, "\(target)")
      try FileManager.default.removeItem(atPath: link)
    }
    #expect(base.read(".git/config") == nil && base.read("sub/../.git/config") == nil)
    for file in ["../../.git/config", "../../.GIT/config", "../../../secret", "x/../../../.git/x"] {
      #expect(HarnessSource.path(of: file, from: "kernel/dma") == nil, "\(file)")
    }
    let patched = try PatchedTree(
      series([made("new.c", ["x"])]), to: base,
      evaluated: Self.least.union([".git/config", "sub/.GIT/config", "../secret"]),
      cacheDirectory: directory.file("cache"))
    defer { patched.remove() }
    let files =
      FileManager.default.enumerator(atPath: patched.tree.path)?
      .compactMap { $0 as? String }.filter { $0.lowercased().contains("config") } ?? []
    #expect(files.isEmpty)
  }
}
