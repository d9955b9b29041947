import DMAModel

/// How the IOMMU serves devices, by what a boot log says about them.
///
/// "Default domain type" is printed where no IOMMU exists, too (drivers/iommu/iommu.c
/// `iommu_subsys_init()`): it says what a domain would be, and that the log goes on past
/// the start of the PCI devices.
public struct IOMMUEvidence: Sendable {
  public typealias Finding = BootFacts.Finding

  /// One mode that fits the log, and which devices it is of.
  public struct Possibility: Sendable, Equatable {
    public let mode: IOMMUMode
    public let reason: String
  }

  /// The modes that fit: one where the log settles it, several where some devices are
  /// behind an IOMMU or the log does not tell; none where it is not modelled.
  public let possibilities: [Possibility]
  /// The devices in a group, with the group's number and the line.
  public let groups: [(device: String, group: Int, line: Int)]
  /// How single devices are mapped, where the log says so.
  let domains: [(device: String, mode: IOMMUMode)]
  /// The devices that dma-direct prints a line about: their domain does not translate.
  let printsOfDirect: [(device: String, line: Int)]
  /// Devices that a driver names and that are in no group although others are.
  public let outside: [(device: String, line: Int)]
  /// Every device that the log names in a line about devices or about a mapping.
  public let named: Set<String>
  /// What "Default domain type" names, whether or not a device has a domain.
  public let defaultDomain: IOMMUMode?
  public let findings: [Finding]
  /// The modes that fit, each with its reason.
  public var conclusions: [Finding] {
    possibilities.map { Finding("iommu \($0.mode.name): \($0.reason)") }
  }

  init(_ facts: [Fact], _ commandLine: KernelCommandLine?, _ platform: PlatformEvidence) {
    groups = facts.compactMap { fact in
      guard case .group(let device, let number) = fact.value else { return nil }
      return (device, number, fact.line)
    }
    defaultDomain =
      facts.lazy.compactMap { fact -> IOMMUMode? in
        guard case .defaultDomain(let type) = fact.value else { return nil }
        return type == "Passthrough" ? .passthrough : type == "Translated" ? .translated : nil
      }.last
    domains = facts.compactMap { fact in
      guard case .deviceDomain(let device, let mode) = fact.value else { return nil }
      return (device, mode)
    }
    printsOfDirect = facts.compactMap { fact in
      guard fact.isOfDirectMapping, case .failure(let failure) = fact.value else { return nil }
      return failure.device.map { ($0, fact.line) }
    }
    let grouped = Set(groups.map(\.device))
    named = grouped.union(
      facts.compactMap { fact in
        switch fact.value {
        case .device(let name): name
        case .failure(let failure): failure.device
        default: nil
        }
      })
    outside =
      groups.isEmpty
      ? []
      : facts.compactMap { fact in
        guard case .device(let name) = fact.value, !grouped.contains(name) else { return nil }
        return (name, fact.line)
      }
    var reader = Reader(
      facts: facts, commandLine: commandLine, platform: platform,
      firstGroup: groups.first?.line, hasPCIGroups: grouped.contains { Fact.isPCI($0[...]) },
      outside: outside.map(\.device))
    possibilities = reader.settle()
    var findings = reader.findings
    if let first = groups.first {
      let numbers = Set(groups.map(\.group)).count
      findings.insert(
        Finding(
          "\(groups.count) device\(groups.count == 1 ? "" : "s") in \(numbers) IOMMU "
            + "group\(numbers == 1 ? "" : "s")", line: first.line), at: 0)
    }
    self.findings = findings
  }

  /// Whether the log names a device, with or without its PCI domain.
  public func names(_ device: String) -> Bool {
    named.contains { Self.matches($0, device) }
  }

  /// What holds for a device that the user names; nil where the log does not tell.
  ///
  /// - Parameter name: As the log has it, or without its PCI domain.
  public func possibility(of name: String) -> Possibility? {
    if let group = groups.first(where: { Self.matches($0.device, name) }) {
      if let direct = printsOfDirect.first(where: { Self.matches($0.device, name) }) {
        return Possibility(
          mode: .passthrough,
          reason: "\(group.device) is in IOMMU group \(group.group) (line \(group.line)), and "
            + "line \(direct.line) is printed by dma-direct alone: its domain does not translate")
      }
      let behind = possibilities.map(\.mode).filter { $0 != .none && $0 != .off }
      let own = domains.last { Self.matches($0.device, name) }?.mode
      let mode = behind.first { own.map($0.isLike) ?? true } ?? own
      return Possibility(
        mode: mode ?? .translated,
        reason: "\(group.device) is in IOMMU group \(group.group) (line \(group.line))")
    }
    if let device = outside.first(where: { Self.matches($0.device, name) }) {
      return Possibility(
        mode: .none, reason: "\(device.device) (line \(device.line)) is in no IOMMU group")
    }
    return nil
  }

