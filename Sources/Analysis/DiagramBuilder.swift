/// The classes at one place of the outer axes, in each of some diagrams: for every
/// combination of the inner axes those of the last axis' values.
public struct ClassRows {
  /// Combination by combination, diagram by diagram.
  fileprivate(set) var classes: [Int32]
  /// For each combination the one whose classes it has: itself, another, or -1 where no
  /// point exists.
  fileprivate(set) var sources: [Int]
  /// How many places had classes before this one.
  fileprivate(set) var number = 0
  /// The number of an earlier place that has the same classes.
  fileprivate var known: Int?
  fileprivate let width: Int
  private let count: Int

  fileprivate init(width: Int, count: Int, combinations: Int) {
    self.width = width
    self.count = count
    classes = Array(repeating: Diagram.absent, count: combinations * count * width)
    sources = Array(repeating: -1, count: combinations)
  }

  /// Gives values of a range of the last axis a class; those that get none do not exist.
  ///
  /// - Parameter combination: The place in the inner axes, in mixed radix.
  @inline(__always)
  public mutating func set(
    _ range: Range<Int>, to number: Int32, in diagram: Int = 0, at combination: Int = 0
  ) {
    sources[combination] = combination
    let first = self.first(diagram, combination)
    for place in range { classes[first + place] = number }
  }

  /// Gives a combination the classes of one that was set before, in all diagrams.
  mutating func set(_ combination: Int, as other: Int) { sources[combination] = sources[other] }

  /// Says that all classes are those of an earlier place, by its ``number``.
  mutating func setAll(asAt number: Int) { known = number }

  fileprivate func first(_ diagram: Int, _ combination: Int) -> Int {
    (combination * count + diagram) * width
  }

  fileprivate mutating func clear() {
    known = nil
    for combination in sources.indices where sources[combination] != -1 {
      if sources[combination] == combination {
        let first = first(0, combination)
        for place in first..<first + count * width { classes[place] = Diagram.absent }
      }
      sources[combination] = -1
    }
  }
}

/// The nodes of one level of a diagram, each once.
struct NodeStore {
  /// Children of a node.
  let width: Int
  /// One node after the other, in the order in which they were first met.
  private(set) var children: [Int32] = []
  /// By hash the number of a node, or -1: open addressing, at most half full.
  private var slots = [Int32](repeating: -1, count: 64)
  private var count = 0
  /// The node that was met last: neighbours are often the same.
  private var latest: Int32 = -1

  init(width: Int) { self.width = width }

  /// The number of the node with some children, a new one where it was not met before.
  mutating func number(of row: Span<Int32>) -> Int32 {
    if latest >= 0, isNode(latest, row) { return latest }
    var place = Self.hash(row) & (slots.count - 1)
    while slots[place] >= 0 {
      if isNode(slots[place], row) {
        latest = slots[place]
        return latest
      }
      place = (place + 1) & (slots.count - 1)
    }
    latest = Int32(count)
    slots[place] = latest
    for index in row.indices { children.append(row[index]) }
    count += 1
    if 2 * count > slots.count { grow() }
    return latest
  }

  private func isNode(_ number: Int32, _ row: Span<Int32>) -> Bool {
    let first = Int(number) * width
    for offset in row.indices where children[first + offset] != row[offset] { return false }
    return true
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    for number in 0..<count {
      let first = number * width
      var place = Self.hash(children.span.extracting(first..<first + width)) & (slots.count - 1)
      while slots[place] >= 0 { place = (place + 1) & (slots.count - 1) }
      slots[place] = Int32(number)
    }
  }

  private static func hash(_ row: Span<Int32>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in row.indices {
      hash = (hash ^ UInt64(UInt32(bitPattern: row[index]))) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 32
    }
    return Int(truncatingIfNeeded: hash & 0x7fff_ffff)
  }
}

