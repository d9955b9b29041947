import Support
import TestSupport
import Testing

@testable import Analysis

/// A small space with a classification drawn by a generator with a known seed.
struct SmallSpace {
  let axes: [Axis]
  var classes: [Int32]

  init(seed: UInt64, sizes: [Int]) {
    axes = sizes.enumerated().map { index, size in
      Axis("a\(index)", (0..<size).map(String.init), isOrdered: index == sizes.count - 1)
    }
    var random = Linear(state: seed)
    let count = sizes.reduce(1, *)
    // Blocks of equal class, as kernels have them, with some noise and gaps.
    classes = (0..<count).map { _ in 0 }
    for _ in 0..<3 {
      let box = sizes.map { random.next() % (UInt64(1) << UInt64($0)) }
      for point in 0..<count
      where zip(Self.digits(point, sizes), box).allSatisfy({ $1 >> UInt64($0) & 1 == 1 }) {
        classes[point] = 1
      }
    }
    for point in classes.indices {
      if random.next() % 17 == 0 { classes[point] ^= 1 }
      if random.next() % 6 == 0 { classes[point] = Diagram.absent }
    }
  }

  static func digits(_ point: Int, _ sizes: [Int]) -> [Int] {
    var rest = point
    return sizes.reversed().map { size in
      defer { rest /= size }
      return rest % size
    }.reversed()
  }

  var sizes: [Int] { axes.map(\.values.count) }

  var diagram: Diagram {
    Diagram(axes: axes) { choice, row in
      let first = zip(choice, sizes).reduce(0) { $0 * $1.1 + $1.0 } * (sizes.last ?? 1)
      for value in 0..<(sizes.last ?? 1) { row.set(value..<value + 1, to: classes[first + value]) }
    }
  }

  func points(in box: Box) -> [Int] {
    classes.indices.filter { point in
      zip(Self.digits(point, sizes), box.sets).allSatisfy { $1 >> UInt64($0) & 1 == 1 }
    }
  }

  /// Every box: any set of values on an axis, a range on the ordered one.
  var allBoxes: [Box] {
    var boxes: [[UInt64]] = [[]]
    for axis in axes {
      let sets = (1...axis.all).filter { !axis.isOrdered || ranges(of: $0).count == 1 }
      boxes = boxes.flatMap { prefix in sets.map { prefix + [$0] } }
    }
    return boxes.map(Box.init)
  }
}

@Suite struct CoverTests {
  /// Exact and disjoint against a naive enumeration: every point of the class in one
  /// box, no point of another class in any, the counts add up.
  /// A check of maps alone asks nothing of the lints about allocations.
  @Test func anAxisWithoutValuesHasNoPoints() {
    let axes = [Axis("a", ["0", "1"]), Axis("b", []), Axis("c", ["0", "1"], isOrdered: true)]
    let diagram = Diagram(axes: axes) { _, row in row.set(0..<2, to: 1) }
    #expect(diagram.counts().isEmpty)
    #expect(diagram.firstPoint(of: 1, in: Box(axes.map(\.all))) == nil)
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func coversAreExactAndDisjoint(seed: UInt64) {
    let space = SmallSpace(seed: seed, sizes: [3, 2, 4, 5])
    let diagram = space.diagram
    for wanted in [Int32(0), 1] where space.classes.contains(wanted) {
      let boxes = Cover(diagram: diagram, wanted: wanted).conditions()
      var times: [Int: Int] = [:]
      for box in boxes {
        let points = space.points(in: box).filter { space.classes[$0] != Diagram.absent }
        #expect(points.allSatisfy { space.classes[$0] == wanted }, "seed \(seed)")
        #expect(diagram.count(of: wanted, in: box) == points.count)
        for point in points { times[point, default: 0] += 1 }
      }
      let all = space.classes.indices.filter { space.classes[$0] == wanted }
      #expect(Set(times.keys) == Set(all), "seed \(seed)")
      #expect(times.values.allSatisfy { $0 == 1 }, "seed \(seed): boxes overlap")
    }
  }

  /// What a reader makes of a condition's text is what it was made of: every value that
  /// is listed, every value but those behind `!=`, every mask of a range.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func textsAreExact(seed: UInt64) throws {
    let space = SmallSpace(seed: seed, sizes: [4, 3, 4, 5])
    let points = space.classes.indices.filter { space.classes[$0] != Diagram.absent }
    func values(_ point: Int) -> [Int] { SmallSpace.digits(point, space.sizes) }
    for wanted in [Int32(0), 1] where space.classes.contains(wanted) {
      let conditions = space.diagram.conditions(
        for: [wanted], order: space.axes.map(\.name)
      ) { _ in "" }[0]
      var read: [Int] = []
      for condition in conditions {
        let holding = try points.filter { point in
          try condition.terms.allSatisfy { try Self.holds($0.text, values(point)) }
        }
        #expect(holding.count == condition.scenarios, "seed \(seed): \(condition.text)")
        read += holding
        for term in condition.terms where !term.axis.hasSuffix("3") {
          // The others that occur where all other terms hold.
          let place = try #require(Int(term.axis.dropFirst()))
          let rest = condition.terms.filter { $0.axis != term.axis }
          let occurring = Set(
            try points.filter { point in
              try rest.allSatisfy { try Self.holds($0.text, values(point)) }
            }.map { String(values($0)[place]) })
          let listed = Set(term.values)
          #expect(listed.isSubset(of: occurring))
          let isList = !term.text.contains("!=")
          #expect(isList == (listed.count <= occurring.subtracting(listed).count), "\(term.text)")
        }
      }
      #expect(read.sorted() == space.classes.indices.filter { space.classes[$0] == wanted })
    }
  }

