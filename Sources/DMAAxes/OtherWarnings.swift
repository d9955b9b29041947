import Synchronization

/// Messages that no modelled kernel logs, as a kernel tree's own code said them.
///
/// Each gets a bit beside those of ``Warnings/names`` when it is first seen; the
/// bits mean something within one process only, the texts everywhere.
public enum OtherWarnings {
  private static let texts = Mutex<[String]>([])
  private static let first = UInt32(Warnings.names.count)
  private static let capacity = Int(UInt32(UInt32.bitWidth) - first)

  /// The bit of `other:TEXT`, or of a known name; nil once all bits are taken.
  public static func warning(named name: String) -> Warnings? {
    if let known = Warnings.names.first(where: { $0.name == name }) { return known.warning }
    return texts.withLock { texts in
      if let index = texts.firstIndex(of: name) { return bit(index) }
      guard texts.count < capacity else { return nil }
      texts.append(name)
      return bit(texts.count - 1)
    }
  }

  /// The names of the bits beside the known ones.
  static func names(of warnings: Warnings) -> [String] {
    texts.withLock { texts in
      texts.indices.filter { warnings.contains(bit($0)) }.map { texts[$0] }
    }
  }

  private static func bit(_ index: Int) -> Warnings {
    Warnings(rawValue: 1 << (first + UInt32(index)))
  }
}
