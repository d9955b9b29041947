import CSQLite
import Foundation
import Testing

/// Every input in Seeds/ goes to its target: real files cut short, inputs that once
/// crashed, hung or broke a promise, and the smallest that fuzzing found for the
/// branches of a parser (Tests/Fuzz/run.sh).
@Suite struct SeedTests {
  private static let seeds = Bundle.module.resourceURL?.appendingPathComponent("Seeds")

  @Test(arguments: targets.keys.sorted())
  func noSeedBreaksAPromise(name: String) throws {
    let target = try #require(targets[name])
    let directory = try #require(Self.seeds).appendingPathComponent(name)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(!files.isEmpty)
    for file in files.sorted() {
      let bytes = try Data(contentsOf: directory.appendingPathComponent(file))
      // Many small inputs, one in base64 on each line.
      let inputs =
        file == "found.b64"
        ? String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
          Data(base64Encoded: String($0))
        } : [bytes]
      for (index, input) in inputs.enumerated() {
        let input = try #require(input, "\(name)/\(file):\(index + 1)")
        #expect(throws: Never.self, "\(name)/\(file):\(index + 1)") {
          try run(target, on: Array(input))
        }
      }
    }
  }

  /// A promise that is broken is noticed.
  @Test func violationsAreSeen() {
    for sentence in ["two\nlines", "\u{1b}[2J", String(repeating: "x", count: 5000)] {
      #expect(throws: Violation.self) { try run({ _ in sentence }, on: []) }
    }
  }

  /// What the authorizer keeps out is noticed where it does not.
  @Test(arguments: [
    ("SELECT load_extension('x')", "called"), ("SELECT fts3_tokenizer('simple')", "called"),
    ("SELECT 1 WHERE sqlite_compileoption_used('X')", "called"), ("CREATE TABLE a (b)", "wrote"),
    ("WITH a AS (SELECT 1) DELETE FROM t", "wrote"), ("VACUUM INTO 'x'", "wrote"),
    (" ; INSERT INTO t VALUES (1)", "wrote"), ("ATTACH 'x' AS y", "called"),
    ("SELECT * FROM pragma_table_list", "read"),
    ("SELECT count(*) FROM pragma_user_version", "read"),
    ("PRAGMA journal_mode = WAL", "wrote"),
  ])
  func whatAQuestionMayNotDoIsSeen(sql: String, word: String) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("dmamatrix-program-\(UUID().uuidString)").path
    defer { unlink(path) }
    var connection: OpaquePointer?
    #expect(sqlite3_open(path, &connection) == SQLITE_OK)
    #expect(sqlite3_exec(connection, "CREATE TABLE t (c)", nil, nil, nil) == SQLITE_OK)
    sqlite3_close(connection)
    let program = try #require(QuestionProgram(sql, databasePath: path))
    let violation = #expect(throws: Violation.self) { try program.check() }
    #expect(violation?.description.hasPrefix(word) == true, "\(sql)")
    for sql in ["SELECT max(c), upper('a') FROM t", "SELECT value FROM json_each('[]')"] {
      let program = try #require(QuestionProgram(sql, databasePath: path))
      #expect(throws: Never.self) { try program.check() }
    }
  }
}
