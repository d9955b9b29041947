import DMAModel
import GRDB
import Support

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
    let (findings, provenance, digest) = try database.read {
      connection -> ([String], [String: String], String) in
      let findings = try String.fetchAll(connection, sql: "PRAGMA integrity_check(1)")
      guard findings == ["ok"] else { return (findings, [:], "") }
      return (
        findings, try DatabaseInfo.provenance(connection), try ContentDigest.digest(of: connection)
      )
    }
    guard findings == ["ok"] else {
      let reason = (findings.first ?? "no answer").printable(upTo: 200)
      throw .corrupt(path: path, reason: "integrity check: \(reason)")
    }
    guard let stored = provenance[ContentDigest.key] else { throw .undigested(path: path) }
    guard stored == digest else {
      throw .corrupt(
        path: path,
        reason:
          "content digest \(digest.prefix(16)), but \(String(stored.prefix(16)).printable) stored")
    }
    return provenance
  }
}
