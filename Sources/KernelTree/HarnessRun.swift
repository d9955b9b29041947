import DMAModel
import Foundation
import Support

/// One run of a harness program: boots and requests in, answers out.
///
/// The binary form is that of run.c.in: little endian, as both sides are one
/// machine.
struct HarnessRun: Sendable {
  let program: HarnessProgram
  let boots: [HarnessBoot]
  let domain: MatrixDomain
  let policy: Policy
  let isReversed: Bool
  /// Where the requests are written for the program to read.
  let directory: String

  /// How many buffers a program can be told of.
  static let bufferLimit = 64
  /// How many different masks and limits it can be told of.
  static let addressLimit = 256
  /// How many entries of a `dma_range_map`.
  static let rangeLimit = 16

  /// CPU seconds and megabytes that a program may use.
  private static let limits = ["300", "2048"]

  /// The answers, one table for each boot.
  func answers() throws(TreeError) -> [RecordedBoot] {
    let asked = boots.map { boot in questions(to: boot) }
    var input = Data()
    for (boot, questions) in zip(boots, asked) {
      for question in questions { append(boot, question, masks: domain.masks, to: &input) }
    }
    let requests = try file(of: input)
    defer { close(requests) }
    var recorded: [RecordedBoot] = []
    try run(input: requests) { output throws(TreeError) in
      for (boot, questions) in zip(boots, asked) {
        var builder = RecordedBoot.Builder()
        var pool: SwiotlbPool?
        for question in questions {
          let its = try read(output, boot, question, into: &builder)
          pool = pool ?? its
        }
        recorded.append(builder.boot(pool: pool ?? SwiotlbPool()))
      }
    }
    return recorded
  }

  /// Adds what decides about the requests: each without its masks, which all have alike.
  func describe(to hash: SHA256) {
    for boot in boots {
      var data = Data()
      for question in questions(to: boot) {
        append(boot, question, masks: Array(domain.masks.prefix(1)), to: &data)
      }
      hash.update(data)
    }
    hash.update(domain.masks.map(\.name).joined(separator: ",").utf8)
  }

  private var tooLong: TreeError {
    .failed(family: program.name, reason: "its output is too long")
  }

  /// A file that has the requests and no name any more.
  private func file(of input: Data) throws(TreeError) -> Int32 {
    let path = directory + "/requests.\(UUID().uuidString)"
    defer { unlink(path) }
    do { try OutputFile.write(input, to: path) } catch {
      throw .cannotRun(reason: "'\(path)' cannot be written (\(error.systemReason))")
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .cannotRun(
        reason: "'\(path)' cannot be read (\(String(cString: strerror(errno))))")
    }
    return descriptor
  }

  /// Runs the program, whose output `reading` takes while it is written.
  private func run(
    input: Int32, reading: (_ output: ProgramOutput) throws(TreeError) -> Void
  ) throws(TreeError) {
    let (output, errors, reasons) = (try ProgramPipe(), try ProgramPipe(), try ProgramPipe())
    let process = try ChildProcess.start(
      program.launcher, ["jail"] + Self.limits + [String(getpid()), "-e", "--", program.path],
      environment: [:], descriptors: (input, output.writing, errors.writing),
      reasons: reasons.writing)
    for pipe in [output, errors, reasons] { pipe.closeWriting() }
    guard let process else {
      throw .cannotRun(reason: "'\(program.launcher.printable)' is no program")
    }
    let said = ProgramOutput(output: output, errors: errors)
    var failure: TreeError?
    do throws(TreeError) {
      try reading(said)
    } catch {
      failure = error
    }
    let hasMore = !said.next(1).isEmpty
    // The launcher ends its program; whoever else writes finds no reader.
    if hasMore { kill(process.identifier, SIGTERM) }
    said.finish()
    let status = process.wait()
    if hasMore { throw failure ?? tooLong }
    guard status == 0 else {
      // What the launcher says no tree can say, nor hide.
      throw .failed(
        family: program.name,
        reason: reasons.reason ?? said.lastComplaint ?? "exit status \(status)")
    }
    if let failure { throw failure }
  }

  /// How many different outcomes, and bytes of messages, a machine's answers may have.
  private static let (outcomeLimit, textLimit): (UInt64, UInt64) = (65536, 1 << 20)

