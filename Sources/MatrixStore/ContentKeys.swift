import Foundation
import GRDB
import Support

/// The keys of distinct contents of one table, each a hash of its content.
struct ContentKeys<Content: Hashable & Sendable>: Sendable {
  private var keys: [Content: Int64] = [:]
  private var used: Set<Int64> = []
  /// What was in the database before.
  private let stored: Set<Int64>

  init(stored: Set<Int64> = []) { self.stored = stored }

  /// The key of a content that was met before.
  subscript(_ content: Content) -> Int64? { keys[content] }

  /// The key of a new content, and whether the database has it already.
  ///
  /// - Parameter text: What is hashed.
  /// - Throws: If two contents had the same key; none of the default matrix has.
  mutating func add(_ content: Content, text: String) throws -> (key: Int64, isStored: Bool) {
    let key = Self.key(text)
    guard used.insert(key).inserted else {
      throw DatabaseError(message: "two contents have the same hash key \(key): \(text)")
    }
    keys[content] = key
    return (key, stored.contains(key))
  }

  /// A key of 47 bits from the content: SHA-256's first bytes.
  private static func key(_ text: String) -> Int64 {
    SHA256.hash(Data(text.utf8)).prefix(6).reduce(Int64(0)) { $0 << 8 | Int64($1) } >> 1
  }
}
