import Analysis
import ArgumentParser
import DMAModel
import Foundation
import KernelTree
import MatrixStore
import Reporting
import Support

/// The commits that `--git` names.
struct History {
  let repository: GitRepository
  /// One, or the one before a range and those of the range, the oldest first.
  let commits: [GitCommit]
  let last: GitCommit
  let isRange: Bool

  /// - Parameter revision: A revision, or A..B.
  init(_ path: String, _ revision: String) throws {
    repository = try GitRepository(path: path)
    guard let dots = revision.firstRange(of: "..") else {
      last = try repository.commit(revision)
      (commits, isRange) = ([last], false)
      return
    }
    func end(_ text: Substring) -> String { text.isEmpty ? "HEAD" : String(text) }
    guard !revision[dots.upperBound...].hasPrefix(".") else {
      throw UsageError(
        description: "'\(revision.printable)' is no range; accepted: A..B, of which B comes later")
    }
    let (old, new) = (revision[..<dots.lowerBound], revision[dots.upperBound...])
    commits = try repository.commits(from: end(old), to: end(new))
    last = commits[commits.count - 1]
    isRange = true
  }
}

/// `verify --git`: states of a tree from a repository.
extension Verify {
  /// The lints that a state violates.
  fileprivate static func findings(
    of kernel: KernelVersion, _ domain: MatrixDomain
  ) -> [StoredState.Finding] {
    Check(kernel, base: nil, domain: domain).findings.map { finding in
      StoredState.Finding(
        lint: finding.lint.rawValue,
        text: finding.headline,
        scenarios: finding.scenarios,
        witness: finding.conditions.first?.witness ?? "")
    }
  }

  /// The commits that the options name; nil with `--tree`.
  func history(_ expectation: Expectation?, _ domain: MatrixDomain) throws -> History? {
    guard let git else {
      guard tree != nil else {
        throw UsageError(
          description: "nothing to verify; accepted: --tree with a kernel tree, or --git with a "
            + "repository")
      }
      if let revision {
        throw UsageError(
          description: "'\(revision.printable)' is a revision, which needs --git; accepted with "
            + "--tree: none")
      }
      return nil
    }
    guard tree == nil else {
      throw UsageError(description: "--git and --tree both say what to verify; accepted: one")
    }
    let history = try History(git, revision ?? "HEAD")
    guard history.isRange else { return history }
    let others: [(String, Bool)] = [
      ("--against", against != nil), ("--mbox", !mbox.isEmpty),
      ("--name", name != nil && store == nil),
      ("--expect", expectation != nil),
      ("--shard", domain.shard != nil && store != nil),
    ]
    if let (option, _) = others.first(where: \.1) {
      throw UsageError(
        description: "\(option) is for one state, and '\((revision ?? "").printable)' is a range; "
          + "accepted: one revision")
    }
    return history
  }

  /// Asks every state of a range, and prints in a row for each what it changes.
  func walk(
    _ history: History, _ domain: MatrixDomain, _ format: Document.Format, in store: String?
  ) throws {
    try Consent.ask(for: history.repository.path, yes: yes)
    var walked: [Walked] = []
    func asked(_ assumption: Assumption) throws -> [String] {
      var its = Walked(HistorySteps(domain: domain), suffix: assumption.suffix)
      let found = try Self.states(
        of: history, domain, jobs: jobs.count, cache: cache, assuming: assumption,
        isQuiet: !walked.isEmpty
      ) { its.add($0, domain, isKept: store != nil) }
      walked.append(its)
      return found
    }
    let predicates = try asked(.none)
    let assumptions = Assumption.all(of: predicates)
    for assumption in assumptions.dropFirst() { _ = try asked(assumption) }
    for (index, assumption) in assumptions.enumerated() {
      walked[index].steps.condition = assumption.condition
    }
    if let store {
      // The last that is stored is what blame asks unless a history is named: "no" from all.
      for its in walked.reversed() { try keep(its, of: history, domain, in: store) }
    }
    let (all, ends) = (walked.map(\.steps), walked[0].ends)
    var blocks = all.flatMap { $0.document(of: history.repository.path).blocks }
    var depends = false
    if let last = ends.last, let witness = walked[0].witness {
      let (unwritten, its) = try unwritten(
        in: last.kernel, last.state, domain, witness, assumptions[0])
      (blocks, depends) = (blocks + unwritten, its)
      Self.say(witness)
    }
    if let text = Self.defined(elsewhere: predicates, in: ends.map(\.state)) {
      blocks.append(.paragraph(text))
    }
    let coverage =
      ends.count == 2 ? try Self.coverage(history, ends, domain, jobs.count, cache) : nil
    if let coverage { blocks.append(coverageBlock(coverage)) }
    try Output.write(Document(blocks: blocks).text(format), isKept: store != nil)
    if all.contains(where: \.differs) || depends { throw ExitCode(1) }
    if all[0].isIncomplete || all.allSatisfy(\.isAlike) || coverage?.hasUnreached == true {
      throw ExitCode(3)
    }
  }

