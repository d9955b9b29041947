import Analysis
import DMAModel
import Support

/// What a search found, as a document.
///
/// - Parameter preference: What solutions are ordered by, most important first.
public func solveDocument(_ solver: Solver, preference: [PolicyCost.Preference]) -> Document {
  let question = solver.question
  var document = Document()
  document.blocks.append(
    .title("Smallest changes of \(question.from.name), base \(question.base.name)"))
  document.blocks += preamble(solver)
  if solver.front.isEmpty {
    document.blocks.append(.heading("No policy meets the requirements"))
    return document
  }
  let front = solver.front(by: preference)
  let changed = front.filter { !$0.steps.isEmpty }
  let versions = KernelVersion.all.filter { $0.base == question.from.name }
  let kernels = [question.from] + changed.map { variant($0, question) } + versions
  var counts = concurrently(kernels) { LintCounts($0, question) }[...]
  let start = counts.removeFirst()
  document.blocks.append(.heading("The Pareto front"))
  for (index, solution) in front.enumerated() {
    document.blocks += solutionBlocks(solution, "\(index + 1).", question)
    if !solution.steps.isEmpty { document.blocks += remaining(counts.removeFirst(), start) }
  }
  if !solver.further.isEmpty {
    document.blocks.append(.heading("Other single changes that mend something"))
    for solution in solver.further { document.blocks += solutionBlocks(solution, "-", question) }
  }
  document.blocks += rankingBlocks(solver, front)
  for (version, counts) in zip(versions, counts) {
    document.blocks.append(.heading("What \(version.name) still leaves broken"))
    document.blocks += remaining(counts, start)
  }
  document.blocks.append(
    made("solve --from \(question.from.name) --base \(question.base.name)"))
  return document
}

/// What was searched, and what the costs mean.
private func preamble(_ solver: Solver) -> [Document.Block] {
  let question = solver.question
  let (steps, reached, classes, lines, evaluated) = solver.counts
  var blocks: [Document.Block] = []
  let part = domainText(question.domain)
  let (from, base) = (question.from.name, question.base.name)
  let scope = part.isEmpty ? "" : ", over the part of the matrix with \(part)"
  let text = """
    The fewest changes of \(from) that keep what \(base) serves\(scope). A solution is on the list \
    if no other changes less, loses less and exposes less at once. Each entry says where the \
    change would be made, and what it leaves broken.
    """
  let legend = """
    lost: scenarios that \(base) serves and the policy does not. exposed: served by \(base) with \
    nothing decrypted, and now with something. corrupted: silently wrong where \(base) is not; \
    no solution corrupts more than \(from). Violations of other lints are listed where they \
    differ from those of \(from).
    """
  blocks += PageOpening(text: text, legend: legend).blocks
  blocks.append(
    .paragraph(
      "Searched: \(steps) single changes of knobs, of which \(reached) alter the path of any scenario; sets "
        + "of up to \(question.maxChanges); \(evaluated) policies over \(classes) classes of "
        + "\(lines) devices and requests, each with every DMA mask."))
  if !question.required.isEmpty {
    blocks.append(
      .paragraph("Required: \(question.required.map(\.rawValue).joined(separator: ", "))."))
  }
  blocks.append(.paragraph("\(question.from.name) itself: \(costText(solver.start))."))
  return blocks
}

/// The axes of a domain that filters made smaller.
private func domainText(_ domain: MatrixDomain) -> String {
  let whole = MatrixDomain()
  var parts: [String] = []
  func add<Value: AxisValue>(_ some: [Value], _ all: [Value]) {
    guard some.count < all.count else { return }
    parts.append("\(Value.axis)=\(some.map(\.name).joined(separator: "|"))")
  }
  add(domain.platforms, whole.platforms)
  add(domain.iommuModes, whole.iommuModes)
  add(domain.swiotlbModes, whole.swiotlbModes)
  add(domain.machines.map(\.name), whole.machines.map(\.name))
  add(domain.masks, whole.masks)
  add(domain.coherentMasks, whole.coherentMasks)
  add(domain.busLimits, whole.busLimits)
  add(domain.coherences, whole.coherences)
  add(domain.facings, whole.facings)
  add(domain.operations, whole.operations)
  add(domain.attributes, whole.attributes)
  add(domain.buffers, whole.buffers)
  return parts.joined(separator: ", ")
}

/// The smallest set of requirements that contradict each other.
public func contradictionText(_ contradiction: Solver.Contradiction) -> String {
  var text = "\nThese contradict each other:\n"
  for lint in contradiction.lints {
    text += folded("\(lint.rawValue): \(lint.statement)", indent: "  ", hanging: "    ")
    if let witness = contradiction.witnesses[lint] { text += foldedKey(witness) }
  }
  text += folded(
    "Each witness violates its requirement in the policy that meets the others and violates it "
      + "least.")
  return text
}

private func costText(_ cost: PolicyCost) -> String {
  "\(cost.lost) lost, \(cost.exposed) exposed, \(cost.corrupted) corrupted"
}

