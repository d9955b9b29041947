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
  /// Of them those under an `#if` of which nothing is compiled, by its CONFIG symbols.
  public var unset: [String: Int] = [:]
  /// Of the compiled lines that no question reached the places, as `kernel/dma/direct.h:118`.
  public var unreached: [String] = []
  /// In other files.
  public var outside = 0
  /// Blank lines, comments and conditional directives in files that are read, which are none
  /// of the others.
  public var silent = 0

  public var total: Int { compiled + beside + ported + outside }

  /// Whether there are compiled lines that no question reached.
  public var hasUnreached: Bool { (notReached ?? 0) > 0 }

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
      let texts = [before.tree, after.tree].map { $0.bytes(of: file).map { [UInt8]($0) } ?? [] }
      let (removed, added) = Self.changes(from: texts[0], to: texts[1])
      let silent = texts.map(Self.silentLines)
      for (all, its, both) in [
        (old, lines?.before, (removed, silent[0], texts[0], " (removed)")),
        (new, lines?.after, (added, silent[1], texts[1], "")),
      ] {
        let changed = both.0.filter { !both.1.contains($0) }
        self.silent += both.0.count - changed.count
        let these = changed.filter { all[file]?.contains($0) == true }
        compiled += these.count
        beside += changed.count - these.count
        if these.count < changed.count {
          let compiled = all[file] ?? []
          let configured = ConfiguredLines(both.2, compiled: compiled)
          for line in changed where !compiled.contains(line) {
            for symbol in configured.symbols(around: line) {
              unset[symbol, default: 0] += 1
            }
          }
        }
        guard let its else { continue }
        let run = Set(these.filter { its.ran[file]?.contains($0) == true })
        ran += run.count
        let missed = these.filter { its.code[file]?.contains($0) == true && !run.contains($0) }
        notReached += missed.count
        unreached += missed.map { "\(file.printable(upTo: 200)):\($0)\(both.3)" }
      }
    }
    if lines != nil { (self.ran, self.notReached) = (ran, notReached) }
  }

  /// The lines of C, from 1, that are blank, hold nothing but comments, or are directives
  /// that only choose or include others.
  static func silentLines(of text: [UInt8]) -> Set<Int> {
    var silent: Set<Int> = []
    var isInComment = false
    for (number, line) in ByteLines(text[...]).enumerated() {
      var hasCode = false
      var rest = line
      while let byte = rest.first {
        let pair = rest.prefix(2)
        if isInComment {
          isInComment = !pair.elementsEqual("*/".utf8)
          rest = rest.dropFirst(isInComment ? 1 : 2)
        } else if pair.elementsEqual("//".utf8) {
          break
        } else if pair.elementsEqual("/*".utf8) {
          isInComment = true
          rest = rest.dropFirst(2)
        } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
          // A comment that begins in a literal is none.
          hasCode = true
          rest = rest.dropFirst()
          while let next = rest.first, next != byte {
            rest = rest.dropFirst(next == UInt8(ascii: "\\") ? 2 : 1)
          }
          rest = rest.dropFirst()
        } else {
          if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t"), byte != UInt8(ascii: "\r") {
            hasCode = true
          }
          rest = rest.dropFirst()
        }
      }
      if !hasCode || isDirective(line) { silent.insert(number + 1) }
    }
    return silent
  }

  /// `#if`, `#endif`, `#include` and the like.
  private static func isDirective(_ line: ArraySlice<UInt8>) -> Bool {
    let blanks: Set<UInt8> = [0x20, 0x09]
    let text = line.drop { blanks.contains($0) }
    guard text.first == UInt8(ascii: "#") else { return false }
    let word = text.dropFirst().drop { blanks.contains($0) }.prefix { (97...122).contains($0) }
    return ["if", "ifdef", "ifndef", "elif", "else", "endif", "include"].contains {
      word.elementsEqual($0.utf8)
    }
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
