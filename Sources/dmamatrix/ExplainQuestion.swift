import Analysis
import DMAModel
import Reporting

/// The scenarios that the user's options, command line and boot log describe.
struct ExplainQuestion {
  private let filter: [String: [String]]
  private let circumstance: Circumstance
  private var kernels: [KernelVersion]
  private var platforms: [Platform]
  private var iommus: [IOMMUMode]
  private var swiotlbs: [SwiotlbMode]
  private var machines: [Machine]
  private var notes: [String] = []

  init(filters: AxisFilters, circumstance: Circumstance) throws {
    self.circumstance = circumstance
    filter = try filters.filter().values
    kernels = filters.kernel.isEmpty ? [] : try filters.kernels()
    guard kernels.count <= 2 else {
      throw UsageError(description: "explain takes one kernel or two, not \(kernels.count)")
    }
    let domain = try filters.domain()
    platforms = filters.platform.isEmpty ? [] : domain.platforms
    iommus = filters.iommu.isEmpty ? [] : domain.iommuModes
    swiotlbs = filters.swiotlb.isEmpty ? [] : domain.swiotlbModes
    machines = filters.mem.isEmpty ? [] : domain.machines
    for (axis, values) in filter where values.count > 1 && axis != DMAMask.axis && axis != "kernel"
    {
      guard [Platform.axis, IOMMUMode.axis, SwiotlbMode.axis, MachineName.axis].contains(axis)
      else {
        throw UsageError(
          description: "--\(axis.replacing("_", with: "-")) has \(values.count) values; "
            + "explain takes one")
      }
    }
  }

  /// Takes what a boot log says, where the options leave it open.
  mutating func read(log text: String, named name: String) throws {
    let log: BootLog
    do {
      log = try BootLog(text)
    } catch {
      throw UsageError(description: "--dmesg '\(name.printable)' \(error)")
    }
    for fact in log.facts {
      notes.append("\(name.printable):\(fact.line): \(fact.what) \(fact.value.printable)")
    }
    if kernels.isEmpty, let version = log.version {
      let known = KernelVersion.all.filter {
        version == $0.name || version.hasPrefix($0.name + ".")
      }
      if known.isEmpty {
        notes.append("Linux \(version.printable) is not modelled; --kernel chooses one that is")
      }
      kernels = known
    }
    if platforms.isEmpty { platforms = log.platforms }
    if iommus.isEmpty, let iommu = log.iommu { iommus = [iommu] }
    if machines.isEmpty, let machine = log.machine { machines = [machine] }
    if let commandLine = log.commandLine, !commandLine.isEmpty {
      try read(commandLine: commandLine)
    }
  }

  /// Takes what a command line says; options that contradict it are refused.
  mutating func read(commandLine text: String) throws {
    let parsed: KernelCommandLine
    do {
      parsed = try KernelCommandLine(
        text, family: platforms.first?.family ?? .x86,
        prefixes: kernels.contains(where: \.matchesSwiotlbByPrefix))
    } catch {
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
    if let mode = parsed.iommu {
      try settle(&iommus, IOMMUMode.axis, mode)
    } else if iommus.isEmpty, !parsed.disabledIOMMUs.isEmpty {
      iommus = [.none]
    }
    try settle(&swiotlbs, SwiotlbMode.axis, parsed.swiotlb)
    if platforms.isEmpty, parsed.memoryEncryption == true {
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
    if iommus.isEmpty {
      iommus = [.none, .translated]
      notes.append("the command line leaves the IOMMU open: none and translated are shown")
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

  /// The explanation of every scenario that is left.
  func answer() throws -> String {
    guard !platforms.isEmpty else {
      throw UsageError(
        description: "the platform is not known; accepted: --platform with one of "
          + Platform.names.joined(separator: ", "))
    }
    guard !kernels.isEmpty else {
      throw UsageError(
        description: "the kernel is not known; accepted: --kernel with one of "
          + KernelVersion.all.map(\.name).joined(separator: ", "))
    }
    var text = notes.map { folded("- \($0)", hanging: "  ") }.joined()
    for platform in platforms {
      for iommu in iommus.isEmpty ? [.none] : iommus {
        for swiotlb in swiotlbs.isEmpty ? [.standard] : swiotlbs {
          for machine in machines.isEmpty ? [Machine.sixtyFourGiB] : machines {
            let scenario = try scenario(platform, iommu, swiotlb, machine)
            if !text.isEmpty { text += "\n" }
            text += try explained(scenario, on: machine)
          }
        }
      }
    }
    return text
  }

  private func scenario(
    _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode, _ machine: Machine
  ) throws -> Scenario {
    func value<Value: AxisValue>(_: Value.Type, default standard: Value) -> Value {
      filter[Value.axis]?.first.flatMap { Value(name: $0) } ?? standard
    }
    let operation = value(Operation.self, default: .map)
    let attributes = value(Attributes.self, default: .none)
    let device: Buffer = attributes.isMMIO || operation == .mapSGP2P ? .mmio64 : .dma32
    return Scenario(
      platform: platform, iommu: iommu, swiotlb: swiotlb, memory: machine.name,
      mask: value(DMAMask.self, default: DMAMask.allCases[0]),
      coherentMask: value(CoherentMask.self, default: .same),
      busLimit: value(BusLimit.self, default: .none),
      coherence: value(Coherence.self, default: .coherent),
      facing: value(Facing.self, default: .internal), operation: operation,
      attributes: attributes,
      buffer: value(Buffer.self, default: operation.isMapping ? device : .none))
  }

  private func explained(_ scenario: Scenario, on machine: Machine) throws -> String {
    let masks = (filter[DMAMask.axis] ?? DMAMask.names).compactMap { DMAMask(name: $0) }
    if masks.count == 1 {
      var scenario = scenario
      scenario.mask = masks[0]
      return explanationText(
        try kernels.map { try explanation(scenario, on: machine, by: $0) })
    }
    return try kernels.map { kernel in
      var spans: [(masks: ClosedRange<Int>, explanation: Explanation)] = []
      for mask in masks {
        var scenario = scenario
        scenario.mask = mask
        let explanation = try explanation(scenario, on: machine, by: kernel)
        let bits = Int(mask.bits)
        if let last = spans.last, last.masks.upperBound + 1 == bits,
          last.explanation.answer.columns == explanation.answer.columns,
          last.explanation.answer.decision == explanation.answer.decision,
          last.explanation.verdict == explanation.verdict,
          last.explanation.after == explanation.after
        {
          spans[spans.count - 1].masks = last.masks.lowerBound...bits
        } else {
          spans.append((bits...bits, explanation))
        }
      }
      let names = scenario.names.enumerated().map { $0.offset == 4 ? "*" : $0.element }
      return foldedHeading("\(kernel.name) \(names.joined(separator: "/"))") + "\n"
        + spansText(spans)
    }.joined(separator: "\n")
  }

  private func explanation(
    _ scenario: Scenario, on machine: Machine, by kernel: KernelVersion
  ) throws -> Explanation {
    switch Explanation.explain(scenario, in: circumstance, on: machine, by: kernel) {
    case .success(let explanation): return explanation
    case .failure(let excluded):
      throw UsageError(
        description:
          "\(scenario.key)\(circumstance.suffix) does not exist on \(kernel.name): \(excluded.rule.summary)"
      )
    }
  }
}
