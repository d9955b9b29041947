import DMAModel
import EmbeddedSchema
import GRDB
import Support

/// A question of schema/queries: SQL with a title, a description and parameters
/// that have defaults.
public struct NamedQuery: Sendable, Equatable {
  /// A parameter of the statement.
  public struct Parameter: Sendable, Equatable {
    public let name: String
    /// The default.
    public let value: String
    /// The dimension whose names are accepted; `scenario` for keys.
    public let table: String
    /// What it means.
    public let summary: String
  }

  /// What `--named` takes.
  public let name: String
  /// The question, in one line.
  public let title: String
  /// What it is about, one of ``groups``.
  public let group: String
  /// What the answer means, in a few sentences.
  public let summary: String
  public let parameters: [Parameter]
  /// One SELECT, without its heading comment.
  public let sql: String

  /// Every named query, by name.
  public static let all: [NamedQuery] = Schema.queries.map { NamedQuery($0.name, text: $0.text) }

  /// What named queries are about, in the order of a list.
  public static let groups = [
    "Boots and scenarios", "Masks and bounces", "Memory encryption", "Drivers of a kernel tree",
    "A fleet",
  ]

  /// The query called `name`.
  public static func named(_ name: String) -> NamedQuery? { all.first { $0.name == name } }

  /// Reads a file of schema/queries.
  ///
  /// The file begins with comment lines `-- title: …`, `-- group: …`, `-- description: …` and
  /// `-- param: name = default | dimension | meaning`; `--` and three blanks
  /// continue the line before.
  init(_ name: String, text: String) {
    self.name = name
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    var fields: [(key: String, value: String)] = []
    let comments = lines.prefix { $0.hasPrefix("--") }
    for line in comments {
      let content = line.dropFirst(2)
      if content.hasPrefix("   "), let last = fields.indices.last {
        fields[last].value += " " + content.dropFirst(3)
      } else if let colon = content.firstIndex(of: ":") {
        let key = content[..<colon].drop { $0 == " " }
        let value = content[content.index(after: colon)...].drop { $0 == " " }
        fields.append((String(key), String(value)))
      }
    }
    title = fields.first { $0.key == "title" }?.value ?? ""
    group = fields.first { $0.key == "group" }?.value ?? ""
    summary = fields.first { $0.key == "description" }?.value ?? ""
    parameters = fields.filter { $0.key == "param" }.map { _, text in
      let parts = text.split(separator: "|").map(Self.trimmed)
      let sides = parts.first?.split(separator: "=", maxSplits: 1).map { Self.trimmed($0) } ?? []
      return Parameter(
        name: sides.first ?? "", value: sides.dropFirst().first ?? "",
        table: parts.dropFirst().first ?? "", summary: parts.dropFirst(2).first ?? "")
    }
    sql = lines.dropFirst(comments.count).joined(separator: "\n")
  }

  /// Asks the question.
  ///
  /// - Parameter values: Values of parameters; the others have their defaults.
  /// - Throws: ``StoreError/query(_:)`` for a parameter that the question does not
  ///   have, and for a value that its dimension does not hold: the answer would
  ///   be empty without saying why.
  public func query(
    on database: MatrixDatabase, values: [String: String], timeLimit: Double, rowLimit: Int
  ) throws(StoreError) -> ReadOnlyQuery {
    for name in values.keys.sorted() where !parameters.contains(where: { $0.name == name }) {
      let accepted = parameters.map(\.name).joined(separator: ", ")
      throw .query("'\(self.name)' has no parameter '\(name)'; accepted: \(accepted)")
    }
    var bound: [String: String] = [:]
    for parameter in parameters {
      var value = values[parameter.name] ?? parameter.value
      if parameter.table == Self.scenario {
        try checkScenario(value, of: parameter, in: database)
        bound[parameter.name] = value
        continue
      }
      let names = try database.read { database in
        try String.fetchAll(database, sql: "SELECT name FROM \(parameter.table) ORDER BY rowid")
      }
      if names.isEmpty, let command = Self.fillers[parameter.table] {
        throw .query(
          "'\(database.path.printable)' has nothing for \(self.name) yet; '\(command)' adds it")
      }
      // The newest kernel, or what was stored last.
      if value == Self.newest, !names.contains(value), let last = names.last {
        let tree =
          parameter.table == "driver_tree" ? try database.read(DriverStore.newestTree) : nil
        value = tree?.name ?? last
      }
      guard names.contains(value) else {
        throw .query(
          "\(parameter.name) '\(value)' is not in this database; accepted: "
            + names.joined(separator: ", "))
      }
      bound[parameter.name] = value
    }
    return ReadOnlyQuery(sql: sql, parameters: bound, timeLimit: timeLimit, rowLimit: rowLimit)
  }

  /// Checks that a key names a scenario and that the database has each of its values.
  private func checkScenario(
    _ key: String, of parameter: Parameter, in database: MatrixDatabase
  ) throws(StoreError) {
    guard let scenario = Scenario(key: key) else {
      throw .query(
        "\(parameter.name) '\(key.printable)' is no scenario; accepted: "
          + Scenario.axes.joined(separator: "/"))
    }
    for (axis, name) in zip(Scenario.axes, scenario.names) {
      let names = try database.read { database in
        try String.fetchAll(database, sql: "SELECT name FROM \(axis) ORDER BY rowid")
      }
      guard names.contains(name) else {
        throw .query(
          "\(axis) '\(name)' is not in this database; accepted: \(names.joined(separator: ", "))")
      }
    }
  }

  /// In place of a table: the value is the key of a scenario.
  private static let scenario = "scenario"

  /// The value for the last row of a table.
  private static let newest = "newest"

  /// What fills the tables that "generate" leaves empty.
  private static let fillers = [
    "driver_tree": "dmamatrix drivers --store", "fleet_kernel": "dmamatrix host --store",
  ]

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
