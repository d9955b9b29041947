/// A line as it was pasted, which may be a part of what the kernel wrote.
struct WrappedLine {
  var line: LogLine
  /// The line without quotes, with white space.
  let raw: Substring

  /// Lines that a mail or a terminal wrapped, put together again.
  static func joined(_ pieces: [WrappedLine]) -> [LogLine] {
    var lines: [LogLine] = []
    var index = pieces.startIndex
    while index < pieces.endIndex {
      let first = pieces[index]
      var line = first.line
      var last = first
      index += 1
      while index < pieces.endIndex, line.message.utf8.count < 8192,
        let separator = last.separator(before: pieces[index], first: first)
      {
        last = pieces[index]
        line.message = Substring(line.message + separator + last.line.message)
        index += 1
      }
      lines.append(line)
    }
    return joinedFailures(lines)
  }

  /// What the wrap took away between two lines; nil where the second begins anew.
  ///
  /// Terminals break at 80 columns, inside words.  Mailers break between words where the
  /// next did not fit, most at 72 columns with the quotes there were then; `format=flowed`
  /// (RFC 3676) leaves the space.
  private func separator(before next: WrappedLine, first: WrappedLine) -> String? {
    guard next.line.quotes == line.quotes, !next.line.isStamped, !next.line.message.isEmpty else {
      return nil
    }
    let width = raw.count
    if first.line.isStamped, width == 80, raw.last?.isWhitespace == false { return "" }
    let text = raw.trimmedEnd.count
    let word = next.line.message.prefix { $0 != " " }.count
    guard text <= 82, text + 1 + word > max(60, 72 - 2 * line.quotes) else { return nil }
    return first.line.isStamped || raw.last == " " ? " " : nil
  }

  /// Messages about failed mappings, which are long, wrapped anywhere.
  private static func joinedFailures(_ lines: [LogLine]) -> [LogLine] {
    var result: [LogLine] = []
    var index = lines.startIndex
    while index < lines.endIndex {
      var line = lines[index]
      index += 1
      if FailingLine.isCut(line.message) {
        var (whole, used) = (line.message, 0)
        for next in lines[index...].prefix(3) where FailingLine.isCut(whole) {
          guard next.quotes == line.quotes, !next.isStamped, !next.message.isEmpty else { break }
          whole = Substring(whole + " " + next.message)
          used += 1
        }
        if !FailingLine.isCut(whole), FailingLine(whole) != nil {
          line.message = whole
          index += used
        }
      }
      result.append(line)
    }
    return result
  }
}
