import Support

/// One line of a trace, in bytes: strings are made of names alone.
struct TraceLine {
  let bytes: UnsafeBufferPointer<UInt8>
  var position: Int
  let end: Int
  /// Where the time stamp begins, once found.
  private(set) var timeStart = 0
  /// The device's name, once an event was read.
  private(set) var device: Text

  init(bytes: UnsafeBufferPointer<UInt8>, position: Int, end: Int) {
    self.bytes = bytes
    self.position = position
    self.end = end
    device = Text(bytes: bytes, start: position, count: 0)
  }

  var string: String { String(decoding: bytes[position..<end], as: UTF8.self) }

  func starts(with word: StaticString) -> Bool {
    Text(bytes: bytes, start: position, count: end - position).starts(with: word)
  }

  func contains(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard end - position >= count else { return false }
    for start in position...(end - count)
    where Text(bytes: bytes, start: start, count: count).starts(with: word) { return true }
    return false
  }

  /// Moves behind the time stamp: digits, a point, digits, a colon, a blank.
  mutating func skipToEvent() -> Bool {
    var index = position
    while index + 1 < end {
      if bytes[index] == UInt8(ascii: ":"), bytes[index + 1] == 0x20,
        let start = timeStamp(endingAt: index)
      {
        timeStart = start
        position = index + 2
        skipBlanks()
        skipNumber()
        return position < end
      }
      index += 1
    }
    return false
  }

  private mutating func skipBlanks() {
    while position < end, bytes[position] == 0x20 { position += 1 }
  }

  /// What may stand between time and event: `(+649)` of trace-cmd's --ts-diff, or the
  /// period that perf prints where it is asked for.
  private mutating func skipNumber() {
    let start = position
    guard start + 1 < end else { return }
    var index = start
    if bytes[index] == UInt8(ascii: "("), bytes[index + 1] == UInt8(ascii: "+") { index += 2 }
    let isDifference = index > start
    while index < end, bytes[index] &- 0x30 < 10 { index += 1 }
    if isDifference, index < end, bytes[index] == UInt8(ascii: ")") { index += 1 }
    guard index > start, index < end, bytes[index] == 0x20 else { return }
    position = index
    skipBlanks()
  }

  private func timeStamp(endingAt colon: Int) -> Int? {
    var index = colon
    while index > position, bytes[index - 1] &- 0x30 < 10 { index -= 1 }
    guard index < colon, index > position, bytes[index - 1] == UInt8(ascii: ".") else { return nil }
    let point = index - 1
    index = point
    while index > position, bytes[index - 1] &- 0x30 < 10 { index -= 1 }
    guard index < point, index == position || bytes[index - 1] == 0x20 else { return nil }
    return index
  }

  /// The CPU before the time stamp, or nil: `[002]`, or `2d..1.` of trace-cmd's latency
  /// format, where the flags follow it. Flags alone do not begin with a digit.
  func cpu(before time: Int) -> Int32? {
    var close = time
    while close > position, bytes[close - 1] == 0x20 { close -= 1 }
    var word = close
    while word > position, bytes[word - 1] != 0x20 { word -= 1 }
    if let cpu = number(from: word, to: close), bytes[close - 1] &- 0x30 >= 10 { return cpu }
    while close > position, bytes[close - 1] != UInt8(ascii: "]") { close -= 1 }
    close -= 1
    var open = close
    while open > position, bytes[open - 1] &- 0x30 < 10 { open -= 1 }
    guard open > position, bytes[open - 1] == UInt8(ascii: "[") else { return nil }
    return number(from: open, to: close)
  }

  /// The digits that a word begins with, of a CPU's number.
  private func number(from start: Int, to end: Int) -> Int32? {
    var (value, index): (Int32, Int) = (0, start)
    while index < end, bytes[index] &- 0x30 < 10 {
      guard value < 1_000_000 else { return nil }
      value = value * 10 + Int32(bytes[index] &- 0x30)
      index += 1
    }
    return index > start ? value : nil
  }

