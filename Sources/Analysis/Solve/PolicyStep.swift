import DMAModel

/// One change of one knob: what the search branches on.
public struct PolicyStep: Hashable, Sendable {
  public let knob: Knob
  /// The new value, or the platform that comes (+) or goes (-).
  public let value: String

  /// Knobs that say what a platform is, what is configured and which calls exist:
  /// no patch of the mapping code can choose them.
  public static let facts = ["X1", "X2", "P1", "P2", "P3", "S8", "M0"]

  /// Every step from a policy; platforms come and go one by one.
  ///
  /// - Parameters:
  ///   - knobs: The knobs that may change; all but the facts where nil.
  ///   - platforms: The platforms that a set of platforms may gain or lose.
  public static func all(
    from policy: Policy, knobs: [Knob]?, platforms: [Platform]
  ) -> [PolicyStep] {
    let chosen = knobs ?? Knob.all.filter { !facts.contains($0.id) }
    return chosen.flatMap { knob -> [PolicyStep] in
      guard knob.isPlatformSet else {
        let current = knob.value(in: policy)
        return knob.values.map(\.name).filter { $0 != current }.map {
          PolicyStep(knob: knob, value: $0)
        }
      }
      let members = knob.platformNames(in: policy)
      // P5 speaks of arm64, powerpc and s390; x86 has P4.
      // Sets hold kinds: hosts with the C-bit elsewhere come and go with one of them.
      let kinds = PlatformSet(platforms).platforms
      return kinds.filter { knob.id != "P5" || $0.family != .x86 }.map { platform in
        PolicyStep(
          knob: knob, value: (members.contains(platform.name) ? "-" : "+") + platform.name)
      }
    }
  }

  /// Makes the change; false where the knob has no such value.
  func apply(to policy: inout Policy) -> Bool {
    guard knob.isPlatformSet else { return knob.set(value, in: &policy) }
    var members = knob.platformNames(in: policy)
    let platform = String(value.dropFirst())
    members.removeAll { $0 == platform }
    if value.hasPrefix("+") { members.append(platform) }
    return knob.set(members.isEmpty ? "-" : members.joined(separator: ","), in: &policy)
  }

  /// `poolStateCheck: none`.
  public var text: String { "\(knob.name): \(value)" }

  /// Whether two steps cannot be taken together: one enumerated knob has one
  /// value.
  func excludes(_ other: PolicyStep) -> Bool {
    knob == other.knob && (!knob.isPlatformSet || value.dropFirst() == other.value.dropFirst())
  }
}

extension Policy {
  /// The policy after some steps.
  func taking(_ steps: [PolicyStep]) -> Policy {
    var policy = self
    for step in steps { _ = step.apply(to: &policy) }
    return policy
  }
}
