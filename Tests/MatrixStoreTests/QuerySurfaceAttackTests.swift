import DMAModel
import Foundation
import GRDB
import GRDBSQLite
import TestSupport
import Testing

@testable import MatrixStore

/// What this system's SQLite offers is tried in every form: it does what the list of
/// allowed functions and tables says, and no more.
@Suite struct QuerySurfaceAttackTests {
  let directory: TemporaryDirectory
  let database: MatrixDatabase

  init() throws {
    directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.platforms = [.x86SME47]
    domain.masks = Array(domain.masks.prefix(2))
    domain.operations = [.map]
    _ = try generate(domain, to: directory.file("matrix.db"))
    database = try MatrixDatabase(path: directory.file("matrix.db"))
  }

  /// The sentence that a question is refused with; nil where it is answered.
  private func sentence(_ sql: String) -> String? {
    do {
      _ = try ReadOnlyQuery(sql: sql, timeLimit: 5).run(on: database)
      return nil
    } catch { return error.description }
  }

  /// A connection without any of the tool's restrictions.
  private func names(_ table: String) throws -> [String] {
    let names = try DatabaseQueue().read {
      try String.fetchAll($0, sql: "SELECT DISTINCT name FROM pragma_\(table) ORDER BY 1")
    }
    #expect(names.count > 10)
    return names
  }

