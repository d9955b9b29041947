/// A booted machine's answers as bytes, for a cache.
///
/// Numbers are little-endian. Values are written by their names or numbers as they are in
/// one version of the tool: a cache's key must say which.
extension RecordedBoot {
  /// Whether another machine gives the same answers, as far as both can be compared.
  func isEqual(to other: RecordedBoot) -> Bool {
    pool == other.pool && cycles == other.cycles && lines == other.lines
      && indices == other.indices && keys == other.keys
  }

  /// The answers as bytes.
  public var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.add(UInt8(pool.isActive ? 1 : 0) | (pool.forceBounce ? 2 : 0) | (pool.forAlloc ? 4 : 0))
    writer.add(pool.memory.rawValue)
    writer.add(pool.start)
    writer.add(pool.end)
    writer.add(UInt32(cycles.count))
    for cycle in cycles { writer.add(cycle) }
    for names in [
      keys.buffers.map(\.name), keys.coherentMasks.map(\.name), keys.busLimits.map(\.name),
    ] {
      writer.add(UInt32(names.count))
      for name in names { writer.add(name) }
    }
    // Most lines have the answers of another one.
    var profiles: [ArraySlice<UInt16>: UInt32] = [:]
    var distinct: [ArraySlice<UInt16>] = []
    let lines = self.lines.sorted { $0.value < $1.value }
    writer.add(UInt32(lines.count))
    for (key, start) in lines {
      let line = indices[start..<start + Self.masks]
      let number = profiles[line] ?? UInt32(distinct.count)
      if number == distinct.count {
        profiles[line] = number
        distinct.append(line)
      }
      writer.add(key)
      writer.add(number)
    }
    writer.add(UInt32(distinct.count))
    for line in distinct { for index in line { writer.add(index) } }
    return writer.bytes
  }

  /// Answers that were bytes; nil where these are not whole.
  public convenience init?(encoded bytes: ArraySlice<UInt8>) {
    var reader = EncodingReader(bytes)
    var pool = SwiotlbPool()
    guard let flags: UInt8 = reader.integer(), let memory: UInt8 = reader.integer(),
      let state = MemoryState(rawValue: memory), let start: UInt64 = reader.integer(),
      let end: UInt64 = reader.integer(), let count: UInt32 = reader.integer()
    else { return nil }
    (pool.isActive, pool.forceBounce, pool.forAlloc) = (
      flags & 1 != 0, flags & 2 != 0, flags & 4 != 0
    )
    (pool.memory, pool.start, pool.end) = (state, start, end)
    var cycles: [LifeCycle] = []
    for _ in 0..<count {
      guard let cycle = reader.cycle() else { return nil }
      cycles.append(cycle)
    }
    guard let buffers: [Buffer] = reader.values(), let masks: [CoherentMask] = reader.values(),
      let limits: [BusLimit] = reader.values(), let lineCount: UInt32 = reader.integer(),
      Int(lineCount) <= bytes.count
    else { return nil }
    var keys = LineKeys()
    (keys.buffers, keys.coherentMasks, keys.busLimits) = (buffers, masks, limits)
    var numbers: [(key: UInt64, profile: Int)] = []
    numbers.reserveCapacity(Int(lineCount))
    for _ in 0..<lineCount {
      guard let key: UInt64 = reader.integer(), let profile: UInt32 = reader.integer() else {
        return nil
      }
      numbers.append((key, Int(profile)))
    }
    guard let profileCount: UInt32 = reader.integer(), Int(profileCount) <= bytes.count else {
      return nil
    }
    var profiles: [UInt16] = []
    profiles.reserveCapacity(Int(profileCount) * Self.masks)
    for _ in 0..<Int(profileCount) * Self.masks {
      guard let index: UInt16 = reader.integer(), index == .max || index < cycles.count else {
        return nil
      }
      profiles.append(index)
    }
    guard reader.isAtEnd, numbers.allSatisfy({ $0.profile < profileCount }) else { return nil }
    var lines: [UInt64: Int] = Dictionary(minimumCapacity: numbers.count)
    var indices: [UInt16] = []
    indices.reserveCapacity(numbers.count * Self.masks)
    for (key, profile) in numbers {
      lines[key] = indices.count
      indices += profiles[(profile * Self.masks)..<((profile + 1) * Self.masks)]
    }
    guard lines.count == numbers.count else { return nil }
    self.init(pool: pool, cycles: cycles, keys: keys, lines: lines, indices: indices)
  }
}

private struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func add(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func add(_ text: String) {
    add(UInt32(text.utf8.count))
    bytes += Array(text.utf8)
  }

  mutating func add(_ cycle: LifeCycle) {
    let (answer, after) = (cycle.answer, cycle.after)
    bytes += [
      answer.result.rawValue, answer.encoding.rawValue, answer.memoryState.rawValue,
      answer.pte.rawValue, answer.address == nil ? 0 : 1, cycle.usesPool ? 1 : 0,
      after.poolKind.rawValue, after.transientFrom.rawValue, after.unmapCopy.rawValue,
      after.slots.rawValue, after.state.rawValue, after.owner.rawValue, after.atomicCall.rawValue,
    ]
    add(answer.address ?? 0)
    add(answer.maxMapping)
    // Bits of other messages are of this process.
    add(answer.warnings.text)
    add(after.warnings.text)
  }
}

private struct EncodingReader {
  private let bytes: ArraySlice<UInt8>
  private var place: Int

  init(_ bytes: ArraySlice<UInt8>) { (self.bytes, place) = (bytes, bytes.startIndex) }

  var isAtEnd: Bool { place == bytes.endIndex }

  mutating func integer<Value: FixedWidthInteger>() -> Value? {
    let size = MemoryLayout<Value>.size
    guard bytes.endIndex - place >= size else { return nil }
    defer { place += size }
    return bytes.withUnsafeBytes {
      Value(
        littleEndian: $0.loadUnaligned(fromByteOffset: place - bytes.startIndex, as: Value.self))
    }
  }

  mutating func text() -> String? {
    guard let count: UInt32 = integer(), bytes.endIndex - place >= Int(count) else { return nil }
    defer { place += Int(count) }
    return String(decoding: bytes[place..<place + Int(count)], as: UTF8.self)
  }

  mutating func values<Value: AxisValue>() -> [Value]? {
    guard let count: UInt32 = integer(), count <= 4096 else { return nil }
    var values: [Value] = []
    for _ in 0..<count {
      guard let value = text().flatMap({ Value(name: $0) }) else { return nil }
      values.append(value)
    }
    return values
  }

  private mutating func warnings() -> Warnings? {
    guard let text = text() else { return nil }
    return text.split(separator: ";").reduce(into: Warnings()) {
      $0.formUnion(OtherWarnings.warning(named: String($1)))
    }
  }

  mutating func cycle() -> LifeCycle? {
    var codes: [UInt8] = []
    for _ in 0..<13 {
      guard let code: UInt8 = integer() else { return nil }
      codes.append(code)
    }
    guard let result = AnswerResult(rawValue: codes[0]),
      let encoding = AddressEncoding(rawValue: codes[1]),
      let memory = MemoryState(rawValue: codes[2]), let pte = MemoryState(rawValue: codes[3]),
      let kind = BouncePool(rawValue: codes[6]), let source = TransientSource(rawValue: codes[7]),
      let copy = UnmapCopy(rawValue: codes[8]), let slots = SlotsAfter(rawValue: codes[9]),
      let state = StateAfter(rawValue: codes[10]), let owner = OwnerAfter(rawValue: codes[11]),
      let call = AtomicCall(rawValue: codes[12]), let address: UInt64 = integer(),
      let maxMapping: UInt64 = integer(), let before = warnings(), let later = warnings()
    else { return nil }
    var after = LifeAnswer()
    (after.poolKind, after.transientFrom, after.unmapCopy) = (kind, source, copy)
    (after.slots, after.state, after.owner) = (slots, state, owner)
    (after.atomicCall, after.warnings) = (call, later)
    let answer = Answer(
      result: result, encoding: encoding, memoryState: memory, pte: pte, warnings: before,
      decision: .ownCode, address: codes[4] == 1 ? address : nil, maxMapping: maxMapping)
    return LifeCycle(answer: answer, after: after, usesPool: codes[5] == 1)
  }
}
