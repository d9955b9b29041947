import BootInputs
import DMAModel
import HostCapture
import Support

/// A captured machine under one kernel and one command line, as the model boots it.
public struct HostBoot: Sendable {
  public let capture: HostCapture
  public let version: KernelVersion
  /// The command line that it is booted with.
  public let commandLine: String
  public let swiotlb: SwiotlbMode
  public let platform: Platform
  /// What had to be assumed, one sentence each.
  public let notes: [String]
  /// Whether the captured machine used more slots at once than the pool has.
  public let isPoolTooSmall: Bool

  private let kernels: [IOMMUMode: BootedKernel]
  private let modes: [PCIAddress: IOMMUMode]
  private let systemMode: IOMMUMode

  /// Why a machine cannot be booted so.
  public struct BootError: Error, CustomStringConvertible {
    public let description: String
  }

  /// The modelled kernel of a release: that of its first two numbers, else the newest
  /// that is older.
  public static func kernel(
    ofRelease release: String
  ) -> (version: KernelVersion, note: String?)? {
    let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
    guard numbers.count == 2 else { return nil }
    if let version = KernelVersion.named("\(numbers[0]).\(numbers[1])") { return (version, nil) }
    let older = KernelVersion.all.filter { version in
      let parts = version.name.split(separator: ".").compactMap { Int($0) }
      return parts.count == 2 && (parts[0], parts[1]) < (numbers[0], numbers[1])
    }
    return older.last.map {
      ($0, "Linux \(numbers[0]).\(numbers[1]) is not modelled; \($0.name) answers for it")
    }
  }

  /// Boots a machine.
  ///
  /// - Parameters:
  ///   - version: The kernel; that of the capture's release where nil.
  ///   - commandLine: Other parameters; those of the capture where nil.
  ///   - platform: One of the capture's platforms; the first where nil.
  public init(
    _ capture: HostCapture, version: KernelVersion? = nil, commandLine: String? = nil,
    platform: Platform? = nil
  ) throws(BootError) {
    var notes: [String] = []
    if let version {
      self.version = version
    } else if let (found, note) = Self.kernel(ofRelease: capture.release) {
      self.version = found
      if let note { notes.append(note) }
    } else {
      throw BootError(
        description: "\(capture.name.printable): no modelled kernel is as old as "
          + "'\(capture.release.printable)'; --kernel names one: "
          + KernelVersion.all.map(\.name).joined(separator: ", "))
    }
    self.capture = capture
    let line = commandLine ?? capture.commandLine ?? ""
    self.commandLine = line
    let prefixes = self.version.matchesSwiotlbByPrefix
    let parsed = try Self.parse(line, capture, prefixes: prefixes)
    let before = try Self.parse(capture.commandLine ?? "", capture, prefixes: prefixes)
    let changesBoot = commandLine != nil && commandLine != capture.commandLine
    let captured = platform ?? capture.platforms.first ?? .x86
    let encryption = Self.encryption(
      captured, self.version, before: before, after: changesBoot ? parsed : before)
    self.platform = encryption.platform
    notes += encryption.notes
    if changesBoot { notes += Self.ignored(in: parsed, before: before) }
    let reason = IOMMUChoice(
      capture: capture, before: before, after: parsed, changesBoot: changesBoot)
    notes += reason.notes
    swiotlb = parsed?.swiotlb ?? .standard
    systemMode = reason.systemMode
    var modes: [PCIAddress: IOMMUMode] = [:]
    for device in capture.devices { modes[device.address] = reason.mode(of: device) }
    self.modes = modes
    var machine = Self.machine(of: capture, under: parsed)
    if let other = Self.otherPool(
      capture, machine, before: before, captured, changesBoot: changesBoot,
      after: (self.version, systemMode, self.platform, swiotlb))
    {
      machine.observedPool = nil
      notes.append(other)
    }
    if !self.version.policy.platforms.contains(self.platform) {
      notes.append(
        "\(self.version.name) has no code for \(self.platform.name): it does not run as such a "
          + "guest, and is not compared")
    }
    var kernels: [IOMMUMode: BootedKernel] = [:]
    // Whether there is a pool is decided once, by the system's parameters: with
    // iommu=off no device has a group, and all modes are the same.
    for mode in Set(modes.values).union([systemMode]) {
      kernels[mode] = BootedKernel(
        policy: self.version.policy, platform: self.platform, iommu: mode, swiotlb: swiotlb,
        machine: machine)
    }
    self.kernels = kernels
    let slots = kernels[systemMode].flatMap { $0.pool.isActive ? $0.pool.size?.slots : nil }
    if let mark = capture.pool?.mostUsed, let slots, mark > slots {
      isPoolTooSmall = true
      notes.append(
        "the pool of \(slots) slots is smaller than what was in use at once (\(mark)): requests "
          + "would fail while it is full")
    } else {
      isPoolTooSmall = false
    }
    self.notes = notes
  }

