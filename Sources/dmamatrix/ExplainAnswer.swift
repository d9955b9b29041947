import Analysis
import BootInputs
import DMAModel
import Reporting
import Support

extension ExplainQuestion {
  /// What was found in the inputs, without answers.
  func found() -> String {
    notes.map { folded("- \($0)", hanging: "  ") }.joined() + failuresText()
  }

  /// What was found, and the explanation of every case that is left.
  func answer() throws -> String {
    var text = found()
    if isUnmodelled {
      return text + "\n"
        + folded("No answer: the model has no such machine; ask without the log for another.")
    }
    if facts == nil, hasFindings, platforms.isEmpty || kernels.isEmpty {
      return text + "\n" + folded("What the model answers: with --platform and --kernel.")
    }
    if hasFindings, platforms.isEmpty || kernels.isEmpty {
      let missing = platforms.isEmpty ? "platform" : "kernel"
      return text + "\n"
        + folded("No answer: the \(missing) is not known; --\(missing) names it.")
    }
    let cases = try cases()
    if cases.isEmpty {
      return text + "\n" + folded("No answer: no mode of the IOMMU that fits is modelled.")
    }
    for question in cases {
      if !text.isEmpty { text += "\n" }
      if cases.count > 1, let reason = question.reason {
        text += folded("iommu \(question.scenario.iommu.name): \(reason)") + "\n"
      }
      text += try explainedBuffers(question)
    }
    return text + "\n" + poolsText(cases)
  }

  /// The explanations of one buffer, and what tells them from another's.
  func explained(_ question: ExplainCase) throws -> (text: String, signature: [String]) {
    let spans = try question.kernels.map { try self.spans(of: question, by: $0) }
    var text: String
    let signature: [String]
    if filter[DMAMask.axis]?.count == 1 {
      let explanations = spans.compactMap(\.first?.explanation)
      text = explanationText(explanations)
      signature = explanations.map { explanation in
        var answer = explanation.answer
        if answer.result == .direct { answer.address = nil }
        return
          (answer.columns + explanation.after.columns + [
            explanation.verdict.name, answer.decision.name,
          ]).joined(separator: " ")
      }
    } else {
      signature = spans.map { spans in
        spansText(spans.map { (masks: $0.masks, explanation: $0.explanation) })
      }
      let names = question.scenario.names.enumerated().map { $0.offset == 4 ? "*" : $0.element }
      text = zip(question.kernels, signature).map { kernel, table in
        foldedHeading("\(kernel.name) \(names.joined(separator: "/"))") + "\n" + table
      }.joined(separator: "\n")
    }
    if question.kernels.count == 2, kernelsAreNeighbours {
      let names = question.kernels.map(\.name).joined(separator: " and ")
      let alike = Set(spans.map { $0.map(Outcome.init) }).count == 1
      text += "\n" + folded(alike ? "\(names) agree." : "\(names) differ.")
    }
    return (text, signature)
  }

  // MARK: - Failing lines

  /// Each kind of failure once, with what it means.
  private func failuresText() -> String {
    var text = ""
    let groups = groupedFailures()
    for (failure, places) in groups.prefix(Self.shownFailures) {
      let diagnosis = failure.diagnosis(in: facts)
      let device = failure.device.map { ", device \($0.printable)" } ?? ""
      let more = places.count > 1 ? " and \(places.count - 1) more" : ""
      text += "\n"
      text += folded(
        "\(places[0])\(more)\(device): \(diagnosis.decision.rawValue): \(diagnosis.reason)",
        hanging: "  ")
      for help in diagnosis.helps {
        text += folded("helps: \(help)", indent: "  ", hanging: "    ")
      }
      for other in diagnosis.doesNotHelp {
        text += folded("does not help: \(other)", indent: "  ", hanging: "    ")
      }
      text += folded("printed by \(diagnosis.source)", indent: "  ", hanging: "    ")
      for answer in modelled(failure) { text += folded(answer, indent: "  ", hanging: "    ") }
    }
    if groups.count > Self.shownFailures {
      text +=
        "\n"
        + folded(
          "\(groups.count - Self.shownFailures) more failing lines that differ are not shown; "
            + "--device picks those of one device, --format json has all.")
    }
    return text
  }

