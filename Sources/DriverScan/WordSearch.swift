import Support

extension ByteSearch {
  /// Whether the text occurs as a whole identifier.
  func isWord(in bytes: [UInt8]) -> Bool {
    positions(in: bytes).contains { position in
      let end = position + text.count
      return (position == 0 || !bytes[position - 1].isWord)
        && (end == bytes.count || !bytes[end].isWord)
    }
  }
}

extension [UInt8] {
  /// Whether an identifier occurs.
  func contains(word: String) -> Bool { ByteSearch(word).isWord(in: self) }
}

/// Identifiers that are looked for together.
struct WordSet: Sendable {
  private let byHash: [UInt64: String]
  /// Whether a word of some first byte and length is among them.
  private let shapes: [Bool]

  init(_ words: some Sequence<String>) {
    var byHash: [UInt64: String] = [:]
    var shapes = [Bool](repeating: false, count: 256 * 64)
    for word in words where word.utf8.count < 64 {
      byHash[Self.hash(word.utf8)] = word
      shapes[Int(word.utf8.first ?? 0) * 64 + word.utf8.count] = true
    }
    (self.byHash, self.shapes) = (byHash, shapes)
  }

  /// Which bytes identifiers have.
  private static let isWord = (0...255).map { UInt8($0).isWord }

  private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Those that occur, each once, in order.
  func found(in bytes: [UInt8]) -> [String] {
    var found: Set<String> = []
    bytes.withUnsafeBufferPointer { bytes in
      shapes.withUnsafeBufferPointer { shapes in
        Self.isWord.withUnsafeBufferPointer { isWord in
          var index = 0
          while index < bytes.count {
            let start = index
            while index < bytes.count, isWord[Int(bytes[index])] { index += 1 }
            let count = index - start
            index += 1
            guard count > 0, count < 64, shapes[Int(bytes[start]) * 64 + count],
              let word = byHash[Self.hash(bytes[start..<start + count])]
            else { continue }
            found.insert(word)
          }
        }
      }
    }
    return found.sorted()
  }
}
