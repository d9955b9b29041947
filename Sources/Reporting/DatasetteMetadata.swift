import Foundation
import GRDB
import MatrixStore
import Support
import Yams

/// What Datasette needs to show a database well, from one source: the named
/// queries, the facets, and the meanings that the table `description` holds.
///
/// Source: docs.datasette.io, "Metadata" (0.65) and "Configuration" (1.0).
public struct DatasetteMetadata: Sendable {
  /// The name of the database in Datasette: its file name without extension.
  public let name: String
  private let tables: [String: (text: String, columns: [String: String])]
  /// The named queries that the database has tables for, by group.
  private let named: [NamedQuery]

  /// Reads the descriptions of a database.
  public init(name: String, _ database: MatrixDatabase) throws(StoreError) {
    self.name = name
    (tables, named) = try database.read { connection in
      var tables: [String: (text: String, columns: [String: String])] = [:]
      let rows = try Row.fetchCursor(
        connection, sql: "SELECT object, \"column\", text FROM description")
      while let row = try rows.next() {
        let (object, column): (String, String) = (try row.text(0), try row.text(1))
        var table = tables[object] ?? ("", [:])
        if column.isEmpty {
          table.text = try row.text(2)
        } else {
          table.columns[column] = Self.note(on: column, try row.text(2))
        }
        tables[object] = table
      }
      let known = NamedQuery.all.filter { query in
        (try? connection.makeStatement(sql: query.sql)) != nil
      }
      return (tables, NamedQuery.groups.flatMap { group in known.filter { $0.group == group } })
    }
  }

  /// What a column says, with the meaning of each of its values.
  private static func note(on column: String, _ text: String) -> String {
    guard let axis = AxisDescription.all.first(where: { $0.name == column }) else { return text }
    return text + ": "
      + axis.values.map { "\($0.name) = \($0.summary)" }.joined(separator: "; ")
  }

  /// Keeps notes and facets from pushing the rows off the first screen; a data URL, for a
  /// file would need an option of the server.
  private static var styleSheet: Node {
    let style = """
      dl.column-descriptions{max-height:6em;overflow:auto;columns:24em}\
      .facet-results{max-height:9em;overflow:auto}.suggested-facets{max-height:3em;overflow:auto}
      """
    let kept = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
    let escaped = style.addingPercentEncoding(withAllowedCharacters: kept) ?? ""
    return .sequence([Node("data:text/css,\(escaped)")])
  }

  /// Columns that Datasette counts beside the rows.
  private static let facets = ["kernel", "platform", "iommu", "swiotlb", "verdict", "exposure"]

  /// Milliseconds: the views have millions of rows.
  private static let limits = [
    ("sql_time_limit_ms", 20000), ("facet_time_limit_ms", 10000), ("max_returned_rows", 5000),
  ]

  private static var settings: Node.Mapping {
    Node.Mapping(limits.map { (Node($0.0), Node(String($0.1))) })
  }

  /// `settings.json`: what 0.65 reads of a directory that it serves.
  public func directorySettings() -> String {
    "{\(Self.limits.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", "))}\n"
  }

  /// `metadata.yaml`: everything that 0.65 reads; 1.0 takes the descriptions.
  public func metadata() throws -> String {
    var database: Node.Mapping = ["description": "One row of behavior for each combination."]
    database["tables"] = tableNode { table in
      let columns = table.value.columns.sorted { $0.key < $1.key }
      var node: Node.Mapping = ["description": Node(table.value.text)]
      node["columns"] = .mapping(
        Node.Mapping(columns.map { (Node($0.key), Node($0.value)) }))
      if let facets = facets(of: table.key) { node["facets"] = facets }
      return node
    }
    database["queries"] = queries
    return try serialize([
      "title": "dmamatrix: what Linux does with a DMA mapping",
      "extra_css_urls": Self.styleSheet,
      "databases": .mapping([Node(name): .mapping(database)]),
    ])
  }

  /// `datasette.yaml`: the configuration of 1.0.
  public func configuration() throws -> String {
    var database: Node.Mapping = ["queries": queries]
    database["tables"] = tableNode { table in
      facets(of: table.key).map { ["facets": $0] }
    }
    return try serialize([
      "settings": .mapping(Self.settings), "extra_css_urls": Self.styleSheet,
      "databases": .mapping([Node(name): .mapping(database)]),
    ])
  }

  private func tableNode(
    _ node: ((key: String, value: (text: String, columns: [String: String]))) -> Node.Mapping?
  ) -> Node {
    .mapping(
      Node.Mapping(
        tables.sorted { $0.key < $1.key }.compactMap { table in
          node(table).map { (Node(table.key), .mapping($0)) }
        }))
  }

  private func facets(of table: String) -> Node? {
    guard table == "behavior_span" else { return nil }
    return .sequence(Node.Sequence(Self.facets.map { Node($0) }))
  }

  /// Datasette binds the parameters of the page's form as text; a default is
  /// what an empty field gets.
  private var queries: Node {
    .mapping(
      Node.Mapping(
        named.map { query in
          (
            Node(query.name),
            .mapping([
              "title": Node("\(query.group): \(query.title)"), "description": Node(query.summary),
              "params": .sequence(Node.Sequence(query.parameters.map { Node($0.name) })),
              "sql": Node(query.sqlWithDefaults, Tag(.str), .literal),
            ])
          )
        }))
  }

  private func serialize(_ node: Node.Mapping) throws -> String {
    try Yams.serialize(node: .mapping(node), width: -1)
  }
}

extension NamedQuery {
  /// The statement with each `:name` replaced so that an empty value means the
  /// default.
  var sqlWithDefaults: String {
    parameters.reduce(sql) { sql, parameter in
      let mark = ":\(parameter.name)"
      let value = "ifnull(nullif(\(mark), ''), '\(parameter.value)')"
      var parts = sql.components(separatedBy: mark)
      let first = parts.removeFirst()
      return parts.reduce(first) { text, part in
        let isLonger = part.first.map { $0.isLetter || $0 == "_" } ?? false
        return text + (isLonger ? mark : value) + part
      }
    }
  }
}
