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
