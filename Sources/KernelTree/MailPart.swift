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
  var text: ArraySlice<UInt8> { text(depth: 0) }

  private func text(depth: Int) -> ArraySlice<UInt8> {
    guard let boundary else {
      return Self.decoded(body, headers["content-transfer-encoding"] ?? "")
    }
    guard depth < Self.depthLimit else { return [] }
    var all: [UInt8] = []
    for bytes in parts(between: boundary) {
      let part = MailPart(bytes)
      guard part.isText else { continue }
      all += part.text(depth: depth + 1)
      if all.last != TextLines.newline { all.append(TextLines.newline) }
    }
    return all[...]
  }

  /// Whether a patch may stand in it: no HTML, no picture, no signature.
  private var isText: Bool {
    let type = (headers["content-type"] ?? "text/plain").lowercased()
    return ["text/plain", "text/x-patch", "text/x-diff", "application/octet-stream", "multipart/"]
      .contains(where: type.hasPrefix)
  }

  /// What divides its parts (RFC 2046, 5.1.1); nil where it has none.
  private var boundary: [UInt8]? {
    guard let type = headers["content-type"], type.lowercased().hasPrefix("multipart/"),
      let match = type.firstMatch(of: /(?i)boundary\s*=\s*("([^"]{1,200})"|([^\s;"]{1,200}))/),
      let name = match.2 ?? match.3
    else { return nil }
    return Array("--\(name)".utf8)
  }

  private func parts(between boundary: [UInt8]) -> [ArraySlice<UInt8>] {
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
      if rest.starts(with: "--".utf8) || parts.count == Self.partLimit { return parts }
    }
    if let start { parts.append(lines.bytes[start..<lines.position]) }
    return parts
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
