import Analysis
import ArgumentParser
import DMAModel
import Foundation
import KernelTree
import MatrixStore
import Reporting
import Support

/// `verify --mbox`: a tree with a series beside the tree without.
extension Verify {
  /// Reads what the options name: mailboxes, mails, diffs, and folders of them.
  static func series(_ mbox: [String]) throws -> PatchSeries? {
    guard !mbox.isEmpty else { return nil }
    var sources: [PatchSeries.Source] = []
    for path in mbox {
      if path == "-" {
        let data = try Input.standardInput(expected: "a patch series")
        sources.append(PatchSeries.Source(name: "standard input", contents: data))
        continue
      }
      for file in try files(of: path) {
        let data = try Input.file(file, option: "--mbox", expected: "a patch series")
        sources.append(
          PatchSeries.Source(name: (file as NSString).lastPathComponent, contents: data))
      }
    }
    return try PatchSeries(sources)
  }

  /// The most files of a folder.
  private static let fileLimit = 10000

  /// A file, or those of a folder by their names: those of a maildir's new and cur, else
  /// those that git format-patch writes, or mailboxes where there are none, or the maildirs
  /// that b4 am writes.
  private static func files(of path: String) throws -> [String] {
    guard Input.isDirectory(path) else { return [path] }
    func names(_ directory: String, areFolders: Bool = false) -> [String] {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      return all.filter { name in
        !name.hasPrefix(".")
          && FileManager.default.fileExists(atPath: directory + "/" + name)
          && Input.isDirectory(directory + "/" + name) == areFolders
      }.sorted()
    }
    func mails(_ maildir: String) -> [String] {
      ["new", "cur"].flatMap { part in
        names(maildir + "/" + part).map { maildir + "/" + part + "/" + $0 }
      }
    }
    var files = mails(path)
    if files.isEmpty {
      let all = names(path)
      for endings in [[".patch", ".diff"], [".mbox", ".mbx", ".mbox.gz", ".eml"]]
      where files.isEmpty {
        files = all.filter { name in endings.contains(where: name.hasSuffix) }
          .map { path + "/" + $0 }
      }
    }
    if files.isEmpty {
      files = names(path, areFolders: true).filter { $0.hasSuffix(".maildir") }
        .flatMap { mails(path + "/" + $0) }
    }
    guard !files.isEmpty, files.count <= fileLimit else {
      throw UsageError(
        description: "--mbox '\(path.printable)' holds "
          + "\(files.isEmpty ? "no" : "too many") patches; accepted: a maildir, or up to "
          + "\(fileLimit) files *.patch, *.diff, *.mbox or *.mbx")
    }
    return files
  }

  /// Applies a series to a copy, evaluates that too and prints what differs.
  ///
  /// Exit status: 1 where something differs, 3 where nothing does, but not all could be
  /// asked.
  func compare(
    _ evaluation: TreeEvaluation, called name: String, with series: PatchSeries,
    _ domain: MatrixDomain, basedOn model: KernelVersion?, _ format: Document.Format
  ) throws {
    for note in series.notes { Output.error(note) }
    let patched = try PatchedTree(
      series, to: evaluation.tree, evaluated: evaluation.neededFiles, cacheDirectory: cache)
    defer { patched.remove() }
    let parts = CompiledParts(evaluation)
    try Self.say(patched, parts)
    /// What became of the patches, where nothing was asked of their result.
    func writeFates() throws {
      try Output.write(
        Document(blocks: seriesBlocks(series, on: name, patched, coverage: nil)).text(format))
    }
    if patched.isAlreadyThere {
      try writeFates()
      Output.error("\(name) has the whole series already; there is nothing to compare")
      throw ExitCode(3)
    }
    let compiled = try Self.compile(
      patched, series, on: evaluation, called: name + "+mbox", domain,
      cache: cache ?? patched.buildDirectory)
    guard let after = compiled else {
      try writeFates()
      throw ExitCode(3)
    }
    // What the series brings in counts too: a function that it calls, a file that it makes.
    try Self.refuse(patched, parts.union(CompiledParts(after)))
    if after.hasTheCode(of: evaluation) {
      let coverage = SeriesCoverage(of: patched, after, to: evaluation.tree, evaluation)
      try Output.write(
        Document(
          blocks: seriesBlocks(
            series, on: name, patched, coverage: coverage, hasTheSameCode: true)
        ).text(format))
      throw ExitCode(3)
    }
    var common = domain
    common.platforms = after.platforms(of: domain.platforms)
    let predicates = Set(evaluation.predicates).union(after.predicates).sorted()
    var blocks: [Document.Block] = []
    var stored: [(kernel: KernelVersion, provenance: String)] = []
    var coverage: SeriesCoverage?
    var differs = false
    for assumption in Assumption.all(of: predicates) {
      // A condition's title tells kernels apart; in a database their names do.
      let suffix = store == nil ? "" : assumption.suffix
      let base = try ask(
        evaluation, called: name + suffix, common, basedOn: model, assuming: assumption)
      let result: KernelVersion
      do {
        result = try ask(
          after, called: name + "+mbox" + suffix, common, basedOn: model, assuming: assumption)
      } catch let error as TreeError {
        guard case .failed(let family, let reason) = error else { throw error }
        try writeFates()
        Output.error(
          "with the series, the \(family) code of \(name) cannot answer: \(reason); `review` says "
            + "since which patch")
        throw ExitCode(3)
      }
      stored += [(base, evaluation.provenance), (result, after.provenance)]
      if let condition = assumption.condition { blocks.append(.title("Where \(condition)")) }
      // What the series changes, and apart from it how far its result is from the model.
      for pair in [[base, result]] + (model.map { [[result, $0]] } ?? []) {
        let comparison = Comparison(pair, domain: common) { Output.progress($0, "comparing") }
        Output.progress(1, "comparing")
        blocks += comparisonDocument(comparison, limit: show).blocks
        differs = differs || !comparison.isEqual
      }
      let looks = try [(evaluation, base), (after, result)].map { state, kernel in
        try state.secondLook(
          at: kernel, common, jobs: jobs.count, from: AnswerCache(cacheDirectory: cache),
          assuming: assumption)
      }
      let witness = CodeWitness(after, result, common, assuming: assumption)
      blocks += unwrittenBlocks(looks[1], limit: show ?? 5, place: witness.place)
      Self.say(witness)
      differs = differs || !looks[1].dependent.isEmpty
      let its = try SeriesCoverage(
        of: patched, after, to: evaluation.tree, evaluation,
        lines: Self.lines((evaluation, looks[0]), (after, looks[1])))
      coverage = coverage?.ran ?? -1 > its.ran ?? -1 ? coverage : its
    }
    if let store {
      try TreeStore.add(
        stored, domain: common, to: store, building: { Interruption.removeOnSignal($0) })
    }
    for text in [
      leftOut(after), Self.defined(elsewhere: predicates, in: [after, evaluation]),
    ] {
      if let text { blocks.append(.paragraph(text)) }
    }
    blocks += seriesBlocks(series, on: name, patched, coverage: coverage)
    try Output.write(Document(blocks: blocks).text(format), isKept: store != nil)
    if differs { throw ExitCode(1) }
    if !after.failures.isEmpty || series.isCut || coverage?.hasUnreached == true {
      throw ExitCode(3)
    }
  }

