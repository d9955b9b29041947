import DMAModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import MatrixStore

/// One bit of a finished database is turned: it is refused, or says what it said before.
@Suite struct BitFlipAttackTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("matrix.db")
    var domain = smallDomain
    domain.kernels = Array(domain.kernels.prefix(1))
    domain.platforms = [.x86SME47]
    domain.iommuModes = [.passthrough]
    domain.operations = [.map]
    _ = try generate(domain, to: path)
  }

  /// Everything that the file holds, as a question sees it.
  private func everything(in file: String) throws -> [[[QueryValue]]] {
    let database = try MatrixDatabase(path: file)
    let tables = ReadOnlyQuery(
      sql: "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
    return try tables.run(on: database).rows.map { row in
      guard case .text(let name) = row[0] else { return [] }
      return try ReadOnlyQuery(sql: "SELECT * FROM \"\(name)\"").run(on: database).rows
    }
  }

  @Test func noTurnedBitGivesAWrongAnswer() throws {
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let answers = try everything(in: path)
    let file = directory.file("flipped.db")
    var (refused, same) = (0, 0)
    var numbers = SeededNumbers(seed: testSeed())
    for round in 0..<600 {
      // Each part of the header, then anywhere.
      let byte = round < 100 ? round : Int.random(in: 0..<whole.count, using: &numbers)
      let bit = UInt8(1) << UInt8.random(in: 0...7, using: &numbers)
      var bytes = whole
      bytes[byte] ^= bit
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      do {
        #expect(try everything(in: file) == answers, "byte \(byte), bit \(bit)")
        same += 1
      } catch is StoreError {
        refused += 1
      }
    }
    print("600 turned bits: \(refused) refused, \(same) answered as before")
    #expect(refused > 500)
  }

  /// What another program wrote since is asked as ever: the checksum is none of it.
  @Test(arguments: [
    "CREATE VIEW mine AS SELECT name FROM kernel", "VACUUM", "CREATE INDEX extra ON outcome (enc)",
    "UPDATE description SET text = 'x'",
  ])
  func whatAnotherProgramWroteIsRead(sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.inDatabase { try $0.execute(sql: sql) }
    try queue.close()
    #expect(throws: Never.self) { _ = try everything(in: path) }
  }

  /// A checksum that is missing, of another file, or of one that grew.
  @Test func aChecksumOfAnotherFileIsNone() throws {
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let text = String(decoding: whole, as: Unicode.ASCII.self)
    #expect(text.contains("file_checksum"))
    var other = whole
    let range = try #require(Data(whole).range(of: Data("file_checksum".utf8)))
    other[range.upperBound] = other[range.upperBound] == 0x30 ? 0x31 : 0x30
    try Data(other).write(to: URL(fileURLWithPath: path))
    #expect(throws: StoreError.self) { _ = try MatrixDatabase(path: path) }
    other = whole
    other[range.lowerBound] = UInt8(ascii: "F")
    try Data(other).write(to: URL(fileURLWithPath: path))
    #expect(throws: StoreError.self) { _ = try MatrixDatabase(path: path) }
    try Data(whole).write(to: URL(fileURLWithPath: path))
    #expect(throws: Never.self) { try DatabaseCheck(MatrixDatabase(path: path)).requireSound() }
  }
}
