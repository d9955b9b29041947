import DMAModel

/// One axis of a space of scenarios, as conditions are written over it.
public struct Axis: Sendable, Hashable {
  /// The axis' name, e.g. `iommu`.
  public let name: String
  /// The values, in order.
  public let values: [String]
  /// Whether values have an order that conditions use: DMA masks, whose
  /// conditions are ranges.
  public let isOrdered: Bool

  public init(_ name: String, _ values: [String], isOrdered: Bool = false) {
    self.name = name
    self.values = values
    self.isOrdered = isOrdered
  }

  /// Whether a condition names some of the values although its other terms imply them:
  /// platforms, as long as they are at most half of all.
  func staysNamed(_ set: UInt64) -> Bool {
    name == Platform.axis && set.nonzeroBitCount * 2 <= values.count
  }

  /// All values, as a box has them.
  public var all: UInt64 { values.count == 64 ? .max : (1 << UInt64(values.count)) - 1 }
}

/// A condition: for each axis a set of values, one bit each.
///
/// An axis has at most 64 values.  On an ordered axis the set is a range.
public struct Box: Sendable, Hashable {
  public var sets: [UInt64]

  public init(_ sets: [UInt64]) { self.sets = sets }

  /// Whether no point lies in both.
  func isDisjoint(from other: Box) -> Bool {
    zip(sets, other.sets).contains { $0 & $1 == 0 }
  }

  /// This box without the points of another, as disjoint boxes.
  func subtracting(_ other: Box) -> [Box] {
    if isDisjoint(from: other) { return [self] }
    var rest = self
    var pieces: [Box] = []
    for axis in sets.indices {
      let outside = rest.sets[axis] & ~other.sets[axis]
      if outside != 0 {
        var piece = rest
        piece.sets[axis] = outside
        pieces.append(piece)
        rest.sets[axis] &= other.sets[axis]
      }
    }
    return pieces
  }
}

/// The values of a set, lowest first.
struct BitIterator: Sequence, IteratorProtocol {
  var rest: UInt64
  init(_ set: UInt64) { rest = set }

  @inline(__always)
  mutating func next() -> Int? {
    guard rest != 0 else { return nil }
    let bit = rest.trailingZeroBitCount
    rest &= rest - 1
    return bit
  }
}
