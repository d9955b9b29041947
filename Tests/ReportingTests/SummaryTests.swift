import Analysis
import DMAModel
import Testing

@testable import Reporting

/// What a maintainer reads first of each kernel.
@Suite struct SummaryTests {
  private static func check(_ name: String) throws -> Check {
    Check.standard(of: try #require(KernelVersion.named(name)), details: false)
  }

  /// At most 15 lines of 72 columns; each cause has one place, or is counted as one that is
  /// not named; headings and lines are never alike.
  @Test(arguments: KernelVersion.all.map(\.name) + ["v6+P03", "v7+P16c"])
  func everyCauseHasAPlaceOfItsOwn(name: String) throws {
    let check = try Self.check(name)
    let text = checkDocument(check, isWhole: false).text(.text)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect(lines.count <= 15 && lines.allSatisfy { $0.count <= 72 }, "\(text)")
    // Numbers of lines of their own, and of the paragraph behind each.
    let body = lines.dropFirst(2).dropLast()
    let alone = body.compactMap { $0.firstMatch(of: #/^ ?([0-9]+) [a-z]+ +[a-zA-Z0-9]/#) }
      .compactMap { Int($0.output.1) }
    let paragraph = body.filter { $0.hasPrefix("   ") }.joined(separator: " ")
    let last = try #require(lines.last)
    let unnamed = last.matches(of: #/([0-9]+) more/#).compactMap { Int($0.output.1) }
      .reduce(0, +)
    let packed = paragraph.matches(of: #/\S \(([0-9]+)\)/#).compactMap { Int($0.output.1) }
    #expect(Set(alone + packed).count == (alone + packed).count, "\(text)")
    #expect(alone.count + packed.count + unnamed == check.causes.count, "\(text)")
    #expect(alone.count >= min(4, check.causes.count))
    let headings = causeHeadings(check.causes)
    #expect(Set(headings).count == headings.count)
    #expect(!headings.contains { $0.contains(" of ") && $0.hasSuffix(")") }, "\(headings)")
    let own = body.filter { !$0.hasPrefix("   ") }.map { $0.dropFirst(3) }
    #expect(Set(own).count == own.count, "\(text)")
  }
}
