import DMAModel
import Support

/// One line beside the model.
struct RowComparison {
  let boot: ObservedBoot
  let kernel: BootedKernel
  let row: Observation
  /// Whether an earlier request of the boot found no IOVA.
  let iovaWasRefused: Bool
  var outcome = ObservationOutcome()

  init(boot: ObservedBoot, kernel: BootedKernel, row: Observation, iovaWasRefused: Bool) {
    self.boot = boot
    self.kernel = kernel
    self.row = row
    self.iovaWasRefused = iovaWasRefused
  }

  private mutating func differ(_ column: String, _ observed: String, _ model: String) {
    outcome.differences.append(.init(column: column, observed: observed, model: model))
  }

  private mutating func compare(_ column: String, _ observed: UInt64?, _ model: UInt64) {
    guard let observed, observed != model else { return }
    differ(column, observed.hexadecimal, model.hexadecimal)
  }

  private mutating func compare(_ column: String, _ observed: Bool?, _ model: Bool) {
    guard let observed, observed != model else { return }
    differ(column, observed ? "1" : "0", model ? "1" : "0")
  }

  private func request(
    _ operation: Operation, _ attributes: ExactRequest.AttributeSet = [], at address: UInt64,
    length: UInt64
  ) -> ExactRequest {
    ExactRequest(
      operation: operation, attributes: attributes,
      buffer: .init(
        physicalAddress: address, length: length,
        isDeviceMemory: row.operation == .mapResource || row.region.hasPrefix("bar")),
      facing: boot.facing, streamingMask: row.dmaMask, coherentMask: row.dmaMask,
      busLimit: boot.busLimitBits == 0 ? 0 : bitMask(UInt8(boot.busLimitBits)))
  }

  // MARK: - set_mask

  mutating func compareMask(before: UInt64) {
    compareReach()
    let asked = row.maskBits == 0 ? before : bitMask(UInt8(row.maskBits))
    let accepted =
      row.maskBits == 0 || kernel.accepts(mask: asked, of: request(.map, at: 0, length: 1))
    outcome.predicted = accepted ? .ok : .error
    if row.result != outcome.predicted {
      differ("result", row.result.rawValue, accepted ? "ok" : "error")
    }
    let error = accepted ? 0 : -5
    if row.setMaskError != error { differ("set_mask_rc", "\(row.setMaskError)", "\(error)") }
    if row.setCoherentMaskError != error {
      differ("set_coherent_rc", "\(row.setCoherentMaskError)", "\(error)")
    }
    compare("dma_mask", row.dmaMask, accepted ? asked : before)
  }

  /// Mapping sizes, required mask, and whether the device is limited.
  private mutating func compareReach() {
    let reach = kernel.reach(of: request(.map, at: 0, length: 1))
    compare("max_mapping", row.maxMapping, reach.maxMapping)
    compare("opt_mapping", row.optimalMapping, reach.optimalMapping)
    compare("required_mask", row.requiredMask, reach.requiredMask)
    compare("addr_limited", row.isAddressingLimited, reach.isAddressingLimited)
  }

  // MARK: - Requests

  mutating func compareRequest(regions: [String: UInt64], skipsSync: Bool) {
    compareReach()
    guard let attributes = ProbeAttributes(row.attributes) else {
      outcome.limits.insert(.unmodelled)
      return
    }
    let length = row.bytes
    if row.operation.isAllocation {
      compareAllocation(attributes, length)
      compareSync(kernel.answer(to: allocation(attributes, length)), skipsSync)
      return
    }
    guard let physical = row.physicalAddress else {
      outcome.limits.insert(.unmodelled)
      return
    }
    guard row.operation == .mapSG else {
      // dma_map_page_attrs() since dma_map_phys() exists: no MMIO.
      let isPage = row.operation != .mapPhys && row.operation != .mapResource
      if isPage, attributes.deciding.isMMIO, kernel.policy.mappingInterface.mapsPhysicalAddresses {
        outcome.predicted = .error
        if row.result != .error { differ("result", row.result.rawValue, "error") }
        return
      }
      var deciding = attributes.deciding
      if row.operation == .mapResource { deciding.insert(.mmio) }
      let request = request(.map, deciding, at: physical, length: length)
      compareMap([(request, kernel.answer(to: request))], attributes)
      compareSync(kernel.answer(to: request), skipsSync)
      return
    }
    let names = row.region.split(separator: "+").map(String.init)
    var addresses = [physical]
    for name in names.dropFirst() {
      guard let address = row.secondAddress ?? regions[name] else {
        outcome.limits.insert(.secondEntry)
        return
      }
      addresses.append(address)
    }
    let entry = length / UInt64(max(1, addresses.count))
    let entries = addresses.map { address in
      let request = request(.mapSG, attributes.deciding, at: address, length: entry)
      return (request, kernel.answer(to: request))
    }
    compareMap(entries, attributes)
    compareSync(entries[0].1, skipsSync)
  }

