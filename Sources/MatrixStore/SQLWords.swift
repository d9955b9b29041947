/// A piece of an SQL statement, as SQLite's tokenizer cuts it.
struct SQLWord {
  enum Kind {
    /// A name or a keyword without quotes.
    case word
    /// A name in double quotes.
    case quoted
    /// A string in single quotes.
    case string
    case parameter
    case number
    case sign
  }

  let kind: Kind
  /// Where it stands in the statement.
  let range: Range<String.Index>
  /// A word in capitals, a name or a string without its quotes, or the text.
  let text: String

  func isWord(_ keyword: String) -> Bool { kind == .word && text == keyword }
  func isSign(_ sign: String) -> Bool { kind == .sign && text == sign }

  /// The name that it may be, as SQLite compares names.
  var name: String? { kind == .word || kind == .quoted ? text.lowercased() : nil }

  /// The words of a statement without its comments; nil where one has no end, or is of a
  /// kind that nobody here writes, or a character is none of ASCII.
  static func words(of sql: String) -> [SQLWord]? {
    // One character is one byte then, as SQLite reads it.
    guard sql.utf8.allSatisfy({ $0 < 0x80 && $0 != 0x0d && $0 != 0 }) else { return nil }
    var words: [SQLWord] = []
    var rest = sql[...]
    while let first = rest.unicodeScalars.first {
      let start = rest.startIndex
      if [" ", "\n", "\t"].contains(first) {
        rest.unicodeScalars.removeFirst()
        continue
      }
      if rest.hasPrefix("--") {
        rest = rest.drop { $0 != "\n" }
        continue
      }
      if first == "'" || first == "\"" {
        guard let (text, end) = quoted(rest, by: Character(first)) else { return nil }
        words.append(
          SQLWord(kind: first == "'" ? .string : .quoted, range: start..<end, text: text))
        rest = sql[end...]
        continue
      }
      let isName = { (scalar: Unicode.Scalar) in
        let isDigit = scalar.value >= 48 && scalar.value <= 57
        return scalar.isASCII && scalar.properties.isAlphabetic || isDigit || scalar == "_"
      }
      if isName(first) {
        let text = String(rest.unicodeScalars.prefix(while: isName))
        let isNumber = first.value >= 48 && first.value <= 57
        // 1e5, 0x1f and 1.5 are none of the numbers that are understood.
        if isNumber, !text.unicodeScalars.allSatisfy({ $0.value >= 48 && $0.value <= 57 }) {
          return nil
        }
        rest.unicodeScalars.removeFirst(text.unicodeScalars.count)
        words.append(
          SQLWord(
            kind: isNumber ? .number : .word, range: start..<rest.startIndex,
            text: text.uppercased()))
        continue
      }
      if first == ":" {
        // A parameter is a value.
        let text = String(rest.unicodeScalars.dropFirst().prefix(while: isName))
        guard !text.isEmpty else { return nil }
        rest.unicodeScalars.removeFirst(text.unicodeScalars.count + 1)
        words.append(SQLWord(kind: .parameter, range: start..<rest.startIndex, text: text))
        continue
      }
      let signs = ["==", "<>", "!=", "<=", ">=", "||"]
      let sign = signs.first { rest.hasPrefix($0) } ?? String(first)
      guard sign.count == 2 || "(),.*=<>+-/%;".unicodeScalars.contains(first) else { return nil }
      if sign == "/", rest.hasPrefix("/*") { return nil }
      rest.unicodeScalars.removeFirst(sign.unicodeScalars.count)
      words.append(SQLWord(kind: .sign, range: start..<rest.startIndex, text: sign))
    }
    return words
  }

  /// What stands between quotes, of which two are one, and where it ends.
  private static func quoted(
    _ rest: Substring, by quote: Character
  ) -> (text: String, end: String.Index)? {
    var text = ""
    var index = rest.index(after: rest.startIndex)
    while index < rest.endIndex {
      let next = rest.index(after: index)
      if rest[index] == quote {
        guard next < rest.endIndex, rest[next] == quote else { return (text, next) }
        index = next
      }
      text.append(rest[index])
      index = rest.index(after: index)
    }
    return nil
  }
}
