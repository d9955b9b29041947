import DMAModel

/// Unified diffs: the plain form alone, taken out of a mail and put together anew.
extension SeriesFile {
  /// The changes of a mail's body, in their order.
  static func diffs(in lines: [String]) throws(TreeError) -> [FileChange] {
    var changes: [FileChange] = []
    var index = 0
    while index < lines.count {
      guard lines[index].hasPrefix("--- "), index + 2 < lines.count,
        lines[index + 1].hasPrefix("+++ "), lines[index + 2].hasPrefix("@@ -")
      else {
        try refuse(lines[index])
        index += 1
        continue
      }
      let old = try path(lines[index].dropFirst(4))
      let new = try path(lines[index + 1].dropFirst(4))
      guard old != nil || new != nil else { throw .patch("a diff of --mbox names no file") }
      index += 2
      var hunks: [String] = []
      while index < lines.count, let (before, after) = counts(lines[index]) {
        hunks.append(lines[index])
        index += 1
        var (left, right) = (before, after)
        while index < lines.count, left > 0 || right > 0 {
          let line = lines[index]
          switch line.utf8.first {
          case UInt8(ascii: "-"): left -= 1
          case UInt8(ascii: "+"): right -= 1
          case UInt8(ascii: "\\"): break
          case UInt8(ascii: " "), nil:
            left -= 1
            right -= 1
          default: throw .patch("a hunk of '\(old ?? new ?? "")' in --mbox is broken")
          }
          hunks.append(line.isEmpty ? " " : line)
          index += 1
        }
        guard left == 0, right == 0 else {
          throw .patch("a hunk of '\(old ?? new ?? "")' in --mbox is broken")
        }
        if index < lines.count, lines[index].hasPrefix("\\") {
          hunks.append(lines[index])
          index += 1
        }
      }
      guard !hunks.isEmpty else {
        throw .patch("a hunk of '\(old ?? new ?? "")' in --mbox is broken")
      }
      changes.append(FileChange(old: old, new: new, text: text(old, new, hunks)))
    }
    return changes
  }

  /// Renames, copies and binary changes are no plain diffs; a rename with hunks
  /// would be applied to a file that is not there.
  private static func refuse(_ line: String) throws(TreeError) {
    for start in ["rename from ", "copy from ", "GIT binary patch"] where line.hasPrefix(start) {
      throw .patch(
        "--mbox has '\(start.trimmingCharacters(in: .whitespaces))'; accepted: plain diffs")
    }
  }

  /// `a/kernel/dma/direct.c` without its first directory; nil for /dev/null.
  private static func path(_ field: Substring) throws(TreeError) -> String? {
    let name = field.prefix { $0 != "\t" }
    if name == "/dev/null" { return nil }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard name.hasPrefix("a/") || name.hasPrefix("b/"), parts.count > 1,
      !parts.dropFirst().contains(where: { $0.isEmpty || $0 == "." || $0 == ".." || $0 == ".git" }),
      name.utf8.allSatisfy({
        $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"")
      })
    else {
      throw .patch("--mbox changes '\(String(name).printable)'; accepted: files below a/ and b/")
    }
    return parts.dropFirst().joined(separator: "/")
  }

  /// `@@ -10,7 +10,8 @@`: lines before and after.
  private static func counts(_ line: String) -> (before: Int, after: Int)? {
    guard line.hasPrefix("@@ -") else { return nil }
    let fields = line.split(separator: " ", maxSplits: 3)
    guard fields.count >= 3, fields[2].hasPrefix("+") else { return nil }
    func length(_ field: Substring) -> Int? {
      let parts = field.dropFirst().split(separator: ",")
      return parts.count == 2 ? Int(parts[1]) : 1
    }
    guard let before = length(fields[1]), let after = length(fields[2]), before >= 0, after >= 0,
      before < 1 << 20, after < 1 << 20
    else { return nil }
    return (before, after)
  }

  private static func text(_ old: String?, _ new: String?, _ hunks: [String]) -> String {
    let path = new ?? old ?? ""
    var text = "diff --git a/\(path) b/\(path)\n"
    if old == nil { text += "new file mode 100644\n" }
    if new == nil { text += "deleted file mode 100644\n" }
    text += "--- \(old.map { "a/\($0)" } ?? "/dev/null")\n"
    text += "+++ \(new.map { "b/\($0)" } ?? "/dev/null")\n"
    return text + hunks.joined(separator: "\n") + "\n"
  }
}
