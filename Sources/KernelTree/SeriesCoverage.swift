import Support

/// How much of a series is in the code that was asked.
public struct SeriesCoverage: Sendable, Equatable {
  /// Lines that the series adds or removes in code that is compiled.
  public var compiled = 0
  /// In files that are compiled, but not in what is compiled of them: another
  /// configuration, comments, functions that no request reaches.
  public var beside = 0
  /// In other files.
  public var outside = 0

  public var total: Int { compiled + beside + outside }

  /// Compares the files that a series changed.
  public init(
    of patched: PatchedTree, _ after: TreeEvaluation, to base: SourceTree, _ before: TreeEvaluation
  ) {
    let (old, new) = (before.compiledLines, after.compiledLines)
    let read = before.files.union(after.files)
    for change in patched.patches.flatMap(\.changes) where !read.contains(change.file) {
      // Others may be long: what their hunks say is counted.
      for (hunk, report) in zip(change.change.hunks, change.hunks) where report.isApplied {
        outside += hunk.lines.count { mark, _ in mark != UInt8(ascii: " ") }
      }
    }
    for file in patched.changedFiles.intersection(read).sorted() {
      let removed: [Int]
      let added: [Int]
      (removed, added) = Self.changes(
        from: base.bytes(of: file).map { [UInt8]($0) } ?? [],
        to: patched.tree.bytes(of: file).map { [UInt8]($0) } ?? [])
      let count =
        removed.count { old[file]?.contains($0) == true }
        + added.count { new[file]?.contains($0) == true }
      compiled += count
      beside += removed.count + added.count - count
    }
  }

  /// The lines of each text that the other has not, from 1.
  static func changes(from old: [UInt8], to new: [UInt8]) -> (removed: [Int], added: [Int]) {
    func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { Array(ByteLines(bytes[...])) }
    var (removed, added): ([Int], [Int]) = ([], [])
    // Equal starts and ends first: the rest is short.
    let (one, other) = (lines(old), lines(new))
    var start = 0
    while start < min(one.count, other.count), one[start] == other[start] { start += 1 }
    var end = 0
    while end < min(one.count, other.count) - start,
      one[one.count - 1 - end] == other[other.count - 1 - end]
    {
      end += 1
    }
    let (left, right) = (one[start..<one.count - end], other[start..<other.count - end])
    guard left.count + right.count <= 20000 else {
      return (Array(left.indices.map { $0 + 1 }), Array(right.indices.map { $0 + 1 }))
    }
    for change in right.difference(from: left) {
      switch change {
      case .remove(let offset, _, _): removed.append(start + offset + 1)
      case .insert(let offset, _, _): added.append(start + offset + 1)
      }
    }
    return (removed.sorted(), added.sorted())
  }
}
