import DMAModel
import Foundation
import Support

/// One run of a harness program: boots and requests in, answers out.
///
/// The binary form is that of run.c.in: little endian, as both sides are one
/// machine.
struct HarnessRun: Sendable {
  let program: HarnessProgram
  let boots: [BootConfiguration]
  let domain: MatrixDomain
  let policy: Policy
  var isReversed = false
  /// The tree's predicates that hold; see ``TreeFacts/predicates``.
  var holding: Set<String> = []
  /// What variables and memory hold that nobody has written, and what is noted of blocks.
  var look = Look.plain
  /// Where the requests are written for the program to read.
  let directory: String
  /// The executable where it is no ``Look/plain`` look.
  var tracedPath = ""

  /// How a program is run.
  enum Look: Sendable {
    /// As it answers.
    case plain
    /// Filled with zeros instead of a pattern, and the blocks noted that ran.
    case zeros
    /// The same, of one request and in their order, with 0 behind the mapping and before
    /// the undoing.
    case path
  }

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
    let asked = boots.map { boot in questions(to: boot).map { (boot, $0) } }
    var builders = asked.map { _ in (RecordedBoot.Builder(), SwiotlbPool?.none) }
    var owners = asked.enumerated().flatMap { index, its in its.map { _ in index } }[...]
    try ask(asked.flatMap { $0 }) { question, reply in
      guard let owner = owners.popFirst(), let first = builders[owner].0.add(reply.cycles) else {
        return false
      }
      var position = 0
      for request in question.requests {
        let its = reply.indices[position..<position + domain.masks.count]
        builders[owner].0.record(
          its.lazy.map { first + Int($0) }, to: request, masks: domain.masks)
        position += domain.masks.count
      }
      builders[owner].1 = builders[owner].1 ?? reply.pool
      return true
    }
    return builders.map { $0.0.boot(pool: $0.1 ?? SwiotlbPool()) }
  }

  /// What a machine replied.
  struct Reply {
    /// Its different answers.
    let cycles: [LifeCycle]
    /// Of each request, which of them.
    let indices: [UInt16]
    let pool: SwiotlbPool
    /// The blocks that ran, by their addresses.
    let blocks: [UInt32]
  }

  /// Asks machines one after the other.
  ///
  /// - Parameter each: Takes a reply, and returns whether it can be one.
  func ask(
    _ asked: [(boot: BootConfiguration, question: Question)], each: (Question, Reply) -> Bool
  ) throws(TreeError) {
    guard !asked.isEmpty else { return }
    var input = Data()
    for (boot, question) in asked { append(boot, question, to: &input) }
    let requests = try file(of: input)
    defer { close(requests) }
    try run(input: requests) { output throws(TreeError) in
      for (boot, question) in asked {
        let reply = try read(output, boot, question)
        guard each(question, reply) else { throw incomplete }
      }
    }
  }

  /// Adds what decides about the requests: each without its masks, which all have alike.
  func describe(to hash: SHA256) {
    for boot in boots {
      var data = Data()
      for var question in questions(to: boot) {
        question.masks = Array(domain.masks.prefix(1))
        append(boot, question, to: &data)
      }
      hash.update(data)
    }
    hash.update(domain.masks.map(\.name).joined(separator: ",").utf8)
  }

  private var incomplete: TreeError {
    .failed(family: program.name, reason: "its output is not complete")
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

  /// The executable.
  private var path: String { look == .plain ? program.path : tracedPath }

  /// Runs the program, whose output `reading` takes while it is written.
  private func run(
    input: Int32, reading: (_ output: ProgramOutput) throws(TreeError) -> Void
  ) throws(TreeError) {
    let (output, errors, reasons) = (try ProgramPipe(), try ProgramPipe(), try ProgramPipe())
    let process = try ChildProcess.start(
      program.launcher, ["jail"] + Self.limits + [String(getpid()), "-e", "--", path],
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
  /// How many blocks are noted.
  private static let blockLimit: UInt64 = 65536

  /// Reads one machine's answers: their length, which is bounded, and so much.
  private func read(
    _ output: ProgramOutput, _ boot: BootConfiguration, _ question: Question
  ) throws(TreeError) -> Reply {
    let longest =
      UInt64(2 * question.count) + 8 + Self.outcomeLimit * HarnessOutcome.size + 32
      + Self.textLimit + 8 + 4 * Self.blockLimit
    var head = ByteReader(output.next(8))
    guard let length = head.integer(UInt64.self) else { throw incomplete }
    guard length <= longest else { throw tooLong }
    var reader = ByteReader(output.next(Int(length)))
    guard let reply = reply(&reader, boot, question), reader.isAtEnd else { throw incomplete }
    return reply
  }

  /// One machine's answers, and the pool it has; nil where they are not whole.
  private func reply(
    _ reader: inout ByteReader, _ boot: BootConfiguration, _ question: Question
  ) -> Reply? {
    guard let indices = reader.integers(UInt16.self, count: question.count),
      let outcomes = reader.integer(UInt64.self), outcomes <= Self.outcomeLimit
    else { return nil }
    var raw: [HarnessOutcome] = []
    for _ in 0..<outcomes {
      guard let outcome = HarnessOutcome(&reader) else { return nil }
      raw.append(outcome)
    }
    guard let start = reader.integer(UInt64.self), let end = reader.integer(UInt64.self),
      let flags = reader.integer(UInt64.self), let size = reader.integer(UInt64.self),
      size <= Self.textLimit, let text = reader.bytes(Int(size)),
      let traced = reader.integer(UInt64.self), traced <= Self.blockLimit,
      let blocks = reader.integers(UInt32.self, count: Int(traced))
    else { return nil }
    let warnings = text.split(separator: 0).map {
      KernelMessage.warnings(of: String(decoding: $0, as: UTF8.self))
    }
    let cycles = raw.compactMap { $0.cycle(warnings) }
    guard cycles.count == raw.count, indices.allSatisfy({ Int($0) < cycles.count }) else {
      return nil
    }
    var pool = SwiotlbPool()
    pool.isActive = end > start
    (pool.start, pool.end) = (start, end)
    pool.memory = MemoryState(rawValue: UInt8(truncatingIfNeeded: flags)) ?? .none
    pool.forceBounce = flags >> 8 & 1 == 1
    pool.forAlloc = boot.swiotlb == .restricted
    return Reply(cycles: cycles, indices: indices, pool: pool, blocks: blocks)
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
