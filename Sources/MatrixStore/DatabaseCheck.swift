import DMAModel
import GRDB

/// Whether a database holds what its maker wrote.
///
/// SQLite's own check finds pages, trees and indexes that do not fit together; the
/// stored digest finds every other change of a value.
public struct DatabaseCheck: Sendable {
  private let database: MatrixDatabase

  public init(_ database: MatrixDatabase) { self.database = database }

  /// Checks everything and returns the provenance.
  ///
  /// - Throws: ``StoreError/corrupt(path:reason:)`` where the file is damaged or its
  ///   content changed; ``StoreError/undigested(path:)`` for a database without a
  ///   digest, as dmamatrix made them once.
  @discardableResult
  public func requireSound() throws(StoreError) -> [String: String] {
    let path = database.path
    let (provenance, findings, digest) = try database.read { connection in
      let rows = try Row.fetchAll(connection, sql: "SELECT key, value FROM provenance")
      let provenance = Dictionary(
        rows.map { ($0["key"] as String? ?? "", $0["value"] as String? ?? "") },
        uniquingKeysWith: { first, _ in first })
      let findings = try String.fetchAll(connection, sql: "PRAGMA integrity_check(1)")
      guard findings == ["ok"] else { return (provenance, findings, "") }
      return (provenance, findings, try ContentDigest.digest(of: connection))
    }
    guard findings == ["ok"] else {
      let reason = (findings.first ?? "no answer").printable(upTo: 200)
      throw .corrupt(path: path, reason: "integrity check: \(reason)")
    }
    guard let stored = provenance[ContentDigest.key] else { throw .undigested(path: path) }
    guard stored == digest else {
      throw .corrupt(
        path: path,
        reason: "content digest \(digest.prefix(16)), but \(stored.prefix(16)) stored")
    }
    return provenance
  }
}
