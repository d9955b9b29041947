import Foundation
import GRDB
import TestSupport
import Testing

/// JSON as programs read it.
extension CommandTests {
  /// Keys that have text even where all of it looks like numbers: names of versions and trees,
  /// axes and answers that also have words (`same`, `none`, `max`, `accepted`), masks of a
  /// driver, which may be two (`64/40`), and values of provenance. They are text in the database too.
  private static let words: Set = [
    "kernel", "kernels", "base", "since", "tree", "masks", "version", "boot", "release", "against",
    "from", "to",
    "coherent", "external", "coherent_mask", "bus_limit", "max_map", "dma", "unmap_copy", "value",
  ]

  /// Every string that is a number, with the key that it stands behind, but for words.
  func numbersAsText(in object: Any, behind key: String = "") -> [(key: String, text: String)] {
    switch object {
    case let object as [String: Any]:
      return object.flatMap { numbersAsText(in: $0.value, behind: $0.key) }
    case let list as [Any]: return list.flatMap { numbersAsText(in: $0, behind: key) }
    case let text as String
    where text.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?/) != nil && !Self.words.contains(key):
      return [(key, text)]
    default: return []
    }
  }

  /// The commands whose `--format` has a value, by the parser's own description.
  private func commandsWithFormat(_ format: String) throws -> Set<String> {
    let help = try run(["--experimental-dump-help"]).output
    let object = try JSONSerialization.jsonObject(with: Data(help.utf8)) as? [String: Any]
    let root = object?["command"] as? [String: Any]
    let commands = try #require(root?["subcommands"] as? [[String: Any]])
    return Set(
      commands.filter { command in
        (command["arguments"] as? [[String: Any]] ?? []).contains { argument in
          argument["valueName"] as? String == "format"
            && (argument["abstract"] as? String ?? "").contains(format)
        }
      }.compactMap { $0["commandName"] as? String })
  }

  /// Whether a key, somewhere, has at least one number.
  private func hasNumber(_ object: Any, behind key: String) -> Bool {
    switch object {
    case let object as [String: Any]:
      return object.contains {
        $0.key == key && ($0.value is NSNumber || ($0.value as? [NSNumber])?.isEmpty == false)
          || hasNumber($0.value, behind: key)
      }
    case let list as [Any]: return list.contains { hasNumber($0, behind: key) }
    default: return false
    }
  }

  /// A number is a number in whatever command prints JSON, as in the database: the
  /// commands are those whose formats have json, and one that is not asked here fails.
  @Test func numbersAreNumbers() throws {
    #expect(
      try run(["generate", "--platform", "sev,x86-sme47", "--kernel", "7.2,7.3"]).status == 0)
    let tree = directory + "/linux"
    try DriverTree.write(to: tree)
    let log = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(
        "ObservationsTests/Logs/6.1.0-53-amd64-none-default-6G.log.gz")
    #expect(try run(["observe", log.path]).status == 0)
    let machine = try writeMachine()
    let part = ["--platform", "x86-sme47", "--op", "map,alloc", "--format", "json"]
    let asked: [(arguments: [String], number: String)] = [
      (["explain", "--kernel", "7.2", "--platform", "x86-sme47", "--format", "json"], "mask_last"),
      (
        ["explain", "--kernel", "7.2", "--platform", "sev", "--mask", "40", "--format", "json"],
        "mask_first"
      ),
      (["query", "--format", "json", "SELECT * FROM behavior LIMIT 2000"], "mask"),
      (["query", "--format", "json", "SELECT * FROM boot"], "force_bounce"),
      (["query", "--format", "json", "SELECT * FROM life_cycle LIMIT 2000"], "mask_last"),
      (["compare", "7.2", "7.3"] + part, "mask"),
      (["check", "--kernel", "v6", "--base", "7.2"] + part, "mask"),
      (
        [
          "check", "--kernel", "v6", "--base", "7.2", "--platform", "x86-sme47", "--format",
          "sarif",
        ],
        ""
      ),
      (["drivers", "--tree", tree, "--format", "json"], "line"),
      (["disagreements", "--format", "json"], "observations"),
      (["host", "--root", machine, "--kernel", "7.3", "--format", "json"], "dma_mask_bits"),
    ]
    // observe prints the traffic that host has; review is asked where it has a repository.
    let commands = try commandsWithFormat("json")
    #expect(commands == Set(asked.compactMap(\.arguments.first)).union(["observe", "review"]))
    for (arguments, number) in asked {
      let output = try run(arguments).output
      let object = try JSONSerialization.jsonObject(
        with: Data(output.utf8), options: .fragmentsAllowed)
      let strings = numbersAsText(in: object)
      #expect(strings.isEmpty, "\(arguments): \(strings.prefix(5))")
      if !number.isEmpty { #expect(hasNumber(object, behind: number), "\(arguments): \(number)") }
    }
    for spans in [[], ["--spans"]] {
      let lines = try run(["export", "jsonl", "--platform", "sev", "--op", "map"] + spans).output
      for line in lines.split(separator: "\n").prefix(500) {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        #expect(numbersAsText(in: object).isEmpty)
        #expect(hasNumber(object, behind: spans.isEmpty ? "mask" : "mask_first"))
      }
    }
    #expect(try run(["export", "datasette", "site"]).status == 0)
    let settings = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: directory + "/site/settings.json")))
    #expect(numbersAsText(in: settings).isEmpty && hasNumber(settings, behind: "sql_time_limit_ms"))
  }

  /// The types of the database are those of JSON: a column of whole numbers has no text.
  @Test func jsonHasTheTypesOfTheDatabase() throws {
    #expect(try run(["generate", "--platform", "sev", "--kernel", "7.3"]).status == 0)
    // By SQLite itself: query reads no PRAGMA.
    let columns = try DatabaseQueue(path: directory + "/matrix.db").read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT t.name AS "table", c.name AS "column" FROM pragma_table_list AS t,
            pragma_table_xinfo(t.name) AS c
          WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite%' AND c.type = 'INTEGER'
          """
      ).map { (table: $0["table"] as String, name: $0["column"] as String) }
    }
    #expect(columns.count > 40)
    for (table, name) in columns {
      let rows = try run([
        "query", "--format", "json", "SELECT \"\(name)\" AS value FROM \"\(table)\" LIMIT 20",
      ])
      let values =
        try JSONSerialization.jsonObject(with: Data(rows.output.utf8)) as? [[String: Any]]
      for row in try #require(values) {
        #expect(row["value"] is NSNumber || row["value"] is NSNull, "\(table).\(name)")
      }
    }
  }
}