  private mutating func compareSync(_ answer: Answer, _ skipsSync: Bool) {
    guard let observed = row.needsSync, row.result == outcome.predicted else { return }
    let request = request(.map, at: 0, length: 1)
    // The mapping's own bounce has cleared the flag by the time it is asked.
    let skips = skipsSync && row.result != .iovaBounce
    let model = kernel.needsSync(answer, of: request, skipsSync: skips)
    guard observed != model else { return }
    if kernel.syncHasHistory(request) {
      outcome.limits.insert(.syncHistory)
    } else {
      compare("need_sync", observed, model)
    }
  }

  /// A mapping of one buffer, or of the entries of a scatter list: an error of one
  /// undoes all.
  private mutating func compareMap(
    _ entries: [(request: ExactRequest, answer: Answer)], _ attributes: ProbeAttributes
  ) {
    let failed = entries.first { $0.answer.result == .error }
    let bounced = entries.filter { $0.answer.result.bounces }
    let chosen = failed ?? bounced.first ?? entries[0]
    outcome.decision = chosen.answer.decision
    let predicted = ProbeResult(chosen.answer.result)
    outcome.predicted = predicted
    guard row.result == predicted else {
      explainResult(entries, predicted)
      return
    }
    let first = entries[0]
    switch predicted {
    case .direct: if let address = first.answer.address { compare("dma", row.dmaAddress, address) }
    case .bounce: compareSlot(first)
    case .iova, .iovaBounce: compareIOVA(first, isBounce: predicted == .iovaBounce)
    case .error, .absent, .ok: break
    }
    var slots = 0
    for entry in bounced where predicted != .error {
      let length = entry.request.buffer.length
      // dma-iommu bounces whole pages (kernel/dma/swiotlb.c alloc_align_mask).
      let taken = predicted == .iovaBounce ? (length + 4095) & ~4095 : length
      slots += Int((taken + 2047) / 2048)
    }
    if let observed = row.slots, observed != slots {
      differ("tlb_used_delta", "\(observed)", "\(slots)")
    }
    guard !bounced.isEmpty, predicted != .error else { return }
    // kernel/dma/swiotlb.c: copied in always, out at unmap unless the device only
    // reads or the caller skips it.
    compare("copy_in", row.copiedIn, true)
    compare(
      "copy_out", row.copiedOut,
      (row.direction ?? .bidirectional).copiesBack && !attributes.skipsSync)
  }

  /// Another result than predicted: an IOVA space too small, or a difference.
  private mutating func explainResult(
    _ entries: [(request: ExactRequest, answer: Answer)], _ predicted: ProbeResult
  ) {
    if row.result == .error, predicted == .iova || predicted == .iovaBounce {
      let pages = entries.reduce(UInt64(0)) { $0 + Self.pages($1.request, of: predicted) }
      if let limit = spaceLimit(pages: pages) {
        outcome.limits.insert(limit)
        return
      }
    }
    differ("result", row.result.rawValue, predicted.rawValue)
  }

  private static func pages(_ request: ExactRequest, of result: ProbeResult) -> UInt64 {
    let offset = result == .iovaBounce ? 0 : request.buffer.physicalAddress & 4095
    return (offset + request.buffer.length + 4095) >> 12
  }

  /// Why there may be no IOVA for so many pages, or nil.
  private func spaceLimit(pages: UInt64) -> ObservationLimit? {
    let space = IOVASpace(limit: request(.map, at: 0, length: 1).streamingLimit)
    if !space.fits(pages: pages) { return .iovaWindow }
    guard boot.domain == "dma-fq" else { return nil }
    // drivers/iommu/iova.c max32_alloc_size: after a refusal further requests below
    // 4 GiB are refused unsearched until a range is freed, which a flush queue delays.
    return space.isScarce || iovaWasRefused && space.isBelow32Bits ? .iovaHistory : nil
  }

