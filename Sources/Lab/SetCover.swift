/// The smallest choice of sets that holds every element of all of them.
///
/// Exact: sets that another holds are dropped, sets that alone hold an element are
/// taken, and the rest is searched by branch and bound.  Among smallest choices the
/// one of lowest indices wins, so that equal questions have equal answers.
struct SetCover {
  /// Steps after which the best choice so far is taken.
  static let stepLimit = 2_000_000

  private(set) var chosen: [Int] = []
  /// Whether no smaller choice exists.
  private(set) var isMinimal = true
  private let sets: [Set<Int>]
  private var best: [Int] = []
  private var steps = 0

  init(_ sets: [Set<Int>]) {
    self.sets = sets
    let universe = sets.reduce(into: Set<Int>()) { $0.formUnion($1) }
    let useful = sets.indices.filter { index in
      !sets[index].isEmpty
        && !sets.indices.contains { other in
          other != index && sets[index].isSubset(of: sets[other])
            && (sets[index].count < sets[other].count || other < index)
        }
    }
    best = greedy(universe, useful)
    search(universe, useful, [])
    chosen = best.sorted()
    isMinimal = steps <= Self.stepLimit
  }

  private func greedy(_ universe: Set<Int>, _ candidates: [Int]) -> [Int] {
    var rest = universe
    var choice: [Int] = []
    while !rest.isEmpty {
      var next = -1
      var covered = 0
      for candidate in candidates {
        let count = sets[candidate].intersection(rest).count
        if count > covered { (next, covered) = (candidate, count) }
      }
      guard next >= 0 else { return choice }
      choice.append(next)
      rest.subtract(sets[next])
    }
    return choice
  }

  /// Branches over the sets that hold the element which fewest sets hold.
  private mutating func search(_ rest: Set<Int>, _ candidates: [Int], _ taken: [Int]) {
    steps += 1
    guard steps <= Self.stepLimit else { return }
    if rest.isEmpty {
      if taken.count < best.count { best = taken }
      return
    }
    let largest = candidates.map { sets[$0].intersection(rest).count }.max() ?? 0
    guard largest > 0, taken.count + (rest.count + largest - 1) / largest < best.count else {
      return
    }
    var rarest: [Int] = []
    for element in rest.sorted() {
      let holders = candidates.filter { sets[$0].contains(element) }
      if rarest.isEmpty || holders.count < rarest.count { rarest = holders }
      if rarest.count == 1 { break }
    }
    for holder in rarest {
      search(rest.subtracting(sets[holder]), candidates, taken + [holder])
    }
  }
}
