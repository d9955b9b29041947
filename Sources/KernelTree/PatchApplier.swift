/// Applies unified diffs as patch(1) 2.7 does: a hunk goes to the nearest place that
/// fits, with up to two lines of context ignored at each end.  Bytes alone; no file is
/// opened and no program is run.
///
/// Two things are other than there.  As in `git apply`, no hunk is put anywhere by its
/// line number alone, without a line that agrees.  And where the first hunk of a file is
/// there already, patch(1) leaves the others alone; here each is tried.
struct PatchApplier {
  /// What a change makes of a file.
  enum Outcome: Equatable {
    case unchanged
    case text([UInt8])
    case removed
  }

  /// The most context that is ignored at each end, as patch(1)'s `--fuzz`.
  static let fuzzLimit = 2

  /// How many bytes and lines may still be looked at: hostile series repeat themselves.
  private(set) var work: Int

  /// - Parameter work: The bytes and lines that all changes together may look at.
  init(work: Int = 1 << 32) { self.work = work }

  /// Applies a change to a file's bytes, nil for no file: each hunk that fits, whatever
  /// becomes of the others.
  ///
  /// - Parameters:
  ///   - file: The file that the change has before.
  ///   - target: Of a rename or copy, what is there under the other name.
  /// - Returns: What becomes of the file; of a rename or copy, of the other name.
  /// - Throws: ``TreeError/patch(_:)`` when the series has used up its ``work``.
  mutating func apply(
    _ change: FileChange, to file: [UInt8]?, target: [UInt8]? = nil
  ) throws(TreeError) -> (outcome: Outcome, hunks: [HunkReport]) {
    func all(_ fate: HunkFate) -> (Outcome, [HunkReport]) {
      let lines = change.hunks.isEmpty ? [0] : change.hunks.map(\.oldStart)
      return (.unchanged, lines.map { HunkReport(line: $0, fate: fate) })
    }
    switch change.kind {
    case .file: break
    case .binary: return all(.rejected(.binary))
    case .symbolicLink: return all(.rejected(.symbolicLink))
    case .submodule: return all(.rejected(.submodule))
    }
    if let move = change.move {
      return try moved(change, move, from: file, to: target, all: all)
    }
    if let old = change.old, let new = change.new, old != new { return all(.rejected(.renames)) }
    guard file != nil || change.old == nil else {
      return all(change.new == nil ? .alreadyApplied : .rejected(.noFile))
    }
    let bytes = file ?? []
    if change.old == nil, file != nil {
      try spend(bytes.count)
      var empty = PatchApplier(work: work)
      let made = try empty.apply(change, to: nil)
      return all(made.outcome == .text(bytes) ? .alreadyApplied : .rejected(.fileExists))
    }
    let (result, reports) = try edited(bytes, by: change)
    if change.new == nil {
      guard reports.allSatisfy(\.isApplied) else { return (.unchanged, reports) }
      return result.isEmpty ? (.removed, reports) : all(.rejected(.notAllRemoved))
    }
    return (reports.contains(where: \.isApplied) ? .text(result) : .unchanged, reports)
  }

  /// A file that gets another name, or a copy that does.
  private mutating func moved(
    _ change: FileChange, _ move: FileChange.Move, from file: [UInt8]?, to target: [UInt8]?,
    all: (HunkFate) -> (Outcome, [HunkReport])
  ) throws(TreeError) -> (outcome: Outcome, hunks: [HunkReport]) {
    guard let file else {
      // It has the other name already, where no hunk wants more of it.
      guard let target, move == .rename else { return all(.rejected(.noFile)) }
      if change.hunks.isEmpty { return all(.alreadyApplied) }
      let (result, reports) = try edited(target, by: change)
      return (reports.contains(where: \.isApplied) ? .text(result) : .unchanged, reports)
    }
    let (result, reports) = try edited(file, by: change)
    if let target {
      return all(move == .copy && target == result ? .alreadyApplied : .rejected(.targetExists))
    }
    let rejected = reports.filter { $0.rejection != nil }
    // Under the new name a part of the hunks would be no file that anybody knows.
    guard rejected.isEmpty else { return (.unchanged, reports) }
    return (.text(result), reports.isEmpty ? all(.applied(offset: 0, fuzz: 0)).1 : reports)
  }

  /// A text with each hunk that fits.
  private mutating func edited(
    _ bytes: [UInt8], by change: FileChange
  ) throws(TreeError) -> (text: [UInt8], reports: [HunkReport]) {
    try spend(bytes.count)
    let lines = TextLines(bytes[...])
    var edits: [(place: Range<Int>, lines: [TextLines.Line])] = []
    var reports: [HunkReport] = []
    var (offset, frozen) = (0, 0)
    for hunk in change.hunks {
      let sides = HunkSides(hunk)
      try spend(hunk.body.count)
      let fate = try place(
        hunk, sides, in: lines, &offset, frozen: frozen, isFirst: reports.isEmpty)
      reports.append(HunkReport(line: hunk.oldStart, fate: fate.fate))
      guard let start = fate.start else { continue }
      for edit in sides.edits {
        edits.append((edit.place.lowerBound + start..<edit.place.upperBound + start, edit.lines))
        frozen = edit.place.upperBound + start
      }
    }
    return (Self.merged(lines, edits, size: bytes.count), reports)
  }

