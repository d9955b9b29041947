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
  /// The end of what the architecture takes for low memory: `arm64_dma_phys_limit`.
  let lowEnd: UInt64

  /// Source: arch/x86/mm/init.c, arch/s390/mm/init.c `zone_sizes_init()`; arch/powerpc
  /// has neither zone in the measured configuration. arm64's follow from RAM and
  /// firmware.
  init(_ family: Platform.Family, _ machine: Machine, _ policy: Policy) {
    let everything = UInt64.max
    switch family {
    case .x86, .xen:
      dma = PhysicalRange(0, 16 * megabyte)
      dma32 = PhysicalRange(16 * megabyte, 4 * gigabyte)
      normal = PhysicalRange(4 * gigabyte, everything)
      (hasDMA, hasDMA32, dmaLimit) = (true, true, bitMask(24))
      lowEnd = 4 * gigabyte
    case .arm64:
      let limits = Self.arm64(machine, policy)
      dma = PhysicalRange(0, limits.end)
      dma32 = PhysicalRange(limits.end, max(limits.end, limits.dma32End))
      normal = PhysicalRange(dma32.end, everything)
      (hasDMA, hasDMA32, dmaLimit) = (true, true, limits.flag)
      lowEnd = limits.end
    case .s390:
      dma = PhysicalRange(0, 2 * gigabyte)
      dma32 = PhysicalRange(2 * gigabyte, 2 * gigabyte)
      normal = PhysicalRange(2 * gigabyte, everything)
      (hasDMA, hasDMA32, dmaLimit) = (true, false, bitMask(31))
      lowEnd = 2 * gigabyte
    case .ppc64:
      dma = PhysicalRange(0, 0)
      dma32 = PhysicalRange(0, 0)
      normal = PhysicalRange(0, everything)
      (hasDMA, hasDMA32, dmaLimit) = (false, false, bitMask(24))
      lowEnd = everything
    }
  }

  /// arch/arm64/mm/init.c `zone_sizes_init()` (`dma_limits_init()` since 7.2) and
  /// `max_zone_phys()`: `zone_dma_limit`, `arm64_dma_phys_limit` and the end of DMA32.
  ///
  /// RAM that starts above 4 GiB is all in ZONE_DMA where firmware names no limit. 6.1
  /// rounds the limit up to whole bits, at most 32, and asks GFP_DMA by those.
  private static func arm64(
    _ machine: Machine, _ policy: Policy
  ) -> (flag: UInt64, end: UInt64, dma32End: UInt64) {
    let firmware = machine.firmwareDMALimit ?? .max
    let (start, last) = (machine.ram.first?.start ?? 0, machine.top - 1)
    let low = bitMask(32)
    if policy.predatesZoneDMALimit {
      let bits = min(32, UInt64.bitWidth - firmware.leadingZeroBitCount)
      let flag = bitMask(UInt8(bits))
      func zoneEnd(_ mask: UInt64) -> UInt64 {
        min(start > low ? .max : start > mask ? low : mask, last) + 1
      }
      return (flag, zoneEnd(flag), zoneEnd(low))
    }
    let flag = start < low ? min(firmware, low) : firmware
    return (flag, min(flag, last) + 1, min(low, last) + 1)
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

extension Policy {
  /// Whether the kernel is 6.1 rather than 6.12 or later, for three changes in between
  /// that depend on a machine's or a device's own values: `zone_dma_bits` became
  /// `zone_dma_limit`, `swiotlb_search_pool_area()` looks at addresses rather than
  /// indices, and `dma_addressing_limited()` asks `dma_direct_all_ram_mapped()`.
  ///
  /// P10 tells them apart: no modelled kernel lies between.
  var predatesZoneDMALimit: Bool { arm64DefaultPool == .ramAboveLimit }
}

/// GFP_DMA, GFP_DMA32 or neither.
public enum ZoneFlag: UInt8, Sendable { case none, dma32, dma }
