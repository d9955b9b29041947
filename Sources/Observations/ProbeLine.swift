/// One line of the probe: `dmaprobe: v1 17 mask=32 op=map_page ... #1a2b3c4d`.
struct ProbeLine {
  /// The version of lines that this reads.
  static let version = 1

  /// Where a line of a log stands.
  enum Reading {
    /// No line of the probe.
    case other
    case line(ProbeLine)
    /// A line of the probe that was cut or mixed with another.
    case damaged
    case newer(Int)
  }

  /// The line's number in its run.
  let number: Int
  /// `begin`, `end`, or empty for a request.
  let kind: String
  let fields: [String: String]

  /// Reads a line of a kernel log.
  static func read(_ text: Substring) -> Reading {
    guard let mark = text.firstRange(of: "dmaprobe: v") else { return .other }
    var rest = text[mark.upperBound...]
    while rest.last?.isWhitespace == true { rest.removeLast() }
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    // "dmaprobe: verification failed" is the kernel's.
    guard !digits.isEmpty else { return .other }
    guard let version = Int(digits) else { return .damaged }
    if version > Self.version { return .newer(version) }
    rest = rest.dropFirst(digits.count)
    guard version == Self.version, rest.first == " ", let hash = rest.lastIndex(of: "#") else {
      return .damaged
    }
    let sum = rest[rest.index(after: hash)...]
    let body = rest.dropFirst()[..<hash]
    guard body.last == " ", sum.count == 8,
      UInt32(sum, radix: 16) == checksum(body.dropLast())
    else { return .damaged }
    var words = body.split(separator: " ")
    guard let number = words.first.flatMap({ Int($0) }), (0..<1 << 30).contains(number) else {
      return .damaged
    }
    words.removeFirst()
    var kind = ""
    if let first = words.first, !first.contains("=") {
      kind = String(first)
      words.removeFirst()
    }
    var fields: [String: String] = [:]
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return .damaged }
      fields[String(parts[0])] = String(parts[1])
    }
    return .line(ProbeLine(number: number, kind: kind, fields: fields))
  }

  /// FNV-1a, 32 bits (Sources/dmaprobe/report.c).
  static func checksum(_ text: some StringProtocol) -> UInt32 {
    text.utf8.reduce(0x811c_9dc5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  }
}
