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
  /// those that git format-patch writes, or mailboxes where there are none.
  private static func files(of path: String) throws -> [String] {
    guard Input.isDirectory(path) else { return [path] }
    func names(_ directory: String) -> [String] {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      return all.filter { name in
        var isDirectory: ObjCBool = false
        return !name.hasPrefix(".")
          && FileManager.default.fileExists(
            atPath: directory + "/" + name, isDirectory: &isDirectory)
          && !isDirectory.boolValue
      }.sorted()
    }
    var files = ["new", "cur"].flatMap { part in
      names(path + "/" + part).map { path + "/" + part + "/" + $0 }
    }
    if files.isEmpty {
      let all = names(path)
      for endings in [[".patch", ".diff"], [".mbox", ".mbx", ".mbox.gz", ".eml"]]
      where files.isEmpty {
        files = all.filter { name in endings.contains(where: name.hasSuffix) }
          .map { path + "/" + $0 }
      }
    }
    guard !files.isEmpty, files.count <= fileLimit else {
      throw UsageError(
        description: "--mbox '\(path.printable)' holds "
          + "\(files.isEmpty ? "no" : "too many") patches; accepted: a maildir, or up to "
          + "\(fileLimit) files *.patch, *.diff or *.mbox")
    }
    return files
  }

  /// Applies a series to a copy, evaluates that too and prints what differs.
  ///
  /// Exit status: 1 where something differs, 3 where nothing does, but not all could be
  /// asked.
  func compare(
    _ base: KernelVersion, _ evaluation: TreeEvaluation, with series: PatchSeries,
    _ domain: MatrixDomain, basedOn model: KernelVersion?, _ format: Document.Format
  ) throws {
    for note in series.notes { Output.error(note) }
    let patched = try PatchedTree(
      series, to: evaluation.tree, evaluated: evaluation.files, cacheDirectory: cache)
    defer { patched.remove() }
    let parts = CompiledParts(evaluation)
    try Self.say(patched, parts)
    if patched.isAlreadyThere {
      try Output.write(
        Document(blocks: seriesBlocks(series, on: base.name, patched, coverage: nil)).text(format))
      Output.error("\(base.name) has the whole series already; there is nothing to compare")
      throw ExitCode(3)
    }
    let after = try compile(
      patched.tree, called: base.name + "+mbox", domain, cache: patched.buildDirectory)
    // What the series brings in counts too: a function that it calls, a file that it makes.
    try Self.refuse(patched, parts.union(CompiledParts(after)))
    let coverage = SeriesCoverage(of: patched, after, to: evaluation.tree, evaluation)
    if after.hasTheCode(of: evaluation) {
      try Output.write(
        Document(
          blocks: seriesBlocks(
            series, on: base.name, patched, coverage: coverage, hasTheSameCode: true)
        ).text(format))
      throw ExitCode(3)
    }
    var common = domain
    common.platforms = after.platforms(of: domain.platforms)
    let result = try ask(after, called: base.name + "+mbox", common, basedOn: model)
    if let store {
      try TreeStore.add(
        [(base, evaluation.provenance), (result, after.provenance)], domain: common, to: store,
        building: { Interruption.removeOnSignal($0) })
    }
    let comparison = Comparison([base, result] + (model.map { [$0] } ?? []), domain: common) {
      Output.progress($0, "comparing")
    }
    Output.progress(1, "comparing")
    var document = comparisonDocument(comparison, limit: show)
    if let text = Self.leftOut(after) { document.blocks.append(.paragraph(text)) }
    document.blocks += seriesBlocks(series, on: base.name, patched, coverage: coverage)
    try Output.write(document.text(format), isKept: store != nil)
    if !comparison.isEqual { throw ExitCode(1) }
    if !after.failures.isEmpty || series.isCut { throw ExitCode(3) }
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
  static func leftOut(_ evaluation: TreeEvaluation) -> String? {
    guard !evaluation.failures.isEmpty else { return nil }
    let names = evaluation.failures.map { failure in
      Platform.allCases.filter { $0.family == failure.family }.map(\.name).joined(separator: ", ")
    }
    return "Not asked, because their code does not compile here: \(names.joined(separator: ", "))."
  }
}