  private mutating func compareSlot(_ entry: (request: ExactRequest, answer: Answer)) {
    guard let address = row.dmaAddress else { return }
    let end = address + entry.request.buffer.length
    guard let start = entry.answer.address else { return }
    let last = start + (kernel.pool.end - kernel.pool.start)
    if address < start || end > last || end - 1 > entry.request.streamingLimit {
      differ("dma", address.hexadecimal, "a slot of the pool")
    }
    outcome.limits.insert(.bounceSlot)
  }

  private mutating func compareIOVA(
    _ entry: (request: ExactRequest, answer: Answer), isBounce: Bool
  ) {
    guard let address = row.dmaAddress else { return }
    let offset = isBounce ? address & 4095 : entry.request.buffer.physicalAddress & 4095
    if address & 4095 != offset
      || address + entry.request.buffer.length - 1 > entry.request.streamingLimit || address < 4096
    {
      differ("dma", address.hexadecimal, "an IOVA within the mask")
    }
    outcome.limits.insert(.iovaValue)
  }

  // MARK: - Allocations

  private func allocation(_ attributes: ProbeAttributes, _ length: UInt64) -> ExactRequest {
    let atomic = row.region == "gfp_atomic"
    let operation: Operation =
      switch row.operation {
      case .allocPages: atomic ? .allocPagesAtomic : .allocPages
      default:
        attributes.hasNoKernelMapping ? .allocNoKernelMapping : atomic ? .allocAtomic : .alloc
      }
    return request(operation, attributes.deciding, at: 0, length: length)
  }

  private mutating func compareAllocation(_ attributes: ProbeAttributes, _ length: UInt64) {
    let request = allocation(attributes, length)
    let answer = kernel.answer(to: request)
    outcome.decision = answer.decision
    let predicted: ProbeResult =
      answer.result == .error ? .error : answer.encoding == .iova ? .iova : .direct
    outcome.predicted = predicted
    if row.result == .error, predicted == .iova,
      let limit = spaceLimit(pages: (length + 4095) >> 12)
    {
      outcome.limits.insert(limit)
      return
    }
    if row.result == .direct, predicted == .error, answer.decision == .allocNoPage {
      outcome.limits.insert(.allocationLuck)
      outcome.predicted = .direct
    } else if row.result != predicted {
      differ("result", row.result.rawValue, predicted.rawValue)
      return
    }
    guard row.result != .error, let address = row.dmaAddress else { return }
    let limit = request.coherentLimit
    if address + length - 1 > limit
      || row.result == .direct && !boot.machine.contains(kernel.physical(address), length: length)
    {
      differ("dma", address.hexadecimal, "a page within the mask")
    }
    outcome.limits.insert(row.result == .iova ? .iovaValue : .allocatedPage)
    if let observed = row.slots, observed != 0 { differ("tlb_used_delta", "\(observed)", "0") }
  }
}

/// The attributes of a probe's line, as far as they decide.
struct ProbeAttributes {
  var deciding: ExactRequest.AttributeSet = []
  var skipsSync = false
  var hasNoKernelMapping = false

  /// Attributes that decide neither path nor address.
  private static let neutral: Set<String> = [
    "FORCE_CONTIGUOUS", "NO_WARN", "WEAK_ORDERING", "WRITE_COMBINE", "ALLOC_SINGLE_PAGES",
    "PRIVILEGED", "DEBUGGING_IGNORE_CACHELINES", "CPU_CACHE_CLEAN",
  ]

  /// Nil where a name is not known.
  init?(_ names: [String]) {
    for name in names {
      switch name {
      case "MMIO": deciding.insert(.mmio)
      case "CC_SHARED": deciding.insert(.ccShared)
      case "REQUIRE_COHERENT": deciding.insert(.requireCoherent)
      case "SKIP_CPU_SYNC": skipsSync = true
      case "NO_KERNEL_MAPPING": hasNoKernelMapping = true
      default: guard Self.neutral.contains(name) else { return nil }
      }
    }
  }
}

extension ProbeResult {
  /// A mapping's result in the probe's words.
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
