import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Hunks on text, with patch(1) as the witness.
@Suite struct PatchApplierTests {
  private func apply(_ diff: String, to file: String?) throws -> (String?, [HunkReport]) {
    let changes = try SeriesFile.diffs(in: Array(diff.utf8)[...])
    let change = try #require(changes.count == 1 ? changes[0] : nil)
    var applier = PatchApplier()
    let (outcome, hunks) = try applier.apply(change, to: file.map { Array($0.utf8) })
    switch outcome {
    case .unchanged: return (nil, hunks)
    case .removed: return ("", hunks)
    case .text(let bytes): return (String(decoding: bytes, as: UTF8.self), hunks)
    }
  }

  private func lines(_ names: ClosedRange<Int>) -> String {
    names.map { "line \($0)\n" }.joined()
  }

  private static let header = "--- a/f\n+++ b/f\n"

  /// A change of line 10 with three lines of context.
  private static let hunk =
    "@@ -7,7 +7,7 @@\n line 7\n line 8\n line 9\n-line 10\n+new\n line 11\n line 12\n line 13\n"

  @Test func aHunkIsWhereItSays() throws {
    let (text, hunks) = try apply(Self.header + Self.hunk, to: lines(1...20))
    #expect(text == lines(1...9) + "new\n" + lines(11...20))
    #expect(hunks == [HunkReport(line: 7, fate: .applied(offset: 0, fuzz: 0))])
  }

  @Test func aHunkMayHaveMoved() throws {
    let (later, hunks) = try apply(Self.header + Self.hunk, to: "x\ny\n" + lines(1...20))
    #expect(later == "x\ny\n" + lines(1...9) + "new\n" + lines(11...20))
    #expect(hunks.map(\.fate) == [.applied(offset: 2, fuzz: 0)])
    let (before, others) = try apply(Self.header + Self.hunk, to: lines(5...20))
    #expect(before == lines(5...9) + "new\n" + lines(11...20))
    #expect(others.map(\.fate) == [.applied(offset: -4, fuzz: 0)])
  }

  /// Up to two lines at each end may be others, and those of the file stay.
  @Test(arguments: [
    (["line 7"], 1), (["line 7", "line 8"], 2), (["line 13"], 1), (["line 12"], 2),
  ])
  func contextMayDiffer(changed: [String], fuzz: Int) throws {
    func edited(_ text: String) -> String {
      changed.reduce(text) { $0.replacing($1 + "\n", with: "other\n") }
    }
    let (text, hunks) = try apply(Self.header + Self.hunk, to: edited(lines(1...20)))
    #expect(text == edited(lines(1...9) + "new\n" + lines(11...20)))
    #expect(hunks.map(\.fate) == [.applied(offset: 0, fuzz: fuzz)])
  }

