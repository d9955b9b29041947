import DMAModel

/// A mail of a known patch series, for the b4 check protocol.
public enum PatchMail {
  /// The version of the series that a mail belongs to, or nil.
  ///
  /// A mail is known by its message-id, or by a cover letter that it replies to;
  /// failing that, by a subject with the series' version and title.
  public static func version(of mail: String) -> KernelVersion? {
    let headers = headers(of: mail)
    let ids = ["message-id", "in-reply-to", "references"].flatMap { name in
      headers.filter { $0.name == name }.flatMap { messageIDs($0.value) }
    }
    for version in KernelVersion.all {
      guard let cover = version.messageID else { continue }
      // git send-email numbers the mails of a thread: ...-1-author is the cover.
      guard let marker = cover.firstRange(of: "-1-") else { continue }
      let prefix = cover[..<marker.lowerBound] + "-"
      let suffix = cover[cover.index(before: marker.upperBound)...]
      if ids.contains(where: { isMail($0, prefix: prefix, suffix: suffix) }) { return version }
    }
    guard let subject = headers.first(where: { $0.name == "subject" })?.value,
      titles.contains(where: subject.contains)
    else { return nil }
    return KernelVersion.all.first { version in
      version.messageID != nil && subject.contains("PATCH \(version.name) ")
    }
  }

  /// Parts of the cover letters' and the patches' titles.
  private static let titles = [
    "DMA_ATTR_CC_SHARED", "Track shared DMA state", "cc_shared", "dma-mapping:", "dma-direct:",
    "swiotlb:", "dma-pool:",
  ]

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
