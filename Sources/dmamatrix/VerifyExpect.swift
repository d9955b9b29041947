import Analysis
import ArgumentParser
import DMAModel
import Foundation
import KernelTree
import Reporting
import Support

/// What `--expect` says: a scenario, and what its answer must be.
struct Expectation {
  /// One column: any of some values, or none of them.
  fileprivate struct Term {
    let column: String
    let values: [String]
    let isNegated: Bool
    let text: String
  }

  private let terms: [Term]

  private static let columns =
    Answer.columnNames + ["verdict", "exposure"]
    + LifeAnswer.columnNames.filter { $0 != "transient_from" } + ["atomic_call"]

  /// - Parameter filters: Get the scenario's axes.
  init(_ text: String, filters: inout AxisFilters) throws {
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    let isTerm = { (word: String) in word.contains("=") && !word.contains("/") }
    terms = try words.filter(isTerm).map(Self.term)
    let key = words.filter { !isTerm($0) }
    guard !key.isEmpty, !terms.isEmpty else {
      throw UsageError(
        description: "--expect '\(text.printable(upTo: 200))' has no "
          + "\(key.isEmpty ? "scenario's key" : "COLUMN=VALUE"); accepted: 'KEY result=bounce'")
    }
    var circumstance = try CircumstanceOptions.parse([])
    try ScenarioKeyArgument(key).fill(&filters, &circumstance)
    guard try circumstance.circumstance() == .ordinary else {
      throw UsageError(
        description: "--expect names a circumstance, which no tree is asked in; accepted: a key "
          + "without")
    }
    guard filters.kernel.isEmpty else {
      throw UsageError(
        description: "--expect names the kernel '\(filters.kernel[0].printable)'; accepted: a key "
          + "without, it is the tree that is asked")
    }
  }

  private static func term(_ word: String) throws -> Term {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let isNegated = parts[0].hasSuffix("!")
    let column = String(isNegated ? parts[0].dropLast() : parts[0])
    guard columns.contains(column) else {
      throw UsageError(
        description: "--expect's column '\(column.printable)' is unknown; accepted: "
          + columns.joined(separator: ", "))
    }
    let values = parts[1].split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    if let known = accepted(column), let value = values.first(where: { !known.contains($0) }) {
      throw UsageError(
        description: "--expect's \(column) '\(value.printable)' is unknown; accepted: "
          + known.joined(separator: ", "))
    }
    return Term(column: column, values: values, isNegated: isNegated, text: word)
  }

  /// The values of a column; nil for numbers and messages.
  private static func accepted(_ column: String) -> [String]? {
    func names<Value: AxisValue>(_: Value.Type) -> [String] { Value.knownNames }
    return switch column {
    case "result": names(AnswerResult.self)
    case "enc": names(AddressEncoding.self)
    case "mem_state", "pte": names(MemoryState.self)
    case "verdict": names(Verdict.self)
    case "exposure": names(Exposure.self)
    case "pool_kind": names(BouncePool.self)
    case "unmap_copy": names(UnmapCopy.self)
    case "slots_after": names(SlotsAfter.self)
    case "state_after": names(StateAfter.self)
    case "owner_after": names(OwnerAfter.self)
    case "atomic_call": names(AtomicCall.self)
    default: nil
    }
  }

  /// Whether any kernel has the scenario: not every value goes with every other.
  func isPossible(in domain: MatrixDomain, _ policy: Policy) -> Bool {
    domain.boots.contains { boot in
      domain.requests(on: boot, policies: [policy]).contains { _ in true }
    }
  }

  /// What a kernel answers instead; empty where all holds, nil where it has no such
  /// scenario.
  func failures(of kernel: KernelVersion, _ domain: MatrixDomain) -> [String]? {
    var failures: [String] = []
    var asked = 0
    for boot in domain.boots {
      guard let recorded = kernel.recorded?.boot(boot) else { continue }
      for var request in domain.requests(on: boot, policies: [kernel.policy]) {
        for mask in domain.masks {
          request.mask = mask
          guard let cycle = recorded.cycle(of: request) else { continue }
          asked += 1
          let values = Dictionary(cycle.columns(boot.platform, request)) { $1 }
          failures += terms.filter { !$0.holds(values) }.map { term in
            "\(boot.scenario(request).key): \(term.column)=\(values[term.column] ?? "")"
          }
        }
      }
    }
    return asked == 0 ? nil : failures
  }

  /// The conditions as they were written.
  var text: String { terms.map(\.text).joined(separator: " ") }
}

extension Expectation.Term {
  /// Whether it holds; a column of messages has one of several.
  func holds(_ values: [String: String]) -> Bool {
    let value = values[column] ?? ""
    let parts =
      column.hasPrefix("warn") ? value.split(separator: ";").map(String.init) : [value]
    let isThere =
      parts.contains { self.values.contains($0) }
      || parts.isEmpty && self.values.contains { $0.isEmpty || $0 == "none" }
    return isThere != isNegated
  }
}

extension Verify {
  /// The status by which git bisect skips a state, and the one by which it stops.
  private static let (skip, stop): (Int32, Int32) = (125, 128)

