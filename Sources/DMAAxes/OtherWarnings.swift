import Synchronization

/// Messages that no modelled kernel logs, as a kernel tree's own code said them.
///
/// Each gets a bit beside those of ``Warnings/names`` when it is first seen; the
/// bits mean something within one process only, the texts everywhere.
public enum OtherWarnings {
  private static let seen = Mutex(MessageBits())

  /// The bit of `other:TEXT`, or of a known name. The last bit, `other:?`, is that of
  /// everything for which none is left.
  public static func warning(named name: String) -> Warnings {
    if let known = Warnings.names.first(where: { $0.name == name }) { return known.warning }
    return seen.withLock { $0.bit(of: name) }
  }

  /// The names of the bits beside the known ones.
  static func names(of warnings: Warnings) -> [String] {
    seen.withLock { $0.names(of: warnings) }
  }
}

/// Texts with a bit each, in the order in which they were seen.
struct MessageBits {
  private static let first = Warnings.names.count
  /// How many texts have a bit of their own.
  static let capacity = UInt32.bitWidth - first - 1

  private var texts: [String] = []

  /// The bit of a text, which has one from now on.
  mutating func bit(of text: String) -> Warnings {
    if let index = texts.firstIndex(of: text) { return Self.bit(index) }
    guard texts.count < Self.capacity else { return Self.bit(Self.capacity) }
    texts.append(text)
    return Self.bit(texts.count - 1)
  }

  /// The texts of bits, in the order in which they were seen.
  func names(of warnings: Warnings) -> [String] {
    let own = texts.indices.filter { warnings.contains(Self.bit($0)) }.map { texts[$0] }
    return own + (warnings.contains(Self.bit(Self.capacity)) ? ["other:?"] : [])
  }

  private static func bit(_ index: Int) -> Warnings {
    Warnings(rawValue: 1 << UInt32(first + index))
  }
}
