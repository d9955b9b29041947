import DMAModel
import Foundation
import Testing

@testable import Analysis
@testable import KernelTree

/// Patch series as they are mailed.
@Suite(.serialized) struct SeriesTests {
  private static let header = """
    From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
    From: A Developer <a@example.org>
    Date: Mon, 1 Jun 2026 10:00:00 +0000
    """

  private func mail(_ subject: String, _ diff: String) -> String {
    "\(Self.header)\nSubject: \(subject)\n\nWhy.\n\nSigned-off-by: A\n---\n\(diff)-- \n2.47\n\n"
  }

  private func data(_ mails: [String]) -> Data { Data(mails.joined().utf8) }

  private let small = """
    diff --git a/f.c b/f.c
    --- a/f.c
    +++ b/f.c
    @@ -1,3 +1,3 @@
     one
    -two
    +2
     three

    """

  /// The latest version alone counts, in the order of its numbers.
  @Test func theLatestVersionInOrder() throws {
    let patches = try SeriesFile.patches(
      in: data([
        mail("[PATCH v2 2/2] b", small), mail("[PATCH 1/1] old", small),
        mail("[PATCH v2 1/2] a", small),
        "\(Self.header)\nSubject: [PATCH v2 0/2] cover\n\n f.c | 2 +-\n\n",
        "\(Self.header)\nSubject: Re: [PATCH v2 1/2] a\n\n> quoted\n\n",
      ]))
    #expect(patches.map(\.subject) == ["[PATCH v2 1/2] a", "[PATCH v2 2/2] b"])
    #expect(patches.allSatisfy { $0.changes.map(\.path) == ["f.c"] })
  }

  /// Mailers' encodings carry the same diff.
  @Test func encodingsAreDecoded() throws {
    let body = "Why.\n---\n" + small
    let plain = try SeriesFile.patches(in: data([mail("[PATCH] a", small)]))
    let base64 =
      "\(Self.header)\nSubject: [PATCH] a\nContent-Transfer-Encoding: base64\n\n"
      + Data(body.utf8).base64EncodedString(options: .lineLength76Characters) + "\n"
    #expect(
      try SeriesFile.patches(in: Data(base64.utf8))[0].changes[0].text == plain[0].changes[0].text)
    let quoted =
      "\(Self.header)\nSubject: [PATCH] a\nContent-Transfer-Encoding: quoted-printable\n\n"
      + body.replacing("two", with: "t=77=\no")
    #expect(
      try SeriesFile.patches(in: Data(quoted.utf8))[0].changes[0].text == plain[0].changes[0].text)
  }

  /// Some mailers end every line with CR LF.
  @Test func linesMayEndWithCRLF() throws {
    let mbox = mail("[PATCH v2 1/2] a", small) + mail("[PATCH v2 2/2] b", small)
    let plain = try SeriesFile.patches(in: Data(mbox.utf8))
    let crlf = try SeriesFile.patches(in: Data(mbox.replacing("\n", with: "\r\n").utf8))
    #expect(crlf.map(\.subject) == ["[PATCH v2 1/2] a", "[PATCH v2 2/2] b"])
    #expect(crlf.map { $0.changes.map(\.text) } == plain.map { $0.changes.map(\.text) })
  }

  /// The reason is the one that holds, whichever line of the diff has the path.
  @Test(arguments: [
    ("../../etc/passwd", "the path leaves the tree"),
    ("a/../../etc/passwd", "the path leaves the tree"),
    ("b/x/..", "the path leaves the tree"),
    ("a/.git/config", "nothing is written to a .git"),
    ("b/x/.GIT", "nothing is written to a .git"),
    ("/etc/passwd", "the path is absolute"),
    ("etc/passwd", "the path is not below a/ or b/"),
    ("a", "the path is not below a/ or b/"),
    ("a//etc/passwd", "a part of the path is empty or '.'"),
    ("b/./x", "a part of the path is empty or '.'"),
    ("a/", "a part of the path is empty or '.'"),
    ("a/f\u{1b}[31m.c", "a character that no file of a kernel has in its name"),
    ("b/f g", "a character that no file of a kernel has in its name"),
    ("b/" + String(repeating: "x", count: 4096), "the path is longer than 4096 bytes"),
  ])
  func pathsThatLeaveTheTreeAreRefused(path: String, reason: String) throws {
    for line in ["--- a/f.c", "+++ b/f.c"] {
      let diff = small.replacing(line, with: line.prefix(4) + path)
      let error = #expect(throws: TreeError.self) {
        try SeriesFile.patches(in: data([mail("[PATCH] a", diff)]))
      }
      #expect(
        error.map {
          let text = String(describing: $0)
          return text.hasPrefix("--mbox changes '") && text.contains("': \(reason)")
            && !text.contains("\u{1b}")
        } ?? false, "\(error.map { String(describing: $0) } ?? "")")
    }
  }

  @Test func whatIsNoSeriesIsSaid() throws {
    func message(_ mails: [String]) -> String {
      do {
        _ = try SeriesFile.patches(in: data(mails))
        return ""
      } catch { return String(describing: error) }
    }
    #expect(message([]).contains("holds no mail with a patch"))
    #expect(message(["no mail at all"]).contains("holds no mail with a patch"))
    #expect(
      message([mail("[PATCH v3 1/3] a", small), mail("[PATCH v3 3/3] c", small)])
        == "--mbox lacks patch 2 of v3")
    // Any number may stand in a subject.
    #expect(
      message([mail("[PATCH 9223372036854775807/2] a", small)])
        == "--mbox lacks patch 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and more of v1")
    #expect(message([mail("[PATCH] a", "rename from x\nrename to y\n")]).contains("rename from"))
    let cut = small.replacing(" three\n", with: "")
    #expect(message([mail("[PATCH] a", cut)]).contains("is broken"))
    let noHunk = small.replacing("@@ -1,3 +1,3 @@", with: "@@ -one +1,3 @@")
    #expect(message([mail("[PATCH] a", noHunk)]).contains("is broken"))
    let steering = small.replacing("--- a/f.c", with: "--- a/f\u{1b}[2J.c")
    #expect(message([mail("[PATCH] a", steering)]).contains("'a/f?[2J.c'"))
  }

  /// More are no series.
  @Test func changesHaveABound() throws {
    let least = "--- a/f\n+++ b/f\n@@ -0,0 +0,0 @@\n"
    let most = mail("[PATCH 1/2] a", String(repeating: least, count: 9999))
    let patches = try SeriesFile.patches(in: data([most, mail("[PATCH 2/2] b", least)]))
    #expect(patches.map(\.changes.count) == [9999, 1])
    #expect(
      throws: TreeError.patch(
        "--mbox changes files more than 10000 times; accepted: one series")
    ) {
      try SeriesFile.patches(in: data([most, mail("[PATCH 2/2] b", least + least)]))
    }
  }

  // MARK: - On a tree

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
      PatchedTree.Series(mbox: mbox), to: base, evaluated: evaluation.files,
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
    let error = #expect(throws: TreeError.self) {
      try PatchedTree(
        PatchedTree.Series(mbox: data([mail("[PATCH] breaks", diff)])), to: base,
        evaluated: evaluation.files,
        cacheDirectory: copy.cache)
    }
    #expect(
      error
        == .patch(
          "--mbox does not apply to kernel/dma/direct.c, which is compiled ([PATCH] breaks): "
            + "kernel/dma/direct.c:1: context differs at line 1"))
    let left = try FileManager.default.contentsOfDirectory(atPath: copy.cache)
    #expect(!left.contains { $0.hasPrefix("patched.") })
  }
}