  private mutating func spend(_ amount: Int) throws(TreeError) {
    work -= amount
    guard work >= 0 else {
      throw .patch(
        "--mbox repeats lines so often that their places cannot be found; accepted: one series")
    }
  }

  private static func merged(
    _ lines: TextLines, _ edits: [(place: Range<Int>, lines: [TextLines.Line])], size: Int
  ) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(size + 256)
    var next = 0
    func copy(upTo end: Int) {
      guard next < end else { return }
      result += lines.bytes[lines.all[next].range.lowerBound..<lines.end(ofLine: end - 1)]
    }
    for edit in edits {
      copy(upTo: edit.place.lowerBound)
      for line in edit.lines {
        result += line.source[line.range]
        if line.isEnded { result.append(TextLines.newline) }
      }
      next = edit.place.upperBound
    }
    copy(upTo: lines.all.count)
    return result
  }

  /// Where a hunk goes: the index of its first old line.  The numbers are those of
  /// patch(1)'s locate_hunk(), from 1 on.
  ///
  /// - Parameter isFirst: Of its file: patch(1) looks with each fuzz whether it is there
  ///   already, before it ignores more.
  private mutating func place(
    _ hunk: Hunk, _ sides: HunkSides, in lines: TextLines, _ offset: inout Int, frozen: Int,
    isFirst: Bool
  ) throws(TreeError) -> (fate: HunkFate, start: Int?) {
    let guess = hunk.oldStart + offset
    if sides.old.isEmpty {
      guard lines.all.isEmpty else { return (.rejected(.noContext), nil) }
      return (.applied(offset: 0, fuzz: 0), 0)
    }
    for fuzz in 0...min(Self.fuzzLimit, max(sides.prefix, sides.suffix)) {
      if let found = try locate(
        sides.old, first: hunk.oldStart, guess: guess, sides, fuzz: fuzz, in: lines,
        frozen: frozen)
      {
        let end = guess + found - 1 + sides.old.count
        guard sides.new.last?.isEnded ?? true || end == lines.all.count else {
          return (.rejected(.fileContinues(line: end)), nil)
        }
        offset += found
        return (.applied(offset: offset, fuzz: fuzz), guess + found - 1)
      }
      // Its start is that of the new file then.
      let start = hunk.newStart + offset
      if isFirst, !sides.new.isEmpty,
        let found = try locate(
          sides.new, first: hunk.newStart, guess: start, sides, fuzz: fuzz, in: lines,
          frozen: frozen)
      {
        let isThere = fuzz == 0 && sides.saysThatItIsThere(in: lines)
        return (
          isThere ? .alreadyApplied : .rejected(.mayBeThere(line: start + found, fuzz: fuzz)), nil
        )
      }
    }
    return (try missing(sides, near: guess, in: lines), nil)
  }

  /// How far from where it should be a side of a hunk fits with so much fuzz, nearest
  /// first; nil where it fits nowhere.
  private mutating func locate(
    _ pattern: [TextLines.Line], first: Int, guess: Int, _ sides: HunkSides, fuzz: Int,
    in lines: TextLines, frozen: Int
  ) throws(TreeError) -> Int? {
    let context = max(sides.prefix, sides.suffix)
    let search = Search(
      first: first, guess: guess, frozen: frozen, count: lines.all.count,
      pattern: pattern.count, leading: sides.prefix, prefix: fuzz + sides.prefix - context,
      suffix: fuzz + sides.suffix - context)
    var found: Int?
    try search.forEachOffset { moved throws(TreeError) in
      let (fits, cost) = Self.fits(
        pattern, at: guess + moved - 1, in: lines, max(search.prefix, 0), max(search.suffix, 0))
      try spend(cost)
      if fits { found = moved }
      return fits
    }
    return found
  }

  /// Whether it is there already, or what is there instead.
  private mutating func missing(
    _ sides: HunkSides, near guess: Int, in lines: TextLines
  ) throws(TreeError) -> HunkFate {
    if sides.saysThatItIsThere(in: lines), sides.new.count <= lines.all.count {
      for start in 0...lines.all.count - sides.new.count {
        let (fits, cost) = Self.fits(sides.new, at: start, in: lines, 0, 0)
        try spend(cost)
        if fits { return .alreadyApplied }
      }
    }
    let start = max(guess - 1, 0)
    for (index, line) in sides.old.enumerated() {
      guard start + index < lines.all.count else {
        return .rejected(.fileEnds(line: lines.all.count))
      }
      if !line.isEqual(to: lines.all[start + index]) {
        return .rejected(.contextDiffers(line: start + index + 1))
      }
    }
    // It fits where it may not be, before an earlier hunk's end.
    return .rejected(.contextDiffers(line: start + 1))
  }

  /// Compares all but `prefix` and `suffix` lines, and says how many it looked at.
  private static func fits(
    _ pattern: [TextLines.Line], at start: Int, in lines: TextLines, _ prefix: Int, _ suffix: Int
  ) -> (fits: Bool, cost: Int) {
    // What ignores all that a hunk says fits everywhere; patch(1) takes it.
    guard prefix < pattern.count - suffix, start >= 0,
      start + pattern.count - suffix <= lines.all.count
    else { return (false, 1) }
    for index in prefix..<pattern.count - suffix
    where !pattern[index].isEqual(to: lines.all[start + index]) {
      return (false, index - prefix + 1)
    }
    return (true, pattern.count)
  }
}

