import DMAModel
import Support

/// A finding as a maintainer has it: one line of the kernel, and all violations of lints that
/// come from it.
public struct Cause: Sendable {
  /// The question of the kernel that decides: the one that a change is about, else the rule
  /// by which the request was answered.
  public struct Line: Hashable, Sendable {
    public let function: String
    public let condition: String
  }

  /// Since when some of the violations are there.
  public struct Origin: Sendable {
    /// The first version of the unbroken row; nil where every version that has the scenarios
    /// violates the lints, or none was asked.
    public let since: KernelVersion?
    /// What of ``since``, or of the versions since the base, it takes: taken back alone, each
    /// of them ends a violation.  Empty where no single change does.
    public internal(set) var changes: [Change]
  }

  /// A change with the version that made it.
  public struct Change: Sendable {
    public let version: KernelVersion
    public let change: PolicyChange
  }

  public let line: Line
  /// The oldest first.
  public let origins: [Origin]
  /// The violations, the worst first.
  public let findings: [Check.Finding]
  public let severity: Severity
  /// Whether the base does not have it, at least in part.
  public var isNew: Bool { findings.contains(where: \.isNew) }
  /// How many scenarios the largest violation of the worst kind has.
  public let scenarios: Int
  /// Scenarios that users meet most: of the largest violation that is not of the least kind,
  /// where there are others.
  public let usual: Int

  init(_ line: Line, _ origins: [Origin], _ findings: [Check.Finding]) {
    self.line = line
    self.origins = origins
    self.findings = findings
    let severity = findings.map(\.severity).min() ?? .silent
    let worst = Self.worst(of: findings)
    self.severity = severity
    self.worst = worst
    scenarios = worst.map(\.scenarios).max() ?? 0
    usual =
      findings.filter { $0.severity != .silent || severity == .silent }.map { finding in
        finding.conditions.reduce(0) { $0 + $1.usual }
      }.max() ?? 0
  }

  /// The violations of the worst kind: what a circumstance adds to others is not among them.
  public let worst: [Check.Finding]

  private static func worst(of findings: [Check.Finding]) -> [Check.Finding] {
    let severity = findings.map(\.severity).min()
    let worst = findings.filter { $0.severity == severity }
    let ordinary = worst.filter { !$0.isByCircumstance }
    return ordinary.isEmpty ? worst : ordinary
  }

  /// Whether it is about boots, each of which stands for all requests on it.
  public var isAboutBoots: Bool { findings.contains(where: \.lint.isAboutBoots) }
  /// Whether a peer's data or those of MMIO go wrong, not those of RAM.
  public var isAboutDevice: Bool { findings.contains(where: \.isAboutDevice) }
  /// Whether it takes a circumstance.
  public var isByCircumstance: Bool { findings.allSatisfy(\.isByCircumstance) }
}

extension Cause {
  /// What makes violations one cause: the line, and the kind of harm where several may come
  /// from it.
  private struct Key: Hashable {
    enum Harm: Hashable {
      case answer, wrong(Verdict, ofDevice: Bool), atomicCall, end

      /// Whether the request is refused, or a guest's private memory is handed out.
      var isUnserved: Bool { self == .answer || self == .wrong(.blocked, ofDevice: false) }
    }
    let line: Line
    let harm: Harm
    let isAboutSME: Bool
    var isByCircumstance: Bool
  }

  /// What one condition of a finding comes from.
  private struct Attribution {
    let line: Line
    let changes: [Change]
  }

  /// The violations of one cause, as they are found.
  private struct Group {
    var origins: [Origin] = []
    var findings: [Check.Finding] = []
    var severity: Severity { findings.map(\.severity).min() ?? .silent }

    /// Whether it is no cause of its own beside another of the same line.
    ///
    /// - Parameter isFirst: Whether it was found first, so that of two that are alike it stays.
    func isPart(of other: Group, _ key: Key, _ otherKey: Key, isFirst: Bool) -> Bool {
      guard other.severity <= severity else { return false }
      let isAlike =
        key.isAboutSME == otherKey.isAboutSME
        && key.isByCircumstance == otherKey.isByCircumstance
      // Two rules of one function: the other call decides.
      if isAboutOtherCall, other.isAboutOtherCall {
        return isAlike && !isFirst && key.line.function == otherKey.line.function
      }
      guard key.line == otherKey.line else { return false }
      // SME hosts are told apart because they force by the coherent mask.
      let joins = key.isAboutSME && !otherKey.isAboutSME && !isAboutCoherentMask
      guard joins || key.isAboutSME == otherKey.isAboutSME else { return false }
      if key.isByCircumstance {
        // Full pools and failing decryption add to what is there without them.
        return key.harm.isUnserved && otherKey.harm.isUnserved
          && (!otherKey.isByCircumstance || joins || !isFirst)
      }
      return joins && !otherKey.isByCircumstance && key.harm == otherKey.harm
    }