private func solutionBlocks(
  _ solution: Solver.Solution, _ mark: String, _ question: Solver.Question
) -> [Document.Block] {
  let what =
    solution.steps.isEmpty ? "no change" : solution.steps.map(\.text).joined(separator: "; ")
  var blocks: [Document.Block] = [.paragraph("\(mark) \(what): \(costText(solution.cost))")]
  var lines: [String] = []
  func add(_ text: String) {
    lines += folded(text, width: 68, hanging: "  ").split(separator: "\n").map(String.init)
  }
  for step in solution.steps {
    let meaning = step.knob.values.first { $0.name == step.value }?.summary
    add(
      "\(step.knob.id) \(step.knob.summary): \(meaning ?? step.value) "
        + "[\(step.knob.function), \(step.knob.file)]\(takers(of: step, question))")
  }
  for steps in solution.alike.prefix(6) {
    let text = steps.map { $0.text + takers(of: $0, question) }.joined(separator: "; ")
    add("behaves alike: \(text)")
  }
  if solution.alike.count > 6 { add("and \(solution.alike.count - 6) more that behave alike") }
  if !lines.isEmpty { blocks.append(.literal(lines)) }
  return blocks
}

/// Versions and alternatives of the start that made the same change.
private func takers(of step: PolicyStep, _ question: Solver.Question) -> String {
  guard !step.knob.isPlatformSet else { return "" }
  let names = KernelVersion.known.filter { kernel in
    kernel.base == question.from.name && step.knob.value(in: kernel.policy) == step.value
  }.map(\.name)
  return names.isEmpty ? "" : " (as \(names.joined(separator: ", ")))"
}

/// The violations of every lint by one policy.
private struct LintCounts {
  let check: Check

  init(_ kernel: KernelVersion, _ question: Solver.Question) {
    check = Check(
      kernel, base: question.base, domain: question.domain, inCircumstances: false)
  }

  func count(_ lint: Lint) -> Int {
    check.findings.filter { $0.lint == lint }.reduce(0) { $0 + $1.scenarios }
  }
}

/// What a policy does to the violations of the start, and the exact conditions of
/// what the base served and it does not.
private func remaining(_ counts: LintCounts, _ start: LintCounts) -> [Document.Block] {
  let rows = Lint.allCases.filter { $0.undecidable() == nil }.map { lint in
    [lint.rawValue, String(start.count(lint)), String(counts.count(lint))]
  }
  var blocks: [Document.Block] = [
    .table(
      columns: ["violations", start.check.kernel.name, "then"],
      rows: rows.filter { $0[1] != "0" || $0[2] != "0" })
  ]
  // What the start violates in the same scenarios is in its own findings.
  let known = Set(start.check.findings.map { "\($0.identity) \($0.scenarios)" })
  for finding in counts.check.findings {
    let isAboutBase = finding.lint == .servedStaysServed || finding.lint == .noNewExposure
    guard isAboutBase || !known.contains("\(finding.identity) \(finding.scenarios)") else {
      continue
    }
    let more = finding.conditions.count - 2
    blocks.append(
      .paragraph(
        "\(finding.lint.rawValue): \(finding.headline): \(scenarioCount(finding.scenarios))"
          + (more > 0 ? "; the first 2 of \(finding.conditions.count) conditions" : "")))
    blocks.append(.conditions(Array(finding.conditions.prefix(2))))
  }
  return blocks
}

/// The policy of a solution as a version; the values come from the policy, so that
/// every knob takes them.
private func variant(_ solution: Solver.Solution, _ question: Solver.Question) -> KernelVersion {
  KernelVersion(
    variant: "solution", basedOn: question.from, summary: "", link: nil,
    settings: settings(from: question.from.policy, to: solution.policy)) ?? question.from
}

/// The knobs in which two policies differ, with the second's values.
public func settings(from one: Policy, to two: Policy) -> [(knob: Knob, value: String)] {
  Knob.all.filter { $0.value(in: one) != $0.value(in: two) }.map { ($0, $0.value(in: two)) }
}

/// Where the known versions and alternatives of the start would stand.
private func rankingBlocks(
  _ solver: Solver, _ front: [Solver.Solution]
) -> [Document.Block] {
  let question = solver.question
  let known =
    KernelVersion.all.filter { $0.base == question.from.name } + KernelVersion.alternatives
  let costs = solver.costs(
    of: known.map { kernel in
      (kernel.policy, settings(from: question.from.policy, to: kernel.policy).count)
    })
  let ranked = zip(known, costs).map {
    (kernel: $0, cost: $1)
  }.sorted { one, two in
    let key = { (entry: (kernel: KernelVersion, cost: PolicyCost)) in
      [
        entry.cost.corrupted > solver.start.corrupted ? 1 : 0, entry.cost.lost, entry.cost.exposed,
        entry.cost.changes,
      ]
    }
    return key(one).lexicographicallyPrecedes(key(two))
  }
  let rows = ranked.map { kernel, cost -> [String] in
    let place: String
    if cost.corrupted > solver.start.corrupted {
      place = "corrupts"
    } else if let better = front.firstIndex(where: { cost.isDominated(by: $0.cost) }) {
      place = "behind \(better + 1)"
    } else if let same = front.firstIndex(where: {
      $0.cost.lost == cost.lost && $0.cost.exposed == cost.exposed
    }) {
      place = "as \(same + 1)"
    } else {
      place = "beyond"
    }
    return [
      kernel.name, String(cost.changes), String(cost.lost), String(cost.exposed),
      String(cost.corrupted), place,
    ]
  }
  let unmodelled = UnmodelledProposal.all.map(\.id).joined(separator: ", ")
  var place = "place: as N has the costs of solution N; behind N is worse than it in something "
  place += "and better in nothing; corrupts is no solution; beyond changes more knobs than the "
  place += "search allowed, or facts that it leaves alone. Changes are counted from "
  place += "\(question.from.name). Not modelled: \(unmodelled)."
  return [
    .heading("Versions and alternatives, best first"),
    .table(
      columns: ["version", "changes", "lost", "exposed", "corrupted", "place"], rows: rows),
    .paragraph(place),
  ]
}
