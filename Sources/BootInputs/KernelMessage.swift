import Support

/// A message of the DMA code that carries no request, by its format string.
///
/// The formats of ``FailingLine/Kind`` beside these are all that 6.1, 6.12, 7.2 and 7.3
/// print in kernel/dma, drivers/iommu/dma-iommu.c, arch/x86/kernel/pci-dma.c,
/// arch/x86/mm/mem_encrypt*.c and drivers/xen/swiotlb-xen.c.
public struct KernelMessage: Sendable, Hashable {
  /// The format, whose conversions match anything.
  public let format: String
  /// What is decided by it; nil for a message that reports no failure.
  public let decision: Diagnosis.Decision?
  /// What it means, in words.
  public let meaning: String
  public let helps: [String]
  /// The file and function that print it.
  public let source: String

  /// The entry that a message is of, and where it begins there.
  static func find(in message: Substring) -> (entry: KernelMessage, mark: Substring.Index)? {
    let bytes = Array(message.utf8)
    for entry in all {
      if let mark = entry.place(in: bytes) {
        return (entry, message.utf8.index(message.startIndex, offsetBy: mark))
      }
    }
    return nil
  }

  /// The messages of a text that report no failure, each with its line.
  public static func notes(in text: String) -> [(entry: KernelMessage, line: Int)] {
    LogLine.all(in: text).compactMap { line in
      guard let entry = find(in: line.message)?.entry, entry.decision == nil else { return nil }
      return (entry, line.number)
    }
  }

  /// Where the literal parts of the format stand in a message, one after the other.
  private func place(in message: [UInt8]) -> Int? {
    var start = 0
    var mark: Int?
    for part in parts {
      guard let place = part.first(in: message, from: start) else { return nil }
      mark = mark ?? place
      start = place + part.text.count
    }
    return mark
  }

  /// The text between the conversions.
  private let parts: [ByteSearch]

  init(
    _ format: String, _ decision: Diagnosis.Decision?, _ meaning: String, helps: [String] = [],
    _ source: String
  ) {
    self.format = format
    self.decision = decision
    self.meaning = meaning
    self.helps = helps
    self.source = source
    parts = Self.literals(of: format)
  }

  /// The literal parts of a format of lib/vsprintf.c, those of less than two letters left out.
  private static func literals(of format: String) -> [ByteSearch] {
    var parts: [String] = []
    var part = ""
    var rest = format[...]
    while let character = rest.first {
      rest = rest.dropFirst()
      guard character == "%" else {
        part.append(character)
        continue
      }
      if rest.first == "%" {
        part.append("%")
        rest = rest.dropFirst()
        continue
      }
      // Flags, width and length, the conversion, and what a pointer's stands for.
      rest = rest.drop { "0123456789.-+# lzhtL".contains($0) }
      let isPointer = rest.first == "p"
      rest = rest.dropFirst()
      if isPointer { rest = rest.drop { $0.isLetter } }
      parts.append(part)
      part = ""
    }
    parts.append(part)
    return parts.filter { $0.count > 1 }.map { ByteSearch($0) }
  }
}
