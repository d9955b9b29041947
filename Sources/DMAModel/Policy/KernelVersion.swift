/// A kernel release, a posted patch series or an alternative argued about: its
/// base plus changes.
public struct KernelVersion: Sendable, Hashable {
  /// The name on the `kernel` axis: `6.12`, `v6`.
  public let name: String
  /// The version that ``changes`` apply to; nil for the oldest.
  public let base: String?
  /// What it is, in one sentence.
  public let summary: String
  /// The package that holds the source, for a release.
  public let sourcePackage: String?
  /// The message-id without angle brackets: a series' cover letter, or the mail
  /// that proposed an alternative.
  public let messageID: String?
  /// Who proposed an alternative, and what it is called; nil for other versions.
  public let mail: ProposalMail?
  /// What the author of an alternative said would happen; nil for other versions.
  public let expectation: String?
  /// What this version does otherwise than its base, in the kernel's order.
  public let changes: [PolicyChange]
  /// The resulting policy.
  public let policy: Policy
  /// Answers of the kernel's own code; nil for a modelled kernel.
  public let recorded: RecordedAnswers?

  /// The mail in the archive, or what a user's variant names.
  public var link: String? {
    userLink ?? messageID.map { "https://lore.kernel.org/r/\($0)" }
  }

  private let userLink: String?

  public static func == (lhs: KernelVersion, rhs: KernelVersion) -> Bool { lhs.name == rhs.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// Whether `swiotlb=` is matched by prefix (kernel/dma/swiotlb.c
  /// `setup_io_tlb_npages()` of 7.3) or as a whole.
  public let matchesSwiotlbByPrefix: Bool

  init(_ name: String, oldest policy: Policy, _ summary: String, sourcePackage: String) {
    self.init(name, summary: summary, sourcePackage: sourcePackage, policy: policy)
  }

  init(
    _ name: String, recorded: RecordedAnswers, _ summary: String, userLink: String?, policy: Policy
  ) {
    self.init(name, summary: summary, userLink: userLink, policy: policy, recorded: recorded)
  }

  init(
    _ name: String,
    basedOn base: KernelVersion,
    _ summary: String,
    sourcePackage: String? = nil,
    messageID: String? = nil, mail: ProposalMail? = nil, expectation: String? = nil,
    userLink: String? = nil, matchesSwiotlbByPrefix: Bool = false,
    changes: [PolicyChange]
  ) {
    self.init(
      name, base: base.name, summary: summary, sourcePackage: sourcePackage,
      messageID: messageID, mail: mail, expectation: expectation, userLink: userLink,
      changes: changes,
      policy: changes.reduce(into: base.policy) { policy, change in change.apply(&policy) },
      matchesSwiotlbByPrefix: base.matchesSwiotlbByPrefix || matchesSwiotlbByPrefix)
  }

  private init(
    _ name: String, base: String? = nil, summary: String, sourcePackage: String? = nil,
    messageID: String? = nil, mail: ProposalMail? = nil, expectation: String? = nil,
    userLink: String? = nil, changes: [PolicyChange] = [], policy: Policy,
    recorded: RecordedAnswers? = nil,
    matchesSwiotlbByPrefix: Bool = false
  ) {
    self.name = name
    self.base = base
    self.summary = summary
    self.sourcePackage = sourcePackage
    self.messageID = messageID
    self.mail = mail
    self.expectation = expectation
    self.userLink = userLink
    self.changes = changes
    self.policy = policy
    self.recorded = recorded
    self.matchesSwiotlbByPrefix = matchesSwiotlbByPrefix
  }
}

extension KernelVersion {
  /// A variant that a user describes: knobs of a base set to values.
  ///
  /// Returns nil if a knob does not have its value.
  public init?(
    variant name: String, basedOn base: KernelVersion, summary: String, link: String?,
    settings: [(knob: Knob, value: String)]
  ) {
    var changes: [PolicyChange] = []
    for (knob, value) in settings {
      var probe = base.policy
      guard knob.set(value, in: &probe) else { return nil }
      changes.append(PolicyChange(setting: knob, to: value))
    }
    self.init(name, basedOn: base, summary, userLink: link, changes: changes)
  }
}

/// One knob that a version turns, and where the kernel or the series does it.
public struct PolicyChange: Sendable {
  /// The knob that changes.
  public let knob: Knob
  /// The value that it gets, or the platforms that come (+) and go (-).
  public let value: String
  /// The patch of the series (`7/20`) or the place in the release.
  public let source: String
  let apply: @Sendable (inout Policy) -> Void

  /// A knob that gets one of its values.
  init<Value: KnobValue>(
    _ path: WritableKeyPath<Policy, Value> & Sendable,
    _ value: Value,
    _ source: String
  ) {
    self.init(path, value.rawValue, source) { $0[keyPath: path] = value }
  }

  /// A set of platforms that grows.
  init(
    adding platforms: PlatformSet,
    to path: WritableKeyPath<Policy, PlatformSet> & Sendable,
    _ source: String
  ) {
    let names = platforms.platforms.map { "+\($0.name)" }.joined(separator: " ")
    self.init(path, names, source) { $0[keyPath: path].formUnion(platforms) }
  }

  /// A set of platforms that shrinks.
  init(
    removing platforms: PlatformSet,
    from path: WritableKeyPath<Policy, PlatformSet> & Sendable,
    _ source: String
  ) {
    let names = platforms.platforms.map { "-\($0.name)" }.joined(separator: " ")
    self.init(path, names, source) { $0[keyPath: path].subtract(platforms) }
  }

  /// A set of platforms that becomes empty.
  init(
    clearing path: WritableKeyPath<Policy, PlatformSet> & Sendable,
    _ source: String
  ) {
    self.init(path, "none", source) { $0[keyPath: path] = [] }
  }

  /// A knob that a user's variant sets.
  init(setting knob: Knob, to value: String) {
    self.knob = knob
    self.value = value
    source = "policy file"
    apply = { _ = knob.set(value, in: &$0) }
  }

  private init(
    _ path: AnyKeyPath & Sendable,
    _ value: String,
    _ source: String,
    apply: @escaping @Sendable (inout Policy) -> Void
  ) {
    guard let knob = Knob.all.first(where: { $0.path == path }) else {
      preconditionFailure("every field of Policy has a Knob")
    }
    self.knob = knob
    self.value = value
    self.source = source
    self.apply = apply
  }
}
