import DMAModel
import Foundation
import GRDB
import MatrixStore
import Support
import TestSupport
import Testing

@Suite struct GeneratorTests {
  /// Every span of `life_cycle` against the model; a circumstance's line that is not
  /// there is as in the ordinary one.
  @Test func everyEndIsStoredAsTheModelAnswers() throws {
    let directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.operations = [.map, .alloc, .allocNoKernelMapping, .allocPagesAtomic]
    domain.attributes = [.none]
    domain.masks = [24, 32, 48, 64].compactMap(DMAMask.init(bits:))
    _ = try generate(domain, to: directory.file("matrix.db"))
    let columns =
      ["result"] + LifeAnswer.columnNames + ["atomic_call"] + Circumstance.axes
    var stored: [String: [String]] = [:]
    try MatrixDatabase(path: directory.file("matrix.db")).read { connection in
      let cursor = try Row.fetchCursor(connection, sql: "SELECT * FROM life_cycle")
      while let row = try cursor.next() {
        for mask in (row["mask_first"] as Int)...(row["mask_last"] as Int) {
          let names = [
            "kernel", "platform", "iommu", "swiotlb", "mem", "", "coherent_mask", "bus_limit",
            "coherent", "external", "op", "attrs", "buf",
          ].map { $0.isEmpty ? String(mask) : row[$0] as String }
          let happening = Circumstance.axes.map { row[$0] as String }
          let key = (names + happening).joined(separator: "/")
          #expect(stored[key] == nil, "\(key)")
          stored[key] = columns.map { row[$0] as String }
        }
      }
    }
    var compared = 0
    var alteredRows = 0
    domain.forEachScenario { boot, circumstance, request in
      let life = boot.kernel(circumstance).lifeCycle(
        of: request, maskChange: circumstance.maskChange)
      let names =
        boot.names + [
          request.mask.name, request.coherentMask.name, request.busLimit.name,
          request.coherence.name, request.facing.name, request.operation.name,
          request.attributes.name, request.buffer.name,
        ]
      func key(_ circumstance: Circumstance) -> String {
        (names + circumstance.names).joined(separator: "/")
      }
      let own = stored[key(circumstance)]
      alteredRows += own != nil && circumstance != .ordinary ? 1 : 0
      let found = (own ?? stored[key(.ordinary)] ?? []).dropLast(4)
      let expected =
        [life.answer.result.name] + life.after.columns + [life.after.atomicCall.name]
      if Array(found) != expected {
        #expect(Array(found) == expected, "\(key(circumstance))")
      }
      compared += 1
    }
    #expect(compared > 20_000 && alteredRows > 500)
  }

  /// Every row of `behavior` against the model asked one scenario at a time, and
  /// every scenario of the domain in `behavior` or counted as excluded.
  @Test(arguments: [smallDomain, finerDomain])
  func everyCombinationIsStoredAsTheModelAnswers(domain: MatrixDomain) throws {
    let directory = try TemporaryDirectory()
    let summary = try generate(domain, to: directory.file("matrix.db"))
    let database = try MatrixDatabase(path: directory.file("matrix.db"))

    var kernels: [String: BootedKernel] = [:]
    var rows = 0
    var seen: Set<String> = []
    try database.read { connection in
      let cursor = try Row.fetchCursor(connection, sql: "SELECT * FROM behavior")
      while let row = try cursor.next() {
        rows += 1
        let scenario = try #require(Scenario(key: row["scenario"] as String))
        seen.insert("\(row["kernel"] as String) \(scenario.key)")
        let version = try #require(KernelVersion.named(row["kernel"] as String))
        let machine = try #require(domain.machines.first { $0.name == scenario.memory })
        let boot = "\(version.name) \(scenario.names.prefix(4))"
        let kernel =
          kernels[boot]
          ?? BootedKernel(
            policy: version.policy, platform: scenario.platform, iommu: scenario.iommu,
            swiotlb: scenario.swiotlb, machine: machine)
        kernels[boot] = kernel
        let request = scenario.deviceRequest
        let answer = kernel.answer(to: request)
        let verdict = hardwareVerdict(
          platform: scenario.platform, request: request, answer: answer)
        let expected = [
          answer.result.name, answer.addressText, answer.encoding.name, answer.memoryState.name,
          answer.pte.name, answer.warnings.text, answer.maxMappingText, answer.decision.name,
          verdict.name,
          exposure(platform: scenario.platform, answer: answer, verdict: verdict).name,
        ]
        let columns = [
          "result", "dma", "enc", "mem_state", "pte", "warn", "max_map", "where", "verdict",
          "exposure",
        ]
        let stored = columns.map { row[$0] as String }
        if stored != expected { #expect(stored == expected, "\(scenario.key)") }
        #expect(row["mask"] as Int == Int(scenario.mask.bits))
      }
    }
    #expect(rows == summary.combinations && seen.count == rows)

    let excluded = try database.read {
      try Int.fetchOne($0, sql: "SELECT sum(combinations) FROM excluded") ?? 0
    }
    #expect(rows + excluded == domain.combinations)
  }

  @Test func exclusionsAreCountedUnderTheFirstRule() throws {
    let directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.kernels = [try #require(KernelVersion.named("v6"))]
    domain.platforms = [.x86SME47]
    domain.masks = [DMAMask.allCases[8]]
    _ = try generate(domain, to: directory.file("matrix.db"))
    let database = try MatrixDatabase(path: directory.file("matrix.db"))
    let stored = try database.read { connection in
      try Row.fetchAll(connection, sql: "SELECT rule, combinations FROM exclusion")
    }
    // The reference walks the product scenario by scenario.
    var expected: [String: Int] = [:]
    for index in 0..<ScenarioIndex.count / DMAMask.allCases.count {
      guard let scenario = ScenarioIndex.scenario(at: index * DMAMask.allCases.count),
        domain.platforms.contains(scenario.platform), domain.iommuModes.contains(scenario.iommu),
        domain.coherentMasks.contains(scenario.coherentMask),
        domain.busLimits.contains(scenario.busLimit),
        let machine = domain.machines.first(where: { $0.name == scenario.memory }),
        let rule = domain.kernels[0].policy.exclusion(of: scenario, on: machine)
      else { continue }
      expected[rule.name, default: 0] += 1
    }
    #expect(
      Dictionary(
        uniqueKeysWithValues: stored.map { ($0["rule"] as String, $0["combinations"] as Int) })
        == expected)
  }

  @Test func spansPartitionTheMasks() throws {
    let directory = try TemporaryDirectory()
    _ = try generate(smallDomain, to: directory.file("matrix.db"))
    let database = try MatrixDatabase(path: directory.file("matrix.db"))
    let profiles = try database.read { connection in
      try Row.fetchAll(
        connection,
        sql: """
          SELECT profile_id, mask_first, mask_last, outcome_id FROM profile_span
          WHERE profile_id IN (SELECT profile_id FROM behavior_line) ORDER BY 1, 2
          """)
    }
    for (id, spans) in Dictionary(grouping: profiles, by: { $0["profile_id"] as Int64 }) {
      #expect(spans.first?["mask_first"] == 24 && spans.last?["mask_last"] == 64, "\(id)")
      for (one, next) in zip(spans, spans.dropFirst()) {
        #expect((one["mask_last"] as Int) + 1 == next["mask_first"])
        #expect(one["outcome_id"] as Int64 != next["outcome_id"] as Int64)
      }
    }
  }

  @Test func theBytesDoNotDependOnTheNumberOfJobs() throws {
    let directory = try TemporaryDirectory()
    for jobs in [1, 3] {
      _ = try generate(smallDomain, to: directory.file("\(jobs).db"), jobs: jobs)
    }
    #expect(
      FileManager.default.contentsEqual(
        atPath: directory.file("1.db"), andPath: directory.file("3.db")))
  }

