import EmbeddedSchema
import GRDB
import Support

/// The tables and views of a file, against those that dmamatrix makes.
///
/// A file from elsewhere may have a view without end where we have a table.  What users
/// add (an index, a view, a full-text table) is none of ours: nothing here reads it, and
/// a database with it can be asked, but neither merged nor added to.
enum StoredSchema {
  /// A row of `sqlite_schema`.
  private struct Object: Hashable {
    let type: String
    let name: String
    let table: String
    let sql: String

    /// As SQLite compares names.
    var key: String { name.lowercased() }
  }

  /// What is made, by key.
  private struct Made {
    /// In every database.
    var matrix: [String: Object] = [:]
    /// Of observations, after each of the migrations.
    var observations: [[String: Object]] = []
  }

  /// From the text: to make a database for it takes longer than any question.
  private static let made: Made = {
    var made = Made()
    made.matrix = objects(madeBy: Schema.tables + Schema.views)
    var observations = objects(
      madeBy: ObservationMigrations.migrationTable.replacing("IF NOT EXISTS ", with: "") + ";")
    for migration in Schema.observationMigrations {
      observations.merge(objects(madeBy: migration.sql)) { _, new in new }
      made.observations.append(observations)
    }
    return made
  }()

  /// What statements that begin and end with a line make, in the form in which SQLite
  /// keeps it.
  private static func objects(madeBy sql: String) -> [String: Object] {
    var objects: [String: Object] = [:]
    var statement: [Substring] = []
    let lines = sql.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for line in lines.map(Substring.init) {
      guard !statement.isEmpty || line.hasPrefix("CREATE ") else { continue }
      statement.append(line)
      guard line.utf8.last == UInt8(ascii: ";") else { continue }
      let words = statement[0].split(separator: " ", maxSplits: 3)
      let (type, name) = (words[1].lowercased(), String(words[2]))
      objects[name] = Object(
        type: type, name: name, table: name,
        sql: String(statement.joined(separator: "\n").dropLast()))
      statement = []
    }
    return objects
  }

  /// Everything with SQL of its own, which the indexes of keys have not.
  private static func objects(
    of schema: String, _ database: Database
  ) throws -> [String: Object] {
    let rows = try Row.fetchAll(
      database,
      sql: """
        SELECT type, name, tbl_name, sql FROM \(schema).sqlite_schema
        WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'
        """)
    let objects = try rows.map { row in
      Object(
        type: try row.text(0), name: try row.text(1), table: try row.text(2),
        sql: try row.text(3))
    }
    return Dictionary(objects.map { ($0.key, $0) }) { first, _ in first }
  }

  /// What is not as dmamatrix makes it, in words; nil where all is.
  ///
  /// - Parameters:
  ///   - schema: The name of an attached database.
  ///   - alone: Whether there must be nothing else.
  static func fault(
    in database: Database, schema: String = "main", alone: Bool = false
  ) throws -> String? {
    let found = try objects(of: schema, database)
    for (key, object) in made.matrix.sorted(by: { $0.key < $1.key }) where found[key] != object {
      return "\(object.type) '\(object.name)' is "
        + (found[key] == nil ? "missing" : "not as dmamatrix makes it")
    }
    let others = found.filter { made.matrix[$0.key] == nil }
    if let fault = observationFault(others) { return fault }
    let observations = made.observations.last ?? [:]
    let added = others.values.filter { observations[$0.key] == nil }.map(\.name).min()
    return alone ? added.map { "'\($0.printable)' is none that dmamatrix makes" } : nil
  }

  /// The same of the tables of observations alone, which a database of another version
  /// may have.
  static func observationFault(in database: Database) throws -> String? {
    observationFault(try objects(of: "main", database))
  }

  private static func observationFault(_ objects: [String: Object]) -> String? {
    let keys = Set(made.observations.flatMap(\.keys))
    let found = objects.filter { keys.contains($0.key) }
    guard found.isEmpty || made.observations.contains(found) else {
      return "the tables of observations are not as dmamatrix makes them"
    }
    return nil
  }
}
