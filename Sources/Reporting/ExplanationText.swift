import Analysis
import DMAModel
import Support

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
  return text + explanations.map(turnedKnobsText).joined()
}

/// The knobs that an alternative or a variant turns, and where the path asks them.
private func turnedKnobsText(_ explanation: Explanation) -> String {
  let kernel = explanation.kernel
  guard kernel.recorded == nil, !KernelVersion.all.contains(kernel),
    let base = kernel.changedVersion
  else { return "" }
  let turned = settings(from: base.policy, to: kernel.policy).map { knob, value in
    let steps = explanation.path.indices.filter { explanation.path[$0].knob == knob.id }
    let ends = explanation.undoPath.contains { $0.knob == knob.id }
    let place =
      steps.first.map { "step \($0 + 1)" } ?? (ends ? "asked at the end" : "not asked here")
    return "\(knob.id) \(knob.name) \(value) (\(place))"
  }
  return turned.isEmpty
    ? ""
    : "\n"
      + folded(
        "\(kernel.name) turns of \(base.name): \(turned.joined(separator: ", ")).", hanging: "  ")
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
  tellApart(&table, spans.map(\.explanation))
  let text = table.text()
  if text.split(separator: "\n").allSatisfy({ $0.count <= 72 }) { return text }
  var document = Document()
  document.blocks = [.table(columns: table.columns.map(\.title), rows: table.rows)]
  return document.text(.text)
}

/// Adds the columns that tell neighbouring rows apart, which would look alike without.
private func tellApart(_ table: inout TextTable, _ explanations: [Explanation]) {
  let names = Answer.columnNames + ["decided"] + LifeAnswer.columnNames
  let values = explanations.map { explanation in
    let decision = explanation.answer.decision
    return explanation.answer.columns
      + [decision.name.dropFirst(decision.function.count + 2).description]
      + explanation.after.columns
  }
  for (first, second) in zip(table.rows.indices, table.rows.indices.dropFirst())
  where table.rows[first].dropFirst() == table.rows[second].dropFirst() {
    guard let column = names.indices.first(where: { values[first][$0] != values[second][$0] })
    else { continue }
    table.columns.insert(TextTable.Column(names[column]), at: 4)
    for row in table.rows.indices { table.rows[row].insert(values[row][column], at: 4) }
  }
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
  return folded(parts.joined(separator: ", "), hanging: "  ") + driverText(explanation)
    + limitsText(explanation)
}

/// What the driver can read.
private func driverText(_ explanation: Explanation) -> String {
  guard let driver = explanation.driver else { return "" }
  let reach = driver.reach
  func size(_ bytes: UInt64) -> String { bytes == .max ? "max" : String(bytes) }
  var parts = ["dma_set_mask() \(driver.acceptsMask ? "0" : "-EIO")"]
  if driver.acceptsCoherentMask != driver.acceptsMask || explanation.scenario.coherentMask != .same
  {
    parts.append("dma_set_coherent_mask() \(driver.acceptsCoherentMask ? "0" : "-EIO")")
  }
  parts += [
    "dma_get_required_mask() \(reach.requiredMask.hexadecimal)",
    "dma_max_mapping_size() \(size(reach.maxMapping))",
    "dma_opt_mapping_size() \(size(reach.optimalMapping))",
  ]
  if let needsSync = driver.needsSync { parts.append("dma_need_sync() \(needsSync ? 1 : 0)") }
  parts.append("dma_addressing_limited() \(reach.isAddressingLimited ? 1 : 0)")
  var text = folded("Driver reads: " + parts.joined(separator: ", "), indent: "  ", hanging: "    ")
  if !driver.acceptsMask {
    text += folded(
      "-EIO leaves the mask that was set before; the answer is that of a device with this one.",
      indent: "  ", hanging: "    ")
  }
  return text
}

/// Limits of the answer that the scenario runs into.
private func limitsText(_ explanation: Explanation) -> String {
  var notes: [String] = []
  let scenario = explanation.scenario
  let lines = explanation.device.addressLines
  if let iovas = explanation.driver?.iovas, explanation.answer.encoding == .iova {
    let first = iovas.upperBound > 0xffff_ffff ? ", those below 4 GiB first" : ""
    notes.append(
      "IOVAs: \(iovas.lowerBound.hexadecimal) to \(iovas.upperBound.hexadecimal)\(first) "
        + "(iommu_dma_alloc_iova(); what the IOMMU reserves left out).")
    if explanation.verdict == .unreachable {
      notes.append(
        "The device drives \(lines) address lines: once the IOVAs below are taken it gets some "
          + "that it cannot emit; a mask of \(lines) bits prevents that.")
    }
  } else if explanation.verdict == .unreachable, lines < 64 {
    notes.append("The device drives \(lines) address lines and cannot emit the address.")
  }
  if !scenario.operation.isMapping, scenario.buffer.length > maxPageOrderSize {
    let cma =
      scenario.platform.family == .xen
      ? "swiotlb-xen has no other source (xen_swiotlb_alloc_coherent())."
      : "CONFIG_DMA_CMA and cma= can serve it without an IOMMU, where the area lies within the "
        + "mask. CMA is not modelled."
    notes.append(
      "More than MAX_PAGE_ORDER (\(maxPageOrderSize) bytes) is no block of the page allocator; "
        + cma)
  }
  if let last = explanation.reachInPool {
    notes.append(
      "The device reaches the pool up to \(last.hexadecimal) alone.  The answer is that of the "
        + "pool's first slot; swiotlb_search_pool_area() does not ask the mask, and the search "
        + "begins in the area of the CPU: a slot beyond is found on another CPU or under load, "
        + "and the mapping fails (swiotlb_map(), \"swiotlb addr ... overflow\").")
  }
  if let pool = explanation.poolOfBuffer {
    notes.append(
      "The buffer lies in the swiotlb pool, \(pool.start.hexadecimal) to "
        + "\((pool.end - 1).hexadecimal): no driver has that memory. The answer is that of RAM; "
        + "a kernel would take the buffer for a bounce when it is unmapped.")
  }
  return notes.map { folded($0, indent: "  ", hanging: "    ") }.joined()
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
