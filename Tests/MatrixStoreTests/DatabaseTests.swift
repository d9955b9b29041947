import DMAModel
import Foundation
import GRDB
import MatrixStore
import TestSupport
import Testing

@Suite struct DatabaseTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("matrix.db")
    var domain = smallDomain
    domain.platforms = [.x86SME47]
    domain.iommuModes = [.passthrough]
    _ = try generate(domain, to: path)
  }

  private func error(opening path: String) -> StoreError? {
    do {
      _ = try MatrixDatabase(path: path)
      return nil
    } catch {
      return error
    }
  }

  @Test func wrongFilesAreToldApart() throws {
    #expect(error(opening: directory.file("none.db")) == .missing(path: directory.file("none.db")))
    #expect(error(opening: directory.path) == .isDirectory(path: directory.path))
    let text = directory.file("text")
    try String(repeating: "text ", count: 300).write(
      toFile: text, atomically: true, encoding: .utf8)
    #expect(error(opening: text) == .notSQLite(path: text))

    let foreign = directory.file("foreign.db")
    let queue = try DatabaseQueue(path: foreign)
    try queue.write { try $0.execute(sql: "PRAGMA application_id = 7; CREATE TABLE t (x)") }
    try queue.close()
    #expect(error(opening: foreign) == .foreign(path: foreign, applicationID: 7))
  }

  @Test(arguments: [(99, true), (0, false)])
  func otherSchemaVersionsAreRefused(version: Int32, newer: Bool) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: "PRAGMA user_version = \(version)") }
    try queue.close()
    let expected: StoreError =
      newer
      ? .newer(path: path, version: version, supported: 4)
      : .older(path: path, version: version, supported: 4)
    #expect(error(opening: path) == expected)
  }

  /// Cut at every page boundary: damage is always said, never a wrong answer.
  @Test func aTruncatedDatabaseIsDamaged() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    let cut = directory.file("cut.db")
    for length in stride(from: 4096, to: whole.count, by: 4096) {
      try whole.prefix(length).write(to: URL(fileURLWithPath: cut))
      #expect(error(opening: cut)?.isDamage == true, "\(length) bytes")
    }
  }

  @Test func everyObjectAndColumnIsDescribed() throws {
    let database = try MatrixDatabase(path: path)
    let missing = try database.read { connection in
      try String.fetchAll(
        connection,
        sql: """
          SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
          WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'
            AND NOT EXISTS (SELECT 1 FROM description d
              WHERE d.object = m.name AND d."column" = c.name)
          UNION ALL
          SELECT m.name FROM sqlite_schema m
          WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'
            AND NOT EXISTS (SELECT 1 FROM description d
              WHERE d.object = m.name AND d."column" = '')
          """)
    }
    #expect(missing == [])
  }

  @Test func nothingIsDescribedThatDoesNotExist() throws {
    let database = try MatrixDatabase(path: path)
    let stale = try database.read { connection in
      try String.fetchAll(
        connection,
        sql: """
          SELECT object || '.' || "column" FROM description d
          WHERE "column" <> '' AND NOT EXISTS (
            SELECT 1 FROM sqlite_schema m, pragma_table_info(m.name) c
            WHERE m.name = d.object AND c.name = d."column")
          """)
    }
    #expect(stale == [])
  }

  @Test func theFileIsStrictSoundAndKnowsItsMaker() throws {
    let database = try MatrixDatabase(path: path)
    let findings = try database.read { connection in
      let integrity = try String.fetchOne(connection, sql: "PRAGMA integrity_check")
      let orphan = try Row.fetchOne(connection, sql: "PRAGMA foreign_key_check")
      let lax = try Int.fetchOne(
        connection,
        sql: "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND NOT strict "
          + "AND schema = 'main' AND name NOT LIKE 'sqlite_%'")
      let maker = try String.fetchOne(
        connection, sql: "SELECT value FROM provenance WHERE key = 'tool_version'")
      return (integrity, orphan == nil, lax, maker)
    }
    #expect(findings == ("ok", true, 0, "test"))
    let info = try DatabaseInfo(database)
    #expect(info.sha256.count == 64 && info.kernels.map(\.name) == ["6.12", "v6"])
    #expect(
      String(info.kernels.reduce(0) { $0 + $1.combinations }) == info.provenance["combinations"])
  }

  @Test func theDigestDependsOnThePolicies() {
    let all = ModelDigest.digest()
    #expect(ModelDigest.digest() == all)
    #expect(
      ModelDigest.digest(
        of: Array(KernelVersion.all.dropLast()), machines: Machine.standard) != all)
    #expect(ModelDigest.digest(of: KernelVersion.all, machines: [.twoGiB]) != all)
  }
}
