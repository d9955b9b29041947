import DMAModel
import Reporting
import Support

/// What a question says of the memory and the device, where it names them or not.
extension ExplainQuestion {
  /// The explanations of a scenario for every buffer that is meant: those that are named,
  /// or low and high RAM, since the bounce of one is not seen behind the other.
  func explainedBuffers(_ question: ExplainCase) throws -> String {
    let (scenario, machine) = (question.scenario, question.machine)
    let buffers = try buffers(of: scenario, on: machine)
    var text = notes(of: scenario, on: machine)
    if !text.isEmpty { text += "\n" }
    var shown: [(buffer: Buffer, signature: [String])] = []
    for buffer in buffers {
      var question = question
      question.scenario.buffer = buffer
      let (its, signature) = try explained(question)
      if let same = shown.first(where: { $0.signature == signature }) {
        text += "\n"
        text += folded(
          "The same of \(buffer.name) (\(buffer.summary)) as of \(same.buffer.name), at its "
            + "own address.", hanging: "  ")
        continue
      }
      if !shown.isEmpty { text += "\n" }
      text += its
      shown.append((buffer, signature))
      text += try scattered(question, signature)
    }
    return text
  }

  /// The buffers of a question.
  func buffers(of scenario: Scenario, on machine: Machine) throws -> [Buffer] {
    guard scenario.operation.isMapping else {
      guard filter[Buffer.axis] == nil || allocation == nil else {
        throw UsageError(
          description: "--buf and --size both say how large an allocation is; accepted: --size")
      }
      // An allocation has no address; what was meant is its size.
      let named = filter[Buffer.axis]?.first.flatMap { Buffer(name: $0) }
      guard let named, named != .none else { return [scenario.buffer] }
      return [named.isForAllocation ? named : Buffer(allocating: named.length) ?? .none]
    }
    if allocation != nil {
      throw UsageError(
        description: "--size is the size of an allocation; accepted: --buf ADDRESS+LENGTH for a "
          + "mapping")
    }
    if let names = filter[Buffer.axis] { return names.compactMap { Buffer(name: $0) } }
    guard !scenario.buffer.isDeviceMemory else { return [scenario.buffer] }
    return lowAndHigh(machine)
  }

  /// A page of RAM below 4 GiB and one above, those of the matrix where there is RAM; one
  /// of them where the machine has no RAM on the other side.
  private func lowAndHigh(_ machine: Machine) -> [Buffer] {
    func page(_ usual: Buffer, _ range: PhysicalRange?) -> Buffer? {
      if machine.contains(usual.physicalAddress, length: usual.length) { return usual }
      return range.flatMap { Buffer(at: $0.start, length: 4096) }
    }
    let border: UInt64 = 4 << 30
    // What is below 1 MiB belongs to the firmware on most machines.
    let low = machine.ram.map { PhysicalRange(max($0.start, 1 << 20), min($0.end, border)) }
      .first { $0.start + 4096 <= $0.end }
    let high = machine.ram.map { PhysicalRange(max($0.start, border), $0.end) }
      .last { $0.start + 4096 <= $0.end }
    let buffers = [page(.dma32, low), page(.high, high)].compactMap { $0 }
    return buffers.isEmpty ? [.dma32] : buffers
  }

  /// What must be known of the question before its answer is read.
  private func notes(of scenario: Scenario, on machine: Machine) -> String {
    var notes: [String] = []
    if scenario.platform == .ppc64 {
      notes.append(
        "ppc64 without an IOMMU is no IBM machine: PowerNV and pSeries give every PCI device "
          + "dma_iommu_ops (arch/powerpc/kernel/dma-iommu.c): 64-bit devices get the physical "
          + "address + 2^59, others TCE addresses, and neither is modelled. It stands for "
          + "Freescale's 64-bit boards with up to 4 GiB; above, swiotlb_detect_4g() "
          + "(arch/powerpc/kernel/dma-swiotlb.c) makes a pool that is not modelled. Its zones are "
          + "those without CONFIG_ZONE_DMA; where that is set (PPC_BOOK3E_64), dma_set_mask() "
          + "accepts 31 bits")
    }
    if scenario.platform.family == .xen {
      notes.append(xenAddressNote)
    }
    if !scenario.operation.isMapping, let named = filter[Buffer.axis]?.first,
      let buffer = Buffer(name: named), !buffer.isForAllocation
    {
      notes.append(
        "an allocation has no address: of --buf \(named) the size counts, \(buffer.length) bytes")
    }
    if scenario.operation == .mapSG, let entries = filter[Buffer.axis], entries.count > 1 {
      notes.append(
        "\(entries.count) entries: each is mapped as it would be alone (dma_direct_map_sg()); if "
          + "one fails, those before it are unmapped and the list fails as a whole")
    }
    return notes.map { folded("- \($0)", hanging: "  ") }.joined()
  }

  /// Xen PV and more than a page: the answer if the machine frames lie apart.
  private func scattered(
    _ question: ExplainCase, _ signature: [String]
  ) throws -> String {
    let (scenario, machine) = (question.scenario, question.machine)
    let buffer = scenario.buffer
    guard scenario.platform.family == .xen, !buffer.isDeviceMemory,
      (buffer.physicalAddress & 4095) + buffer.length > 4096
    else { return "" }
    var device = machine.device
    device.hasScatteredFrames = true
    let apart = machine.with(device)
    var other = question
    (other.scenario.memory, other.machine) = (apart.name, apart)
    let (text, its) = try explained(other)
    let reason =
      "More than a page on Xen PV: machine frames of neighbouring pages need not be contiguous "
      + "(drivers/xen/swiotlb-xen.c range_straddles_page_boundary()), and machine addresses "
      + "differ from the domain's. The answer above is that of contiguous frames; "
    return its == signature
      ? "\n" + folded(reason + "of others it is the same.", hanging: "  ")
      : "\n" + folded(reason + "of others:", hanging: "  ") + "\n" + text
  }

  /// Refuses what a platform does not have, and memory that no address can name.
  func check(_ platform: Platform, _ swiotlb: SwiotlbMode, _ machine: Machine) throws {
    if swiotlb == .restricted, !BoardOptions.hasRestrictedPool(machine) {
      throw UsageError(
        description: "machine '\(machine.name)' has no RAM from 0x60000000 to 0x62000000, where "
          + "the restricted-dma-pool is; accepted: --swiotlb default, force, noforce")
    }
    var domain = MatrixDomain()
    domain.platforms = [platform]
    domain.machines = [machine]
    try BoardOptions.check(domain)
    let bit = platform.encryptionBit | platform.sharedBit
    if bit != 0, machine.top > bit {
      throw UsageError(
        description: "machine '\(machine.name)' has RAM above bit \(bit.trailingZeroBitCount), "
          + "which \(platform.name) has for encryption; accepted: RAM below")
    }
  }
}
