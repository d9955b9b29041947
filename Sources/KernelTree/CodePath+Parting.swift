/// Where the ways of one request through two states of a tree part.
extension CodePath {
  /// The last step that two ways have in common, and of each the first that is another: the
  /// first whose line the other state has not, where there is one.
  public typealias Parting = (common: Step?, ours: Step?, theirs: Step?)

  /// Where two ways part; nil where they are the same.
  ///
  /// Lines are the same where their texts and functions are.  A part in which they differ,
  /// and behind which the same function goes on as before, is code that was written anew
  /// with the same outcome: it counts only where no other part differs.  Of others the first
  /// counts that has a line which the other state has not, else the first.
  public func parting(from other: CodePath) -> Parting? {
    for (ours, theirs) in [(steps, other.steps), (undoing, other.undoing)] {
      // A closing brace says nothing of what goes on behind it.
      let (one, two) = (ours.filter { $0.text != "}" }, theirs.filter { $0.text != "}" })
      let parts = Self.parts(one, two)
      let open = parts.filter { !Self.isRejoined($0, one, two) }
      func isChanged(_ part: Part) -> Bool {
        Self.changed(one, part.ours, from: other.texts) != nil
          || Self.changed(two, part.theirs, from: texts) != nil
      }
      guard let part = open.first(where: isChanged) ?? open.first ?? parts.last else { continue }
      return (
        part.ours.lowerBound > 0 ? one[part.ours.lowerBound - 1] : nil,
        Self.changed(one, part.ours, from: other.texts) ?? one[part.ours].first,
        Self.changed(two, part.theirs, from: texts) ?? two[part.theirs].first
      )
    }
    return nil
  }

  /// A part in which two ways differ.
  private typealias Part = (ours: Range<Int>, theirs: Range<Int>)

  /// A line that is looked for in another way.
  private struct Key: Equatable {
    let function: String
    let text: String

    init(_ step: Step) { (function, text) = (step.function, step.text) }
  }

  /// The longest rest of a way that is compared line by line, which takes its square.
  private static let lengthLimit = 1024

  /// The parts in which two ways differ, in their order.
  private static func parts(_ one: [Step], _ two: [Step]) -> [Part] {
    let (ours, theirs) = (one.map(Key.init), two.map(Key.init))
    var start = 0
    while start < min(ours.count, theirs.count), ours[start] == theirs[start] { start += 1 }
    guard start < ours.count || start < theirs.count else { return [] }
    guard max(ours.count, theirs.count) - start <= lengthLimit else {
      return [(start..<ours.count, start..<theirs.count)]
    }
    let changes = Array(theirs[start...]).difference(from: Array(ours[start...]))
    let removed = Set(changes.removals.map { start + $0.offset })
    let inserted = Set(changes.insertions.map { start + $0.offset })
    var parts: [Part] = []
    var (left, right) = (start, start)
    while left < ours.count || right < theirs.count {
      let (from, to) = (left, right)
      while left < ours.count, removed.contains(left) { left += 1 }
      while right < theirs.count, inserted.contains(right) { right += 1 }
      if left > from || right > to { parts.append((from..<left, to..<right)) }
      (left, right) = (left + 1, right + 1)
    }
    return parts
  }

  /// Whether the function in which two ways differ goes on as before, without having
  /// returned in between.
  private static func isRejoined(_ part: Part, _ one: [Step], _ two: [Step]) -> Bool {
    guard one.indices.contains(part.ours.upperBound), two.indices.contains(part.theirs.upperBound)
    else { return false }
    // The functions that are entered, the outermost first.
    var entered: [String] = []
    for step in one[..<part.ours.lowerBound] {
      if let at = entered.firstIndex(of: step.function) {
        entered.removeSubrange((at + 1)...)
      } else {
        entered.append(step.function)
      }
    }
    let first = part.ours.isEmpty ? two[part.theirs.lowerBound] : one[part.ours.lowerBound]
    let depth = entered.firstIndex(of: first.function) ?? max(0, entered.count - 1)
    let callers = Set(entered[..<depth])
    return
      !(one[part.ours].map(\.function) + two[part.theirs].map(\.function)
      + [one[part.ours.upperBound].function]).contains(where: callers.contains)
  }

  /// The first line of a part that is in no file which another state went through.
  private static func changed(
    _ steps: [Step], _ range: Range<Int>, from texts: [String: Set<String>]
  ) -> Step? {
    steps[range].first { step in texts[step.file].map { !$0.contains(step.text) } ?? false }
  }
}

extension CollectionDifference.Change {
  /// Where the change is, in the collection that it is of.
  fileprivate var offset: Int {
    switch self {
    case .insert(let offset, _, _), .remove(let offset, _, _): offset
    }
  }
}