/// The places that patch(1) tries for one hunk with one fuzz, as distances from where
/// it should be, nearest first.
private struct Search {
  let first: Int
  let guess: Int
  let frozen: Int
  let count: Int
  let pattern: Int
  /// The lines of context that the hunk begins with.
  let leading: Int
  /// How much of the context at each end is ignored; below zero where that end has less
  /// context than the other, and so lies at the file's own end.
  let prefix: Int
  let suffix: Int

  /// Ends where `tried` is true.
  func forEachOffset(_ tried: (Int) throws(TreeError) -> Bool) throws(TreeError) {
    let after = count - (pattern - suffix) + 1 - guess
    // No line before the first one.
    let before = min(guess - (frozen + 1), guess - 1)
    if prefix < 0, first <= 1 {
      // At the start of the file alone, and of the whole file with such an end too.
      guard suffix >= 0 || pattern == count, frozen <= leading, 1 - guess <= after else { return }
      _ = try tried(1 - guess)
      return
    }
    if suffix < 0 {
      let back = guess - (count - pattern + 1)
      if back <= before { _ = try tried(-back) }
      return
    }
    let nearest = after < 0 ? -after : before < 0 ? -before : 0
    let farthest = max(after, before)
    guard nearest <= farthest else { return }
    for distance in nearest...farthest {
      if distance <= after, try tried(distance) { return }
      if distance <= before, try tried(-distance) { return }
    }
  }
}

/// A text as lines that can be compared quickly.
struct TextLines {
  static let newline = UInt8(ascii: "\n")

  struct Line {
    let source: ArraySlice<UInt8>
    /// Without the line break.
    let range: Range<Int>
    /// The last line of a file may have no line break.
    let isEnded: Bool
    private let hash: UInt64

    init(_ source: ArraySlice<UInt8>, _ range: Range<Int>, isEnded: Bool) {
      (self.source, self.range, self.isEnded) = (source, range, isEnded)
      var hash: UInt64 = isEnded ? 0xcbf2_9ce4_8422_2325 : 0x8422_2325_cbf2_9ce4
      for byte in source[range] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      self.hash = hash
    }

    func isEqual(to other: Line) -> Bool {
      hash == other.hash && isEnded == other.isEnded && source[range] == other.source[other.range]
    }
  }

  let bytes: ArraySlice<UInt8>
  let all: [Line]

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    var lines: [Line] = []
    var position = bytes.startIndex
    while position < bytes.endIndex {
      let end = bytes[position...].firstIndex(of: Self.newline) ?? bytes.endIndex
      lines.append(Line(bytes, position..<end, isEnded: end < bytes.endIndex))
      position = end + 1
    }
    all = lines
  }

  /// Where a line ends, with its line break.
  func end(ofLine index: Int) -> Int {
    all[index].range.upperBound + (all[index].isEnded ? 1 : 0)
  }
}

/// A hunk as the lines before and after.
private struct HunkSides {
  private(set) var old: [TextLines.Line] = []
  private(set) var new: [TextLines.Line] = []
  /// How many lines of context it begins and ends with.
  private(set) var prefix = 0
  private(set) var suffix = 0
  /// Whether the lines after it, found anywhere, say that it is there: three have a letter
  /// or more, and some were there before; or they are the whole file.
  func saysThatItIsThere(in lines: TextLines) -> Bool {
    if new.count == lines.all.count { return !new.isEmpty }
    let words = new.lazy.filter { line in
      line.source[line.range].contains { (65...90).contains($0 & 0xdf) }
    }
    return prefix + suffix > 0 && words.prefix(3).count == 3
  }

  /// Which of the old lines are replaced by which new ones.
  private(set) var edits: [(place: Range<Int>, lines: [TextLines.Line])] = []

  init(_ hunk: Hunk) {
    var isFirst = true
    var isOpen = false
    for (mark, line) in hunk.lines {
      if mark == UInt8(ascii: " ") {
        old.append(line)
        new.append(line)
        suffix += 1
        if isFirst { prefix += 1 }
        isOpen = false
        continue
      }
      (isFirst, suffix) = (false, 0)
      if !isOpen { edits.append((old.count..<old.count, [])) }
      isOpen = true
      let last = edits.count - 1
      if mark == UInt8(ascii: "-") {
        edits[last].place = edits[last].place.lowerBound..<old.count + 1
        old.append(line)
      } else {
        edits[last].lines.append(line)
        new.append(line)
      }
    }
  }
}
