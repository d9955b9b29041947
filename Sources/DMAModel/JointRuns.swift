/// A part of a list of masks, or of another list, in which everything is alike.
public protocol RangedRun {
  /// The positions in the list.
  var range: Range<Int> { get }
}

/// Calls a function for each range that lies in one run of each of some lists, in order.
///
/// - Parameters:
///   - lists: Runs that divide the same list, each in its own way.
///   - body: Takes the range, and for each list the place of the run that it lies in.
@inlinable public func forEachJointRange<Run: RangedRun>(
  _ lists: [[Run]], _ body: (Range<Int>, [Int]) -> Void
) {
  guard let count = lists.first?.last?.range.upperBound, lists.allSatisfy({ !$0.isEmpty })
  else { return }
  var places = [Int](repeating: 0, count: lists.count)
  var start = 0
  while start < count {
    var end = count
    for list in lists.indices { end = min(end, lists[list][places[list]].range.upperBound) }
    body(start..<end, places)
    for list in lists.indices
    where lists[list][places[list]].range.upperBound == end && end < count {
      places[list] += 1
    }
    start = end
  }
}

/// Calls a function for each run of masks that is one for all of some kernels.
///
/// - Parameters:
///   - runs: Of each kernel, over the same masks.
///   - body: Takes the positions, and for each kernel the answer and its end.
public func forEachJointRun(_ runs: [[MaskRun]], _ body: (Range<Int>, [LifeCycle]) -> Void) {
  forEachJointRange(runs) { range, places in
    body(range, zip(runs, places).map { $0[$1].cycle })
  }
}