  /// Whether the kernel has code for the platform.
  public var exists: Bool { version.policy.platforms.contains(platform) }

  /// The captured machine as parameters ask for its pool.
  private static func machine(of capture: HostCapture, under line: KernelCommandLine?) -> Machine {
    var machine = capture.machine
    machine.wantsPool = line?.wantsPool ?? false
    machine.poolSlots = line?.poolSlots
    machine.poolAreas = line?.poolAreas
    return machine
  }

  /// The platform under other parameters: SME hosts are such by `mem_encrypt=on`
  /// (arch/x86/mm/mem_encrypt_identity.c `sme_enable()`).
  private static func encryption(
    _ captured: Platform, _ version: KernelVersion, before: KernelCommandLine?,
    after: KernelCommandLine?
  ) -> (platform: Platform, notes: [String]) {
    let (was, isOn) = (before?.memoryEncryption == true, after?.memoryEncryption == true)
    if version.policy.hostMemoryEncryption.contains(captured) {
      if was, !isOn { return (.x86, ["without mem_encrypt=on it is no SME host"]) }
    } else if captured == .x86, isOn, !was {
      return (
        captured,
        [
          "mem_encrypt=on makes an SME host of an AMD machine whose processor and firmware have "
            + "SME, which a capture does not show: answered without"
        ]
      )
    }
    return (captured, [])
  }

  /// What of other parameters has no effect, or none here.
  private static func ignored(
    in line: KernelCommandLine?, before: KernelCommandLine?
  ) -> [String] {
    let old = Set((before?.parameters ?? []).map(\.text))
    return (line?.parameters ?? []).filter { !old.contains($0.text) }.compactMap { parameter in
      let text = parameter.text.printable(upTo: 100)
      switch parameter.fate {
      case .ignored(let reason), .suspicious(let reason): return "\(text): \(reason)"
      case .effective, .overridden:
        return text.hasPrefix("mem=") || text.hasPrefix("memmap=")
          ? "\(text) is not applied: RAM is taken as captured" : nil
      }
    }
  }

  /// What becomes of the pool where another boot makes or places it otherwise than the
  /// captured one: what the boot log says of its place is then of no use.
  private static func otherPool(
    _ capture: HostCapture, _ machine: Machine, before: KernelCommandLine?, _ platform: Platform,
    changesBoot: Bool,
    after: (version: KernelVersion, iommu: IOMMUMode, platform: Platform, swiotlb: SwiotlbMode)
  ) -> String? {
    guard let own = kernel(ofRelease: capture.release)?.version,
      after.version != own || after.platform != platform || changesBoot
    else { return nil }
    func pool(
      _ version: KernelVersion, _ platform: Platform, _ machine: Machine, _ iommu: IOMMUMode,
      _ swiotlb: SwiotlbMode
    ) -> SwiotlbPool {
      var machine = machine
      machine.observedPool = nil
      return version.booted(platform, iommu, swiotlb, machine).pool
    }
    let captured = pool(
      own, platform, Self.machine(of: capture, under: before),
      before?.iommu == .off ? .off : .none, before?.swiotlb ?? .standard)
    let other = pool(after.version, after.platform, machine, after.iommu, after.swiotlb)
    guard other.isActive, let size = other.size else {
      return captured.isActive ? "there would be no swiotlb pool" : nil
    }
    if captured.isActive, captured.size?.slots == size.slots, captured.start == other.start {
      return nil
    }
    let text = "\(size.text), at \(PhysicalRange(other.start, other.end).text) by the model"
    return captured.isActive
      ? "the pool would be another: \(text)" : "there would be a swiotlb pool: \(text)"
  }

  private static func parse(
    _ line: String, _ capture: HostCapture, prefixes: Bool
  ) throws(BootError) -> KernelCommandLine? {
    guard line.contains(where: { !$0.isWhitespace }) else { return nil }
    do {
      return try KernelCommandLine(line, family: capture.family, prefixes: prefixes)
    } catch {
      throw BootError(description: "\(capture.name.printable): \(error)")
    }
  }