  @Test func whatDoesNotFitSaysWhere() throws {
    func fate(_ diff: String, _ file: String?) throws -> HunkFate {
      let (text, hunks) = try apply(diff, to: file)
      #expect(text == nil && hunks.count == 1)
      return try #require(hunks.first).fate
    }
    let hunk = Self.header + Self.hunk
    let changed = lines(1...20).replacing("line 9\n", with: "other\n")
    #expect(try fate(hunk, changed) == .rejected(.contextDiffers(line: 9)))
    #expect(try fate(hunk, lines(1...8)) == .rejected(.fileEnds(line: 8)))
    #expect(try fate(hunk, nil) == .rejected(.noFile))
    let there = lines(1...9) + "new\n" + lines(11...20)
    #expect(try fate(hunk, "x\n" + there) == .alreadyApplied)
    let made = "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+new\n"
    #expect(try fate(made, "old\n") == .rejected(.fileExists))
    #expect(try fate(made, "new\n") == .alreadyApplied)
    let removed = "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n"
    #expect(try fate(removed, "old\nmore\n") == .rejected(.notAllRemoved))
    #expect(try fate(removed, nil) == .alreadyApplied)
    #expect(try apply(removed, to: "old\n").0 == "")
    #expect(
      try fate(Self.header + "@@ -2,0 +3 @@\n+new\n", lines(1...4)) == .rejected(.noContext))
    // With all context ignored it would fit everywhere.
    let least = Self.header + "@@ -2,2 +2,3 @@\n a\n+new\n b\n"
    #expect(try fate(least, lines(1...4)) == .rejected(.contextDiffers(line: 2)))
    #expect(
      try fate("--- a/g\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", "a\n") == .rejected(.renames))
  }

  /// Of two hunks the one that fits is applied, the other is said not to be.
  @Test func aChangeIsTakenAsFarAsItGoes() throws {
    let first = "@@ -1,4 +1,4 @@\n-line 1\n+one\n line 2\n line 3\n line 4\n"
    let second = Self.hunk.replacing("line 9", with: "none").replacing("line 11", with: "none")
    let (text, hunks) = try apply(Self.header + first + second, to: lines(1...20))
    #expect(text == "one\n" + lines(2...20))
    #expect(
      hunks.map(\.fate) == [.applied(offset: 0, fuzz: 0), .rejected(.contextDiffers(line: 9))])
    #expect(hunks.map(\.rejection) == [nil, "context differs at line 9"])
  }

  /// The end of a file without a line break is a line of its own kind.
  @Test func openLinesStayAtTheEnd() throws {
    let open = "\\ No newline at end of file\n"
    let diff = Self.header + "@@ -1,2 +1,2 @@\n a\n-b\n\(open)+c\n\(open)"
    #expect(try apply(diff, to: "a\nb").0 == "a\nc")
    #expect(try apply(diff, to: "a\nb\n").0 == nil)
    let ends = Self.header + "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\(open)"
    #expect(try apply(ends, to: "a\nb\n").0 == "a\nc")
    #expect(try apply(ends, to: "a\nb\nd\n").1.map(\.fate) == [.rejected(.fileContinues(line: 2))])
    for broken in ["@@ -1,2 +1,2 @@\n a\n\(open)-b\n+c\n", "@@ -1 +1,2 @@\n+a\n\(open)-b\n+c\n"] {
      #expect(throws: TreeError.self) { try apply(Self.header + broken, to: "a\nb\n") }
    }
  }

  /// Renames and copies as git writes them; a binary file is left alone.
  @Test func movesAndBinaryFiles() throws {
    func outcome(
      _ diff: String, _ file: String?, target: String? = nil
    ) throws -> (PatchApplier.Outcome, [HunkFate]) {
      let changes = try SeriesFile.diffs(in: Array(diff.utf8)[...])
      let change = try #require(changes.count == 1 ? changes[0] : nil)
      var applier = PatchApplier()
      let (outcome, hunks) = try applier.apply(
        change, to: file.map { Array($0.utf8) }, target: target.map { Array($0.utf8) })
      return (outcome, hunks.map(\.fate))
    }
    let rename = "diff --git a/f b/g\nsimilarity index 90%\nrename from f\nrename to g\n"
    let edit = "--- a/f\n+++ b/g\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
    let fits = HunkFate.applied(offset: 0, fuzz: 0)
    #expect(try outcome(rename, "x\n") == (.text(Array("x\n".utf8)), [fits]))
    #expect(try outcome(rename + edit, "a\nb\nc\n") == (.text(Array("a\nB\nc\n".utf8)), [fits]))
    #expect(try outcome(rename, nil) == (.unchanged, [.rejected(.noFile)]))
    #expect(try outcome(rename, nil, target: "x\n") == (.unchanged, [.alreadyApplied]))
    #expect(try outcome(rename, "x\n", target: "y\n") == (.unchanged, [.rejected(.targetExists)]))
    #expect(
      try outcome(rename + edit, nil, target: "a\nB\nc\n") == (.unchanged, [.alreadyApplied]))
    #expect(
      try outcome(rename + edit, "no\n") == (.unchanged, [.rejected(.contextDiffers(line: 1))]))
    let copy = rename.replacing("rename", with: "copy")
    #expect(try outcome(copy, "x\n", target: "x\n") == (.unchanged, [.alreadyApplied]))
    let binary = "diff --git a/f b/f\nindex 0..1 100644\nGIT binary patch\nliteral 1\nabc\n\n"
    #expect(try outcome(binary, "x\n") == (.unchanged, [.rejected(.binary)]))
    #expect(
      try outcome("diff --git a/f b/f\nBinary files a/f and b/f differ\n", "x\n")
        == (.unchanged, [.rejected(.binary)]))
    // In the text of a mail the words are words.
    #expect(try SeriesFile.diffs(in: Array("rename from x\nrename to y\n".utf8)[...]).isEmpty)
    #expect(throws: TreeError.self) {
      try SeriesFile.diffs(in: Array(rename.replacing("to g", with: "to ../g").utf8)[...])
    }
  }

  /// Whether a hunk lies in one of some definitions, by its header and its first column.
  @Test(arguments: [
    ("@@ -9 +9 @@ static int one(void)", "-\ta();\n+\tb();\n", true),
    ("@@ -9 +9 @@ static int other(void)", "-\ta();\n+\tb();\n", false),
    ("@@ -9,3 +9,3 @@ static int other(void)", " }\n int one(void)\n-{\n+ {\n", true),
    // The function that begins below says nothing of the lines above it.
    ("@@ -9,4 +9,4 @@", "-\ta();\n+\tb();\n }\n \n int other(void)\n", true),
    ("@@ -9,4 +9,4 @@ int one(void)", "-\ta();\n+\tb();\n }\n \n int other(void)\n", true),
    ("@@ -9,5 +9,5 @@", " \ta();\n }\n int other(void)\n {\n-\ta();\n+\tb();\n", false),
    ("@@ -9,2 +9,2 @@ int other(void)", " #define one \\\n-\ta();\n+\tb();\n", true),
    ("@@ -9,2 +9,3 @@ int other(void)", " }\n+int one(void);\n \n", true),
    ("@@ -9,2 +9,3 @@ int one(void)", " }\n+int other(void);\n \n", false),
    ("@@ -9 +9 @@ out:", "-\ta();\n+\tb();\n", true),
    ("@@ -9 +9 @@ static void", "-\ta();\n+\tb();\n", true),
    ("@@ -9 +9 @@", "-\ta();\n+\tb();\n", true),
    ("@@ -9 +9 @@ struct one {", "-\tint a;\n+\tint b;\n", true),
    ("@@ -1,2 +1,2 @@", "-#include <a.h>\n+#include <b.h>\n \n", false),
  ])
  func aHunkMayLieElsewhere(header: String, body: String, touches: Bool) throws {
    let changes = try SeriesFile.diffs(
      in: Array((Self.header + header + "\n" + body).utf8)[...])
    #expect(changes.first?.hunks.first?.mayTouch(["one", "two"]) == touches)
  }

  /// A hunk of includes changes no code; one line of another kind does.
  @Test(arguments: [
    ("-#include <linux/a.h>\n+#include <linux/b.h>\n \n+\n+struct device;\n", "1,2 +1,4", true),
    ("+#include <linux/there.h>\n", "1,0 +1", false), ("+#include <asm/a.h>\n", "1,0 +1", false),
    ("+#include \"a.h\"\n", "1,0 +1", false),
    ("-#include <a.h>\n+#define A\n", "1 +1", false),
    (" #include <a.h>\n+int a;\n", "1 +1,2", false),
  ])
  func includesAreNoCode(body: String, place: String, areAlone: Bool) throws {
    let changes = try SeriesFile.diffs(
      in: Array((Self.header + "@@ -\(place) @@\n" + body).utf8)[...])
    #expect(
      changes.first?.hunks.first?.changesIncludesAlone(
        besides: ["include/linux/there.h"]) == areAlone)
  }

  /// An editor took the space of an empty context line and left its CR: of the file where
  /// only that line has one, of the mailer where all lines have one.
  @Test func anEmptyLineMayHaveLostItsSpace() throws {
    let hunk = "@@ -1,3 +1,3 @@\n a\n\r\n-b\n+c\n"
    #expect(try apply(Self.header + hunk, to: "a\n\r\nb\n").0 == "a\n\r\nc\n")
    #expect(try apply(Self.header + hunk, to: "a\nb\n").0 == nil)
    let mailed = (Self.header + hunk.replacing("\r", with: "")).replacing("\n", with: "\r\n")
    #expect(try apply(mailed, to: "a\n\nb\n").0 == "a\n\nc\n")
  }

  /// patch(1) looks with each fuzz whether the first hunk of a file is there already before
  /// it ignores more (patch.c, main(): pch_swap() in the loop over the fuzz).
  @Test func aFirstHunkThatIsThereIsPutNowhereElse() throws {
    let there = lines(1...9) + "new\n" + lines(11...13)
    // The same lines with others at both ends: it fits there with fuzz 1.
    let other = "other\n" + lines(8...12) + "other\n"
    let (text, hunks) = try apply(Self.header + Self.hunk, to: there + lines(30...39) + other)
    #expect(text == nil)
    #expect(hunks.map(\.fate) == [.alreadyApplied])
    // Another one is not asked so.
    let first = "@@ -1,3 +1,4 @@\n+first\n line 1\n line 2\n line 3\n"
    let both = try apply(Self.header + first + Self.hunk, to: there + lines(30...39) + other)
    #expect(both.1.map(\.fate) == [.applied(offset: 0, fuzz: 0), .applied(offset: 17, fuzz: 1)])
    // Lines that say little may be there by chance: neither applied nor there.
    let braces = "@@ -1,5 +1,4 @@\n {\n }\n-x\n {\n }\n"
    let (none, fates) = try apply(
      Self.header + braces, to: "{\n}\n{\n}\ny\n{\n}\nx\n{\nz\n")
    #expect(none == nil)
    #expect(fates.map(\.rejection) == ["it may be there already, at line 1"])
  }

  /// Lines that are all alike would be compared without end; so would one file that is
  /// changed again and again.
  @Test func workHasABound() throws {
    let file = String(repeating: "a\n", count: 200_000)
    let context = String(repeating: " a\n", count: 1000)
    let hunk = "@@ -1,1001 +1,1001 @@\n\(context)-b\n+c\n"
    let changes = try SeriesFile.diffs(
      in: Array((Self.header + String(repeating: hunk, count: 200)).utf8)[...])
    var applier = PatchApplier(work: 1 << 28)
    #expect(throws: TreeError.self) { try applier.apply(changes[0], to: Array(file.utf8)) }
    #expect(applier.work < 0)
  }
}
