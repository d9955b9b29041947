import Analysis
import BootInputs
import DMAModel
import Reporting
import Support

/// What explain is asked, as options, a command line, a boot log and failing lines say it.
struct ExplainQuestion {
  let filter: [String: [String]]
  let circumstance: Circumstance
  /// What the device is like, on every machine.
  let device: DeviceParameters
  /// The size of an allocation that was asked for.
  let allocation: Buffer?
  private(set) var kernels: [KernelVersion]
  private(set) var platforms: [Platform]
  /// The modes to answer for, with the reason where an input gave it.
  private(set) var iommus: [(mode: IOMMUMode, reason: String?)]
  private(set) var swiotlbs: [SwiotlbMode]
  private(set) var machines: [Machine]
  /// What was found, a sentence each.
  private(set) var notes: [String] = []
  /// What a boot log says; nil without one.
  private(set) var facts: BootFacts?
  /// Messages about failed mappings, with the place where each stands.
  private(set) var failures: [(failure: FailingLine, place: String)] = []
  /// Whether a message is known that is about no request.
  private var isAnsweredByNotes = false
  /// Whether the kernels are neighbours of the one that is meant.
  private(set) var kernelsAreNeighbours = false

  init(
    filters: AxisFilters, circumstance: Circumstance, board: BoardOptions,
    device: DeviceParameters
  ) throws {
    self.circumstance = circumstance
    self.device = device
    allocation = try board.allocation()
    filter = try filters.filter(acceptsAnyMask: true).values
    kernels = filters.kernel.isEmpty ? [] : try filters.kernels()
    guard kernels.count <= 2 else {
      throw UsageError(description: "explain takes one kernel or two, not \(kernels.count)")
    }
    var others = filters
    others.mask = []
    let described = try board.machines()
    let domain = try others.domain(machines: described)
    platforms = filters.platform.isEmpty ? [] : domain.platforms
    iommus = filters.iommu.isEmpty ? [] : domain.iommuModes.map { ($0, nil) }
    swiotlbs = filters.swiotlb.isEmpty ? [] : domain.swiotlbModes
    machines = filters.mem.isEmpty ? described : domain.machines
    if let masks = filter[DMAMask.axis], masks.count > 1,
      let odd = masks.first(where: { $0.hasPrefix("0x") })
    {
      throw UsageError(
        description: "--mask '\(odd)' is no power of two less one; accepted: such a mask alone")
    }
    for (axis, values) in filter where values.count > 1 && axis != DMAMask.axis && axis != "kernel"
    {
      if axis == Buffer.axis, filter[Operation.axis] == [Operation.mapSG.name] { continue }
      guard [Platform.axis, IOMMUMode.axis, SwiotlbMode.axis, MachineName.axis].contains(axis)
      else {
        throw UsageError(
          description: "--\(axis.replacing("_", with: "-")) has \(values.count) values; "
            + "explain takes one")
      }
    }
  }

  /// Whether anything was read that must not be lost in an error.
  var hasFindings: Bool { facts != nil || !failures.isEmpty || isAnsweredByNotes }

  // MARK: - Logs

  /// Takes what a boot log says, where the options leave it open.
  mutating func read(log text: String, named name: String, device: String?) throws {
    let log: BootLog
    do {
      log = try BootLog(text)
    } catch {
      throw UsageError(description: "--dmesg '\(name.printable)' \(error)")
    }
    let facts = BootFacts(log)
    self.facts = facts
    for finding in facts.findings { note(finding, of: name) }
    if filter[IOMMUMode.axis] == nil {
      for finding in facts.iommu.conclusions { note(finding, of: name) }
    } else {
      noteChosenIOMMU(facts)
    }
    if let platform = facts.platform.name, let chosen = filter[Platform.axis],
      !facts.platform.platforms.contains(where: { chosen.contains($0.name) })
    {
      notes.append(
        "the log is of \(platform): --platform \(chosen.joined(separator: ",")) is asked for")
    }
    for finding in facts.unmodelled { note(finding, of: name) }
    take(facts.failures, of: name, device: device)
    if kernels.isEmpty { takeKernels(of: facts) }
    if platforms.isEmpty { platforms = facts.platform.platforms }
    dropKernelsWithoutPlatform()
    try takeIOMMU(of: facts, device: device)
    if facts.unmodelled.isEmpty { noteMissingModes() }
    if machines.isEmpty, let machine = facts.memory.machine ?? facts.memory.assumedMachine {
      machines = [machine]
    }
    if let commandLine = facts.commandLine, !commandLine.isEmpty {
      try read(commandLine: commandLine)
    }
  }

