import DMAModel
import HostCapture
import Support
import TraceEvents

/// Compares the events of a trace with the model of the machine that it is of.
///
/// What sysfs does not show of a device (coherence, a bus limit) is read from the whole
/// trace first, and said; every event must then agree with it.
public struct TrafficCheck {
  let boot: HostBoot
  let trace: Trace
  var devices: [TracedDevice] = []
  var live = LiveMappings()
  var pending = PendingBounces()
  public internal(set) var summary: TrafficSummary
  let poolRange: PhysicalRange?

  /// A device of the trace.
  struct TracedDevice {
    let kernel: BootedKernel
    /// Nil where the masks are not known.
    var conditions: DeviceConditions?
    /// Conditions that the device may have had before.
    var earlier: [DeviceConditions]
    var hasBounced = false
  }

  /// Compares a whole trace.
  public init(_ trace: Trace, with boot: HostBoot) {
    self.trace = trace
    self.boot = boot
    poolRange =
      boot.capture.poolPlaceIsKnown && boot.capture.family != .xen
      ? boot.capture.machine.observedPool : nil
    summary = TrafficSummary(trace)
    let inference = TrafficInference(trace, boot)
    for (index, name) in trace.devices.enumerated() {
      devices.append(inference.device(index, name))
      summary.devices[index].inferred = inference.inferred[index]
      summary.devices[index].driver = inference.listed[index]?.driver
      summary.devices[index].conditions = devices[index].conditions
      summary.devices[index].listed = inference.listed[index]
    }
    for event in trace.events {
      let outcome = compare(event)
      summary.count(event, outcome)
    }
    summary.limits[.unpairedBounce] = pending.rest > 0 ? pending.rest : nil
    summary.moveUnpaired(pending.rest)
  }

  /// Compares a trace with each platform that fits the boot log, and takes the one
  /// from which least differs: SME's C-bit is not logged.
  public static func best(
    of trace: Trace, with boot: HostBoot
  ) -> (summary: TrafficSummary, boot: HostBoot) {
    var best = (summary: TrafficCheck(trace, with: boot).summary, boot: boot)
    for platform in boot.capture.platforms.dropFirst() where best.summary.total.differ > 0 {
      guard
        let other = try? HostBoot(
          boot.capture, version: boot.version, commandLine: boot.commandLine, platform: platform)
      else { continue }
      let summary = TrafficCheck(trace, with: other).summary
      if summary.total.differ < best.summary.total.differ { best = (summary, other) }
    }
    return best
  }

  private mutating func compare(_ event: TraceEvent) -> TrafficOutcome {
    switch event.kind {
    case .bounced: return compareBounce(event)
    case .mapPage, .mapPhys, .mapResource: return compareMap(event)
    case .mapSG: return compareList(event)
    case .mapSGError: return compareFailedList(event)
    case .unmapPage, .unmapPhys, .unmapResource:
      guard let mapping = live.end(event.dma, device: event.device, isAllocation: false) else {
        // A driver that does not ask dma_mapping_error() unmaps what was refused.
        if event.dma == TraceEvent.mappingError { summary.misuse += 1 }
        return .unseen
      }
      noteMisuse(event, mapping)
      return .agrees
    case .unmapSG: return compareUnmapList(event)
    case .free, .freePages, .freeSGT:
      guard let mapping = live.end(event.dma, device: event.device, isAllocation: true) else {
        return .unseen
      }
      if mapping.length != event.size { summary.misuse += 1 }
      return .agrees
    case .alloc, .allocPages, .allocSGT, .allocSGTError: return compareAllocation(event)
    case .syncForCPU, .syncForDevice: return compareSync(event, event.dma, event.size)
    case .syncSGForCPU, .syncSGForDevice:
      guard event.dmaRun.count > 0 else { return .limited(.entriesMissing) }
      return compareSync(
        event, trace.numbers[event.dmaRun.range.lowerBound],
        event.sizeRun.count > 0 ? trace.numbers[event.sizeRun.range.lowerBound] : 1)
    }
  }

  private mutating func noteMisuse(_ event: TraceEvent, _ mapping: LiveMappings.Mapping) {
    if mapping.length != event.size || mapping.direction != event.direction { summary.misuse += 1 }
  }

  // MARK: - Bounces