  /// The states of a range under an assumption.
  private struct Walked {
    var steps: HistorySteps
    /// Of the names in a database: `+device_cc_accepted`.
    let suffix: String
    /// The last state that can be asked.
    private(set) var witness: CodeWitness?
    private(set) var ends: [(state: TreeEvaluation, kernel: KernelVersion)] = []
    private(set) var stored: [StoredState] = []
    private(set) var kernels: [(kernel: KernelVersion, provenance: String)] = []

    init(_ steps: HistorySteps, suffix: String) { (self.steps, self.suffix) = (steps, suffix) }

    /// - Parameter isKept: Whether it gets into a database.
    mutating func add(_ state: GitWalk.State, _ domain: MatrixDomain, isKept: Bool) {
      steps.add(state)
      if let evaluation = state.evaluation, let kernel = state.kernel {
        ends = ends.prefix(1) + [(evaluation, kernel)]
        witness = CodeWitness(state, domain, assuming: .none)
      }
      guard isKept else { return }
      if let kernel = state.kernel, !state.isAlike { kernels.append((kernel, state.provenance)) }
      let findings =
        state.isAlike
        ? stored.last?.findings : state.kernel.map { Verify.findings(of: $0, domain) }
      stored.append(
        StoredState(
          commit: state.commit.id, date: state.commit.date, subject: state.commit.subject,
          kernel: state.kernel == nil ? nil : kernels.last?.kernel.name, findings: findings ?? []))
    }
  }

  /// Puts the states of a range into a database.
  private func keep(
    _ walked: Walked, of history: History, _ domain: MatrixDomain, in store: String
  ) throws {
    let ends = [history.commits[0], history.last].map { String($0.id.prefix(12)) }
    let name = (name ?? ends.joined(separator: "..")) + walked.suffix
    try HistoryStore.add(
      name, of: history.repository.path, states: walked.stored, kernels: walked.kernels,
      domain: domain, to: store, toolVersion: toolVersion,
      building: { Interruption.removeOnSignal($0) })
    Output.error(
      "\(store.printable): history '\(name.printable(upTo: 200))', \(walked.stored.count) states, "
        + "\(walked.kernels.count) different")
  }

  /// How much of what a range changes was asked.
  static func coverage(
    _ history: History, _ ends: [(state: TreeEvaluation, kernel: KernelVersion)],
    _ domain: MatrixDomain, _ jobs: Int, _ cache: String?
  ) throws -> SeriesCoverage? {
    let answers = try AnswerCache(cacheDirectory: cache)
    let looks = try ends.map {
      try $0.state.secondLook(at: $0.kernel, domain, jobs: jobs, from: answers)
    }
    return try SeriesCoverage(
      history.repository, from: history.commits[0], ends[0].state, to: history.last,
      ends[1].state, lines: lines((ends[0].state, looks[0]), (ends[1].state, looks[1])))
  }

  /// Asks states one after the other.
  ///
  /// - Parameters:
  ///   - assumption: What functions answer that are defined elsewhere; those that it does not
  ///     name say no.
  ///   - isQuiet: Nothing is said of states that cannot be asked.
  /// - Returns: Those functions.
  @discardableResult static func states(
    of history: History, _ domain: MatrixDomain, jobs: Int, cache: String?,
    assuming assumption: Assumption = .none, isQuiet: Bool = false,
    each: (GitWalk.State) throws -> Void
  ) throws -> [String] {
    var walk = try GitWalk(
      history.repository, domain: domain, policy: KernelVersion.latest.policy,
      jobs: jobs, cacheDirectory: cache, assuming: assumption)
    var said: Set<String> = []
    for (index, commit) in history.commits.enumerated() {
      let name = String(commit.id.prefix(12))
      let done = Double(index) / Double(history.commits.count)
      Output.progress(done, "asking \(name), \(index + 1) of \(history.commits.count)")
      let state = try walk.next(commit, named: name + assumption.suffix)
      if let failure = state.failure, !isQuiet {
        Output.error("\(name) cannot be asked: \(failure)")
      }
      // What is missing from all states is said of the first.
      let failures = state.failures.map { "\($0.name) is left out: \($0.error)" }
      for failure in failures where !isQuiet && !said.contains(failure) {
        Output.error("\(name), \(failure)")
      }
      said = Set(failures)
      try each(state)
    }
    Output.progress(1, "asking")
    try walk.finish()
    return walk.predicates.sorted()
  }
}
