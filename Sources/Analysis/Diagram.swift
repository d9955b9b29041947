/// A classification of every point of a product of axes, with equal parts shared.
///
/// A decision diagram: level by level one axis, each node an array of children,
/// equal nodes stored once.  The leaves are classes; points that do not exist
/// have none and are nobody's concern.
public struct Diagram: Sendable {
  /// The class of points that do not exist.
  public static let absent: Int32 = -1

  public let axes: [Axis]
  /// Children by level, one node after the other; on the last level classes.
  private let children: [[Int32]]
  /// The number of values by level.
  private let widths: [Int]
  private let root: Int32
  /// By level and node: the only class below it, or ``mixed``.
  private let uniform: [[Int32]]

  private static let mixed: Int32 = -2

  /// Builds a diagram.
  ///
  /// - Parameters:
  ///   - exists: Whether any point exists for a choice of the first axes.
  ///   - classes: Sets the classes of the last axis' values for a choice of all other
  ///     axes; values that it leaves alone do not exist.
  public init(
    axes: [Axis], exists: ([Int]) -> Bool = { _ in true },
    classes: ([Int], inout ClassRows) -> Void
  ) {
    var builder = DiagramBuilder(axes: axes, count: 1, inner: 0)
    builder.build(exists: exists, classes: classes)
    self.init(axes: axes, root: builder.roots[0], nodes: builder.nodes[0])
  }

  /// Builds several diagrams of the same points at once.
  ///
  /// - Parameter inner: How many axes before the last are not walked: `classes` sets
  ///   those of all their combinations.
  static func several(
    _ count: Int, axes: [Axis], inner: Int = 0, exists: ([Int]) -> Bool,
    classes: ([Int], inout ClassRows) -> Void
  ) -> [Diagram] {
    var builder = DiagramBuilder(axes: axes, count: count, inner: inner)
    builder.build(exists: exists, classes: classes)
    return (0..<count).map { number in
      Diagram(axes: axes, root: builder.roots[number], nodes: builder.nodes[number])
    }
  }

  private init(axes: [Axis], root: Int32, nodes: [NodeStore]) {
    self.axes = axes
    self.root = root
    widths = nodes.map(\.width)
    children = nodes.map(\.children)
    uniform = Self.uniformClasses(nodes)
  }

  /// Whether no existing point of the box has another class.
  ///
  /// The caller grows boxes from points of the class: at least one is inside.
  func isOnly(_ wanted: Int32, in box: Box, _ visits: Visits) -> Bool {
    guard root != Self.absent else { return true }
    visits.begin()
    return isOnly(wanted, in: box, 0, root, visits)
  }

  private func isOnly(
    _ wanted: Int32, in box: Box, _ level: Int, _ node: Int32, _ visits: Visits
  ) -> Bool {
    // What was visited has no other class, or the search would have ended there.
    if uniform[level][Int(node)] == wanted || visits.contains(level, node) { return true }
    let first = Int(node) * widths[level]
    let isLast = level == axes.count - 1
    for value in BitIterator(box.sets[level]) {
      let child = children[level][first + value]
      if child == Self.absent { continue }
      if isLast ? child != wanted : !isOnly(wanted, in: box, level + 1, child, visits) {
        return false
      }
    }
    return true
  }

  /// The nodes that a search has visited; for one search at a time.
  final class Visits {
    private var seen: [[UInt32]]
    private var search: UInt32 = 0

    init(of diagram: Diagram) {
      seen = diagram.uniform.map { Array(repeating: 0, count: $0.count) }
    }

    fileprivate func begin() { search += 1 }

    /// Whether a node was visited before; it then is.
    fileprivate func contains(_ level: Int, _ node: Int32) -> Bool {
      if seen[level][Int(node)] == search { return true }
      seen[level][Int(node)] = search
      return false
    }
  }

  /// The values of an axis that existing points have, of whatever class, that lie in a
  /// box on all other axes.
  ///
  /// - Parameter values: The values that are tried; those of the box without.
  func occurring(
    _ axis: Int, in box: Box, of values: UInt64? = nil, _ visits: Visits
  ) -> UInt64 {
    BitIterator(values ?? box.sets[axis]).reduce(0) { found, value in
      var slice = box
      slice.sets[axis] = 1 << UInt64(value)
      // No point has this class, so that any point is one of another.
      return isOnly(Int32.min, in: slice, visits) ? found : found | 1 << UInt64(value)
    }
  }

