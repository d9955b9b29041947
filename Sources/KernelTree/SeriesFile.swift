import DMAModel
import Foundation

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

/// What a mail does to one file: a plain unified diff.
struct FileChange: Sendable {
  /// The path before and after; nil for a file that is made or removed.
  let old: String?
  let new: String?
  let text: String

  /// The path that a user knows it by.
  var path: String { new ?? old ?? "" }
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
    for mail in split(String(decoding: data, as: UTF8.self)) {
      guard let parsed = try parse(mail) else { continue }
      mails.append(parsed)
      // Each is applied by a process of its own.
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

  /// The mails of a mailbox; a file without `From ` lines is one mail.
  private static func split(_ text: String) -> [[Substring]] {
    var mails: [[Substring]] = []
    var mail: [Substring] = []
    var previousIsBlank = true
    for line in text.lines() {
      if line.hasPrefix("From "), previousIsBlank {
        if !mail.isEmpty { mails.append(mail) }
        mail = []
      } else {
        // mboxrd quotes what looks like a separator.
        mail.append(line.hasPrefix(">From ") ? line.dropFirst() : line)
      }
      previousIsBlank = line.isEmpty
    }
    if !mail.isEmpty { mails.append(mail) }
    return mails
  }

  private static func parse(_ lines: [Substring]) throws(TreeError) -> SeriesMail? {
    var headers: [String: String] = [:]
    var index = 0
    var last = ""
    while index < lines.count, !lines[index].isEmpty {
      let line = lines[index]
      if line.first == " " || line.first == "\t" {
        headers[last, default: ""] += " " + line.trimmingCharacters(in: .whitespaces)
      } else if let colon = line.firstIndex(of: ":") {
        last = line[..<colon].lowercased()
        headers[last] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      }
      index += 1
    }
    let subject = headers["subject"] ?? ""
    let body = decoded(Array(lines[index...]), headers["content-transfer-encoding"] ?? "")
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

  private static func decoded(_ lines: [Substring], _ encoding: String) -> [String] {
    switch encoding.lowercased() {
    case "base64":
      let data = Data(base64Encoded: lines.joined(), options: .ignoreUnknownCharacters) ?? Data()
      return String(decoding: data, as: UTF8.self).lines().map(String.init)
    case "quoted-printable":
      var bytes: [UInt8] = []
      for line in lines {
        let utf8 = Array(line.utf8)
        var (position, soft) = (0, false)
        while position < utf8.count {
          if utf8[position] == UInt8(ascii: "=") {
            if position + 1 == utf8.count {
              soft = true
            } else if position + 2 < utf8.count,
              let value = UInt8(
                String(decoding: utf8[position + 1...position + 2], as: UTF8.self), radix: 16)
            {
              bytes.append(value)
              position += 3
              continue
            }
          } else {
            bytes.append(utf8[position])
          }
          position += 1
        }
        if !soft { bytes.append(UInt8(ascii: "\n")) }
      }
      return String(decoding: bytes, as: UTF8.self).lines().map(String.init)
    default: return lines.map(String.init)
    }
  }
}
