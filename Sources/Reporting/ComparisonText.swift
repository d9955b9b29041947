import Analysis
import DMAModel

/// The formats of a finding.
public enum FindingFormat: String, CaseIterable, Sendable { case text, markdown, json }

/// A comparison in a format.
///
/// - Parameter drivers: Those that each transition ends with.
///   - summary: Whether it stops behind the summary; JSON has all.
public func comparisonText(
  _ comparison: Comparison, format: FindingFormat, drivers: DriverList? = nil,
  summary: Bool = false
) -> String {
  func document() -> Document {
    summary
      ? comparisonSummary(comparison) : comparisonDocument(comparison, drivers: drivers)
  }
  return switch format {
  case .text: document().text(.text)
  case .markdown: document().text(.markdown)
  case .json: comparisonJSON(comparison, drivers)
  }
}

/// A comparison as a document: transitions, worst first, with their conditions.
public func comparisonDocument(
  _ comparison: Comparison, drivers: DriverList? = nil, limit: Int? = nil
) -> Document {
  var document = comparisonSummary(comparison)
  let differing = comparison.scenarios - comparison.equal
  document.blocks.append(
    .paragraph(
      "\(comparison.scenarios) scenarios exist on \(comparison.kernels.count == 2 ? "both" : "all"): "
        + "\(comparison.equal) equal, \(differing) differ."))
  if differing > 0 {
    document.blocks.append(
      .paragraph(
        "\"default\": with no parameter, swiotlb=default and iommu none or translated."))
  }
  let headlines = unambiguous(
    comparison.transitions, (0...2).map { detail in { headline($0, detail: detail) } })
  let shown = min(limit ?? .max, comparison.transitions.count)
  let order = drivers.specificOrder(
    comparison.transitions.map(\.conditions), of: comparison.kernels)
  for index in order.prefix(shown) {
    let (transition, headline) = (comparison.transitions[index], headlines[index])
    document.blocks.append(.heading("\(headline): \(scenarioCount(transition.scenarios))"))
    document.blocks.append(.conditions(transition.conditions))
    document.blocks += driverBlocks(
      transition.conditions, of: comparison.kernels, drivers)
  }
  appendFurther(comparison.transitions.count - shown, to: &document)
  document.blocks.append(.paragraph(lifeSummary(comparison)))
  let lifeHeadlines = unambiguous(comparison.life.transitions, [headline])
  let lifeShown = min(limit ?? .max, comparison.life.transitions.count)
  let lifeOrder = drivers.specificOrder(
    comparison.life.transitions.map(\.conditions), of: comparison.kernels)
  for index in lifeOrder.prefix(lifeShown) {
    let (transition, headline) = (comparison.life.transitions[index], lifeHeadlines[index])
    document.blocks.append(.heading("\(headline): \(counted(transition.scenarios, "case"))"))
    document.blocks.append(.conditions(transition.conditions))
    document.blocks += driverBlocks(
      transition.conditions, of: comparison.kernels, drivers)
  }
  appendFurther(comparison.life.transitions.count - lifeShown, to: &document)
  if !comparison.pools.isEmpty {
    document.blocks.append(.heading("default pools of another size or place"))
    for change in comparison.pools {
      document.blocks.append(.paragraph(poolSentence(change)))
    }
  }
  if comparison.transitions.count + comparison.life.transitions.count > 1 {
    document.blocks.append(
      .paragraph(
        "Each condition is exact, and each scenario of a change meets one: the counts of the "
          + "conditions add up to the change's, and those of the changes to what differs."))
  }
  return document
}

/// Says how many kinds of change a limit has left out.
private func appendFurther(_ count: Int, to document: inout Document) {
  guard count > 0 else { return }
  document.blocks.append(
    .paragraph(
      "\(counted(count, "further kind")) of change \(count == 1 ? "is" : "are") not shown (--show)."
    ))
}

/// What is compared beside the answers of the scenarios, and how much of it differs.
///
/// The ends of requests and the answers under a circumstance are another population: a
/// scenario is there once for each circumstance, the ordinary one included.
private func lifeSummary(_ comparison: Comparison) -> String {
  let life = comparison.life
  let differing = life.transitions.reduce(0) { $0 + $1.scenarios }
  // A tree is asked in the ordinary circumstance alone.
  let besides =
    comparison.kernels.contains { $0.recorded != nil }
    ? ""
    : ", and the same with a full pool, with failing decryption and with another mask at free"
  return "Then the unmap or free of each\(besides): \(existing(life.scenarios, "case")) on "
    + "\(comparison.kernels.count == 2 ? "both" : "all"): \(life.scenarios - differing) equal, or "
    + (besides.isEmpty
      ? "answered otherwise already; "
      : "answered otherwise already when nothing is full and nothing fails; ") + "\(differing) "
    + (differing == 1 ? "differs." : "differ.")
}

