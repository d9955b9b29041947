import DMAModel
import Testing

@testable import Analysis
@testable import KernelTree

/// The trees that are there; without any the tests show as skipped.
private let versions = ["6.1", "6.12", "7.2", "7.3"].filter(Trees.exists)

/// Boards and devices that the matrix does not have, asked of kernels' own code.
@Suite(.serialized) struct BoardTreeTests {
  private func expectAgreement(
    _ version: String, _ domain: MatrixDomain, atLeast scenarios: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let model = try #require(KernelVersion.named(version))
    let tree = try evaluated(Trees.path(version), domain)
    let found = Agreement(model: model, code: tree, domain: domain, limit: 20)
    #expect(found.isComplete, "\(found.disagreements.prefix(3))", sourceLocation: sourceLocation)
    #expect(found.scenarios >= scenarios, sourceLocation: sourceLocation)
  }

  private func domain(_ platforms: [Platform], _ machines: [Machine]) -> MatrixDomain {
    var domain = reducedDomain(platforms)
    domain.machines = machines
    // An axis of conditions has at most 64 values.
    domain.masks = (Array(0...48) + [51, 52, 63, 64]).compactMap(DMAMask.init(bits:))
    domain.coherentMasks = [.same]
    domain.busLimits = [.none]
    domain.attributes = [.none, .mmio]
    return domain
  }

