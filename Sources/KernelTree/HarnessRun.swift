import DMAModel
import Dispatch
import Foundation
import Parallel

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

  /// CPU seconds and megabytes that a program may use.
  private static let limits = ["300", "2048"]

  /// The answers, one table for each boot.
  func answers() throws(TreeError) -> [RecordedBoot] {
    let asked = boots.map { boot in questions(to: boot) }
    var input = Data()
    for (boot, questions) in zip(boots, asked) {
      for question in questions { append(boot, question, to: &input) }
    }
    let file = directory + "/requests.\(getpid()).\(UUID().uuidString)"
    defer { unlink(file) }
    guard FileManager.default.createFile(atPath: file, contents: input),
      let requests = FileHandle(forReadingAtPath: file)
    else { throw .cannotRun(reason: "'\(file)' cannot be written") }
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

  private var tooLong: TreeError {
    .failed(family: program.name, reason: "its output is too long")
  }

  /// Runs the program, whose output `reading` takes while it is written.
  private func run(
    input: FileHandle, reading: (_ output: FileHandle) throws(TreeError) -> Void
  ) throws(TreeError) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program.launcher)
    process.arguments = ["jail"] + Self.limits + [program.path]
    process.environment = [:]
    process.standardInput = input
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    do {
      try process.run()
    } catch {
      throw .cannotRun(reason: error.localizedDescription)
    }
    // Both at once: a program that fills one pipe would wait for it to be read.
    let listening = DispatchGroup()
    let complaints = Locked(Data())
    DispatchQueue.global().async(group: listening) {
      let said = errors.fileHandleForReading.rest()
      complaints.withLock { $0 = said }
    }
    var failure: TreeError?
    do throws(TreeError) {
      try reading(output.fileHandleForReading)
    } catch {
      failure = error
    }
    let hasMore = !output.fileHandleForReading.next(1).isEmpty
    if hasMore {
      // The launcher ends its program; whoever else writes finds no reader.
      process.terminate()
      try? output.fileHandleForReading.close()
    }
    listening.wait()
    process.waitUntilExit()
    if hasMore { throw failure ?? tooLong }
    let said = complaints.withLock { $0 }
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      let text = String(decoding: said, as: UTF8.self)
        .split(separator: "\n").first.map { String($0).printable(upTo: 200) }
      let how = process.terminationReason == .exit ? "exit status" : "signal"
      throw .failed(
        family: program.name, reason: text ?? "\(how) \(process.terminationStatus)")
    }
    if let failure { throw failure }
  }

  /// What one simulated machine is asked.
  private struct Question {
    /// Without masks: each is asked for every mask.
    let requests: [DeviceRequest]
    /// The slots of `swiotlb=`, without which the kernel decides.
    var slots: UInt32?
  }

  /// The requests that exist on a boot.
  ///
  /// A mapping that is larger than ``swiotlbMaxMapping`` finds no slots in areas of any size,
  /// but a search learns so only after half a million slots of a guest's pool.
  /// Such requests go to the same machine booted with `swiotlb=` and one segment for
  /// each CPU: it knows at once. Asked in reverse, one machine answers everything,
  /// and the answers are the same.
  private func questions(to boot: HarnessBoot) -> [Question] {
    let requests = domain.requests(
      on: boot.machine, boot.platform, boot.iommu, policies: [policy]
    ).filter { $0.attributes == .none || program.facts.attributes.contains($0.attributes) }
    let large = requests.filter { $0.buffer.length > swiotlbMaxMapping }
    // A restricted pool's size is the device tree's.
    guard !isReversed, boot.swiotlb != .restricted, !large.isEmpty, large.count < requests.count
    else { return [Question(requests: requests)] }
    let rest = requests.filter { $0.buffer.length <= swiotlbMaxMapping }
    let slots = swiotlbSegmentSlots * UInt64(boot.machine.cpus)
    return [Question(requests: rest), Question(requests: large, slots: UInt32(slots))]
  }

  private func append(_ boot: HarnessBoot, _ question: Question, to data: inout Data) {
    let requests = question.requests
    func add<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    add(UInt32(boot.platform.kind.rawValue))
    let iommu: UInt32 =
      switch boot.iommu {
      case .none: 0
      case .off: 1
      case .passthrough: 2
      case .translated, .lazy, .strict: 3
      }
    add(iommu)
    add(UInt32(boot.swiotlb.rawValue))
    add(UInt32(boot.machine.ram.count))
    for index in 0..<16 {
      let range = index < boot.machine.ram.count ? boot.machine.ram[index] : PhysicalRange(0, 0)
      add(range.start)
      add(range.end)
    }
    add(UInt32(requests.count * domain.masks.count))
    add(UInt32(isReversed ? 1 : 0))
    add(UInt32(boot.machine.cpus))
    add(question.slots ?? 0)
    add(UInt32(boot.platform.encryptionBit.trailingZeroBitCount % UInt64.bitWidth))
    let buffers = Buffer.all(with: domain.buffers)
    add(UInt32(buffers.count))
    for index in 0..<Self.bufferLimit {
      let buffer = index < buffers.count ? buffers[index] : .none
      add(buffer.physicalAddress)
      add(index < buffers.count ? buffer.length : 0)
      add(UInt64(buffer.isDeviceMemory ? 1 : 0))
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(requests.count * domain.masks.count * 8)
    for request in requests {
      let coherent: UInt8 =
        switch request.coherentMask {
        case .same: 0
        case .bits32: 32
        case .bits64: 64
        }
      let rest: [UInt8] = [
        coherent, request.busLimit.bits, request.coherence == .coherent ? 1 : 0,
        request.facing.rawValue, request.operation.rawValue, request.attributes.rawValue,
        UInt8(request.buffer.position ?? buffers.firstIndex(of: request.buffer) ?? 0),
      ]
      for mask in domain.masks {
        bytes.append(mask.bits)
        bytes += rest
      }
    }
    data.append(contentsOf: bytes)
  }

  /// How many different outcomes, and bytes of messages, a machine's answers may have.
  private static let (outcomeLimit, textLimit): (UInt64, UInt64) = (65536, 1 << 20)

  /// Reads one machine's answers: their length, which is bounded, and so much.
  private func read(
    _ output: FileHandle, _ boot: HarnessBoot, _ question: Question,
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
    for request in question.requests {
      var request = request
      for mask in domain.masks {
        request.mask = mask
        guard Int(indices[position]) < cycles.count else { return nil }
        builder.record(first + Int(indices[position]), to: request)
        position += 1
      }
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
      warnings: logged(messages), decision: .ownCode, address: address, maxMapping: maxMapping)
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
