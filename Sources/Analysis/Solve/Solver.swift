import DMAModel
import Support

/// Searches changes of a policy for the smallest that mend it.
///
/// A solution is a set of steps. Of all sets up to a size, those count that meet
/// the required lints and corrupt nothing that neither the base nor the start
/// corrupts; the Pareto front is theirs, by changes, scenarios that the base
/// served and they do not, and scenarios newly exposed.
///
/// Lines of the matrix that take the same paths under the start and under every
/// single step are evaluated once, with their number as weight. Steps that alter
/// the path of no line are not combined with each other. What is reported is
/// counted again over every line.
public struct Solver: Sendable {
  /// What is asked.
  public struct Question: Sendable {
    public var from: KernelVersion
    public var base: KernelVersion
    public var required: [Lint] = []
    public var maxChanges = 2
    public var knobs: [Knob]?
    public var domain = MatrixDomain()

    public init(from: KernelVersion, base: KernelVersion) {
      self.from = from
      self.base = base
    }
  }

  /// Policies with the same verdict and exposure in every scenario.
  public struct Solution: Sendable {
    /// The steps, or those of the first of several of equal size.
    public let steps: [PolicyStep]
    /// Other sets of as many steps with the same behaviour.
    public let alike: [[PolicyStep]]
    public let policy: Policy
    public let cost: PolicyCost
  }

  /// Requirements that no set of steps meets together.
  public struct Contradiction: Sendable {
    public let lints: [Lint]
    /// For each of them a scenario that violates it where all others are met.
    public let witnesses: [Lint: String]
  }

  public let question: Question
  /// The start without a change.
  public let start: PolicyCost
  /// By changes, then lost, then exposed.
  public let front: [Solution]
  /// Sets of one step that lose less than the start and that the front dominates.
  public let further: [Solution]
  /// Where nothing meets the requirements.
  public let contradiction: Contradiction?
  /// Steps, those that alter a path, classes of lines, lines, policies evaluated.
  public let counts: (steps: Int, reached: Int, classes: Int, lines: Int, evaluated: Int)

  /// Every line, with the base's answers.
  private let lines: CostLines

  /// Searches.
  ///
  /// - Parameters:
  ///   - progress: Receives the part that is done.
  ///   - best: Receives the cheapest solution so far, whenever there is a new one.
  public init(
    _ question: Question, progress: @escaping @Sendable (Double) -> Void = { _ in },
    best: @escaping @Sendable ([PolicyStep], PolicyCost) -> Void = { _, _ in }
  ) {
    self.question = question
    let policy = question.from.policy
    let full = CostLines(
      policy, base: question.base.policy, lints: question.required, domain: question.domain)
    lines = full
    let steps = PolicyStep.all(
      from: policy, knobs: question.knobs, platforms: question.domain.platforms)
    let (classes, reached) = Self.classes(of: full, policy, steps) { progress($0 * 0.4) }

    start = classes.cost(of: policy, changes: 0).cost
    var search = Search(classes: classes, start: policy, limit: start.corrupted, best: best)
    for size in stride(from: 0, through: question.maxChanges, by: 1) {
      let sets = size == 0 ? [[]] : Self.sets(of: size, steps, reached)
      search.evaluate(sets, keeping: size < question.maxChanges) { part in
        guard size > 0 else { return }
        progress(0.4 + 0.5 * (Double(size - 1) + part) / Double(question.maxChanges))
      }
    }
    let solutions = search.solutions(full)
    front = solutions.front
    further = solutions.further
    contradiction = search.contradiction(question, full)
    counts = (
      steps.count, reached.filter { $0 }.count, classes.lines.count, full.lines.count,
      search.evaluated
    )
    progress(1)
  }

  /// Sets of steps of one size that go together, at least one of which alters a
  /// path by itself.
  private static func sets(
    of size: Int, _ steps: [PolicyStep], _ reached: [Bool]
  ) -> [[PolicyStep]] {
    var sets: [[Int]] = [[]]
    for _ in 0..<size {
      sets = sets.flatMap { set in
        steps.indices.filter { next in
          next > (set.last ?? -1) && !set.contains { steps[$0].excludes(steps[next]) }
        }.map { set + [$0] }
      }
    }
    return sets.filter { set in set.contains { reached[$0] } }.map { set in set.map { steps[$0] } }
  }

  /// Lines with the same paths under the start and every single step, once each;
  /// and which steps alter the path of any line.
  private static func classes(
    of full: CostLines, _ policy: Policy, _ steps: [PolicyStep],
    progress: @Sendable (Double) -> Void
  ) -> (classes: CostLines, reached: [Bool]) {
    let policies = [policy] + steps.map { policy.taking([$0]) }
    let reached = Locked([Bool](repeating: false, count: steps.count))
    // The lines of a boot are neighbours.
    let starts = full.lines.indices.filter { next in
      next == 0 || full.lines[next].boot != full.lines[next - 1].boot
    }
    let chunks = zip(starts, starts.dropFirst() + [full.lines.count]).map { $0..<$1 }
    let signatures = concurrently(chunks, progress: progress) { range in
      var own = [UInt64](repeating: 0, count: range.count)
      var before: [UInt64] = []
      let platform = full.boots[full.lines[range.lowerBound].boot].platform
      let start = policy.seen(by: platform)
      for (number, policy) in policies.enumerated() {
        if number > 0, policy.seen(by: platform) == start {
          for place in own.indices { own[place] = mixed(own[place], before[place]) }
          continue
        }
        var booted = full.booted(policy)
        var known = KnownLines(full.domain)
        var cost = PolicyCost()
        var differs = false
        for position in range {
          let line = full.lines[position]
          let path: UInt64
          if let same = known[line.request] {
            path = UInt64(bitPattern: Int64(same))
          } else {
            let visited = full.visit(line, &booted, tracing: true, cost: &cost)
            path = visited.path
            known.keep(Int(Int64(bitPattern: path)), for: line.request, visited.reads)
          }
          own[position - range.lowerBound] = mixed(own[position - range.lowerBound], path)
          if number == 0 {
            before.append(path)
          } else if before[position - range.lowerBound] != path {
            differs = true
          }
        }
        if differs { reached.withLock { $0[number - 1] = true } }
      }
      return own
    }
    var classes = full
    classes.lines = []
    var known: [UInt64: Int] = [:]
    for (line, signature) in zip(full.lines, signatures.joined()) {
      if let index = known[signature] {
        classes.lines[index].weight += line.weight
      } else {
        known[signature] = classes.lines.count
        classes.lines.append(line)
      }
    }
    return (classes, reached.withLock { $0 })
  }
}

extension Solver {
  /// The front in another order; the first preference matters most.
  public func front(by preference: [PolicyCost.Preference]) -> [Solution] {
    front.sorted { one, two in
      preference.map { one.cost[$0] }.lexicographicallyPrecedes(preference.map { two.cost[$0] })
    }
  }

  /// What other policies would cost under the same question.
  public func costs(of policies: [(policy: Policy, changes: Int)]) -> [PolicyCost] {
    concurrently(policies) { lines.cost(of: $0.policy, changes: $0.changes).cost }
  }
}
