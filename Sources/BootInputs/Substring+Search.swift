import Foundation

// A log of 64 MiB has some 800 000 lines, each of which is asked for a hundred markers.
// The standard library's search builds tables for each call and compares characters; what
// kernels print is found by its bytes.
extension Substring {
  /// Where a marker stands first, byte by byte; nil for an empty marker.
  func firstRange(of marker: String) -> Range<Index>? {
    guard let offset = firstOffset(of: marker) else { return nil }
    let start = utf8.index(startIndex, offsetBy: offset)
    return start..<utf8.index(start, offsetBy: marker.utf8.count)
  }

  /// Whether a marker stands anywhere, byte by byte.
  func contains(_ marker: String) -> Bool { firstOffset(of: marker) != nil }

  /// How many bytes stand before a marker.
  private func firstOffset(of marker: String) -> Int? {
    var marker = marker
    return marker.withUTF8 { marker -> Int? in
      let found = utf8.withContiguousStorageIfAvailable { Self.offset(of: marker, in: $0) }
      return found ?? Array(utf8).withUnsafeBufferPointer { Self.offset(of: marker, in: $0) }
    }
  }

  private static func offset(
    of marker: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    guard let first = marker.first, let wanted = marker.baseAddress, let bytes = text.baseAddress
    else { return nil }
    var offset = 0
    while text.count - offset >= marker.count {
      let rest = text.count - offset - marker.count + 1
      guard let next = memchr(bytes + offset, Int32(first), rest) else { return nil }
      offset = UnsafeRawPointer(next) - UnsafeRawPointer(bytes)
      if memcmp(bytes + offset, wanted, marker.count) == 0 { return offset }
      offset += 1
    }
    return nil
  }
}
