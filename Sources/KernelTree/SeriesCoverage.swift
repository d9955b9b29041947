import Support

/// How much of a series is in the code that was asked.
public struct SeriesCoverage: Sendable, Equatable {
  /// Lines that the series adds or removes in code that is compiled.
  public var compiled = 0
  /// Of them those that ran for some question, and those with code that none reached; the
  /// others are declarations and the like. Nil where that is not known.
  public var ran: Int?
  public var notReached: Int?
  /// Lines in files whose place the harness' own code takes: it is asked in their stead.
  public var ported: Int { portedFiles.values.reduce(0, +) }
  /// The same by file.
  public var portedFiles: [String: Int] = [:]
  /// In files that are compiled, but not in what is compiled of them: another
  /// configuration, comments, functions that no request reaches.
  public var beside = 0
  /// In other files.
  public var outside = 0

  public var total: Int { compiled + beside + ported + outside }

  /// The lines that ran of a state, and those with code that can.
  public typealias Lines = (ran: [String: Set<Int>], code: [String: Set<Int>])

  /// Compares the files that a series changed.
  ///
  /// - Parameter lines: What ran before the series and after it.
  public init(
    of patched: PatchedTree, _ after: TreeEvaluation, to base: SourceTree,
    _ before: TreeEvaluation, lines: (before: Lines, after: Lines)? = nil
  ) {
    let read = before.files.union(after.files)
    for change in patched.patches.flatMap(\.changes) where !read.contains(change.file) {
      // Others may be long: what their hunks say is counted.
      for (hunk, report) in zip(change.change.hunks, change.hunks) where report.isApplied {
        add(
          hunk.lines.count { mark, _ in mark != UInt8(ascii: " ") }, outside: change.file,
          before, after)
      }
    }
    let files = patched.changedFiles.intersection(read)
    add(files, (base, before), (patched.tree, after), lines)
  }

  /// Compares two commits.
  public init(
    _ repository: GitRepository, from old: GitCommit, _ before: TreeEvaluation,
    to new: GitCommit, _ after: TreeEvaluation, lines: (before: Lines, after: Lines)? = nil
  ) throws(TreeError) {
    let read = before.files.union(after.files)
    var files: Set<String> = []
    for (file, count) in try repository.changes(from: old, to: new) {
      if read.contains(file) {
        files.insert(file)
      } else {
        add(count, outside: file, before, after)
      }
    }
    add(files, (before.tree, before), (after.tree, after), lines)
  }

  private mutating func add(
    _ count: Int, outside file: String, _ before: TreeEvaluation, _ after: TreeEvaluation
  ) {
    guard count > 0 else { return }
    if before.isPorted(file) || after.isPorted(file) {
      portedFiles[file, default: 0] += count
    } else {
      outside += count
    }
  }

  private mutating func add(
    _ files: Set<String>, _ before: (tree: SourceTree, evaluation: TreeEvaluation),
    _ after: (tree: SourceTree, evaluation: TreeEvaluation),
    _ lines: (before: Lines, after: Lines)?
  ) {
    let (old, new) = (before.evaluation.compiledLines, after.evaluation.compiledLines)
    var (ran, notReached) = (0, 0)
    for file in files.sorted() {
      let (removed, added) = Self.changes(
        from: before.tree.bytes(of: file).map { [UInt8]($0) } ?? [],
        to: after.tree.bytes(of: file).map { [UInt8]($0) } ?? [])
      for (changed, all, its) in [(removed, old, lines?.before), (added, new, lines?.after)] {
        let these = changed.filter { all[file]?.contains($0) == true }
        compiled += these.count
        beside += changed.count - these.count
        guard let its else { continue }
        let run = these.count { its.ran[file]?.contains($0) == true }
        ran += run
        notReached += these.count { its.code[file]?.contains($0) == true } - run
      }
    }
    if lines != nil { (self.ran, self.notReached) = (ran, notReached) }
  }

  /// The most lines whose shortest difference is looked for, which takes their square.
  private static let differenceLimit = 4000

  /// The lines of a text that occur more often in it than in another one, wherever.
  private static func others(
    _ lines: ArraySlice<ArraySlice<UInt8>>, than more: ArraySlice<ArraySlice<UInt8>>
  ) -> [Int] {
    var counts: [ArraySlice<UInt8>: Int] = [:]
    for line in more { counts[line, default: 0] += 1 }
    return lines.indices.filter { index in
      guard let count = counts[lines[index]], count > 0 else { return true }
      counts[lines[index]] = count - 1
      return false
    }.map { $0 + 1 }
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
    guard left.count + right.count <= differenceLimit else {
      return (others(left, than: right), others(right, than: left))
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