/// `bounced -> refused (where)`, or `still bounces; ...`.
///
/// - Parameter detail: 1 adds the results, 2 all warnings, to tell changes apart.
private func headline(_ transition: Comparison.Transition, detail: Int) -> String {
  let sides = transition.sides
  let sameVerdict = sides.allSatisfy { $0.verdict == sides[0].verdict }
  var text = sides.map(\.verdict.name).joined(separator: " -> ")
  if sameVerdict {
    let changes = transition.changes.map { change in
      detail > 1 && change.column == "warn" ? allWarnings(change.values) : changeText(change)
    }
    text = ([still(sides[0].verdict)] + changes).joined(separator: "; ")
  } else if let decision = transition.decision, decision != .ownCode {
    text += " (\(decision.name))"
  }
  if Set(sides.map(\.exposure)).count > 1 {
    text += ", exposure \(sides.map(\.exposure.name).joined(separator: " -> "))"
  } else if detail > 0, sides[0].exposure != .none {
    text += ", exposure \(sides[0].exposure.name)"
  }
  if detail > 0 {
    let results = sides.map(\.result.name)
    text +=
      ", result \((Set(results).count == 1 ? [results[0]] : results).joined(separator: " -> "))"
  }
  return text
}

/// What changes, with the results, in one line.
func transitionHeadline(_ transition: Comparison.Transition) -> String {
  headline(transition, detail: 1)
}

private func still(_ verdict: Verdict) -> String {
  switch verdict {
  case .ok: "still reached directly or by IOVA"
  case .bounced: "still bounces"
  case .refused: "still refused"
  case .garbled: "still garbled"
  case .blocked: "still blocked"
  case .unreachable: "still unreachable"
  }
}

/// What came or went: a column's value before and after, and which warning.
func changeText(_ change: Comparison.Change) -> String {
  let arrows = change.values.map { $0.isEmpty ? "none" : $0 }.joined(separator: " -> ")
  switch change.column {
  case "result": return "result \(arrows)"
  case "dma": return "another DMA address"
  case "enc": return "encoding of the address \(arrows)"
  case "mem_state": return "state of the memory \(arrows)"
  case "pte": return "alias that the IOMMU's page table selects \(arrows)"
  case "warn": return warningText(change.values)
  case "max_map":
    let sizes = change.values.map { mappingSize($0) }
    guard let first = sizes.first, let last = sizes.last, sizes.count == 2 else {
      return "dma_max_mapping_size() \(sizes.map(\.text).joined(separator: " -> "))"
    }
    return "dma_max_mapping_size() \(last.bytes < first.bytes ? "shrinks" : "grows") from "
      + "\(first.text) to \(last.text)"
  default: return "\(change.column) \(arrows)"
  }
}

/// `new warning: overflow, gone: memenc`, or of several kernels what each warns.
private func warningText(_ values: [String]) -> String {
  let sets = values.map { $0.split(separator: ";").map(String.init) }
  guard sets.count == 2 else { return allWarnings(values) }
  let came = sets[1].filter { !sets[0].contains($0) }
  let went = sets[0].filter { !sets[1].contains($0) }
  let parts = [
    came.isEmpty ? nil : "new warning \(came.joined(separator: ", "))",
    went.isEmpty ? nil : "no longer warning \(went.joined(separator: ", "))",
  ]
  return parts.compactMap { $0 }.joined(separator: "; ")
}

/// `warnings overflow -> memenc+overflow`: all of each kernel.
private func allWarnings(_ values: [String]) -> String {
  "warnings "
    + values.map { $0.isEmpty ? "none" : $0.replacing(";", with: "+") }.joined(separator: " -> ")
}

/// A value of the column `max_map` as a size.
private func mappingSize(_ value: String) -> (bytes: UInt64, text: String) {
  guard let bytes = UInt64(value) else { return (.max, value == "max" ? "unlimited" : value) }
  return (bytes, bytes % 1024 == 0 ? "\(bytes / 1024) KiB" : "\(bytes) bytes")
}

/// `on unmap or free: as it was -> left_shared, page`.
private func headline(_ transition: LifeComparison.Transition) -> String {
  let sides = transition.sides
  let results = sides.map(\.result.name)
  let answers = Set(results).count == 1 ? results[0] : results.joined(separator: " -> ")
  var text: String
  if Set(sides.map(\.left)).count == 1 {
    text = "with a full pool or failing decryption: \(answers)"
  } else {
    text = "on unmap or free: \(sides.map(\.left).joined(separator: " -> ")) (\(answers))"
  }
  if Set(sides.map(\.exposure)).count > 1 {
    text += ", exposure \(sides.map(\.exposure.name).joined(separator: " -> "))"
  }
  return text
}

