import DMAModel
import HostCapture
import Support
import TraceEvents

/// Scatter lists: entries that dma-direct maps each for itself, and dma-iommu merges.
extension TrafficCheck {
  mutating func compareList(_ event: TraceEvent) -> TrafficOutcome {
    let physical = trace.numbers[event.physicalRun.range]
    let dma = trace.numbers[event.dmaRun.range]
    let sizes = trace.numbers[event.sizeRun.range]
    if let first = physical.first {
      live.add(
        list: event.dmaRun, first: first, count: event.physicalRun.count, device: event.device)
    }
    for (address, size) in zip(dma, sizes) {
      live.add(
        .init(
          device: event.device, start: address, length: size, direction: event.direction,
          isAllocation: false))
    }
    var outcome = TrafficOutcome.agrees
    // dma-iommu merges entries; the lengths of the merged ones are not in the trace.
    let isMerged = physical.count != dma.count || dma.count != sizes.count
    let device = devices[Int(event.device)]
    let isTranslated = device.kernel.iommu.usesDMAIOMMU
    if isMerged || isTranslated {
      return compareTranslatedList(event, physical, dma, sizes, isMerged: isMerged)
    }
    for ((address, target), size) in zip(zip(physical, dma), sizes) {
      let bounce = pending.take(device: event.device, physical: address, size: size)
      let entry = Entry(
        operation: .mapSG, attributes: event.attributes.deciding, physical: address, dma: target,
        length: size, bounce: bounce)
      let (one, result) = compare(entry, event)
      summary.countMapping(
        event.device, bytes: size, result: result, lastByte: lastByte(entry),
        bounce: bounce)
      outcome = Self.worse(outcome, one)
    }
    if event.isCut, outcome == .agrees { outcome = .limited(.entriesMissing) }
    return outcome
  }

  /// A list behind dma-iommu: addresses are IOVAs, merged where they can be.
  private mutating func compareTranslatedList(
    _ event: TraceEvent, _ physical: ArraySlice<UInt64>, _ dma: ArraySlice<UInt64>,
    _ sizes: ArraySlice<UInt64>, isMerged: Bool
  ) -> TrafficOutcome {
    let device = devices[Int(event.device)]
    guard let conditions = device.conditions else { return .limited(.unlistedDevice) }
    guard device.kernel.usesDMAIOMMU(conditions.request(.map, length: 1)) else {
      return .differs(.init("entries", "\(dma.count)", "\(physical.count)"))
    }
    let limit = conditions.request(.map, length: 1).streamingLimit
    var outcome = TrafficOutcome.agrees
    for (index, (target, size)) in zip(dma, sizes).enumerated() {
      var bounce: TraceEvent?
      if !isMerged {
        bounce = pending.take(
          device: event.device, physical: physical[physical.startIndex + index], size: size)
      }
      let (end, overflows) = target.addingReportingOverflow(max(1, size) - 1)
      if overflows || end > limit || target < 4096 {
        outcome = .differs(.init("dma", target.hexadecimal, "an IOVA within the mask"))
      }
      if bounce == nil, !isMerged,
        (target ^ physical[physical.startIndex + index]) & 4095 != 0
      {
        outcome = .differs(.init("dma", target.hexadecimal, "the buffer's offset in its page"))
      }
      if !isMerged, conditions.coherence == .coherent, bounce != nil {
        outcome = .differs(.init("result", "iova+bounce", "iova"))
      }
      summary.countMapping(
        event.device, bytes: size, result: bounce == nil ? .iova : .iovaBounce, lastByte: 0,
        bounce: bounce)
    }
    // The bounces of merged entries are of this list.
    if isMerged { _ = pending.takeAll(device: event.device) }
    if event.isCut, outcome == .agrees { outcome = .limited(.entriesMissing) }
    return outcome
  }

  /// A list that failed: one entry's error undoes all; lengths are not in the event.
  mutating func compareFailedList(_ event: TraceEvent) -> TrafficOutcome {
    let bounces = pending.takeAll(device: event.device)
    let device = devices[Int(event.device)]
    summary.countMapping(
      event.device, bytes: bounces.reduce(0) { $0 &+ $1.size }, result: .error, lastByte: 0,
      bounce: nil)
    guard let conditions = device.conditions else { return .limited(.unlistedDevice) }
    if device.kernel.iommu.usesDMAIOMMU { return .limited(.iovaSpace) }
    for address in trace.numbers[event.dmaRun.range] where address < 1 << 56 {
      // The first byte alone: what does not reach that does not reach more.
      let request = conditions.request(
        .mapSG, event.attributes.deciding, at: address, length: 1)
      if device.kernel.answer(to: request).result == .error { return .agrees }
    }
    return .limited(bounces.isEmpty ? .entriesMissing : .poolFill)
  }

  mutating func compareUnmapList(_ event: TraceEvent) -> TrafficOutcome {
    let physical = trace.numbers[event.physicalRun.range]
    guard let first = physical.first,
      let run = live.end(first: first, count: Int32(physical.count), device: event.device)
        ?? live.end(
          first: first, count: min(Int32(physical.count), 128), device: event.device)
    else { return .unseen }
    for address in trace.numbers[run.range] {
      _ = live.end(address, device: event.device, isAllocation: false)
    }
    return .agrees
  }

  private static func worse(_ one: TrafficOutcome, _ other: TrafficOutcome) -> TrafficOutcome {
    if case .differs = one { return one }
    if case .differs = other { return other }
    return one == .agrees ? other : one
  }
}
