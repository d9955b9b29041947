import DMAModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import MatrixStore

/// Every function that a question may call gets arguments that make much: it answers what
/// SQLite does whose values may be 1000 times as long, or is refused in a sentence.
@Suite struct HugeArgumentsAttackTests {
  let directory: TemporaryDirectory
  let database: MatrixDatabase
  /// A connection without any of the tool's restrictions.
  let plain: DatabaseQueue

  init() throws {
    directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.platforms = [.x86SME47]
    domain.masks = Array(domain.masks.prefix(2))
    domain.operations = [.map]
    _ = try generate(domain, to: directory.file("matrix.db"))
    database = try MatrixDatabase(path: directory.file("matrix.db"))
    plain = try DatabaseQueue()
  }

  private func expected(_ sql: String) throws -> [[QueryValue]] {
    try plain.read {
      try Row.fetchAll($0, sql: sql).map { $0.databaseValues.map(QueryValue.init) }
    }
  }

  /// Whether the question was answered, and then as it is without limits.
  private func isAnswered(_ sql: String) -> Bool {
    guard let answer = try? ReadOnlyQuery(sql: sql, timeLimit: 30).run(on: database).rows else {
      return false
    }
    let isRight = answer == (try? expected(sql))
    // Not as two operands: they would be printed whole.
    #expect(isRight, "\(sql)")
    return true
  }

  /// 700 000 letters, which the bound of 1 MiB lets pass once.
  private static let long = "replace(hex(zeroblob(350000)), '00', 'ab')"

  private static let lists = [
    "@", "@, @", "@, @, @", "@, 'a', 'bbb'", "@, '', 'x'", "@, 'a', @", "'a', @", "'a', 'a', @",
    "@, 1, 3000000", "@, -1, -3000000", "3000000", "3000000, 3000000", "9223372036854775807",
    "-9223372036854775807 - 1, -1", "1.5, 3000000", "zeroblob(900000)", "zeroblob(900000), 'a'",
    "'%.*c', 3000000, 'x'", "'%3000000d', 1", "'%-3000000s|', 'a'", "'%.3000000d', 1",
    "'%.3000000f', 1.5", "'%!.3000000g', 1.5", "'%*.*f', 3000000, 3000000, 1.5",
    "'%*d', -2147483648, 1", "'%02147483647d', 1", "'%s%s', @, @",
    "'%q', replace(@, 'a', '''')", "'%Q', replace(@, 'a', '''')", "'%w', replace(@, 'a', '\"')",
    "'%,.3000000d', 1", "@ || '%s%s', @", "'[\"' || @ || '\"]', '$[0]'", "'[\"' || @ || '\"]'",
    "'[1, 2]', '$[#]', @", "'{}', '$.a', @", "'{}', '$.a', @, '$.b', @", "'{\"a\": 1}', @",
    "'[' || substr(replace(@, 'a', '1,'), 1, 600001) || '1]'", "replace(@, 'a', '\"')",
    "replace(@, 'ab', char(1))", "'%Y' || @, '2024-01-01'", "replace(@, 'ab', '%J'), 1.5",
  ]

  @Test func everyAllowedFunctionAnswersOrIsRefused() throws {
    let names = try plain.read {
      try String.fetchAll($0, sql: "SELECT DISTINCT name FROM pragma_function_list ORDER BY 1")
    }
    // Two calls of these differ.
    let allowed = names.filter {
      QueryFunctions.allowed.contains($0.lowercased()) && !$0.hasPrefix("random")
    }
    #expect(allowed.count > 80)
    var (answered, refused) = (0, 0)
    let three = "(VALUES (1), (2), (3))"
    for name in allowed {
      for list in Self.lists {
        let call = "\"\(name)\"(\(list.replacing("@", with: Self.long)))"
        for form in ["\(call)", "\(call) FROM \(three)", "\(call) OVER () FROM \(three)"] {
          if isAnswered("SELECT " + form) { answered += 1 } else { refused += 1 }
        }
      }
    }
    print("\(answered) calls answered as without limits, \(refused) refused")
    #expect(answered > 300 && refused > 300)
  }

