import DMAModel
import Foundation
import Support

/// The kernel's messages and the names that the `warn` column has for them.
enum KernelMessage {
  private static let known: [(start: String, warning: Warnings)] = [
    ("DMA addr %pad", .overflow), ("overflow %pad", .overflow),
    ("swiotlb addr %pad", .swiotlbOverflow), ("swiotlb buffer is full", .swiotlbFull),
    ("Can not allocate SWIOTLB buffer earlier", .noSwiotlb),
    ("DMA bounce buffers are inactive", .inactive),
    ("Memory encryption is active", .memoryEncryption),
    ("memory encryption is active", .memoryEncryption),
    ("set_memory_*() in atomic context", .atomicSetMemory),
  ]

  /// The warning of a message's format string.
  static func warnings(of format: String) -> Warnings {
    var text = format
    while text.last == "\n" { text.removeLast() }
    if let match = known.first(where: { text.hasPrefix($0.start) }) { return match.warning }
    let clean = String(text.prefix(200).map { $0.isNewline || $0 == ";" ? " " : $0 })
    return OtherWarnings.warning(named: "other:" + clean)
  }
}

/// Reads integers off a buffer.
struct ByteReader {
  private let data: Data
  private var position: Int

  init(_ data: Data) {
    self.data = data
    position = data.startIndex
  }

  var isAtEnd: Bool { position == data.endIndex }

  mutating func bytes(_ count: Int) -> Data? {
    guard count >= 0, count <= data.endIndex - position else { return nil }
    defer { position += count }
    return data[position..<position + count]
  }

  mutating func integer<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
    guard let bytes = bytes(MemoryLayout<Value>.size) else { return nil }
    return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
  }

  mutating func integers<Value: FixedWidthInteger>(_: Value.Type, count: Int) -> [Value]? {
    guard let bytes = bytes(count * MemoryLayout<Value>.size) else { return nil }
    return bytes.withUnsafeBytes { buffer in
      (0..<count).map {
        Value(
          littleEndian: buffer.loadUnaligned(
            fromByteOffset: $0 * MemoryLayout<Value>.size, as: Value.self))
      }
    }
  }
}
