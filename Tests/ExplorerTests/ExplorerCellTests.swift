import DMAModel
import MatrixStore
import TestSupport
import Testing

@testable import Explorer

/// Every cell of the page against the model, over whole domains.
@Suite struct ExplorerCellTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The page's data, of a database of a domain and of trees beside it.
  private func data(
    _ domain: MatrixDomain, trees: [KernelVersion] = []
  ) throws -> ExplorerData {
    let path = directory.file("matrix.db")
    _ = try MatrixGenerator(domain: domain, jobs: 2, toolVersion: "test").generate(to: path)
    if !trees.isEmpty {
      try TreeStore.add(
        trees.map { (kernel: $0, provenance: "a test") }, domain: domain, to: path)
    }
    return try ExplorerData(MatrixDatabase(path: path), name: "matrix.db") { _ in }
  }

  /// Two kernels, hosts, guests and a plain platform, every request and circumstance.
  private static var domain: MatrixDomain {
    var domain = MatrixDomain()
    domain.kernels = ["6.12", "v6"].compactMap(KernelVersion.named)
    domain.platforms = [.x86SME47, .sev, .arm64]
    domain.coherentMasks = [.same, .bits32]
    domain.busLimits = [.none]
    domain.masks = [31, 32, 47, 64].compactMap(DMAMask.init(bits:))
    return domain
  }

  @Test func everyCellIsTheModelsAnswer() throws {
    let domain = Self.domain
    let page = Page(try data(domain))
    var paths = Paths()
    #expect(page.content.masks == domain.masks.map { Int($0.bits) })
    var expected = 0
    domain.forEachScenario { boot, circumstance, question in
      let cells = page.cells(boot, circumstance, question)
      guard let cell = cells.first else {
        Issue.record("no cell: \(boot.names) \(question)")
        return
      }
      expected += 1
      let cycle = boot.kernel(circumstance).lifeCycle(
        of: question, maskChange: circumstance.maskChange)
      let told = Self.columns(boot, question, cycle)
      if cell.outcome != told { #expect(cell.outcome == told, "\(boot.names) \(question)") }
      paths.check(cell, boot, circumstance, question)
    }
    #expect(expected > 100_000)
    // And nothing but these: as many cells as scenarios.
    #expect(page.ordinaryCells == ordinaryScenarios(domain))
  }

  /// Machines of the user's, with devices that are not ordinary: each cell has its path.
  @Test func usersMachinesAreRetraced() throws {
    var ranges = DeviceParameters()
    ranges.ranges = [BusRange(cpuStart: 0, busStart: 4 << 30, size: 8 << 30)].compactMap { $0 }
    var aligned = DeviceParameters()
    (aligned.minAlignMask, aligned.segmentBoundary) = (4095, 0xffff)
    var lines = DeviceParameters()
    lines.addressLines = 40
    let ram = [PhysicalRange(0, 0xfc00_0000), PhysicalRange(4 << 30, 8 << 30)]
    var machine = try #require(Machine(name: MachineName("pi"), ram: ram, cpus: 64))
    machine.firmwareDMALimit = 0x3fff_ffff
    let scarce = try #require(Machine(name: MachineName("tiny"), ram: [PhysicalRange(0, 2 << 30)]))
    for (platform, machines) in [
      (
        Platform.arm64, [machine, machine.with(ranges), machine.with(aligned), machine.with(lines)]
      ),
      (.x86, [scarce, scarce.with(aligned), scarce.with(ranges), .twoGiB.with(lines)]),
    ] {
      var domain = Self.domain
      domain.platforms = [platform]
      domain.machines = machines
      domain.iommuModes = [.none, .translated]
      domain.swiotlbModes = [.standard, .force]
      domain.attributes = [.none]
      domain.operations = [.map, .mapSG, .alloc, .allocAtomic]
      // Caches of every size that may share a cache line, and past the largest page block.
      domain.buffers =
        [.none, .dma32, .small, .large]
        + [8, 24, 96, 192, 256, 512].compactMap { Buffer(at: (1 << 30) + 0x100, length: $0) }
        + [4096, 4 << 20, 8 << 20].compactMap { Buffer(allocating: $0) }
      let page = Page(try data(domain))
      var paths = Paths()
      domain.forEachScenario { boot, circumstance, question in
        guard let cell = page.cells(boot, circumstance, question).first else {
          Issue.record("no cell: \(boot.names) \(question)")
          return
        }
        paths.check(cell, boot, circumstance, question)
      }
    }
  }

  /// Compares paths, each of the model with each of the page once.
  private struct Paths {
    private var seen: Set<[UInt64]> = []

    mutating func check(
      _ cell: Page.Cell, _ boot: DomainBoot, _ circumstance: Circumstance, _ question: DeviceRequest
    ) {
      // Where a circumstance alters nothing the page has the ordinary path, and says so.
      let kernel = boot.kernel(cell.isAltered ? circumstance : .ordinary)
      let pair = [kernel.pathFingerprint(of: question), UInt64(bitPattern: Int64(cell.number))]
      guard seen.insert(pair).inserted else { return }
      let path = kernel.explain(question).path.map(Page.Step.init)
      #expect(cell.path == path, "\(boot.names) \(question)")
    }
  }

  /// A tree has the cells that were recorded, as they were, and no path; where nothing
  /// was recorded there is no cell, whatever the policies would say.
  @Test func aTreeHasItsOwnCellsAlone() throws {
    var domain = Self.domain
    domain.platforms = [.x86SME47]
    domain.masks = RecordedTree.masks
    let tree = RecordedTree(named: "mine")
    let page = Page(try data(domain, trees: [tree.kernel]))
    domain.kernels = [tree.kernel]
    var (seen, absent) = (0, 0)
    for platform in domain.platforms {
      for iommu in domain.iommuModes {
        for swiotlb in domain.swiotlbModes {
          for machine in domain.machines {
            let boot = DomainBoot(tree.kernel, platform, iommu, swiotlb, machine)
            for var request in domain.requests(
              on: machine, platform, iommu, policies: [tree.kernel.policy])
            {
              for mask in domain.masks {
                request.mask = mask
                let cells = page.cells(boot, .ordinary, request)
                guard let answer = tree.answers[request], boot.isRecorded else {
                  absent += 1
                  if !cells.isEmpty { #expect(cells.isEmpty, "\(boot.names) \(request)") }
                  continue
                }
                seen += 1
                #expect(cells.count == 1 && cells.first?.path == nil)
                #expect(cells.first?.outcome.first == answer.name)
              }
            }
          }
        }
      }
    }
    #expect(seen == tree.answers.count && seen > 0 && absent > 1000)
  }

  /// Generated with filters, the page names nothing that the file has no answer for.
  @Test func axesAreThoseOfTheFile() throws {
    var domain = Self.domain
    domain.platforms = [.arm64]
    domain.coherentMasks = [.bits32]
    domain.busLimits = [.bits32]
    domain.coherences = [.noncoherent]
    domain.facings = [.internal]
    domain.operations = [.map]
    domain.attributes = [.none]
    domain.buffers = [.high]
    domain.masks = [32, 40, 41].compactMap(DMAMask.init(bits:))
    let content = try data(domain).content
    #expect(content.masks == [32, 40, 41])
    let axes = content.axes.mapValues { $0.map(\.name) }
    #expect(axes["coherent_mask"] == ["32"] && axes["bus_limit"] == ["32"])
    #expect(axes["coherent"] == ["0"] && axes["external"] == ["0"])
    #expect(axes["op"] == ["map"] && axes["attrs"] == ["none"] && axes["buf"] == ["high"])
    #expect(axes["mem"] == ["64G"])
  }

  /// The columns that the page shows, of the model.
  private static func columns(
    _ boot: DomainBoot, _ request: DeviceRequest, _ cycle: LifeCycle
  ) -> [String] {
    let judged = JudgedAnswer(
      boot.platform, request, cycle.answer, addressLines: boot.machine.device.addressLines)
    return cycle.answer.columns
      + [cycle.answer.decision.name, judged.verdict.name, judged.exposure.name]
      + [
        cycle.after.poolKind.name, cycle.after.transientFrom.name, cycle.after.unmapCopy.name,
        cycle.after.slots.name, cycle.after.state.name, cycle.after.owner.name,
        cycle.after.warnings.text, cycle.after.atomicCall.name,
        exposureAfter(platform: boot.platform, after: cycle.after).name,
      ]
  }

  private func ordinaryScenarios(_ domain: MatrixDomain) -> Int {
    var count = 0
    domain.forEachScenario(in: [.ordinary]) { _, _, _ in count += 1 }
    return count
  }
}
