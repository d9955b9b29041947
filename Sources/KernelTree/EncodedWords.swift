import Foundation
import Support

/// A mail's header in which words are encoded: `=?utf-8?q?=5BPATCH_1=2F2=5D?=`.
///
/// Source: RFC 2047; UTF-8, ASCII and Latin-1, which subjects of patches have.
enum EncodedWords {
  static func decoded(_ header: String) -> String {
    guard header.contains("=?") else { return header }
    // White space between two encoded words is none.
    let joined = header.replacing(/(\?=)\s+(=\?)/) { "\($0.1)\($0.2)" }
    return joined.replacing(/=\?([A-Za-z0-9_-]+)\?([qQbB])\?([^?]*)\?=/) { match in
      let bytes: [UInt8]?
      if match.2.lowercased() == "b" {
        bytes = Data(base64Encoded: String(match.3)).map { [UInt8]($0) }
      } else {
        let line = Array(match.3.utf8).map { $0 == UInt8(ascii: "_") ? UInt8(ascii: " ") : $0 }
        bytes = QuotedPrintable.decoded(line[...])?.0
      }
      guard let bytes else { return String(match.0) }
      return match.1.lowercased().hasPrefix("iso-8859")
        ? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        : String(decoding: bytes, as: UTF8.self)
    }
  }
}
