/// Reads the text of a trace: `trace` of tracefs, `trace-cmd report`, `perf script`.
///
/// A line is a task, a CPU in brackets, flags, a time and an event; only the part from
/// the time on is relied on, which all three print alike: `22.472370: dma_map_page: ...`.
/// perf puts the subsystem before the name (`dma:dma_map_page`).
public struct TraceReader {
  /// Devices of a trace: more are no machine's.
  static let deviceLimit = 65536
  static let unknownLimit = 64
  /// Events of a trace.
  public static let eventLimit = 20_000_000

  var trace = Trace()
  private var deviceIndex: [DeviceName: Int32] = [:]
  private var lastDevice: (name: DeviceName, index: Int32)?

  /// Reads a trace.
  ///
  /// Text that is none has no events.
  public static func read(_ bytes: some Collection<UInt8> & Sendable) -> Trace {
    var reader = TraceReader()
    let done: Void? = bytes.withContiguousStorageIfAvailable { reader.readAll($0) }
    if done == nil { Array(bytes).withUnsafeBufferPointer { reader.readAll($0) } }
    return reader.trace
  }

  /// Whether text looks like a trace: one of its first lines is an event's, or the
  /// header that tracefs writes.
  public static func isTrace(_ bytes: some Collection<UInt8> & Sendable) -> Bool {
    let start = bytes.prefix(64 << 10)
    if start.starts(with: "# tracer: ".utf8) { return true }
    let trace = read(Array(start))
    return !trace.events.isEmpty || !trace.unknownEvents.isEmpty
  }