  private func machine(
    _ name: String, _ ram: [(UInt64, UInt64)], dma: UInt64? = nil
  ) throws -> Machine {
    var machine = try #require(
      Machine(name: MachineName(name), ram: ram.map { PhysicalRange($0.0 << 20, $0.1 << 20) }))
    machine.firmwareDMALimit = dma
    return machine
  }

  /// Every mask from 0 to 64 bits, limits and coherent masks that are no power of two.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func limitsAreAddresses(version: String) throws {
    var domain = domain([.x86, .x86SME47, .sev, .arm64, .s390], [.sixtyFourGiB])
    domain.busLimits = [0, 0xfff, 0xbfff_ffff, 0xdf00_0000, 0x4_7fff_ffff].map {
      BusLimit(highestAddress: $0) ?? .none
    }
    domain.coherentMasks =
      [.same] + [0, 0x1fff, 0xbfff_ffff].map { CoherentMask(highestAddress: $0) }
    domain.swiotlbModes = [.standard, .noforce]
    domain.buffers = [.none, .low, .high, .mmio64]
    try expectAgreement(version, domain, atLeast: 50_000)
  }

  /// arm64's zones by firmware's limit, RAM above 4 GiB, and both.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func zonesFollowRAMAndFirmware(version: String) throws {
    let board: [(UInt64, UInt64)] = [(0, 948), (1024, 4032), (4096, 8192)]
    var domain = domain(
      [.arm64, .arm64PKVM],
      [
        try machine("pi4", board, dma: 0x3fff_ffff), try machine("odd", board, dma: 0xbffff_fff),
        try machine("high", [(32 << 10, 40 << 10)]),
        try machine("highlimit", [(32 << 10, 40 << 10)], dma: 0x8_ffff_ffff),
        try machine("from2G", [(2048, 6144)], dma: 0x3fff_ffff),
        try machine("small", [(0, 512)], dma: 0x0fff_ffff),
      ])
    // The restricted pool lies at 0x60000000, which is no RAM of some.
    domain.swiotlbModes = [.standard, .force, .noforce]
    domain.buffers = [
      Buffer.none, .low, .dma32, Buffer(at: 39 << 30, length: 16 << 10),
      Buffer(at: 5 << 30, length: 4096),
    ].compactMap { $0 }
    try expectAgreement(version, domain, atLeast: 50_000)
  }

  /// dev->dma_range_map: an offset, a window, several, and RAM outside of all. No buffer
  /// lies in a pool: that memory is no driver's, and kernels take it for a bounce.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func rangesTranslate(version: String) throws {
    let maps: [[(UInt64, UInt64, UInt64)]] = [
      [(0, 0x4_0000_0000, 1 << 40)], [(0x4000_0000, 0, 1 << 30)],
      [(0, 0, 3 << 30), (4 << 30, 3 << 30, 1 << 30)],
      [(0, 0x8000_0000, 1 << 30), (4 << 30, 0, 60 << 30)],
    ]
    let machines = try maps.map { map in
      var device = DeviceParameters()
      device.ranges = try map.map {
        try #require(BusRange(cpuStart: $0.0, busStart: $0.1, size: $0.2))
      }
      return Machine.sixtyFourGiB.with(device)
    }
    var domain = domain([.x86, .tdx, .arm64, .arm64PKVM], machines)
    domain.busLimits =
      [.none]
      + [0xffff_ffff, 0x4_7fff_ffff].compactMap {
        BusLimit(highestAddress: $0)
      }
    domain.buffers = [
      Buffer.none, .low, .dma32, .high, .small, .mmio32, .mmio64,
      Buffer(at: (1 << 30) - 4096, length: 4096), Buffer(at: (1 << 30) - 4096, length: 8192),
    ].compactMap { $0 }
    try expectAgreement(version, domain, atLeast: 200_000)
  }

  /// min_align_mask and segment boundary, with and without an IOMMU.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func alignmentAndBoundaryRuleSlotsOut(version: String) throws {
    let devices: [(UInt64, UInt64)] = [
      (4095, .max), (511, .max), (0, 2047), (0, 4095), (0, 8191), (0, 65535),
      (4095, 65535), (4095, 4095),
    ]
    let machines = devices.map { minAlign, boundary in
      var device = DeviceParameters()
      (device.minAlignMask, device.segmentBoundary) = (minAlign, boundary)
      return Machine.sixtyFourGiB.with(device)
    }
    var domain = domain([.x86, .sev, .arm64], machines)
    domain.masks = [31, 32, 40, 64].compactMap(DMAMask.init(bits:))
    domain.attributes = [.none]
    domain.operations = [.map, .mapSG]
    domain.buffers =
      [1, 2048, 4096, 4097, 8192, 65536, 200_000, 258_048, 258_049, 262_144].flatMap { length in
        [0, 0x200, 0x800, 0xa00, 0xf00].compactMap {
          Buffer(at: (8 << 30) + $0, length: length)
        }
      }
    try expectAgreement(version, domain, atLeast: 20_000)

    // Above a page, kernels after 6.1 refuse what `__iommu_dma_map()` maps.
    var device = DeviceParameters()
    device.minAlignMask = 65535
    domain.machines = [Machine.sixtyFourGiB.with(device)]
    domain.attributes = [.none, .mmio]
    domain.operations = DMAModel.Operation.allCases.filter { $0 != .mapSGP2P }
    domain.buffers += [.none, .mmio32]
    try expectAgreement(version, domain, atLeast: 2_000)
  }

  /// Scatter lists and allocations of any size.
  @Test(.enabled(if: !versions.isEmpty, Trees.missing), arguments: versions)
  func sizesHaveLimits(version: String) throws {
    var domain = domain([.x86, .sev, .arm64], [.sixtyFourGiB])
    domain.masks = [16, 24, 31, 32, 40, 64].compactMap(DMAMask.init(bits:))
    domain.attributes = [.none]
    domain.operations = DMAModel.Operation.allCases.filter { $0 != .mapSGP2P }
    // The shim's tables of pages have one block: sizes behind an IOMMU are powers of two.
    domain.iommuModes = [.none, .passthrough]
    let sizes: [UInt64] = [1, 4097, 65536, 262_144, 262_145, 1 << 20, 4 << 20, 5 << 20]
    domain.buffers =
      sizes.compactMap { Buffer(allocating: $0) }
      + [24, 4097, 262_144, 536_576, 1 << 20].flatMap { length in
        [0, 0x48].compactMap { Buffer(at: (8 << 30) + $0, length: length) }
      }
    try expectAgreement(version, domain, atLeast: 5_000)
    domain.iommuModes = [.translated]
    domain.buffers =
      [1, 8192, 65536, 1 << 20, 4 << 20].compactMap { Buffer(allocating: $0) }
      + domain.buffers.filter { !$0.isForAllocation }
    try expectAgreement(version, domain, atLeast: 2_000)
  }
}
