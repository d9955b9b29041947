import Analysis
import DMAModel

/// How a page of reports opens behind its title: what it answers, in at most five lines,
/// and what its words and signs mean.
struct PageOpening {
  let text: String
  let legend: String

  var blocks: [Document.Block] { [.paragraph(text), .paragraph("Legend: \(legend)")] }

  /// The document with this behind its title.
  func opening(_ document: Document) -> Document {
    var document = document
    // The lines of a summary are what the opening speaks of.
    if case .summary(let title, let lines)? = document.blocks.first {
      document.blocks.replaceSubrange(..<1, with: [.title(title), .literal(lines)])
    }
    document.blocks.insert(contentsOf: blocks, at: min(1, document.blocks.count))
    return document
  }
}

extension PageOpening {
  static let index = PageOpening(
    text: "What Linux does with each DMA mapping, by kernel: reports over the default matrix of "
      + "dmamatrix, which has every combination of platform, IOMMU mode, swiotlb, memory, masks, "
      + "operation, attributes and buffer. They answer what a kernel does on a platform, what a "
      + "release or a posted version changed, what is wrong, and how that is known.",
    legend: "6.1, 6.12, 7.2 and 7.3 are releases; v4 to v7 are the posted versions of the series "
      + "that 7.3 merged, each based on the one before and v4 on 7.2.")

  static func platform(_ platform: Platform, on kernel: KernelVersion) -> PageOpening {
    PageOpening(
      text: "What \(kernel.name) does with each request of a coherent, trusted device on "
        + "\(platform.name) (\(platform.summary)), by boot and DMA mask; then the releases side by "
        + "side; then every version for one request.",
      legend: Cell.legend)
  }

  static func comparison(_ old: String, _ new: String) -> PageOpening {
    PageOpening(
      text: "What \(new) does otherwise than \(old), over every scenario (platform, boot, device "
        + "and request) that both have. A line for each effect comes first: its scenarios, those "
        + "of them that need no boot parameter, and where most are. Then each change, the worst "
        + "first, with its exact conditions and a scenario for \"dmamatrix explain\".",
      legend: "corrupts: data go wrong without an error. breaks: served before, refused now. "
        + "exposes: served from memory that others can read. slower: bounced, or the largest "
        + "mapping shrinks. works now: refused before. safer: no longer exposed or silently wrong. "
        + "faster: no longer bounced. other: messages, addresses and states alone.")
  }

  static func findings(in kernel: KernelVersion) -> PageOpening {
    PageOpening(
      text: "What is wrong in \(kernel.name). A finding is a cause: one place of the kernel's code "
        + "with all that goes wrong because of it. The gravest come first, a line each; then, for "
        + "each, what happens to whom, since which patch, what would end it, the path of a "
        + "scenario through the code, and the exact conditions.",
      legend: Severity.allCases.map { "\($0.name): \($0.summary)." }.joined(separator: " "))
  }

  static let maintainers = PageOpening(
    text: "For whoever wants to write a patch: causes that are still in "
      + "\(KernelVersion.latest.name), each with what goes wrong and why, a scenario and its path, "
      + "the drivers that meet it, the change in words, and what the change did when it was tried "
      + "on the kernel's own code.",
    legend: "mended: served right with the change. safer: refused instead of silently wrong. "
      + "Cause N of M: its number in findings-\(KernelVersion.latest.name).md.")

  static let lifecycle = PageOpening(
    text: "What is left behind when a mapping is undone or an allocation is freed: slots of "
      + "swiotlb, the encryption state of memory, and who owns it then; since which version, and "
      + "until which. Also what happens when the pool is full or memory cannot be decrypted.",
    legend: "since 7.2: first there in 7.2. until v4: last there in v4, and the change in brackets "
      + "ends it. left_shared: memory goes back decrypted. pool_private: a pool's memory is left "
      + "encrypted. pool_page_to_buddy: a pool's page goes to the page allocator.")

  static let mail = PageOpening(
    text: "Would one of the proposals of the mail of 2 July 2026 have kept, on SME hosts, what 7.2 "
      + "serves? The verdict on each comes first, a line each; then counts, what still goes wrong, "
      + "and every answer by boot, request and mask.",
    legend: "loses: 7.2 serves it, this refuses it. newly exposes: served by both, decrypted in "
      + "DRAM here alone. corrupts: wrong data without an error. P03 is proposal 3, on v6.")

  static let claims = PageOpening(
    text: "What mails of the review claim about DMA mappings, each asked of the model over every "
      + "scenario that the claim is about. Each says what was asked, what was expected, what each "
      + "kernel answers, and which mail it comes from.",
    legend: "holds in all scenarios: the model answers as claimed. holds in some: the conditions "
      + "that follow are those of the others. refuted: in none. not decidable: it is about "
      + "something that the model does not have.")
}
