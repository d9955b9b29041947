/// Finds texts in bytes by Horspool's method: most bytes are never looked at.
package struct ByteSearch: Sendable, Hashable {
  package let text: [UInt8]
  /// How far a window moves, by its last byte.
  private let shifts: [Int]

  package init(_ text: String) {
    self.text = Array(text.utf8)
    var shifts = [Int](repeating: max(1, self.text.count), count: 256)
    for (index, byte) in self.text.dropLast().enumerated() {
      shifts[Int(byte)] = self.text.count - 1 - index
    }
    self.shifts = shifts
  }

  /// Where the text begins first, at `start` or behind it.
  package func first(in bytes: [UInt8], from start: Int = 0) -> Int? {
    bytes.withUnsafeBufferPointer { first(in: $0, from: start) }
  }

  /// Where the text begins first, at `start` or behind it.
  package func first(in bytes: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int? {
    let count = text.count
    guard count > 0, bytes.count - start >= count else { return nil }
    return text.withUnsafeBufferPointer { text in
      shifts.withUnsafeBufferPointer { shifts in
        let last = text[count - 1]
        var end = start + count - 1
        while end < bytes.count {
          let byte = bytes[end]
          if byte == last {
            var index = 0
            while index < count - 1, bytes[end - count + 1 + index] == text[index] { index += 1 }
            if index == count - 1 { return end - count + 1 }
          }
          end += shifts[Int(byte)]
        }
        return nil
      }
    }
  }

  /// Where the text begins, in ascending order, without overlaps.
  package func positions(in bytes: [UInt8]) -> [Int] {
    var positions: [Int] = []
    var start = 0
    while let position = first(in: bytes, from: start) {
      positions.append(position)
      start = position + text.count
    }
    return positions
  }
}