  /// What is no call: operators, casts and JSON's tables.
  @Test(arguments: [
    "@ || @", "@ || @ || @", "CAST(zeroblob(900000) AS TEXT)", "CAST(@ || @ AS INTEGER)",
    "('[\"' || @ || '\"]') -> 0", "('[\"' || @ || '\"]') ->> 0", "@ LIKE 'a%'", "@ GLOB 'a*b'",
    "@ = @", "@ COLLATE NOCASE > @", "@ IN (@, 'a')", "CASE WHEN @ THEN @ || @ ELSE 1 END",
    "(SELECT value FROM json_each('[\"' || @ || '\"]'))",
    "(SELECT group_concat(value) FROM json_each('[\"' || @ || '\", 1]'))",
  ])
  func everyOperatorAnswersOrIsRefused(expression: String) {
    _ = isAnswered("SELECT " + expression.replacing("@", with: Self.long))
  }

  /// Of two functions that are ours, every format of a small domain is SQLite's answer.
  @Test(arguments: ["printf", "format"])
  func formatsAreThoseOfSQLite(name: String) throws {
    var count = 0
    let values = [
      "NULL", "0", "-7", "12345", "2.5", "-1e300", "''", "'it''s \"x\"'", "x'41004200'",
    ]
    for conversion in "diufFeEgGxXoscqQwpnz%k" {
      for flag in ["", "-", "+", " ", "0", "#", ",", "!", "l", "ll"] {
        for size in ["", "9", ".3", "9.3", "*", "300.200"] {
          let format = "%\(flag)\(size)\(conversion)"
          let columns = values.flatMap { value in
            ["'\(format)', \(value)", "'a\(format)b', 12, \(value)", "'\(format)'"]
          }.map { "\(name)(\($0))" }
          #expect(isAnswered("SELECT " + columns.joined(separator: ", ")), "\(format)")
          count += columns.count
        }
      }
    }
    #expect(count > 30_000)
    for list in [
      "", "NULL", "NULL, 1", "''", "'', 1", "'%s', ''", "'%n'", "'%'", "'a%'", "7", "2.5",
      "x'25',1",
      "'%s' || char(0) || '%d', 1, 2", "char(37) || 's', char(955, 128512)", "'%c%5c', 'λ', '😀'",
    ] {
      #expect(isAnswered("SELECT \(name)(\(list)), typeof(\(name)(\(list)))"), "\(list)")
    }
  }

  /// At the bound itself: SQLite counts the byte that ends a text.
  @Test func theBoundIsExact() throws {
    for name in ["printf", "format"] {
      #expect(isAnswered("SELECT \(name)('%.*c', \(1 << 20 - 1), 'x')"))
      #expect(!isAnswered("SELECT \(name)('%.*c', \(1 << 20), 'x')"))
    }
  }

  /// In a view of the file, in an index of the planner's choice, and more than once.
  @Test func viewsMayFormat() throws {
    let queue = try DatabaseQueue(path: database.path)
    try queue.inDatabase {
      try $0.execute(
        sql: """
          CREATE VIEW mine AS SELECT printf('%.*c', 2, name) AS a FROM kernel;
          CREATE VIEW huge AS SELECT printf('%.*c', 64000000, name) AS a FROM kernel
          """)
    }
    try queue.close()
    let database = try MatrixDatabase(path: database.path)
    #expect(try ReadOnlyQuery(sql: "SELECT a FROM mine").run(on: database).rows.count > 1)
    for sql in [
      "SELECT a FROM huge", "SELECT count(a) FROM huge", "SELECT 1 FROM huge WHERE a > 1",
    ] {
      do {
        _ = try ReadOnlyQuery(sql: sql).run(on: database)
        Issue.record("\(sql) was answered")
      } catch {
        #expect(error.description.contains("longer than 1 MiB; ask for a part of it"), "\(sql)")
      }
    }
  }
}
