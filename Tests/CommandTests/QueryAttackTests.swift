import Foundation
import Testing

/// Statements that want time and memory where nothing counts them.
@Suite struct QueryAttackTests {
  private let commands: CommandTests

  init() throws {
    commands = try CommandTests()
    let small = ["generate", "--platform", "x86", "--kernel", "7.3", "--op", "map", "--quiet"]
    #expect(try commands.run(small).status == 0)
  }

  /// One call that makes much, and an answer that becomes more as text: one sentence.
  @Test(arguments: [
    ["SELECT \(Array(repeating: "zeroblob(64000000)", count: 15).joined(separator: ", "))"],
    ["SELECT hex(zeroblob(64000000))", "--format", "json"],
    [endless("zeroblob(1000000)"), "--format", "csv"], [endless("zeroblob(1000000)")],
    ["SELECT printf('%.*c', 64000000, 'x')"], ["SELECT format('%64000000d', 1)"],
    ["SELECT fts3_tokenizer('simple')"],
    ["SELECT fts3_tokenizer('simple', x'41'), rtreecheck('main', 'fts3tokenize')"],
  ])
  func muchIsRefusedInOneSentence(arguments: [String]) throws {
    let run = try commands.run(["query"] + arguments + ["--limit", "0", "--timeout", "60"])
    #expect(run.status == 2 && run.output.isEmpty)
    #expect(run.error.hasPrefix("dmamatrix: query: "))
    #expect(run.error.split(separator: "\n").count == 1, "\(run.error)")
  }

  private static func endless(_ value: String) -> String {
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT \(value) FROM c"
  }

  /// SQLite asks between its steps whether it shall go on, and a call of a function is one:
  /// these take half a minute or more, and then have an answer.
  @Test(arguments: [
    "SELECT instr(hex(zeroblob(500000)), hex(zeroblob(250000)) || 'b')",
    "SELECT replace(hex(zeroblob(500000)), hex(zeroblob(250000)) || 'b', 'c') = ''",
    "SELECT count(*) FROM kernel WHERE instr(hex(zeroblob(500000)), hex(zeroblob(250000)) || name)",
  ])
  func oneCallIsStopped(sql: String) throws {
    let run = try commands.run(["query", sql, "--timeout", "0.05"])
    #expect(run.status == 2 && run.output.isEmpty)
    #expect(
      run.error
        == "dmamatrix: query: stopped after 0.05 s; --timeout 0 lifts the limit; sum(combinations) "
        + "of behavior_count or behavior_span counts without walking every mask\n")
  }

  /// 200 MB, made at once, are 400 MB of text, which is made longer than allowed.
  @Test func theTimeLimitCoversTheText() throws {
    let sql = Self.endless("zeroblob(1000000)") + " LIMIT 200"
    let run = try commands.run(["query", sql, "--limit", "0", "--timeout", "0.01"])
    #expect(run.status == 2 && run.error.contains("query: stopped after 0.01 s"))
  }
}
