import DMAModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import MatrixStore

/// A file from elsewhere may hold anything: it is damage, said in one sentence.
@Suite struct HostileRowTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("matrix.db")
    var domain = smallDomain
    domain.iommuModes = [.passthrough]
    domain.operations = [.map, .alloc]
    _ = try generate(domain, to: path)
  }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// The sentence of damage with which a reader ends, or what happened instead.
  private func sentence(_ read: (MatrixDatabase) throws -> Void) -> String {
    do {
      try read(try MatrixDatabase(path: path))
      return "read"
    } catch let error as StoreError where error.isDamage {
      #expect(!error.description.contains("\n"))
      return error.description
    } catch {
      return "no damage: \(error)"
    }
  }

  private static let readers: [String: @Sendable (MatrixDatabase) throws -> Void] = [
    "info": { _ = try DatabaseInfo($0) },
    "spans": { _ = try $0.spans(BehaviorFilter()) },
    "tree": { _ = try TreeStore.kernel("v6", in: $0) },
    "check": { _ = try DatabaseCheck($0).requireSound() },
  ]

  @Test(
    arguments: [
      ("UPDATE provenance SET value = x'ff' WHERE key = 'tool_version'", ["info", "check"]),
      ("UPDATE provenance SET value = NULL WHERE key = 'tool_version'", ["info", "check"]),
      ("UPDATE kernel SET name = NULL", ["info", "check"]),
      ("UPDATE kernel SET base = x'ff'", ["info", "check"]),
      ("UPDATE profile SET masks = 9000000000000000000", ["info", "check"]),
      ("UPDATE outcome SET result = NULL", ["spans", "tree", "check"]),
      ("UPDATE outcome SET verdict = NULL", ["spans", "check"]),
      ("UPDATE outcome SET warn = NULL", ["tree", "check"]),
      ("UPDATE outcome SET dma = x'ff'", ["tree", "check"]),
      ("UPDATE outcome SET max_map = 'much'", ["tree", "check"]),
      ("UPDATE life SET slots_after = 'nonesuch'", ["tree", "check"]),
      ("UPDATE life SET warn_after = NULL", ["tree", "check"]),
      ("UPDATE boot SET pool = NULL", ["tree", "check"]),
      ("UPDATE boot SET pool = '0x20-0x10'", ["tree", "check"]),
      ("UPDATE boot SET pool_state = NULL WHERE pool <> '-'", ["tree", "check"]),
      ("UPDATE boot SET force_bounce = 'x'", ["tree", "check"]),
      ("UPDATE boot SET platform = 'nonesuch' WHERE platform = 'arm64'", ["spans", "tree"]),
      ("UPDATE boot SET mem = NULL", ["spans", "tree", "check"]),
      ("UPDATE device SET bus_limit = NULL", ["spans", "tree", "check"]),
      (
        "UPDATE request SET op = x'ff' WHERE id = (SELECT min(request_id) FROM behavior_line)",
        ["spans", "tree", "check"]
      ),
      ("UPDATE profile_span SET mask_last = 4000000000000000000", ["spans", "tree", "check"]),
      ("UPDATE profile_span SET mask_last = 23", ["spans", "tree", "check"]),
      ("UPDATE profile_span SET mask_last = 1.5e300", ["spans", "tree", "check"]),
      ("UPDATE profile_span SET mask_first = -1 WHERE mask_first = 24", ["spans", "tree"]),
      ("UPDATE profile_span SET outcome_id = NULL", ["check"]),
    ] as [(String, [String])])
  func valuesThatNothingOfOursWritesAreDamage(sql: String, readers: [String]) throws {
    try damage(path, sql)
    for reader in readers {
      let read = try #require(Self.readers[reader])
      let sentence = sentence(read)
      #expect(sentence.contains("matrix.db: is truncated or damaged ("), "\(reader): \(sentence)")
    }
  }

  /// Types and keys hold, and no end of the span is near.
  @Test func aSpanWithoutEndIsDamage() throws {
    try execute(
      "PRAGMA foreign_keys = OFF; UPDATE profile_span SET mask_last = 4000000000000000000")
    for reader in ["spans", "tree"] {
      let read = try #require(Self.readers[reader])
      #expect(sentence(read).contains("from 24 to 4000000000000000000"))
    }
  }
}
