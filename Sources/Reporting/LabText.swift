import DMAModel
import Lab

/// A plan as plain text.
public func labPlanText(_ plan: LabPlan) -> String {
  let names = plan.kernels.map(\.name).joined(separator: ", ")
  var table = TextTable(
    columns: [TextTable.Column("boot")]
      + ["answers", "only here"].map { TextTable.Column($0, alignment: .trailing) })
  table.rows = plan.choices.map { [$0.boot.name, String($0.answers), String($0.only)] }
  var text = table.text() + "\n"
  let kernels = plan.kernels.count
  var shown = "\(plan.choices.count) of \(plan.candidates) boots"
  shown += kernels > 1 ? " on each of \(names)" : " of \(names)"
  shown += " show all \(plan.answers) answers of the model on this machine"
  if kernels > 1 { shown += " and all \(plan.differences) ways in which the kernels differ" }
  let saved = plan.saved * kernels
  text += folded(
    "\(shown): \(saved) boots saved. "
      + (plan.isMinimal ? "No smaller choice exists." : "A smaller choice may exist."))
  return text
}

/// One boot's outcome as a line.
public func labOutcomeText(_ boot: LabBoot, _ outcome: LabOutcome) -> String {
  let what =
    switch outcome {
    case .complete(let lines): "\(lines) observations"
    case .resumed(let lines): "\(lines) observations, from an earlier run"
    case .panicked, .hung, .noProbe: "no observations: \(outcome.failure)"
    }
  return folded("\(boot.name): \(what)", hanging: "  ")
}
