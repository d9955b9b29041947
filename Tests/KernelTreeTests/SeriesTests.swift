import DMAModel
import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Patch series as they are mailed.
@Suite(.serialized) struct SeriesTests {
  static let header = """
    From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
    From: A Developer <a@example.org>
    Date: Mon, 1 Jun 2026 10:00:00 +0000
    """

  func mail(_ subject: String, _ diff: String) -> String {
    "\(Self.header)\nSubject: \(subject)\n\nWhy.\n\nSigned-off-by: A\n---\n\(diff)-- \n2.47\n\n"
  }

  func data(_ mails: [String]) -> Data { Data(mails.joined().utf8) }

  let small = """
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
    let series = try PatchSeries(
      mbox: data([
        mail("[PATCH v2 2/2] b", small), mail("[PATCH 1/1] old", small),
        mail("[PATCH v2 1/2] a", small),
        "\(Self.header)\nSubject: [PATCH v2 0/2] cover\n\n f.c | 2 +-\n\n",
        "\(Self.header)\nSubject: Re: [PATCH v2 1/2] a\n\n> quoted\n\n",
      ]))
    let patches = series.mails
    #expect(patches.map(\.subject) == ["[PATCH v2 1/2] a", "[PATCH v2 2/2] b"])
    #expect(patches.allSatisfy { $0.changes.map(\.path) == ["f.c"] })
    #expect(series.notes == ["--mbox holds v1 and v2; v2 is taken"])
  }

  /// What stands in a box beside one whole series is said.
  @Test func whatIsLeftOutIsSaid() throws {
    let other = small.replacing("+2", with: "+22")
    let unnumbered = try PatchSeries(
      mbox: data([mail("[PATCH] a", small), mail("[PATCH] b", other)]))
    #expect(unnumbered.mails.map(\.subject) == ["[PATCH] a", "[PATCH] b"])
    #expect(
      unnumbered.notes == [
        "the 2 patches of --mbox have no numbers; they are taken in the order in which they stand"
      ])
    let mixed = try PatchSeries(
      mbox: data([mail("[PATCH 1/1] a", small), mail("[PATCH] b", other)]))
    #expect(mixed.mails.map(\.subject) == ["[PATCH 1/1] a"])
    #expect(
      mixed.notes == ["1 of the patches of --mbox has no number and is left out: '[PATCH] b'"])
    let short = try PatchSeries(
      mbox: data([mail("[PATCH 1/3] a", small), mail("[PATCH 2/3] b", other)]))
    #expect(short.count == 2)
    #expect(
      short.notes == ["--mbox holds 2 of 3 patches of v1; what follows patch 2 is missing"])
    // Once for each list that it went to.
    let twice = try PatchSeries(
      mbox: data([mail("[PATCH 1/1] a", small), mail("[PATCH 1/1] a", small)]))
    #expect(twice.count == 1 && twice.notes.isEmpty)
    #expect(throws: TreeError.self) {
      try PatchSeries(mbox: data([mail("[PATCH 1/1] a", small), mail("[PATCH 1/1] b", other)]))
    }
    #expect(
      throws: TreeError.patch(
        "--mbox holds a cover letter and no patch; accepted: a series as b4 or an archive saves "
          + "it, or a diff")
    ) {
      try PatchSeries(mbox: data(["\(Self.header)\nSubject: [PATCH 0/2] cover\n\n f.c | 2 +-\n\n"]))
    }
  }

  /// A reply that has a diff of its own is no patch of the series, and named.
  @Test func repliesWithDiffsAreNamed() throws {
    let series = try PatchSeries(
      mbox: data([
        mail("[PATCH 1/1] a", small), mail("Re: [PATCH 1/1] a", small),
        "\(Self.header)\nSubject: Re: [PATCH 1/1] a\n\n> \(small.replacing("\n", with: "\n> "))\n\n",
        mail("RE: [PATCH 1/1] a", "--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\nbroken\n"),
      ]))
    #expect(series.mails.map(\.subject) == ["[PATCH 1/1] a"])
    #expect(series.notes == ["a reply that has a diff is left out: 'Re: [PATCH 1/1] a'"])
    let many = (1...4).map { mail("Re: mail \($0)", small) }
    let error = #expect(throws: TreeError.self) { try PatchSeries(mbox: data(many)) }
    #expect(
      error?.description.contains(
        "(4 replies that have diffs are left out: 'Re: mail 1', 'Re: mail 2', 'Re: mail 3' and "
          + "1 more)") == true, "\(error?.description ?? "none")")
  }

  /// A patch as an attachment, in a signed mail, and in a part of a part; HTML beside it and
  /// what stands before the first part are nothing.
  @Test func partsOfAMailAreRead() throws {
    let encoded = Data(small.utf8).base64EncodedString()
    let attached =
      "--b1\nContent-Type: text/plain\n\nHere it is.\n--b1\nContent-Type: text/x-patch\n"
      + "Content-Transfer-Encoding: base64\n\n\(encoded)\n--b1\nContent-Type: text/html\n\n"
      + "<pre>\(small)</pre>\n--b1--\nbehind\n"
    let nested =
      "--b1\nContent-Type: multipart/mixed; boundary=in\n\n--in\n\n\(small)\n--in--\n"
      + "--b1\nContent-Type: application/pgp-signature\n\nx\n--b1--\n"
    for (body, kind) in [(attached, "mixed"), (nested, "signed")] {
      let box =
        "\(Self.header)\nSubject: [PATCH] a\nContent-Type: multipart/\(kind);\n"
        + " boundary=\"b1\"\n\n\(small)\n\(body)\n"
      let series = try PatchSeries(mbox: data([box]))
      #expect(series.mails.map { $0.changes.map(\.path) } == [["f.c"]], "\(kind)")
    }
  }

  /// A part that is not read and has a diff, and a text that cannot be decoded, end with a
  /// sentence; a list's footer behind base64 is text.
  @Test func noPatchIsDroppedInSilence() throws {
    func box(_ headers: String, _ body: String) -> String {
      "\(Self.header)\nSubject: [PATCH] a\n\(headers)\n\n\(body)\n"
    }
    let encoded = Data(small.utf8).base64EncodedString()
    let footer = try PatchSeries(
      mbox: data([box("Content-Transfer-Encoding: base64", encoded + "\n____\nthe list\n")]))
    #expect(footer.mails.map { $0.changes.map(\.path) } == [["f.c"]])
    let mixed = "Content-Type: multipart/mixed; boundary=b"
    let attached = "--b\n\nx\n--b\nContent-Type: message/rfc822\n\n\(small)\n--b--"
    for (headers, body, words) in [
      (mixed, attached, "a part of type message/rfc822 has a diff"),
      ("Content-Type: text/plain; charset=utf-16", small, "cannot be decoded"),
      ("Content-Transfer-Encoding: x-uuencode", small, "cannot be decoded"),
      ("Content-Transfer-Encoding: base64", "%%%", "holds no mail with a patch"),
    ] {
      let error = #expect(throws: TreeError.self) {
        _ = try PatchSeries(mbox: data([box(headers, body)]))
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "none")")
    }
  }

  /// A message has lines that begin as separators do; subjects are encoded, or have a
  /// list's name in front; a patch of a mode has no lines.
  @Test func mailsAreReadAsTheyAreSent() throws {
    let prose = mail("[PATCH 2/2] b", small).replacing(
      "Why.\n", with: "Why.\n\nFrom now on all bounce, as the\nothers do.\n\n")
    let box = try PatchSeries(mbox: data([mail("[PATCH 1/2] a", small), prose]))
    #expect(box.mails.map(\.subject) == ["[PATCH 1/2] a", "[PATCH 2/2] b"] && box.notes.isEmpty)
    for (subject, expected) in [
      ("=?utf-8?q?=5BPATCH_v2_2=2F2=5D_=C3=A9?=", "[PATCH v2 2/2] \u{e9}"),
      ("=?UTF-8?B?W1BBVENIIHYyIDIvMl0g?=\n =?iso-8859-1?q?=E9?=", "[PATCH v2 2/2] \u{e9}"),
      ("[xen-devel] [PATCH v2 2/2] b", "[xen-devel] [PATCH v2 2/2] b"),
    ] {
      let series = try PatchSeries(
        mbox: data(
          [mail("[PATCH 1/1] old", small), mail(subject, small)]
            + [mail("[PATCH v2 1/2] a", small)]))
      #expect(series.mails.map(\.subject) == ["[PATCH v2 1/2] a", expected])
    }
    let mode = "diff --git a/f.c b/f.c\nold mode 100644\nnew mode 100755\n"
    let empty = "diff --git a/g b/g\nnew file mode 100644\nindex 0000000..e69de29\n"
    for diff in [mode, empty] {
      let series = try PatchSeries(
        mbox: data([mail("[PATCH 1/2] a", small), mail("[PATCH 2/2] b", diff)]))
      #expect(series.mails.map(\.changes.count) == [1, 0] && !series.isCut)
    }
    for more in ["+four\n", "@@ -nine +9 @@\n-a\n+b\n", "-four\n"] {
      #expect(throws: TreeError.self) {
        try PatchSeries(mbox: data([mail("[PATCH] a", small + more)]))
      }
    }
  }

  /// Files of every kind, in their order; what git says of the base.
  @Test func seriesComeInManyFiles() throws {
    let other = small.replacing("+2", with: "+22")
    let base = String(repeating: "0123abcd", count: 5)
    let first = mail(
      "[PATCH 1/2] a", small + "\nbase-commit: \(base)\nprerequisite-patch-id: \(base)\n")
    func source(_ name: String, _ text: String) -> PatchSeries.Source {
      PatchSeries.Source(name: name, contents: Data(text.utf8))
    }
    let files = try PatchSeries([source("2", mail("[PATCH 2/2] b", other)), source("1", first)])
    #expect(files.mails.map(\.subject) == ["[PATCH 1/2] a", "[PATCH 2/2] b"])
    #expect(files.baseCommit == base && files.prerequisites == 1)
    for text in [
      small, "diff --git a/f.c b/f.c\n" + small, "commit \(base)\nAuthor: A\n\n    why\n\n" + small,
    ] {
      let plain = try PatchSeries([source("x.diff", text), source("y.diff", other)])
      #expect(plain.mails.map(\.subject) == ["x.diff", "y.diff"])
      #expect(plain.mails[0].changes.map(\.path) == ["f.c"])
    }
    let whole = mail("[PATCH 1/2] a", small) + mail("[PATCH 2/2] b", other)
    let directory = try TemporaryDirectory()
    try whole.write(toFile: directory.file("mbox"), atomically: false, encoding: .utf8)
    _ = try Command("/usr/bin/env", ["gzip", directory.file("mbox")]).run()
    let packed = try Data(contentsOf: URL(fileURLWithPath: directory.file("mbox.gz")))
    for gzip in [packed, packed + packed] {
      #expect(
        try PatchSeries(mbox: gzip).mails.map(\.subject) == ["[PATCH 1/2] a", "[PATCH 2/2] b"])
    }
    // Much text of few bytes, and more than one member of it.
    let long = String(repeating: "padding\n", count: 200_000)
    try (long + whole).write(toFile: directory.file("long"), atomically: false, encoding: .utf8)
    _ = try Command("/usr/bin/env", ["gzip", "-9", directory.file("long")]).run()
    let much = try Data(contentsOf: URL(fileURLWithPath: directory.file("long.gz")))
    #expect(
      try PatchSeries(mbox: much).mails.map(\.subject) == ["[PATCH 1/2] a", "[PATCH 2/2] b"])
    for broken in [packed.dropLast(9), packed.prefix(20), Data([0x1f, 0x8b])] {
      #expect(throws: TreeError.self) { try PatchSeries(mbox: Data(broken)) }
    }
  }

  /// Mailers' encodings carry the same diff.
  @Test func encodingsAreDecoded() throws {
    let body = "Why.\n---\n" + small
    let plain = try PatchSeries(mbox: data([mail("[PATCH] a", small)])).mails
    let base64 =
      "\(Self.header)\nSubject: [PATCH] a\nContent-Transfer-Encoding: base64\n\n"
      + Data(body.utf8).base64EncodedString(options: .lineLength76Characters) + "\n"
    #expect(
      try PatchSeries(mbox: Data(base64.utf8)).mails[0].changes[0].text == plain[0].changes[0].text)
    let quoted =
      "\(Self.header)\nSubject: [PATCH] a\nContent-Transfer-Encoding: quoted-printable\n\n"
      + body.replacing("two", with: "t=77=\no")
    #expect(
      try PatchSeries(mbox: Data(quoted.utf8)).mails[0].changes[0].text == plain[0].changes[0].text)
  }

  /// Some mailers end every line with CR LF.
  @Test func linesMayEndWithCRLF() throws {
    let mbox = mail("[PATCH v2 1/2] a", small) + mail("[PATCH v2 2/2] b", small)
    let plain = try PatchSeries(mbox: Data(mbox.utf8)).mails
    let crlf = try PatchSeries(mbox: Data(mbox.replacing("\n", with: "\r\n").utf8)).mails
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
        try PatchSeries(mbox: data([mail("[PATCH] a", diff)])).mails
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
        _ = try PatchSeries(mbox: data(mails))
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
    #expect(
      message([mail("[PATCH] a", "rename from x\nrename to y\n")])
        .contains("holds no mail with a patch"))
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
    let patches = try PatchSeries(mbox: data([most, mail("[PATCH 2/2] b", least)])).mails
    #expect(patches.map(\.changes.count) == [9999, 1])
    #expect(
      throws: TreeError.patch(
        "--mbox changes files more than 10000 times; accepted: one series")
    ) {
      try PatchSeries(mbox: data([most, mail("[PATCH 2/2] b", least + least)])).mails
    }
  }
}