  /// Takes the failures of a log: those of the device that is asked about, and those that
  /// name none.
  private mutating func take(
    _ all: [(failure: FailingLine, line: Int)], of name: String, device: String?
  ) {
    var others: Set<String> = []
    for (failure, line) in all {
      if let device, let its = failure.device, !IOMMUEvidence.matches(its, device) {
        others.insert(its.printable)
      } else {
        failures.append((failure, "\(name.printable):\(line)"))
      }
    }
    guard !others.isEmpty else { return }
    notes.append(
      "failing lines of other devices are left out: "
        + others.sorted().prefix(8).joined(separator: ", ") + (others.count > 8 ? ", ..." : ""))
  }

  private mutating func note(_ finding: BootFacts.Finding, of name: String) {
    let place = finding.line.map { "\(name.printable):\($0): " } ?? ""
    notes.append(place + finding.text.printable(upTo: 1000))
  }

  /// Takes failing messages alone.
  mutating func read(lines text: String) throws {
    let found = FailingLine.all(in: text)
    for (entry, line) in KernelMessage.notes(in: text).prefix(20) {
      notes.append(
        "line \(line): no failure of a request: \(entry.meaning) (\(entry.source))")
      isAnsweredByNotes = true
    }
    guard !found.isEmpty || isAnsweredByNotes else {
      throw UsageError(
        description: "--line '\(text.printable)' is no message about a failed mapping; accepted: "
          + "lines of kernel/dma or dma-iommu as 'swiotlb buffer is full (sz: ...'")
    }
    for (failure, line) in found { failures.append((failure, "line \(line)")) }
  }

  /// What the log says of the IOMMU where an option names the mode to answer for.
  private mutating func noteChosenIOMMU(_ facts: BootFacts) {
    let chosen = iommus.map(\.mode.name)
    let found = facts.iommu.possibilities
    guard let first = found.first, !found.allSatisfy({ chosen.contains($0.mode.name) }) else {
      return
    }
    let asked = "--iommu \(chosen.joined(separator: ",")) is asked for"
    notes.append(
      found.count == 1
        ? "by the log iommu \(first.mode.name): \(first.reason); \(asked)"
        : "the log leaves the IOMMU open; \(asked)")
  }

  /// The modelled release of a log's kernel, or its neighbours.
  private mutating func takeKernels(of facts: BootFacts) {
    // Nobody answers for a machine that is not modelled.
    guard facts.platform.unmodelled.isEmpty else { return }
    let releases = KernelVersion.releases
    guard let version = facts.version, let number = Self.number(of: version) else {
      kernels = [releases.first, releases.last].compactMap { $0 }
      kernelsAreNeighbours = true
      notes.append(
        "the kernel is not in the log: \(kernels.map(\.name).joined(separator: " and ")) are "
          + "shown; --kernel chooses")
      return
    }
    let numbered = releases.compactMap { release in
      Self.number(of: release.name).map { (release: release, number: $0) }
    }
    if let known = numbered.first(where: { $0.number == number }) {
      kernels = [known.release]
      return
    }
    let older = numbered.last { $0.number < number }
    let newer = numbered.first { $0.number > number }
    kernels = [older, newer].compactMap { $0?.release }
    kernelsAreNeighbours = true
    notes.append(
      "Linux \(version.printable) is not modelled: its "
        + (kernels.count == 1
          ? "neighbour \(kernels[0].name) answers"
          : "neighbours \(kernels.map(\.name).joined(separator: " and ")) answer")
        + "; --kernel chooses")
  }

  /// Major and minor number in one: 6.12 is 6012.
  private static func number(of version: String) -> Int? {
    let parts = version.split(separator: ".").prefix(2).compactMap { Int($0) }
    guard parts.count == 2, parts.allSatisfy({ (0..<1000).contains($0) }) else { return nil }
    return parts[0] * 1000 + parts[1]
  }

  /// A kernel that was not asked for by name gives way where it lacks the platform.
  private mutating func dropKernelsWithoutPlatform() {
    guard facts?.unmodelled.isEmpty != false else { return }
    guard filter["kernel"] == nil, !kernels.isEmpty, !platforms.isEmpty else { return }
    let missing = kernels.filter { kernel in
      !platforms.contains { kernel.policy.platforms.contains($0) }
    }
    guard !missing.isEmpty else { return }
    let names = platforms.map(\.name).joined(separator: ", ")
    for kernel in missing {
      notes.append("\(kernel.name) as modelled has no support for \(names) (X1)")
    }
    kernels.removeAll { missing.contains($0) }
    if kernels.isEmpty {
      kernels = KernelVersion.all.filter { kernel in
        kernel.sourcePackage != nil && platforms.contains { kernel.policy.platforms.contains($0) }
      }.prefix(1).map { $0 }
      kernelsAreNeighbours = true
    }
  }

