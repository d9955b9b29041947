import ArgumentParser
import DMAModel
import Support

/// Machines and devices as they are, beside those of the matrix.
struct BoardOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A machine beside 2G and 64G: its RAM as ranges of addresses, end exclusive, with K, M, G; \
      then dma=0xADDRESS for the highest address that firmware lets every device reach \
      (dma-ranges, IORT; arm64), cpus=N.
      """,
      valueName: "name=ranges"))
  var machine: [String] = []
  @Option(
    help: ArgumentHelp(
      "What the bus adds to a physical address (dev->dma_range_map of one range).",
      valueName: "0xoffset"))
  var dmaOffset: String?
  @Option(
    help: ArgumentHelp(
      "The device's dma-ranges, in multiples of 4096: addresses of CPU and bus, and bytes.",
      valueName: "cpu:bus:size"))
  var dmaRanges: [String] = []
  @Option(
    help: ArgumentHelp(
      "dma_get_seg_boundary(), 2047 to 2^63-1 and a power of two less one: 0xffff.",
      valueName: "mask"))
  var segBoundary: String?
  @Option(
    help: ArgumentHelp(
      "dma_get_min_align_mask(), 0 to 131071 and a power of two less one: 4095 for NVMe.",
      valueName: "mask"))
  var minAlign: String?
  @Option(
    help: ArgumentHelp(
      "Bytes of an allocation, with K, M, G (default: a page).", valueName: "bytes"))
  var size: String?

  /// The machines that are described, in their order.
  func machines() throws -> [Machine] {
    let machines = try machine.map(MachineArgument.parse)
    guard Set(machines.map(\.name)).count == machines.count, machines.count <= 14 else {
      throw UsageError(
        description: "--machine names a machine twice, or more than 14; accepted: up to 14 names")
    }
    return machines
  }

  /// What the machines' devices are like.
  ///
  /// - Parameter addressLines: How many lines they drive.
  func device(addressLines: UInt8 = 64) throws -> DeviceParameters {
    var device = DeviceParameters()
    device.ranges = try ranges()
    device.addressLines = addressLines
    func mask(_ text: String?, _ option: String, _ range: ClosedRange<UInt64>) throws -> UInt64? {
      guard let text else { return nil }
      guard let mask = UInt64(unsigned: text), mask & (mask &+ 1) == 0, range.contains(mask) else {
        throw UsageError(
          description: "\(option) '\(text.printable)' is not such a mask; accepted: a power of "
            + "two less one, \(range.lowerBound) to \(range.upperBound.hexadecimal)")
      }
      return mask
    }
    device.segmentBoundary =
      try mask(segBoundary, "--seg-boundary", DeviceParameters.segmentBoundaries) ?? .max
    let alignments = 0...DeviceParameters.minAlignLimit
    device.minAlignMask = try mask(minAlign, "--min-align", alignments) ?? 0
    return device
  }

  private func ranges() throws -> [BusRange] {
    if let text = dmaOffset {
      guard dmaRanges.isEmpty else {
        throw UsageError(description: "--dma-offset and --dma-ranges both say where the bus leads")
      }
      // All memory there can be: 2^52 bytes.
      guard let offset = UInt64(unsigned: text),
        let range = BusRange(cpuStart: 0, busStart: offset, size: 1 << 52)
      else {
        throw UsageError(
          description: "--dma-offset '\(text.printable)' is not an offset; accepted: a multiple "
            + "of 4096 as 0x400000000")
      }
      return [range]
    }
    let ranges = try commaSeparated(dmaRanges).map { text in
      let numbers = text.split(separator: ":", omittingEmptySubsequences: false)
        .map { ByteCount.parse($0) ?? UInt64(hexadecimal: $0) }
      guard numbers.count == 3, let cpu = numbers[0], let bus = numbers[1], let size = numbers[2],
        let range = BusRange(cpuStart: cpu, busStart: bus, size: size)
      else {
        throw UsageError(
          description: "--dma-ranges '\(text.printable)' is not a range; accepted: "
            + "cpu:bus:size in multiples of 4096 as 0x0:0x400000000:4G")
      }
      return range
    }
    guard ranges.count <= 16 else {
      throw UsageError(
        description: "--dma-ranges has \(ranges.count) ranges; accepted: up to 16")
    }
    return ranges
  }

  /// The allocation that is as large as asked for, or nil.
  func allocation() throws -> Buffer? {
    guard let text = size else { return nil }
    guard let bytes = ByteCount.parse(text), let buffer = Buffer(allocating: bytes) else {
      throw UsageError(
        description: "--size '\(text.printable)' is not a number of bytes; accepted: 1 to 65536G "
          + "as 128M")
    }
    return buffer
  }

  /// The domain of some filters with these machines and devices.
  func domain(_ filters: AxisFilters) throws -> MatrixDomain {
    var domain = try filters.domain(machines: machines())
    let device = try device()
    if device != .ordinary { domain.machines = domain.machines.map { $0.with(device) } }
    if let allocation = try allocation(), !domain.buffers.contains(allocation) {
      domain.buffers.append(allocation)
    }
    try Self.check(domain)
    if let far = domain.machines.first(where: { !Self.hasRestrictedPool($0) }),
      domain.swiotlbModes.contains(.restricted),
      domain.platforms.contains(where: { $0.family == .arm64 })
    {
      throw UsageError(
        description: "machine '\(far.name)' has no RAM from 0x60000000 to 0x62000000, where the "
          + "restricted-dma-pool is; accepted: --swiotlb default, force, noforce")
    }
    return domain
  }

  /// Whether a machine has RAM where the device's restricted pool is.
  static func hasRestrictedPool(_ machine: Machine) -> Bool {
    machine.contains(0x6000_0000, length: 32 << 20)
  }

  /// Refuses what platforms of a domain do not have.
  static func check(_ domain: MatrixDomain) throws {
    for platform in domain.platforms {
      if platform.family != .arm64,
        let machine = domain.machines.first(where: { $0.firmwareDMALimit != nil })
      {
        throw UsageError(
          description: "machine '\(machine.name)' has dma=, by which \(platform.name) makes no "
            + "zone; accepted: --platform arm64, arm64-cca, arm64-pkvm")
      }
      let translates: Bool =
        switch platform.family {
        case .x86, .arm64: platform.encryptionBit | platform.sharedBit == 0
        case .ppc64, .s390, .xen: false
        }
      if !translates, domain.machines.contains(where: { !$0.device.ranges.isEmpty }) {
        throw UsageError(
          description: "dma-ranges are not modelled on \(platform.name); accepted: --platform "
            + "x86, snp-vtom, tdx, arm64, arm64-pkvm")
      }
    }
  }
}

/// The number of address lines of an option, or nil where it is not given.
func addressLines(_ bits: Int?) throws -> UInt8? {
  guard let bits else { return nil }
  guard (1...64).contains(bits) else {
    throw UsageError(
      description: "--device-bits '\(bits)' is no number of address lines; accepted: 1 to 64")
  }
  return UInt8(bits)
}