/// Builds diagrams over the same axes and points, which then exist in all of them.
///
/// The first axes are walked, those that exist; at each place the classes of all the
/// others are asked for at once.
struct DiagramBuilder {
  /// By diagram and level.
  private(set) var nodes: [[NodeStore]]
  /// By diagram.
  private(set) var roots: [Int32]
  private let count: Int
  private let widths: [Int]
  /// How many axes are walked.
  private let outer: Int
  /// By outer level the children that were built so far, diagram by diagram.
  private var rows: [[Int32]]
  private var leaves: ClassRows
  /// Place by place the nodes below it, diagram by diagram.
  private var placed: [Int32] = []
  /// The nodes of the inner axes at one place, from the last level upwards.
  private var inner: [Int32]
  private var choice: [Int] = []

  /// - Parameter inner: How many axes before the last are not walked.
  init(axes: [Axis], count: Int, inner: Int) {
    self.count = count
    widths = axes.map(\.values.count)
    outer = max(0, axes.count - 1 - inner)
    nodes = Array(repeating: widths.map(NodeStore.init), count: count)
    roots = Array(repeating: Diagram.absent, count: count)
    rows = widths.map { Array(repeating: Diagram.absent, count: $0 * count) }
    let combinations = widths.dropFirst(outer).dropLast().reduce(1, *)
    leaves = ClassRows(width: widths.last ?? 0, count: count, combinations: combinations)
    self.inner = Array(repeating: Diagram.absent, count: combinations)
  }

  /// Walks all choices that exist, in the order of the axes.
  mutating func build(
    exists: ([Int]) -> Bool, classes: ([Int], inout ClassRows) -> Void
  ) {
    build(level: 0, exists, classes)
  }

  /// Builds what is below the choice and puts it at the choice's place one level up.
  private mutating func build(
    level: Int, _ exists: ([Int]) -> Bool, _ classes: ([Int], inout ClassRows) -> Void
  ) {
    guard exists(choice) else {
      for diagram in 0..<count { put(Diagram.absent, level, diagram) }
      return
    }
    if level == outer {
      leaves.clear()
      classes(choice, &leaves)
      if leaves.known == nil {
        for diagram in 0..<count { placed.append(innerNode(diagram)) }
        leaves.number += 1
      }
      let first = (leaves.known ?? leaves.number - 1) * count
      for diagram in 0..<count { put(placed[first + diagram], level, diagram) }
      return
    }
    for value in 0..<widths[level] {
      choice.append(value)
      build(level: level + 1, exists, classes)
      choice.removeLast()
    }
    let width = widths[level]
    for diagram in 0..<count {
      put(node(level, diagram, rows[level], at: diagram * width), level, diagram)
    }
  }

  /// The node of all inner axes and the last.
  private mutating func innerNode(_ diagram: Int) -> Int32 {
    let last = widths.count - 1
    for combination in inner.indices {
      let source = leaves.sources[combination]
      if source == combination {
        inner[combination] = node(
          last, diagram, leaves.classes, at: leaves.first(diagram, combination))
      } else {
        inner[combination] = source < 0 ? Diagram.absent : inner[source]
      }
    }
    var count = inner.count
    for level in (outer..<last).reversed() {
      count /= widths[level]
      for place in 0..<count {
        // What is overwritten was read before.
        inner[place] = node(level, diagram, inner, at: place * widths[level])
      }
    }
    return inner[0]
  }

  /// The node whose children stand in a row, or none if none of them exists.
  private mutating func node(
    _ level: Int, _ diagram: Int, _ row: borrowing [Int32], at first: Int
  ) -> Int32 {
    let children = row.span.extracting(first..<first + widths[level])
    for index in children.indices where children[index] != Diagram.absent {
      return nodes[diagram][level].number(of: children)
    }
    return Diagram.absent
  }

  private mutating func put(_ node: Int32, _ level: Int, _ diagram: Int) {
    guard let value = choice.last else {
      roots[diagram] = node
      return
    }
    rows[level - 1][diagram * widths[level - 1] + value] = node
  }
}
