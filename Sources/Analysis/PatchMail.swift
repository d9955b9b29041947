import DMAModel
import Support

/// A mail of a known patch series, for the b4 check protocol.
public enum PatchMail {
  /// The version of the series that a mail belongs to, or nil.
  ///
  /// A mail is the series' by its message-id, or as a cover letter by version and title.
  /// A reply is known by the mails that it refers to; a patch in reply to the series is
  /// another patch.
  public static func version(of mail: String) -> KernelVersion? {
    let headers = headers(of: mail)
    func ids(_ names: [String]) -> [String] {
      headers.filter { names.contains($0.name) }.flatMap { messageIDs($0.value) }
    }
    if let version = version(ofMessages: ids(["message-id"])) { return version }
    let subject = headers.first { $0.name == "subject" }?.value ?? ""
    if subject.hasPrefix("[") {
      return KernelVersion.all.first { version in
        version.messageID != nil && isCover(subject, of: version.name)
      }
    }
    return version(ofMessages: ids(["in-reply-to", "references"]))
  }

  /// The version that one of some message-ids belongs to.
  private static func version(ofMessages ids: [String]) -> KernelVersion? {
    KernelVersion.all.first { version in
      // git send-email numbers the mails of a thread: ...-1-author is the cover.
      guard let cover = version.messageID, let marker = cover.firstRange(of: "-1-") else {
        return false
      }
      let prefix = cover[..<marker.lowerBound] + "-"
      let suffix = cover[cover.index(before: marker.upperBound)...]
      return ids.contains { isMail($0, prefix: prefix, suffix: suffix) }
    }
  }

  /// The titles of the cover letters; v7's is the second.
  private static let titles = [
    "dma-mapping: Use DMA_ATTR_CC_SHARED through direct, pool and swiotlb paths",
    "dma-mapping: Track shared DMA state through direct, pool and swiotlb paths",
  ]

  /// Whether a subject is `[PATCH v5 00/20] ` and one of ``titles``.
  private static func isCover(_ subject: String, of version: String) -> Bool {
    guard let close = subject.firstIndex(of: "]") else { return false }
    let words = subject[..<close].dropFirst().split(separator: " ")
    let title = subject[subject.index(after: close)...].drop { $0 == " " }
    return words.contains("PATCH") && words.contains { $0 == version }
      && titles.contains { $0.lowercased() == title.lowercased() }
  }

  private static func isMail(_ id: String, prefix: Substring, suffix: Substring) -> Bool {
    guard id.hasPrefix(prefix), id.hasSuffix(suffix), id.count > prefix.count + suffix.count
    else { return false }
    return id.dropFirst(prefix.count).dropLast(suffix.count).allSatisfy(\.isNumber)
  }

  private static func messageIDs(_ value: String) -> [String] {
    value.split { "<> \t,".contains($0) }.map(String.init)
  }

  /// The headers of the first 1000 lines, folded lines joined, names in lower case.
  private static func headers(of mail: String) -> [(name: String, value: String)] {
    var headers: [(name: String, value: String)] = []
    for line in mail.lines(upTo: 1000) {
      if line.isEmpty { break }
      if line.first == " " || line.first == "\t" {
        guard !headers.isEmpty else { continue }
        headers[headers.count - 1].value += " " + line.drop { $0 == " " || $0 == "\t" }
      } else if let colon = line.firstIndex(of: ":") {
        headers.append(
          (
            line[..<colon].lowercased(),
            String(line[line.index(after: colon)...].drop { $0 == " " })
          ))
      }
    }
    return headers
  }
}
