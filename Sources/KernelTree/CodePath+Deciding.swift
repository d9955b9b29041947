import Support

extension CodePath {
  /// One of two ways that part, with what its state alone has.
  struct Side {
    let steps: [Step]
    private let isChanged: [Bool]
    private let path: CodePath

    init(_ steps: [Step], of path: CodePath, isChanged: (Step) -> Bool) {
      (self.steps, self.path) = (steps, path)
      self.isChanged = steps.map(isChanged)
    }

    /// The first step of a part whose line the other state has not.
    func changed(in part: Range<Int>) -> Step? {
      part.first { isChanged[$0] }.map { steps[$0] }
    }

    /// The step of a part that decides.
    func deciding(in part: Range<Int>) -> Step? {
      guard let start = part.first else {
        return part.lowerBound > 0 ? steps[part.lowerBound - 1] : steps.last
      }
      if let first = part.first(where: { isChanged[$0] }) {
        let function = steps[first].function
        let leaving = part.first {
          isChanged[$0] && steps[$0].function == function && leaves($0)
        }
        return steps[leaving ?? first]
      }
      let function = steps[start].function
      let own = part.filter { steps[$0].function == function }
      return (own.first(where: leaves) ?? own.last).map { steps[$0] }
    }

    /// Whether a step is a condition that holds, and behind whose body its function does not
    /// go on.
    private func leaves(_ index: Int) -> Bool {
      let step = steps[index]
      guard let condition = SourceCondition(at: step.line, in: path.bytes(of: step.file) ?? [])
      else { return false }
      // As long as none of its callers goes on.
      let callers = Set(CodePath.entered(steps[...index]).dropLast())
      let later = steps[(index + 1)...].prefix { !callers.contains($0.function) }
        .filter { $0.function == step.function && !condition.lines.contains($0.line) }
      let body = later.prefix { condition.body.contains($0.line) }
      guard let last = body.last else { return false }
      return body.count == later.count
        || ["return", "goto"].contains { last.text.hasPrefix($0) }
    }
  }
}

/// An if, while, for or switch of C that begins in a line, as the kernel's coding style
/// indents it.
struct SourceCondition: Equatable {
  /// From the keyword to the closing parenthesis.
  let lines: ClosedRange<Int>
  /// What is indented below it; empty where nothing is.
  let body: Range<Int>

  /// - Parameters:
  ///   - line: From 1.
  ///   - text: The file.
  init?(at line: Int, in text: [UInt8]) {
    let lines = Array(ByteLines(text[...]))
    guard lines.indices.contains(line - 1) else { return nil }
    func words(_ number: Int) -> Substring {
      String(decoding: lines[number], as: UTF8.self).drop { $0 == "\t" || $0 == " " }
    }
    var head = words(line - 1)
    for prefix in ["}", "else"] where head.hasPrefix(prefix) {
      head = head.dropFirst(prefix.count).drop { $0 == " " }
    }
    guard
      ["if", "while", "for", "switch"].contains(where: {
        head.hasPrefix($0 + " (") || head.hasPrefix($0 + "(")
      })
    else { return nil }
    var depth = 0
    var end: Int?
    search: for number in (line - 1)..<min(lines.count, line + 40) {
      for byte in number == line - 1 ? Array(head.utf8)[...] : lines[number] {
        if byte == UInt8(ascii: "(") { depth += 1 }
        guard byte == UInt8(ascii: ")") else { continue }
        depth -= 1
        if depth == 0 {
          end = number
          break search
        }
      }
    }
    guard let end else { return nil }
    self.lines = line...(end + 1)
    let indent = Self.indent(lines[line - 1])
    let behind = lines[(end + 1)...].firstIndex { text in
      guard let its = Self.indent(text) else { return false }
      return its <= indent ?? 0
    }
    body = (end + 2)..<((behind ?? lines.count) + 1)
  }

  /// The column in which a line begins; nil for a blank one.
  private static func indent(_ line: ArraySlice<UInt8>) -> Int? {
    var column = 0
    for byte in line {
      switch byte {
      case UInt8(ascii: "\t"): column = (column / 8 + 1) * 8
      case UInt8(ascii: " "): column += 1
      case UInt8(ascii: "\r"): return nil
      default: return column
      }
    }
    return nil
  }
}
