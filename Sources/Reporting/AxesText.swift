import DMAModel

/// An axis of the matrix, or a column of its answers, with its values.
public struct AxisDescription: Sendable {
  public let name: String
  public let values: [(name: String, summary: String)]
  /// Values that are answered where they are named, and are not in the matrix.
  public let extended: [(name: String, summary: String)]
  /// What finer values look like; empty where there are none.
  public let finerForms: [String]
  /// What the axis does not have, in one sentence; nil where nothing is missed.
  public let missing: String?

  init<Value: AxisValue>(_: Value.Type, missing: String? = nil) {
    name = Value.axis
    self.missing = missing
    let all = Value.allCases.map { ($0.name, $0.summary) }
    // Numbers in a row explain themselves.
    if let first = all.first, let last = all.last, all.count > 24 {
      values = [("\(first.0) to \(last.0)", "\(first.1), up to \(last.1)")]
    } else {
      values = all
    }
    extended = Value.extended.map { ($0.name, $0.summary) }
    finerForms = Value.finerForms
  }

  /// A column with what was logged: several of the values, joined by semicolons.
  private init(messages name: String) {
    self.name = name
    values =
      Warnings.names.compactMap { entry in entry.warning.meaning.map { (entry.name, $0) } }
      + [("other:MESSAGE", "any other message, by its format in the kernel, and each crash")]
    (extended, finerForms) = ([], [])
    missing = "A value has each message that was logged, joined by semicolons; none is empty."
  }

  /// What a scenario is made of, in the order of its key; machines aside, which are
  /// described by what they have.
  public static let axes: [AxisDescription] = [
    AxisDescription(Platform.self), AxisDescription(IOMMUMode.self),
    AxisDescription(SwiotlbMode.self), AxisDescription(DMAMask.self),
    AxisDescription(CoherentMask.self), AxisDescription(BusLimit.self),
    AxisDescription(Coherence.self), AxisDescription(Facing.self),
    AxisDescription(
      Operation.self,
      missing: "Not modelled: mappings to user space (mmap, get_sgtable), "
        + "dma_alloc_from_dev_coherent()."),
    AxisDescription(Attributes.self),
    AxisDescription(Buffer.self),
  ]

  /// What may happen beside.
  public static let circumstances: [AxisDescription] = [
    AxisDescription(MaskChange.self), AxisDescription(DynamicPools.self),
    AxisDescription(PoolFill.self), AxisDescription(DecryptFailure.self),
  ]

  /// What an answer says.
  public static let outcomes: [AxisDescription] = [
    AxisDescription(Verdict.self), AxisDescription(Exposure.self),
    AxisDescription(AnswerResult.self), AxisDescription(AddressEncoding.self),
    AxisDescription(MemoryState.self), AxisDescription(BouncePool.self),
    AxisDescription(TransientSource.self), AxisDescription(UnmapCopy.self),
    AxisDescription(SlotsAfter.self), AxisDescription(StateAfter.self),
    AxisDescription(OwnerAfter.self), AxisDescription(AtomicCall.self),
  ]

  /// What was logged, by the answer and by its end.
  static let messages = [
    AxisDescription(messages: "warn"), AxisDescription(messages: "warn_after"),
  ]

  public static let all = axes + circumstances + outcomes + messages
}

extension Warnings {
  /// What a name that is no message stands for; nil where the name is the message.
  fileprivate var meaning: String? {
    switch self {
    case .atomicSetMemory:
      "no message: set_memory_encrypted() or set_memory_decrypted(), which may sleep, was "
        + "called in atomic context"
    case .inactive: "DMA bounce buffers are inactive (iommu_dma_map_swiotlb())"
    case .memoryEncryption:
      "memory encryption is active and the system uses bounce buffers, once "
        + "(swiotlb_tbl_map_single())"
    case .noSwiotlb: "there is no swiotlb buffer to bounce through (swiotlb_tbl_map_single())"
    case .overflow: "DMA addr overflow: beyond mask or bus limit (dma_direct_map_phys())"
    case .swiotlbFull: "swiotlb buffer is full (swiotlb_tbl_map_single())"
    case .swiotlbOverflow: "swiotlb addr overflow: the slot is beyond mask or limit (swiotlb_map())"
    default: nil
    }
  }
}

/// Axes with their values and meanings.
///
/// - Parameters:
///   - isWhole: Whether headings tell axes, circumstances and outcomes apart.
///   - format: Meanings are folded in text, and a column of a table in Markdown.
public func axesDocument(
  _ axes: [AxisDescription], isWhole: Bool, format: Document.Format
) -> Document {
  func blocks(_ axes: [AxisDescription]) -> [Document.Block] {
    axes.flatMap { axis -> [Document.Block] in
      func values(_ title: String, _ values: [(name: String, summary: String)]) -> Document.Block {
        format == .text
          ? .literal([title] + lines(values))
          : .table(columns: [title, "meaning"], rows: values.map { [$0.name, $0.summary] })
      }
      var blocks = [values(axis.name, axis.values)]
      if !axis.extended.isEmpty {
        blocks.append(values("\(axis.name), where named, beside the matrix", axis.extended))
      }
      if !axis.finerForms.isEmpty {
        blocks.append(.paragraph("Also \(axis.finerForms.joined(separator: ", "))."))
      }
      if let missing = axis.missing { blocks.append(.paragraph(missing)) }
      return blocks
    }
  }
  var document = Document()
  guard isWhole else {
    document.blocks = blocks(axes)
    return document
  }
  document.blocks = [.title("The values of every axis")]
  for (heading, part) in [
    ("A scenario, in the order of its key", AxisDescription.axes),
    ("What may happen beside", AxisDescription.circumstances),
    ("What an answer says", AxisDescription.outcomes),
    ("What is logged", AxisDescription.messages),
  ] {
    document.blocks.append(.heading(heading))
    document.blocks += blocks(part)
  }
  return document
}

/// Names in a column and their meanings beside it, folded.
private func lines(_ values: [(name: String, summary: String)]) -> [String] {
  let width = (values.map(\.name.count).max() ?? 0) + 4
  return values.flatMap { name, summary in
    folded(summary, width: 68 - width).split(separator: "\n").enumerated().map { number, line in
      (number == 0 ? "  " + name : "").padding(width) + line
    }
  }
}
