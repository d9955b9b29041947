import Analysis
import DMAModel

/// One explanation, or two side by side up to where their paths part.
public func explanationText(_ explanations: [Explanation]) -> String {
  guard let first = explanations.first else { return "" }
  var text = ""
  for (axis, value) in zip(Scenario.axes, first.scenario.names) {
    text += "  " + axis + String(repeating: " ", count: 15 - axis.count) + value + "\n"
  }
  for (axis, (value, usual)) in zip(
    Circumstance.axes, zip(first.circumstance.names, Circumstance.ordinary.names))
  where value != usual {
    text += "  " + axis + String(repeating: " ", count: 15 - axis.count) + value + "\n"
  }
  text += foldedScenario(first.key)
  for explanation in explanations {
    text += "\n" + answerText(explanation)
  }
  if explanations.count == 2 {
    let common = Explanation.commonPrefix(first, explanations[1])
    text += "\nBoth decide:\n" + stepsText(first.path.prefix(common), from: 1)
    for explanation in explanations {
      let rest = explanation.path.dropFirst(common)
      text += "\nThen \(explanation.kernel.name)"
      text += rest.isEmpty ? " decides nothing more.\n" : ":\n" + stepsText(rest, from: common + 1)
      text += decisionText(explanation) + undoText(explanation)
    }
  } else {
    text += "\nPath:\n" + stepsText(first.path[...], from: 1) + decisionText(first)
    text += undoText(first)
  }
  return text
}

/// The explanations of one kernel for ranges of masks with the same answer.
public func spansText(_ spans: [(masks: ClosedRange<Int>, explanation: Explanation)]) -> String {
  var table = TextTable(
    columns: ["mask", "result", "verdict", "exposure", "where", "afterwards"]
      .map { TextTable.Column($0) })
  table.rows = spans.map { masks, explanation in
    [
      maskText(masks), explanation.answer.result.name, explanation.verdict.name,
      explanation.exposure.name, explanation.answer.decision.function,
      explanation.after.remains,
    ]
  }
  if table.rows.allSatisfy({ $0.last == LifeAnswer().remains }) {
    table.columns.removeLast()
    table.rows = table.rows.map { Array($0.dropLast()) }
  }
  let text = table.text()
  if text.split(separator: "\n").allSatisfy({ $0.count <= 72 }) { return text }
  var document = Document()
  document.blocks = [.table(columns: table.columns.map(\.title), rows: table.rows)]
  return document.text(.text)
}

private func answerText(_ explanation: Explanation) -> String {
  let answer = explanation.answer
  var parts = [
    "\(explanation.kernel.name): \(answer.result.name), verdict \(explanation.verdict.name)"
  ]
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

/// The end of the request: what unmapping or freeing decides, and what is left.
private func undoText(_ explanation: Explanation) -> String {
  let after = explanation.after
  guard explanation.answer.result != .error else {
    let lost = [
      after.owner == .ok ? nil : "owner \(after.owner.name)",
      after.slots == .ok ? nil : "slots \(after.slots.name)",
    ].compactMap { $0 }
    return lost.isEmpty
      ? "" : folded("=> left: " + lost.joined(separator: ", "), indent: "  ", hanging: "     ")
  }
  let isMapping = explanation.scenario.operation.isMapping
  var parts: [String] = []
  if after.poolKind != .none { parts.append("\(after.poolKind.name) pool") }
  if after.transientFrom != .none { parts.append("memory from \(after.transientFrom.name)") }
  switch after.unmapCopy {
  case .none: break
  case .copied: parts.append("copied back")
  case .skipped: parts.append("not copied back")
  }
  parts += ["slots \(after.slots.name)", "state \(after.state.name)", "owner \(after.owner.name)"]
  if explanation.exposureAfter != .none {
    parts.append("exposure \(explanation.exposureAfter.name)")
  }
  if !after.warnings.isEmpty { parts.append("logged \(after.warnings.text)") }
  if after.atomicCall != .none { parts.append("in atomic context: \(after.atomicCall.name)") }
  return (isMapping ? "\nUnmapped:\n" : "\nFreed:\n")
    + stepsText(explanation.undoPath[...], from: 1)
    + folded("=> " + parts.joined(separator: ", "), indent: "  ", hanging: "     ")
}

private func decisionText(_ explanation: Explanation) -> String {
  folded(
    "=> \(explanation.answer.result.name): \(explanation.answer.decision.name) "
      + "(\(explanation.answer.decision.file))", indent: "  ", hanging: "     ")
}