/// `arm64-cca, mem=2G, iommu=none|translated, swiotlb=default: ... -> ...`.
func poolSentence(_ change: PoolChange) -> String {
  let pools = change.pools.map { pool in
    guard pool.isActive else { return "none" }
    return "\(PhysicalRange(pool.start, pool.end).text) (\(pool.sizeText))"
  }
  return "\(change.platform.name), mem=\(change.memory.name), \(modesText(change)): "
    + pools.joined(separator: " -> ")
}

/// The modes as values of two axes where they are all of their combinations, else in pairs.
private func modesText(_ change: PoolChange) -> String {
  let iommus = IOMMUMode.allCases.filter { mode in change.modes.contains { $0.iommu == mode } }
  let swiotlbs = SwiotlbMode.allCases.filter { mode in
    change.modes.contains { $0.swiotlb == mode }
  }
  if iommus.count * swiotlbs.count == change.modes.count {
    return "iommu=\(iommus.map(\.name).joined(separator: "|")), "
      + "swiotlb=\(swiotlbs.map(\.name).joined(separator: "|"))"
  }
  return "iommu and swiotlb "
    + change.modes.map { "\($0.iommu.name)/\($0.swiotlb.name)" }.joined(separator: ", ")
}

private func comparisonJSON(_ comparison: Comparison, _ drivers: DriverList?) -> String {
  let names = comparison.kernels.map(\.name)
  let order = drivers.specificOrder(
    comparison.transitions.map(\.conditions), of: comparison.kernels)
  let transitions = order.map { comparison.transitions[$0] }.map { transition in
    let sides = zip(names, transition.sides).map { name, side in
      """
      {"kernel": \(jsonString(name)), "verdict": \(jsonString(side.verdict.name)), \
      "result": \(jsonString(side.result.name)), "exposure": \(jsonString(side.exposure.name))}
      """
    }
    // Of a tree's own code it is not known.
    let decision = transition.decision.flatMap { $0 == .ownCode ? nil : jsonString($0.name) }
    return """
          {"sides": [\(sides.joined(separator: ", "))],
           "where": \(decision ?? "null"), "columns": [\
      \(transition.changes.map { jsonString($0.column) }.joined(separator: ", "))],
           "changes": {\(transition.changes.map(changeJSON).joined(separator: ", "))},
           "scenarios": \(transition.scenarios),
           "conditions": [
      \(transition.conditions.map(conditionJSON).joined(separator: ",\n"))
           ]\(driverJSON(transition.conditions, of: comparison.kernels, drivers))}
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
           ]\(driverJSON(transition.conditions, of: comparison.kernels, drivers))}
      """
  }
  let pools = comparison.pools.map { change in
    let modes = change.modes.map { "\($0.iommu.name)/\($0.swiotlb.name)" }
    let ranges = change.pools.map {
      $0.isActive ? PhysicalRange($0.start, $0.end).text : "-"
    }
    return """
          {"platform": \(jsonString(change.platform.name)), \
      "mem": \(jsonString(change.memory.name)), \
      "modes": [\(modes.map(jsonString).joined(separator: ", "))], \
      "pools": [\(ranges.map(jsonString).joined(separator: ", "))]}
      """
  }
  let only = zip(names, comparison.onlyThere).map { "\(jsonString($0)): \($1)" }
  let effects = comparison.effects.map { effect in
    """
    \(jsonString(effect.effect.rawValue)): {"scenarios": \(effect.scenarios), \
    "default": \(effect.defaultBoots)}
    """
  }
  return """
    {"kernels": [\(names.map(jsonString).joined(separator: ", "))],
     "effects": {\(effects.joined(separator: ", "))},
     "scenarios": \(comparison.scenarios), "equal": \(comparison.equal),
     "afterwards_cases": \(comparison.life.scenarios), \
    "afterwards_differ": \(comparison.life.transitions.reduce(0) { $0 + $1.scenarios }),
     "only": {\(only.joined(separator: ", "))},
     "transitions": [
    \(transitions.joined(separator: ",\n"))
     ],
     "afterwards": [
    \(life.joined(separator: ",\n"))
     ],
     "pools": [
    \(pools.joined(separator: ",\n"))
     ]}

    """
}

/// `"max_map": ["max", "262144"]`: a column's value on each kernel, none for addresses.
private func changeJSON(_ change: Comparison.Change) -> String {
  "\(jsonString(change.column)): [\(change.values.map(jsonString).joined(separator: ", "))]"
}

/// A condition as a JSON object.
func conditionJSON(_ condition: Condition) -> String {
  let terms = condition.terms.map { term in
    let values = term.values.map { jsonValue($0, of: term.axis) }
    return "\(jsonString(term.axis)): [\(values.joined(separator: ", "))]"
  }
  return """
          {"when": {\(terms.joined(separator: ", "))}, \
    "scenarios": \(condition.scenarios), "witness": \(jsonString(condition.witness))}
    """
}