    /// Whether all of it is that two calls disagree.
    private var isAboutOtherCall: Bool {
      severity == .silent
        && findings.allSatisfy { $0.lint == .mapSGAgrees || $0.lint == .allocAgrees }
    }

    /// Whether half of the scenarios or more are told apart by the coherent mask.
    private var isAboutCoherentMask: Bool {
      let conditions = findings.flatMap(\.conditions)
      let open = conditions.filter { condition in
        !condition.terms.contains { $0.axis == CoherentMask.axis }
      }
      return open.reduce(0) { $0 + $1.scenarios } * 2
        <= conditions.reduce(0) { $0 + $1.scenarios }
    }

    mutating func add(_ other: Group) {
      for origin in other.origins { add(origin.since, origin.changes) }
      findings += other.findings
    }

    mutating func add(_ since: KernelVersion?, _ changes: [Change]) {
      guard let place = origins.firstIndex(where: { $0.since == since }) else {
        origins.append(Origin(since: since, changes: changes))
        return
      }
      for change in changes
      where !origins[place].changes.contains(where: { $0.change.knob == change.change.knob }) {
        origins[place].changes.append(change)
      }
    }
  }

  /// The violations of a kernel by cause, the gravest first.
  static func causes(
    of findings: [Check.Finding], in kernel: KernelVersion, base: KernelVersion?,
    _ domain: MatrixDomain
  ) -> [Cause] {
    let search = CauseSearch(kernel, base, domain)
    let parts = concurrently(findings) { finding in search.parts(of: finding) }
    var keys: [Key] = []
    var groups: [Key: Group] = [:]
    for part in parts.joined() {
      let key = Key(
        line: part.line, harm: harm(of: part.finding), isAboutSME: part.finding.isAboutSME,
        isByCircumstance: part.finding.isByCircumstance)
      if groups[key] == nil {
        keys.append(key)
        groups[key] = Group()
      }
      for (since, changes) in part.origins { groups[key]?.add(since, changes) }
      groups[key]?.findings.append(part.finding)
    }
    for (place, key) in keys.enumerated() {
      guard let group = groups[key],
        let other = keys.enumerated().first(where: { otherPlace, other in
          other != key
            && groups[other].map {
              group.isPart(of: $0, key, other, isFirst: place < otherPlace)
            } == true
        })?.element
      else { continue }
      groups[other]?.add(group)
      groups[key] = nil
    }
    let order = KernelVersion.known.map(\.name) + [kernel.name]
    func place(_ origin: Origin) -> Int {
      origin.since.flatMap { order.firstIndex(of: $0.name) } ?? -1
    }
    let causes = keys.compactMap { key -> Cause? in
      groups[key].map { group in
        let findings = group.findings.enumerated().sorted {
          ($0.element.severity, -$0.element.scenarios, $0.offset)
            < ($1.element.severity, -$1.element.scenarios, $1.offset)
        }
        return Cause(
          key.line, group.origins.sorted { place($0) < place($1) }, findings.map(\.element))
      }
    }
    return causes.enumerated().sorted { one, other in
      let (a, b) = (one.element, other.element)
      func rank(_ cause: Cause) -> Int {
        if cause.isByCircumstance { return 4 }
        if cause.usual == 0 { return 3 }
        return cause.isAboutBoots ? 0 : cause.isNew ? 1 : 2
      }
      return (a.severity, rank(a), -a.usual, -a.scenarios, one.offset)
        < (b.severity, rank(b), -b.usual, -b.scenarios, other.offset)
    }.map(\.element)
  }

  private static func harm(of finding: Check.Finding) -> Key.Harm {
    if case .atomicCall? = finding.wrong { return .atomicCall }
    if finding.wrong != nil { return .end }
    return finding.verdict.isSilentlyWrong
      ? .wrong(finding.verdict, ofDevice: finding.isAboutDevice) : .answer
  }
}