  /// The event's name, without the subsystem that perf prints; moves behind its colon.
  mutating func eventName() -> Text {
    var start = position
    var index = start
    while index < end, bytes[index] != 0x20 {
      // `dma:dma_map_page:`; `dma_map_page:` ends with its colon.
      if bytes[index] == UInt8(ascii: ":"), index + 1 < end, bytes[index + 1] != 0x20,
        isSystem(start, index)
      {
        start = index + 1
      }
      index += 1
    }
    let last = index > start && bytes[index - 1] == UInt8(ascii: ":") ? index - 1 : index
    position = index
    skipBlanks()
    return Text(bytes: bytes, start: start, count: last - start)
  }

  private func isSystem(_ start: Int, _ end: Int) -> Bool {
    let text = Text(bytes: bytes, start: start, count: end - start)
    return text.equals("dma") || text.equals("swiotlb")
  }

  /// The next word, up to a blank.
  private mutating func word() -> Text {
    skipBlanks()
    let start = position
    while position < end, bytes[position] != 0x20 { position += 1 }
    return Text(bytes: bytes, start: start, count: position - start)
  }

  // MARK: - Events

  /// The fields of an event; nil where one is missing or is no number.
  mutating func event(
    _ kind: TraceEventKind, _ number: Int32, _ numbers: inout [UInt64]
  ) -> TraceEvent? {
    var event = TraceEvent(kind: kind, device: -1, line: number)
    let form = form(kind)
    if kind == .bounced { return bounce(event, form) }
    if form == .text { device = word() }
    var seen: FieldSet = []
    while let (key, value) = field() {
      if form != .text, key.equals("device") {
        device = value
        continue
      }
      guard read(key, value, &event, &numbers, &seen, form) else { return nil }
    }
    return isComplete(event, seen) ? event : nil
  }

  /// How an event's fields are printed.
  private enum Form {
    /// As the kernel prints them.
    case text
    /// By name, numbers as the kernel's format has them: `trace-cmd report -R`.
    case fields
    /// By name, numbers decimal: libtraceevent did not understand the kernel's format.
    case numbers
    /// By name, and either: -R of a format that may not have been understood.
    case fieldsOrNumbers
  }

  private func form(_ kind: TraceEventKind) -> Form {
    let text = Text(bytes: bytes, start: position, count: end - position)
    if text.starts(with: "[FAILED") { return .numbers }
    guard text.starts(with: "device=") || text.starts(with: "dev_name=") else { return .text }
    switch kind {
    case .allocSGT, .freeSGT: return .fieldsOrNumbers
    default: return .fields
    }
  }

  private struct FieldSet: OptionSet {
    let rawValue: UInt8
    static let dma = FieldSet(rawValue: 1)
    static let size = FieldSet(rawValue: 2)
    static let physical = FieldSet(rawValue: 4)
    static let dmaList = FieldSet(rawValue: 8)
    static let sizeList = FieldSet(rawValue: 16)
    static let physicalList = FieldSet(rawValue: 32)
  }

  private func isComplete(_ event: TraceEvent, _ seen: FieldSet) -> Bool {
    let needed: FieldSet =
      switch event.kind {
      case .mapPage, .mapPhys, .mapResource: [.dma, .size, .physical]
      case .unmapPage, .unmapPhys, .unmapResource, .alloc, .allocPages, .allocSGT, .free,
        .freePages, .freeSGT, .syncForCPU, .syncForDevice:
        [.dma, .size]
      case .allocSGTError: [.size]
      case .mapSG: [.dmaList, .sizeList, .physicalList]
      // The tracepoint prints physical addresses under the name dma_addrs.
      case .mapSGError: .dmaList
      case .unmapSG: .physicalList
      case .syncSGForCPU, .syncSGForDevice: [.dmaList, .sizeList]
      case .bounced: []
      }
    return seen.isSuperset(of: needed)
  }

  /// `key=value`; a value ends where a blank and the next key follow, as lists that
  /// libtraceevent prints have blanks.
  private mutating func field() -> (Text, Text)? {
    skipBlanks()
    var equals = position
    while equals < end, bytes[equals] != UInt8(ascii: "="), bytes[equals] != 0x20 { equals += 1 }
    guard equals < end else { return nil }
    if bytes[equals] == 0x20 {
      // A word without a value, as `[TRUNCATED]`.
      let word = Text(bytes: bytes, start: position, count: equals - position)
      position = equals
      return (word, Text(bytes: bytes, start: equals, count: 0))
    }
    let key = Text(bytes: bytes, start: position, count: equals - position)
    let start = equals + 1
    var index = start
    while index < end {
      if bytes[index] == 0x20, startsKeyOrWord(index + 1) { break }
      index += 1
    }
    position = index
    return (key, Text(bytes: bytes, start: start, count: index - start))
  }

