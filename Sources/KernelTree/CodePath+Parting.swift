import DMAModel

/// Where the ways of one request through two states of a tree part.
extension CodePath {
  /// A part of what is answered, with a way of its own.
  public enum Aspect: CaseIterable, Sendable {
    /// The mapping or allocation.
    case answer
    /// dma_max_mapping_size().
    case size
    /// The unmap or free.
    case end

    /// The first part in which two answers of one request differ.
    public init(from old: LifeCycle, to new: LifeCycle) {
      var (one, two) = (old.answer, new.answer)
      one.maxMapping = two.maxMapping
      self =
        one != two ? .answer : old.answer.maxMapping != new.answer.maxMapping ? .size : .end
    }
  }

  /// The way to a part of what is answered.
  public subscript(aspect: Aspect) -> [Step] {
    switch aspect {
    case .answer: steps
    case .size: sizing
    case .end: undoing
    }
  }

  /// Where two ways part.
  public struct Parting: Sendable {
    /// The last step that both have.
    public let common: Step?
    /// Of each the first that is another: the first whose line the other state has not, where
    /// there is one.
    public let ours: Step?
    public let theirs: Step?
    /// What decides on each side; see ``CodePath/parting(from:on:)``.
    public let decides: (ours: Step?, theirs: Step?)
  }

  /// Where two ways part; nil where they are the same.
  ///
  /// Steps are the same where their texts and functions are.  A part in which they differ,
  /// and behind which the same function goes on as before, is code that was written anew
  /// with the same outcome: it counts only where no other part differs.  Of others the first
  /// counts that has a line which the other state has not, else the first.
  ///
  /// On each side decides, in that part: the first line that the other state has not, and
  /// of those the first condition that holds and leaves its function, where there is one; a
  /// condition that is passed decides nothing.  On a side whose lines are all in the other
  /// state too it is the first condition that leaves, or the function's last line.  Where
  /// no line of the part is another, what was written anew before it decides.
  ///
  /// - Parameter aspect: What is looked at first; the others follow.
  public func parting(from other: CodePath, on aspect: Aspect = .answer) -> Parting? {
    var changes = StateChanges(self, other)
    for aspect in [aspect] + Aspect.allCases.filter({ $0 != aspect }) {
      // A closing brace says nothing of what goes on behind it.
      let one = Side(self[aspect].filter { $0.text != "}" }, of: self) { changes.isOurs($0) }
      let two = Side(other[aspect].filter { $0.text != "}" }, of: other) { changes.isTheirs($0) }
      let parts = Self.parts(one.steps, two.steps)
      let open = parts.filter { !Self.isRejoined($0, one.steps, two.steps) }
      func isChanged(_ part: Part) -> Bool {
        one.changed(in: part.ours) != nil || two.changed(in: part.theirs) != nil
      }
      guard let part = open.first(where: isChanged) ?? open.first ?? parts.last else { continue }
      // What was written anew with the same way may have made another value.
      let made =
        isChanged(part)
        ? nil : parts.last { isChanged($0) && $0.ours.lowerBound < part.ours.lowerBound }
      return Parting(
        common: part.ours.lowerBound > 0 ? one.steps[part.ours.lowerBound - 1] : nil,
        ours: one.changed(in: part.ours) ?? one.steps[part.ours].first,
        theirs: two.changed(in: part.theirs) ?? two.steps[part.theirs].first,
        decides: (
          made.flatMap { one.changed(in: $0.ours) } ?? one.deciding(in: part.ours),
          made.flatMap { two.changed(in: $0.theirs) } ?? two.deciding(in: part.theirs)
        ))
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
    let entered = entered(one[..<part.ours.lowerBound])
    let first = part.ours.isEmpty ? two[part.theirs.lowerBound] : one[part.ours.lowerBound]
    let depth = entered.firstIndex(of: first.function) ?? max(0, entered.count - 1)
    let callers = Set(entered[..<depth])
    return
      !(one[part.ours].map(\.function) + two[part.theirs].map(\.function)
      + [one[part.ours.upperBound].function]).contains(where: callers.contains)
  }

  /// The functions that are entered behind some steps, the outermost first.
  static func entered(_ steps: ArraySlice<Step>) -> [String] {
    var entered: [String] = []
    for step in steps {
      if let at = entered.firstIndex(of: step.function) {
        entered.removeSubrange((at + 1)...)
      } else {
        entered.append(step.function)
      }
    }
    return entered
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

/// The lines that one of two states has and the other has not.
private struct StateChanges {
  private let paths: (CodePath, CodePath)
  private var known: [String: (removed: Set<Int>, added: Set<Int>)] = [:]

  init(_ one: CodePath, _ other: CodePath) { paths = (one, other) }

  private mutating func lines(of file: String) -> (removed: Set<Int>, added: Set<Int>) {
    if let lines = known[file] { return lines }
    let (removed, added) = SeriesCoverage.changes(
      from: paths.0.bytes(of: file) ?? [], to: paths.1.bytes(of: file) ?? [])
    known[file] = (Set(removed), Set(added))
    return (Set(removed), Set(added))
  }

  mutating func isOurs(_ step: CodePath.Step) -> Bool {
    lines(of: step.file).removed.contains(step.line)
  }
  mutating func isTheirs(_ step: CodePath.Step) -> Bool {
    lines(of: step.file).added.contains(step.line)
  }
}