  /// Compiles a tree with a series; nil, and a sentence, where nothing of it compiles that
  /// does without.
  static func compile(
    _ patched: PatchedTree, _ series: PatchSeries, on base: TreeEvaluation, called name: String,
    _ domain: MatrixDomain, cache: String?
  ) throws -> TreeEvaluation? {
    do {
      return try compile(patched.tree, called: name, domain, cache: cache) {
        patched.explained($0, of: series, on: base, cacheDirectory: cache)
      }
    } catch let error as TreeError {
      guard case .seriesDoesNotCompile = error else { throw error }
      Output.error(error.description)
      return nil
    }
  }

  /// The lines that ran before a series and after it; nil, and a sentence, where no
  /// program tells them.
  static func lines(
    _ before: (TreeEvaluation, SecondLook), _ after: (TreeEvaluation, SecondLook)
  ) throws -> (before: SeriesCoverage.Lines, after: SeriesCoverage.Lines)? {
    do throws(TreeError) {
      return (try before.0.executed(in: before.1), try after.0.executed(in: after.1))
    } catch {
      Output.error("which lines ran is not known: \(error)")
      return nil
    }
  }

  /// Says what was not applied as it stands.
  ///
  /// - Throws: A ``UsageError`` where it may matter.
  static func say(_ patched: PatchedTree, _ parts: CompiledParts) throws {
    for patch in patched.patches {
      let subject = patch.subject.printable(upTo: 100)
      for change in patch.changes {
        for rejection in change.rejections {
          let kind =
            parts.mayDepend(on: change) ? "not applied" : "not applied, and not compiled"
          Output.error("\(kind): \(rejection) (\(subject))")
        }
        for hunk in change.hunks {
          switch hunk.fate {
          case .applied(_, let fuzz) where fuzz > 0:
            Output.error("applied with fuzz \(fuzz): \(change.file):\(hunk.line) (\(subject))")
          case .alreadyApplied where patch.fate != .alreadyThere:
            Output.error("already there: \(change.file):\(hunk.line) (\(subject))")
          default: break
          }
        }
      }
    }
    try refuse(patched, parts)
  }

  /// Ends where a rejected hunk may be code that is asked.
  static func refuse(_ patched: PatchedTree, _ parts: CompiledParts) throws {
    guard let (file, subject, reasons) = patched.blocking(parts).first else { return }
    throw UsageError(
      description: "--mbox does not apply to \(file.printable(upTo: 200)), which is compiled "
        + "(\(subject.printable)): \(reasons.first?.printable(upTo: 300) ?? "rejected")")
  }

  /// Which platforms a tree does not compile for; nil where it does for all.
  func leftOut(_ evaluation: TreeEvaluation) -> String? {
    guard !evaluation.failures.isEmpty else { return nil }
    let asked = (try? board.domain(filters).platforms) ?? Platform.allCases
    let names = evaluation.failures.map { failure in
      asked.filter { $0.family == failure.family }.map(\.name).joined(separator: ", ")
    }
    return "Not asked, because their code does not compile here: \(names.joined(separator: ", "))."
  }
}