  private static func holds(_ term: String, _ values: [Int]) throws -> Bool {
    let isComplement = term.contains("!=")
    let parts = term.split(separator: isComplement ? "!=" : "=")
    let place = try #require(Int(parts[0].dropFirst()))
    let named = try parts[1].split(separator: "|").flatMap { text -> [Int] in
      let ends = try text.split(separator: "-").map { try #require(Int($0)) }
      return Array(ends[0]...ends[ends.count - 1])
    }
    return named.contains(values[place]) != isComplement
  }

  /// Few: against the least number of disjoint boxes by brute force over all boxes, at
  /// most a fifth more over the whole sample.
  @Test func coversAreNearlyOptimal() {
    var found = 0
    var optimal = 0
    for seed in 1...40 as ClosedRange<UInt64> {
      let space = SmallSpace(seed: seed, sizes: [2, 3, 3])
      guard space.classes.contains(1) else { continue }
      let boxes = Cover(diagram: space.diagram, wanted: 1).conditions()
      let best = optimum(space)
      #expect(boxes.count >= best, "seed \(seed): fewer than the optimum cannot be exact")
      #expect(Double(boxes.count) <= (Double(best) * 1.2).rounded(.up), "seed \(seed)")
      found += boxes.count
      optimal += best
    }
    #expect(Double(found) <= Double(optimal) * 1.2, "\(found) against \(optimal)")
  }

  /// The least number of exact boxes that hold each point of class 1 once, by iterated
  /// deepening.
  private func optimum(_ space: SmallSpace) -> Int {
    let targets = space.classes.indices.filter { space.classes[$0] == 1 }
    var masks: Set<UInt64> = []
    for box in space.allBoxes {
      let points = space.points(in: box)
      guard points.allSatisfy({ space.classes[$0] != 0 }) else { continue }
      let mask = points.reduce(UInt64(0)) { mask, point in
        targets.firstIndex(of: point).map { mask | 1 << UInt64($0) } ?? mask
      }
      if mask != 0 { masks.insert(mask) }
    }
    let all = targets.count == 64 ? UInt64.max : (1 << UInt64(targets.count)) - 1
    func covers(_ missing: UInt64, _ depth: Int) -> Bool {
      if missing == 0 { return true }
      guard depth > 0 else { return false }
      let lowest = missing & ~(missing &- 1)
      return masks.contains {
        $0 & lowest != 0 && $0 & ~missing == 0 && covers(missing & ~$0, depth - 1)
      }
    }
    var depth = 1
    while !covers(all, depth) { depth += 1 }
    return depth
  }

  @Test func rangesAreMaximalRuns() {
    #expect(ranges(of: 0b1011_0111) == [0b111, 0b11_0000, 0b1000_0000])
    #expect(ranges(of: 0) == [])
    #expect(ranges(of: .max) == [.max])
    #expect(ranges(of: 1 << 63 | 1 << 62) == [1 << 63 | 1 << 62])
  }
}
