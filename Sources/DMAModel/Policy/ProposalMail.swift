/// The mail that proposed an alternative, and what the alternative is called there.
public struct ProposalMail: Sendable {
  /// The author's initials: AK Alexey Kardashevskiy, AKV Aneesh Kumar K.V, CM Catalin
  /// Marinas, JG Jason Gunthorpe, MS Mostafa Saleh.
  public let author: String
  /// The day as `2026-06-29`; nil where only the message-id is known.
  public let date: String?
  /// The subject of a patch, functions and phrases by which people refer to it.
  public let names: [String]

  init(_ author: String, _ date: String?, _ names: String...) {
    (self.author, self.date, self.names) = (author, date, names)
  }

  /// `JG, 2026-06-19`.
  public var text: String { [author, date].compactMap { $0 }.joined(separator: ", ") }
}

extension KernelVersion {
  /// The version that an alternative changes, whatever alternatives are between; the base of
  /// any other.
  public var changedVersion: KernelVersion? {
    var version = baseVersion
    while let known = version, known.mail != nil { version = known.baseVersion }
    return version
  }

  /// The alternatives that some words describe: those in which each is found, as it is
  /// written or in another case, in name, summary, mail, knobs or functions.
  public static func alternatives(about words: String) -> [KernelVersion] {
    alternatives.filter { alternative in
      let changes = alternative.changes.map {
        "\($0.knob.id) \($0.knob.name) \($0.knob.summary) \($0.knob.function) \($0.value) "
          + $0.source
      }
      return mentions(
        words,
        [
          alternative.name, alternative.summary, alternative.messageID ?? "",
          alternative.expectation ?? "", alternative.mail?.text ?? "",
        ] + (alternative.mail?.names ?? []) + changes)
    }
  }

  fileprivate static func mentions(_ words: String, _ texts: [String]) -> Bool {
    let text = texts.joined(separator: "\n").lowercased()
    let words = words.lowercased().split { $0 == " " || $0 == "\n" }
    return !words.isEmpty && words.allSatisfy { text.contains($0) }
  }
}

extension UnmodelledProposal {
  /// The proposals that some words describe.
  public static func about(_ words: String) -> [UnmodelledProposal] {
    all.filter {
      KernelVersion.mentions(
        words, [$0.id, $0.summary, $0.reason, $0.messageID, $0.mail.text] + $0.mail.names)
    }
  }
}