  private mutating func readAll(_ bytes: UnsafeBufferPointer<UInt8>) {
    var start = 0
    var line: Int32 = 0
    trace.events.reserveCapacity(bytes.count / 160)
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != 0x0a { end += 1 }
      if line < .max { line += 1 }
      if end == bytes.count {
        // The last line has no end: it may be a whole one or not.
        trace.endsWithinLine = true
      } else {
        var last = end
        if last > start, bytes[last - 1] == 0x0d { last -= 1 }
        if last - start <= 65536 {
          read(TraceLine(bytes: bytes, position: start, end: last), line)
        } else {
          isUnreadable(line)
        }
      }
      start = end + 1
    }
  }

  private mutating func isUnreadable(_ line: Int32) {
    trace.unreadable += 1
    if trace.firstUnreadable == nil { trace.firstUnreadable = Int(line) }
  }

  private mutating func read(_ whole: TraceLine, _ number: Int32) {
    var line = whole
    guard line.position < line.end else { return }
    if line.bytes[line.position] == UInt8(ascii: "#") { return readHeader(line) }
    guard line.skipToEvent() else { return readLoss(whole) }
    let name = line.eventName()
    guard let kind = Self.kind(name) else { return readOther(name) }
    guard trace.events.count < Self.eventLimit else { return isUnreadable(number) }
    if let cpu = whole.cpu(before: line.timeStart) { trace.cpusSeen.insert(cpu) }
    guard var event = line.event(kind, number, &trace.numbers), let device = index(of: line.device)
    else { return isUnreadable(number) }
    event.device = device
    trace.events.append(event)
  }

  private mutating func readOther(_ name: TraceLine.Text) {
    let isOurs =
      name.starts(with: "dma_") && !name.starts(with: "dma_fence") && !name.isOfOtherSystem
      || name.starts(with: "swiotlb_")
    guard isOurs else {
      trace.otherEvents += 1
      return
    }
    let text = name.printable
    if trace.unknownEvents[text] != nil || trace.unknownEvents.count < Self.unknownLimit {
      trace.unknownEvents[text, default: 0] += 1
    } else {
      trace.otherEvents += 1
    }
  }

  /// `# entries-in-buffer/entries-written: 3676/3676   #P:1`
  private mutating func readHeader(_ line: TraceLine) {
    guard line.end - line.position < 256 else { return }
    let text = line.string
    guard let counts = text.split(separator: "entries-in-buffer/entries-written:").dropFirst().first
    else {
      return
    }
    let parts = counts.split(whereSeparator: { $0 == " " || $0 == "/" || $0 == "\t" })
    if parts.count >= 2, let inBuffer = UInt64(parts[0]), let written = UInt64(parts[1]) {
      (trace.inBuffer, trace.written) = (inBuffer, written)
    }
    if let cpus = parts.first(where: { $0.hasPrefix("#P:") }) {
      trace.cpus = Int(cpus.dropFirst(3)).flatMap { (1...65536).contains($0) ? $0 : nil }
    }
  }

  /// `CPU:0 [LOST 12 EVENTS]` of tracefs and trace-cmd, `CPU:0 [12 EVENTS DROPPED]`,
  /// `... PERF_RECORD_LOST lost 12` of perf, `cpus=4` of trace-cmd.
  private mutating func readLoss(_ line: TraceLine) {
    guard line.end - line.position < 512 else { return }
    if line.starts(with: "cpus=") {
      trace.cpus = Int(line.string.dropFirst(5)).flatMap { (1...65536).contains($0) ? $0 : nil }
      return
    }
    guard line.contains("LOST") || line.contains("DROPPED") else { return }
    let words = line.string.split(whereSeparator: { " []()\t".contains($0) })
    if let events = words.firstIndex(where: { $0 == "EVENTS" }), events > 0,
      let count = UInt64(words[events - 1])
    {
      trace.lost = Self.sum(trace.lost, count)
    } else if let lost = words.firstIndex(of: "lost"), lost + 1 < words.count,
      let count = UInt64(words[lost + 1])
    {
      trace.lost = Self.sum(trace.lost, count)
    } else if line.contains("LOST EVENTS") || line.contains("EVENTS DROPPED")
      || line.contains("PERF_RECORD_LOST")
    {
      trace.lostUnknown = true
    }
  }

  private static func sum(_ one: UInt64, _ other: UInt64) -> UInt64 {
    let (sum, overflows) = one.addingReportingOverflow(other)
    return overflows ? .max : sum
  }

  // MARK: - Names

  private static func kind(_ name: TraceLine.Text) -> TraceEventKind? {
    kinds[DeviceName(name)].flatMap { $0 }
  }

  private static let kinds: [DeviceName: TraceEventKind] = Dictionary(
    uniqueKeysWithValues: TraceEventKind.allCases.map { (DeviceName($0.name), $0) })

  private mutating func index(of name: TraceLine.Text) -> Int32? {
    let key = DeviceName(name)
    if let lastDevice, lastDevice.name == key { return lastDevice.index }
    if let index = deviceIndex[key] {
      lastDevice = (key, index)
      return index
    }
    guard trace.devices.count < Self.deviceLimit, name.count > 0, name.count <= 64 else {
      return nil
    }
    let index = Int32(trace.devices.count)
    trace.devices.append(name.string)
    deviceIndex[key] = index
    lastDevice = (key, index)
    return index
  }
}

/// A short name that is compared without a string: its length and up to 32 bytes; a
/// longer one is folded into them, and the trace has no devices that differ only so.
struct DeviceName: Hashable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  private var length: Int

  init(_ text: TraceLine.Text) {
    length = text.count
    for index in 0..<text.count { add(text.bytes[text.start + index], at: index) }
  }

  init(_ text: String) {
    length = text.utf8.count
    for (index, byte) in text.utf8.enumerated() { add(byte, at: index) }
  }

  private mutating func add(_ byte: UInt8, at index: Int) {
    let shifted = UInt64(byte) << UInt64(index % 8 * 8)
    switch index / 8 {
    case 0: words.0 |= shifted
    case 1: words.1 |= shifted
    case 2: words.2 |= shifted
    case 3: words.3 |= shifted
    default: words.3 = words.3 &* 0x100_0000_01b3 ^ UInt64(byte)
    }
  }

  static func == (lhs: DeviceName, rhs: DeviceName) -> Bool {
    lhs.length == rhs.length && lhs.words == rhs.words
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(length)
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}