  /// Numbers, texts and a blob that is taken for a pointer, of 0 to 4 arguments, as a
  /// function, an aggregate and a window.
  @Test func everyFunctionOfThisSystemIsOnTheListOrRefused() throws {
    let arguments = [
      "", "'simple'", "1", "'simple', x'4141414141414141'", "'main', 'kernel'", "1, 2, 3",
      "'a', x'4141414141414141', 'b'", "1, 2, 3, 4", "x'41', 'a', 1, 2.5",
    ]
    var refused = 0
    for name in try names("function_list") {
      let isAllowed = QueryFunctions.allowed.contains(name.lowercased())
      for list in arguments {
        for form in [
          "SELECT \"\(name)\"(\(list))", "SELECT \"\(name)\"(\(list)) OVER () FROM kernel",
        ] {
          let isRefused = sentence(form)?.contains("is none that a question may call") == true
          // SQLite may find another fault before it asks.
          if isAllowed { #expect(!isRefused, "\(form)") }
          if !isAllowed { #expect(sentence(form) != nil, "\(form)") }
          refused += isRefused ? 1 : 0
        }
      }
    }
    #expect(refused > 20)
    #expect(try Data(contentsOf: URL(fileURLWithPath: database.path)).count > 0)
    #expect(directory.contents == ["matrix.db"])
  }

  /// Each that the attack used: one sentence that names it.
  @Test(arguments: [
    "SELECT fts3_tokenizer('simple')",
    "SELECT fts3_tokenizer('simple', x'4141414141414141'), rtreecheck('main', 'fts3tokenize')",
    "SELECT rtreecheck('main', 'kernel')", "SELECT load_extension('/tmp/x.so')",
    "SELECT sqlite_log(1, 'x')", "WITH a AS (SELECT fts3_tokenizer('simple') AS b) SELECT b FROM a",
    "SELECT 1 WHERE fts3_tokenizer('simple') > 0", "SELECT 1 ORDER BY fts3_tokenizer('simple')",
    "EXPLAIN SELECT fts3_tokenizer('simple')", "VALUES (fts3_tokenizer('simple'))",
  ])
  func callsThroughPointersAreRefused(sql: String) throws {
    let sentence = try #require(self.sentence(sql))
    #expect(sentence.hasPrefix("query: refused, function '"), "\(sentence)")
    #expect(sentence.contains("accepted: SQL's functions for text"))
  }

  /// Modules, statistics and PRAGMAs as tables, read by column, counted and joined.
  @Test func everyModuleOfThisSystemIsOnTheListOrRefused() throws {
    let pragmas = try DatabaseQueue().read { try String.fetchAll($0, sql: "PRAGMA pragma_list") }
    #expect(pragmas.count > 50)
    for name in try names("module_list") + pragmas.map({ "pragma_" + $0 }) {
      for list in ["", "()", "('[]')", "('kernel')", "('simple', 'text')"] {
        for columns in ["*", "count(*)", "1"] {
          let sql = "SELECT \(columns) FROM \"\(name)\"\(list)"
          let isAllowed = ["json_each", "json_tree"].contains(name)
          let sentence = self.sentence(sql)
          if !isAllowed || list == "('simple', 'text')" || list == "('kernel')" {
            #expect(sentence != nil || isAllowed, "\(sql)")
          } else {
            #expect(sentence == nil, "\(sql): \(sentence ?? "")")
          }
        }
      }
    }
    #expect(directory.contents == ["matrix.db"])
  }

  /// A database's own schema may name modules and functions; neither is reached, and what
  /// a user adds of ordinary tables and views can be asked.
  @Test func aHostileSchemaReachesNoModule() throws {
    let queue = try DatabaseQueue(path: database.path)
    try queue.inDatabase { database in
      try database.execute(
        sql: """
          CREATE VIRTUAL TABLE trap USING fts3 (a);
          CREATE VIRTUAL TABLE box USING rtree (id, a, b);
          CREATE VIEW evil AS SELECT fts3_tokenizer('simple') AS pointer;
          CREATE VIEW mine AS SELECT name FROM kernel;
          CREATE TABLE notes (text); INSERT INTO notes VALUES ('kept');
          """)
    }
    try queue.close()
    let database = try MatrixDatabase(path: database.path)
    for sql in [
      "SELECT * FROM trap", "SELECT count(*) FROM trap", "SELECT * FROM box", "SELECT * FROM evil",
      "SELECT count(pointer) FROM evil", "SELECT a FROM trap WHERE trap MATCH 'x'",
    ] {
      #expect(throws: StoreError.self, "\(sql)") {
        _ = try ReadOnlyQuery(sql: sql).run(on: database)
      }
    }
    for sql in ["SELECT * FROM notes", "SELECT count(*) FROM mine", "SELECT count(*) FROM notes"] {
      #expect(try ReadOnlyQuery(sql: sql).run(on: database).rows.count >= 1, "\(sql)")
    }
    #expect(throws: Never.self) { _ = try DatabaseInfo(database) }
  }

  /// What questions need stays.
  @Test(arguments: [
    "WITH secret AS (SELECT 1 AS a) SELECT count(*) FROM secret",
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 9) SELECT sum(x) FROM c",
    "SELECT rank() OVER (ORDER BY name), lag(name) OVER (ORDER BY id) FROM kernel",
    "SELECT printf('%05d %s', 7, 'x'), date('now'), sqrt(2.0), group_concat(name, ',') FROM kernel",
    "SELECT value FROM json_each('[1, 2]')", "SELECT count(*) FROM json_tree('{\"a\": 1}')",
    "SELECT json_extract('{\"a\": 1}', '$.a'), '[1]' -> 0, '[1]' ->> 0",
    "SELECT name, sql FROM sqlite_schema", "SELECT count(*) FROM sqlite_master",
    "SELECT name FROM kernel WHERE name LIKE 'v%' OR name GLOB '7*'",
    "EXPLAIN QUERY PLAN SELECT * FROM behavior", "EXPLAIN SELECT * FROM behavior",
    "SELECT count(*) FROM (SELECT DISTINCT verdict FROM behavior)", "VALUES (1), (2)",
    "SELECT * FROM description WHERE object = 'behavior'", "SELECT CURRENT_TIMESTAMP, random()",
  ])
  func ordinaryQuestionsAreAnswered(sql: String) {
    #expect(sentence(sql) == nil)
  }

  /// A value that one call would make is bounded: nothing could stop the call.
  @Test(arguments: [
    "SELECT zeroblob(64000000)", "SELECT hex(zeroblob(1000000))", "SELECT randomblob(2000000)",
    "SELECT replace(hex(zeroblob(200000)), '0', 'aaaaaaaaaaaa')",
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 99) SELECT group_concat(hex(zeroblob(9999))) FROM c",
  ])
  func longValuesAreRefused(sql: String) throws {
    #expect(try #require(self.sentence(sql)).contains("longer than 1 MiB; ask for a part of it"))
  }

  /// Each flag of the connection is what the code says, whatever SQLite's build.
  @Test func theConnectionIsRestricted() throws {
    try database.queue.read { connection in
      let modules = try String.fetchAll(connection, sql: "PRAGMA module_list")
      #expect(
        Set(modules).subtracting(ConnectionSafety.modules).allSatisfy { $0.hasPrefix("pragma_") })
      let trusted = try Int.fetchOne(connection, sql: "PRAGMA trusted_schema")
      #expect(trusted == 0)
      #expect(throws: DatabaseError.self) {
        try connection.execute(sql: "ATTACH '/tmp/dmamatrix-none.db' AS other")
      }
    }
  }
}
