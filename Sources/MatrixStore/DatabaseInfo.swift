import Conformance
import DMAModel
import Foundation
import GRDB
import Support

/// What a database says about itself.
public struct DatabaseInfo: Sendable {
  /// A kernel of the database.
  public struct Kernel: Sendable, Equatable {
    public let name: String
    public let base: String?
    public let sourcePackage: String?
    public let link: String?
    /// Combinations that exist.
    public let combinations: Int
  }

  public let path: String
  /// Bytes.
  public let size: Int
  /// SHA-256 of the file, in hexadecimal.
  public let sha256: String
  /// `tool_version`, `model_digest`, ….
  public let provenance: [String: String]
  public let kernels: [Kernel]
  /// Rows of each table, by name.
  public let rowCounts: [(table: String, rows: Int)]

  /// Reads it from a database.
  public init(_ database: MatrixDatabase) throws(StoreError) {
    path = database.path
    let attributes = try? FileManager.default.attributesOfItem(atPath: database.path)
    size = Int((attributes?[.size] as? UInt64) ?? 0)
    do {
      sha256 = try ModelDigest.digest(ofFile: database.path)
    } catch {
      throw .cannotOpen(path: database.path, reason: error.systemReason)
    }
    let contents = try database.read { database in
      let provenance = try Self.provenance(database)
      let kernels = try Row.fetchAll(
        database,
        sql: """
          SELECT k.name, k.base,
            coalesce(
              k.source_package,
              (SELECT 'tree: ' || value FROM provenance WHERE key = 'tree ' || k.name)
            ), k.link,
            (SELECT coalesce(sum(s.combinations), 0) FROM boot b
             JOIN answer_set s ON s.id = b.set_id WHERE b.kernel = k.name)
          FROM kernel k ORDER BY k.id
          """
      ).map { row in
        Kernel(
          name: try row.text(0), base: try row.decode(atIndex: 1),
          sourcePackage: try row.decode(atIndex: 2), link: try row.decode(atIndex: 3),
          combinations: try row.integer(4))
      }
      let tables = [
        "boot", "device", "request", "outcome", "life", "profile", "profile_span",
        "block", "block_line", "block_count", "answer_set", "answer_block", "exclusion",
      ]
      let counts = try tables.map { table in
        (table, try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0)
      }
      return (provenance, kernels, counts)
    }
    (provenance, kernels, rowCounts) = contents
  }

  /// What a database says of its making, by key.
  package static func provenance(_ database: Database) throws -> [String: String] {
    let rows = try Row.fetchAll(database, sql: "SELECT key, value FROM provenance")
    return Dictionary(
      try rows.map { (try $0.text(0), try $0.text(1)) }, uniquingKeysWith: { first, _ in first })
  }
}
