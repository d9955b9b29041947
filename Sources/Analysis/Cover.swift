/// Reduces the points of a class to few conditions that are exact together.
///
/// No condition holds a point of another class, and every point of the class is
/// in at least one; points that do not exist may be in any.  The method is that
/// of two-level logic minimisers for multi-valued variables: grow a condition
/// from an uncovered part as far as it stays exact, several ways, keep the one
/// that covers most, repeat; then drop conditions that the others make needless.
struct Cover {
  let diagram: Diagram
  let wanted: Int32

  /// The conditions, most points first.
  func conditions() -> [Box] {
    var remaining = diagram.boxes(of: wanted)
    var chosen: [Box] = []
    while let seed = remaining.max(by: { $0.size < $1.size }) {
      let box = best(from: seed, remaining: remaining)
      chosen.append(box)
      remaining = remaining.flatMap { $0.subtracting(box) }
    }
    return improved(chosen).map(readable)
      .sorted { diagram.count(of: wanted, in: $0) > diagram.count(of: wanted, in: $1) }
  }

  /// The grown box that covers most of what remains.
  private func best(from seed: Box, remaining: [Box]) -> Box {
    var best: Box?
    var bestCovered = -1
    for order in orders {
      let grown = grow(seed, order: order)
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

  /// A box as large as it can be without holding a point of another class.
  private func grow(_ seed: Box, order: [Int]) -> Box {
    var box = seed
    for axis in order {
      let all = diagram.axes[axis].all
      if box.sets[axis] == all { continue }
      var full = box
      full.sets[axis] = all
      if diagram.isOnly(wanted, in: full) {
        box = full
        continue
      }
      if diagram.axes[axis].isOrdered {
        for step in [Step.down, .up] {
          while let set = step.extended(box.sets[axis], within: all) {
            var larger = box
            larger.sets[axis] = set
            guard diagram.isOnly(wanted, in: larger) else { break }
            box = larger
          }
        }
      } else {
        for value in BitIterator(all & ~box.sets[axis]) {
          var larger = box
          larger.sets[axis] |= 1 << UInt64(value)
          if diagram.isOnly(wanted, in: larger) { box = larger }
        }
      }
    }
    return box
  }

  /// Drops needless boxes, and tries to put two in one box' place.
  private func improved(_ boxes: [Box]) -> [Box] {
    var boxes = irredundant(boxes)
    guard boxes.count <= 16 else { return boxes }  // the search is quadratic
    // Growing again from what only one box covers may make another needless.
    var index = 0
    while index < boxes.count {
      let others = boxes.enumerated().filter { $0.offset != index }.map(\.element)
      let own = uncovered(boxes[index], by: others)
      if let seed = own.max(by: { $0.size < $1.size }) {
        for order in orders {
          let grown = grow(seed, order: order)
          guard own.allSatisfy({ $0.subtracting(grown).isEmpty }) else { continue }
          let candidate = irredundant(others + [grown])
          if candidate.count < boxes.count {
            boxes = candidate
            index = -1
            break
          }
        }
      }
      index += 1
    }
    return boxes
  }

  /// Removes each box that the others cover, smallest first.
  private func irredundant(_ boxes: [Box]) -> [Box] {
    var kept = boxes
    for box in boxes.sorted(by: { $0.size < $1.size }) {
      let others = kept.filter { $0 != box }
      if uncovered(box, by: others).isEmpty { kept = others }
    }
    return kept
  }

  /// The points of the class in a box that no other box holds.
  private func uncovered(_ box: Box, by others: [Box]) -> [Box] {
    var rest = [box]
    for other in others where !rest.isEmpty { rest = rest.flatMap { $0.subtracting(other) } }
    return rest.filter { diagram.count(of: wanted, in: $0) > 0 }
  }

  /// The same points in words as few as possible: no value that no existing
  /// point of the box has, no axis that the others make needless, and all values
  /// but one where that is exact too (`buf!=large`).
  private func readable(_ box: Box) -> Box {
    var box = box
    for axis in box.sets.indices where box.sets[axis] != diagram.axes[axis].all {
      var kept: UInt64 = 0
      for value in BitIterator(box.sets[axis]) {
        var slice = box
        slice.sets[axis] = 1 << UInt64(value)
        if diagram.count(of: wanted, in: slice) > 0 { kept |= 1 << UInt64(value) }
      }
      if diagram.axes[axis].isOrdered, ranges(of: kept).count > 1 { continue }
      box.sets[axis] = kept
    }
    for axis in box.sets.indices where box.sets[axis] != diagram.axes[axis].all {
      var full = box
      full.sets[axis] = diagram.axes[axis].all
      if diagram.isOnly(wanted, in: full) { box = full }
    }
    for axis in box.sets.indices where !diagram.axes[axis].isOrdered {
      let grown = grow(box, order: [axis]).sets[axis]
      if (diagram.axes[axis].all & ~grown).nonzeroBitCount == 1 { box.sets[axis] = grown }
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

  fileprivate func intersectionSize(with other: Box) -> Int {
    var size = 1
    for (one, two) in zip(sets, other.sets) {
      size *= (one & two).nonzeroBitCount
      if size == 0 { return 0 }
    }
    return size
  }
}
