import TestSupport
import Testing

@testable import DMAModel

/// What an evaluation says that it depends on, against devices that differ in the rest.
@Suite struct KnownLinesTests {
  /// One of so many lines is varied; every boot, circumstance and kernel is.
  private static let sample: UInt64 = 61

  /// What a line comes to for each mask, with what tells its path apart.
  private struct Result: Equatable {
    var cycles: [LifeCycle] = []
    var judged: [JudgedAnswer] = []
    var paths: [UInt64] = []
    var reads: DeviceAxes = []

    init(
      _ kernel: BootedKernel, _ line: DeviceRequest, _ masks: [DMAMask], _ change: MaskChange
    ) {
      var request = line
      kernel.forEachFingerprintedRun(of: line, masks: masks, maskChange: change) { run, path in
        reads.formUnion(run.reads)
        for mask in masks[run.range] {
          request.mask = mask
          cycles.append(run.cycle)
          judged.append(
            JudgedAnswer(
              kernel.platform, request, run.cycle.answer,
              addressLines: kernel.machine.device.addressLines))
          paths.append(path)
        }
      }
    }

    static func == (one: Result, two: Result) -> Bool {
      one.cycles == two.cycles && one.judged == two.judged && one.paths == two.paths
    }
  }

  /// The line with other values of the axes that were not read.
  private func varied(
    _ line: DeviceRequest, besides reads: DeviceAxes, _ random: inout Linear
  ) throws -> DeviceRequest {
    func pick<Element>(_ values: [Element]) -> Element {
      values[Int(random.next()) % values.count]
    }
    var line = line
    if !reads.contains(.coherence) { line.coherence = pick(Coherence.allCases) }
    if !reads.contains(.facing) { line.facing = pick(Facing.allCases) }
    let address: UInt64 = (1 << (12 + random.next() % 52)) | 0xfff
    if !reads.contains(.coherentMask) {
      line.coherentMask = pick(CoherentMask.allCases + [CoherentMask(highestAddress: address)])
    }
    if !reads.contains(.busLimit) {
      line.busLimit = pick(
        BusLimit.allCases + [try #require(BusLimit(highestAddress: address))])
    }
    return line
  }

  /// Lines of the default matrix on every boot of every kernel and alternative, in every
  /// circumstance.
  @Test(arguments: KernelVersion.known.map(\.name))
  func devicesThatCannotBeToldApartGetTheSame(_ name: String) throws {
    let kernel = try #require(KernelVersion.named(name))
    var domain = MatrixDomain()
    domain.kernels = [kernel]
    var (random, lines, free) = (Linear(state: 28), 0, 0)
    try domain.forEachBoot { boot in
      for line in domain.requests(
        on: boot.machine, boot.platform, boot.iommu, policies: [kernel.policy])
      where random.next() % Self.sample == 0 {
        for circumstance in Circumstance.all {
          let booted = boot.kernel(circumstance)
          let result = Result(booted, line, domain.masks, circumstance.maskChange)
          lines += 1
          free += result.reads == .all ? 0 : 1
          for _ in 0..<3 {
            let other = try varied(line, besides: result.reads, &random)
            // One that differs is enough; there would be thousands.
            try #require(
              Result(booted, other, domain.masks, circumstance.maskChange) == result,
              "\(name) \(boot.platform) \(boot.iommu) \(boot.swiotlb): \(line), \(other)")
          }
        }
      }
    }
    // The point of it: most depend on a part of the device.
    #expect(2 * free > lines, "\(free) of \(lines)")
  }

  /// Machines, buffers and devices that no standard matrix has.
  @Test func finerDevicesThatCannotBeToldApartGetTheSame() throws {
    var random = Linear(state: 2028)
    func pick<Element>(_ values: [Element]) -> Element {
      values[Int(random.next()) % values.count]
    }
    for _ in 0..<4000 {
      let kernel = pick(KernelVersion.known)
      let platform = pick(
        Platform.allCases + (40...51).compactMap { Platform(name: "x86-sme\($0)") })
      let (iommu, swiotlb) = (pick(IOMMUMode.allCases), pick(SwiotlbMode.allCases))
      guard kernel.policy.bootExclusion(platform, iommu, swiotlb) == nil else { continue }
      var machine = pick(Machine.standard)
      if random.next() % 4 == 0 { machine.device.addressLines = UInt8(32 + random.next() % 33) }
      if random.next() % 4 == 0 { machine.device.minAlignMask = pick([0xff, 0xfff, 0x1fff]) }
      if random.next() % 4 == 0 {
        machine.device.ranges = [
          try #require(BusRange(cpuStart: 0, busStart: 0x1000_0000, size: 1 << 40))
        ]
      }
      let circumstance = pick(Circumstance.all)
      let booted = kernel.booted(platform, iommu, swiotlb, machine, circumstance.conditions)
      let operation = pick(Operation.allCases)
      let address = random.next() % (1 << 45)
      let buffer =
        operation.isMapping
        ? Buffer(at: address, length: 1 + random.next() % (1 << 19)) : Buffer.none
      let line = DeviceRequest(
        mask: DMAMask.allCases[0], coherentMask: pick(CoherentMask.allCases),
        busLimit: pick(BusLimit.allCases), coherence: pick(Coherence.allCases),
        facing: pick(Facing.allCases), operation: operation,
        attributes: pick(Attributes.allCases), buffer: try #require(buffer))
      let masks = (1...64).compactMap { DMAMask(bits: $0) }
      let result = Result(booted, line, masks, circumstance.maskChange)
      for _ in 0..<3 {
        let other = try varied(line, besides: result.reads, &random)
        try #require(
          Result(booted, other, masks, circumstance.maskChange) == result,
          "\(kernel.name) \(platform) \(iommu) \(swiotlb): \(line), \(other)")
      }
    }
  }

  /// A result serves the devices with equal values of what it depends on, and no others.
  @Test func servesDevicesWithEqualValuesOfWhatWasRead() {
    var known = KnownLines(MatrixDomain())
    func device(_ bus: BusLimit, _ facing: Facing, _ buffer: Buffer = .allCases[0])
      -> DeviceRequest
    {
      DeviceRequest(
        mask: DMAMask.allCases[0], coherentMask: .same, busLimit: bus, coherence: .coherent,
        facing: facing, operation: .map, attributes: .none, buffer: buffer)
    }
    let limits = BusLimit.allCases
    known.keep(7, for: device(limits[0], .internal), .busLimit)
    #expect(known[device(limits[0], .external)] == 7)
    #expect(known[device(limits[1], .internal)] == nil)
    #expect(known[device(limits[0], .internal, .allCases[1])] == nil)
    known.removeAll()
    #expect(known[device(limits[0], .internal)] == nil)
  }
}
