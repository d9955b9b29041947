import DMAModel
import HostCapture
import TraceEvents

/// What a whole trace shows of its devices beside sysfs.
struct TrafficInference {
  /// The devices of sysfs by their index in the trace.
  private(set) var listed: [HostDevice?]
  /// What was read from the trace, in words.
  private(set) var inferred: [[String]]
  private var conditions: [DeviceConditions?]
  private var earlier: [[DeviceConditions]]
  private let boot: HostBoot

  init(_ trace: Trace, _ boot: HostBoot) {
    self.boot = boot
    var byName: [String: HostDevice] = [:]
    for device in boot.capture.devices { byName[device.address.description] = device }
    listed = trace.devices.map { byName[$0] }
    inferred = Array(repeating: [], count: trace.devices.count)
    conditions = []
    earlier = []
    // What the bus adds decides which buffers a mask reaches.
    let first = Self.evidence(trace, boot, listed, offsets: [:])
    var known: [Int: UInt64] = [:]
    for (index, found) in first.enumerated() { known[index] = found.busOffset }
    let evidence = Self.evidence(trace, boot, listed, offsets: known)
    for index in trace.devices.indices {
      let found = evidence[index]
      var base = listed[index].flatMap { DeviceConditions($0) }
      if base == nil, found.masks.count == 1, let mask = found.masks.first {
        base = DeviceConditions(streamingMask: mask, coherentMask: mask)
        inferred[index].append("its mask is what its bounces report")
      }
      guard let base else {
        conditions.append(nil)
        earlier.append([])
        continue
      }
      let (refined, reasons) = found.refine(base, zoneEnd: boot.capture.dmaZoneEnd)
      conditions.append(refined)
      inferred[index] += reasons
      earlier.append(Self.earlier(refined, found.masks))
    }
  }

  func device(_ index: Int, _ name: String) -> TrafficCheck.TracedDevice {
    TrafficCheck.TracedDevice(
      kernel: listed[index].map { boot.kernel(for: $0) } ?? boot.system,
      conditions: conditions[index], earlier: earlier[index])
  }

  /// The masks that the device may have had: the 32 bits that it starts with, and those
  /// of its bounces.
  private static func earlier(
    _ conditions: DeviceConditions, _ masks: Set<UInt64>
  ) -> [DeviceConditions] {
    var found: [DeviceConditions] = []
    for mask in masks.union([bitMask(32)]).sorted() where mask > 0 && mask & (mask &+ 1) == 0 {
      var other = conditions
      other.streamingMask = mask
      if mask == bitMask(32) { other.coherentMask = mask }
      if other != conditions { found.append(other) }
    }
    return found
  }

  /// Collects what bounces and direct mappings of buffers within the mask show, where
  /// dma-direct serves the device and nothing bounces by force.
  private static func evidence(
    _ trace: Trace, _ boot: HostBoot, _ listed: [HostDevice?], offsets: [Int: UInt64]
  ) -> [DeviceEvidence] {
    var evidence = trace.devices.map { _ in DeviceEvidence() }
    let isXen = boot.capture.family == .xen
    let hasKmallocBounces = boot.capture.family == .arm64
    var pending = PendingBounces()
    let kernels = listed.map { $0.map { boot.kernel(for: $0) } ?? boot.system }
    let masks = listed.map { $0.flatMap(\.streamingMask) }

    func note(
      _ device: Int, _ physical: UInt64, _ dma: UInt64, _ size: UInt64, _ bounce: TraceEvent?
    ) {
      guard size > 0, size < 1 << 40, physical < 1 << 56, !isXen,
        let mask = bounce.map(\.dma) ?? masks[device]
      else { return }
      let last = physical &+ (offsets[device] ?? 0) &+ size &- 1
      let isTranslated = kernels[device].iommu.usesDMAIOMMU
      if dma == TraceEvent.mappingError {
        // Without a pool only a limit of the bus fails what the mask reaches.
        if hasKmallocBounces, !isTranslated, !kernels[device].pool.isActive, last <= mask {
          evidence[device].lowestBeyond = min(evidence[device].lowestBeyond ?? .max, last)
        }
        return
      }
      let isSmall = isUnsafeKmalloc(size)
      if let bounce {
        guard !bounce.flag, last <= mask else { return }
        if hasKmallocBounces, isSmall, bounce.physical != TraceEvent.mappingError {
          evidence[device].unsafeKmalloc += 1
        } else if !isTranslated {
          evidence[device].lowestBeyond = min(evidence[device].lowestBeyond ?? .max, last)
        }
      } else {
        if hasKmallocBounces, isSmall { evidence[device].safeKmalloc += 1 }
        guard !isTranslated else { return }
        if hasKmallocBounces { evidence[device].busOffsets[dma &- physical, default: 0] += 1 }
        if dma == physical &+ (offsets[device] ?? 0) {
          evidence[device].highestDirect = max(evidence[device].highestDirect, last)
        }
      }
    }
    for event in trace.events {
      let device = Int(event.device)
      switch event.kind {
      case .bounced:
        evidence[device].masks.insert(event.dma)
        pending.add(event)
      case .mapPage, .mapPhys:
        guard !event.attributes.contains(.mmio) else { continue }
        let bounce = pending.take(
          device: event.device, physical: event.physical, size: event.size)
        note(device, event.physical, event.dma, event.size, bounce)
      case .mapSG:
        let physical = trace.numbers[event.physicalRun.range]
        let (dma, sizes) = (
          trace.numbers[event.dmaRun.range], trace.numbers[event.sizeRun.range]
        )
        guard physical.count == dma.count, dma.count == sizes.count else { continue }
        for ((address, target), size) in zip(zip(physical, dma), sizes) {
          let bounce = pending.take(device: event.device, physical: address, size: size)
          note(device, address, target, size, bounce)
        }
      case .mapSGError:
        let bounces = pending.takeAll(device: event.device)
        guard bounces.isEmpty else { continue }
        for address in trace.numbers[event.dmaRun.range] {
          note(device, address, TraceEvent.mappingError, 1, nil)
        }
      default: break
      }
    }
    return evidence
  }

  /// Whether a buffer of a device that is not coherent bounces for its length alone:
  /// include/linux/slab.h, arm64: shorter than 256 bytes and not of a cache whose
  /// objects are whole cache lines.
  private static func isUnsafeKmalloc(_ size: UInt64) -> Bool {
    guard size < 256 else { return false }
    let caches: [UInt64] = [8, 16, 32, 64, 96, 128, 192, 256]
    return caches.first { size <= $0 }.map { $0 % 64 != 0 } ?? false
  }
}
