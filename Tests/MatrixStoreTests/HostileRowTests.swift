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
      ("UPDATE profile SET masks = 9000000000000000000", ["check"]),
      ("UPDATE answer_set SET combinations = 9000000000000000000", ["info", "check"]),
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
        "UPDATE request SET op = x'ff' WHERE id = (SELECT min(request_id) FROM answer_block)",
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

  private static let endless = """
    WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c)
    """

  @Test(arguments: [
    (
      "DROP TABLE provenance; CREATE VIEW provenance(key, value) AS \(endless) "
        + "SELECT 'x', 'x' FROM c", "table 'provenance' is not as dmamatrix makes it"
    ),
    (
      "DROP VIEW behavior_span; CREATE VIEW behavior_span AS \(endless) SELECT x FROM c",
      "view 'behavior_span' is not as dmamatrix makes it"
    ),
    ("DROP TABLE exclusion", "table 'exclusion' is missing"),
    (
      "DROP VIEW observed; CREATE VIEW observed AS \(endless) SELECT x FROM c",
      "the tables of observations are not as dmamatrix makes them"
    ),
    (
      "DROP TABLE observation; CREATE VIEW OBSERVATION AS \(endless) SELECT x FROM c",
      "the tables of observations are not as dmamatrix makes them"
    ),
    (
      """
      PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = replace(sql, 'TEXT NOT NULL', 'TEXT') WHERE name = 'outcome'
      """, "table 'outcome' is not as dmamatrix makes it"
    ),
  ]) func tablesThatAreNotOursAreDamage(sql: String, reason: String) throws {
    try execute("PRAGMA foreign_keys = OFF; \(sql)")
    #expect(sentence { _ in } == StoreError.corrupt(path: path, reason: reason).description)
  }

  /// What a user adds may stay where nothing is written.
  @Test func whatAUserAddsIsLeftAlone() throws {
    try execute(
      """
      CREATE INDEX mine ON outcome (result);
      CREATE VIEW more AS \(Self.endless) SELECT x FROM c; CREATE TABLE notes (text);
      CREATE TRIGGER busy AFTER INSERT ON provenance BEGIN
        INSERT INTO notes \(Self.endless) SELECT x FROM c; END
      """)
    let database = try MatrixDatabase(path: path)
    #expect(try database.spans(BehaviorFilter()).count > 0)
    #expect(try DatabaseInfo(database).kernels.count == 2)
    let notes = ReadOnlyQuery(sql: "SELECT count(*) FROM notes")
    #expect(try notes.run(on: database).rows == [[.integer(0)]])
    // Even with a digest that says that it is meant.
    for _ in 1...2 {
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(
        throws: StoreError.cannotWrite(path: path, reason: "'busy' is none that dmamatrix makes")
      ) {
        try ObservationStore(path: path, toolVersion: "test").add([])
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
      try execute("DROP TRIGGER busy")
      let queue = try DatabaseQueue(path: path)
      _ = try queue.inDatabase { try ContentDigest.store(in: $0) }
      try queue.close()
      try execute("CREATE TRIGGER busy AFTER INSERT ON provenance BEGIN SELECT 1; END")
    }
    #expect(directory.contents == ["matrix.db"])
  }

  /// The tables of what is replaced are read before it is, whatever its version.
  @Test(arguments: ["observation", "provenance"], [2, 1])
  func aViewIsNotCarriedOver(table: String, version: Int) throws {
    try execute(
      """
      PRAGMA foreign_keys = OFF;
      INSERT INTO observation_source VALUES (1, 'x', 'x', 'csv', 0, 'x', 'x', 'x');
      INSERT INTO observed_boot VALUES
        (1, 1, 0, 'x', 'x', 'x', 'x', 'x', 'x', 'none', 0, 'x', 'x', 'x', 1, 0, 0, NULL, 0);
      INSERT INTO observation (boot_id, position, line, mask_bits, set_mask, set_coherent_mask,
        dma_mask, op, region, attrs, result) VALUES (1, 0, 1, 24, 0, 0, 'x', 'x', 'x', 'x', 'x');
      DROP TABLE \(table);
      CREATE VIEW \(table)(key, value) AS \(Self.endless) SELECT 'x', 'x' FROM c WHERE x < 0;
      PRAGMA user_version = \(version)
      """)
    var domain = smallDomain
    domain.operations = [.map]
    let summary = try generate(domain, to: path)
    #expect(summary.damagedCopy == path + ".damaged" && summary.keptObservations == 0)
    try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
  }

  /// Kernels and values in the order of the model, whatever the indexes' order.
  @Test func spansAreInTheOrderOfTheAxes() throws {
    let spans = try MatrixDatabase(path: path).spans(
      BehaviorFilter([
        "kernel": ["v6", "6.12"], Platform.axis: ["x86-sme47", "arm64"], MachineName.axis: ["64G"],
        SwiotlbMode.axis: ["force", "default"],
      ]))
    let order = spans.map { span in
      [
        ["6.12", "v6"].firstIndex(of: span.kernel), Platform.names.firstIndex(of: span.platform),
        SwiotlbMode.names.firstIndex(of: span.swiotlb),
        CoherentMask.names.firstIndex(of: span.coherentMask),
        Coherence.names.firstIndex(of: span.coherent), Facing.names.firstIndex(of: span.external),
        Operation.names.firstIndex(of: span.op),
        Attributes.names.firstIndex(of: span.attrs), Buffer.names.firstIndex(of: span.buf),
        span.masks.lowerBound,
      ].compactMap { $0 }
    }
    #expect(order.count > 100 && order.allSatisfy { $0.count == 10 })
    for (one, next) in zip(order, order.dropFirst()) {
      #expect(one.lexicographicallyPrecedes(next))
    }
    #expect(Set(spans.map(\.kernel)) == ["v6", "6.12"])
  }
}
