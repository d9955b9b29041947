/// The address of one knob in a ``Policy``, with its documentation.
public struct Knob: Sendable, Hashable {
  /// The letter and number of the knob table, e.g. `M9`.
  public let id: String
  /// The name under which policies spell the knob.
  public let name: String
  /// What is decided, in a few words.
  public let summary: String
  /// The kernel file, relative to the tree.
  public let file: String
  /// The kernel function.
  public let function: String
  /// Every value with its meaning; for a set of platforms, one per platform.
  public let values: [(name: String, summary: String)]
  /// Whether a value is a set of platforms.
  public let isPlatformSet: Bool
  let path: AnyKeyPath & Sendable
  let read: @Sendable (Policy) -> String
  let write: @Sendable (inout Policy, String) -> Bool
  /// Leaves some platforms in a set of them.
  fileprivate let keep: @Sendable (inout Policy, PlatformSet) -> Void

  public static func == (lhs: Knob, rhs: Knob) -> Bool { lhs.id == rhs.id }
  public func hash(into hasher: inout Hasher) { hasher.combine(id) }

  /// The knob's value in a policy; a set of platforms joined by commas, `-` if empty.
  public func value(in policy: Policy) -> String { read(policy) }

  /// The platforms of a knob that is a set of them.
  public func platformNames(in policy: Policy) -> [String] {
    let text = value(in: policy)
    return text == "-" ? [] : text.split(separator: ",").map(String.init)
  }

  /// Sets the knob, or returns false where it has no such value.
  public func set(_ value: String, in policy: inout Policy) -> Bool { write(&policy, value) }

  /// Whether it is about the platform or what a boot sets up, and not about a request.
  public var isAboutBoot: Bool { Self.aboutBoots.contains(self) }

  /// The knob with an id (`M9`) or a name (`poolStateCheck`).
  public static func named(_ name: String) -> Knob? {
    all.first { $0.id == name || $0.name == name }
  }

  init<Value: KnobValue>(
    _ id: String,
    _ name: String,
    _ summary: String,
    _ file: String,
    _ function: String,
    _ path: WritableKeyPath<Policy, Value> & Sendable
  ) {
    self.id = id
    self.name = name
    self.summary = summary
    self.file = file
    self.function = function
    values = Value.allCases.map { ($0.rawValue, $0.summary) }
    isPlatformSet = false
    self.path = path
    read = { $0[keyPath: path].rawValue }
    keep = { _, _ in }
    write = { policy, text in
      guard let value = Value(rawValue: text) else { return false }
      policy[keyPath: path] = value
      return true
    }
  }

  init(
    _ id: String,
    _ name: String,
    _ summary: String,
    _ file: String,
    _ function: String,
    _ path: WritableKeyPath<Policy, PlatformSet> & Sendable
  ) {
    self.id = id
    self.name = name
    self.summary = summary
    self.file = file
    self.function = function
    values = Platform.allCases.map { ($0.name, $0.summary) }
    isPlatformSet = true
    self.path = path
    read = { policy in
      let names = policy[keyPath: path].platforms.map(\.name)
      return names.isEmpty ? "-" : names.joined(separator: ",")
    }
    keep = { $0[keyPath: path].formIntersection($1) }
    write = { policy, text in
      let names = text == "-" ? [] : text.split(separator: ",")
      let platforms = names.compactMap { Platform(name: $0) }
      guard platforms.count == names.count else { return false }
      policy[keyPath: path] = PlatformSet(platforms)
      return true
    }
  }
}

extension Policy {
  /// What a kernel on one platform can see of the policy: of a set of platforms whether it
  /// holds this one.
  ///
  /// Two policies that look the same on a platform answer the same there.
  package func seen(by platform: Platform) -> Policy {
    var policy = self
    let kept = PlatformSet([platform])
    for knob in Knob.platformSets { knob.keep(&policy, kept) }
    return policy
  }
}

extension Knob {
  fileprivate static let platformSets = all.filter(\.isPlatformSet)
}
