import Foundation
import GRDB
import Testing

/// Databases of somebody who means harm, and what a database is not taken for.
extension CommandTests {
  /// Changes rows past types, checks and keys, which the schema has again afterwards.
  private func damage(_ sql: String) throws {
    let queue = try DatabaseQueue(path: directory + "/matrix.db")
    try queue.inDatabase { database in
      try database.execute(
        sql: """
          PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
          PRAGMA writable_schema = ON;
          CREATE TEMP TABLE kept AS SELECT name, sql FROM main.sqlite_schema;
          UPDATE main.sqlite_schema SET sql = replace(replace(replace(
            sql, ' STRICT, WITHOUT', ' WITHOUT'), ' STRICT', ''), ' NOT NULL', '') WHERE type = 'table';
          PRAGMA writable_schema = RESET;
          \(sql);
          PRAGMA writable_schema = ON;
          UPDATE main.sqlite_schema AS s SET sql =
            (SELECT k.sql FROM kept k WHERE k.name = s.name) WHERE type = 'table';
          """)
    }
    try queue.close()
  }

  /// A value of another type, none, or one that no axis has: status 1 and one sentence,
  /// and no crash, no wait and no wrong answer.
  @Test(
    arguments: [
      ("UPDATE provenance SET value = x'ff'", ["info", "info --check", "report html -o x"]),
      ("UPDATE outcome SET warn = NULL", ["export csv", "export jsonl -o x", "report html -o x"]),
      ("UPDATE outcome SET verdict = NULL", ["report versions --platform sev", "export csv -o x"]),
      ("UPDATE description SET text = NULL", ["export datasette x"]),
      ("UPDATE boot SET platform = 'nonesuch' WHERE platform = 'sev'", ["report html -o x"]),
      ("DELETE FROM platform", ["report html -o x"]),
      ("DELETE FROM device", ["report html -o x"]),
      ("UPDATE circumstance SET fill = NULL", ["report html -o x"]),
      (
        "UPDATE profile_span SET mask_last = 4000000000000000000",
        ["report versions --platform sev", "export csv", "report html -o x"]
      ),
      (
        "UPDATE profile_span SET mask_last = 23",
        ["report versions --platform sev", "export csv -o x", "report html -o x"]
      ),
      (
        """
        DROP TABLE provenance; CREATE VIEW provenance(key, value) AS WITH RECURSIVE
          c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) SELECT x, x FROM c
        """, ["info", "info --check", "query SELECT", "report html -o x"]
      ),
    ] as [(String, [String])])
  func damageIsSaid(sql: String, commands: [String]) throws {
    let part = ["--platform", "sev,x86", "--kernel", "v6", "--op", "map"]
    #expect(try run(["generate"] + part).status == 0)
    try damage(sql)
    for command in commands {
      let run = try run(command.split(separator: " ").map(String.init))
      #expect(run.status == 1, "\(command): \(run.status)")
      #expect(run.error.hasPrefix("dmamatrix: matrix.db: is truncated or damaged ("))
      #expect(run.error.split(separator: "\n").count == 1, "\(run.error)")
      #expect(contents == ["matrix.db"])
    }
  }

  /// `info --check` says what was changed behind the maker's back, status 1.
  /// No report, export, policy or baseline takes the place of a database.
  @Test func noOutputReplacesADatabase() throws {
    #expect(try run(["generate", "--platform", "x86", "--kernel", "7.3"]).status == 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: directory + "/matrix.db"))
    for arguments in [
      ["report", "html", "-o", "matrix.db"], ["export", "csv", "-o", "matrix.db"],
      ["report", "versions", "--platform", "x86", "-o", "./matrix.db"],
      ["check", "--platform", "x86", "--write-baseline", "matrix.db"],
      [
        "solve", "--from", "v6", "--base", "7.2", "--platform", "x86", "--knob", "M9",
        "--emit-policy", "matrix.db",
      ],
    ] {
      let refused = try run(arguments)
      #expect(refused.status == 2 && refused.output.isEmpty, "\(arguments)")
      #expect(refused.error.contains("matrix.db: is a database; expected another file"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: directory + "/matrix.db")) == before)
    }
  }

  /// What the database does not have is said, not left out.
  @Test func whatADatabaseLacksIsSaid() throws {
    #expect(try run(["generate", "--platform", "x86", "--kernel", "7.3,v6"]).status == 0)
    for arguments in [
      ["export", "csv", "--kernel", "v7,v6"], ["export", "jsonl", "--kernel", "v6+P03"],
      ["report", "versions", "--platform", "x86", "--kernel", "v7"],
      ["report", "map", "--platform", "x86", "--kernel", "v7", "--format", "svg"],
    ] {
      let refused = try run(arguments)
      #expect(refused.status == 2 && refused.output.isEmpty, "\(arguments)")
      #expect(refused.error.contains("accepted: v6, 7.3"), "\(refused.error)")
    }
    let empty = try run(["export", "csv", "--mask", "24", "--op", "alloc", "--buf", "low"])
    #expect(empty.status == 2 && empty.output.isEmpty)
    #expect(empty.error.contains("has no combination that these filters keep"))
    let defaults = try run(["report", "platform"])
    // The one platform that it has is no choice, and named.
    #expect(defaults.status == 0 && defaults.output.contains("Fixed: kernel=7.3, platform=x86,"))

    #expect(try run(["generate", "--kernel", "v6", "--shard", "1/2", "-d", "1.db"]).status == 0)
    let part = try run(["export", "csv", "-d", "1.db", "--op", "map", "--mask", "32"])
    #expect(part.status == 0 && part.error.contains("1.db is part 1/2 of a matrix"))
  }
}
