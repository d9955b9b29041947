import Foundation
import Support

/// A mail, or a part of one that has several.
struct MailPart {
  /// Those that say what a part is, by their names in small letters.
  let headers: [String: String]
  private let body: ArraySlice<UInt8>

  /// How many bytes of a header are kept.
  private static let headerLimit = 4096
  private static let kept: Set<String> = [
    "subject", "content-transfer-encoding", "content-type",
  ]
  /// How deep parts may lie in each other, and how many there may be.
  private static let (depthLimit, partLimit) = (4, 100)

  init(_ mail: ArraySlice<UInt8>) {
    var headers: [String: String] = [:]
    var last = ""
    var lines = ByteLines(mail)
    while let raw = lines.next(), !raw.withoutReturn.isEmpty {
      let line = String(decoding: raw.prefix(Self.headerLimit), as: UTF8.self)
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
      guard Self.kept.contains(last) else { continue }
      let text = value.trimmingCharacters(in: .whitespacesAndNewlines)
      let before = headers[last].map { $0 + " " } ?? ""
      if before.utf8.count <= Self.headerLimit { headers[last] = before + text }
    }
    self.headers = headers
    body = mail[lines.position...]
  }

  /// What it says, decoded: of a mail in parts the texts, one after the other.
  ///
  /// - Throws: Where a part that is not read, or cannot be decoded, may hold a patch.
  func text() throws(TreeError) -> ArraySlice<UInt8> { try text(depth: 0) }

  private func text(depth: Int) throws(TreeError) -> ArraySlice<UInt8> {
    guard let boundary else {
      guard !contentType.contains("charset=utf-16"), !contentType.contains("charset=\"utf-16"),
        let text = decoded
      else {
        let encoding = encoding.isEmpty ? "no encoding" : encoding
        throw unread("its text cannot be decoded (\(contentType), \(encoding))")
      }
      return text
    }
    guard depth < Self.depthLimit else {
      throw unread("it has parts in parts, more than \(Self.depthLimit) deep")
    }
    var all: [UInt8] = []
    for bytes in try parts(between: boundary) {
      let part = MailPart(bytes)
      guard part.isText else {
        if part.mayHoldPatch {
          throw unread("a part of type \(part.contentType.prefix { $0 != ";" }) has a diff")
        }
        continue
      }
      all += try part.text(depth: depth + 1)
      if all.last != TextLines.newline { all.append(TextLines.newline) }
    }
    return all[...]
  }

  /// In small letters, with its parameters.
  private var contentType: String { (headers["content-type"] ?? "text/plain").lowercased() }

  private var encoding: String { headers["content-transfer-encoding"] ?? "" }

  private func unread(_ reason: String) -> TreeError {
    let subject = EncodedWords.decoded(headers["subject"] ?? "").printable(upTo: 100)
    return .patch(
      "the mail '\(subject)' is not read as a whole: \(reason.printable(upTo: 200)); accepted: "
        + "plain text or text/x-patch, as git send-email makes them")
  }

  /// Whether a part of another type has a diff, or hides what it has.
  private var mayHoldPatch: Bool {
    // A web page repeats the text, others are no text.
    if ["text/html", "image/", "application/pgp", "application/pkcs7", "video/", "audio/"]
      .contains(where: contentType.hasPrefix)
    {
      return false
    }
    guard let text = decoded else { return true }
    return ByteLines(text).contains { line in
      ["diff --git ", "--- a/", "+++ b/"].contains { line.starts(with: $0.utf8) }
    }
  }

  /// Whether a patch may stand in it: no HTML, no picture, no signature.
  private var isText: Bool {
    [
      "text/plain", "text/x-patch", "text/x-diff", "text/diff", "application/x-patch",
      "application/x-diff", "application/octet-stream", "multipart/",
    ].contains(where: contentType.hasPrefix)
  }

  /// What divides its parts (RFC 2046, 5.1.1); nil where it has none.
  private var boundary: [UInt8]? {
    guard let type = headers["content-type"], type.lowercased().hasPrefix("multipart/"),
      let match = type.firstMatch(of: /(?i)boundary\s*=\s*("([^"]{1,200})"|([^\s;"]{1,200}))/),
      let name = match.2 ?? match.3
    else { return nil }
    return Array("--\(name)".utf8)
  }

  private func parts(between boundary: [UInt8]) throws(TreeError) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start: Int?
    var lines = ByteLines(body)
    var end = lines.position
    while let raw = lines.next() {
      defer { end = lines.position }
      guard raw.starts(with: boundary) else { continue }
      let rest = raw.withoutReturn.dropFirst(boundary.count)
      guard rest.allSatisfy({ [0x20, 0x09, UInt8(ascii: "-")].contains($0) }) else { continue }
      if let start { parts.append(lines.bytes[start..<end]) }
      start = lines.position
      if parts.count == Self.partLimit {
        throw unread("it has more than \(Self.partLimit) parts")
      }
      if rest.starts(with: "--".utf8) { return parts }
    }
    if let start { parts.append(lines.bytes[start..<lines.position]) }
    return parts
  }

  /// The body without its transfer encoding; nil where that is unknown or wrong.
  private var decoded: ArraySlice<UInt8>? {
    // RFC 2045 allows a comment behind the word.
    let word = encoding.lowercased().prefix { $0 != " " && $0 != "(" && $0 != ";" }
    switch word {
    case "base64": return Self.base64(body).map { $0[...] }
    case "quoted-printable": return Self.quotedPrintable(body)[...]
    case "", "7bit", "8bit", "binary": return body
    default: return nil
    }
  }

  /// A list may have added a footer in plain text behind the code.
  private static func base64(_ body: ArraySlice<UInt8>) -> [UInt8]? {
    var code: [UInt8] = []
    var rest: [UInt8] = []
    for raw in ByteLines(body) {
      let line = raw.withoutReturn
      if rest.isEmpty, code.last != UInt8(ascii: "="), line.allSatisfy(isBase64) {
        code += line
      } else {
        rest += line + [TextLines.newline]
      }
    }
    guard let data = Data(base64Encoded: Data(code)) else { return nil }
    return [UInt8](data) + rest
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
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
