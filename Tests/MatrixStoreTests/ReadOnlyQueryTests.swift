import DMAModel
import Foundation
import MatrixStore
import TestSupport
import Testing

/// Each attempt to write, attach or run forever is tried.
@Suite struct ReadOnlyQueryTests {
  let directory: TemporaryDirectory
  let database: MatrixDatabase

  init() throws {
    directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.platforms = [.x86SME47]
    domain.iommuModes = [.passthrough]
    _ = try generate(domain, to: directory.file("matrix.db"))
    database = try MatrixDatabase(path: directory.file("matrix.db"))
  }

  @Test(arguments: [
    "INSERT INTO provenance VALUES ('a', 'b')", "UPDATE kernel SET name = 'x'",
    "DELETE FROM block_line", "DROP VIEW behavior", "CREATE TABLE t (x)",
    "CREATE TEMP TABLE t (x)", "VACUUM", "VACUUM INTO '/tmp/dmamatrix-stolen.db'",
    "ATTACH '/tmp/dmamatrix-stolen.db' AS x", "PRAGMA query_only = 0", "PRAGMA user_version = 9",
    "PRAGMA journal_mode = WAL", "/* a */ -- b\n PRAGMA writable_schema = 1", "REINDEX", "ANALYZE",
    "BEGIN", "SAVEPOINT a", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE kernel", "", " ; ",
    "SELECT load_extension('x')", "SELEC 1", "SELECT * FROM nothing",
    "WITH d AS (SELECT 1) DELETE FROM kernel",
  ])
  func refused(sql: String) throws {
    let before = try Data(contentsOf: URL(fileURLWithPath: database.path))
    #expect(throws: StoreError.self) { _ = try ReadOnlyQuery(sql: sql).run(on: database) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: database.path)) == before)
    #expect(directory.contents == ["matrix.db"])
    #expect(!FileManager.default.fileExists(atPath: "/tmp/dmamatrix-stolen.db"))
  }

  /// SQLite quotes the statement in its messages.
  @Test(arguments: [
    "SELECT \"no\nsuch\u{1b}[2Jcolumn\" || x", "SELECT \u{1b}\n", "SELECT a\n.b",
    "SELECT " + String(repeating: "x", count: 100_000), String(repeating: "X", count: 100_000),
    "SELECT :\n", "SELECT 'unterminated\n",
  ])
  func anErrorIsOneShortLine(sql: String) throws {
    do {
      _ = try ReadOnlyQuery(sql: sql).run(on: database)
    } catch {
      let sentence = error.description
      #expect(sentence.utf8.count < 600)
      #expect(sentence.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(sentence)")
    }
  }

  /// 16 MB in each of 200 rows, and a sort of as much: refused, not swapped.
  @Test(arguments: ["", " ORDER BY 1"])
  func anAnswerDoesNotFillTheMemory(order: String) {
    let flood = """
      WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200)
      SELECT randomblob(16000000) FROM c
      """
    #expect(throws: StoreError.self) {
      _ = try ReadOnlyQuery(sql: flood + order, timeLimit: 0).run(on: database)
    }
  }

  /// SQLite ends a comment at LF alone; CR and other line ends are part of it.
  @Test(arguments: ["\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}"])
  func aCommentEndsWhereSQLiteEndsIt(end: String) {
    #expect(throws: StoreError.self) {
      _ = try ReadOnlyQuery(sql: "--\(end)SELECT 1\nPRAGMA cache_size").run(on: database)
    }
    #expect(throws: Never.self) {
      _ = try ReadOnlyQuery(sql: "--\(end)PRAGMA x\nSELECT 1").run(on: database)
    }
  }

  @Test func anEndlessQueryIsStopped() {
    let endless = """
      WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c
      """
    #expect(throws: StoreError.timeLimit(seconds: 0.2)) {
      _ = try ReadOnlyQuery(sql: endless, timeLimit: 0.2).run(on: database)
    }
    // The connection works afterwards, and without a limit.
    #expect(throws: Never.self) {
      _ = try ReadOnlyQuery(sql: "SELECT 1", timeLimit: 0).run(on: database)
    }
  }

  @Test func rowsBeyondTheLimitAreNotRead() throws {
    let endless = """
      WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c
      """
    let result = try ReadOnlyQuery(sql: endless, rowLimit: 3).run(on: database)
    #expect(result.rows == [[.integer(1)], [.integer(2)], [.integer(3)]] && result.isTruncated)
    let exact = try ReadOnlyQuery(sql: "SELECT 1", rowLimit: 1).run(on: database)
    #expect(!exact.isTruncated)
  }

  @Test func parametersAreBoundByName() throws {
    let result = try ReadOnlyQuery(
      sql: "SELECT :a, $b, @c", parameters: ["a": "1", "b": "x", "c": "-"]
    ).run(on: database)
    #expect(result.rows == [[.integer(1), .text("x"), .text("-")]])
    #expect(throws: StoreError.self) {
      _ = try ReadOnlyQuery(sql: "SELECT :a").run(on: database)
    }
    #expect(throws: StoreError.self) {
      _ = try ReadOnlyQuery(sql: "SELECT 1", parameters: ["a": "1"]).run(on: database)
    }
    #expect(throws: StoreError.self) { _ = try ReadOnlyQuery(sql: "SELECT ?").run(on: database) }
  }

  @Test func valuesKeepTheirType() throws {
    let result = try ReadOnlyQuery(sql: "SELECT NULL, 1, 0.5, 'a', x'00ff' AS b").run(on: database)
    #expect(
      result.rows == [[.null, .integer(1), .real(0.5), .text("a"), .blob(Data([0, 255]))]])
    #expect(result.columns.last == "b")
  }
}
