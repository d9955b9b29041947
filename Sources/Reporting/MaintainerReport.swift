import Analysis
import DMAModel
import Support

/// Five causes that are still in the newest release, each so that a patch can be written
/// from it: what happens, since when, where, the path of a witness, whom it concerns, the
/// change in words, and what that change did when it was tried.
///
/// Numbers, origins and paths are the model's; what was tried and the drivers were read off
/// a kernel tree, and are data in ``MaintainerCase/all``.
///
/// - Parameter known: Checks that were made already, by the kernel's name.
func maintainerReport(
  known: [String: Check] = [:], progress: @Sendable (Double) -> Void = { _ in }
) -> Document {
  let kernel = KernelVersion.latest
  let check = known[kernel.name] ?? Check.standard(of: kernel, progress: progress)
  var document = Document()
  let base = check.base.map { ", base \($0.name)" } ?? ""
  document.blocks = [
    .title("Five causes that a patch could end, in \(kernel.name)\(base)"),
    .paragraph(
      "Numbers of scenarios, origins and paths are those of \"dmamatrix check --kernel "
        + "\(kernel.name)\", whose numbers the causes have here too. Each change was tried on a "
        + "copy of \(MaintainerCase.tree). To repeat it, make the change in a tree and save it "
        + "with \"git diff\":"),
    .literal([
      "dmamatrix review --tree linux-7.3 --mbox change.diff --yes",
      "dmamatrix verify --tree linux-7.3 --mbox change.diff --against 7.3 \\",
      "    --yes",
    ]),
  ]
  for (index, one) in MaintainerCase.all.enumerated() {
    document.blocks += caseBlocks(one, number: index + 1, in: check)
  }
  document.blocks += otherBlocks(check)
  document.blocks.append(made("report maintainers --format markdown"))
  return document
}

private func caseBlocks(
  _ one: MaintainerCase, number: Int, in check: Check
) -> [Document.Block] {
  let causes = check.causes.enumerated().filter { _, cause in one.isAbout(cause) }
  var blocks: [Document.Block] = [.heading("\(number). \(one.title)")]
  blocks.append(.paragraph(one.what))
  guard !causes.isEmpty else {
    blocks.append(.paragraph("\(check.kernel.name) does not have this cause."))
    return blocks
  }
  for (index, cause) in causes {
    blocks.append(
      .paragraph(
        "Cause \(index + 1) of \(check.causes.count), \(cause.severity.name): "
          + "\(cause.line.function)(): \(cause.line.condition). \(CauseScope(cause).text)."))
    blocks.append(
      .paragraph("Since: \(cause.origins.map(originText).joined(separator: "; "))."))
  }
  blocks.append(.paragraph("In the kernel's history: \(one.history)."))
  if let finding = causes.first?.element.worst.first,
    let witness = finding.conditions.first?.witness,
    let path = witnessPath(finding, check.kernel)
  {
    blocks.append(.paragraph("Witness, with the path of \(check.kernel.name):"))
    let key = foldedLines(witness, width: 68, indent: "", hanging: "  ", breakingAfter: "/")
    blocks.append(.literal(key + path))
  }
  blocks.append(.paragraph("Drivers and boots: \(one.drivers)."))
  blocks.append(.paragraph("The change: \(one.change)."))
  blocks.append(
    .table(
      columns: ["tried", "scenarios", "default boots"],
      rows: one.trial.map { [$0.effect, String($0.scenarios), String($0.defaultBoots)] }))
  blocks.append(.paragraph("\(one.remark)."))
  return blocks
}

/// The other causes among the gravest, with what is in the way of a change.
private func otherBlocks(_ check: Check) -> [Document.Block] {
  let gravest = 12
  let others = check.causes.prefix(gravest).enumerated().filter { _, cause in
    !MaintainerCase.all.contains { $0.isAbout(cause) }
  }
  guard !others.isEmpty else { return [] }
  var blocks: [Document.Block] = [
    .heading("As grave, without a change that was tried"),
    .paragraph(
      "Among the first \(gravest) causes of the same check, and why they are not among the five."),
  ]
  for (index, cause) in others {
    let obstacle = MaintainerCase.obstacles.first { $0.function == cause.line.function }
    blocks.append(
      .paragraph(
        "\(index + 1). \(sentence(cause)). \(obstacle?.reason ?? "No change was tried").".replacing(
          "..", with: ".")))
  }
  return blocks
}
