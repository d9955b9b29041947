import DMAModel

/// Which platform a boot log is of, and why.
public struct PlatformEvidence: Sendable {
  public typealias Finding = BootFacts.Finding

  /// The platforms that fit: SME does not log its C-bit.
  public private(set) var platforms: [Platform] = []
  /// Whether the platform follows from the command line alone.
  public private(set) var isAssumed = false
  /// What the log has and the model has not; answers would be wrong with any of them.
  public private(set) var unmodelled: [Finding] = []
  public private(set) var findings: [Finding] = []
  private var isSecureGuest = false
  /// The processor's maker, where the log names it.
  let processor: Fact.Processor?

  /// One name for the platforms: the class for SME hosts.
  public var name: String? {
    if platforms.isEmpty { return nil }
    if platforms.allSatisfy({ $0.sharedMemoryReader == .dram }) { return "x86-sme" }
    return platforms.map(\.name).joined(separator: " or ")
  }

  init(_ facts: [Fact], _ commandLine: KernelCommandLine?) {
    processor =
      facts.lazy.compactMap { fact in
        if case .processor(let processor) = fact.value { processor } else { nil }
      }.first
    platforms = settle(facts, commandLine)
    readUnmodelled(facts)
  }

  private mutating func settle(_ facts: [Fact], _ commandLine: KernelCommandLine?) -> [Platform] {
    func first(_ value: Fact.Value) -> Fact? { facts.first { $0.value == value } }
    if let fact = first(.xenPV) { return found([.xenPV], fact) }
    guard let (architecture, source) = architecture(facts) else { return [] }
    switch architecture {
    case .x86: return x86(facts, commandLine, source)
    case .arm64:
      if let fact = first(.encryption(.realm)) { return found([.arm64CCA], fact) }
      if let fact = first(.encryption(.protectedKVM)) { return found([.arm64PKVM], fact) }
      if let fact = first(.encryption(.some)) { return found([.arm64CCA, .arm64PKVM], fact) }
      return found([.arm64], source)
    case .s390:
      // arch/s390/mm/init.c `pv_init()`: only protected guests have a pool.
      let pool = facts.first {
        if case .pool = $0.value { true } else { $0.value == .encryption(.some) }
      }
      return pool.map { found([.s390PV], $0) } ?? found([.s390], source)
    case .powerpc:
      unmodelled.append(
        Finding(
          "a powerpc kernel: the log does not tell whether it has 64 bits; of 32 bits its zones, "
            + "high memory and DMA are not modelled, of 64 bits see "
            + "arch/powerpc/kernel/dma-iommu.c", line: source.line))
      return []
    case .ppc64:
      if let fact = first(.encryption(.secureVM)) ?? pool(ofSecureGuest: facts, commandLine) {
        isSecureGuest = true
        return found([.ppc64SVM], fact)
      }
      if !facts.contains(where: { if case .powerMachine = $0.value { true } else { false } }) {
        unmodelled.append(
          Finding(
            "a powerpc machine that the log does not name: PowerNV and pSeries have "
              + "dma_iommu_ops (arch/powerpc/kernel/dma-iommu.c), Freescale's boards a pool of "
              + "their own, and none of them is modelled", line: source.line))
      }
      return found([.ppc64], source)
    case .other(let name):
      unmodelled.append(
        Finding(
          name.contains("32 bits")
            ? "a kernel of 32 bits (\(name)): its zones, high memory and DMA are not modelled"
            : "the architecture \(name) is not modelled", line: source.line))
      return []
    }
  }

  /// The pool of a pSeries guest: arch/powerpc/mm/mem.c makes one for secure guests alone
  /// (arch/powerpc/platforms/pseries/svm.c `init_svm()`), unless swiotlb=force asks for it.
  private func pool(ofSecureGuest facts: [Fact], _ commandLine: KernelCommandLine?) -> Fact? {
    guard facts.contains(where: { $0.value == .powerMachine(.pSeries) }),
      commandLine?.swiotlb != .force
    else { return nil }
    return facts.first { if case .pool = $0.value { true } else { false } }
  }

