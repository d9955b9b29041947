import GRDB
import MatrixStore

extension ExplorerData {
  /// The drivers of a kernel tree: how many may map with which mask, and each with its
  /// masks.
  struct Drivers: Encodable {
    let tree: String
    /// The files that set a mask.
    let total: Int
    /// By bits, of those whose masks are decided.
    let counts: [String: Int]
    /// The files whose masks are decided, by name.
    let files: [DriverFile]
  }

  /// A driver's file with the pairs of masks that it may end with.
  struct DriverFile: Encodable {
    let name: String
    /// Bits of the streaming mask, then the name on the axis of coherent masks; a pair
    /// that the axes do not have is left out.
    var pairs: [[String]] = []
  }

  /// What `dmamatrix drivers --store` has added: the streaming masks of the named query
  /// mask-histogram, and the pairs of each file.
  static func drivers(_ database: Database) throws -> Drivers? {
    guard try database.tableExists("driver_tree"),
      let (id, name) = try DriverStore.newestTree(database)
    else { return nil }
    guard let query = NamedQuery.named("mask-histogram") else { return nil }
    let rows = try Row.fetchAll(database, sql: query.sql, arguments: ["tree": name])
    let total =
      try Int.fetchOne(
        database,
        sql: """
          SELECT count(DISTINCT d.id) FROM driver AS d JOIN driver_mask AS m ON m.driver = d.id
          WHERE d.tree_id = ? AND d.file NOT LIKE 'arch/%' AND m.callee NOT LIKE '%=%'
          """, arguments: [id]) ?? 0
    var counts: [String: Int] = [:]
    for row in rows {
      let count = try row.decode(Int.self, forColumn: "streaming")
      if count > 0 { counts[String(try row.decode(Int.self, forColumn: "bits"))] = count }
    }
    return Drivers(tree: name, total: total, counts: counts, files: try files(id, database))
  }

  private static func files(_ tree: Int64, _ database: Database) throws -> [DriverFile] {
    var files: [DriverFile] = []
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT d.file, p.streaming, p.coherent_mask FROM driver AS d
        JOIN driver_pair AS p ON p.driver = d.id
        WHERE d.tree_id = ? ORDER BY d.file, p.position
        """, arguments: [tree])
    while let row = try rows.next() {
      let file = try row.text(0)
      if files.last?.name != file { files.append(DriverFile(name: file)) }
      guard let bits = try row.decode(Int?.self, atIndex: 1),
        let coherent = try row.optionalText("coherent_mask")
      else { continue }
      files[files.count - 1].pairs.append([String(bits), coherent])
    }
    return files
  }
}
