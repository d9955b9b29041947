import DMAModel
import Support

/// The sets of steps evaluated so far, merged by behaviour.
struct Search {
  /// Sets of steps with one behaviour.
  private struct Node {
    var sets: [[PolicyStep]]
    let cost: PolicyCost
  }

  private let classes: CostLines
  private let start: Policy
  /// Scenarios that the start corrupts newly: no solution may corrupt more.
  private let limit: Int
  private let best: @Sendable ([PolicyStep], PolicyCost) -> Void
  private var nodes: [Node] = []
  private var byBehavior: [UInt64: Int] = [:]
  private var bestKey: [Int]?
  private(set) var evaluated = 0
  /// What smaller sets do on each platform.
  private var known: CostLines.KnownParts = [:]

  init(
    classes: CostLines, start: Policy, limit: Int,
    best: @escaping @Sendable ([PolicyStep], PolicyCost) -> Void
  ) {
    self.classes = classes
    self.start = start
    self.limit = limit
    self.best = best
  }

  /// Adds an evaluated set; sets come in the order of their size.
  mutating func add(_ steps: [PolicyStep], _ cost: PolicyCost, behavior: [UInt64]) {
    evaluated += 1
    var key = behavior.reduce(0, mixed)
    for lint in classes.lints { key = mixed(key, UInt64(cost.violations[lint] ?? 0)) }
    if let index = byBehavior[key] {
      if nodes[index].cost.changes == steps.count { nodes[index].sets.append(steps) }
      return
    }
    byBehavior[key] = nodes.count
    nodes.append(Node(sets: [steps], cost: cost))
    let order = [cost.lost, cost.exposed, cost.changes]
    if isAdmitted(cost), bestKey.map({ order.lexicographicallyPrecedes($0) }) ?? true {
      bestKey = order
      best(steps, cost)
    }
  }

  /// Evaluates sets on all CPUs, and adds them in their order.
  ///
  /// - Parameter keeping: Whether larger sets follow, which do the same on some platforms.
  mutating func evaluate(
    _ sets: [[PolicyStep]], keeping: Bool, progress: @escaping @Sendable (Double) -> Void
  ) {
    let (classes, start) = (classes, start)
    let batch = 256
    for first in stride(from: 0, to: sets.count, by: batch) {
      let part = Array(sets[first..<min(sets.count, first + batch)])
      let results = concurrently(part) { [known] steps in
        classes.cost(of: start.taking(steps), changes: steps.count, known: known)
      }
      for (steps, result) in zip(part, results) {
        add(steps, result.cost, behavior: result.behavior)
        guard keeping else { continue }
        for (platform, parts) in result.new {
          known[platform, default: [:]].merge(parts) { first, _ in first }
        }
      }
      progress(Double(min(sets.count, first + batch)) / Double(max(1, sets.count)))
    }
  }

  private func isAdmitted(_ cost: PolicyCost) -> Bool {
    cost.corrupted <= limit && cost.violations.isEmpty
  }

  /// The front, and single steps that it dominates but that mend something.
  func solutions(_ full: CostLines) -> (front: [Solver.Solution], further: [Solver.Solution]) {
    let admitted = nodes.filter { isAdmitted($0.cost) }
    let isOnFront = { (node: Node) in
      !admitted.contains { node.cost.isDominated(by: $0.cost) }
    }
    let order = { (one: Node, two: Node) in
      let (a, b) = (one.cost, two.cost)
      return (a.changes, a.lost, a.exposed) < (b.changes, b.lost, b.exposed)
    }
    let lost = nodes.first?.cost.lost ?? 0
    let further = admitted.filter { node in
      node.cost.changes == 1 && node.cost.lost < lost && !isOnFront(node)
    }
    // Counted over every line, a solution may turn out to be none, or dominated.
    func counted(_ nodes: [Node]) -> [Solver.Solution] {
      nodes.sorted(by: order).map { exact($0, full) }.filter { isAdmitted($0.cost) }
    }
    let front = counted(admitted.filter(isOnFront))
    return (
      front.filter { one in !front.contains { one.cost.isDominated(by: $0.cost) } },
      counted(further)
    )
  }

  /// The node with its cost counted over every line, and the sets that behave
  /// alike on every line.
  private func exact(_ node: Node, _ full: CostLines) -> Solver.Solution {
    let steps = node.sets[0]
    let policy = start.taking(steps)
    let own = full.cost(of: policy, changes: steps.count)
    let alike = node.sets.dropFirst().filter { set in
      full.cost(of: start.taking(set), changes: set.count).behavior == own.behavior
    }
    return Solver.Solution(steps: steps, alike: Array(alike), policy: policy, cost: own.cost)
  }

  /// The smallest set of requirements that no evaluated policy meets.
  func contradiction(_ question: Solver.Question, _ full: CostLines) -> Solver.Contradiction? {
    let usable = nodes.filter { $0.cost.corrupted <= limit }
    guard !usable.contains(where: { $0.cost.violations.isEmpty }) else { return nil }
    let lints = question.required
    for size in 1...max(1, lints.count) {
      for subset in subsets(of: lints, size: size) {
        let isMet = usable.contains { node in subset.allSatisfy { node.cost.violations[$0] == nil }
        }
        if !isMet {
          return Solver.Contradiction(
            lints: subset, witnesses: witnesses(subset, usable, full))
        }
      }
    }
    return nil
  }

  /// For each lint a scenario that violates it in the policy that meets the others
  /// and violates it least.
  private func witnesses(
    _ subset: [Lint], _ usable: [Node], _ full: CostLines
  ) -> [Lint: String] {
    var witnesses: [Lint: String] = [:]
    for lint in subset {
      let others = subset.filter { $0 != lint }
      let candidates = usable.filter { node in others.allSatisfy { node.cost.violations[$0] == nil }
      }
      guard
        let node = candidates.min(by: {
          ($0.cost.violations[lint] ?? 0) < ($1.cost.violations[lint] ?? 0)
        })
      else { continue }
      witnesses[lint] = full.witness(of: lint, start.taking(node.sets[0]))
    }
    return witnesses
  }

  private func subsets(of lints: [Lint], size: Int) -> [[Lint]] {
    if size == 0 { return [[]] }
    return lints.indices.flatMap { index in
      subsets(of: Array(lints[(index + 1)...]), size: size - 1).map { [lints[index]] + $0 }
    }
  }
}

extension CostLines {
  /// The key of the first scenario that violates a lint under a policy.
  func witness(of lint: Lint, _ policy: Policy) -> String? {
    var kernels = booted(policy)
    var bases = booted(base)
    for line in lines {
      let boot = boots[line.boot]
      let scenarioLine = ScenarioLine(
        platform: boot.platform,
        kernels: [kernels.kernel(line.boot, boot), bases.kernel(line.boot, boot)],
        request: line.request, masks: domain.masks, for: [lint])
      var first: Int?
      lint.forEachViolation(of: scenarioLine) { range, violation in
        if first == nil, violation != nil { first = range.lowerBound }
      }
      if let first { return key(of: line, mask: domain.masks[first]) }
      if let witness = lifeWitness(of: lint, line, &kernels) { return witness }
    }
    return nil
  }
}
