import BootInputs
import DMAModel

/// One observation beside the model's answer for that boot's machine.
public struct ObservationOutcome: Sendable {
  /// A column that differs.
  public struct Difference: Sendable, Hashable {
    public let column: String
    public let observed: String
    public let model: String
  }

  /// Columns that differ and that nothing explains.
  public var differences: [Difference] = []
  /// What could not be compared in full.
  public var limits: Set<ObservationLimit> = []
  /// The probe had nothing to ask: no such memory, no such call.
  public var isAbsent = false
  /// The rule by which the model decided, where it answered.
  public var decision: Decision?
  /// The model's result in the probe's words.
  public var predicted: ProbeResult?

  /// Whether nothing differs but what no model can know.
  public var agrees: Bool { differences.isEmpty }
  /// Whether every column is as predicted, up to addresses that have no prediction.
  public var agreesInFull: Bool { agrees && limits.allSatisfy(\.isValueOnly) }
}

/// Compares the observations of one boot with the model, in their order.
///
/// The order matters twice: `dma_need_sync()` of an IOVA has history, and so has the
/// space of IOVAs of a lazy domain.
public struct ObservationCheck {
  private let boot: ObservedBoot
  private let kernel: BootedKernel
  /// The default pool as the kernel makes it, wherever it was seen.
  private let ownPool: SwiotlbPool
  /// `*dev->dma_mask` before the next line.
  private var mask: UInt64 = bitMask(32)
  /// `dev->dma_skip_sync`: false until the first `dma_set_mask()`.
  private var skipsSync = false
  /// Whether a request found no IOVA.
  private var iovaWasRefused = false
  /// Where the boot's regions lie, by name, as single mappings showed them.
  private var regions: [String: UInt64] = [:]

  /// - Parameter version: The kernel that answers.
  public init(_ boot: ObservedBoot, version: KernelVersion) {
    self.boot = boot
    func booted(_ machine: Machine) -> BootedKernel {
      BootedKernel(
        policy: version.policy, platform: boot.platforms.first ?? .x86, iommu: boot.iommu,
        swiotlb: boot.swiotlb, machine: machine)
    }
    kernel = booted(boot.machine)
    var machine = boot.machine
    machine.observedPool = nil
    if let line = try? KernelCommandLine(
      boot.commandLine, prefixes: version.matchesSwiotlbByPrefix)
    {
      machine.wantsPool = machine.wantsPool || line.wantsPool
      (machine.poolSlots, machine.poolAreas) = (line.poolSlots, line.poolAreas)
    }
    ownPool = booted(machine).pool
  }

  /// The columns of the boot itself that differ: whether there is a pool, how large it is,
  /// and whether it bounces everything.
  public var bootDifferences: [ObservationOutcome.Difference] {
    var found: [ObservationOutcome.Difference] = []
    func text(_ active: Bool) -> String { active ? "a pool" : "no pool" }
    if kernel.pool.isActive != (boot.pool != nil) {
      found.append(
        .init(
          column: "pool", observed: text(boot.pool != nil), model: text(kernel.pool.isActive)))
    }
    if let pool = boot.pool, ownPool.isActive, boot.swiotlb != .restricted,
      ownPool.end - ownPool.start != pool.length
    {
      found.append(
        .init(
          column: "pool_size", observed: String(pool.length),
          model: String(ownPool.end - ownPool.start)))
    }
    if boot.pool != nil, kernel.pool.isActive, kernel.pool.forceBounce != boot.poolForcesBounce {
      found.append(
        .init(
          column: "pool_force", observed: boot.poolForcesBounce ? "1" : "0",
          model: kernel.pool.forceBounce ? "1" : "0"))
    }
    return found
  }

  /// Compares the next observation.
  public mutating func compare(_ row: Observation) -> ObservationOutcome {
    var comparison = RowComparison(
      boot: boot, kernel: kernel, row: row, iovaWasRefused: iovaWasRefused)
    if row.result == .absent {
      comparison.outcome.isAbsent = true
      return comparison.outcome
    }
    if row.operation == .setMask {
      comparison.compareMask(before: mask)
      mask = row.dmaMask
      if row.maskBits > 0, row.setMaskError == 0 { skipsSync = true }
      return comparison.outcome
    }
    mask = row.dmaMask
    if let address = row.physicalAddress, row.operation != .mapSG, !row.region.isEmpty {
      // Entries of scatter lists begin at a page, where others may begin within one.
      regions[row.region] = address & ~0xfff
    }
    comparison.compareRequest(regions: regions, skipsSync: skipsSync)
    if row.result == .error,
      comparison.outcome.predicted == .iova || comparison.outcome.predicted == .iovaBounce
    {
      iovaWasRefused = true
    }
    // The first bounce clears dma_skip_sync, whatever becomes of the address.
    if row.result == .bounce || row.result == .iovaBounce { skipsSync = false }
    return comparison.outcome
  }
}
