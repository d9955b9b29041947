import DMAModel
import DriverScan
import EmbeddedSchema
import Foundation
import GRDB
import MatrixStore
import TestSupport
import Testing

/// The named queries over the kernels that they ask about.
///
/// Source of the expected answers: the facts of booted kernels (masks, pools and
/// limits on x86), the review's mails (SME hosts), and the model itself, asked
/// scenario by scenario.
@Suite struct NamedQueryTests {
  let database: MatrixDatabase

  init() throws { database = try Self.shared.get() }

  /// The file is open as long as the tests run; its name is not needed.
  private static let shared = Result {
    let directory = try TemporaryDirectory()
    var domain = MatrixDomain()
    domain.kernels = ["6.12", "7.2", "v6", "v7", "7.3"].compactMap(KernelVersion.named)
    domain.platforms = [.x86, .x86SME47, .sev, .tdx]
    let path = directory.file("matrix.db")
    _ = try MatrixGenerator(domain: domain, jobs: 2, toolVersion: "test").generate(to: path)
    try DriverTree.write(to: directory.file("tree"))
    try DriverStore.add(
      DriverScan(tree: directory.file("tree")), named: "7.3", to: path, toolVersion: "test")
    try HostFolder.store(in: path, beside: directory)
    return try MatrixDatabase(path: path)
  }

  /// The rows as dictionaries.
  private func ask(_ name: String, _ values: [String: String] = [:]) throws -> [[String: String]] {
    let question = try #require(NamedQuery.named(name))
    let result = try question.query(on: database, values: values, timeLimit: 10, rowLimit: 0)
      .run(on: database)
    return result.rows.map { row in
      Dictionary(uniqueKeysWithValues: zip(result.columns, row.map(\.test)))
    }
  }

  @Test func everyFileIsListedAndComplete() throws {
    let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("schema/queries")
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(files.sorted() == NamedQuery.all.map { $0.name + ".sql" })
    for query in NamedQuery.all {
      #expect(!query.title.isEmpty && !query.summary.isEmpty)
      #expect(NamedQuery.groups.contains(query.group), "\(query.name)")
      // Some ask about a fleet as a whole.
      #expect(!query.parameters.isEmpty || query.name.hasPrefix("fleet-"))
      for parameter in query.parameters {
        #expect(query.sql.contains(":\(parameter.name)"), "\(query.name)")
        #expect(!parameter.value.isEmpty && !parameter.table.isEmpty && !parameter.summary.isEmpty)
      }
      #expect(try !ask(query.name).isEmpty, "\(query.name)")
    }
  }