  /// Reads one machine's answers: their length, which is bounded, and so much.
  private func read(
    _ output: ProgramOutput, _ boot: HarnessBoot, _ question: Question,
    into builder: inout RecordedBoot.Builder
  ) throws(TreeError) -> SwiotlbPool {
    let incomplete = TreeError.failed(family: program.name, reason: "its output is not complete")
    let count = question.requests.count * domain.masks.count
    let longest =
      UInt64(2 * count) + 8 + Self.outcomeLimit * HarnessOutcome.size + 32 + Self.textLimit
    var head = ByteReader(output.next(8))
    guard let length = head.integer(UInt64.self) else { throw incomplete }
    guard length <= longest else { throw tooLong }
    var reader = ByteReader(output.next(Int(length)))
    guard let pool = answers(&reader, boot, question, count, into: &builder), reader.isAtEnd else {
      throw incomplete
    }
    return pool
  }

  /// One machine's answers, and the pool it has; nil where they are not whole.
  private func answers(
    _ reader: inout ByteReader, _ boot: HarnessBoot, _ question: Question, _ count: Int,
    into builder: inout RecordedBoot.Builder
  ) -> SwiotlbPool? {
    guard let indices = reader.integers(UInt16.self, count: count),
      let outcomes = reader.integer(UInt64.self), outcomes <= Self.outcomeLimit
    else { return nil }
    var raw: [HarnessOutcome] = []
    for _ in 0..<outcomes {
      guard let outcome = HarnessOutcome(&reader) else { return nil }
      raw.append(outcome)
    }
    guard let start = reader.integer(UInt64.self), let end = reader.integer(UInt64.self),
      let flags = reader.integer(UInt64.self), let size = reader.integer(UInt64.self),
      size <= Self.textLimit, let text = reader.bytes(Int(size))
    else { return nil }
    let warnings = text.split(separator: 0).map {
      KernelMessage.warnings(of: String(decoding: $0, as: UTF8.self))
    }
    let cycles = raw.compactMap { $0.cycle(warnings) }
    guard cycles.count == raw.count else { return nil }

    var pool = SwiotlbPool()
    pool.isActive = end > start
    (pool.start, pool.end) = (start, end)
    pool.memory = MemoryState(rawValue: UInt8(truncatingIfNeeded: flags)) ?? .none
    pool.forceBounce = flags >> 8 & 1 == 1
    pool.forAlloc = boot.swiotlb == .restricted
    guard let first = builder.add(cycles) else { return nil }
    var position = 0
    guard indices.allSatisfy({ Int($0) < cycles.count }) else { return nil }
    for request in question.requests {
      let its = indices[position..<position + domain.masks.count]
      builder.record(its.lazy.map { first + Int($0) }, to: request, masks: domain.masks)
      position += domain.masks.count
    }
    return pool
  }
}

/// `struct shim_outcome`.
private struct HarnessOutcome {
  /// In bytes.
  static let size: UInt64 = 48

  let address: UInt64
  let messages: UInt64
  let maxMapping: UInt64
  let undoMessages: UInt64
  let codes: [UInt8]

  init?(_ reader: inout ByteReader) {
    guard let address = reader.integer(UInt64.self), let messages = reader.integer(UInt64.self),
      let maxMapping = reader.integer(UInt64.self),
      let undoMessages = reader.integer(UInt64.self), let codes = reader.bytes(16)
    else { return nil }
    self.address = address
    self.messages = messages
    self.maxMapping = maxMapping
    self.undoMessages = undoMessages
    self.codes = Array(codes)
  }

  func cycle(_ warnings: [Warnings]) -> LifeCycle? {
    guard let result = AnswerResult(rawValue: codes[0]),
      let encoding = AddressEncoding(rawValue: codes[1]),
      let memory = MemoryState(rawValue: codes[2]), let pte = MemoryState(rawValue: codes[3])
    else { return nil }
    guard let copy = UnmapCopy(rawValue: codes[4]), let slots = SlotsAfter(rawValue: codes[5]),
      let state = StateAfter(rawValue: codes[6]), let owner = OwnerAfter(rawValue: codes[7]),
      let atomicCall = AtomicCall(rawValue: codes[8])
    else { return nil }
    func logged(_ messages: UInt64) -> Warnings {
      warnings.enumerated().reduce(into: []) { logged, warning in
        if messages >> UInt64(warning.offset) & 1 == 1 { logged.formUnion(warning.element) }
      }
    }
    var after = LifeAnswer()
    after.poolKind = copy == .none ? .none : .standard
    (after.unmapCopy, after.slots, after.state, after.owner) = (copy, slots, state, owner)
    after.warnings = logged(undoMessages)
    after.atomicCall = atomicCall
    let answer = Answer(
      result: result, encoding: encoding, memoryState: memory, pte: pte,
      warnings: logged(messages), decision: .ownCode,
      address: result == .error || encoding == .iova ? nil : address, maxMapping: maxMapping)
    return LifeCycle(
      answer: answer, after: after, usesPool: copy != .none || result == .swiotlb)
  }
}

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
