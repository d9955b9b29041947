import GRDB
import MatrixStore

extension MatrixDatabase {
  /// The part of a matrix that the database is, as `2/8`, or nil for a whole one.
  public func part() throws(StoreError) -> String? {
    try read { database in
      try String.fetchOne(database, sql: "SELECT value FROM provenance WHERE key = 'part'")
    }
  }

  /// Whether a filter keeps any combination.
  public func hasRows(_ filter: BehaviorFilter) throws(StoreError) -> Bool {
    try read { try spanRows($0, columns: ["kernel"], filter: filter).next() != nil }
  }
}
