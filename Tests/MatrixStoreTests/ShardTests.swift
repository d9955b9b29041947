import DMAModel
import Foundation
import GRDB
import MatrixStore
import TestSupport
import Testing

@Suite struct ShardTests {
  let directory: TemporaryDirectory
  let domain: MatrixDomain

  init() throws {
    directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.operations = [.map, .alloc, .allocPagesAtomic]
    self.domain = domain
  }

  @discardableResult
  private func part(
    _ text: String, _ name: String? = nil, domain: MatrixDomain? = nil, version: String = "test"
  ) throws -> String {
    let shard = try #require(Shard(text) as Shard?)
    let path = directory.file(name ?? text.replacing("/", with: "-") + ".db")
    _ = try MatrixGenerator(
      domain: domain ?? self.domain, jobs: 1, toolVersion: version,
      shard: shard
    ).generate(to: path)
    return path
  }

  private func sentence(merging parts: [String]) -> String {
    do {
      _ = try MatrixMerger(parts: parts).merge(to: directory.file("merged.db"))
      return "merged"
    } catch {
      return "\(error)"
    }
  }

  @Test func partsOfFinerAxesAreTheWholeToo() throws {
    _ = try generate(finerDomain, to: directory.file("whole.db"))
    let parts = try (1...3).map { try part("\($0)/3", domain: finerDomain) }
    _ = try MatrixMerger(parts: parts).merge(to: directory.file("merged.db"))
    #expect(
      FileManager.default.contentsEqual(
        atPath: directory.file("whole.db"), andPath: directory.file("merged.db")))
  }

  /// The parts in any order, however many, are the run that was not cut: the same
  /// bytes, and so the same rows, keys, counts and statistics.
  @Test(arguments: [1, 2, 5, 90])
  func mergedPartsAreTheWholeByteForByte(count: Int) throws {
    let whole = try generate(domain, to: directory.file("whole.db"))
    let parts = try (1...count).map { try part("\($0)/\(count)") }
    let merged = try MatrixMerger(parts: Array(parts.reversed()))
      .merge(to: directory.file("merged.db"))
    #expect(merged == whole)
    #expect(
      FileManager.default.contentsEqual(
        atPath: directory.file("whole.db"), andPath: directory.file("merged.db")))
  }

  @Test func everyPartIsDeterministicAndSound() throws {
    let (one, two) = (try part("2/3", "one.db"), try part("2/3", "two.db"))
    #expect(FileManager.default.contentsEqual(atPath: one, andPath: two))
    try DatabaseCheck(MatrixDatabase(path: one)).requireSound()
  }

  @Test func gapsOverlapAndForeignPartsAreRefused() throws {
    let (one, two) = (try part("1/2"), try part("2/2"))
    #expect(sentence(merging: [one]).contains("of 2 parts, missing: 2"))
    #expect(sentence(merging: [one, two, one]).contains("are both part 1/2"))
    #expect(sentence(merging: [one, try part("2/3")]).contains("is part 2/3, but"))
    #expect(sentence(merging: []).contains("no part"))
    // The result would take the part's place.
    #expect(throws: StoreError.self) {
      try MatrixMerger(parts: [one, two]).merge(to: directory.file("./1-2.db"))
    }
    try DatabaseCheck(MatrixDatabase(path: one)).requireSound()

    var other = domain
    other.masks = Array(DMAMask.allCases.prefix(3))
    let masks = try part("2/2", "masks.db", domain: other)
    #expect(sentence(merging: [one, masks]).contains("another selection of the axes"))
    other = domain
    other.kernels = KernelVersion.all.filter { ["6.12", "v7"].contains($0.name) }
    let kernels = try part("2/2", "kernels.db", domain: other)
    #expect(sentence(merging: [one, kernels]).contains("has another model"))
    let version = try part("2/2", "version.db", version: "other")
    #expect(sentence(merging: [one, version]).contains("another version of dmamatrix"))
    _ = try generate(domain, to: directory.file("whole.db"))
    #expect(sentence(merging: [directory.file("whole.db")]).contains("is no part"))
    #expect(!directory.contents.contains("merged.db"))
    #expect(sentence(merging: [one, two]) == "merged")
  }

  /// A part is a file from elsewhere: a changed value, a changed table.
  @Test func aChangedPartIsRefused() throws {
    let (one, two) = (try part("1/2"), try part("2/2"))
    let queue = try DatabaseQueue(path: two)
    try queue.write { try $0.execute(sql: "UPDATE outcome SET result = 'error'") }
    try queue.close()
    #expect(sentence(merging: [one, two]).contains("content digest"))
    #expect(!directory.contents.contains("merged.db"))
  }

  @Test func aPartMayHaveNothingToDo() throws {
    var tiny = domain
    tiny.kernels = [try #require(KernelVersion.named("v6"))]
    tiny.platforms = [.arm64]
    tiny.iommuModes = [.none]
    tiny.swiotlbModes = [.standard]
    tiny.machines = [.twoGiB]
    let whole = directory.file("whole.db")
    _ = try generate(tiny, to: whole)
    let parts = try (1...3).map { try part("\($0)/3", domain: tiny) }
    #expect(sentence(merging: parts) == "merged")
    #expect(FileManager.default.contentsEqual(atPath: whole, andPath: directory.file("merged.db")))
  }

  /// Every booted machine is in one part, in about equal numbers, and no part has
  /// one kind of machine alone.
  @Test(arguments: [2, 3, 5, 8]) func machinesAreDealtOut(count: Int) throws {
    var found: [String: Int] = [:]
    for index in 1...count {
      var part = MatrixDomain()
      part.shard = Shard(index: index, count: count)
      var boots = 0
      var machines: Set<MachineName> = []
      for platform in part.platforms {
        for iommu in part.iommuModes {
          for swiotlb in part.swiotlbModes {
            for machine in part.machines where part.includes(platform, iommu, swiotlb, machine) {
              boots += 1
              machines.insert(machine.name)
              found["\(platform) \(iommu) \(swiotlb) \(machine.name)", default: 0] += 1
            }
          }
        }
      }
      let all = part.bootCount / part.kernels.count
      #expect((all / count...all / count + 1).contains(boots))
      #expect(machines.count == part.machines.count)
    }
    let domain = MatrixDomain()
    #expect(found.count == domain.bootCount / domain.kernels.count)
    #expect(found.values.allSatisfy { $0 == 1 })
  }

  @Test func partsAreReadFromSchedulers() {
    let slurm = [
      "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "3",
      "SLURM_ARRAY_TASK_STEP": "2",
    ]
    #expect(Shard("auto", environment: slurm)?.description == "3/4")
    #expect(Shard("auto/4", environment: slurm)?.description == "3/4")
    #expect(Shard("auto/5", environment: slurm) == nil)
    #expect(Shard("1/4", environment: slurm)?.description == "1/4")
    let kubernetes = ["JOB_COMPLETION_INDEX": "0"]
    #expect(Shard("auto/8", environment: kubernetes)?.description == "1/8")
    for text in ["auto", "auto/0", "auto/x", "auto/8/9", "auto/"] {
      #expect(Shard(text, environment: kubernetes) == nil, "\(text)")
    }
    for text in ["0/1", "2/1", "1", "1/", "/1", "1/2/3", "-1/2", "1/10000", "", "a/b"] {
      #expect(Shard(text) == nil, "\(text)")
    }
    // Every position belongs to exactly one part.
    for position in 0..<30 {
      #expect((1...7).filter { Shard(index: $0, count: 7)?.contains(position) == true }.count == 1)
    }
  }
}