  /// Whether a letter or a bracket follows: numbers continue a list.
  private func startsKeyOrWord(_ index: Int) -> Bool {
    guard index < end else { return true }
    if bytes[index] == UInt8(ascii: "[") { return true }
    var position = index
    while position < end,
      bytes[position] | 0x20 >= 0x61 && bytes[position] | 0x20 <= 0x7a
        || bytes[position] == UInt8(ascii: "_")
    {
      position += 1
    }
    return position > index && position < end && bytes[position] == UInt8(ascii: "=")
  }

  private func read(
    _ key: Text, _ value: Text, _ event: inout TraceEvent, _ numbers: inout [UInt64],
    _ seen: inout FieldSet, _ form: Form
  ) -> Bool {
    let isRaw = form != .text
    func hexadecimal() -> UInt64? {
      switch form {
      case .text, .fields: value.hexadecimal
      case .numbers: value.number ?? value.hexadecimal
      case .fieldsOrNumbers: value.number == nil || value.number == 0 ? value.hexadecimal : nil
      }
    }
    if key.equals("dma_addr") || isRaw && key.equals("addr") {
      guard let number = hexadecimal() else { return false }
      event.dma = number
      seen.insert(.dma)
    } else if key.equals("size") {
      guard let number = value.number else { return false }
      event.size = number
      seen.insert(.size)
    } else if key.equals("phys_addr") {
      guard let number = hexadecimal() else { return false }
      event.physical = number
      seen.insert(.physical)
    } else if key.equals("dir") {
      guard let direction = direction(value) else { return false }
      event.direction = direction
    } else if key.equals("attrs") {
      event.attributes = attributes(value)
    } else if key.equals("virt_addr") {
      event.isCut = event.kind.group == .alloc && isNull(value)
    } else if key.equals("flags") {
      event.flag = isAtomic(value)
    } else if key.equals("dma_addrs") || isRaw && key.equals("addrs") {
      let isPhysical = isRaw && key.equals("addrs") && event.kind == .unmapSG
      guard let run = list(value, &numbers) else { return false }
      if isPhysical { event.physicalRun = run } else { event.dmaRun = run }
      seen.insert(isPhysical ? .physicalList : .dmaList)
    } else if key.equals("sizes") || key.equals("lengths") {
      guard let run = list(value, &numbers, bytesEach: 4) else { return false }
      event.sizeRun = run
      for index in run.range { event.size = event.size &+ numbers[index] }
      seen.insert(.sizeList)
    } else if key.equals("phys_addrs") {
      guard let run = list(value, &numbers) else { return false }
      event.physicalRun = run
      seen.insert(.physicalList)
      if isRaw, event.kind == .mapSGError {
        event.dmaRun = run
        seen.insert(.dmaList)
      }
    } else if key.equals("[TRUNCATED]") {
      event.isCut = true
    } else if isRaw, key.equals("truncated") {
      event.isCut = value.number.map { $0 != 0 } ?? true
    }
    return true
  }

  /// `swiotlb_bounced: dev_name: DEVICE dma_mask=M dev_addr=A size=N FORCE|NORMAL`
  private mutating func bounce(_ empty: TraceEvent, _ form: Form) -> TraceEvent? {
    var event = empty
    if form == .text {
      guard word().equals("dev_name:") else { return nil }
      device = word()
    }
    var found = 0
    while let (key, value) = field() {
      if form != .text, key.equals("dev_name") {
        device = value
      } else if key.equals("dma_mask"), let mask = value.hexadecimal {
        event.dma = mask
        found += 1
      } else if key.equals("dev_addr"), let address = value.hexadecimal {
        event.physical = address
        found += 1
      } else if key.equals("size") {
        // The word behind the size has no value of its own.
        let words = value.split()
        guard let size = words.first?.number else { return nil }
        event.size = size
        event.flag = words.dropFirst().first?.equals("FORCE") ?? false
        found += 1
      } else if key.equals("force") {
        event.flag = value.number.map { $0 != 0 } ?? true
      } else if key.equals("FORCE") {
        event.flag = true
      }
    }
    return found == 3 ? event : nil
  }
}
