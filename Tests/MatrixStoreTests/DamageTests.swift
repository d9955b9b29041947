import DMAModel
import Foundation
import GRDB
import MatrixStore
import TestSupport
import Testing

/// Damage is said, and never a crash or a wrong answer.
@Suite struct DamageTests {
  let directory: TemporaryDirectory
  let path: String
  let whole: [UInt8]
  let answers: QueryResult

  private let question = ReadOnlyQuery(
    sql: """
      SELECT b.mem, s.mask_first, o.result, o.decided_by, count(*) FROM behavior_line l
      JOIN boot b ON b.id = l.boot_id JOIN profile_span s ON s.profile_id = l.profile_id
      JOIN outcome o ON o.id = s.outcome_id GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
      """)

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("matrix.db")
    var domain = smallDomain
    domain.kernels = [try #require(KernelVersion.named("v6"))]
    domain.platforms = [.x86SME47]
    domain.iommuModes = [.passthrough]
    domain.operations = [.map, .alloc]
    _ = try generate(domain, to: path)
    whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    answers = try question.run(on: try MatrixDatabase(path: path))
  }

  /// What the check says of some bytes, and what a query answers.
  private func check(_ bytes: [UInt8]) throws -> (finding: StoreError?, answers: QueryResult?) {
    let file = directory.file("damaged.db")
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    do {
      let database = try MatrixDatabase(path: file)
      let answers = try? question.run(on: database)
      do {
        try DatabaseCheck(database).requireSound()
        return (nil, answers)
      } catch { return (error, answers) }
    } catch { return (error, nil) }
  }

  @Test func theCheckPassesWhatGenerateMade() throws {
    let (finding, answers) = try check(whole)
    #expect(finding == nil && answers == self.answers)
  }

  /// Each page in turn is zeroed, is noise, has one bit turned: either it is found,
  /// or the bytes lie where no value is, and every answer is as before.
  @Test(arguments: ["zeros", "noise", "bit"])
  func everyPageCorruptedInTurn(kind: String) throws {
    var generator = SeededNumbers(seed: testSeed())
    var found = 0
    let pages = whole.count / 4096
    for page in 0..<pages {
      var bytes = whole
      let range = page * 4096..<(page + 1) * 4096
      switch kind {
      case "zeros": bytes.replaceSubrange(range, with: repeatElement(0, count: 4096))
      case "noise":
        for index in range { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
      default:
        let index = Int.random(in: range, using: &generator)
        bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      }
      let (finding, answers) = try check(bytes)
      if let finding {
        found += 1
        let sentence = finding.description
        #expect(!sentence.contains("\n") && sentence.contains("damaged.db"), "\(sentence)")
      } else {
        #expect(answers == self.answers, "page \(page)")
      }
    }
    print("\(kind): damage in \(found) of \(pages) pages found, the others hold no value there")
    #expect(kind == "bit" || found == pages)
  }

  @Test func everyTruncationIsFound() throws {
    for length in stride(from: 0, to: whole.count, by: 512) {
      let (finding, answers) = try check(Array(whole.prefix(length)))
      #expect(finding != nil && answers == nil, "\(length) bytes")
    }
  }

  /// A value that SQLite finds nothing wrong with.
  @Test func aChangedValueIsFound() throws {
    for change in [
      "UPDATE outcome SET verdict = 'ok'", "DELETE FROM exclusion",
      "UPDATE profile_span SET mask_last = 64 WHERE mask_last < 64",
      "UPDATE provenance SET value = '1' WHERE key = 'combinations'",
      "DROP VIEW behavior", "CREATE INDEX extra ON outcome (result)",
    ] {
      let file = directory.file("changed.db")
      try Data(whole).write(to: URL(fileURLWithPath: file))
      let queue = try DatabaseQueue(path: file)
      try queue.write { try $0.execute(sql: change) }
      try queue.close()
      #expect(throws: StoreError.self, "\(change)") {
        try DatabaseCheck(MatrixDatabase(path: file)).requireSound()
      }
    }
  }

  @Test func aDatabaseWithoutADigestIsNotUsable() throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write {
      try $0.execute(sql: "DELETE FROM provenance WHERE key = 'content_digest'")
    }
    try queue.close()
    #expect(throws: StoreError.undigested(path: path)) {
      try DatabaseCheck(MatrixDatabase(path: path)).requireSound()
    }
  }
}
