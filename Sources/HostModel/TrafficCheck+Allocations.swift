import DMAModel
import HostCapture
import Support
import TraceEvents

/// Allocations: whether there is memory, and whether mask and RAM hold its address.
extension TrafficCheck {
  mutating func compareAllocation(_ event: TraceEvent) -> TrafficOutcome {
    let failed = event.isCut || event.kind == .allocSGTError
    if !failed {
      live.add(
        .init(
          device: event.device, start: event.dma, length: event.size, direction: event.direction,
          isAllocation: true))
    }
    summary.countAllocation(event.device, bytes: event.size, failed: failed)
    let device = devices[Int(event.device)]
    guard let conditions = device.conditions else { return .limited(.unlistedDevice) }
    if event.attributes.contains(.unknown) { return .limited(.unknownAttribute) }
    guard event.size > 0, event.size <= 1 << 40 else {
      return failed ? .agrees : .differs(.init("size", "\(event.size)", "1 to 2^40"))
    }
    let outcome = compareAllocation(event, failed: failed, device.kernel, conditions)
    guard case .differs = outcome else { return outcome }
    for earlier in device.earlier
    where compareAllocation(event, failed: failed, device.kernel, earlier) == .agrees {
      return .limited(.maskHistory)
    }
    return outcome
  }

  private func compareAllocation(
    _ event: TraceEvent, failed: Bool, _ kernel: BootedKernel, _ conditions: DeviceConditions
  ) -> TrafficOutcome {
    let length = (event.size + 4095) & ~4095
    let operation: Operation =
      switch event.kind {
      case .alloc where event.attributes.contains(.noKernelMapping): .allocNoKernelMapping
      case .alloc: event.flag ? .allocAtomic : .alloc
      default: event.flag ? .allocPagesAtomic : .allocPages
      }
    let request = conditions.request(operation, event.attributes.deciding, length: length)
    let answer = kernel.answer(to: request)
    let isRefused = answer.result == .error
    if failed {
      if isRefused { return .agrees }
      return .limited(.noMemory)
    }
    var limit: TrafficLimit?
    if isRefused {
      guard answer.decision == .allocNoPage || answer.decision == .allocPoolExhausted else {
        return .differs(.init("result", "memory", "error"))
      }
      limit = .allocationLuck
    }
    let (end, overflows) = event.dma.addingReportingOverflow(event.size - 1)
    let isTranslated = kernel.usesDMAIOMMU(request)
    if overflows || end > request.coherentLimit {
      return .differs(.init("dma", event.dma.hexadecimal, "within the coherent mask"))
    }
    let physical = kernel.physical(event.dma) &- conditions.busOffset
    let isRAM = boot.capture.machine.ram.contains { range in
      range.start <= physical && physical < range.end && event.size <= range.end - physical
    }
    if !isTranslated, boot.capture.family != .xen, !isRAM {
      return .differs(.init("dma", event.dma.hexadecimal, "RAM"))
    }
    return limit.map { .limited($0) } ?? .agrees
  }
}
