import Support

/// Which lines of a C file stand under which CONFIG symbols.
struct ConfiguredLines {
  /// The branch of a conditional: from the line behind its directive to the one before the next.
  private struct Branch {
    let lines: ClosedRange<Int>
    let symbols: [String]
  }

  private var branches: [Branch] = []

  init(_ text: [UInt8]) {
    // Of each open conditional: where its branch begins, and what all its directives name.
    var open: [(start: Int, symbols: [String])] = []
    for (index, bytes) in ByteLines(text[...]).enumerated() {
      guard bytes.first(where: { $0 != 0x20 && $0 != 0x09 }) == UInt8(ascii: "#") else { continue }
      let number = index + 1
      let words = String(decoding: bytes, as: UTF8.self).drop { " \t#".contains($0) }
      let name = words.prefix { $0.isLetter }
      func end() {
        guard let last = open.last, last.start < number else { return }
        branches.append(Branch(lines: last.start...(number - 1), symbols: last.symbols))
      }
      switch name {
      case "if", "ifdef", "ifndef":
        open.append((number + 1, Self.symbols(in: words)))
      case "elif", "else":
        end()
        guard let last = open.popLast() else { continue }
        open.append((number + 1, last.symbols + Self.symbols(in: words)))
      case "endif":
        end()
        _ = open.popLast()
      default: continue
      }
    }
  }

  private static func symbols(in text: Substring) -> [String] {
    var symbols: [String] = []
    for word in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" })
    where word.hasPrefix("CONFIG_") && !symbols.contains(String(word)) {
      symbols.append(String(word))
    }
    return symbols
  }

  /// The symbols of the innermost branch around a line that names some and of which nothing
  /// is compiled; empty where there is none.
  func symbols(around line: Int, compiled: Set<Int>) -> [String] {
    let around = branches.filter {
      $0.lines.contains(line) && !$0.symbols.isEmpty && compiled.isDisjoint(with: $0.lines)
    }
    return around.min { $0.lines.count < $1.lines.count }?.symbols ?? []
  }
}
