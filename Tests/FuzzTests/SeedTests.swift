import Foundation
import Testing

/// Every input in Seeds/ goes to its target: real files cut short, inputs that once
/// crashed, hung or broke a promise, and the smallest that fuzzing found for the
/// branches of a parser (Tests/Fuzz/run.sh).
@Suite struct SeedTests {
  private static let seeds = Bundle.module.resourceURL?.appendingPathComponent("Seeds")

  @Test(arguments: targets.keys.sorted())
  func noSeedBreaksAPromise(name: String) throws {
    let target = try #require(targets[name])
    let directory = try #require(Self.seeds).appendingPathComponent(name)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(!files.isEmpty)
    for file in files.sorted() {
      let bytes = try Data(contentsOf: directory.appendingPathComponent(file))
      // Many small inputs, one in base64 on each line.
      let inputs =
        file == "found.b64"
        ? String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
          Data(base64Encoded: String($0))
        } : [bytes]
      for (index, input) in inputs.enumerated() {
        let input = try #require(input, "\(name)/\(file):\(index + 1)")
        #expect(throws: Never.self, "\(name)/\(file):\(index + 1)") {
          try run(target, on: Array(input))
        }
      }
    }
  }

  /// A promise that is broken is noticed.
  @Test func violationsAreSeen() {
    for sentence in ["two\nlines", "\u{1b}[2J", String(repeating: "x", count: 5000)] {
      #expect(throws: Violation.self) { try run({ _ in sentence }, on: []) }
    }
  }
}
