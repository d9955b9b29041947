import DMAModel

/// A search for what violations of a kernel come from.
struct CauseSearch {
  /// Violations of one lint that come from one line.
  struct Part {
    let line: Cause.Line
    let origins: [(since: KernelVersion?, changes: [Cause.Change])]
    var finding: Check.Finding
  }

  private let kernel: KernelVersion
  private let base: KernelVersion?
  private let domain: MatrixDomain
  /// The changes since the base, the newest of each knob; empty where the base is none of
  /// the versions before the kernel.
  private let sinceBase: [Cause.Change]

  init(_ kernel: KernelVersion, _ base: KernelVersion?, _ domain: MatrixDomain) {
    self.kernel = kernel
    self.base = base
    self.domain = domain
    var changes: [Cause.Change] = []
    var version: KernelVersion? = kernel
    while let current = version, current != base {
      for change in current.changes
      where !changes.contains(where: { $0.change.knob == change.knob }) {
        changes.append(Cause.Change(version: current, change: change))
      }
      version = current.baseVersion
    }
    sinceBase = version == nil ? [] : changes
  }

  /// A finding, divided by the lines that its conditions come from.
  func parts(of finding: Check.Finding) -> [Part] {
    let rule = Cause.Line(
      function: finding.decision.function, condition: finding.decision.condition)
    if finding.wrong != nil || finding.verdict == .garbled || finding.verdict == .unreachable {
      let origins = finding.origins.map { origin -> (KernelVersion?, [Cause.Change]) in
        let keys = origin.witness.map { [$0] } ?? finding.conditions.map(\.witness)
        return (origin.since, changes(of: finding, since: origin.since, at: keys))
      }
      return [Part(line: rule, origins: origins, finding: finding)]
    }
    var parts: [Part] = []
    var known: [[[TraceStep]]: (Cause.Line, [Cause.Change])] = [:]
    let boots = TrialBoots()
    for condition in finding.conditions {
      let (line, changes) =
        attribution(of: finding, at: condition.witness, &known, boots) ?? (rule, [])
      let since = finding.origins.first?.since
      if let place = parts.firstIndex(where: { $0.line == line }) {
        parts[place].finding.add(condition)
      } else {
        parts.append(
          Part(line: line, origins: [(since, changes)], finding: finding.part(condition)))
      }
    }
    return parts
  }

  /// What of a version violations at some witnesses take.
  private func changes(
    of finding: Check.Finding, since: KernelVersion?, at keys: [String]
  ) -> [Cause.Change] {
    guard let since, let before = since.baseVersion,
      let key = keys.first, let witness = Witness(key, domain)
    else { return [] }
    let paths = [since, before].map { witness.path($0, withEnd: finding.lint.isAboutLife) }
    // A version that is the first to have a scenario changed nothing for it.
    if paths[1].isEmpty { return [] }
    let ids = Set(paths.joined().map(\.knob))
    let asked = since.changes.filter { ids.contains($0.knob.id) }
    return witness.changes(
      asked.map { Cause.Change(version: since, change: $0) }, from: before, to: since,
      violating: finding.lint, base, TrialBoots())
  }

  /// The question that decides at a witness, and the changes that it is about; nil where no
  /// single change decides.
  private func attribution(
    of finding: Check.Finding, at key: String,
    _ known: inout [[[TraceStep]]: (Cause.Line, [Cause.Change])], _ boots: TrialBoots
  ) -> (Cause.Line, [Cause.Change])? {
    guard let since = finding.origins.first?.since, let witness = Witness(key, domain) else {
      return nil
    }
    let versions: (old: KernelVersion, new: KernelVersion)
    let candidates: [Cause.Change]
    if finding.isNew, let base, !sinceBase.isEmpty {
      (versions, candidates) = ((base, kernel), sinceBase)
    } else if let before = since.baseVersion {
      versions = (before, since)
      candidates = since.changes.map { Cause.Change(version: since, change: $0) }
    } else {
      return nil
    }
    let paths = [versions.new, versions.old].map {
      witness.path($0, withEnd: finding.lint.isAboutLife)
    }
    if let attribution = known[paths] { return attribution }
    let ids = Set(paths.joined().map(\.knob))
    let asked = candidates.filter {
      finding.lint.isAboutBoots || ids.contains($0.change.knob.id)
    }
    let changes = witness.changes(
      asked, from: versions.old, to: versions.new, violating: finding.lint, base, boots)
    guard let first = changes.first else { return nil }
    let line =
      finding.lint.isAboutBoots ? nil : Self.line(deciding: changes, on: paths[0])
    let found =
      line
      ?? Cause.Line(function: first.change.knob.function, condition: first.change.knob.summary)
    known[paths] = (found, changes)
    return (found, changes)
  }

  /// The first question on a path that one of some changes is about and that is answered yes:
  /// a decision about the request before a fact of platform or pool.
  private static func line(deciding changes: [Cause.Change], on path: [TraceStep]) -> Cause.Line? {
    let knobs = changes.map(\.change.knob)
    let decisions = knobs.filter { !$0.isAboutBoot }
    let names = Set((decisions.isEmpty ? knobs : decisions).map(\.id))
    let steps = path.filter { names.contains($0.knob) }
    return (steps.first(where: \.taken) ?? steps.first).map {
      Cause.Line(function: $0.function, condition: $0.condition)
    }
  }
}

extension Check.Finding {
  /// The finding with one of its conditions alone.
  fileprivate func part(_ condition: Condition) -> Check.Finding {
    var part = self
    part.conditions = [condition]
    part.scenarios = condition.scenarios
    return part
  }

  fileprivate mutating func add(_ condition: Condition) {
    conditions.append(condition)
    scenarios += condition.scenarios
  }
}
