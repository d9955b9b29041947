import DMAModel
import MatrixStore
import Reporting
import TestSupport
import Testing

/// Every printed cell against the model, over domains of filters.
///
/// The reference is the model asked scenario by scenario.  A report must show each
/// scenario that its filters and the defaults that it names keep, once, and no other.
@Suite struct ReportCellTests {
  private let directory: TemporaryDirectory
  private let database: MatrixDatabase

  private static var domain: MatrixDomain {
    var domain = MatrixDomain()
    domain.kernels = ["6.12", "v6", "7.3"].compactMap(KernelVersion.named)
    domain.operations = [.map, .mapSGP2P, .alloc]
    domain.attributes = [.none, .mmio]
    domain.buffers = [.none, .dma32, .high, .mmio64]
    return domain
  }

  init() throws {
    directory = try TemporaryDirectory()
    _ = try MatrixGenerator(domain: Self.domain, jobs: 2, toolVersion: "test")
      .generate(to: directory.file("matrix.db"))
    database = try MatrixDatabase(path: directory.file("matrix.db"))
  }

  @Test func everyMaskAlone() throws {
    for mask in DMAMask.names {
      for platform in [Platform.x86SME47, .arm64CCA, .ppc64] {
        try check([DMAMask.axis: [mask], Platform.axis: [platform.name]])
      }
    }
  }

  @Test func everyPlatformWithNothingElse() throws {
    for platform in Platform.names { try check([Platform.axis: [platform]]) }
    try check([:])
  }

  /// Filters of several axes and values, gaps between masks included.
  @Test func manyFilters() throws {
    let domain = Self.domain
    let axes: [(String, [String], most: Int)] = [
      ("kernel", domain.kernels.map(\.name), 2), (Platform.axis, Platform.names, 2),
      (IOMMUMode.axis, domain.iommuModes.map(\.name), 3), (SwiotlbMode.axis, SwiotlbMode.names, 3),
      (MachineName.axis, MachineName.names, 2), (DMAMask.axis, DMAMask.names, 9),
      (CoherentMask.axis, CoherentMask.names, 3), (BusLimit.axis, BusLimit.names, 3),
      (Coherence.axis, Coherence.names, 2), (Facing.axis, Facing.names, 2),
      (Operation.axis, domain.operations.map(\.name), 3),
      (Attributes.axis, domain.attributes.map(\.name), 2),
      (Buffer.axis, domain.buffers.map(\.name), 3),
    ]
    var random = Numbers(state: 20)
    for _ in 0..<40 {
      var asked: [String: [String]] = [:]
      for (axis, names, most) in axes where random.next() % 2 == 0 {
        let chosen = (0..<(1 + random.next() % most)).map { _ in names[random.next() % names.count]
        }
        asked[axis] = names.filter(chosen.contains)
      }
      try check(asked)
    }
  }

  /// Compares all three reports for one filter.
  private func check(_ asked: [String: [String]]) throws {
    for report in Report.allCases {
      let text: String
      do {
        text = try report.document(from: database, filter: BehaviorFilter(asked)).text(.text)
      } catch let error {
        guard case .noScenario(let sentence) = error else { throw error }
        // Whatever the defaults: what was asked alone must keep nothing.
        #expect(try !database.hasRows(BehaviorFilter(asked)), "\(asked): \(sentence)")
        continue
      }
      let printed = try PrintedCells(text)
      #expect(printed.repeated.isEmpty, "\(report) \(asked): \(printed.repeated.prefix(2))")
      for (axis, values) in printed.defaults {
        #expect(asked[axis] == nil, "\(report) \(asked): a default for \(axis)")
        #expect(Set(values).isSubset(of: report.defaults.values[axis] ?? []))
      }
      let kept = asked.merging(printed.defaults) { asked, _ in asked }
      let expected = Self.cells(kept) { report == .map ? $0.verdict.sign : Self.cell($0) }
      let wrong = expected.filter { printed.cells[$0.key] != $0.value }.keys.sorted()
      #expect(wrong.isEmpty, "\(report) \(asked): \(wrong.count) wrong, \(wrong.prefix(2))")
      let surplus = printed.cells.keys.filter { expected[$0] == nil }.sorted()
      #expect(
        surplus.isEmpty, "\(report) \(asked): \(surplus.count) nobody asked, \(surplus.prefix(2))")
      for legend in ["Fixed: ", "-: the kernel has no such scenario", "- no such scenario"]
      where legend.hasPrefix(report == .map ? "- " : "-:") {
        #expect(text.replacing("\n", with: " ").contains(legend))
      }
    }
  }

  private static func cell(_ judged: JudgedAnswer) -> String {
    let name = judged.answer.result == .iovaBounce ? "iovabnc" : judged.answer.result.name
    switch judged.verdict {
    case .garbled, .blocked, .unreachable: return name + "!"
    case .ok, .bounced, .refused: return judged.exposure == .none ? name : name + "*"
    }
  }

  /// What the model answers to every scenario that a filter keeps.
  private static func cells(
    _ kept: [String: [String]], _ text: (JudgedAnswer) -> String
  ) -> [String: String] {
    var domain = domain
    func limit<Value: AxisValue>(_ values: inout [Value]) {
      if let names = kept[Value.axis] { values.removeAll { !names.contains($0.name) } }
    }
    if let names = kept["kernel"] { domain.kernels.removeAll { !names.contains($0.name) } }
    if let names = kept[MachineName.axis] {
      domain.machines.removeAll { !names.contains($0.name.name) }
    }
    limit(&domain.platforms)
    limit(&domain.iommuModes)
    limit(&domain.swiotlbModes)
    limit(&domain.masks)
    limit(&domain.coherentMasks)
    limit(&domain.busLimits)
    limit(&domain.coherences)
    limit(&domain.facings)
    limit(&domain.operations)
    limit(&domain.attributes)
    limit(&domain.buffers)
    var cells: [String: String] = [:]
    domain.forEachBoot { boot in
      domain.forEachRequest(on: boot) { request in
        let scenario = Scenario(
          platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
          memory: boot.machine.name, request: request)
        cells["\(boot.version.name) \(scenario.key)"] = text(
          JudgedAnswer(boot.platform, request, boot.kernel().answer(to: request)))
      }
    }
    return cells
  }
}

/// The same numbers on every machine.
private struct Numbers {
  var state: UInt64
  mutating func next() -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33)
  }
}
