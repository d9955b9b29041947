import Foundation
import Support

/// One mail of a series with the changes it makes.
struct SeriesMail: Sendable {
  /// `[PATCH v7 3/22] dma-mapping: ...`
  let subject: String
  /// The version, 1 without `vN`.
  let version: Int
  /// The number in the series, 0 for a cover letter; nil where the subject has none.
  let number: Int?
  /// How many patches the subject says there are.
  let total: Int?
  /// The changes of one file each, in their order.
  let changes: [FileChange]
  /// `base-commit:`, and how many `prerequisite-patch-id:`, as git format-patch writes them.
  let baseCommit: String?
  let prerequisites: Int
  /// Whether it has a diff, be it of a mode or an empty file.
  let hasDiff: Bool
  /// Whether it answers or forwards another mail, as its subject says: what it has is no
  /// patch of the series.
  let isReply: Bool

  init(subject: String, changes: [FileChange], body: ArraySlice<UInt8>) {
    self.subject = subject
    isReply = Self.isReply(subject)
    self.changes = changes
    (version, number, total) = Self.place(subject)
    var (base, prerequisites): (String?, Int) = (nil, 0)
    var hasDiff = !changes.isEmpty
    for line in ByteLines(body) {
      if line.starts(with: "diff --git ".utf8) {
        hasDiff = true
      } else if line.starts(with: "base-commit: ".utf8) {
        let word = line.withoutReturn.dropFirst(13).prefix { $0 > 0x20 }
        let isCommit = (7...64).contains(word.count) && word.allSatisfy(Self.isHexadecimal)
        if isCommit { base = String(decoding: word, as: UTF8.self) }
      } else if line.starts(with: "prerequisite-patch-id: ".utf8) {
        prerequisites += 1
      }
    }
    (baseCommit, self.prerequisites, self.hasDiff) = (base, prerequisites, hasDiff)
  }

  static func isReply(_ subject: String) -> Bool {
    ["re:", "aw:", "fwd:", "fw:"].contains(where: subject.lowercased().hasPrefix)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte)
  }

  /// `[PATCH v7 03/22]`: version, number and total.
  private static func place(_ subject: String) -> (version: Int, number: Int?, total: Int?) {
    var (version, number, total): (Int, Int?, Int?) = (1, nil, nil)
    // A list may put its name in front: `[xen-devel] [PATCH 1/2]`.
    var rest = subject[...]
    var words: [Substring] = []
    while let start = rest.first, start == "[", let close = rest.firstIndex(of: "]") {
      words += rest[..<close].dropFirst().split { " ,".contains($0) }
      rest = rest[rest.index(after: close)...].drop { $0 == " " }
    }
    for word in words {
      let text = word.uppercased()
      let start = text.hasPrefix("PATCHV") ? 6 : text.hasPrefix("RFCV") ? 4 : 1
      if start > 1 || text.first == "V", let value = Int(text.dropFirst(start)), value > 0 {
        version = value
      }
      let parts = word.split(separator: "/")
      if parts.count == 2, let value = Int(parts[0]), let last = Int(parts[1]), value >= 0 {
        (number, total) = (value, last)
      }
    }
    return (version, number, total)
  }
}

/// Reads series as b4 saves them and as archives hold them.
enum SeriesFile {
  /// The mails of a file that have a subject of a patch or changes, in their order.
  ///
  /// - Parameter name: What a diff without a mail is called.
  /// - Throws: ``TreeError/patch(_:)`` for a path that leaves the tree, or a diff that is
  ///   broken.
  static func mails(in bytes: [UInt8], called name: String) throws(TreeError) -> [SeriesMail] {
    if isPlainDiff(bytes[...]) {
      let changes = try diffs(in: bytes[...])
      return changes.isEmpty ? [] : [SeriesMail(subject: name, changes: changes, body: bytes[...])]
    }
    var mails: [SeriesMail] = []
    for mail in Mails(bytes[...]) {
      if let parsed = try parse(mail) { mails.append(parsed) }
    }
    return mails
  }

  /// Whether a file is the output of a diff, without a mail around it.
  private static func isPlainDiff(_ bytes: ArraySlice<UInt8>) -> Bool {
    for line in ByteLines(bytes) where !line.withoutReturn.isEmpty {
      return ["diff --git ", "diff -", "--- ", "Index: ", "commit "].contains {
        line.starts(with: $0.utf8)
      }
    }
    return false
  }

  /// The mails of a mailbox; a file without `From ` lines is one mail.  mboxrd's `>From `
  /// stays as it is: no line of a diff begins so.
  private struct Mails: Sequence, IteratorProtocol {
    private var lines: ByteLines

    init(_ bytes: ArraySlice<UInt8>) { lines = ByteLines(bytes) }

    /// Whether a line begins the next mail: it has a time, as mail programs write it, or
    /// no text at all behind a name; a message may have a line that begins with the word.
    private func isSeparator(_ line: ArraySlice<UInt8>) -> Bool {
      let text = String(decoding: line.prefix(200), as: UTF8.self)
      return text.contains(/[0-9]:[0-9][0-9]/) || text.wholeMatch(of: /From \S+\s*/) != nil
    }

    mutating func next() -> ArraySlice<UInt8>? {
      var start = lines.position
      var (end, previousIsBlank) = (start, true)
      while let line = lines.next() {
        if line.starts(with: "From ".utf8), previousIsBlank, start == end || isSeparator(line) {
          if end > start { return lines.bytes[start..<end] }
          // The separator itself is no part of a mail.
          start = lines.position
        }
        previousIsBlank = line.withoutReturn.isEmpty
        end = lines.position
      }
      return end > start ? lines.bytes[start..<end] : nil
    }
  }

  private static func parse(_ mail: ArraySlice<UInt8>) throws(TreeError) -> SeriesMail? {
    let part = MailPart(mail)
    let subject = EncodedWords.decoded(part.headers["subject"] ?? "")
    if SeriesMail.isReply(subject) {
      // What it quotes is no diff, and what it cannot be read as is none that is missed.
      guard let body = try? part.text(), let changes = try? diffs(in: body), !changes.isEmpty
      else { return nil }
      return SeriesMail(subject: subject, changes: changes, body: body)
    }
    let body = try part.text()
    let parsed = SeriesMail(subject: subject, changes: try diffs(in: body), body: body)
    // A cover letter's diffstat is no diff, and other mails are letters.
    return parsed.hasDiff || parsed.number != nil ? parsed : nil
  }
}