  /// The architecture; a kernel of 32 bits shares messages with one of 64, and so do those
  /// with a device tree.
  private func architecture(_ facts: [Fact]) -> (Fact.Architecture, Fact)? {
    var found: (Fact.Architecture, Fact)?
    for fact in facts {
      guard case .architecture(let architecture) = fact.value else { continue }
      if case .other(let name) = architecture, found?.0 != .arm64 || name == "riscv" {
        return (architecture, fact)
      }
      if found == nil || found?.0 == .powerpc { found = (architecture, fact) }
    }
    return found
      ?? facts.lazy.compactMap { fact in Self.implied(by: fact).map { ($0, fact) } }.first
  }

  /// The only architecture that has such a line.
  private static func implied(by fact: Fact) -> Fact.Architecture? {
    switch fact.value {
    case .encryption(.sme), .encryption(.sev), .encryption(.tdx), .isolation, .gart,
      .hypervisor:
      .x86
    case .encryption(.realm), .encryption(.protectedKVM): .arm64
    case .encryption(.secureVM), .powerMachine: .ppc64
    default: nil
    }
  }

  private mutating func x86(
    _ facts: [Fact], _ commandLine: KernelCommandLine?, _ source: Fact
  ) -> [Platform] {
    var hypervisor: Fact?
    for fact in facts {
      switch fact.value {
      case .isolation(let groupA, let groupB):
        // include/asm-generic/mshyperv.h: bit 0 of A is the paravisor, B begins with the
        // type; arch/x86/hyperv/ivm.c `hv_vtom_init()` for VBS (1), SNP (2), TDX (3).
        switch (groupB & 15, groupA & 1) {
        case (0, _): break
        case (2, 0): return found([.sev], fact)
        case (3, _): return found([.tdx], fact)
        default: return found([.snpVTOM], fact)
        }
      case .hypervisor: hypervisor = fact
      default: break
      }
    }
    for fact in facts {
      switch fact.value {
      case .encryption(.sme):
        findings.append(Finding("the C-bit's place is not in the log: both are shown"))
        return found([.x86SME47, .x86SME51], fact)
      case .encryption(.sev): return found([.sev], fact)
      case .encryption(.tdx): return found([.tdx], fact)
      default: break
      }
    }
    if let fact = facts.first(where: { $0.value == .encryption(.some) }) {
      findings.append(
        Finding("which memory encryption is active is not in the log: each is shown"))
      return found(
        hypervisor == nil ? [.sev, .tdx, .x86SME47, .x86SME51] : [.sev, .tdx], fact)
    }
    if commandLine?.memoryEncryption == true, processor != .intel, hypervisor == nil {
      findings.append(
        Finding(
          "mem_encrypt=on, and no line 'Memory Encryption Features active': an SME host if its "
            + "firmware allows SME; the C-bit's place is not in the log: both are shown"))
      isAssumed = true
      return [.x86SME47, .x86SME51]
    }
    if let hypervisor { findings.append(Finding(hypervisor.text, line: hypervisor.line)) }
    return found([.x86], source)
  }

  private mutating func found(_ platforms: [Platform], _ fact: Fact) -> [Platform] {
    let names = platforms.map(\.name).joined(separator: " or ")
    findings.append(Finding("platform \(names): \(fact.text.prefix(100))", line: fact.line))
    return platforms
  }

  private mutating func readUnmodelled(_ facts: [Fact]) {
    for fact in facts {
      if case .powerMachine = fact.value, isSecureGuest { continue }
      switch fact.value {
      case .gart:
        unmodelled.append(
          Finding(
            "AMD's GART is the IOMMU, which is not modelled: gart_iommu_init() "
              + "(arch/x86/kernel/amd_gart_64.c) frees the swiotlb, and what a mask does not "
              + "reach is remapped into the aperture", line: fact.line))
      case .powerMachine(.freescale):
        unmodelled.append(
          Finding(
            "a Freescale board, which is not modelled: swiotlb_detect_4g() "
              + "(arch/powerpc/kernel/dma-swiotlb.c) makes a pool where RAM lies above 4 GiB",
            line: fact.line))
      case .powerMachine(.other):
        unmodelled.append(
          Finding("a powerpc machine that is not modelled: \(fact.text)", line: fact.line))
      case .powerMachine(let machine):
        unmodelled.append(
          Finding(
            "\(machine.rawValue), which is not modelled: its PCI devices have dma_iommu_ops "
              + "(arch/powerpc/kernel/dma-iommu.c): 64-bit devices bypass at physical + 2^59, "
              + "others get TCE addresses", line: fact.line))
      default: continue
      }
    }
  }
}