  /// Whether a name of the log is the one that a user gives.
  public static func matches(_ device: String, _ name: String) -> Bool {
    device == name || device == "0000:" + name
  }
}

extension Fact {
  /// kernel/dma/direct.h `dma_direct_map_phys()` and kernel/dma/swiotlb.c `swiotlb_map()`,
  /// which is called from there alone.
  fileprivate var isOfDirectMapping: Bool {
    guard case .failure(let failure) = value else { return false }
    switch failure.kind {
    case .unreachable, .slotUnreachable: return true
    default: return false
    }
  }

  fileprivate var isFault: Bool {
    guard case .failure(let failure) = value, case .fault = failure.kind else { return false }
    return true
  }

  fileprivate var stage: BootStage? {
    if case .reached(let stage) = value { stage } else { nil }
  }
}

extension IOMMUMode {
  /// Whether both pass through, or both translate.
  fileprivate func isLike(_ other: IOMMUMode) -> Bool {
    (self == .passthrough) == (other == .passthrough)
  }
}

/// The conclusion, in the order of the evidence's weight.
private struct Reader {
  let facts: [Fact]
  let commandLine: KernelCommandLine?
  let platform: PlatformEvidence
  let firstGroup: Int?
  let hasPCIGroups: Bool
  let outside: [String]
  var findings: [BootFacts.Finding] = []

  typealias Possibility = IOMMUEvidence.Possibility

  mutating func settle() -> [Possibility] {
    guard platform.unmodelled.isEmpty else { return [] }
    if platform.platforms.contains(where: { $0.family == .xen }) {
      return [Possibility(mode: .none, reason: "a Xen PV domain does not see the IOMMU")]
    }
    if platform.platforms.contains(where: { $0.family == .ppc64 }) {
      return [Possibility(mode: .none, reason: "powerpc's own IOMMU operations are not modelled")]
    }
    if let probed = probedDomain() { return [probed] }
    if firstGroup != nil { return behindGroups() }
    if let off = switchedOff() { return [off] }
    if let active = facts.first(where: { $0.value == .activeIOMMU }) {
      return translated(because: "line \(active.line) is printed by an IOMMU in use")
    }
    if let fault = facts.first(where: \.isFault) {
      return translated(because: "line \(fault.line) is an IOMMU's report about a device")
    }
    let present = facts.contains { $0.value == .presentIOMMU } || isUnfinished
    if !present, hasBeginning, let past = furthest {
      return [
        Possibility(
          mode: .none,
          reason: "the log goes on past PCI enumeration (line \(past.line): "
            + "\(past.text.prefix(60))), and no line adds a device to an IOMMU group")
      ]
    }
    let open: [Possibility] =
      [Possibility(mode: .none, reason: "possible: no IOMMU, or the device not behind it")]
      + translated(because: "possible: the device behind an IOMMU")
    if let direct = facts.first(where: \.isOfDirectMapping) {
      findings.append(
        BootFacts.Finding(
          "dma-direct prints this line alone: its device has no domain that translates",
          line: direct.line))
      return open.filter { !$0.mode.usesDMAIOMMU }
    }
    findings.append(
      BootFacts.Finding(
        present
          ? "an IOMMU is there, but no line says which devices are behind it"
          : hasBeginning
            ? "no line shows that the log goes on past PCI enumeration: it does not tell whether "
              + "there is an IOMMU"
            : "the beginning of the boot is not in the log: it does not tell whether there is an "
              + "IOMMU"))
    return open
  }

  /// Whether the log holds the boot from its start; of a part, the lines that add devices to
  /// groups may be what is missing.
  private var hasBeginning: Bool {
    facts.contains { fact in
      switch fact.value {
      case .release, .commandLine, .firmwareRAM, .nodeRAM: true
      default: false
      }
    }
  }

  /// Whether an IOMMU was to be started and the log ends before: pci_iommu_init()
  /// (arch/x86/kernel/pci-dma.c) comes after the default domain's line.
  private var isUnfinished: Bool {
    if let stage = furthest?.stage, stage >= .drivers { return false }
    return facts.contains { $0.value == .expectedIOMMU }
      || commandLine?.parameters.contains { $0.text.hasPrefix("intel_iommu=on") } == true
  }

