import DMAModel
import GRDB
import TestSupport
import Testing

@testable import MatrixStore

/// Questions in their faster form against SQLite's answers to the question as it was asked.
@Suite struct FasterQuestionTests {
  let directory: TemporaryDirectory
  let database: MatrixDatabase

  init() throws {
    directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.platforms = [.x86SME47, .sev]
    domain.iommuModes = [.none, .passthrough]
    domain.coherentMasks = CoherentMask.allCases
    _ = try generate(domain, to: directory.file("matrix.db"))
    database = try MatrixDatabase(path: directory.file("matrix.db"))
  }

  /// The rows of a statement as it stands, in any order.
  private func rows(_ sql: String) throws -> [String] {
    try database.read { try Row.fetchAll($0, sql: sql).map { "\(Array($0))" } }.sorted()
  }

  private func expectSame(_ sql: String, isFaster: Bool = true) throws {
    let form = FasterQuestion.form(of: sql)
    #expect((form != nil) == isFaster, "\(sql)")
    guard let form, isFaster else { return }
    #expect(try rows(form) == rows(sql), "\(sql)\n\(form)")
  }

  @Test(arguments: [
    "SELECT verdict, count(*) FROM behavior GROUP BY verdict",
    "SELECT \"where\", count(*) AS n FROM behavior GROUP BY \"where\" ORDER BY n DESC",
    "SELECT decided_by, COUNT ( * ) FROM behavior GROUP BY 1",
    "select kernel, verdict, count(*) from behavior where op = 'map' and buf <> 'low' group by 1, 2",
    "SELECT count(*), coherent_mask FROM behavior GROUP BY coherent_mask HAVING count(*) > 100",
    "SELECT kernel || ' ' || verdict AS what, count(*) FROM behavior GROUP BY kernel, verdict",
    "SELECT verdict -- all\n, count(*) FROM behavior WHERE warn LIKE '%o%' GROUP BY verdict",
    "SELECT kernel FROM behavior GROUP BY kernel ORDER BY count(*) DESC, kernel LIMIT 1",
    "SELECT verdict, count(*) FROM \"behavior\" WHERE kernel = 'none' GROUP BY verdict",
  ])
  func countsAreTheSame(_ sql: String) throws { try expectSame(sql) }

  @Test(arguments: [
    "SELECT verdict, count(*) FROM behavior", "SELECT mask, count(*) FROM behavior GROUP BY mask",
    "SELECT verdict, count(*) FROM behavior WHERE mask = 32 GROUP BY verdict",
    "SELECT kernel, verdict, count(*) FROM behavior GROUP BY verdict",
    "SELECT kernel, verdict, count(*) FROM behavior GROUP BY 2",
    "SELECT verdict, count(*) * 2 FROM behavior GROUP BY verdict",
    "SELECT verdict, sum(1), count(*) FROM behavior GROUP BY verdict",
    "SELECT DISTINCT count(*) FROM behavior GROUP BY verdict",
    "SELECT verdict AS kernel, count(*) FROM behavior GROUP BY verdict",
    "SELECT verdict, count(*) AS combinations FROM behavior GROUP BY verdict HAVING combinations > 5",
    "SELECT verdict, count(*) FROM behavior, kernel GROUP BY verdict",
    "SELECT verdict, count(*) FROM behavior GROUP BY (SELECT 1), verdict",
    "SELECT count(*) OVER () FROM behavior GROUP BY verdict",
    "SELECT verdict, count(*) FROM (SELECT * FROM behavior) GROUP BY verdict",
    "SELECT verdict, count(*) FROM behavior b GROUP BY verdict",
    "SELECT \"ok\", count(*) FROM behavior GROUP BY verdict",
    "SELECT verdict, count(*) FROM behavior GROUP BY verdict UNION SELECT 1, 2",
    "SELECT coherent_mask, count(*) AS mask_first FROM behavior GROUP BY 1 ORDER BY - mask_first",
    "SELECT verdict, count(*) FROM behavior GROUP BY verdict -- by verdict\r\nHAVING count(*) > 9",
    "SELECT verdict, count(*), 'x'\u{301}, count(*) AS n -- '\n FROM behavior GROUP BY verdict",
    "SELECT verdict, op, count(*) FROM behavior GROUP BY verdict || op IS NULL",
    "WITH b AS (SELECT 1) SELECT verdict, count(*) FROM behavior GROUP BY verdict",
    "SELECT verdict, count(*) FROM behavior GROUP BY verdict /* ",
  ])
  func whatIsNotUnderstoodStays(_ sql: String) throws { try expectSame(sql, isFaster: false) }

