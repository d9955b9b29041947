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
    Diagram(axes: axes) { choice in
      let first = zip(choice, sizes).reduce(0) { $0 * $1.1 + $1.0 } * (sizes.last ?? 1)
      return (0..<(sizes.last ?? 1)).map { classes[first + $0] }
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

/// A linear congruential generator: the same numbers on every machine.
struct Linear {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
}

@Suite struct CoverTests {
  /// Exact against a naive enumeration: no point of another class inside, none
  /// left out.
  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func coversAreExact(seed: UInt64) {
    let space = SmallSpace(seed: seed, sizes: [3, 2, 4, 5])
    let diagram = space.diagram
    for wanted in [Int32(0), 1] where space.classes.contains(wanted) {
      let boxes = Cover(diagram: diagram, wanted: wanted).conditions()
      var covered: Set<Int> = []
      for box in boxes {
        let points = space.points(in: box).filter { space.classes[$0] != Diagram.absent }
        #expect(points.allSatisfy { space.classes[$0] == wanted }, "seed \(seed)")
        #expect(diagram.count(of: wanted, in: box) == points.count)
        covered.formUnion(points)
      }
      let all = Set(space.classes.indices.filter { space.classes[$0] == wanted })
      #expect(covered == all, "seed \(seed)")
    }
  }

  /// Few: against the optimum by brute force over all boxes, at most a fifth more
  /// over the whole sample.
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

  /// The least number of exact boxes that cover class 1, by iterated deepening.
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
    let maximal = masks.filter { mask in !masks.contains { $0 != mask && mask & ~$0 == 0 } }
    let all = targets.count == 64 ? UInt64.max : (1 << UInt64(targets.count)) - 1
    func covers(_ missing: UInt64, _ depth: Int) -> Bool {
      if missing == 0 { return true }
      guard depth > 0 else { return false }
      let lowest = missing & ~(missing &- 1)
      return maximal.contains { $0 & lowest != 0 && covers(missing & ~$0, depth - 1) }
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
