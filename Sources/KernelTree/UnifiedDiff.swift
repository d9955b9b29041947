import Support

/// What a mail does to one file: the hunks of a unified diff, and what git says of the
/// file in front of them.
struct FileChange: Sendable {
  /// What a path is, by git's modes; the modes of files are not kept.
  enum Kind: Sendable {
    case file
    /// No text: its contents are not read.
    case binary
    /// 120000: the text is where it leads.
    case symbolicLink
    /// 160000: the text is a commit of another repository.
    case submodule
  }

  /// How a file gets another path, by git's header; its hunks come after.
  enum Move: Sendable { case rename, copy }

  var kind = Kind.file
  /// The path before and after; nil for a file that is made or removed.
  let old: String?
  let new: String?
  var move: Move?
  /// None for a binary file, and for a move that changes no line.
  let hunks: [Hunk]

  /// The path that a user knows it by.
  var path: String { new ?? old ?? "" }

  /// The plain diff, put together anew.
  var text: String {
    var text = ""
    if let move, let old, let new {
      let word = move == .copy ? "copy" : "rename"
      text += "diff --git a/\(old) b/\(new)\n\(word) from \(old)\n\(word) to \(new)\n"
    }
    if kind == .binary {
      if text.isEmpty { text = "diff --git a/\(path) b/\(path)\n" }
      return text + "GIT binary patch\n"
    }
    guard !hunks.isEmpty else { return text }
    text += "--- \(old.map { "a/\($0)" } ?? "/dev/null")\n"
    text += "+++ \(new.map { "b/\($0)" } ?? "/dev/null")\n"
    for hunk in hunks {
      text += "@@ -\(hunk.oldStart),\(hunk.oldCount) +\(hunk.newStart),\(hunk.newCount) @@\n"
      for (mark, line) in hunk.lines {
        text.unicodeScalars.append(Unicode.Scalar(mark))
        text += String(decoding: line.source[line.range], as: UTF8.self) + "\n"
        if !line.isEnded { text += "\\ No newline at end of file\n" }
      }
    }
    return text
  }
}

/// One hunk: where it is and a part of the mail.
struct Hunk: Sendable {
  let oldStart: Int
  let oldCount: Int
  let newStart: Int
  let newCount: Int
  /// What stands behind the numbers: the line above it that begins a function, mostly.
  let section: ArraySlice<UInt8>
  /// Its lines, as they stand in the mail.
  let body: ArraySlice<UInt8>
  /// A mailer ended every line with CR LF.
  let hasReturns: Bool

  /// Its lines with their marks: space, `-` or `+`.
  var lines: [(mark: UInt8, line: TextLines.Line)] {
    var lines: [(mark: UInt8, line: TextLines.Line)] = []
    for raw in ByteLines(body) {
      let line = hasReturns ? raw.withoutReturn : raw
      // An editor has removed the space of an empty line, which may still have its CR.
      let isBare = line.withoutReturn.isEmpty
      let mark = isBare ? UInt8(ascii: " ") : line[line.startIndex]
      if mark == UInt8(ascii: "\\") {
        guard let last = lines.popLast() else { continue }
        let open = TextLines.Line(last.line.source, last.line.range, isEnded: false)
        lines.append((last.mark, open))
      } else {
        let text = isBare ? line : line.dropFirst()
        lines.append((mark, TextLines.Line(text, text.startIndex..<text.endIndex, isEnded: true)))
      }
    }
    return lines
  }
}

/// Unified diffs, taken out of a mail.
extension SeriesFile {
  /// The changes of a mail's body, in their order.
  static func diffs(in body: ArraySlice<UInt8>) throws(TreeError) -> [FileChange] {
    var changes: [FileChange] = []
    var lines = ByteLines(body)
    var header = GitHeader()
    while true {
      let start = lines
      guard let line = lines.next() else {
        if let change = header.change { changes.append(change) }
        return changes
      }
      if line.starts(with: "diff --git ".utf8) {
        if let change = header.change { changes.append(change) }
        header = try GitHeader(line.withoutReturn)
        continue
      }
      guard line.starts(with: "--- ".utf8),
        let change = try change(at: start, end: &lines, header: header)
      else {
        try header.read(line.withoutReturn)
        continue
      }
      changes.append(change)
      header = GitHeader()
    }
  }

  /// The change that begins with `--- `; nil where no `+++ ` and `@@ -` follow.
  private static func change(
    at start: ByteLines, end: inout ByteLines, header: GitHeader
  ) throws(TreeError) -> FileChange? {
    var lines = start
    guard let before = lines.next(), let after = lines.next(), after.starts(with: "+++ ".utf8)
    else { return nil }
    var next = lines
    guard let first = next.next(), first.starts(with: "@@ -".utf8) else { return nil }
    let hasReturns = after.last == UInt8(ascii: "\r")
    let old = try path(before.dropFirst(4).withoutReturn)
    let new = try path(after.dropFirst(4).withoutReturn)
    guard old != nil || new != nil else { throw .patch("a diff of --mbox names no file") }
    var hunks: [Hunk] = []
    next = lines
    while let header = next.next(), let place = place(header.withoutReturn) {
      guard let body = hunk(place, &next) else {
        throw .patch("a hunk of '\(old ?? new ?? "")' in --mbox is broken")
      }
      hunks.append(
        Hunk(
          oldStart: place.old.start, oldCount: place.old.count, newStart: place.new.start,
          newCount: place.new.count, section: section(header.withoutReturn), body: body,
          hasReturns: hasReturns))
      lines = next
    }
    guard !hunks.isEmpty else {
      throw .patch("a hunk of '\(old ?? new ?? "")' in --mbox is broken")
    }
    // More lines than the header says, which nobody would miss.
    if let rest = Self.line(after: lines),
      rest.starts(with: "+".utf8)
        || rest.starts(with: "@@ -".utf8)
        || rest.first == UInt8(ascii: "-") && !rest.starts(with: "--".utf8)
    {
      throw .patch("a hunk of '\(old ?? new ?? "")' in --mbox is broken")
    }
    end = lines
    let isMoved = header.from == old && header.to == new && old != nil
    return FileChange(
      kind: header.kind, old: old, new: new, move: isMoved ? header.move : nil, hunks: hunks)
  }

