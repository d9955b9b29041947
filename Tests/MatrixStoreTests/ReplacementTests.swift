import Conformance
import DMAModel
import Foundation
import GRDB
import Support
import TestSupport
import Testing

@testable import MatrixStore

/// What lies beside a database when it is replaced, and what was wrong with it before.
@Suite struct ReplacementTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.file("matrix.db") }

  init() throws { directory = try TemporaryDirectory() }

  private func generate() throws {
    var domain = smallDomain
    domain.masks = Array(DMAMask.allCases.prefix(2))
    domain.operations = [.map]
    _ = try MatrixGenerator(domain: domain, jobs: 2, toolVersion: "test").generate(to: path)
  }

  private func write(_ name: String, _ text: String = "") throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: directory.file(name)))
  }

  private func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// Whatever number its process had, SQLite's journals too; a file of a user that is
  /// named alike stays.
  @Test func leftoversOfAKilledRunAreRemoved() throws {
    for run in ["99999999-0123456789abcdef", "\(getpid())-0123456789abcdef", "1-fedcba9876543210"] {
      for end in [
        "lock.tmp", "loose.tmp", "packed.tmp", "copy.tmp", "copy.tmp-journal",
        "copy.tmp-mj0123456789",
      ] {
        try write("matrix.db.\(run).\(end)")
      }
      // One whose lock was removed already.
      try write("matrix.db.5-0123456789abcdef.packed.tmp")
    }
    let others = [
      "matrix.db.\(getpid()).other", "matrix.db.5-0123456789abcdef.tmp", "matrix.db.7.backup.tmp",
      "other.db.5-0123456789abcdef.packed.tmp",
    ]
    for name in others { try write(name) }
    try generate()
    #expect(directory.contents == (others + ["matrix.db"]).sorted())
  }

  /// The files of a run that lives stay, and it takes no other's.
  @Test func filesOfALivingRunStay() throws {
    let living = try TemporaryFiles(beside: path, stages: ["loose"])
    let second = try TemporaryFiles(beside: path, stages: ["loose"])
    #expect(living["loose"] != second["loose"])
    try generate()
    #expect(directory.contents.count == 5)
    #expect(FileManager.default.fileExists(atPath: living["loose"]))
    living.remove()
    second.remove()
    #expect(directory.contents == ["matrix.db"])
  }

  @Test func filesThatCannotBeMadeAreSaid() {
    #expect(throws: TemporaryFiles.Failure.self) {
      _ = try TemporaryFiles(beside: directory.file("no/such"), stages: ["part"])
    }
    #expect(directory.contents.isEmpty)
  }

  /// SQLite would take the journal of another program's killed run, or of one that
  /// runs, for the new file's, and mix both (sqlite.org, "How To Corrupt An SQLite
  /// Database File", 1.4).
  @Test(arguments: ["-wal", "-journal"])
  func aJournalBesideTheDatabaseIsRefused(journal: String) throws {
    try generate()
    let before = try bytes()
    try write("matrix.db" + journal, "hot")
    for _ in 1...2 {
      do {
        try generate()
        Issue.record("replaced")
      } catch let error as StoreError {
        #expect(error.description.contains("left matrix.db\(journal);"))
        #expect(error.description.hasSuffix("nothing was changed"))
      }
      #expect(throws: StoreError.self) {
        try ObservationStore(path: path, toolVersion: "test").add([])
      }
      // SQLite's index of a log lies beside it once somebody has read.
      #expect(
        directory.contents.filter { !$0.hasSuffix("-shm") } == ["matrix.db", "matrix.db" + journal])
      #expect(try bytes() == before)
      // Without the database it came from, too.
      try FileManager.default.removeItem(atPath: path)
      #expect(throws: StoreError.self) { try generate() }
      try before.write(to: URL(fileURLWithPath: path))
    }
  }

  /// A journal that SQLite is done with begins with a zero, or is empty.
  @Test(arguments: ["", "\0\0\0"])
  func aJournalThatIsDoneIsNone(text: String) throws {
    try write("matrix.db-journal", text)
    try generate()
    try generate()
    try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
  }

  private func mode(_ file: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
  }

  /// Nobody reads the new file who may not read the old one, while it is made neither.
  @Test(arguments: [0o600, 0o640, 0o664])
  func whatIsReplacedKeepsItsPermissions(permissions: Int) throws {
    try generate()
    #expect(chmod(path, mode_t(permissions)) == 0)
    var building: [Int?] = []
    func look(_ files: [String]) throws {
      building = try files.filter { $0.hasSuffix(".tmp") && !$0.contains(".lock.") }
        .filter(FileManager.default.fileExists).map(mode)
    }
    var failure: (any Error)?
    func note(_ files: [String]) {
      do { try look(files) } catch { failure = error }
    }
    var domain = smallDomain
    domain.operations = [.map]
    _ = try MatrixGenerator(domain: domain, jobs: 2, toolVersion: "test")
      .generate(to: path, building: note)
    #expect(building == [permissions, permissions])
    #expect(try mode(path) == permissions)
    try ObservationStore(path: path, toolVersion: "test").add([], building: note)
    #expect(building == [permissions] && failure == nil)
    #expect(try mode(path) == permissions)
    try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
  }

  /// What is added to a damaged database must not make it one that passes the check.
  @Test(arguments: [
    "UPDATE outcome SET verdict = 'ok'", "UPDATE provenance SET value = 'x' WHERE key = 'excluded'",
    "DELETE FROM provenance WHERE key = 'content_digest'",
  ])
  func aDamagedDatabaseTakesNothing(sql: String) throws {
    try generate()
    try execute(sql)
    let before = try bytes()
    #expect(throws: StoreError.self) {
      try ObservationStore(path: path, toolVersion: "test").add([])
    }
    #expect(throws: StoreError.self) {
      try TreeStore.add([], domain: smallDomain, to: path)
    }
    #expect(try bytes() == before)
    #expect(directory.contents == ["matrix.db"])
  }
}
