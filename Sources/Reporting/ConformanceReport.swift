import Conformance
import DMAModel

/// The result of a conformance check as plain text.
///
/// The last line holds the totals.
public func conformanceText(_ check: ConformanceCheck) -> String {
  var text = ""
  var table = TextTable(
    columns: [TextTable.Column("kernel"), TextTable.Column("column")]
      + ["compared", "matched", "mismatched"].map { TextTable.Column($0, alignment: .trailing) })
  for kernel in KernelVersion.known + check.variants {
    guard let tallies = check.tallies[kernel.name] else { continue }
    for (name, tally) in zip(Vector.columnNames, tallies) where tally.compared > 0 {
      table.rows.append([
        kernel.name, name, String(tally.compared), String(tally.matched),
        String(tally.mismatched),
      ])
    }
  }
  text += table.text()
  for rule in Exclusion.allCases {
    guard let count = check.excluded[rule], let first = check.firstExcluded[rule] else { continue }
    text += folded(
      "\(count) \(count == 1 ? "row" : "rows") excluded by \(rule.name): \(rule.summary) "
        + "(first: \(first.file):\(first.line))")
  }
  for mismatch in check.mismatches {
    text += "\n\(mismatch.file):\(mismatch.line): \(mismatch.kernel) \(mismatch.scenario.key)\n"
    for column in mismatch.columns {
      text += "  \(column.name): measured '\(column.measured)', model '\(column.model)'\n"
    }
    text += "  model decides in \(mismatch.decision.name)\n"
  }
  if check.mismatchedRows > check.mismatches.count {
    text += "\n\(check.mismatchedRows - check.mismatches.count) further rows differ\n"
  }
  let total = check.total
  let excluded = check.excluded.values.reduce(0, +)
  let counts =
    "total: \(check.rows) rows, \(total.compared) compared, \(total.matched) matched, "
    + "\(total.mismatched) mismatched, \(excluded) excluded"
  return text + "\n" + folded(counts)
}
