import KernelTree
import Support

/// What became of a series on a tree, and how much of it was asked.
///
/// - Parameter coverage: Nil where the result was not compiled.
public func seriesBlocks(
  _ series: PatchSeries, on tree: String, _ patched: PatchedTree, coverage: SeriesCoverage?,
  hasTheSameCode: Bool = false
) -> [Document.Block] {
  var blocks: [Document.Block] = [.heading("The series on \(tree)")]
  var notes: [String] = []
  if let commit = series.baseCommit { notes.append("It says that its base is \(commit).") }
  if series.prerequisites > 0 {
    notes.append(
      "It says that it needs \(series.prerequisites) "
        + "\(series.prerequisites == 1 ? "patch" : "patches") before it; whether they are in the "
        + "tree was not looked up.")
  }
  notes += series.notes.map { $0.prefix(1).uppercased() + $0.dropFirst() + "." }
  for note in notes { blocks.append(.paragraph(note)) }
  blocks.append(.literal(patched.patches.flatMap(lines)))
  if let coverage { blocks.append(.paragraph(sentence(coverage, hasTheSameCode))) }
  return blocks
}

/// `applied        [PATCH 1/2] ...`, and what was rejected of it.
private func lines(_ patch: PatchedTree.Patch) -> [String] {
  let width = PatchedTree.Fate.alreadyThere.text.count + 2
  let name = patch.subject.isEmpty ? "(no subject)" : patch.subject.printable(upTo: 200)
  let subject = foldedProse(name, width: 70 - width)
  var lines = subject.enumerated().map { index, line in
    (index == 0 ? patch.fate.text : "").padded(to: width) + line
  }
  for change in patch.changes {
    for rejection in change.rejections {
      let text = rejection + " (not compiled)"
      lines += folded(text.printable(upTo: 400), width: 70, indent: "  ", hanging: "    ")
        .split(separator: "\n").map(String.init)
    }
  }
  return lines
}

/// What was really asked of a series.
private func sentence(_ coverage: SeriesCoverage, _ hasTheSameCode: Bool) -> String {
  let lines = coverageSentence(coverage, of: "The series as applied")
  return hasTheSameCode
    ? "Nothing of this series is compiled here: the code that is asked is the same with and "
      + "without it. " + lines
    : lines
}

/// How much of what a range of commits changes was asked.
public func coverageBlock(_ coverage: SeriesCoverage) -> Document.Block {
  let lines = coverageSentence(coverage, of: "The range")
  if coverage.total == 0 {
    return .paragraph("The range changes no line of code in sum: its ends are alike.")
  }
  return .paragraph(
    coverage.compiled == 0 ? "Nothing of this range is compiled here. " + lines : lines)
}

/// How many changed lines were compiled and ran.
///
/// - Parameter what: `The series as applied`.
func coverageSentence(_ coverage: SeriesCoverage, of what: String) -> String {
  let (ran, rest) = (coverage.ran, coverage.notReached)
  var compiled = "\(coverage.compiled) in code that is compiled here"
  if let ran, let rest, coverage.compiled > 0 {
    compiled +=
      " (\(ran) ran for some scenario, \(rest) did for none, "
      + "\(coverage.compiled - ran - rest) without code of their own)"
  }
  return "\(what) changes \(coverage.total) \(coverage.total == 1 ? "line" : "lines"): "
    + "\(compiled), \(coverage.beside) in files of which other parts are\(unset(coverage)), "
    + "\(coverage.ported) "
    + "in files that the harness replaces\(replaced(coverage)), \(coverage.outside) in other files"
    + (coverage.silent == 0
      ? "." : "; blank lines and comments beside them: \(coverage.silent).")
    + unreached(coverage)
}

/// ` (under CONFIG_DMA_API_DEBUG 3, as the harness is configured)`: up to 4 symbols.
private func unset(_ coverage: SeriesCoverage) -> String {
  coverage.unset.isEmpty
    ? ""
    : " (under \(countsText(coverage.unset, upTo: 4, length: 60)), as the harness is configured)"
}

/// ` No scenario reaches kernel/dma/direct.h:118, ....`: of up to 6 lines.
private func unreached(_ coverage: SeriesCoverage) -> String {
  coverage.unreached.isEmpty
    ? "" : " No scenario reaches \(HistorySteps.list(coverage.unreached, upTo: 6))."
}

/// ` and does not read (include/linux/pci.h 12, lib/genalloc.c 3)`: of up to 8 files.
private func replaced(_ coverage: SeriesCoverage) -> String {
  coverage.portedFiles.isEmpty
    ? "" : " and does not read (\(countsText(coverage.portedFiles, upTo: 8, length: 200)))"
}

/// `include/linux/pci.h 12, lib/genalloc.c 3 and 2 more`, the largest count first.
private func countsText(_ counts: [String: Int], upTo limit: Int, length: Int) -> String {
  let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
  return HistorySteps.list(
    sorted.map { "\($0.key.printable(upTo: length)) \($0.value)" }, upTo: limit)
}

extension PatchedTree.Fate {
  /// A word or two for a list.
  var text: String {
    switch self {
    case .applied: "applied"
    case .fuzzy(let lines): "fuzzy (\(lines))"
    case .alreadyThere: "already there"
    case .empty: "no lines"
    case .inPart: "in part"
    case .rejected: "rejected"
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