  private static func line(after lines: ByteLines) -> ArraySlice<UInt8>? {
    var lines = lines
    return lines.next()
  }

  /// What stands behind the second `@@`.
  private static func section(_ header: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = header.dropFirst(2)
    while let at = rest.firstIndex(of: UInt8(ascii: "@")) {
      rest = rest[(at + 1)...]
      if rest.first == UInt8(ascii: "@") { return rest.dropFirst() }
    }
    return []
  }

  private typealias Place = (old: (start: Int, count: Int), new: (start: Int, count: Int))

  /// The lines of a hunk, as many as its header says; nil where they are others.
  private static func hunk(_ place: Place, _ lines: inout ByteLines) -> ArraySlice<UInt8>? {
    let start = lines.position
    var (left, right) = (place.old.count, place.new.count)
    // Whether the line before is the last one of each side that it is on.
    var mayBeOpen = false
    while true {
      var after = lines
      let line = after.next()
      let mark = line.map { $0.withoutReturn.first ?? UInt8(ascii: " ") }
      if mark == UInt8(ascii: "\\") {
        guard mayBeOpen else { return nil }
        (lines, mayBeOpen) = (after, false)
        continue
      }
      if left == 0, right == 0 { return lines.bytes[start..<lines.position] }
      switch mark {
      case UInt8(ascii: "-"):
        left -= 1
        mayBeOpen = left == 0
      case UInt8(ascii: "+"):
        right -= 1
        mayBeOpen = right == 0
      case UInt8(ascii: " "):
        left -= 1
        right -= 1
        mayBeOpen = left == 0 && right == 0
      default: return nil
      }
      guard left >= 0, right >= 0 else { return nil }
      lines = after
    }
  }

  /// `a/kernel/dma/direct.c` without its first directory; nil for /dev/null.
  static func path(_ field: ArraySlice<UInt8>) throws(TreeError) -> String? {
    let bytes = field.prefix { $0 != UInt8(ascii: "\t") }
    let name = String(decoding: bytes, as: UTF8.self)
    if name == "/dev/null" { return nil }
    if let reason = refusal(name, bytes) {
      throw .patch("--mbox changes '\(name.printable)': \(reason)")
    }
    return String(name.dropFirst(2))
  }

  /// Why nothing is written to a path of a diff; nil where it is one of the tree.
  private static func refusal(_ name: String, _ bytes: ArraySlice<UInt8>) -> String? {
    if bytes.count > 4096 { return "the path is longer than 4096 bytes" }
    let isPlain = bytes.allSatisfy {
      $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"")
    }
    if !isPlain {
      return "a character that no file of a kernel has in its name; accepted: ASCII without "
        + "spaces, quotes and backslashes"
    }
    if name.hasPrefix("/") { return "the path is absolute; accepted: files below a/ and b/" }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    if parts.contains("..") { return "the path leaves the tree; accepted: files below a/ and b/" }
    if parts.contains(where: { $0.lowercased() == ".git" }) {
      return "nothing is written to a .git; accepted: other files below a/ and b/"
    }
    guard parts.count > 1, ["a", "b"].contains(parts[0]) else {
      return "the path is not below a/ or b/; accepted: files below a/ and b/"
    }
    return SourceTree.isInside(name.dropFirst(2))
      ? nil : "a part of the path is empty or '.'; accepted: files below a/ and b/"
  }

  /// `@@ -10,7 +10,8 @@`: first line and number of lines before and after.
  private static func place(_ line: ArraySlice<UInt8>) -> Place? {
    guard line.starts(with: "@@ -".utf8) else { return nil }
    let fields = line.prefix(100).split(separator: UInt8(ascii: " "), maxSplits: 3)
    guard fields.count >= 3, fields[2].first == UInt8(ascii: "+") else { return nil }
    func number(_ digits: ArraySlice<UInt8>) -> Int? {
      guard !digits.isEmpty, digits.count <= 9 else { return nil }
      return Int(String(decoding: digits, as: UTF8.self))
    }
    func side(_ field: ArraySlice<UInt8>) -> (start: Int, count: Int)? {
      let parts = field.dropFirst().split(
        separator: UInt8(ascii: ","), maxSplits: 1, omittingEmptySubsequences: false)
      guard let start = number(parts[0]), start >= 0,
        let count = parts.count == 2 ? number(parts[1]) : 1, count >= 0, count < 1 << 20
      else { return nil }
      return (start, count)
    }
    guard let old = side(fields[1]), let new = side(fields[2]) else { return nil }
    return (old, new)
  }
}

/// The lines of some bytes, one after the other, without their line breaks.
struct ByteLines: Sequence, IteratorProtocol {
  let bytes: ArraySlice<UInt8>
  /// Where the next line begins.
  private(set) var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  mutating func next() -> ArraySlice<UInt8>? {
    guard position < bytes.endIndex else { return nil }
    let start = position
    let end = bytes[start...].firstIndex(of: TextLines.newline) ?? bytes.endIndex
    position = Swift.min(end + 1, bytes.endIndex)
    return bytes[start..<end]
  }
}

extension ArraySlice<UInt8> {
  /// Without the CR that some mailers end lines with.
  var withoutReturn: ArraySlice<UInt8> { last == UInt8(ascii: "\r") ? dropLast() : self }
}
