/// Reduces the points of a class to few conditions that are exact and disjoint.
///
/// No condition holds a point of another class, every point of the class is in
/// exactly one, so that the counts of the conditions add up to the class's; points
/// that do not exist may be in any, and in several.  A smallest set of disjoint boxes
/// is as hard to find as a smallest set cover, so this searches greedily, as two-level
/// logic minimisers for multi-valued variables do: grow a box from a part that is not
/// covered, as far as it stays exact and apart from the boxes that were chosen,
/// several ways, keep the one that covers most, repeat.  A second set comes from boxes
/// that may overlap at first and are then cut apart, largest first.  In both, two
/// boxes whose hull holds nothing else become one; boxes are then grown over others
/// where what is left of those needs fewer; the smaller set is kept.
struct Cover {
  let diagram: Diagram
  let wanted: Int32
  private let visits: Diagram.Visits

  init(diagram: Diagram, wanted: Int32) {
    self.diagram = diagram
    self.wanted = wanted
    visits = Diagram.Visits(of: diagram)
  }

  /// The conditions, most points first.
  func conditions() -> [Box] {
    let parts = diagram.boxes(of: wanted)
    let apart = reshaped(merged(greedy(parts, apart: true)))
    let cut = reshaped(merged(cutApart(greedy(parts, apart: false))))
    let chosen = cut.count < apart.count ? cut : apart
    return chosen.enumerated().map { index, box in
      readable(box, besides: chosen.enumerated().filter { $0.offset != index }.map(\.element))
    }
    .sorted { diagram.count(of: wanted, in: $0) > diagram.count(of: wanted, in: $1) }
  }

  /// Boxes that cover all parts, each grown from the largest that remained.
  ///
  /// - Parameters:
  ///   - parts: Disjoint boxes of existing points.
  ///   - apart: Whether boxes stay apart from those chosen before.
  private func greedy(_ parts: [Box], apart: Bool) -> [Box] {
    var remaining = parts
    var chosen: [Box] = []
    while let seed = remaining.max(by: { $0.size < $1.size }) {
      let box = best(from: seed, remaining: remaining, besides: apart ? chosen : [])
      chosen.append(box)
      remaining = remaining.flatMap { difference($0, box) }
    }
    return chosen
  }

  /// The grown box that covers most of what remains.
  private func best(from seed: Box, remaining: [Box], besides taken: [Box]) -> Box {
    var best: Box?
    var bestCovered = -1
    for order in orders {
      let grown = grow(seed, order: order, besides: taken)
      if grown == best { continue }
      let covered = remaining.reduce(0) { $0 + $1.intersectionSize(with: grown) }
      if covered > bestCovered {
        best = grown
        bestCovered = covered
      }
    }
    return best ?? seed
  }

  /// Orders in which axes are tried: ways to grow that differ.
  private var orders: [[Int]] {
    let natural = Array(diagram.axes.indices)
    let count = natural.count
    var orders = [Array(natural.reversed()), natural]
    for shift in stride(from: 1, to: count, by: max(1, count / 4)) {
      orders.append((0..<count).map { natural[($0 + shift) % count] })
      orders.append((0..<count).map { natural[(2 * count - 1 - $0 - shift) % count] })
    }
    return orders
  }

  /// Whether a box holds no point of another class and none of other boxes.
  private func isFree(_ box: Box, besides taken: [Box]) -> Bool {
    diagram.isOnly(wanted, in: box, visits) && taken.allSatisfy { !sharesPoint(box, $0) }
  }

  /// Whether a point of the class is in both boxes.
  private func sharesPoint(_ one: Box, _ other: Box) -> Bool {
    guard !one.isDisjoint(from: other) else { return false }
    return diagram.count(of: wanted, in: one.intersection(other)) > 0
  }

  /// A box as large as it can be without holding a point of another class, or of
  /// other boxes.
  private func grow(_ seed: Box, order: [Int], besides taken: [Box]) -> Box {
    var box = seed
    for axis in order {
      let all = diagram.axes[axis].all
      if box.sets[axis] == all { continue }
      var full = box
      full.sets[axis] = all
      if isFree(full, besides: taken) {
        box = full
        continue
      }
      if diagram.axes[axis].isOrdered {
        for step in [Step.down, .up] {
          while let set = step.extended(box.sets[axis], within: all) {
            var larger = box
            larger.sets[axis] = set
            guard isFree(larger, besides: taken) else { break }
            box = larger
          }
        }
      } else {
        for value in BitIterator(all & ~box.sets[axis]) {
          var larger = box
          larger.sets[axis] |= 1 << UInt64(value)
          if isFree(larger, besides: taken) { box = larger }
        }
      }
    }
    return box
  }

  /// Boxes that may overlap as boxes that do not: each without the larger ones.
  private func cutApart(_ boxes: [Box]) -> [Box] {
    var result: [Box] = []
    for box in boxes.sorted(by: { $0.size > $1.size }) {
      var pieces = [box]
      for other in result where !pieces.isEmpty {
        pieces = pieces.flatMap { cut($0, by: other) }
      }
      result += pieces
    }
    return result
  }

