import DMAModel
import GRDB
import MatrixStore
import TestSupport
import Testing

/// The pool as an outcome of a boot: columns of the table `boot`.
@Suite struct BootPoolTests {
  private var domain: MatrixDomain {
    var domain = smallDomain
    domain.kernels = ["6.1", "6.12", "7.2", "7.3"].compactMap(KernelVersion.named)
    domain.platforms = [.x86, .sev, .arm64, .arm64CCA, .s390]
    domain.iommuModes = [.none]
    domain.swiotlbModes = SwiotlbMode.allCases
    domain.machines = [.twoGiB, .sixtyFourGiB]
    domain.operations = [.map]
    return domain
  }

  @Test func everyBootHasThePoolOfTheModel() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("matrix.db")
    let domain = domain
    _ = try generate(domain, to: path)
    var rows = 0
    try MatrixDatabase(path: path).read { connection in
      let cursor = try Row.fetchCursor(connection, sql: "SELECT * FROM boot")
      while let row = try cursor.next() {
        rows += 1
        let kernel = try #require(KernelVersion.named(row["kernel"] as String))
        let machine = try #require(domain.machines.first { $0.name.name == row["mem"] as String })
        let pool = kernel.booted(
          try #require(Platform(name: row["platform"] as String)),
          try #require(IOMMUMode(name: row["iommu"] as String)),
          try #require(SwiotlbMode(name: row["swiotlb"] as String)), machine
        ).pool
        let name = "\(row["kernel"] as String) \(row["platform"] as String) \(row["mem"] as String)"
        #expect(row["pool_first"] as Int64? == (pool.isActive ? Int64(pool.start) : nil), "\(name)")
        let last = pool.isActive ? Int64(pool.end - 1) : nil
        #expect(row["pool_last"] as Int64? == last, "\(name)")
        let bytes = pool.isActive ? pool.end - pool.start : 0
        #expect((row["pool_slots"] as Int64) * 2048 == Int64(bytes), "\(name)")
        #expect(row["pool_areas"] as Int64? == Int64(pool.isActive ? pool.size?.areas ?? 0 : 0))
        let rule: String = row["pool_rule"]
        #expect((rule == "-") == !pool.isActive, "\(name): \(rule)")
        #expect(pool.isActive == ((row["pool"] as String) != "-"), "\(name)")
      }
    }
    #expect(rows > 100)
  }

  /// arch/arm64/mm/init.c `arch_mm_preinit()` of 7.3 makes the small pool for kmalloc()
  /// buffers in a Realm of 2 GiB although every map bounces; 7.2 makes one of 64 MiB.
  @Test func aSmallRealmLosesMostOfItsPool() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("matrix.db")
    _ = try generate(domain, to: path)
    let question = try #require(NamedQuery.named("pools"))
    let database = try MatrixDatabase(path: path)
    let result = try question.query(on: database, values: [:], timeLimit: 10, rowLimit: 0)
      .run(on: database)
    let rows = result.rows.map { row in
      Dictionary(uniqueKeysWithValues: zip(result.columns, row.map(\.test)))
    }
    let changed = rows.filter { $0["differs"] == "1" }
    #expect(!changed.isEmpty && rows.count > changed.count)
    #expect(changed.allSatisfy { $0["platform"] == "arm64-cca" && $0["mem"] == "2G" })
    let plain = try #require(changed.first { $0["swiotlb"] == "default" })
    #expect(plain["bytes_from"] == "67108864" && plain["bytes_to"] == "2097152")
    #expect(plain["rule_to"]?.contains("kmalloc() buffers") == true)
  }
}
