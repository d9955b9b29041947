import Support

/// Which state of a tree each line of its files came with.
public struct LineOrigins: Sendable {
  /// The states' numbers by line; 0 for what was there before the first.
  private var numbers: [String: [Int]] = [:]
  private var texts: [String: [UInt8]] = [:]
  private var labels: [String] = []

  public init() {}

  /// Adds the next state of some files.
  ///
  /// - Parameter label: What it is called, as `3/22` or a commit.
  mutating func add(_ label: String, _ files: Set<String>, of tree: SourceTree) {
    labels.append(label)
    for file in files {
      let new = tree.bytes(of: file).map { [UInt8]($0) } ?? []
      let isFirst = labels.count == 1
      guard let old = texts[file], !isFirst else {
        texts[file] = new
        // What is asked later for the first time was there before, as far as is known.
        numbers[file] = [Int](repeating: 0, count: ByteLines(new[...]).reduce(0) { n, _ in n + 1 })
        continue
      }
      guard old != new else { continue }
      let (removed, added) = SeriesCoverage.changes(from: old, to: new)
      let gone = Set(removed)
      var kept = (numbers[file] ?? []).enumerated().filter { !gone.contains($0.offset + 1) }
        .map(\.element)[...]
      let fresh = Set(added)
      let count = ByteLines(new[...]).reduce(0) { n, _ in n + 1 }
      numbers[file] = (1...max(1, count)).prefix(count).map { line in
        fresh.contains(line) ? labels.count - 1 : kept.popFirst() ?? 0
      }
      texts[file] = new
    }
  }

  /// The state that a line of the last one came with; nil for the first, or where it is
  /// not known.
  public func label(of file: String, _ line: Int) -> String? {
    guard let lines = numbers[file], lines.indices.contains(line - 1), lines[line - 1] > 0
    else { return nil }
    return labels[lines[line - 1]]
  }
}
