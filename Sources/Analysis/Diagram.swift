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
  ///   - classes: The classes of the last axis' values for a choice of all other
  ///     axes.
  public init(
    axes: [Axis], exists: @escaping ([Int]) -> Bool = { _ in true },
    classes: @escaping ([Int]) -> [Int32]
  ) {
    self.axes = axes
    var builder = Builder(axes: axes, exists: exists, classes: classes)
    root = builder.build(level: 0)
    widths = axes.map(\.values.count)
    children = builder.nodes.map { $0.flatMap { $0 } }
    uniform = Self.uniformClasses(builder.nodes)
  }

  /// Whether no existing point of the box has another class.
  ///
  /// The caller grows boxes from points of the class: at least one is inside.
  func isOnly(_ wanted: Int32, in box: Box) -> Bool {
    guard root != Self.absent else { return true }
    var frontier: [Int32] = [root]
    for level in axes.indices {
      let isLast = level == axes.count - 1
      var seen = isLast ? [] : [Bool](repeating: false, count: uniform[level + 1].count)
      var next: [Int32] = []
      for node in frontier where uniform[level][Int(node)] != wanted {
        let first = Int(node) * widths[level]
        for value in BitIterator(box.sets[level]) {
          let child = children[level][first + value]
          if child == Self.absent { continue }
          if isLast {
            if child != wanted { return false }
          } else if !seen[Int(child)] {
            seen[Int(child)] = true
            next.append(child)
          }
        }
      }
      frontier = next
    }
    return true
  }

  /// The values of an axis that existing points have, of whatever class, that lie in a
  /// box on all other axes.
  ///
  /// - Parameter values: The values that are tried; those of the box without.
  func occurring(_ axis: Int, in box: Box, of values: UInt64? = nil) -> UInt64 {
    BitIterator(values ?? box.sets[axis]).reduce(0) { found, value in
      var slice = box
      slice.sets[axis] = 1 << UInt64(value)
      // No point has this class, so that any point is one of another.
      return isOnly(Int32.min, in: slice) ? found : found | 1 << UInt64(value)
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

  private static func uniformClasses(_ nodes: [[[Int32]]]) -> [[Int32]] {
    var uniform: [[Int32]] = Array(repeating: [], count: nodes.count)
    for level in nodes.indices.reversed() {
      let isLast = level == nodes.count - 1
      uniform[level] = nodes[level].map { children in
        var only: Int32?
        for child in children where child != absent {
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

private struct Builder {
  let axes: [Axis]
  let exists: ([Int]) -> Bool
  let classes: ([Int]) -> [Int32]
  var nodes: [[[Int32]]]
  private var ids: [[[Int32]: Int32]]
  /// By level the node that was met last: neighbours are often the same.
  private var latest: [(children: [Int32], id: Int32)?]
  private var choice: [Int] = []

  init(
    axes: [Axis], exists: @escaping ([Int]) -> Bool, classes: @escaping ([Int]) -> [Int32]
  ) {
    self.axes = axes
    self.exists = exists
    self.classes = classes
    nodes = Array(repeating: [], count: axes.count)
    ids = Array(repeating: [:], count: axes.count)
    latest = Array(repeating: nil, count: axes.count)
  }

  mutating func build(level: Int) -> Int32 {
    guard exists(choice) else { return Diagram.absent }
    let children: [Int32]
    if level == axes.count - 1 {
      children = classes(choice)
    } else {
      var built: [Int32] = []
      built.reserveCapacity(axes[level].values.count)
      for value in axes[level].values.indices {
        choice.append(value)
        built.append(build(level: level + 1))
        choice.removeLast()
      }
      children = built
    }
    if children.allSatisfy({ $0 == Diagram.absent }) { return Diagram.absent }
    if let latest = latest[level], latest.children == children { return latest.id }
    let id: Int32
    if let known = ids[level][children] {
      id = known
    } else {
      id = Int32(nodes[level].count)
      nodes[level].append(children)
      ids[level][children] = id
    }
    latest[level] = (children, id)
    return id
  }
}
