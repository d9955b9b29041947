/// A message of the kernel, freed from what a logger, a terminal or a mail put around it.
struct LogLine: Sendable {
  /// The line of the text, from 1.
  let number: Int
  /// How many `>` stand before it.
  let quotes: Int
  var message: Substring
  /// Whether something that only loggers write stood before the message.
  let isStamped: Bool

  /// The messages of a text; carriage returns inside a line end a message too, and what
  /// a mail or a terminal wrapped is one message.
  static func all(in text: String) -> [LogLine] { all(in: MailText(text)) }

  /// The messages of a text that was freed from the encodings of mails.
  static func all(in text: MailText) -> [LogLine] {
    var pieces: [WrappedLine] = []
    for row in text.rows {
      for part in row.text.unicodeScalars.split(whereSeparator: { $0 == "\r" }) {
        var rest = Substring(part)
        if part.contains("\u{1b}") { rest = Substring(withoutEscapes(part)) }
        // A space that does not break, also in another encoding than UTF-8.
        if part.contains(where: { $0 == "\u{a0}" || $0 == "\u{fffd}" }) {
          rest = Substring(String(rest.map { $0 == "\u{a0}" || $0 == "\u{fffd}" ? " " : $0 }))
        }
        let quotes = dropQuotes(&rest)
        let message = message(of: rest)
        let isStamped = message.startIndex > rest.trimmed.startIndex
        pieces.append(
          WrappedLine(
            line: LogLine(
              number: row.number, quotes: quotes, message: message, isStamped: isStamped),
            raw: quotes > 0 && rest.first == " " ? rest.dropFirst() : rest))
      }
    }
    return WrappedLine.joined(pieces)
  }

  /// What the kernel wrote of a line without quotes.
  static func message(of line: Substring) -> Substring {
    let line = line.trimmed
    if let end = endOfKernelTime(in: line.prefix(120)) {
      return withoutCallerAndHost(line[end...].trimmed)
    }
    return withoutCallerAndHost(withoutWallClock(line))
  }

  /// Removes `> ` and `>>>` from the start of a line.
  private static func dropQuotes(_ line: inout Substring) -> Int {
    var quotes = 0
    var rest = line
    while true {
      let next = rest.drop { $0 == " " || $0 == "\t" }
      guard next.first == ">" else { return quotes }
      quotes += 1
      rest = next.dropFirst()
      line = rest
    }
  }

  /// `ESC [ ... letter`, as dmesg colours its lines.
  private static func withoutEscapes(_ line: Substring.UnicodeScalarView) -> String {
    var text = String.UnicodeScalarView()
    var isEscape = false
    for scalar in line {
      if scalar == "\u{1b}" {
        isEscape = true
      } else if isEscape {
        isEscape = !("A"..."Z").contains(scalar) && !("a"..."z").contains(scalar)
      } else {
        text.append(scalar)
      }
    }
    return String(text)
  }

  /// Where `[   12.345678]` ends, the first of the line.
  private static func endOfKernelTime(in line: Substring) -> Substring.Index? {
    var rest = line
    // A line that was cut at its start may lack the bracket.
    if let end = endOfSeconds(in: rest) { return end }
    while let open = rest.firstIndex(of: "[") {
      rest = rest[rest.index(after: open)...]
      if let end = endOfSeconds(in: rest) { return end }
    }
    return nil
  }

  /// Where `   12.345678]` ends.
  private static func endOfSeconds(in rest: Substring) -> Substring.Index? {
    var time = rest.drop { $0 == " " }
    let seconds = time.prefix { $0.isASCII && $0.isNumber }
    time = time[seconds.endIndex...]
    guard !seconds.isEmpty, time.first == "." else { return nil }
    time = time.dropFirst()
    let fraction = time.prefix { $0.isASCII && $0.isNumber }
    time = time[fraction.endIndex...]
    guard fraction.count == 6, time.first == "]" else { return nil }
    return time.index(after: time.startIndex)
  }

  /// Without the `[    T1]` of CONFIG_PRINTK_CALLER, a level, and `host kernel: `.
  private static func withoutCallerAndHost(_ message: Substring) -> Substring {
    var rest = message
    if rest.first == "[", let close = rest.prefix(14).firstIndex(of: "]"),
      let kind = rest[..<close].dropFirst().trimmed.first, kind == "T" || kind == "C"
    {
      rest = rest[rest.index(after: close)...].trimmed
    }
    rest = withoutLevel(rest)
    if rest.hasPrefix("kernel: ") { return rest.dropFirst(8).trimmed }
    let words = rest.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
    if words.count == 3, words[1] == "kernel:" { rest = words[2].trimmed }
    return endOfKernelTime(in: rest.prefix(24)).map { rest[$0...].trimmed } ?? rest
  }

  private static func withoutLevel(_ message: Substring) -> Substring {
    guard message.first == "<", let close = message.prefix(5).firstIndex(of: ">"),
      message[..<close].dropFirst().allSatisfy(\.isNumber)
    else { return message }
    return message[message.index(after: close)...].trimmed
  }

  /// Without `[Mon Jun  3 13:49:48 2024]`, `2024-06-03T13:49:48,123456+00:00`,
  /// `Jun 03 13:49:48 host kernel:` and `kern  :info  :`.
  private static func withoutWallClock(_ line: Substring) -> Substring {
    let line = withoutLevel(line)
    if line.first == "[", let close = line.prefix(40).firstIndex(of: "]"),
      line[..<close].count(where: { $0 == ":" }) == 2
    {
      return line[line.index(after: close)...].trimmed
    }
    let start = line.prefix(120)
    if let mark = start.firstRange(of: " kernel: "), start[..<mark.lowerBound].contains(":") {
      return line[mark.upperBound...].trimmed
    }
    if line.first?.isNumber == true, let space = line.prefix(45).firstIndex(of: " "),
      line[..<space].count(where: { $0 == ":" }) >= 2, line[..<space].last != ":"
    {
      return line[space...].trimmed
    }
    if line.hasPrefix("kern "), let colon = line.prefix(24).lastIndex(of: ":") {
      return line[line.index(after: colon)...].trimmed
    }
    return line
  }
}

extension Substring {
  /// Without white space at both ends.
  var trimmed: Substring {
    var text = drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  /// What follows a prefix, or nil.
  func rest(after prefix: String) -> Substring? {
    hasPrefix(prefix) ? dropFirst(prefix.count) : nil
  }

  /// What follows a marker anywhere, or nil.
  package func text(after marker: String) -> Substring? {
    firstRange(of: marker).map { self[$0.upperBound...] }
  }
}
