import Foundation
import TestSupport
import Testing

@testable import KernelTree

/// Random hunks on random files, with patch(1) as the witness.
///
/// `PATCH_SEEDS=1000-5000` tries other seeds than those of every run; a case that differs
/// is named by its seed.
@Suite struct PatchWitnessTests {
  private static let seeds: ClosedRange<UInt64> = {
    let words = (ProcessInfo.processInfo.environment["PATCH_SEEDS"] ?? "").split(separator: "-")
    guard let first = words.first.flatMap({ UInt64($0) }),
      let last = words.last.flatMap({ UInt64($0) }), first <= last
    else { return 1...400 }
    return first...last
  }()

  /// One file before and after, and what became of it meanwhile: few different lines, so
  /// that hunks fit in several places, or many.
  private struct Case {
    let old: [Int]
    let new: [Int]
    let other: [Int]

    init(seed: UInt64) {
      var random = Linear(state: seed)
      // The first numbers of neighbours are alike.
      for _ in 0..<4 { _ = random.next() }
      func edited(_ lines: [Int], times: Int) -> [Int] {
        var lines = lines
        for _ in 0..<times {
          let place = Int(random.next() % UInt64(lines.count + 1))
          if random.next() % 2 == 0, place < lines.count { lines.remove(at: place) }
          if random.next() % 2 == 0 {
            lines.insert(Int(random.next() % 10), at: min(place, lines.count))
          }
        }
        return lines
      }
      let kinds: UInt64 = seed % 2 == 0 ? 10 : 100
      let length = 5 + random.next() % 36
      old = (0..<length).map { _ in Int(random.next() % kinds) }
      new = edited(old, times: 1 + Int(seed % 3))
      // Some have been changed already, or twice.
      other = edited(seed % 7 == 0 ? new : old, times: Int(seed % 5))
    }

    static func text(_ lines: [Int]) -> String { lines.map { "\($0)\n" }.joined() }
  }

  /// `Hunk #1 succeeded at 3 with fuzz 1 (offset -2 lines).`, `Hunk #2 FAILED at 7.`,
  /// `Hunk #1 ignored at 4.`
  private enum Fate: Equatable {
    case applied(offset: Int, fuzz: Int)
    case failed
    case ignored

    static func all(in said: String) -> [Fate] {
      let line =
        /Hunk #[0-9]+ (succeeded|FAILED|ignored) at -?[0-9]+( with fuzz ([0-9]+))?( \(offset (-?[0-9]+) lines?\))?\./
      return said.matches(of: line).map { match in
        switch match.1 {
        case "succeeded":
          .applied(offset: match.5.flatMap { Int($0) } ?? 0, fuzz: match.3.flatMap { Int($0) } ?? 0)
        case "FAILED": .failed
        default: .ignored
        }
      }
    }
  }

  /// The same fate of each hunk and the same text.  What fits with no line at all is
  /// refused here; a case ends with it, and with a first hunk that is there already.
  @Test(.enabled(if: access("/usr/bin/patch", X_OK) == 0, "patch(1) is not installed"))
  func patchMakesTheSame() throws {
    let directory = try TemporaryDirectory()
    var counts = (applied: 0, fuzzy: 0, failed: 0, there: 0)
    for seed in Self.seeds {
      let its = Case(seed: seed)
      for (name, lines) in [("old", its.old), ("new", its.new), ("other", its.other)] {
        try Case.text(lines).write(
          toFile: directory.file(name), atomically: false, encoding: .utf8)
      }
      let diff = try Command(
        "/usr/bin/diff",
        ["-u", "--label", "a/f", "--label", "b/f", directory.file("old"), directory.file("new")]
      ).run().output
      guard !diff.isEmpty, !its.old.isEmpty, !its.new.isEmpty, !its.other.isEmpty else { continue }
      try diff.write(toFile: directory.file("diff"), atomically: false, encoding: .utf8)
      let (_, said) = try Command(
        "/usr/bin/patch",
        [
          "--batch", "--forward", "--verbose", "-r", "-", "-o", directory.file("result"),
          directory.file("other"), directory.file("diff"),
        ]
      ).run()
      let change = try #require(try SeriesFile.diffs(in: Array(diff.utf8)[...]).first)
      var applier = PatchApplier()
      let (outcome, hunks) = try applier.apply(change, to: Array(Case.text(its.other).utf8))
      let whole = "seed \(seed)\n\(diff)\non\n\(Case.text(its.other))\n\(said)\n\(hunks)"
      let fates = Fate.all(in: said)
      try #require(fates.count == hunks.count, "\(whole)")
      var isWhole = true
      for (index, fate) in fates.enumerated() where isWhole {
        switch (fate, hunks[index].fate) {
        case (.applied(let offset, let fuzz), .applied(let itsOffset, let itsFuzz)):
          #expect(offset == itsOffset && fuzz == itsFuzz, "\(whole)")
          counts.applied += 1
          if fuzz > 0 { counts.fuzzy += 1 }
        case (.failed, .rejected), (.failed, .alreadyApplied): counts.failed += 1
        case (.ignored, let other):
          #expect(!HunkReport(line: 0, fate: other).isApplied, "\(whole)")
          counts.there += 1
          isWhole = false
        case (.applied(_, let fuzz), _):
          #expect(Self.isBlind(change.hunks[index], fuzz: fuzz), "\(whole)")
          isWhole = false
        case (.failed, .applied): Issue.record("\(whole)")
        }
      }
      guard isWhole else { continue }
      let made = try Data(contentsOf: URL(fileURLWithPath: directory.file("result")))
      switch outcome {
      case .text(let bytes): #expect(Data(bytes) == made, "\(whole)")
      case .unchanged: #expect(Data(Case.text(its.other).utf8) == made, "\(whole)")
      case .removed: Issue.record("\(whole)")
      }
    }
    let isUsual = Self.seeds == 1...400
    #expect(
      !isUsual
        || counts.applied > 200 && counts.fuzzy > 10 && counts.failed > 10
          && counts.there > 10,
      "\(counts)")
  }

  /// Whether no line of a hunk is compared with so much fuzz (patch(1)'s locate_hunk()).
  private static func isBlind(_ hunk: Hunk, fuzz: Int) -> Bool {
    let marks = hunk.lines.map(\.mark)
    let prefix = marks.prefix { $0 == UInt8(ascii: " ") }.count
    let suffix = marks.reversed().prefix { $0 == UInt8(ascii: " ") }.count
    let context = max(prefix, suffix)
    let ignored = [prefix, suffix].map { max(0, fuzz + $0 - context) }
    return ignored.reduce(0, +) >= hunk.oldCount
  }
}
