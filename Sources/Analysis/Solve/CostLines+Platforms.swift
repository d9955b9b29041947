import DMAModel
import Support

/// Costs counted platform by platform.
///
/// On one platform, policies that differ only by what they say of others are one policy.
/// So most pairs of changes are known, on most platforms, from one of the two.
extension CostLines {
  /// What a policy does on the lines of one platform: its costs, and a number that names
  /// behaviour (verdicts and exposures).
  struct Part {
    var cost = PolicyCost()
    var behavior: UInt64 = 0
  }

  /// What policies do, by what is left of them on a platform.
  typealias KnownParts = [Platform: [Policy: Part]]

  /// What a policy costs over all lines, its behaviour on each platform, and what of it was
  /// not known before.
  func cost(
    of policy: Policy, changes: Int, known: KnownParts = [:]
  ) -> (cost: PolicyCost, behavior: [UInt64], new: KnownParts) {
    var cost = PolicyCost(changes: changes)
    var behavior: [UInt64] = []
    var new: KnownParts = [:]
    for (platform, lines) in platforms {
      let seen = policy.seen(by: platform)
      let part: Part
      if let same = known[platform]?[seen] {
        part = same
      } else {
        part = self.part(of: seen, lines)
        new[platform, default: [:]][seen] = part
      }
      cost.add(part.cost)
      behavior.append(part.behavior)
    }
    return (cost, behavior, new)
  }

  private func part(of policy: Policy, _ range: Range<Int>) -> Part {
    var part = Part()
    var booted = booted(policy)
    for line in lines[range] {
      let visited = visit(line, &booted, tracing: false, cost: &part.cost)
      part.behavior = mixed(part.behavior, visited.behavior)
    }
    return part
  }

  /// The lines of each platform; they are neighbours.
  private var platforms: [(platform: Platform, lines: Range<Int>)] {
    var parts: [(platform: Platform, lines: Range<Int>)] = []
    for (number, line) in lines.enumerated() {
      let platform = boots[line.boot].platform
      if let last = parts.last, last.platform == platform {
        parts[parts.count - 1].lines = last.lines.lowerBound..<number + 1
      } else {
        parts.append((platform, number..<number + 1))
      }
    }
    return parts
  }
}
