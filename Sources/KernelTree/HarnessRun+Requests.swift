import DMAModel
import Foundation

/// What a harness program is asked.
extension HarnessRun {
  /// What one simulated machine is asked.
  struct Question {
    let requests: [DeviceRequest]
    /// The masks that each is asked for; empty for its own.
    var masks: [DMAMask]
    /// The slots of `swiotlb=`, without which the kernel decides.
    var slots: UInt32?

    /// How many answers it has.
    var count: Int { requests.count * max(1, masks.count) }
  }

  /// The flags of a boot: see run.c.in.
  private var flags: UInt32 {
    var flags: UInt32 = isReversed ? 1 : 0
    switch look {
    case .plain: break
    case .zeros: flags |= 2 | 4
    case .path: flags |= 2 | 8
    }
    if domain.conditions.fill == .atomicPools { flags |= 16 }
    for (number, predicate) in program.facts.predicates.enumerated()
    where holding.contains(predicate) {
      flags |= 1 << UInt32(8 + number)
    }
    return flags
  }

  /// The requests that exist on a boot.
  ///
  /// A mapping that is larger than ``swiotlbMaxMapping`` finds no slots in areas of any size,
  /// but a search learns so only after half a million slots of a guest's pool.
  /// Such requests go to the same machine booted with `swiotlb=` and one segment for
  /// each CPU: it knows at once. Asked in reverse, one machine answers everything,
  /// and the answers are the same.
  func questions(to boot: BootConfiguration) -> [Question] {
    let requests = domain.requests(
      on: boot.machine, boot.platform, boot.iommu, policies: [policy]
    ).filter {
      ($0.attributes == .none || program.facts.attributes.contains($0.attributes))
        && ($0.operation != .iovaLink || program.facts.linksIOVA)
    }
    func isLarge(_ request: DeviceRequest) -> Bool {
      request.operation.isMapping && request.buffer.length > swiotlbMaxMapping
    }
    let large = requests.filter(isLarge)
    // A restricted pool's size is the device tree's.
    guard !isReversed, boot.swiotlb != .restricted, !large.isEmpty, large.count < requests.count
    else { return [Question(requests: requests, masks: domain.masks)] }
    let rest = requests.filter { !isLarge($0) }
    let slots = swiotlbSegmentSlots * UInt64(boot.machine.cpus)
    return [
      Question(requests: rest, masks: domain.masks),
      Question(requests: large, masks: domain.masks, slots: UInt32(slots)),
    ]
  }

  func append(
    _ boot: BootConfiguration, _ question: Question, to data: inout Data
  ) {
    let requests = question.requests
    func add<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    add(UInt32(boot.platform.kind.rawValue))
    let iommu: UInt32 =
      switch boot.iommu {
      case .none: 0
      case .off: 1
      case .passthrough: 2
      case .translated, .lazy, .strict: 3
      }
    add(iommu)
    add(UInt32(boot.swiotlb.rawValue))
    add(UInt32(boot.machine.ram.count))
    for index in 0..<16 {
      let range = index < boot.machine.ram.count ? boot.machine.ram[index] : PhysicalRange(0, 0)
      add(range.start)
      add(range.end)
    }
    add(UInt32(question.count))
    add(flags)
    add(UInt32(boot.machine.cpus))
    add(question.slots ?? 0)
    add(UInt32(boot.platform.encryptionBit.trailingZeroBitCount % UInt64.bitWidth))
    let buffers = Buffer.all(with: domain.buffers)
    add(UInt32(buffers.count))
    for index in 0..<Self.bufferLimit {
      let buffer = index < buffers.count ? buffers[index] : .none
      add(buffer.physicalAddress)
      add(index < buffers.count ? buffer.length : 0)
      add(UInt64(buffer.isDeviceMemory ? 1 : 0))
    }
    // Requests name masks and limits by number.
    let limits = Self.limits(of: domain)
    for index in 0..<Self.addressLimit { add(index < limits.count ? limits[index] : 0) }
    let device = boot.machine.device
    add(boot.machine.firmwareDMALimit ?? .max)
    add(device.segmentBoundary == .max ? 0 : device.segmentBoundary)
    add(device.minAlignMask)
    add(UInt64(device.ranges.count))
    for index in 0..<Self.rangeLimit {
      let range = index < device.ranges.count ? device.ranges[index] : nil
      add(range?.cpuStart ?? 0)
      add(range?.busStart ?? 0)
      add(range?.size ?? 0)
    }
    func number(of limit: UInt64) -> UInt8 { UInt8(limits.firstIndex(of: limit) ?? 0) }
    let common = question.masks.map { number(of: $0.highestAddress) }
    let count = question.count * 8
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var place = 0
      for request in requests {
        // Eight bytes each, the mask first.
        let rest: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (
          request.coherentMask.address.map { number(of: $0) } ?? Self.sameMask,
          number(of: request.busLimit.address), request.coherence == .coherent ? 1 : 0,
          request.facing.rawValue, request.operation.rawValue, request.attributes.rawValue,
          UInt8(request.buffer.position ?? buffers.firstIndex(of: request.buffer) ?? 0)
        )
        for mask in common.isEmpty ? [number(of: request.mask.highestAddress)] : common {
          buffer[place] = mask
          buffer[place + 1] = rest.0
          buffer[place + 2] = rest.1
          buffer[place + 3] = rest.2
          buffer[place + 4] = rest.3
          buffer[place + 5] = rest.4
          buffer[place + 6] = rest.5
          buffer[place + 7] = rest.6
          place += 8
        }
      }
      initialized = place
    }
    data.append(contentsOf: bytes)
  }

  /// The number of a coherent mask that is the streaming mask.
  private static let sameMask = UInt8.max

  /// Every mask and limit of a domain, each once; 0 first, which is no limit.
  static func limits(of domain: MatrixDomain) -> [UInt64] {
    let all =
      domain.masks.map(\.highestAddress) + domain.coherentMasks.compactMap(\.address)
      + domain.busLimits.map(\.address)
    var seen: Set<UInt64> = [0]
    return [0] + all.filter { seen.insert($0).inserted }
  }
}
