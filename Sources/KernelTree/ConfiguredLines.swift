import Support

/// Which lines of a C file stand under CONFIG symbols that leave them out.
struct ConfiguredLines {
  /// A branch of a conditional: the lines between two of its directives.
  private struct Branch {
    let start: Int
    var end: Int
    let symbols: [String]
    let parent: Int?
  }

  private var branches: [Branch] = []
  /// The innermost branch of each line, from 1.
  private var branchOfLine: [Int?] = [nil]
  /// How many lines are compiled before each.
  private var compiledBefore: [Int] = [0, 0]

  /// How many symbols of a conditional are kept, and how far outwards one is looked for.
  private static let (symbolLimit, depthLimit) = (8, 100)

  init(_ text: [UInt8], compiled: Set<Int>) {
    var open: Int?
    for (index, bytes) in ByteLines(text[...]).enumerated() {
      let number = index + 1
      branchOfLine.append(open)
      compiledBefore.append(
        compiledBefore[compiledBefore.count - 1] + (compiled.contains(number) ? 1 : 0))
      guard bytes.first(where: { $0 != 0x20 && $0 != 0x09 }) == UInt8(ascii: "#") else { continue }
      let words = String(decoding: bytes.prefix(4096), as: UTF8.self).drop { " \t#".contains($0) }
      switch words.prefix(while: \.isLetter) {
      case "if", "ifdef", "ifndef":
        branches.append(
          Branch(start: number + 1, end: .max, symbols: Self.symbols(in: words), parent: open))
        open = branches.count - 1
      case "elif", "else":
        guard let last = open else { continue }
        branches[last].end = number
        let symbols = (branches[last].symbols + Self.symbols(in: words)).prefix(Self.symbolLimit)
        branches.append(
          Branch(
            start: number + 1, end: .max, symbols: Array(symbols), parent: branches[last].parent))
        open = branches.count - 1
      case "endif":
        guard let last = open else { continue }
        branches[last].end = number
        open = branches[last].parent
      default: continue
      }
    }
  }

  private static func symbols(in text: Substring) -> [String] {
    var symbols: [String] = []
    for word in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" })
    where word.hasPrefix("CONFIG_") && symbols.count < symbolLimit
      && !symbols.contains(String(word))
    {
      symbols.append(String(word))
    }
    return symbols
  }

  /// The symbols of the innermost branch around a line that names some and of which nothing
  /// is compiled; empty where there is none.
  func symbols(around line: Int) -> [String] {
    guard branchOfLine.indices.contains(line) else { return [] }
    var next = branchOfLine[line]
    for _ in 0..<Self.depthLimit {
      guard let index = next else { return [] }
      let branch = branches[index]
      let end = min(branch.end, branchOfLine.count)
      let count = branch.start < end ? compiledBefore[end] - compiledBefore[branch.start] : 0
      if count == 0, !branch.symbols.isEmpty { return branch.symbols }
      next = branch.parent
    }
    return []
  }
}
