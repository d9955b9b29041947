/// A CSV file with a header, read by bytes; fields may be quoted (RFC 4180).
package struct CSVTable {
  package let file: String
  package private(set) var header: [String]
  private let bytes: [UInt8]
  private var position: Int
  /// The number of the line, from 1, on which the last row of ``nextRow()`` began.
  package private(set) var line = 1
  /// The line at ``position``.
  private var currentLine = 1

  package init(file: String, bytes: [UInt8]) throws(InputError) {
    self.file = file
    self.bytes = bytes
    position = 0
    header = []
    guard !bytes.isEmpty else { throw .empty(file: file) }
    header = readRow()
  }

  /// The fields of the next row, or nil at the end; empty lines are passed over.
  package mutating func nextRow() throws(InputError) -> [String]? {
    while position < bytes.count {
      line = currentLine
      let fields = readRow()
      if fields == [""] { continue }
      guard fields.count == header.count else {
        throw .fieldCount(file: file, line: line, found: fields.count, expected: header.count)
      }
      return fields
    }
    return nil
  }

  private mutating func readRow() -> [String] {
    var fields: [String] = []
    fields.reserveCapacity(header.count)
    while true {
      fields.append(readField())
      guard position < bytes.count else { return fields }
      let separator = bytes[position]
      position += 1
      if separator == newline {
        currentLine += 1
        return fields
      }
    }
  }

  /// Reads up to, not over, the next comma or newline.
  private mutating func readField() -> String {
    if position < bytes.count, bytes[position] == quote { return readQuotedField() }
    let start = position
    while position < bytes.count, bytes[position] != comma, bytes[position] != newline {
      position += 1
    }
    var end = position
    if end > start, bytes[end - 1] == carriageReturn { end -= 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  private mutating func readQuotedField() -> String {
    var text: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == quote {
        guard position < bytes.count, bytes[position] == quote else { break }
        position += 1
      }
      if byte == newline { currentLine += 1 }
      text.append(byte)
    }
    while position < bytes.count, bytes[position] != comma, bytes[position] != newline {
      position += 1
    }
    return String(decoding: text, as: UTF8.self)
  }
}

private let comma = UInt8(ascii: ",")
private let quote = UInt8(ascii: "\"")
private let newline = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
