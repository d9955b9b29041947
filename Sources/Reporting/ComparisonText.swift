import Analysis
import DMAModel

/// The formats of a finding.
public enum FindingFormat: String, CaseIterable, Sendable { case text, markdown, json }

/// A comparison in a format.
public func comparisonText(_ comparison: Comparison, format: FindingFormat) -> String {
  switch format {
  case .text: comparisonDocument(comparison).text(.text)
  case .markdown: comparisonDocument(comparison).text(.markdown)
  case .json: comparisonJSON(comparison)
  }
}

/// A comparison as a document: transitions, worst first, with their conditions.
public func comparisonDocument(_ comparison: Comparison) -> Document {
  let names = comparison.kernels.map(\.name)
  var document = Document()
  document.blocks.append(.title(names.joined(separator: " -> ")))
  let differing = comparison.scenarios - comparison.equal
  var summary =
    "\(comparison.scenarios) scenarios exist on \(names.count == 2 ? "both" : "all"): "
    + "\(comparison.equal) equal, \(differing) differ."
  for (name, count) in zip(names, comparison.onlyThere) where count > 0 {
    summary += " \(count) more exist on \(name)."
  }
  document.blocks.append(.paragraph(summary))
  for transition in comparison.transitions {
    document.blocks.append(.heading(headline(transition, names)))
    document.blocks.append(.conditions(transition.conditions))
  }
  for transition in comparison.life.transitions {
    document.blocks.append(.heading(headline(transition)))
    document.blocks.append(.conditions(transition.conditions))
  }
  if comparison.transitions.count + comparison.life.transitions.count > 1 {
    document.blocks.append(
      .paragraph("Each condition is exact; conditions of one change may overlap."))
  }
  return document
}

/// `bounced -> refused (where), N scenarios`.
private func headline(_ transition: Comparison.Transition, _ names: [String]) -> String {
  let sides = transition.sides
  let sameVerdict = sides.allSatisfy { $0.verdict == sides[0].verdict }
  var text = sides.map(\.verdict.name).joined(separator: " -> ")
  if sameVerdict {
    text = "\(sides[0].verdict.name) as before, but \(transition.columns.joined(separator: ", "))"
    if Set(sides.map(\.result)).count > 1 {
      text += " (\(sides.map(\.result.name).joined(separator: " -> ")))"
    }
  } else if let decision = transition.decision {
    text += " (\(decision.name))"
  }
  if Set(sides.map(\.exposure)).count > 1 {
    text += ", exposure \(sides.map(\.exposure.name).joined(separator: " -> "))"
  }
  return text + ": \(transition.scenarios) scenarios"
}

/// `afterwards: as it was -> left_shared, page: N scenarios`.
private func headline(_ transition: LifeComparison.Transition) -> String {
  let sides = transition.sides
  let results = sides.map(\.result.name)
  let answers = Set(results).count == 1 ? results[0] : results.joined(separator: " -> ")
  var text: String
  if Set(sides.map(\.left)).count == 1 {
    text = "full pool or no decryption: \(answers)"
  } else {
    text = "afterwards: \(sides.map(\.left).joined(separator: " -> ")) (\(answers))"
  }
  if Set(sides.map(\.exposure)).count > 1 {
    text += ", exposure \(sides.map(\.exposure.name).joined(separator: " -> "))"
  }
  return text + ": \(transition.scenarios) scenarios"
}

private func comparisonJSON(_ comparison: Comparison) -> String {
  let names = comparison.kernels.map(\.name)
  let transitions = comparison.transitions.map { transition in
    let sides = zip(names, transition.sides).map { name, side in
      """
      {"kernel": \(jsonString(name)), "verdict": \(jsonString(side.verdict.name)), \
      "result": \(jsonString(side.result.name)), "exposure": \(jsonString(side.exposure.name))}
      """
    }
    let decision = transition.decision.map { jsonString($0.name) } ?? "null"
    return """
          {"sides": [\(sides.joined(separator: ", "))],
           "where": \(decision), "columns": [\
      \(transition.columns.map(jsonString).joined(separator: ", "))],
           "scenarios": \(transition.scenarios),
           "conditions": [
      \(transition.conditions.map(conditionJSON).joined(separator: ",\n"))
           ]}
      """
  }
  let life = comparison.life.transitions.map { transition in
    let sides = zip(names, transition.sides).map { name, side in
      """
      {"kernel": \(jsonString(name)), "result": \(jsonString(side.result.name)), \
      "left": \(jsonString(side.left)), "exposure": \(jsonString(side.exposure.name))}
      """
    }
    return """
          {"sides": [\(sides.joined(separator: ", "))], "scenarios": \(transition.scenarios),
           "conditions": [
      \(transition.conditions.map(conditionJSON).joined(separator: ",\n"))
           ]}
      """
  }
  let only = zip(names, comparison.onlyThere).map { "\(jsonString($0)): \($1)" }
  return """
    {"kernels": [\(names.map(jsonString).joined(separator: ", "))],
     "scenarios": \(comparison.scenarios), "equal": \(comparison.equal),
     "only": {\(only.joined(separator: ", "))},
     "transitions": [
    \(transitions.joined(separator: ",\n"))
     ],
     "afterwards": [
    \(life.joined(separator: ",\n"))
     ]}

    """
}

/// A condition as a JSON object.
func conditionJSON(_ condition: Condition) -> String {
  let terms = condition.terms.map { term in
    "\(jsonString(term.axis)): [\(term.values.map(jsonString).joined(separator: ", "))]"
  }
  return """
          {"when": {\(terms.joined(separator: ", "))}, \
    "scenarios": \(condition.scenarios), "witness": \(jsonString(condition.witness))}
    """
}