  private static let shownFailures = 20

  /// Failures that are equal, with their places.
  func groupedFailures() -> [(failure: FailingLine, places: [String])] {
    var groups: [(failure: FailingLine, places: [String])] = []
    var known: [FailingLine: Int] = [:]
    for (failure, place) in failures {
      if let index = known[failure] {
        groups[index].places.append(place)
      } else {
        known[failure] = groups.count
        groups.append((failure, [place]))
      }
    }
    return groups
  }

  /// What the model answers to the very request of an overflow message.
  private func modelled(_ failure: FailingLine) -> [String] {
    let mapping: FailingLine.Mapping
    var isSlot = false
    switch failure.kind {
    case .unreachable(let request): mapping = request
    case .slotUnreachable(let request): (mapping, isSlot) = (request, true)
    default: return []
    }
    guard !isUnmodelled, let cases = try? cases() else { return [] }
    var lines: [String] = []
    for question in cases where !question.scenario.iommu.usesDMAIOMMU {
      let platform = question.scenario.platform
      var address = mapping.address & ~(platform.encryptionBit | platform.sharedBit)
      if isSlot {
        // The message names the slot and not the buffer, which is one that bounces.
        guard let top = question.machine.ram.last, top.length > mapping.size else { continue }
        address = (top.end - mapping.size) & ~4095
      }
      let isRAM = question.machine.contains(address, length: mapping.size)
      let request = ExactRequest(
        operation: .map, attributes: isRAM ? [] : .mmio,
        buffer: ExactRequest.Memory(
          physicalAddress: address, length: mapping.size, isDeviceMemory: !isRAM),
        streamingMask: mapping.mask, coherentMask: mapping.mask, busLimit: mapping.busLimit)
      for kernel in question.kernels {
        let answer = question.booted(kernel, circumstance).answer(to: request)
        lines.append(
          "\(kernel.name) as modelled, iommu \(question.scenario.iommu.name), "
            + "\(isRAM ? "RAM" : "device memory") at \(address.hexadecimal)"
            + (isSlot ? " (the line does not name the buffer): " : ": ")
            + "\(answer.result.name) by \(answer.decision.function)")
      }
    }
    return lines
  }

  // MARK: - The pool

  /// The pool of each case, those that are equal together.
  private func poolsText(_ cases: [ExplainCase]) -> String {
    var groups: [(text: String, labels: [String])] = []
    for question in cases {
      for kernel in question.kernels where kernel.recorded == nil {
        let text = poolText(question.booted(kernel, circumstance).pool)
        var label = kernel.name
        let scenario = question.scenario
        if platforms.count > 1 { label += " \(scenario.platform.name)" }
        if iommus.count > 1 { label += " iommu=\(scenario.iommu.name)" }
        if swiotlbs.count > 1 { label += " swiotlb=\(scenario.swiotlb.name)" }
        if machines.count > 1 { label += " \(scenario.memory.name)" }
        if let index = groups.firstIndex(where: { $0.text == text }) {
          groups[index].labels.append(label)
        } else {
          groups.append((text, [label]))
        }
      }
    }
    return groups.map {
      folded("Pool (\($0.labels.joined(separator: ", "))): \($0.text)", hanging: "  ")
    }.joined()
  }
}

/// What two kernels must have in common to agree.
private struct Outcome: Hashable {
  let masks: ClosedRange<Int>
  let columns: [String]
  let verdict: Verdict
  let exposure: Exposure
  let after: LifeAnswer

  init(_ span: ExplainSpan) {
    masks = span.masks
    columns = span.explanation.answer.columns
    verdict = span.explanation.verdict
    exposure = span.explanation.exposure
    after = span.explanation.after
  }
}