  /// How many points of a class lie in a box.
  func count(of wanted: Int32, in box: Box) -> Int {
    guard root != Self.absent else { return 0 }
    var frontier: [(node: Int32, ways: Int)] = [(root, 1)]
    for level in axes.indices {
      let isLast = level == axes.count - 1
      var place = isLast ? [] : [Int32](repeating: -1, count: uniform[level + 1].count)
      var next: [(node: Int32, ways: Int)] = []
      var found = 0
      for (node, ways) in frontier {
        let first = Int(node) * widths[level]
        for value in BitIterator(box.sets[level]) {
          let child = children[level][first + value]
          if child == Self.absent { continue }
          if isLast {
            if child == wanted { found += ways }
          } else if place[Int(child)] >= 0 {
            next[Int(place[Int(child)])].ways += ways
          } else if mayHold(wanted, level + 1, child) {
            place[Int(child)] = Int32(next.count)
            next.append((child, ways))
          }
        }
      }
      if isLast { return found }
      frontier = next
    }
    return 0
  }

  /// How many points of each class there are.
  public func counts() -> [Int32: Int] {
    guard root != Self.absent else { return [:] }
    var counts: [Int32: Int] = [root: 1]
    for level in axes.indices {
      var next: [Int32: Int] = [:]
      for (node, ways) in counts {
        for child in below(level, node) where child != Self.absent {
          next[child, default: 0] += ways
        }
      }
      counts = next
    }
    return counts
  }

  private func below(_ level: Int, _ node: Int32) -> ArraySlice<Int32> {
    let first = Int(node) * widths[level]
    return children[level][first..<first + widths[level]]
  }

  /// Whether a node may have points of a class below it.
  private func mayHold(_ wanted: Int32, _ level: Int, _ node: Int32) -> Bool {
    uniform[level][Int(node)] == Self.mixed || uniform[level][Int(node)] == wanted
  }

  /// The values of the first point of a class in a box, or nil.
  func firstPoint(of wanted: Int32, in box: Box) -> [Int]? {
    func search(_ level: Int, _ node: Int32) -> [Int]? {
      for value in BitIterator(box.sets[level]) {
        let child = children[level][Int(node) * widths[level] + value]
        if child == Self.absent { continue }
        if level == axes.count - 1 {
          if child == wanted { return [value] }
        } else if mayHold(wanted, level + 1, child), let rest = search(level + 1, child) {
          return [value] + rest
        }
      }
      return nil
    }
    return root == Self.absent ? nil : search(0, root)
  }

  /// Disjoint boxes that hold exactly the points of a class.
  func boxes(of wanted: Int32) -> [Box] {
    var result: [Box] = []
    func walk(_ level: Int, _ node: Int32, _ prefix: [UInt64]) {
      var groups: [(child: Int32, set: UInt64)] = []
      for (value, child) in below(level, node).enumerated() where child != Self.absent {
        if let index = groups.firstIndex(where: { $0.child == child }) {
          groups[index].set |= 1 << UInt64(value)
        } else {
          groups.append((child, 1 << UInt64(value)))
        }
      }
      for (child, set) in groups {
        if level == axes.count - 1 {
          guard child == wanted else { continue }
          // Conditions on an ordered axis are ranges.
          for range in axes[level].isOrdered ? ranges(of: set) : [set] {
            result.append(Box(prefix + [range]))
          }
        } else if mayHold(wanted, level + 1, child) {
          walk(level + 1, child, prefix + [set])
        }
      }
    }
    if root != Self.absent { walk(0, root, []) }
    return result
  }

  private static func uniformClasses(_ nodes: [NodeStore]) -> [[Int32]] {
    var uniform: [[Int32]] = Array(repeating: [], count: nodes.count)
    for level in nodes.indices.reversed() {
      let isLast = level == nodes.count - 1
      let (children, width) = (nodes[level].children, nodes[level].width)
      // An axis without values: no point exists.
      if width == 0 { continue }
      uniform[level] = stride(from: 0, to: children.count, by: width).map { first in
        var only: Int32?
        for child in children[first..<first + width] where child != absent {
          let below = isLast ? child : uniform[level + 1][Int(child)]
          guard below != mixed, only == nil || only == below else { return mixed }
          only = below
        }
        return only ?? mixed
      }
    }
    return uniform
  }
}

/// The maximal ranges of consecutive values in a set.
func ranges(of set: UInt64) -> [UInt64] {
  var result: [UInt64] = []
  var rest = set
  while rest != 0 {
    let low = rest & ~(rest &- 1)
    // Adding the lowest bit carries through the lowest run of ones.
    let run = rest & ~(rest &+ low)
    result.append(run)
    rest &= ~run
  }
  return result
}

/// The smallest range that holds a set; nothing of nothing.
func span(of set: UInt64) -> UInt64 {
  guard set != 0 else { return 0 }
  return (UInt64.max >> UInt64(set.leadingZeroBitCount))
    & (UInt64.max << UInt64(set.trailingZeroBitCount))
}