  /// The line that shows best how far the boot went: of the furthest stage, the first.
  private var furthest: Fact? {
    var best: (fact: Fact, stage: Fact.BootStage)?
    for fact in facts {
      guard let stage = fact.stage else { continue }
      if let best, best.stage >= stage { continue }
      best = (fact, stage)
    }
    return best?.fact
  }

  private func probedDomain() -> Possibility? {
    for fact in facts {
      guard case .probedDomain(let domain) = fact.value else { continue }
      let reason = "dmaprobe found its device's domain: \(domain) (line \(fact.line))"
      switch domain {
      case "none": return Possibility(mode: .none, reason: reason)
      case "identity": return Possibility(mode: .passthrough, reason: reason)
      case "dma", "dma-fq": return Possibility(mode: .translated, reason: reason)
      default: continue
      }
    }
    return nil
  }

  /// Devices are in groups: their default domain, and none for the others.
  private mutating func behindGroups() -> [Possibility] {
    let behind = translated(because: "for devices with a line 'Adding to iommu group'")
    // On x86 and with ACPI an IOMMU serves all PCI devices; a device tree names single ones.
    guard !outside.isEmpty || !hasPCIGroups else { return behind }
    let names = outside.prefix(3).joined(separator: ", ")
    let example = names.isEmpty ? "" : ", as \(names)"
    return [
      Possibility(mode: .none, reason: "for devices in no IOMMU group\(example)")
    ] + behind
  }

  /// The default domain: passthrough or translated, both where the log has no line.
  private func translated(because reason: String) -> [Possibility] {
    var modes: [(IOMMUMode, String)] = []
    for fact in facts {
      guard case .defaultDomain(let type) = fact.value else { continue }
      // What the kernel says at boot is what became of the command line.
      let isOverruled = type != "Passthrough" && commandLineMode == .passthrough
      modes = [
        (
          type == "Passthrough" ? .passthrough : commandLineMode(like: .translated),
          "; the default domain's type is \(type) (line \(fact.line))"
            + (isOverruled ? ", although the command line asks for passthrough" : "")
        )
      ]
    }
    for mode in [IOMMUMode.passthrough, .translated] {
      let fact = facts.first {
        if case .deviceDomain(_, mode) = $0.value { true } else { false }
      }
      if let fact, !modes.contains(where: { $0.0.isLike(mode) }) {
        modes.append((commandLineMode(like: mode), "; line \(fact.line): \(fact.text)"))
      }
    }
    if modes.isEmpty {
      let unknown = "; the default domain's type is not in the log"
      if let mode = commandLineMode {
        modes = [(mode, "; by the command line")]
      } else {
        modes = [(.passthrough, unknown), (.translated, unknown)]
      }
    }
    let isS390 = platform.platforms.contains { $0.family == .s390 }
    return modes.filter { !(isS390 && $0.0 == .passthrough) }.map {
      Possibility(mode: $0.0, reason: reason + $0.1)
    }
  }

  /// The mode of `iommu=pt`, `iommu.passthrough=` and their like.
  private var commandLineMode: IOMMUMode? {
    commandLine?.iommu.flatMap { $0 == .off ? nil : $0 }
  }

  /// `lazy` or `strict` of the command line for a translated device.
  private func commandLineMode(like mode: IOMMUMode) -> IOMMUMode {
    guard mode == .translated, let asked = commandLineMode, asked != .passthrough else {
      return mode
    }
    return asked
  }

  /// `iommu=off`, `intel_iommu=off`, `amd_iommu=off`: unless the processor is of the other.
  private func switchedOff() -> Possibility? {
    guard platform.platforms.contains(where: { $0.family == .x86 }), let commandLine else {
      return nil
    }
    if commandLine.iommu == .off {
      return Possibility(mode: .off, reason: "iommu=off on the command line")
    }
    let isOff =
      switch platform.processor {
      case .amd: commandLine.disabledIOMMUs.contains("amd")
      case .intel: commandLine.disabledIOMMUs.contains("intel")
      case nil: !commandLine.disabledIOMMUs.isEmpty
      }
    guard isOff else { return nil }
    let names = commandLine.disabledIOMMUs.sorted().map { "\($0)_iommu=off" }
    return Possibility(
      mode: .none, reason: "\(names.joined(separator: " ")) on the command line")
  }
}
