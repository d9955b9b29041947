import Foundation
import Support

/// A patch series, read before a tree is compiled.
public struct PatchSeries: Sendable {
  /// The patches in their order.
  private(set) var mails: [SeriesMail]
  /// What was left out or is missing, a sentence each: it may hold a mail's subject,
  /// without control characters.
  public private(set) var notes: [String] = []
  /// The commit that the series says it is based on.
  public let baseCommit: String?
  /// How many patches before it the series says it needs.
  public let prerequisites: Int

  /// Whether its end is missing, as its subjects say.
  public private(set) var isCut = false

  /// How many patches it has.
  public var count: Int { mails.count }

  /// The first of its patches.
  func first(_ count: Int) -> PatchSeries {
    var series = self
    series.mails = Array(mails.prefix(count))
    return series
  }

  /// A file, or what stands for one.
  public struct Source: Sendable {
    public let name: String
    /// Compressed by gzip or not.
    public let contents: Data

    public init(name: String, contents: Data) {
      self.name = name
      self.contents = contents
    }
  }

  /// Reads a mailbox.
  public init(mbox: Data) throws(TreeError) {
    try self.init([Source(name: "mbox", contents: mbox)])
  }

  /// Reads mailboxes, single mails and plain diffs, in the order of the files.
  ///
  /// The patches that have numbers are ordered by them.  Of several versions the latest
  /// counts.
  ///
  /// - Throws: ``TreeError/patch(_:)`` where there is no patch, a patch is missing in the
  ///   middle, two different ones have one number, or a diff leaves the tree.
  public init(_ sources: [Source]) throws(TreeError) {
    var all: [SeriesMail] = []
    var (size, changes) = (0, 0)
    for source in sources {
      let bytes = try Self.decompressed(source)
      size += bytes.count
      guard size <= 64 << 20 else { throw .patch("--mbox is larger than 64 MiB") }
      for mail in try SeriesFile.mails(in: bytes, called: source.name) {
        changes += mail.changes.count
        guard changes <= 10000 else {
          throw .patch("--mbox changes files more than 10000 times; accepted: one series")
        }
        all.append(mail)
      }
    }
    let replies = all.filter(\.isReply)
    all.removeAll(where: \.isReply)
    var notes = replies.isEmpty ? [] : [Self.note(on: replies)]
    let latest = all.map(\.version).max() ?? 1
    let series = all.filter { $0.version == latest }
    let older = Set(all.map(\.version)).subtracting([latest]).sorted()
    if !older.isEmpty {
      let names = older.prefix(10).map { "v\($0)" }.joined(separator: ", ")
      notes.append("--mbox holds \(names) and v\(latest); v\(latest) is taken")
    }
    let patches = series.filter { $0.hasDiff && $0.number != 0 }
    guard patches.contains(where: { !$0.changes.isEmpty }) else {
      let cover = series.contains { $0.number == 0 }
      throw .patch(
        (cover ? "--mbox holds a cover letter and no patch" : "--mbox holds no mail with a patch")
          + (replies.isEmpty ? "" : " (\(notes[0]))")
          + "; accepted: a series as b4 or an archive saves it, or a diff")
    }
    let numbered = patches.filter { $0.number != nil }
    if numbered.isEmpty {
      mails = patches
      if patches.count > 1 {
        notes.append(
          "the \(patches.count) patches of --mbox have no numbers; they are taken in the order "
            + "in which they stand")
      }
    } else {
      mails = try Self.ordered(numbered, of: latest)
      let total = numbered.compactMap(\.total).max() ?? 0
      if total > mails.count {
        isCut = true
        notes.append(
          "--mbox holds \(mails.count) of \(total) patches of v\(latest); "
            + "what follows patch \(mails.count) is missing")
      }
      let rest = patches.filter { $0.number == nil }
      if let first = rest.first {
        notes.append(
          "\(rest.count) of the patches of --mbox \(rest.count == 1 ? "has" : "have") no number "
            + "and \(rest.count == 1 ? "is" : "are") left out: '\(first.subject.printable(upTo: 100))'"
        )
      }
    }
    baseCommit = series.lazy.compactMap(\.baseCommit).first
    prerequisites = series.map(\.prerequisites).max() ?? 0
    self.notes = notes
  }

  /// Names replies that have diffs of their own.
  private static func note(on replies: [SeriesMail]) -> String {
    let names = replies.prefix(3).map { "'\($0.subject.printable(upTo: 100))'" }
    let more = replies.count - names.count
    return
      (replies.count == 1
      ? "a reply that has a diff is"
      : "\(replies.count) replies that have "
        + "diffs are") + " left out: " + names.joined(separator: ", ")
      + (more > 0 ? " and \(more) more" : "")
  }

  /// The patches by their numbers, each once.
  private static func ordered(
    _ patches: [SeriesMail], of version: Int
  ) throws(TreeError) -> [SeriesMail] {
    var byNumber: [Int: SeriesMail] = [:]
    for mail in patches {
      guard let number = mail.number else { continue }
      if let other = byNumber[number] {
        // An archive may hold a mail once for each list that it went to.
        guard other.changes.map(\.text) == mail.changes.map(\.text) else {
          throw .patch(
            "--mbox holds two patches with number \(number) of v\(version): "
              + "'\(other.subject.printable(upTo: 100))' and "
              + "'\(mail.subject.printable(upTo: 100))'; accepted: one series")
        }
      } else {
        byNumber[number] = mail
      }
    }
    let numbers = byNumber.keys.sorted()
    if let last = numbers.last, last != numbers.count {
      // A subject may say any number.
      let missing = (1...last).lazy.filter { byNumber[$0] == nil }.prefix(10).map(String.init)
      let more = last - numbers.count > missing.count ? " and more" : ""
      throw .patch("--mbox lacks patch \(missing.joined(separator: ", "))\(more) of v\(version)")
    }
    return numbers.compactMap { byNumber[$0] }
  }

  private static func decompressed(_ source: Source) throws(TreeError) -> [UInt8] {
    guard source.contents.starts(with: [0x1f, 0x8b]) else { return [UInt8](source.contents) }
    do throws(InputError) {
      return try GzipFile.contents(in: source.contents, limit: 64 << 20)
    } catch {
      throw .patch("--mbox '\(source.name.printable)' is no whole gzip file of up to 64 MiB")
    }
  }
}
