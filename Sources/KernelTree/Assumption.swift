/// What functions answer that are defined outside of what is compiled.
public struct Assumption: Hashable, Sendable {
  /// Those that say yes.
  public let holding: Set<String>
  /// Those that say no.
  public let failing: Set<String>

  /// Where there are no such functions.
  public static let none = Assumption(holding: [], failing: [])

  /// Every way to answer some functions, "no" from all of them first.
  public static func all(of names: [String]) -> [Assumption] {
    let names = Set(names).sorted()
    return (0..<1 << names.count).map { bits in
      let holding = names.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element)
      return Assumption(holding: Set(holding), failing: Set(names).subtracting(holding))
    }
  }

  /// `device_cc_accepted() and !other()`; nil where there are no such functions.
  public var condition: String? {
    let all = holding.union(failing).sorted()
    guard !all.isEmpty else { return nil }
    return all.map { holding.contains($0) ? "\($0)()" : "!\($0)()" }.joined(separator: " and ")
  }

  /// The condition as a part of a name: `+device_cc_accepted`; empty where nothing holds.
  public var suffix: String { holding.sorted().map { "+" + $0 }.joined() }
}
