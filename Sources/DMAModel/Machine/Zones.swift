/// The memory zones of a machine, by the architecture's limits.
struct Zones: Sendable {
  let dma: PhysicalRange
  let dma32: PhysicalRange
  let normal: PhysicalRange
  /// CONFIG_ZONE_DMA.
  let hasDMA: Bool
  /// CONFIG_ZONE_DMA32.
  let hasDMA32: Bool
  /// `zone_dma_limit`: the highest address that GFP_DMA guarantees.
  let dmaLimit: UInt64

  /// Source: arch/x86/mm/init.c, arch/arm64/mm/init.c, arch/s390/mm/init.c
  /// `zone_sizes_init()`; arch/powerpc has neither zone in the measured
  /// configuration. arm64's DMA zone ends at 4 GiB without devices that need
  /// less, which leaves DMA32 empty.
  init(_ family: Platform.Family) {
    let everything = UInt64.max
    switch family {
    case .x86, .xen:
      dma = PhysicalRange(0, 16 * megabyte)
      dma32 = PhysicalRange(16 * megabyte, 4 * gigabyte)
      normal = PhysicalRange(4 * gigabyte, everything)
      (hasDMA, hasDMA32, dmaLimit) = (true, true, bitMask(24))
    case .arm64:
      dma = PhysicalRange(0, 4 * gigabyte)
      dma32 = PhysicalRange(4 * gigabyte, 4 * gigabyte)
      normal = PhysicalRange(4 * gigabyte, everything)
      (hasDMA, hasDMA32, dmaLimit) = (true, true, bitMask(32))
    case .s390:
      dma = PhysicalRange(0, 2 * gigabyte)
      dma32 = PhysicalRange(2 * gigabyte, 2 * gigabyte)
      normal = PhysicalRange(2 * gigabyte, everything)
      (hasDMA, hasDMA32, dmaLimit) = (true, false, bitMask(31))
    case .ppc64:
      dma = PhysicalRange(0, 0)
      dma32 = PhysicalRange(0, 0)
      normal = PhysicalRange(0, everything)
      (hasDMA, hasDMA32, dmaLimit) = (false, false, bitMask(24))
    }
  }

  /// Whether a zone holds RAM (`has_managed_zone()`).
  static func isPopulated(_ zone: PhysicalRange, of machine: Machine) -> Bool {
    machine.ram.contains { $0.start < zone.end && zone.start < $0.end }
  }

  /// The zones that a request may fall back to, the preferred one first.
  ///
  /// Source: mm/page_alloc.c `build_zonelists()`, `gfp_zone()`.
  func zonelist(_ zone: ZoneFlag) -> [PhysicalRange] {
    switch zone {
    case .none: [normal, dma32, dma]
    case .dma32: hasDMA32 ? [dma32, dma] : [normal, dma]
    case .dma: hasDMA ? [dma] : [normal]
    }
  }
}

/// GFP_DMA, GFP_DMA32 or neither.
public enum ZoneFlag: UInt8, Sendable { case none, dma32, dma }