  /// A filtered database holds the same rows under the same keys.
  @Test func aPartHasTheKeysOfTheWhole() throws {
    let directory = try TemporaryDirectory()
    var part = smallDomain
    part.platforms = [.arm64]
    part.masks = Array(DMAMask.allCases[4...20])
    _ = try generate(smallDomain, to: directory.file("whole.db"))
    _ = try generate(part, to: directory.file("part.db"))
    func boots(_ name: String) throws -> Set<[String]> {
      let database = try MatrixDatabase(path: directory.file(name))
      return Set(
        try database.read { connection in
          try Row.fetchAll(connection, sql: "SELECT id, kernel, platform, iommu, mem FROM boot")
        }.map { row in row.databaseValues.map { "\($0)" } })
    }
    #expect(try boots("part.db").isSubset(of: boots("whole.db")))
  }

  @Test func nothingIsLeftBehindAndTheOldDatabaseStays() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("matrix.db")
    _ = try generate(smallDomain, to: path)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(directory.contents == ["matrix.db"])

    var impossible = smallDomain
    impossible.platforms = [.ppc64]
    impossible.iommuModes = [.translated]
    #expect(throws: StoreError.self) { _ = try generate(impossible, to: path) }
    var noRequest = smallDomain
    noRequest.operations = [.alloc]
    noRequest.buffers = [.low]
    #expect(throws: StoreError.self) { _ = try generate(noRequest, to: path) }
    #expect(directory.contents == ["matrix.db"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func onlyOurOwnFilesAreReplaced() throws {
    let directory = try TemporaryDirectory()
    let text = directory.file("notes.txt")
    try "not a database, but precious, and long enough to have an SQLite header"
      .write(toFile: text, atomically: true, encoding: .utf8)
    #expect(throws: StoreError.self) { _ = try generate(smallDomain, to: text) }
    #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("not a database"))
    #expect(throws: StoreError.isDirectory(path: directory.path)) {
      _ = try generate(smallDomain, to: directory.path)
    }
    #expect(throws: StoreError.self) { _ = try generate(smallDomain, to: "/dev/full") }
    #expect(throws: StoreError.self) {
      _ = try generate(smallDomain, to: directory.file("no/such/matrix.db"))
    }
  }

  @Test func aSymbolicLinkIsFollowed() throws {
    let directory = try TemporaryDirectory()
    let link = directory.file("link.db")
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: directory.file("target.db"))
    try Data().write(to: URL(fileURLWithPath: directory.file("target.db")))
    _ = try generate(smallDomain, to: link)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: link)
        == directory.file("target.db"))
    _ = try MatrixDatabase(path: directory.file("target.db"))
  }
}