  /// A key is answered as by comparing it with each row's, and by look-ups: a plain SQLite
  /// reads one boot of each kernel, not every combination.
  @Test func aScenarioIsLookedUp() throws {
    let key = "tdx/none/default/64G/32/same/none/1/0/map/none/high"
    let expected = try database.read { connection in
      try Row.fetchAll(
        connection, sql: "SELECT kernel, result FROM behavior WHERE scenario = ? ORDER BY kernel",
        arguments: [key])
    }
    #expect(!expected.isEmpty)
    #expect(
      try ask("scenario", ["key": key]).map { [$0["kernel"], $0["result"]] }
        == expected.map { [$0["kernel"], $0["result"]] })
    let question = try #require(NamedQuery.named("scenario"))
    let plan = try database.read { connection in
      try Row.fetchAll(
        connection, sql: "EXPLAIN QUERY PLAN " + question.sql, arguments: ["key": key]
      ).map { $0["detail"] as String }
    }
    #expect(plan.contains { $0.hasPrefix("SEARCH b USING") })
    #expect(!plan.contains { $0.hasPrefix("SCAN b") })
    for (key, word) in [("tdx/none", "platform/iommu"), ("sev" + key.dropFirst(3) + "x", "buf")] {
      do {
        _ = try ask("scenario", ["key": key])
        Issue.record("\(key) was taken")
      } catch {
        #expect("\(error)".contains(word), "\(error)")
      }
    }
  }

  /// Arithmetic over one machine whose disk maps a page, and the change of 7.3.
  @Test func aFleetIsAsked() throws {
    let breaks = try ask("fleet-breaks")
    #expect(breaks.map { $0["effect"] }.contains("slower"))
    #expect(breaks.allSatisfy { $0["driver"] == "disk" && $0["hosts"] == "1" })
    #expect(try ask("fleet-breaks", ["kernel": "7.2"]).isEmpty)
    #expect(try ask("fleet-bounces").map { $0["bytes"] } == ["4096"])
    let coherent = try ask("fleet-coherent")
    #expect(coherent.map { $0["mask"] } == ["64"] && coherent[0]["coherent_bits"] == "32")
  }

  @Test func smeHostsBounceBelowTheCBit() throws {
    let plain = try ask("sme-bounces").filter { $0["op"] == "map" && $0["attrs"] == "none" }
    #expect(plain.allSatisfy { $0["mask_first"] == "32" && $0["mask_last"] == "47" })
    #expect(Set(plain.map { $0["buf"] }) == ["low", "dma32", "high", "small"])
    #expect(plain.allSatisfy { $0["why"]?.hasPrefix("dma_capable") == true })
    let forced = try ask("sme-bounces", ["swiotlb": "force"]).filter {
      $0["op"] == "map" && $0["attrs"] == "none"
    }
    #expect(forced.contains { $0["mask_last"] == "64" })
    #expect(forced.allSatisfy { $0["why"] == "the pool bounces everything (force)" })
  }

  @Test func cbitUnderForceIsNoMapping() throws {
    let rows = try ask("cbit-under-force").filter { $0["kernel"] == "7.3" }
    let direct = rows.filter { $0["iommu"] != "translated" }
    #expect(!direct.isEmpty)
    #expect(direct.allSatisfy { $0["op"]?.hasPrefix("alloc") == true })
    #expect(direct.allSatisfy { $0["mask_first"] == "48" })
  }

  @Test func guestsWithoutBouncing() throws {
    let rows = try ask("noforce-guests").filter { $0["kernel"] == "7.3" }
    #expect(Set(rows.map { $0["platform"] }) == ["sev", "tdx"])
    #expect(rows.allSatisfy { $0["exposure"] == "none" })
    #expect(rows.contains { $0["verdict"] == "refused" })
  }

  @Test func masksThatBounceOnBigMachines() throws {
    let high = try ask("masks-that-bounce").filter { $0["buf"] == "high" }
    let spans = high.map {
      "\($0["mask_first"] ?? "")-\($0["mask_last"] ?? "") \($0["result"] ?? "")"
    }
    #expect(spans == ["24-31 error", "32-35 bounce", "36-64 direct"])
  }

  @Test func thunderboltBouncesUnalignedBuffers() throws {
    let rows = try ask("thunderbolt").filter { $0["op"] == "map" && $0["attrs"] == "none" }
    #expect(Set(rows.filter { $0["buf"] == "small" }.map { $0["result"] }).contains("iova_bounce"))
    #expect(Set(rows.filter { $0["buf"] == "dma32" }.map { $0["result"] }) == ["iova"])
    #expect(rows.allSatisfy { $0["max_map"] == "262144" })
  }

  @Test func nothingAbove256KiBBounces() throws {
    let rows = try ask("above-256k", ["kernel": "6.12"])
    #expect(!rows.contains { $0["result"] == "bounce" || $0["result"] == "iova_bounce" })
    #expect(rows.contains { $0["result"] == "error" && $0["warn"]?.contains("full") == true })
  }

  @Test func iommuOffLeavesNoPool() throws {
    let rows = try ask("iommu-off").filter { $0["mem"] == "64G" && $0["swiotlb"] == "default" }
    #expect(rows.allSatisfy { $0["pool_with_off"] == "-" && $0["pool_without"] != "-" })
    #expect(rows.contains { $0["result_without"] == "bounce" && $0["result_with_off"] == "error" })
  }

  @Test func pathsThatChangedAlone() throws {
    let rows = try ask("path-not-verdict")
    #expect(rows.allSatisfy { $0["where_before"] != $0["where_after"] })
    // v6 refuses the pool of the review's scenario for its state. v7 takes it, and
    // masks that do not reach it are refused by another line.
    let forced = rows.filter {
      $0["platform"] == "x86-sme47" && $0["swiotlb"] == "force" && $0["op"] == "map"
        && $0["attrs"] == "none" && $0["iommu"] == "passthrough"
    }
    #expect(!forced.isEmpty)
    #expect(
      forced.allSatisfy {
        $0["verdict"] == "refused"
          && $0["where_before"] == "swiotlb_tbl_map_single: pool state does not match"
      })
  }

  @Test func requireCoherentFailsWhereABounceIsNeeded() throws {
    let rows = try ask("require-coherent-fails").filter {
      $0["platform"] == "x86" && $0["iommu"] == "none" && $0["swiotlb"] == "default"
        && $0["buf"] == "high" && $0["coherent"] == "1"
    }
    #expect(rows.map { $0["mask_last"] } == ["35"])
  }

  @Test func rulesCountEveryCombination() throws {
    let rows = try ask("rules")
    let total = rows.compactMap { Int($0["combinations"] ?? "") }.reduce(0, +)
    let expected = try database.read { connection in
      try Int.fetchOne(
        connection, sql: "SELECT count(*) FROM behavior WHERE kernel = '7.3'")
    }
    #expect(total == expected)
  }

  @Test func coherentMasksMatterToAllocationsAlone() throws {
    let rows = try ask("coherent-mask").filter { $0["platform"] == "x86" && $0["iommu"] == "none" }
    #expect(!rows.isEmpty && rows.allSatisfy { $0["op"]?.hasPrefix("alloc") == true })
    #expect(
      rows.allSatisfy {
        UInt64($0["dma_32"]?.dropFirst(2) ?? "", radix: 16).map { $0 >> 32 == 0 } ?? false
      })
  }

  @Test func corruptionIsFoundBehindAMDsIOMMU() throws {
    let rows = try ask("corrupts")
    #expect(rows.contains { $0["kernel"] == "6.12" && $0["verdict"] == "garbled" })
  }

  @Test func bootLinesOfTheReview() throws {
    let rows = try ask("bootline").filter { $0["buf"] == "high" && $0["attrs"] == "none" }
    func results(_ kernel: String) -> [String?] {
      rows.filter { $0["kernel"] == kernel }.map { $0["result"] }
    }
    #expect(results("v6").last == "error" && results("v7").last == "bounce")
  }

  /// The masks of Tests/Support/DriverTree.swift.
  @Test func masksOfDriversAreCounted() throws {
    let rows = try ask("mask-histogram")
    #expect(rows.map { $0["bits"] } == ["31", "32", "40", "48", "64"])
    #expect(rows.map { $0["drivers"] } == ["1", "1", "2", "1", "1"])
    #expect(rows.map { $0["streaming"] } == ["1", "1", "1", "1", "1"])
    #expect(try ask("40-bit").map { $0["bits"] } == ["40", "40", "48"])
  }

  @Test func driversOfOneMaskAreNamed() throws {
    let streaming = try ask("streaming-only")
    #expect(streaming.map { $0["streaming"] } == ["32", "48"])
    #expect(streaming.allSatisfy { $0["coherent"] == "32" && $0["decided"] == "1" })
    let coherent = try ask("coherent-only")
    #expect(coherent.map { $0["file"] } == ["drivers/dma/alone.c", "drivers/dma/board.c"])
    #expect(coherent.map { $0["coherent"] } == ["40", ""])
    #expect(coherent.map { $0["decided"] } == ["1", "0"])
  }

  /// On a host whose C-bit is bit 47, a mask below it bounces; alone.c is not for x86.
  @Test func driversThatBounceAreNamed() throws {
    let rows = try ask("who-bounces").map { "\($0["file"] ?? "") \($0["streaming"] ?? "")" }
    #expect(rows.contains("drivers/net/fast_main.c 40") && rows.contains("drivers/net/slow.c 32"))
    #expect(!rows.contains("drivers/net/fast_main.c 64"))
    #expect(!rows.contains { $0.hasPrefix("drivers/dma/") })
    #expect(try ask("who-breaks").contains { $0["file"] == "drivers/net/fast_main.c" })
  }

  /// A value that no row has would give an empty answer without a reason.
  @Test func unknownValues() throws {
    let question = try #require(NamedQuery.named("rules"))
    #expect(
      throws: StoreError.query(
        "kernel '9.9' is not in this database; accepted: 6.12, 7.2, v6, v7, 7.3")
    ) {
      try question.query(on: database, values: ["kernel": "9.9"], timeLimit: 1, rowLimit: 1)
    }
    #expect(throws: StoreError.query("'rules' has no parameter 'kernal'; accepted: kernel")) {
      try question.query(on: database, values: ["kernal": "v6"], timeLimit: 1, rowLimit: 1)
    }
  }
}

extension QueryValue {
  /// The value as text.
  var test: String {
    switch self {
    case .null: ""
    case .integer(let integer): String(integer)
    case .real(let real): String(real)
    case .text(let text): text
    case .blob: "blob"
    }
  }
}