  /// Says which modes that fit the log a kernel does not have, and why.
  private mutating func noteMissingModes() {
    for platform in platforms {
      for (mode, _) in iommus where filter[IOMMUMode.axis] == nil {
        for kernel in kernels {
          guard let rule = kernel.policy.bootExclusion(platform, mode, .standard) else { continue }
          let own =
            platform.family == .s390 && rule == .dmaIOMMUUnknown
            ? "; its PCI devices have operations of their own (arch/s390/pci/pci_dma.c), which are "
              + "not modelled" : ""
          notes.append(
            "no answer for iommu \(mode.name) on \(platform.name) by \(kernel.name): "
              + "\(rule.summary)\(own)")
        }
      }
    }
  }

  private mutating func takeIOMMU(of facts: BootFacts, device: String?) throws {
    if let device {
      guard facts.iommu.names(device) else {
        let known = facts.iommu.named.sorted()
        throw UsageError(
          description: "--device '\(device.printable)' is not in the log; accepted: "
            + (known.isEmpty
              ? "none, no line names a device"
              : known.prefix(8).joined(separator: ", ").printable(upTo: 400)))
      }
      if let possibility = facts.iommu.possibility(of: device), filter[IOMMUMode.axis] == nil {
        iommus = [(possibility.mode, possibility.reason)]
      }
    }
    if iommus.isEmpty {
      iommus = facts.iommu.possibilities.map { ($0.mode, $0.reason) }
    }
  }

  // MARK: - Command lines

  /// Takes what a command line says; options that contradict it are refused.
  ///
  /// Beside a log it is the log that says how the IOMMU serves devices.
  mutating func read(commandLine text: String) throws {
    let parsed: KernelCommandLine
    do {
      parsed = try KernelCommandLine(
        text, family: platforms.first?.family ?? .x86,
        prefixes: kernels.contains(where: \.matchesSwiotlbByPrefix))
    } catch {
      if facts != nil { return notes.append("\(error)") }
      throw UsageError(description: "--cmdline: \(error)")
    }
    for parameter in parsed.parameters {
      let fate =
        switch parameter.fate {
        case .effective(let meaning): meaning
        case .overridden(let reason): "has no effect: \(reason)"
        case .ignored(let reason): "ignored: \(reason)"
        case .suspicious(let reason): "probably a mistake: \(reason)"
        }
      notes.append("\(parameter.text.printable): \(fate)")
    }
    try settle(&swiotlbs, SwiotlbMode.axis, parsed.swiotlb)
    machines = (machines.isEmpty ? [.sixtyFourGiB] : machines).map { machine in
      var machine = machine
      machine.wantsPool = machine.wantsPool || parsed.wantsPool
      machine.poolSlots = parsed.poolSlots
      machine.poolAreas = parsed.poolAreas
      return machine
    }
    try takeEncryption(of: parsed)
    if facts == nil || filter[IOMMUMode.axis] != nil { try takeIOMMU(of: parsed) }
  }

  private mutating func takeIOMMU(of parsed: KernelCommandLine) throws {
    let disabled = parsed.disabledIOMMUs.sorted().map { "\($0)_iommu=off" }
    if parsed.iommu == .off {
      try settleIOMMU(.off, "iommu=off")
    } else if !disabled.isEmpty, filter[IOMMUMode.axis] == nil {
      // A parameter that says what a domain would be does not switch the IOMMU on.
      iommus = [(.none, "\(disabled.joined(separator: " ")): no IOMMU serves devices")]
      if disabled.count == 1, parsed.iommu != nil {
        notes.append(
          "\(disabled[0]) is for processors of one maker: on others the IOMMU stays on")
      }
    } else if let mode = parsed.iommu {
      try settleIOMMU(mode, "by the command line")
    }
    if iommus.isEmpty {
      iommus = [IOMMUMode.none, .translated].map { ($0, "left open by the command line") }
      notes.append("the command line leaves the IOMMU open: each mode that exists is shown")
    }
  }

  private mutating func settleIOMMU(_ mode: IOMMUMode, _ reason: String) throws {
    var modes = iommus.map(\.mode)
    try settle(&modes, IOMMUMode.axis, mode)
    iommus = modes.map { ($0, reason) }
  }

  private mutating func takeEncryption(of parsed: KernelCommandLine) throws {
    if facts == nil, platforms.isEmpty, parsed.memoryEncryption == true {
      platforms = [.x86SME47, .x86SME51]
      notes.append("the C-bit's place is not on a command line: both are shown")
    }
    if parsed.memoryEncryption == false,
      platforms.contains(where: { $0.sharedMemoryReader == .dram })
    {
      throw UsageError(
        description: "--cmdline says mem_encrypt=off, but the platform is an SME host; "
          + "accepted: --platform x86, or mem_encrypt=on")
    }
  }

  /// Sets an axis, or refuses a value that contradicts an option.
  private func settle<Value: AxisValue>(
    _ values: inout [Value], _ axis: String, _ value: Value
  ) throws {
    if let chosen = filter[axis], !chosen.contains(value.name) {
      throw UsageError(
        description: "--\(axis) \(chosen.joined(separator: ",")) contradicts the command line, "
          + "which says \(value.name)")
    }
    values = [value]
  }
}
