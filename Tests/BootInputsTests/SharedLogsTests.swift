import DMAModel
import Foundation
import Support
import Testing

@testable import BootInputs

/// Logs of real machines beside the checkout; without them this is shown as skipped.
@Suite(.enabled(if: SharedLogs.exist, "no ../shared/logs beside the checkout"))
struct SharedLogsTests {
  /// `expected.csv`: what a reader of the whole log knows.
  @Test func everyLogIsReadAsExpected() throws {
    let rows = try SharedLogs.expected()
    #expect(!rows.isEmpty)
    for row in rows {
      let text = try SharedLogs.text(row["log"] ?? "")
      let facts = BootFacts(try BootLog(text))
      let name = Comment(rawValue: row["log"] ?? "")
      #expect(facts.release ?? "" == row["kernel"], name)
      // The line with mem_encrypt=on was shortened before it was shared: nothing that is
      // left tells an SME host from another.
      withKnownIssue("the log has lost its mem_encrypt=on", isIntermittent: false) {
        #expect(facts.platform.name == row["platform"], name)
      } when: {
        row["note"]?.contains("mem_encrypt=on in its command line") == true
          && facts.commandLine?.contains("mem_encrypt=on") != true
      }
      let pool = facts.memory.pool.map { "\($0.first.hexadecimal)-\($0.last.hexadecimal)" }
      #expect(pool ?? "" == row["pool"], name)
      #expect(facts.iommu.groups.count == Int(row["groups"] ?? ""), name)
      let modes = facts.iommu.possibilities.map(\.mode)
      switch row["iommu"] {
      case "none": #expect(modes == [.none], name)
      case "passthrough": #expect(modes == [.passthrough], name)
      case "translated": #expect(modes == [.translated], name)
      case "some", "unknown": #expect(modes.contains(.none) && modes.contains(.translated), name)
      default: #expect(modes.isEmpty && !facts.unmodelled.isEmpty, name)
      }
    }
  }
}

private enum SharedLogs {
  /// Beside the checkout: this file is Tests/BootInputsTests/SharedLogsTests.swift.
  private static let directory = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("shared/logs")

  static var exist: Bool {
    FileManager.default.fileExists(atPath: directory.appendingPathComponent("expected.csv").path)
  }

  static func text(_ name: String) throws -> String {
    String(
      decoding: try Data(contentsOf: directory.appendingPathComponent(name)), as: UTF8.self)
  }

  /// The rows by column; the last field may be quoted.
  static func expected() throws -> [[String: String]] {
    let lines = try text("expected.csv").split(whereSeparator: \.isNewline)
    let columns = lines.first?.split(separator: ",").map(String.init) ?? []
    return lines.dropFirst().map { line in
      let fields = line.split(
        separator: ",", maxSplits: columns.count - 1, omittingEmptySubsequences: false)
      return Dictionary(uniqueKeysWithValues: zip(columns, fields.map(String.init)))
    }
  }
}
