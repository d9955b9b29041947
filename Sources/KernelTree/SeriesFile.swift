import DMAModel
import Foundation
import Support

/// One mail of a series with the changes it makes.
struct SeriesMail: Sendable {
  /// `[PATCH v7 3/22] dma-mapping: ...`
  let subject: String
  /// The version, 1 without `vN`.
  let version: Int
  /// The number in the series; 1 for a single patch.
  let number: Int
  /// The changes of one file each, in their order.
  let changes: [FileChange]
}

/// Reads series as b4 saves them and as archives hold them.
enum SeriesFile {
  /// The patches of a mailbox in the order of their numbers.
  ///
  /// - Throws: ``TreeError/patch(_:)`` for a file without patches, one with more than
  ///   10000 changes, a series that is not complete, or a path that leaves the tree.
  static func patches(in data: Data) throws(TreeError) -> [SeriesMail] {
    guard data.count <= 64 << 20 else { throw .patch("--mbox is larger than 64 MiB") }
    var mails: [SeriesMail] = []
    var changes = 0
    for mail in Mails([UInt8](data)[...]) {
      guard let parsed = try parse(mail) else { continue }
      mails.append(parsed)
      changes += parsed.changes.count
      guard changes <= 10000 else {
        throw .patch("--mbox changes files more than 10000 times; accepted: one series")
      }
    }
    guard let latest = mails.map(\.version).max() else {
      throw .patch(
        "--mbox holds no mail with a patch; accepted: a series as b4 or an archive saves it")
    }
    let series = mails.filter { $0.version == latest }
    var byNumber: [Int: SeriesMail] = [:]
    for mail in series { byNumber[mail.number] = byNumber[mail.number] ?? mail }
    let numbers = byNumber.keys.sorted()
    if let last = numbers.last, last != numbers.count {
      // A subject may say any number.
      let missing = (1...last).lazy.filter { byNumber[$0] == nil }.prefix(10).map(String.init)
      let more = last - numbers.count > missing.count ? " and more" : ""
      throw .patch("--mbox lacks patch \(missing.joined(separator: ", "))\(more) of v\(latest)")
    }
    return numbers.compactMap { byNumber[$0] }
  }

  /// The mails of a mailbox; a file without `From ` lines is one mail.  mboxrd's `>From `
  /// stays as it is: no line of a diff begins so.
  private struct Mails: Sequence, IteratorProtocol {
    private var lines: ByteLines

    init(_ bytes: ArraySlice<UInt8>) { lines = ByteLines(bytes) }

    mutating func next() -> ArraySlice<UInt8>? {
      var start = lines.position
      var (end, previousIsBlank) = (start, true)
      while let line = lines.next() {
        if line.starts(with: "From ".utf8), previousIsBlank {
          if end > start { return lines.bytes[start..<end] }
          // The separator itself is no part of a mail.
          start = lines.position
        }
        previousIsBlank = line.withoutReturn.isEmpty
        end = lines.position
      }
      return end > start ? lines.bytes[start..<end] : nil
    }
  }

  /// How many bytes of a header are kept.
  private static let headerLimit = 4096

  private static func parse(_ mail: ArraySlice<UInt8>) throws(TreeError) -> SeriesMail? {
    var headers: [String: String] = [:]
    var last = ""
    var lines = ByteLines(mail)
    while let raw = lines.next(), !raw.withoutReturn.isEmpty {
      let line = String(decoding: raw.prefix(headerLimit), as: UTF8.self)
      let value: Substring
      if line.first == " " || line.first == "\t" {
        value = line[...]
      } else if let colon = line.firstIndex(of: ":") {
        last = line[..<colon].lowercased()
        headers[last] = nil
        value = line[line.index(after: colon)...]
      } else {
        continue
      }
      guard ["subject", "content-transfer-encoding"].contains(last) else { continue }
      let text = value.trimmingCharacters(in: .whitespacesAndNewlines)
      let before = headers[last].map { $0 + " " } ?? ""
      if before.utf8.count <= headerLimit { headers[last] = before + text }
    }
    let subject = headers["subject"] ?? ""
    let body = decoded(mail[lines.position...], headers["content-transfer-encoding"] ?? "")
    let changes = try diffs(in: body)
    guard !changes.isEmpty, !subject.lowercased().hasPrefix("re:") else { return nil }
    let (version, number) = place(subject)
    guard number > 0 else { return nil }  // the cover letter's diffstat is no diff
    return SeriesMail(subject: subject, version: version, number: number, changes: changes)
  }

  /// `[PATCH v7 03/22]`: version and number.
  private static func place(_ subject: String) -> (version: Int, number: Int) {
    guard let open = subject.firstIndex(of: "["), let close = subject.firstIndex(of: "]"),
      open < close
    else { return (1, 1) }
    var (version, number) = (1, 1)
    for word in subject[subject.index(after: open)..<close].split(whereSeparator: {
      " ,".contains($0)
    }) {
      if word.first == "v", let value = Int(word.dropFirst()) { version = value }
      if word.hasPrefix("PATCHv"), let value = Int(word.dropFirst(6)) { version = value }
      let parts = word.split(separator: "/")
      if parts.count == 2, let value = Int(parts[0]), Int(parts[1]) != nil { number = value }
    }
    return (version, number)
  }

  private static func decoded(
    _ body: ArraySlice<UInt8>, _ encoding: String
  ) -> ArraySlice<UInt8> {
    switch encoding.lowercased() {
    case "base64":
      let data = Data(base64Encoded: Data(body), options: .ignoreUnknownCharacters) ?? Data()
      return [UInt8](data)[...]
    case "quoted-printable": return quotedPrintable(body)[...]
    default: return body
    }
  }

  private static func quotedPrintable(_ body: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.count)
    for raw in ByteLines(body) {
      let line = raw.withoutReturn
      // Most lines have no code.
      guard line.contains(UInt8(ascii: "=")) else {
        bytes.append(contentsOf: line)
        bytes.append(TextLines.newline)
        continue
      }
      // An archive may have decoded the part and kept its header.
      guard let (decoded, goesOn) = QuotedPrintable.decoded(line) else { return Array(body) }
      bytes.append(contentsOf: decoded)
      if !goesOn { bytes.append(TextLines.newline) }
    }
    return bytes
  }
}
