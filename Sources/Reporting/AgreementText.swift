import Analysis
import DMAModel

/// An agreement as a document: the columns, then the disagreements.
///
/// - Parameters:
///   - condition: What functions of the tree answer that are defined elsewhere.
///   - place: Where the tree decides a scenario, by its key.
public func agreementDocument(
  _ agreement: Agreement, notes: [String] = [], where condition: String? = nil,
  place: (String) -> String? = { _ in nil }
) -> Document {
  var document = Document()
  let (model, code) = (agreement.model.name, agreement.code.name)
  document.blocks.append(
    .title(
      "\(code): its own code against the model of \(model)"
        + (condition.map { ", where \($0)" } ?? "")))
  let rows = agreement.mismatches.map { column, differing in
    [
      column, String(agreement.scenarios), String(agreement.scenarios - differing),
      String(differing),
    ]
  }
  document.blocks.append(
    .table(columns: ["column", "compared", "matched", "mismatched"], rows: rows))
  var summary =
    "\(existing(agreement.scenarios, "scenario")) on both: \(agreement.equal) equal, "
    + "\(agreement.scenarios - agreement.equal) differ."
  if agreement.onlyModel > 0 {
    summary +=
      " \(agreement.onlyModel) more \(agreement.onlyModel == 1 ? "exists" : "exist") in the model of "
      + "\(model)."
  }
  if agreement.onlyCode > 0 {
    summary +=
      " \(agreement.onlyCode) more \(agreement.onlyCode == 1 ? "exists" : "exist") in \(code)."
  }
  document.blocks.append(.paragraph(summary))
  for note in notes { document.blocks.append(.paragraph(note)) }
  document.blocks += agreementBlocks(agreement, place: place)
  return document
}

/// The disagreements, each with both answers and exact conditions.
func agreementBlocks(
  _ agreement: Agreement, place: (String) -> String? = { _ in nil }
) -> [Document.Block] {
  var blocks: [Document.Block] = []
  for disagreement in agreement.disagreements {
    let columns = disagreement.columns.joined(separator: ", ")
    blocks.append(
      .heading("\(columns): \(scenarioCount(disagreement.scenarios))"))
    blocks.append(.paragraph("model: \(answerText(disagreement.model))"))
    blocks.append(.paragraph("code: \(answerText(disagreement.code))"))
    if let place = disagreement.conditions.first.flatMap({ place($0.witness) }) {
      blocks.append(.paragraph("decided in \(place)"))
    }
    blocks.append(.conditions(disagreement.conditions))
  }
  if agreement.further > 0 {
    blocks.append(
      .paragraph(
        "\(counted(agreement.further, "further kind")) of disagreement "
          + "\(agreement.further == 1 ? "is" : "are") not shown (verify --show)."))
  }
  if agreement.disagreements.count > 1 {
    blocks.append(
      .paragraph(
        "Each condition is exact, and each scenario of a disagreement meets one: the counts of "
          + "the conditions add up to the disagreement's."))
  }
  return blocks
}

/// An agreement as a JSON object.
func agreementJSON(_ agreement: Agreement) -> String {
  let disagreements = agreement.disagreements.map { disagreement in
    """
        {"columns": [\(disagreement.columns.map(jsonString).joined(separator: ", "))],
         "model": \(jsonString(answerText(disagreement.model))),
         "code": \(jsonString(answerText(disagreement.code))),
         "scenarios": \(disagreement.scenarios), "conditions": [
    \(disagreement.conditions.map(conditionJSON).joined(separator: ",\n"))
         ]}
    """
  }
  return """
      {"tree": \(jsonString(agreement.code.name)), "model": \(jsonString(agreement.model.name)),
       "scenarios": \(agreement.scenarios), "equal": \(agreement.equal),
       "disagreements": [
    \(disagreements.joined(separator: ",\n"))
       ]}
    """
}

/// An answer and what is left after it in one line, without its address.
private func answerText(_ cycle: LifeCycle) -> String {
  let answer = cycle.answer
  let names = Answer.columnNames + LifeAnswer.columnNames
  let values = answer.columns + cycle.after.columns
  var text = names.indices.filter { names[$0] != "dma" && values[$0] != "" && values[$0] != "-" }
    .map { "\(names[$0])=\(values[$0])" }.joined(separator: " ")
  if answer.decision != .ownCode { text += " (\(answer.decision.name))" }
  return text
}
