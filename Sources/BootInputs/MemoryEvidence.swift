import DMAModel

/// RAM, zones and the pool of a boot log.
public struct MemoryEvidence: Sendable {
  /// RAM in whole pages, ascending, neighbours joined; nil where no line tells.
  public let machine: Machine?
  /// What is assumed where RAM is not known: 64 GiB, with the pool that was logged; nil
  /// where RAM is known or no pool was logged.
  public let assumedMachine: Machine?
  /// The default pool's range as it was printed; nil without.
  public let pool: Fact.LoggedPool?
  /// The zones with RAM, as the kernel lists them; `nil` is an empty one.
  public let zones: [(name: String, range: PhysicalRange?)]
  public let findings: [BootFacts.Finding]

  init(_ facts: [Fact], _ platform: PlatformEvidence) {
    // What is not modelled is not answered: nothing is assumed for an answer.
    let isModelled = platform.unmodelled.isEmpty
    var findings: [BootFacts.Finding] = []
    var (firmware, nodes): ([PhysicalRange], [PhysicalRange]) = ([], [])
    var (firmwareLine, nodeLine): (Int?, Int?)
    var end: (address: UInt64, line: Int)?
    var (areas, processors): (Int?, Int?)
    var zones: [(name: String, range: PhysicalRange?)] = []
    var noPool: (String, Int)?
    var pools: [(pool: Fact.LoggedPool, line: Int)] = []
    for fact in facts {
      switch fact.value {
      case .firmwareRAM(let range):
        firmware.append(range)
        firmwareLine = firmwareLine ?? fact.line
      case .userMap: (firmware, firmwareLine) = ([], nil)
      case .nodeRAM(let range):
        nodes.append(range)
        nodeLine = nodeLine ?? fact.line
      case .endOfRAM(let address): end = (address, fact.line)
      case .zone(let name, let range): zones.append((name, range))
      case .pool(let logged):
        noPool = nil
        pools.append((logged, fact.line))
      case .noPool(let reason): (pools, noPool) = ([], (reason, fact.line))
      case .areas(let count): areas = count
      case .processors(let count): processors = count
      default: break
      }
    }
    // Parts of two boots have no banner between them; a slot that failed names its own pool.
    let slot = Self.failedSlot(in: facts)
    let named = slot.flatMap { slot in
      pools.last { ($0.pool.range.start..<$0.pool.range.end).contains(slot.address) }
    }
    let (pool, poolLine) = ((named ?? pools.last)?.pool, (named ?? pools.last)?.line)
    if let last = pools.last,
      let other = pools.first(where: { $0.pool.range != last.pool.range })
    {
      let choice =
        slot.flatMap { slot in named.map { _ in slot.line } }
        .map { "that counts in which the slot of line \($0) lies" } ?? "the last one counts"
      findings.append(
        BootFacts.Finding(
          "two pools are logged (lines \(other.line) and \(last.line)), of two boots: \(choice)",
          line: poolLine))
    }
    // s390 names the end alone, and has no holes that its firmware keeps.
    if let end, firmware.isEmpty, nodes.isEmpty {
      firmware = [PhysicalRange(0, end.address)]
      firmwareLine = end.line
    }
    // The firmware's map is cut where the ring buffer was, or by mem= afterwards.
    let (map, nodeMap) = (Self.pages(firmware), Self.pages(nodes))
    let usesNodes = !nodeMap.isEmpty && nodeMap.last?.end != map.last?.end
    let ram = usesNodes ? nodeMap : map
    if let last = ram.last {
      let bytes = ram.reduce(0) { $0 + $1.length }
      var machine = Machine(
        name: MachineName("log-\(Self.sizeName(bytes))"), ram: ram, observedPool: pool?.range,
        cpus: areas ?? processors ?? 4)
      // A pool that is there was wanted, whatever asked for it.
      machine?.wantsPool = pool != nil
      machine?.firmwareDMALimit = Self.firmwareLimit(zones, below: last.end, platform)
      self.machine = machine
      assumedMachine = nil
      findings.append(
        BootFacts.Finding(
          "RAM \(bytes >> 20) MiB in \(ram.count) range\(ram.count == 1 ? "" : "s") up to "
            + last.end.hexadecimal,
          line: usesNodes ? nodeLine : firmwareLine))
    } else {
      machine = nil
      var assumed = pool.flatMap { pool in
        Machine(
          name: MachineName("assumed-64G"), ram: Machine.sixtyFourGiB.ram, observedPool: pool.range,
          cpus: areas ?? processors ?? 4)
      }
      assumed?.wantsPool = true
      assumedMachine = assumed
      findings.append(
        BootFacts.Finding(isModelled ? "RAM unknown: 64 GiB assumed" : "RAM unknown"))
    }
    if let pool {
      findings.append(
        BootFacts.Finding(
          "swiotlb \(pool.first.hexadecimal)-\(pool.last.hexadecimal), "
            + (pool.range.length < 1 << 20
              ? "\(pool.range.length >> 10) KiB" : "\(pool.range.length >> 20) MiB"),
          line: poolLine))
      if let machine, !machine.contains(pool.range.start, length: pool.range.length) {
        findings.append(
          BootFacts.Finding(
            "that pool lies outside the RAM of the log: one of them is of another boot"))
      }
      if areas == nil, processors == nil, isModelled {
        findings.append(
          BootFacts.Finding("areas of the pool and processors not in the log: 4 assumed"))
      }
    } else if let noPool {
      findings.append(BootFacts.Finding("no swiotlb: \(noPool.0)", line: noPool.1))
    } else if !platform.platforms.isEmpty, isModelled {
      findings.append(
        BootFacts.Finding("swiotlb not in the log: placed as the kernel would place it"))
    }
    (self.pool, self.zones, self.findings) = (pool, zones, findings)
  }