  private mutating func compareBounce(_ event: TraceEvent) -> TrafficOutcome {
    devices[Int(event.device)].hasBounced = true
    pending.add(event)
    let pool = devices[Int(event.device)].kernel.pool
    if pool.isActive, pool.forceBounce != event.flag {
      return .differs(
        .init("force", event.flag ? "FORCE" : "NORMAL", pool.forceBounce ? "FORCE" : "NORMAL"))
    }
    return .agrees
  }

  // MARK: - Mappings

  private mutating func compareMap(_ event: TraceEvent) -> TrafficOutcome {
    let bounce = pending.take(
      device: event.device, physical: event.physical, size: event.size)
    let isResource = event.kind == .mapResource || event.attributes.contains(.mmio)
    var attributes = event.attributes.deciding
    if isResource { attributes.insert(.mmio) }
    let entry = Entry(
      operation: .map, attributes: attributes, physical: event.physical, dma: event.dma,
      length: event.size, bounce: bounce, isDeviceMemory: isResource)
    let (outcome, result) = compare(entry, event)
    if result != .error {
      live.add(
        .init(
          device: event.device, start: event.dma, length: event.size, direction: event.direction,
          isAllocation: false))
    }
    summary.countMapping(
      event.device, bytes: event.size, result: result,
      lastByte: lastByte(entry), bounce: bounce)
    return outcome
  }

  /// The last byte that decides: on Xen of the machine address.
  func lastByte(_ entry: Entry) -> UInt64 {
    let isXen = boot.capture.family == .xen
    let address = isXen ? entry.bounce?.physical ?? entry.dma : entry.physical
    return address &+ max(1, entry.length) &- 1
  }

  /// One buffer of a mapping, as the trace shows it.
  struct Entry {
    var operation: Operation
    var attributes: ExactRequest.AttributeSet
    var physical: UInt64
    var dma: UInt64
    var length: UInt64
    var bounce: TraceEvent?
    var isDeviceMemory = false
  }

  /// Compares one buffer: its result, then its address.
  func compare(
    _ entry: Entry, _ event: TraceEvent
  ) -> (TrafficOutcome, TrafficResult) {
    let device = devices[Int(event.device)]
    let observed = observed(entry, device)
    guard entry.length > 0, entry.length <= 1 << 40, entry.physical < 1 << 56 else {
      return (.differs(.init("size", "\(entry.length)", "1 to 2^40 below 2^56")), observed)
    }
    guard var conditions = device.conditions else {
      return (.limited(.unlistedDevice), observed)
    }
    if event.attributes.contains(.unknown) { return (.limited(.unknownAttribute), observed) }
    // A bounce reports the mask that the device had at that moment.
    if let mask = entry.bounce?.dma, mask > 0, mask & (mask &+ 1) == 0 {
      conditions.streamingMask = mask
    }
    let first = compare(entry, observed, device.kernel, conditions)
    guard case .differs = first else { return (first, observed) }
    for earlier in device.earlier {
      let other = compare(entry, observed, device.kernel, earlier)
      if other == .agrees { return (.limited(.maskHistory), observed) }
    }
    return (first, observed)
  }

  private func observed(_ entry: Entry, _ device: TracedDevice) -> TrafficResult {
    if entry.dma == TraceEvent.mappingError { return .error }
    let isTranslated =
      device.conditions.map {
        device.kernel.usesDMAIOMMU($0.request(.map, length: 1))
      } ?? device.kernel.iommu.usesDMAIOMMU
    if isTranslated { return entry.bounce == nil ? .iova : .iovaBounce }
    if entry.bounce != nil { return .bounce }
    // The event of the bounce may have been lost; its address is in the pool.
    if let poolRange, entry.physical != entry.dma,
      poolRange.start <= entry.dma & ~device.kernel.platform.encryptionBit,
      entry.dma & ~device.kernel.platform.encryptionBit < poolRange.end
    {
      return .bounce
    }
    return .direct
  }

