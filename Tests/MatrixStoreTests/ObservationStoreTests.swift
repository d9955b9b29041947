import DMAModel
import DriverScan
import EmbeddedSchema
import Foundation
import GRDB
import Observations
import TestSupport
import Testing

@testable import MatrixStore

/// Observations in a database: there whole or not at all, and there to stay.
@Suite final class ObservationStoreTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("matrix.db") }

  init() throws {
    directory = try TemporaryDirectory()
    var domain = smallDomain
    domain.masks = Array(DMAMask.allCases.prefix(2))
    domain.operations = [.map]
    _ = try generate(domain, to: path)
  }

  private func regenerate() throws -> GenerationSummary {
    var domain = smallDomain
    domain.masks = Array(DMAMask.allCases.prefix(2))
    domain.operations = [.map]
    return try generate(domain, to: path)
  }

  /// A log of the sample of Tests/ObservationsTests.
  private func sample(_ name: String = "6.1.0-53-amd64-none-default-6G") throws
    -> ObservationImport
  {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appendingPathComponent("ObservationsTests/Logs/\(name).log.gz").path
    let read = try ObservationFile.read(path: file)
    return ObservationImport(
      name: name, sha256: try ModelDigest.digest(ofFile: file), kind: read.kind,
      intactOnly: false, boots: read.boots)
  }

  private func add(_ files: [ObservationImport]) throws {
    try ObservationStore(path: path, toolVersion: "test").add(files)
  }

  private func stored() throws -> StoredObservations {
    try StoredObservations(MatrixDatabase(path: path))
  }

  /// Makes what was done to the database what its maker meant.
  private func digest() throws {
    let queue = try DatabaseQueue(path: path)
    _ = try queue.inDatabase { try ContentDigest.store(in: $0) }
    try queue.close()
  }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  @Test func whatIsReadIsWhatWasStored() throws {
    let files = [try sample(), try sample("7.2.12+deb13-amd64-intel_lazy-default-6G")]
    try add(files)
    let stored = try stored()
    #expect(stored.boots.map(\.boot) == files.flatMap(\.boots).map(\.boot))
    #expect(stored.boots.map(\.observations) == files.flatMap(\.boots).map(\.observations))
    #expect(stored.sources.map(\.name) == files.map(\.name))
    #expect(stored.sources.map(\.observations) == [164, 240])
    #expect(directory.contents == ["matrix.db"])
    // And the matrix is as it was.
    _ = try DatabaseInfo(MatrixDatabase(path: path))
  }

  @Test func theSameFileReplacesItself() throws {
    try add([try sample()])
    try add([try sample()])
    #expect(try stored().sources.count == 1)
    let rows = try MatrixDatabase(path: path).read { database in
      try Int.fetchOne(database, sql: "SELECT count(*) FROM observation") ?? 0
    }
    #expect(rows == 164)
  }

  /// A row is joined to the matrix by the key of its scenario.
  @Test func keysAreThoseOfTheView() throws {
    try add([try sample()])
    let keys = try MatrixDatabase(path: path).read { database in
      try String.fetchAll(
        database, sql: "SELECT DISTINCT scenario FROM observed WHERE scenario NOT NULL")
    }
    #expect(keys.count > 20 && keys.allSatisfy { Scenario(key: $0) != nil })
  }

  @Test func generateKeepsObservations() throws {
    try add([try sample()])
    let before = try stored()
    #expect(try regenerate().keptObservations == 164)
    let after = try stored()
    #expect(after.boots.map(\.boot) == before.boots.map(\.boot))
    #expect(after.boots.map(\.observations) == before.boots.map(\.observations))
    #expect(after.sources == before.sources)
    #expect(directory.contents == ["matrix.db"])
  }

  /// A database from before there were observations.
  @Test func olderDatabasesGetTheTables() throws {
    try execute(
      """
      DROP VIEW history_behavior; DROP VIEW history_standing; DROP TABLE history_finding;
      DROP TABLE history_state; DROP TABLE history;
      DROP VIEW fleet; DROP TABLE host_traffic; DROP TABLE host_change; DROP TABLE host_kernel;
      DROP TABLE fleet_kernel; DROP TABLE host_answer; DROP TABLE host_device; DROP TABLE host;
      DROP VIEW observed; DROP TABLE observation; DROP TABLE observed_boot;
      DROP TABLE observation_source; DROP TABLE grdb_migrations;
      DROP TABLE driver_doubt; DROP TABLE driver_id; DROP TABLE driver_use; DROP TABLE driver_pair;
      DROP TABLE driver_mask; DROP TABLE driver; DROP TABLE driver_tree
      """)
    try digest()
    #expect(throws: StoreError.noObservations(path: path)) { _ = try stored() }
    try add([try sample()])
    #expect(try stored().boots.count == 1)
  }

  /// Drivers come back as they were read, and stay when the matrix is made anew; a
  /// database with observations from before there were drivers gets their tables.
  @Test func generateKeepsDrivers() throws {
    let tree = try TemporaryDirectory()
    try DriverTree.write(to: tree.path)
    let scan = try DriverScan(tree: tree.path)
    try add([try sample()])
    try execute(
      """
      DROP VIEW history_behavior; DROP VIEW history_standing; DROP TABLE history_finding;
      DROP TABLE history_state; DROP TABLE history;
      DROP VIEW fleet; DROP TABLE host_traffic; DROP TABLE host_change; DROP TABLE host_kernel;
      DROP TABLE fleet_kernel; DROP TABLE host_answer; DROP TABLE host_device; DROP TABLE host;
      DROP TABLE driver_doubt; DROP TABLE driver_id; DROP TABLE driver_use; DROP TABLE driver_pair;
      DROP TABLE driver_mask; DROP TABLE driver; DROP TABLE driver_tree;
      DELETE FROM grdb_migrations
      WHERE identifier IN ('drivers-1', 'fleet-1', 'drivers-2', 'history-1')
      """)
    try digest()
    #expect(throws: StoreError.self) {
      _ = try DriverStore.drivers(in: MatrixDatabase(path: path))
    }
    // The second takes the place of the first.
    for _ in 0..<2 { try DriverStore.add(scan, named: "7.3", to: path, toolVersion: "test") }
    for isAnew in [false, true] {
      if isAnew { #expect(try regenerate().keptObservations == 164) }
      let (name, drivers) = try DriverStore.drivers(in: MatrixDatabase(path: path))
      #expect(name == "7.3" && drivers.map(\.file) == scan.drivers.map(\.file))
      #expect(drivers.map(\.calls) == scan.drivers.map(\.calls))
      #expect(drivers.map(\.uses) == scan.drivers.map(\.uses))
      #expect(drivers.map(\.masks) == scan.drivers.map(\.masks))
      #expect(drivers.map(\.doubts) == scan.drivers.map(\.doubts))
      #expect(scan.drivers.contains { !$0.doubts.isEmpty })
      #expect(drivers.map(\.architectures) == scan.drivers.map(\.architectures))
      try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
    }
  }

  /// A database holds several trees, of which one has to be named.
  @Test func oneOfSeveralTreesIsNamed() throws {
    let tree = try TemporaryDirectory()
    try DriverTree.write(to: tree.path)
    let scan = try DriverScan(tree: tree.path)
    try DriverStore.add(scan, named: "7.3", to: path, toolVersion: "test")
    try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
    #expect(try DriverStore.drivers(in: MatrixDatabase(path: path)).tree == "7.3")
    try DriverStore.add(scan, named: "7.2", to: path, toolVersion: "test")
    let database = try MatrixDatabase(path: path)
    #expect(try DriverStore.drivers(named: "7.2", in: database).tree == "7.2")
    let error = #expect(throws: StoreError.self) { _ = try DriverStore.drivers(in: database) }
    let message = "holds the drivers of several trees; --tree-name chooses one: 7.2, 7.3"
    #expect(error?.description.hasSuffix(message) == true, "\(String(describing: error))")
  }

  /// What a newer dmamatrix stored is never thrown away.
  @Test func observationsOfANewerToolAreKept() throws {
    try add([try sample()])
    try execute("INSERT INTO grdb_migrations VALUES ('observations-999')")
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(throws: StoreError.self) { _ = try regenerate() }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(directory.contents == ["matrix.db"])
  }

  /// A damaged database with observations stays beside the new one.
  @Test func damagedObservationsAreKeptAside() throws {
    try add([try sample()])
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try whole.prefix(whole.count - 8192).write(to: URL(fileURLWithPath: path))
    let summary = try regenerate()
    let copy = try #require(summary.damagedCopy)
    #expect(summary.keptObservations == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)).count == whole.count - 8192)
    #expect(directory.contents == ["matrix.db", "matrix.db.damaged"])
    _ = try MatrixDatabase(path: path)
  }

  /// An observation that was changed behind the maker's back is not carried into a
  /// database that passes the check.
  @Test func changedObservationsAreKeptAside() throws {
    try add([try sample()])
    try execute("UPDATE observation SET result = 'direct'")
    let changed = try Data(contentsOf: URL(fileURLWithPath: path))
    let summary = try regenerate()
    let copy = try #require(summary.damagedCopy)
    #expect(summary.keptObservations == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == changed)
    try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
  }

  /// What cannot be written changes nothing: a row that the tables refuse.
  @Test func aFailedImportChangesNothing() throws {
    try add([try sample()])
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    var bad = try sample("7.2.12+deb13-amd64-intel_lazy-default-6G")
    var boots = bad.boots
    boots[0].boot.domain = "other"
    bad = ObservationImport(
      name: bad.name, sha256: bad.sha256, kind: bad.kind, intactOnly: false, boots: boots)
    #expect(throws: StoreError.self) { try add([try sample(), bad]) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(directory.contents == ["matrix.db"])
  }

  @Test(arguments: [
    "UPDATE observation SET op = 'map_nothing' WHERE line > 0",
    "UPDATE observation SET dma_mask = '0x0'", "UPDATE observation SET len = -1 WHERE len > 0",
    "UPDATE observation SET phys = '0xffffffffffffffff' WHERE phys IS NOT NULL",
    "UPDATE observed_boot SET ram = '0x1-0x2'", "UPDATE observed_boot SET platforms = 'amiga'",
    "UPDATE observed_boot SET bus_limit = 4000000000",
    "UPDATE observed_boot SET pool = '0x20-0x10'", "UPDATE observation SET need_sync = 7",
  ])
  func rowsThatNoImportWritesAreDamage(sql: String) throws {
    try add([try sample()])
    try execute(sql)
    do {
      _ = try stored()
      Issue.record("read")
    } catch let error as StoreError {
      #expect(error.isDamage && !error.description.contains("\n"))
    }
  }
}
