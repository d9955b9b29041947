import Conformance
import DMAModel
import Foundation
import GRDB

/// What a database says about itself.
public struct DatabaseInfo: Sendable {
  /// A kernel of the database.
  public struct Kernel: Sendable, Equatable {
    public let name: String
    public let summary: String
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
      let provenance = try Row.fetchAll(database, sql: "SELECT key, value FROM provenance")
      let kernels = try Row.fetchAll(
        database,
        sql: """
          SELECT k.name, k.description, k.base, k.link,
            coalesce(
              k.source_package,
              (SELECT 'tree: ' || value FROM provenance WHERE key = 'tree ' || k.name)
            ) AS source_package,
            (SELECT coalesce(sum(p.masks), 0) FROM boot b
             JOIN behavior_line l ON l.boot_id = b.id
             JOIN profile p ON p.id = l.profile_id WHERE b.kernel = k.name) AS combinations
          FROM kernel k ORDER BY k.id
          """)
      let tables = [
        "boot", "device", "request", "outcome", "life", "profile", "profile_span",
        "behavior_line", "circumstance_line", "exclusion",
      ]
      let counts = try tables.map { table in
        (table, try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0)
      }
      return (provenance, kernels, counts)
    }
    provenance = Dictionary(
      contents.0.map { ($0["key"] as String, $0["value"] as String) },
      uniquingKeysWith: { first, _ in first })
    kernels = contents.1.map { row in
      Kernel(
        name: row["name"], summary: row["description"], base: row["base"],
        sourcePackage: row["source_package"], link: row["link"],
        combinations: row["combinations"])
    }
    rowCounts = contents.2
  }
}