  private func compare(
    _ entry: Entry, _ observed: TrafficResult, _ kernel: BootedKernel,
    _ conditions: DeviceConditions
  ) -> TrafficOutcome {
    var address = entry.physical
    let isXen = boot.capture.family == .xen && !entry.isDeviceMemory
    if isXen {
      // The device sees machine addresses, which decide; the event of a bounce has them.
      if let bounce = entry.bounce {
        address = bounce.physical
      } else if observed == .direct {
        address = entry.dma
      } else {
        return .limited(.machineAddress)
      }
      guard address < 1 << 56 else { return .limited(.machineAddress) }
    }
    let request = conditions.request(
      entry.operation, entry.attributes, at: address, length: entry.length,
      isDeviceMemory: entry.isDeviceMemory)
    let answer = kernel.answer(to: request)
    let predicted = TrafficResult(answer.result)
    guard predicted == observed else {
      if observed == .error, predicted.bounces, entry.bounce != nil {
        return .limited(.poolFill)
      }
      if observed == .error, predicted == .iova || predicted == .iovaBounce {
        return .limited(.iovaSpace)
      }
      if isXen, observed == .bounce, predicted == .direct,
        (address & 4095) + entry.length > 4096
      {
        return .limited(.machineAddress)
      }
      return .differs(.init("result", observed.name, predicted.name))
    }
    if let wrong = addressFault(entry, request, answer, kernel, conditions.busOffset) {
      return .differs(wrong)
    }
    return .agrees
  }

  /// What of an address can be known, and is not so.
  private func addressFault(
    _ entry: Entry, _ request: ExactRequest, _ answer: Answer, _ kernel: BootedKernel,
    _ busOffset: UInt64
  ) -> TrafficDifference? {
    let dma = entry.dma
    guard answer.result != .error else { return nil }
    let (end, overflows) = dma.addingReportingOverflow(entry.length - 1)
    switch answer.result {
    case .direct:
      if boot.capture.family == .xen, !entry.isDeviceMemory {
        guard (dma ^ entry.physical) & 4095 == 0 else {
          return .init("dma", dma.hexadecimal, "the buffer's offset in its frame")
        }
      } else if let address = answer.address, dma != address {
        return .init("dma", dma.hexadecimal, address.hexadecimal)
      }
    case .bounce:
      if overflows || end > request.streamingLimit {
        return .init("dma", dma.hexadecimal, "a slot within the mask")
      }
      if let poolRange {
        let physical = kernel.physical(dma) &- busOffset
        if physical < poolRange.start || poolRange.end < physical
          || entry.length > poolRange.end - physical
        {
          return .init("dma", dma.hexadecimal, "a slot of the pool")
        }
      }
    case .iova, .iovaBounce:
      let fits = !overflows && end <= request.streamingLimit && dma >= 4096
      // A bounce keeps the offset only as far as the device's alignment asks.
      let offset = answer.result == .iovaBounce || (dma ^ entry.physical) & 4095 == 0
      if !fits || !offset { return .init("dma", dma.hexadecimal, "an IOVA within the mask") }
    default: break
    }
    return nil
  }

  // MARK: - Syncs

  /// A sync reaches the tracepoint only if the device needs one
  /// (include/linux/dma-mapping.h `dma_dev_need_sync()`).
  private mutating func compareSync(
    _ event: TraceEvent, _ address: UInt64, _ length: UInt64
  ) -> TrafficOutcome {
    let device = devices[Int(event.device)]
    if let conditions = device.conditions, conditions.coherence == .coherent, !device.hasBounced {
      return .limited(.syncHistory)
    }
    return live.holding(address, length: length, device: event.device) == nil ? .unseen : .agrees
  }
}

extension BootedKernel {
  /// `use_dma_iommu(dev)` of a device in numbers.
  func usesDMAIOMMU(_ request: ExactRequest) -> Bool {
    if iommu.usesDMAIOMMU { return true }
    guard iommu == .passthrough, platform.sharedMemoryReader == .dram else { return false }
    let answer = answer(
      to: ExactRequest(
        operation: .map, buffer: .init(physicalAddress: 0, length: 1),
        streamingMask: request.streamingMask, coherentMask: request.coherentMaskAddress))
    return answer.encoding == .iova
  }
}

extension TraceAttributes {
  /// The attributes that decide.
  var deciding: ExactRequest.AttributeSet {
    var set: ExactRequest.AttributeSet = []
    if contains(.mmio) { set.insert(.mmio) }
    if contains(.ccShared) { set.insert(.ccShared) }
    if contains(.requireCoherent) { set.insert(.requireCoherent) }
    return set
  }
}

extension TrafficResult {
  init(_ result: AnswerResult) {
    switch result {
    case .direct, .page, .pool, .swiotlb: self = .direct
    case .bounce: self = .bounce
    case .iova: self = .iova
    case .iovaBounce, .iovaEnds: self = .iovaBounce
    case .error: self = .error
    }
  }
}
