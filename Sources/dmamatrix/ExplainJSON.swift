import Analysis
import BootInputs
import DMAModel
import Reporting
import Support

extension ExplainQuestion {
  /// Facts and answers as one JSON object.
  ///
  /// - Parameter error: Why there are no answers, where that is an error.
  func json(error: String? = nil) throws -> String {
    var answers: [String] = []
    if error == nil, !isUnmodelled, !platforms.isEmpty, !kernels.isEmpty || !hasFindings {
      for question in try cases() {
        for buffer in try buffers(of: question.scenario, on: question.machine) {
          var question = question
          question.scenario.buffer = buffer
          for kernel in question.kernels {
            answers += try spans(of: question, by: kernel).map { object(of: $0, question) }
          }
        }
      }
    }
    let failures = groupedFailures().map { failure, places in
      let diagnosis = failure.diagnosis(in: facts)
      return Self.object([
        ("device", Self.string(failure.device)), ("places", Self.list(places)),
        ("decision", Self.string(diagnosis.decision.rawValue)),
        ("reason", Self.string(diagnosis.reason)), ("helps", Self.list(diagnosis.helps)),
        ("does_not_help", Self.list(diagnosis.doesNotHelp)),
        ("source", Self.string(diagnosis.source)),
      ])
    }
    var fields = [
      ("facts", factsJSON()), ("notes", Self.list(notes)),
      ("failures", "[\(failures.joined(separator: ",\n"))]"),
      ("answers", "[\(answers.joined(separator: ",\n"))]"),
    ]
    if let error { fields.append(("error", Self.string(error))) }
    return Self.object(fields) + "\n"
  }

  private func factsJSON() -> String {
    guard let facts else { return "null" }
    let pool = facts.memory.pool.map { pool in
      Self.object([
        ("first", Self.string(pool.first.hexadecimal)),
        ("last", Self.string(pool.last.hexadecimal)), ("bytes", String(pool.range.length)),
      ])
    }
    let ram = facts.memory.machine.map { machine in
      Self.object([
        ("bytes", String(machine.size)), ("ranges", Self.list(machine.ram.map(\.text))),
      ])
    }
    var modes: [String] = []
    for possibility in facts.iommu.possibilities {
      let name: IOMMUMode =
        switch possibility.mode {
        case .none, .off: .none
        case .passthrough: .passthrough
        case .translated, .lazy, .strict: .translated
        }
      if !modes.contains(name.name) { modes.append(name.name) }
    }
    let zones = facts.memory.zones.map { zone in
      Self.object([
        ("name", Self.string(zone.name)), ("range", Self.string(zone.range?.text)),
      ])
    }
    let groups = facts.iommu.groups.map { group in
      Self.object([
        ("device", Self.string(group.device)), ("group", String(group.group)),
        ("line", String(group.line)),
      ])
    }
    let evidence = (facts.findings + facts.iommu.conclusions).map { finding in
      Self.object([
        ("line", finding.line.map(String.init) ?? "null"), ("text", Self.string(finding.text)),
      ])
    }
    return Self.object([
      ("kernel", Self.string(facts.release)), ("platform", Self.string(facts.platform.name)),
      ("platforms", Self.list(facts.platform.platforms.map(\.name))),
      ("iommu", Self.list(modes)), ("groups", "[\(groups.joined(separator: ",\n"))]"),
      ("pool", pool ?? "null"), ("ram", ram ?? "null"),
      ("zones", "[\(zones.joined(separator: ", "))]"),
      ("command_line", Self.string(facts.commandLine)),
      ("unmodelled", Self.list(facts.unmodelled.map(\.text))),
      ("evidence", "[\(evidence.joined(separator: ",\n"))]"),
    ])
  }

  private func object(of span: ExplainSpan, _ question: ExplainCase) -> String {
    let explanation = span.explanation
    let pool = question.booted(explanation.kernel, circumstance).pool
    var fields = [("kernel", Self.string(explanation.kernel.name))]
    for (axis, name) in zip(Scenario.axes, explanation.scenario.names) where axis != DMAMask.axis {
      fields.append((axis, Self.string(name)))
    }
    let masks =
      span.masks.count == 1
      ? (explanation.scenario.mask.name, explanation.scenario.mask.name)
      : (String(span.masks.lowerBound), String(span.masks.upperBound))
    fields += [
      ("mask_first", jsonValue(masks.0, of: DMAMask.axis)),
      ("mask_last", jsonValue(masks.1, of: DMAMask.axis)), ("reason", Self.string(question.reason)),
      ("verdict", Self.string(explanation.verdict.name)),
      ("exposure", Self.string(explanation.exposure.name)),
      ("where", Self.string(explanation.answer.decision.function)),
      ("afterwards", Self.string(explanation.after.remains)),
      ("default_pool", Self.string(poolText(pool))),
    ]
    fields += zip(Answer.columnNames, explanation.answer.columns).map { ($0, Self.string($1)) }
    return Self.object(fields)
  }

  private static func string(_ text: String?) -> String { text.map(jsonString) ?? "null" }

  private static func list(_ texts: [String]) -> String {
    "[\(texts.map(jsonString).joined(separator: ", "))]"
  }

  private static func object(_ fields: [(String, String)]) -> String {
    "{\(fields.map { "\(jsonString($0)): \($1)" }.joined(separator: ", "))}"
  }
}
