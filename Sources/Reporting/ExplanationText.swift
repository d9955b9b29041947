import Analysis
import DMAModel

/// One explanation, or two side by side up to where their paths part.
public func explanationText(_ explanations: [Explanation]) -> String {
  guard let first = explanations.first else { return "" }
  var text = ""
  for (axis, value) in zip(Scenario.axes, first.scenario.names) {
    text += "  " + axis + String(repeating: " ", count: 15 - axis.count) + value + "\n"
  }
  text += foldedScenario(first.scenario)
  for explanation in explanations {
    text += "\n\(explanation.kernel.name): \(answerText(explanation))"
  }
  if explanations.count == 2 {
    let common = Explanation.commonPrefix(first, explanations[1])
    text += "\nBoth decide:\n" + stepsText(first.path.prefix(common), from: 1)
    for explanation in explanations {
      let rest = explanation.path.dropFirst(common)
      text += "\nThen \(explanation.kernel.name)"
      text += rest.isEmpty ? " decides nothing more.\n" : ":\n" + stepsText(rest, from: common + 1)
      text += decisionText(explanation)
    }
  } else {
    text += "\nPath:\n" + stepsText(first.path[...], from: 1) + decisionText(first)
  }
  return text
}

/// The explanations of one kernel for ranges of masks with the same answer.
public func spansText(_ spans: [(masks: ClosedRange<Int>, explanation: Explanation)]) -> String {
  var table = TextTable(
    columns: ["mask", "result", "verdict", "exposure", "where"].map { TextTable.Column($0) })
  table.rows = spans.map { masks, explanation in
    [
      maskText(masks), explanation.answer.result.name, explanation.verdict.name,
      explanation.exposure.name, explanation.answer.decision.function,
    ]
  }
  return table.text()
}

private func foldedScenario(_ scenario: Scenario) -> String {
  folded("scenario " + scenario.key, indent: "  ", hanging: "    ")
}

private func answerText(_ explanation: Explanation) -> String {
  let answer = explanation.answer
  var parts = ["\(answer.result.name), verdict \(explanation.verdict.name)"]
  if explanation.exposure != .none { parts.append("exposure \(explanation.exposure.name)") }
  if answer.addressText != "-" { parts.append("address \(answer.addressText)") }
  if answer.encoding != .none { parts.append("encoding \(answer.encoding.name)") }
  if answer.memoryState != .none { parts.append("memory \(answer.memoryState.name)") }
  if answer.pte != .none { parts.append("PTE \(answer.pte.name)") }
  if !answer.warnings.isEmpty { parts.append("logged \(answer.warnings.text)") }
  if answer.maxMapping != 0 { parts.append("max mapping \(answer.maxMappingText)") }
  return folded(parts.joined(separator: ", "), hanging: "  ")
}

private func stepsText(_ steps: ArraySlice<TraceStep>, from first: Int) -> String {
  steps.enumerated().map { index, step in
    let knob = Knob.named(step.knob)
    let source = knob.map { " [\($0.id) \($0.name), \($0.file)]" } ?? ""
    return folded(
      "\(first + index). \(step.function): \(step.condition)? \(step.taken ? "yes" : "no")\(source)",
      indent: "  ", hanging: "     ")
  }.joined()
}

private func decisionText(_ explanation: Explanation) -> String {
  folded(
    "=> \(explanation.answer.result.name): \(explanation.answer.decision.name) "
      + "(\(explanation.answer.decision.file))", indent: "  ", hanging: "     ")
}