  /// The slot of the first "swiotlb addr ... overflow".
  private static func failedSlot(in facts: [Fact]) -> (address: UInt64, line: Int)? {
    facts.lazy.compactMap { fact in
      guard case .failure(let failure) = fact.value,
        case .slotUnreachable(let mapping) = failure.kind
      else { return nil }
      return (mapping.address, fact.line)
    }.first
  }

  /// The size of all RAM, `512M` or `16G`: what the machine is called.
  private static func sizeName(_ bytes: UInt64) -> String {
    let unit: UInt64 = bytes < 1 << 30 ? 20 : 30
    return "\((bytes + (1 << unit) - 1) >> unit)\(unit == 20 ? "M" : "G")"
  }

  /// arm64's ZONE_DMA ends where firmware says that some device ends, unless RAM or 4 GiB
  /// ends before (arch/arm64/mm/init.c `zone_sizes_init()`).
  private static func firmwareLimit(
    _ zones: [(name: String, range: PhysicalRange?)], below top: UInt64,
    _ platform: PlatformEvidence
  ) -> UInt64? {
    guard !platform.platforms.isEmpty,
      platform.platforms.allSatisfy({ $0.family == .arm64 }),
      let end = zones.last(where: { $0.name == "DMA" })?.range?.end, end < min(top, 1 << 32)
    else { return nil }
    return end - 1
  }

  /// Whole pages, ascending, neighbours joined.
  private static func pages(_ ram: [PhysicalRange]) -> [PhysicalRange] {
    var ranges: [PhysicalRange] = []
    for range in ram.sorted(by: { $0.start < $1.start }) {
      let start = (range.start + 4095) & ~4095
      let end = range.end & ~4095
      guard start < end else { continue }
      if let last = ranges.last, start <= last.end {
        ranges[ranges.count - 1].end = max(last.end, end)
      } else {
        ranges.append(PhysicalRange(start, end))
      }
    }
    return ranges
  }
}