  /// Asks a state for one scenario.
  ///
  /// - Throws: Exit status 1 where the expectation does not hold, 125 where the state cannot
  ///   be asked, 128 where none can.
  func check(_ expectation: Expectation, _ history: History?, _ domain: MatrixDomain) throws {
    guard mbox.isEmpty, against == nil, store == nil else {
      throw UsageError(
        description: "--expect asks one scenario of one state; accepted without --mbox, "
          + "--against and --store")
    }
    guard domain.platforms.count > 0 else {
      throw UsageError(description: "--expect names a platform that the harness cannot express")
    }
    guard expectation.isPossible(in: domain, KernelVersion.latest.policy) else {
      Output.error(
        "--expect names no scenario: its parts do not go together, in whatever kernel; `explain` "
          + "of the key says why")
      throw ExitCode(Self.stop)
    }
    let place = history?.repository.path ?? tree ?? ""
    try Consent.ask(for: place, yes: yes)
    let name: String
    var kernels: [(kernel: KernelVersion, condition: String?)] = []
    do {
      let evaluation: TreeEvaluation
      // What is read of a commit is there as long as its state.
      var state: GitState?
      if let history {
        name = String(history.last.id.prefix(12))
        let its = try GitState(history.last, of: history.repository, cacheDirectory: cache)
        evaluation = try its.evaluation(
          for: domain.platforms, cacheDirectory: cache, after: nil)
        state = its
      } else {
        name = place.printable(upTo: 200)
        evaluation = try compile(SourceTree(path: place), called: name, domain)
      }
      defer { withExtendedLifetime(state) {} }
      for assumption in Assumption.all(of: evaluation.predicates) {
        kernels.append(
          (
            try ask(
              evaluation, called: "tree", domain, basedOn: nil, assuming: assumption),
            assumption.condition
          ))
      }
    } catch let error as TreeError {
      Output.error(error.description)
      throw ExitCode(error.isOfTheTree ? Self.skip : Self.stop)
    }
    var failures: [String] = []
    for (kernel, condition) in kernels {
      guard let its = expectation.failures(of: kernel, domain) else {
        Output.error("\(name) has no such scenario")
        throw ExitCode(Self.skip)
      }
      failures += its.map { $0 + (condition.map { ", where \($0)" } ?? "") }
    }
    if failures.isEmpty {
      return try Output.write("\(name): \(expectation.text) holds\n")
    }
    let shown = failures.prefix(show ?? 20).map { "\(name): \($0)\n" }.joined()
    try Output.write(
      shown + (failures.count > (show ?? 20) ? "and \(failures.count - (show ?? 20)) more\n" : ""))
    throw ExitCode(1)
  }
}