  /// What a box has beside another, in boxes with points of the class.
  private func cut(_ box: Box, by other: Box) -> [Box] {
    guard sharesPoint(box, other) else { return [box] }
    return difference(box, other).filter { diagram.count(of: wanted, in: $0) > 0 }
  }

  /// A box without another, as disjoint boxes; a range of an ordered axis without its
  /// middle is two.
  private func difference(_ box: Box, _ other: Box) -> [Box] {
    var pieces = box.subtracting(other)
    for axis in diagram.axes.indices where diagram.axes[axis].isOrdered {
      pieces = pieces.flatMap { piece in
        ranges(of: piece.sets[axis]).map { range in
          var part = piece
          part.sets[axis] = range
          return part
        }
      }
    }
    return pieces
  }

  /// The same points in fewer boxes: two whose hull holds nothing else become one.
  private func merged(_ boxes: [Box]) -> [Box] {
    var boxes = boxes
    var count = 0
    while boxes.count != count {
      count = boxes.count
      var index = 0
      while index < boxes.count {
        if let (other, hull) = partner(of: index, among: boxes) {
          boxes[index] = hull
          boxes.remove(at: other)
          index -= other < index ? 1 : 0
        } else {
          index += 1
        }
      }
    }
    return boxes
  }

  /// A box that can be put together with another, and both in one.
  private func partner(of index: Int, among boxes: [Box]) -> (other: Int, hull: Box)? {
    for other in boxes.indices where other != index {
      let hull = hull(boxes[index], boxes[other])
      guard diagram.isOnly(wanted, in: hull, visits) else { continue }
      let isApart = boxes.indices.allSatisfy {
        $0 == index || $0 == other || !sharesPoint(hull, boxes[$0])
      }
      if isApart { return (other, hull) }
    }
    return nil
  }

  /// The smallest box that holds two; on an ordered axis a range.
  private func hull(_ one: Box, _ other: Box) -> Box {
    Box(
      one.sets.indices.map { axis in
        let set = one.sets[axis] | other.sets[axis]
        return diagram.axes[axis].isOrdered ? span(of: set) : set
      })
  }

  /// The same points in fewer boxes where one can grow over others.
  private func reshaped(_ boxes: [Box]) -> [Box] {
    var boxes = boxes
    guard boxes.count <= 16 else { return boxes }  // the search is cubic
    var index = 0
    while index < boxes.count {
      let others = boxes.enumerated().filter { $0.offset != index }.map(\.element)
      var tried: Set<Box> = [boxes[index]]
      var fewer: [Box]?
      for order in orders {
        let grown = grow(boxes[index], order: order, besides: [])
        guard tried.insert(grown).inserted else { continue }
        let candidate = merged([grown] + others.flatMap { cut($0, by: grown) })
        if candidate.count < (fewer ?? boxes).count { fewer = candidate }
      }
      if let fewer {
        boxes = fewer
        index = 0
      } else {
        index += 1
      }
    }
    return boxes
  }

  /// The same points in words as few as possible: no value that no existing point of
  /// the box has, no axis that the others make needless, and all values but a few
  /// where those are fewer (`buf!=large`).
  ///
  /// Platforms stay named where they are at most half of all: `mask_change=up` is one
  /// of SME hosts alone, and a reader need not know that.
  private func readable(_ box: Box, besides others: [Box]) -> Box {
    var box = box
    for axis in box.sets.indices {
      let kept = diagram.occurring(axis, in: box, visits)
      box.sets[axis] = diagram.axes[axis].isOrdered ? span(of: kept) : kept
    }
    for axis in box.sets.indices where box.sets[axis] != diagram.axes[axis].all {
      if diagram.axes[axis].staysNamed(box.sets[axis]) { continue }
      var full = box
      full.sets[axis] = diagram.axes[axis].all
      if isFree(full, besides: others) { box = full }
    }
    for axis in box.sets.indices where !diagram.axes[axis].isOrdered {
      let outside = diagram.occurring(
        axis, in: box, of: diagram.axes[axis].all & ~box.sets[axis], visits)
      let isShorter = outside.nonzeroBitCount < box.sets[axis].nonzeroBitCount
      if outside != 0, isShorter, !diagram.axes[axis].staysNamed(box.sets[axis]) {
        box.sets[axis] = diagram.axes[axis].all & ~outside
      }
    }
    return box
  }
}

/// A direction in which a range of an ordered axis grows.
private enum Step {
  case down, up

  /// The set with one more value at its end, or nil at the axis' end.
  func extended(_ set: UInt64, within all: UInt64) -> UInt64? {
    let larger =
      switch self {
      case .down: set | set >> 1
      case .up: set | set << 1 & all
      }
    return larger == set ? nil : larger
  }
}

extension Box {
  /// Combinations of values, those that do not exist included.
  var size: Double { sets.reduce(1) { $0 * Double($1.nonzeroBitCount) } }

  /// What lies in both; a set of an axis may be empty.
  func intersection(_ other: Box) -> Box { Box(zip(sets, other.sets).map { $0 & $1 }) }

  fileprivate func intersectionSize(with other: Box) -> Int {
    var size = 1
    for (one, two) in zip(sets, other.sets) {
      size *= (one & two).nonzeroBitCount
      if size == 0 { return 0 }
    }
    return size
  }
}