  /// A key finds its row, in whatever form it is asked for, and nothing else does.
  @Test func keysFindTheirRows() throws {
    let keys = try database.read { database in
      try String.fetchAll(
        database, sql: "SELECT DISTINCT scenario FROM behavior")
    }
    var random = Linear(state: 3)
    for _ in 0..<40 {
      let key = keys[Int(random.next()) % keys.count]
      let other = keys[Int(random.next()) % keys.count]
      for sql in [
        "SELECT * FROM behavior WHERE scenario = '\(key)'",
        "SELECT kernel, mask FROM behavior AS b WHERE b.scenario == '\(key)' ORDER BY kernel",
        "SELECT verdict FROM behavior b WHERE (scenario = '\(key)' OR scenario = '\(other)')",
        "SELECT verdict AS platform FROM behavior WHERE kernel <> 'none' AND scenario = '\(key)';",
      ] {
        let form = try #require(FasterQuestion.form(of: sql), "\(sql)")
        let rows = try rows(form)
        #expect(!rows.isEmpty)
        #expect(try rows == self.rows(sql), "\(sql)\n\(form)")
      }
    }
  }

  @Test func whatSQLiteRefusesStays() {
    #expect(FasterQuestion.form(of: "SELECT count(*) FROM behavior GROUP BY op, count(*)") == nil)
    #expect(FasterQuestion.form(of: "SELECT '") == nil)
  }

  @Test(arguments: [
    "SELECT * FROM behavior WHERE scenario = 'x'", "SELECT * FROM behavior WHERE scenario LIKE 'x'",
    "SELECT * FROM behavior WHERE kernel BETWEEN '6.1' AND scenario = 'a/b/c/d/24/f/g/h/i/j/k/l'",
    "SELECT * FROM behavior WHERE scenario = 'a/b/c/d/24/f/g/h/i/j/k/l' COLLATE NOCASE",
    "SELECT * FROM behavior WHERE kernel = scenario = 'a/b/c/d/24/f/g/h/i/j/k/l'",
    "SELECT * FROM behavior WHERE c.scenario = 'a/b/c/d/24/f/g/h/i/j/k/l'",
    "SELECT * FROM behavior, kernel WHERE scenario = 'a/b/c/d/24/f/g/h/i/j/k/l'",
    "SELECT kernel FROM behavior WHERE scenario = 'a/b/c/d/24/f/g/h/i/j/k/l' LIMIT 1",
    "SELECT count(*), kernel FROM behavior WHERE scenario = 'a/b/c/d/24/f/g/h/i/j/k/l'",
    "SELECT kernel FROM behavior WHERE scenario = 'a/b/c/d/24/f/g/h/i/j/k/l' -- c\r\n || 'x'",
    "SELECT * FROM behavior WHERE scenario = :key", "SELECT * FROM behavior WHERE scenario = ",
  ])
  func otherComparisonsStay(_ sql: String) throws {
    #expect(FasterQuestion.form(of: sql) == nil)
  }

  /// A quote in a key is none of the statement's.
  @Test func keysAreQuoted() throws {
    let sql = "SELECT kernel FROM behavior WHERE scenario = 'a''/b/c/d/24/f/g/h/i/j/k/''l'"
    let form = try #require(FasterQuestion.form(of: sql))
    #expect(try rows(form) == rows(sql))
  }

  /// The parts of a key are looked up in the order of the tables, no boot is walked.
  @Test func aKeyIsALookUp() throws {
    let key = "x86-sme47/none/default/2G/32/same/none/1/0/map/none/low"
    let sql = "SELECT * FROM behavior WHERE kernel = '7.3' AND scenario = '\(key)'"
    let form = try #require(FasterQuestion.form(of: sql))
    let plan = try database.read { database in
      try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN \(form)").map { $0["detail"] as String }
    }
    #expect(!plan.isEmpty && plan.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plan)")
  }
}