  /// The booted kernel as a device meets it.
  public func kernel(for device: HostDevice) -> BootedKernel {
    kernels[modes[device.address] ?? systemMode] ?? system
  }

  /// The booted kernel of a device that sysfs does not list.
  public var system: BootedKernel {
    if let kernel = kernels[systemMode] { return kernel }
    return BootedKernel(
      policy: version.policy, platform: platform, iommu: systemMode, swiotlb: swiotlb,
      machine: capture.machine)
  }

  /// The IOMMU mode of a device.
  public func mode(of device: HostDevice) -> IOMMUMode { modes[device.address] ?? systemMode }

  /// Whether the model has a pool and the machine none, or the other way round; nil
  /// where the capture does not say, and under another command line.
  public var poolDifference: String? {
    guard capture.pool != nil || capture.poolPlaceIsKnown else { return nil }
    return system.pool.isActive
      ? nil : "the machine has a swiotlb pool, and the model of \(version.name) none"
  }
}

/// Which IOMMU mode each device is served in, on the machine as it was captured or
/// booted with other parameters.
struct IOMMUChoice {
  let capture: HostCapture
  let before: KernelCommandLine?
  let after: KernelCommandLine?
  let changesBoot: Bool

  /// Whether the capture shows devices behind an IOMMU.
  private var isActive: Bool { capture.devices.contains { $0.domain != .none } }

  /// The mode of a device without a group.
  var systemMode: IOMMUMode { after?.iommu == .off ? .off : .none }

  func mode(of device: HostDevice) -> IOMMUMode {
    if changesBoot { return otherBoot(device) }
    switch device.domain {
    case .identity: return .passthrough
    case .dma: return .strict
    case .dmaFlushQueue: return .lazy
    case .none, .unmanaged, .blocked, .unknown: return systemMode
    }
  }

  private func otherBoot(_ device: HostDevice) -> IOMMUMode {
    if systemMode == .off || device.domain == .none && isActive { return systemMode }
    guard isActive || mayBecomeActive else { return systemMode }
    if isDisabled { return systemMode }
    if let mode = after?.iommu { return mode }
    // The parameters leave the default of the kernel's configuration.
    if before?.iommu == nil, isActive {
      switch device.domain {
      case .identity: return .passthrough
      case .dma: return .strict
      default: return .lazy
      }
    }
    return capture.family == .arm64 ? .strict : .lazy
  }

  /// Whether the parameters switch off the IOMMU that the machine has: another vendor's
  /// driver does not read them.
  private var isDisabled: Bool {
    guard let after, capture.family == .x86 else { return false }
    if let vendor = capture.iommuVendor { return after.disabledIOMMUs.contains(vendor) }
    return !after.disabledIOMMUs.isEmpty
  }

  /// Whether the machine has an IOMMU that the capture's parameters kept off.
  private var mayBecomeActive: Bool {
    guard capture.mentionsIOMMU, capture.family == .x86 else { return false }
    return after?.enablesIOMMU == true
  }

  var notes: [String] {
    guard changesBoot, systemMode != .off, !isDisabled else {
      return []
    }
    if isActive, before?.enablesIOMMU == true, after?.enablesIOMMU != true {
      return [
        "without intel_iommu=on it is the kernel's configuration that decides whether the IOMMU "
          + "is on; assumed: it is, as captured"
      ]
    }
    if isActive, before?.iommu != nil, after?.iommu == nil {
      return [
        "without iommu= the kernel's configuration decides the default domain; assumed: "
          + (capture.family == .arm64 ? "DMA" : "DMA-FQ")
      ]
    }
    if !isActive, after?.enablesIOMMU == true || after?.iommu != nil, !capture.mentionsIOMMU {
      return ["the capture shows no IOMMU, so that iommu parameters have nothing to switch on"]
    }
    return []
  }
}

extension KernelCommandLine {
  /// Whether a parameter switches an IOMMU on that is off by default.
  var enablesIOMMU: Bool {
    parameters.contains { parameter in
      parameter.text.hasPrefix("intel_iommu=") && parameter.text.contains("on")
    }
  }
}

extension PoolCounters {
  /// The most slots that are known to have been in use at once.
  var mostUsed: UInt64? {
    guard let used else { return highWater }
    return max(used, highWater ?? 0)
  }
}

extension PoolSize {
  /// `64 MiB (32768 slots)`.
  public var text: String {
    let kibibytes = slots * 2
    return (kibibytes >= 1024 ? "\(kibibytes >> 10) MiB" : "\(kibibytes) KiB") + " (\(slots) slots)"
  }
}
