/// Values of an event's fields, as the kernel, trace-cmd and perf print them.
extension TraceLine {
  func direction(_ value: Text) -> TraceDirection? {
    if value.equals("TO_DEVICE") || value.equals("1") { return .toDevice }
    if value.equals("FROM_DEVICE") || value.equals("2") { return .fromDevice }
    if value.equals("BIDIRECTIONAL") || value.equals("0") { return .bidirectional }
    if value.equals("NONE") || value.equals("3") { return TraceDirection.none }
    return nil
  }

  func isNull(_ value: Text) -> Bool {
    if value.equals("(null)") || value.equals("(nil)") { return true }
    return value.hexadecimal == 0
  }

  /// Whether an allocation must not sleep: no `__GFP_DIRECT_RECLAIM`, which is the same
  /// bit in every kernel that has the tracepoint.
  func isAtomic(_ value: Text) -> Bool {
    if let bits = value.number { return bits & 0x400 == 0 }
    for name in value.split(on: UInt8(ascii: "|")) {
      if name.equals("GFP_ATOMIC") || name.equals("GFP_NOWAIT") { return true }
    }
    return false
  }

  func attributes(_ value: Text) -> TraceAttributes {
    var set: TraceAttributes = []
    for name in value.split(on: UInt8(ascii: "|")) where name.count > 0 {
      if name.equals("NO_WARN") { continue }
      if let bits = name.number {
        set.formUnion(TraceAttributes(bits: bits))
      } else {
        set.formUnion(TraceAttributes.names[name.string] ?? .unknown)
      }
    }
    return set
  }

  /// `{0x1000,0x2000}` of the kernel, `4096 8192` of libtraceevent, or the bytes
  /// `ARRAY[00, 10, 00, ...]` where that cannot read the format.
  func list(
    _ value: Text, _ numbers: inout [UInt64], bytesEach: Int = 8
  ) -> TraceEvent.Run? {
    let start = numbers.count
    guard start < Int(Int32.max) - 4096 else { return nil }
    let isBytes = value.starts(with: "ARRAY[")
    var (word, shift): (UInt64, Int) = (0, 0)
    var index = value.start + (isBytes ? 6 : 0)
    let end = value.start + value.count
    while index < end {
      let byte = bytes[index]
      if byte == 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "{")
        || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
      {
        index += 1
        continue
      }
      let first = index
      while index < end, bytes[index] != 0x20, bytes[index] != UInt8(ascii: ","),
        bytes[index] != UInt8(ascii: "}"), bytes[index] != UInt8(ascii: "]")
      {
        index += 1
      }
      let text = Text(bytes: bytes, start: first, count: index - first)
      if isBytes {
        guard text.count == 2, let part = text.hexadecimal else { return nil }
        word |= part << UInt64(shift)
        shift += 8
        if shift == bytesEach * 8 {
          numbers.append(word)
          (word, shift) = (0, 0)
        }
      } else {
        guard let number = text.number else { return nil }
        numbers.append(number)
      }
    }
    guard shift == 0 else { return nil }
    return TraceEvent.Run(start: Int32(start), count: Int32(numbers.count - start))
  }
}

extension TraceLine.Text {
  /// The words of the text.
  func split(on separator: UInt8 = 0x20) -> [TraceLine.Text] {
    var words: [TraceLine.Text] = []
    var begin = start
    for index in start...(start + count) {
      if index == start + count || bytes[index] == separator {
        if index > begin || separator != 0x20 {
          words.append(TraceLine.Text(bytes: bytes, start: begin, count: index - begin))
        }
        begin = index + 1
      }
    }
    return words
  }
}
