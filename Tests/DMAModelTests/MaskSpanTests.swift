import TestSupport
import Testing

@testable import DMAModel

/// Runs of masks against the naive loop: one evaluation for each mask.
@Suite struct MaskSpanTests {
  /// One of so many lines is walked; every boot, circumstance and kernel is.
  private static let sample: UInt64 = 53

  private struct Counts {
    var masks = 0
    var runs = 0
  }

  /// Compares the runs of a line with one evaluation for each mask.
  private func walk(
    _ kernel: BootedKernel, _ line: DeviceRequest, _ masks: [DMAMask], _ change: MaskChange,
    _ counts: inout Counts
  ) {
    var request = line
    var next = 0
    kernel.forEachRun(of: line, masks: masks, maskChange: change) { run in
      #expect(run.range.lowerBound == next && !run.range.isEmpty)
      next = run.range.upperBound
      counts.runs += 1
      var judged: JudgedAnswer?
      for mask in masks[run.range] {
        request.mask = mask
        let cycle = kernel.lifeCycle(of: request, maskChange: change)
        guard cycle == run.cycle else {
          Issue.record("\(request): \(cycle), run: \(run.cycle)")
          continue
        }
        let one = JudgedAnswer(
          kernel.platform, request, cycle.answer,
          addressLines: kernel.machine.device.addressLines)
        #expect(judged == nil || judged == one, "\(request)")
        judged = one
      }
    }
    #expect(next == masks.count)
    counts.masks += masks.count
    kernel.forEachFingerprintedRun(of: line, masks: masks, .answer) { run, fingerprint in
      for mask in masks[run.range] {
        request.mask = mask
        let naive = kernel.answerAndFingerprint(of: request)
        #expect(naive.answer == run.cycle.answer && naive.fingerprint == fingerprint)
      }
    }
  }

  /// Lines of the default matrix on every boot of every kernel and alternative, in every
  /// circumstance.
  @Test(arguments: KernelVersion.known.map(\.name))
  func runsAreWhatEachMaskGets(_ name: String) throws {
    let kernel = try #require(KernelVersion.named(name))
    var domain = MatrixDomain()
    domain.kernels = [kernel]
    var (random, counts) = (Linear(state: 27), Counts())
    domain.forEachBoot { boot in
      for line in domain.requests(
        on: boot.machine, boot.platform, boot.iommu, policies: [kernel.policy])
      where random.next() % Self.sample == 0 {
        for circumstance in Circumstance.all {
          var request = line
          let masks = domain.masks.filter { mask in
            request.mask = mask
            return kernel.policy.circumstanceExclusion(
              circumstance, boot.platform, boot.swiotlb, request) == nil
          }
          walk(boot.kernel(circumstance), line, masks, circumstance.maskChange, &counts)
        }
      }
    }
    // The point of it: neighbours are one evaluation.
    #expect(counts.masks > 8 * counts.runs, "\(counts)")
  }

  /// Values that no standard matrix has: C-bits, limits, buffers, coherent masks, masks
  /// with holes, device address lines and range maps, in any order of masks.
  @Test func runsOfFinerValuesAreWhatEachMaskGets() throws {
    var (random, counts) = (Linear(state: 2027), Counts())
    func pick<Element>(_ values: [Element]) -> Element {
      values[Int(random.next()) % values.count]
    }
    func address() -> UInt64 { 1 << (12 + random.next() % 36) &+ random.next() << 12 }
    for _ in 0..<4000 {
      let kernel = pick(KernelVersion.all)
      let platform = pick(
        Platform.allCases + (40...51).compactMap { Platform(name: "x86-sme\($0)") })
      let (iommu, swiotlb) = (pick(IOMMUMode.allCases), pick(SwiotlbMode.allCases))
      guard kernel.policy.bootExclusion(platform, iommu, swiotlb) == nil else { continue }
      var machine = pick(Machine.standard)
      if random.next() % 4 == 0 { machine.device.addressLines = UInt8(32 + random.next() % 33) }
      if random.next() % 4 == 0 { machine.poolSlots = 128 << (random.next() % 12) }
      let booted = kernel.booted(
        platform, iommu, swiotlb, machine, pick(Circumstance.all).conditions)
      let operation = pick(Operation.allCases)
      let buffer =
        operation.isMapping
        ? Buffer(at: min(address(), 1 << 45), length: 1 + random.next() % (1 << 19)) : Buffer.none
      let line = DeviceRequest(
        mask: DMAMask.allCases[0],
        coherentMask: pick(CoherentMask.allCases + [CoherentMask(highestAddress: address())]),
        busLimit: pick(
          BusLimit.allCases + [try #require(BusLimit(highestAddress: address() | 0xfff))]),
        coherence: pick(Coherence.allCases), facing: pick(Facing.allCases), operation: operation,
        attributes: pick(Attributes.allCases), buffer: try #require(buffer))
      var masks = (1...64).compactMap { DMAMask(bits: $0) }
      if random.next() % 2 == 0 { masks.append(DMAMask(highestAddress: address() | 0xfff)) }
      if random.next() % 2 == 0 { masks.append(DMAMask(highestAddress: 0)) }
      if random.next() % 2 == 0 { masks.reverse() }
      walk(booted, line, masks, .none, &counts)
    }
    #expect(counts.masks > 4 * counts.runs, "\(counts)")
  }

  /// A range map is not compared as an address: each mask is evaluated by itself.
  @Test func rangeMapsAreEvaluatedOneByOne() throws {
    var machine = Machine.sixtyFourGiB
    machine.device.ranges = [
      try #require(BusRange(cpuStart: 0, busStart: 0x1000_0000, size: 1 << 40))
    ]
    let kernel = KernelVersion.latest.booted(.arm64, .none, .standard, machine)
    var counts = Counts()
    let line = DeviceRequest(
      mask: DMAMask.allCases[0], coherentMask: .same, busLimit: .none, coherence: .coherent,
      facing: .internal, operation: .alloc, attributes: .none, buffer: .none)
    walk(kernel, line, DMAMask.allCases, .none, &counts)
    #expect(counts.runs == counts.masks)
  }
}
