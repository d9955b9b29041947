import Analysis
import ArgumentParser
import DMAModel
import Foundation
import KernelTree
import MatrixStore
import Reporting
import Support

/// `verify` of one state of a tree against a model.
extension Verify {
  /// Asks a compiled tree, compares it with a model and prints what differs.
  ///
  /// Exit status: 1 where something differs or depends on unwritten memory, 3 where nothing
  /// does, but not all could be asked.
  func agree(
    _ evaluation: TreeEvaluation, called name: String, _ domain: MatrixDomain,
    basedOn model: KernelVersion?, _ format: Document.Format
  ) throws {
    var blocks: [Document.Block] = []
    var stored: [(kernel: KernelVersion, provenance: String)] = []
    var differs = false
    for assumption in Assumption.all(of: evaluation.predicates) {
      let base = try ask(
        evaluation, called: name + (store == nil ? "" : assumption.suffix), domain, basedOn: model,
        assuming: assumption)
      stored.append((base, evaluation.provenance))
      let nearest = model ?? Agreement.nearest(to: base, among: KernelVersion.all, domain: domain)
      guard let nearest else {
        throw UsageError(description: "no modelled kernel to compare with")
      }
      let agreement = Agreement(model: nearest, code: base, domain: domain, limit: show ?? 20) {
        Output.progress($0, "comparing")
      }
      Output.progress(1, "comparing")
      guard agreement.scenarios > 0 || domain.shard != nil else {
        throw UsageError.noScenario(
          on: "\(base.name) and \(nearest.name)",
          domain.missingCall(of: nearest.policy) ?? domain.missingCall(of: base.policy))
      }
      let witness = CodeWitness(evaluation, base, domain, assuming: assumption)
      let notes =
        (domain.shard.map { ["Part \($0) of the booted machines."] } ?? [])
        + [
          domain.conditions == .ordinary
            ? nil : "In every boot \(domain.conditions.fill.summary).",
          leftOut(evaluation),
          Self.defined(elsewhere: evaluation.predicates, in: [evaluation]),
          Self.release(of: evaluation.tree, agreement),
        ].compactMap { $0 }
      let (unwritten, depends) = try unwritten(in: base, evaluation, domain, witness, assumption)
      blocks +=
        agreementDocument(
          agreement, notes: notes, where: assumption.condition, place: witness.place
        ).blocks + unwritten
      Self.say(witness)
      differs = differs || !agreement.isComplete || depends
    }
    if let store {
      try TreeStore.add(
        stored, domain: domain, to: store, building: { Interruption.removeOnSignal($0) })
    }
    try Output.write(Document(blocks: blocks).text(format), isKept: store != nil)
    if differs { throw ExitCode(1) }
    if !evaluation.failures.isEmpty { throw ExitCode(3) }
  }

  /// What of some answers depends on memory that nobody has written.
  func unwritten(
    in kernel: KernelVersion, _ evaluation: TreeEvaluation, _ domain: MatrixDomain,
    _ witness: CodeWitness, _ assumption: Assumption
  ) throws -> (blocks: [Document.Block], depends: Bool) {
    let look = try evaluation.secondLook(
      at: kernel, domain, jobs: jobs.count, from: AnswerCache(cacheDirectory: cache),
      assuming: assumption)
    return (unwrittenBlocks(look, limit: show ?? 5, place: witness.place), !look.dependent.isEmpty)
  }

  /// Says which point release a tree is beside the model's, and whether what differs is
  /// known of others.
  static func release(of tree: SourceTree, _ agreement: Agreement) -> String? {
    guard let releases = PointReleases.of(agreement.model) else { return nil }
    if agreement.differsAsOlderReleases, !releases.different.isEmpty {
      return "It differs from the model of \(agreement.model.name), taken from \(releases.model), "
        + "as \(releases.different.joined(separator: " and ")) "
        + "\(releases.different.count == 1 ? "does" : "do"): \(PointReleases.difference)."
    }
    guard let version = tree.version, version != releases.model,
      version.hasPrefix(agreement.model.name + "."), !agreement.isComplete
    else { return nil }
    return "The model was taken from \(releases.model), and this is \(version)."
  }

  /// Says what is answered both ways; nil where nothing is.
  ///
  /// - Parameter states: Those that have the functions.
  static func defined(elsewhere predicates: [String], in states: [TreeEvaluation]) -> String? {
    guard !predicates.isEmpty else { return nil }
    let names = predicates.map { "\($0)()" }.joined(separator: ", ")
    let headers = predicates.compactMap { name in
      states.lazy.compactMap { $0.header(defining: name) }.first.map {
        " \(name)() is defined in \($0.printable(upTo: 200)), which the harness replaces and "
          + "does not read."
      }
    }
    return "What \(names) \(predicates.count == 1 ? "says" : "say") is decided in code that is "
      + "not compiled here: both answers are shown, and other effects of the call are not."
      + headers.joined()
  }

  /// Says once why no place in the code is named.
  static func say(_ witness: CodeWitness) {
    if let error = witness.error { Output.error("no places in the code: \(error)") }
  }
}
