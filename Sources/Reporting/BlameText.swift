import MatrixStore
import Support

/// Which commits of a history changed a scenario's answer: a table, the oldest first.
public func blameDocument(
  _ answers: [HistoryStore.Answer], to key: String, in history: String
) -> Document {
  var rows: [(commit: String, date: String, subject: String, change: String)] = []
  var last: [(column: String, value: String)]?
  var skipped = 0
  for (index, answer) in answers.enumerated() {
    guard answer.isAsked else {
      skipped += 1
      continue
    }
    let change = change(from: last, to: answer.values, isFirst: rows.isEmpty && index == skipped)
    last = answer.values
    guard let change else { continue }
    rows.append((answer.commit.printable, answer.date.printable, answer.subject, change))
  }
  var document = Document(blocks: [
    .title("Who changed it, in \(history.printable(upTo: 200))"),
    .literal(
      foldedScenario(key).split(separator: "\n").map { String($0.dropFirst(2)) }),
  ])
  for row in rows {
    let subject = row.subject.asciiOnly.cut(to: 46)
    document.blocks.append(
      .heading("\(row.commit.prefix(12)) \(row.date.prefix(10)) \(subject)"))
    document.blocks.append(
      .literal(
        folded(row.change, width: 70).split(separator: "\n").map(String.init)))
  }
  let count = max(0, rows.count - 1)
  document.blocks.append(
    .paragraph(
      "\(counted(answers.count, "state")): \(count == 0 ? "no commit" : counted(count, "commit")) "
        + "changed it." + (skipped > 0 ? " \(skipped) could not be asked." : "")))
  return document
}

/// What differs; nil where nothing does.
private func change(
  from old: [(column: String, value: String)]?, to new: [(column: String, value: String)]?,
  isFirst: Bool
) -> String? {
  func name(_ value: String) -> String { value.isEmpty ? "none" : value.printable(upTo: 400) }
  guard let new else { return isFirst ? "no such scenario" : old == nil ? nil : "gone" }
  guard let old else {
    let shown = new.filter { ["result", "verdict", "exposure", "warn"].contains($0.column) }
    return (isFirst ? "" : "new: ")
      + shown.map { "\($0.column)=\(name($0.value))" }.joined(separator: " ")
  }
  let changes = zip(old, new).filter { $0.value != $1.value }.map {
    "\($0.column) \(name($0.value)) -> \(name($1.value))"
  }
  return changes.isEmpty ? nil : changes.joined(separator: ", ")
}

/// Since which commit and until which each finding stands.
public func historyDocument(
  _ findings: [HistoryStore.Standing], in history: String
) -> Document {
  var document = Document(blocks: [.title("Findings of \(history.printable(upTo: 200))")])
  if findings.isEmpty { document.blocks.append(.paragraph("No state violates a lint.")) }
  for finding in findings {
    document.blocks.append(
      .heading(
        "\(finding.lint.printable): \(finding.finding.printable(upTo: 400)), "
          + scenarioCount(finding.scenarios)))
    func commit(_ end: (commit: String, subject: String)?, _ none: String) -> String {
      end.map { "\($0.commit.printable(upTo: 12)) \($0.subject.asciiOnly.cut(to: 46))" } ?? none
    }
    let lines = [
      "since  " + commit(finding.since, "the start, or earlier"),
      "until  " + commit(finding.until, "the end: it stands"),
    ]
    let key = foldedKey(finding.witness).split(separator: "\n").map { String($0.dropFirst(4)) }
    document.blocks.append(.literal(lines + key))
  }
  return document
}
