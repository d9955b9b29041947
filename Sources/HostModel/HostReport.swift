import DMAModel
import HostCapture
import TraceEvents

/// A machine's devices under one boot.
public struct HostReport: Sendable {
  /// A device and what it gets.
  public struct Row: Sendable {
    public let device: HostDevice
    /// Nil where the capture has no masks of the device.
    public let conditions: DeviceConditions?
    public let answers: DeviceAnswers?
    /// What the trace shows that sysfs does not.
    public let inferred: [String]
  }

  public let boot: HostBoot
  public let rows: [Row]

  /// What another platform that fits the boot log would answer otherwise, one sentence a
  /// device; SME's C-bit is not logged.
  public var otherPlatforms: [String] {
    boot.capture.platforms.filter { $0 != boot.platform }.flatMap { platform -> [String] in
      guard
        let other = try? HostBoot(
          boot.capture, version: boot.version, commandLine: boot.commandLine, platform: platform)
      else { return [] }
      return rows.compactMap { row in
        guard let conditions = row.conditions, let answers = row.answers else { return nil }
        let theirs = DeviceAnswers(other.kernel(for: row.device), conditions)
        let changes = DeviceChange.between(answers, theirs)
        guard !changes.isEmpty else { return nil }
        let texts = changes.map { "\($0.request) \($0.before) -> \($0.after)" }
        return "\(row.device.address): if it is \(platform.name): "
          + texts.joined(separator: ", ")
      }
    }
  }

  /// - Parameter summary: The machine's traffic, whose evidence refines the devices.
  public init(_ boot: HostBoot, traffic summary: TrafficSummary? = nil) {
    self.boot = boot
    var traced: [String: TrafficSummary.Device] = [:]
    for device in summary?.devices ?? [] { traced[device.name] = device }
    rows = boot.capture.devices.map { device in
      let seen = traced[device.address.description]
      let conditions = seen?.conditions ?? DeviceConditions(device)
      return Row(
        device: device, conditions: conditions,
        answers: conditions.map { DeviceAnswers(boot.kernel(for: device), $0) },
        inferred: seen?.inferred ?? [])
    }
  }

  /// What changes from this boot to another, device by device.
  public func changes(to other: HostReport) -> [(device: HostDevice, change: DeviceChange)] {
    indexedChanges(to: other).map { (rows[$0.device].device, $0.change) }
  }
}

/// The mappings of a trace under another boot: the same buffers, masks and devices.
///
/// Buffers would lie elsewhere only if the kernel placed them so: that the addresses
/// stay is what is assumed.
public struct TrafficReplay: Sendable {
  /// One device's mappings.
  public struct Device: Sendable, Equatable {
    public var mappings = 0
    public var bytes: UInt64 = 0
    public var bouncedMappings = 0
    public var bouncedBytes: UInt64 = 0
    public var failed = 0
    /// Mappings above `dma_max_mapping_size()`, taken as split: a driver that asks for it
    /// makes smaller ones.
    public var split = 0
    /// The least `dma_max_mapping_size()` of them, in bytes.
    public var splitSize: UInt64 = 0
  }

  /// By the index of ``TraceEvents/Trace/devices``.
  public private(set) var devices: [Device]

  public init(_ trace: Trace, _ summary: TrafficSummary, under boot: HostBoot) {
    devices = trace.devices.map { _ in Device() }
    let kernels = summary.devices.map { device in
      device.listed.map { boot.kernel(for: $0) } ?? boot.system
    }
    let isXen = boot.capture.family == .xen
    for event in trace.events {
      let index = Int(event.device)
      guard let conditions = summary.devices[index].conditions else { continue }
      var result: Device?
      switch event.kind {
      case .mapPage, .mapPhys, .mapResource:
        let isResource = event.kind == .mapResource || event.attributes.contains(.mmio)
        var attributes = event.attributes.deciding
        if isResource { attributes.insert(.mmio) }
        result = Self.map(
          kernels[index], conditions, .map, attributes, isXen ? event.dma : event.physical,
          event.size, isResource)
      case .mapSG where event.physicalRun.count == event.sizeRun.count:
        var sum = Device()
        for (address, size) in zip(
          trace.numbers[(isXen ? event.dmaRun : event.physicalRun).range],
          trace.numbers[event.sizeRun.range])
        {
          guard
            let one = Self.map(
              kernels[index], conditions, .mapSG, event.attributes.deciding, address, size, false)
          else { continue }
          sum.add(one)
        }
        result = sum
      default: break
      }
      guard let one = result else { continue }
      devices[index].add(one)
    }
  }

  private static func map(
    _ kernel: BootedKernel, _ conditions: DeviceConditions, _ operation: Operation,
    _ attributes: ExactRequest.AttributeSet, _ address: UInt64, _ size: UInt64, _ isResource: Bool
  ) -> Device? {
    guard size > 0, size <= 1 << 40, address < 1 << 56 else { return nil }
    func answer(_ length: UInt64) -> Answer {
      kernel.answer(
        to: conditions.request(
          operation, attributes, at: address, length: length, isDeviceMemory: isResource))
    }
    var one = Device(mappings: 1, bytes: size)
    var result = answer(size)
    if result.result == .error {
      let most = kernel.reach(of: conditions.request(.map, length: 1)).maxMapping
      if most > 0, most < size {
        result = answer(most)
        (one.split, one.splitSize) = (1, most)
      }
    }
    if result.result == .error { (one.failed, one.split) = (1, 0) }
    if result.result.bounces {
      (one.bouncedMappings, one.bouncedBytes) = (1, size)
    }
    return one
  }
}

extension TrafficReplay.Device {
  fileprivate mutating func add(_ other: Self) {
    mappings += other.mappings
    bytes &+= other.bytes
    bouncedMappings += other.bouncedMappings
    bouncedBytes &+= other.bouncedBytes
    failed += other.failed
    if other.split > 0 {
      splitSize = split == 0 ? other.splitSize : min(splitSize, other.splitSize)
      split += other.split
    }
  }
}
