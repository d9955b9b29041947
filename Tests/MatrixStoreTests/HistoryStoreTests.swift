import DMAModel
import Foundation
import GRDB
import MatrixStore
import TestSupport
import Testing

/// Histories in a database: who changed an answer, and between which commits a finding
/// stands.
@Suite struct HistoryStoreTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("matrix.db") }
  private let domain: MatrixDomain

  init() throws {
    directory = try TemporaryDirectory()
    var domain = MatrixDomain()
    domain.kernels = KernelVersion.all.filter { $0.name == "7.3" }
    domain.platforms = [RecordedTree.platform]
    domain.masks = RecordedTree.masks
    self.domain = domain
    _ = try generate(domain, to: path)
  }

  /// A tree that answers one request with a result for every mask.
  private func kernel(_ name: String, _ result: AnswerResult) throws -> KernelVersion {
    var builder = RecordedBoot.Builder()
    let answer = Answer(
      result: result, encoding: .none, memoryState: .none, warnings: [], decision: .ownCode,
      address: nil)
    let cycle = LifeCycle(answer: answer, after: LifeAnswer(), usesPool: false)
    let index = builder.add([cycle]) ?? 0
    builder.record(
      Array(repeating: index, count: domain.masks.count), to: request, masks: domain.masks)
    var recorded = RecordedAnswers()
    recorded.set(
      builder.boot(pool: SwiotlbPool()), platform: RecordedTree.platform,
      iommu: RecordedTree.iommu, swiotlb: RecordedTree.swiotlb, machine: RecordedTree.machine.name)
    var policy = KernelVersion.latest.policy
    policy.platforms = PlatformSet([RecordedTree.platform])
    return KernelVersion(recorded: name, summary: name, policy: policy, answers: recorded)
  }

  private var request: DeviceRequest {
    DeviceRequest(
      mask: domain.masks[0], coherentMask: .same, busLimit: .none, coherence: .coherent,
      facing: .internal, operation: .map, attributes: .none, buffer: .high)
  }

  private var scenario: Scenario {
    var request = request
    request.mask = domain.masks[2]
    return Scenario(
      platform: RecordedTree.platform, iommu: RecordedTree.iommu, swiotlb: RecordedTree.swiotlb,
      memory: RecordedTree.machine.name, request: request)
  }

  /// States by their kernel and whether they violate a lint; nil cannot be asked.
  private func states(_ kinds: [(kernel: String?, isBad: Bool)]) -> [StoredState] {
    kinds.enumerated().map { index, kind in
      StoredState(
        commit: "c\(index)", date: Int64(86400 * index), subject: "subject \(index)",
        kernel: kind.kernel,
        findings: kind.isBad
          ? [.init(lint: "a-lint", text: "bad", scenarios: index + 1, witness: "key")] : [])
    }
  }

  private func add(_ name: String, _ kinds: [(kernel: String?, isBad: Bool)]) throws {
    try HistoryStore.add(
      name, of: "/repository", states: states(kinds),
      kernels: [
        (try kernel("one", .error), "1"), (try kernel("two", .direct), "2"),
      ], domain: domain, to: path, toolVersion: "test")
  }

  @Test func blameAndStandingFindings() throws {
    try add(
      "h",
      [
        ("one", true), ("one", true), ("two", false), (nil, false), ("two", true),
        ("one", true), ("two", false), ("two", true),
      ])
    let database = try MatrixDatabase(path: path)
    #expect(try HistoryStore.names(in: database) == ["h"])
    let answers = try HistoryStore.answers(to: scenario, in: "h", of: database)
    #expect(answers.map(\.commit) == (0..<8).map { "c\($0)" })
    #expect(answers.map(\.isAsked) == [true, true, true, false, true, true, true, true])
    let results = answers.map { $0.values?.first { $0.column == "result" }?.value }
    #expect(
      results == ["error", "error", "direct", nil, "direct", "error", "direct", "direct"])
    #expect(answers[1].date == "1970-01-02T00:00:00Z")
    let found = try HistoryStore.findings(in: "h", of: database).map { standing in
      "\(standing.since?.commit ?? "-") \(standing.until?.commit ?? "-") \(standing.scenarios)"
    }
    // What cannot be asked between two states neither ends nor begins a finding.
    #expect(Set(found) == ["- c2 2", "c4 c6 6", "c7 - 8"])
  }

  /// Of one name the later counts, others stay, and the file is sound.
  @Test func aHistoryIsReplaced() throws {
    try add("a", [("one", true), ("two", false)])
    try add("b", [("two", false), ("two", false)])
    try add("a", [("one", false)])
    let database = try MatrixDatabase(path: path)
    #expect(try HistoryStore.names(in: database).sorted() == ["a", "b"])
    #expect(try HistoryStore.answers(to: scenario, in: "a", of: database).count == 1)
    #expect(try HistoryStore.findings(in: "a", of: database).isEmpty)
    #expect(try HistoryStore.answers(to: scenario, in: "b", of: database).count == 2)
    _ = try DatabaseCheck(database).requireSound()
    // A matrix that is made anew has no trees, and no history of them.
    _ = try generate(domain, to: path)
    #expect(try HistoryStore.names(in: MatrixDatabase(path: path)).isEmpty)
  }
}
