import Conformance
import DMAModel
import Foundation
import Support
import TestSupport
import Testing

/// The measured vectors of ../shared, where a checkout has them beside it.
let sharedVectors: [String] = {
  let directory = "../shared/vectors"
  let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  return files.filter { $0.hasPrefix("code-") || $0.hasPrefix("ext-") }.sorted()
    .map { "\(directory)/\($0)" }
}()

/// The measured ends of requests, and those with pools that grow.
let sharedLives: [String] = {
  let directory = "../shared/vectors"
  let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  return files.filter { $0.hasPrefix("life-") || $0.hasPrefix("dyn-") }.sorted()
    .map { "\(directory)/\($0)" }
}()

@Suite struct ConformanceTests {
  /// A small file may decompress to any size.
  @Test func decompressionHasALimit() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("dmamatrix-\(UUID().uuidString).csv").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(count: 3 << 20).write(to: URL(fileURLWithPath: path))
    #expect(try GzipFile.contents(of: path).count == 3 << 20)
    #expect(try GzipFile.contents(of: path, limit: 3 << 20).count == 3 << 20)
    let error = #expect(throws: InputError.self) {
      try GzipFile.contents(of: path, limit: 2 << 20)
    }
    #expect(error?.description == "\(path): more than 2 MiB when decompressed")
  }

  /// A twentieth of the outcomes measured on real kernel code, all eight versions.
  @Test(arguments: ["sample-code.csv.gz", "sample-ext.csv.gz"])
  func theSampleMatches(file: String) throws {
    let url = try #require(
      Bundle.module.url(forResource: "Vectors/\(file)", withExtension: nil))
    var check = ConformanceCheck()
    try check.check(path: url.path)
    #expect(check.mismatches.map(\.scenario.key) == [])
    #expect(check.mismatchedRows == 0)
    #expect(check.excluded.isEmpty)
    #expect(Set(check.tallies.keys) == Set(KernelVersion.all.map(\.name)))
    #expect(check.rows > 20_000)
  }

  @Test(
    .enabled(if: !sharedVectors.isEmpty, "../shared/vectors is not here: the sample alone counts"))
  func everySharedVectorMatches() throws {
    var check = ConformanceCheck()
    for file in sharedVectors { try check.check(path: file) }
    #expect(check.mismatches.map(\.scenario.key) == [])
    #expect(check.mismatchedRows == 0 && check.excluded.isEmpty)
    #expect(check.total.compared == check.total.matched && check.rows > 900_000)
  }

  /// A part of the measured ends of requests, the odd ones among them more often.
  @Test(arguments: [
    ("sample-life.csv.gz", ["6.1", "6.12", "7.2", "v4", "v5", "v6", "v7", "7.3"], 14_000),
    ("sample-dyn.csv.gz", ["6.12", "7.2", "v7", "7.3"], 10_000),
  ])
  func theSampleOfEndsMatches(file: String, kernels: [String], rows: Int) throws {
    let url = try #require(
      Bundle.module.url(forResource: "Vectors/\(file)", withExtension: nil))
    var check = ConformanceCheck()
    try check.check(path: url.path)
    #expect(check.mismatches.map(\.scenario.key) == [])
    #expect(check.mismatchedRows == 0 && check.excluded.isEmpty)
    #expect(Set(check.tallies.keys) == Set(kernels))
    #expect(check.rows > rows)
  }

  @Test(
    .enabled(if: !sharedLives.isEmpty, "../shared/vectors is not here: the sample alone counts"))
  func everySharedEndMatches() throws {
    var check = ConformanceCheck()
    for file in sharedLives { try check.check(path: file) }
    #expect(check.mismatches.map(\.scenario.key) == [])
    #expect(check.mismatchedRows == 0 && check.excluded.isEmpty)
    #expect(check.rows > 380_000)
  }

  private let lifeHeader =
    "kernel,platform,iommu,swiotlb,mem,mask,mask_change,coherent,external,op,attrs,buf,result,"
    + "unmap_copy,slots_after,state_after,owner_after,warn_after"

  /// Source: the measured free of dma_alloc_pages(GFP_ATOMIC) in a Realm.
  @Test func everyColumnOfAnEndIsCompared() throws {
    let row =
      "7.2,arm64-cca,none,default,2G,64,none,1,0,alloc_pages_atomic,none,-,pool,-,ok,"
      + "pool_private,pool_page_to_buddy,"
    let fields = row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    for column in 12..<18 {
      var wrong = fields
      wrong[column] = "wrong"
      var check = ConformanceCheck()
      try check.compare(text: lifeHeader + "\n" + wrong.joined(separator: ",") + "\n")
      #expect(check.mismatchedRows == 1 && check.mismatches.first?.columns.count == 1)
    }
    var check = ConformanceCheck()
    try check.compare(text: lifeHeader + "\n" + row + "\n")
    #expect(check.mismatchedRows == 0 && check.total.compared == 6)
  }

  @Test func anEndNeedsItsColumns() {
    var check = ConformanceCheck()
    #expect(throws: InputError.self) {
      try check.compare(text: lifeHeader.replacing(",owner_after", with: "") + "\n")
    }
    #expect(throws: InputError.self) {
      try check.compare(
        text: lifeHeader + "\n7.2,x86,none,default,2G,64,sideways,1,0,alloc,none,-,page,-,ok,"
          + "same,ok,\n")
    }
  }

  private let header =
    "kernel,platform,iommu,swiotlb,mem,mask,coherent,external,op,attrs,buf,"
    + "result,dma,enc,mem_state,pte,warn"
  private let row =
    "7.3,x86,none,default,64G,64,1,0,map,none,dma32,direct,0x40000000,plain,plain,-,"

  @Test func everyColumnIsCompared() throws {
    let fields = row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    for column in 11..<17 {
      var wrong = fields
      wrong[column] = "wrong"
      var check = ConformanceCheck()
      try check.compare(text: header + "\n" + wrong.joined(separator: ",") + "\n")
      #expect(check.mismatchedRows == 1)
      #expect(check.mismatches.first?.columns.count == 1)
    }
    var check = ConformanceCheck()
    try check.compare(text: header + "\n" + row + "\n")
    #expect(check.mismatchedRows == 0 && check.total.compared == 6)
  }

  @Test func unknownColumnsAreIgnoredAndCarriageReturnsToo() throws {
    var check = ConformanceCheck()
    try check.compare(text: "note,\(header)\r\n\"a, \"\"b\"\"\",\(row)\r\n\r\n")
    #expect(check.rows == 1 && check.mismatchedRows == 0)
  }

  @Test func excludedRowsAreReported() throws {
    var check = ConformanceCheck()
    try check.compare(
      text: header + "\n" + row.replacing(",none,default", with: ",none,restricted"))
    #expect(check.excluded == [.restrictedNeedsDeviceTree: 1])
    #expect(check.firstExcluded[.restrictedNeedsDeviceTree]?.line == 2)
    #expect(check.total.compared == 0)
  }

  @Test func badFilesAreRefusedWithOneSentence() throws {
    func error(_ text: String) -> InputError? {
      var check = ConformanceCheck()
      do {
        try check.compare(text: text)
        return nil
      } catch {
        return error
      }
    }
    #expect(error("") == .empty(file: "test"))
    #expect(error("kernel,platform\n")?.description.contains("no column 'iommu'") == true)
    #expect(
      error(header + "\n" + row.replacing("7.3,", with: "8.0,"))?.description
        .hasPrefix("test:2: unknown kernel '8.0'; accepted: 6.1, 6.12, 7.2, v4, v5, v6, v7, 7.3")
        == true)
    #expect(
      error(header + "\n" + row.replacing(",64,1", with: ",65,1"))?.description
        .hasPrefix("test:2: unknown mask '65'; accepted: 24, 25") == true)
    #expect(
      error(header + "\n7.3,x86\n") == .fieldCount(file: "test", line: 2, found: 2, expected: 17))
    // A field may hold line ends.
    #expect(
      error(header + "\n\n\"7\n\n3\"" + String(repeating: ",", count: 16) + "\n7.3,x86\n")
        == .unknownValue(
          file: "test", line: 3, column: "kernel", value: "7\n\n3",
          accepted: KernelVersion.known.map(\.name)))
    var table = try CSVTable(file: "test", bytes: Array("a,b\n1,\"x\n\ny\"\n2,3\n".utf8))
    _ = try table.nextRow()
    #expect(table.line == 2)
    _ = try table.nextRow()
    #expect(table.line == 5)
    #expect(
      error(header + "\n" + row.replacing("x86", with: "\u{1b}[31m"))?.description
        .contains("'?[31m'") == true)
  }

  @Test func brokenCompressionIsRefused() throws {
    let url = try #require(
      Bundle.module.url(forResource: "Vectors/sample-code.csv.gz", withExtension: nil))
    let whole = try Data(contentsOf: url)
    let directory = try TemporaryDirectory()
    let broken = URL(fileURLWithPath: directory.file("broken.csv.gz"))
    var flipped = whole
    flipped[whole.count / 2] ^= 0x55
    for data in [whole.prefix(whole.count / 2), whole.prefix(20), flipped] {
      try Data(data).write(to: broken)
      var check = ConformanceCheck()
      #expect(throws: InputError.self) { try check.check(path: broken.path) }
    }
  }

  @Test func missingFilesAndDirectoriesAreRefused() {
    var check = ConformanceCheck()
    #expect(throws: InputError.unreadable(file: "/no/such", reason: "no such file")) {
      try check.check(path: "/no/such")
    }
    #expect(throws: InputError.self) { try check.check(path: "/") }
  }
}

extension ConformanceCheck {
  /// Compares vectors given as text.
  mutating func compare(text: String) throws(InputError) {
    var file = try VectorsFile(name: "test", bytes: Array(text.utf8))
    while let vector = try file.next() { compare(vector, file: "test") }
  }
}
