import DMAModel
import Foundation
import Support

/// The same questions once more, with zeros where nobody has written: what then changes
/// depends on memory that the kernel reads without having written it.
///
/// Asked again are, of each device and request, the masks at both ends of every run of equal
/// answers; where one of them changes, everything that its machine was asked.  The blocks
/// that ran are noted.
public struct SecondLook: Sendable {
  /// A scenario whose answer is another with other contents of unwritten memory.
  public struct Dependent: Sendable {
    public let platform: Platform
    public let iommu: IOMMUMode
    public let swiotlb: SwiotlbMode
    public let machine: MachineName
    public let request: DeviceRequest
    /// With a pattern, and with zeros.
    public let answers: [LifeCycle]
  }

  public private(set) var dependent: [Dependent] = []
  /// The scenarios that were asked again.
  public private(set) var asked = 0
  /// All that were asked in the first place.
  public private(set) var total = 0
  /// The blocks that ran, by the architecture's name.
  private(set) var blocks: [String: Set<UInt32>] = [:]

  init() {}

  /// Of a state that cannot be asked.
  public static let nothing = SecondLook()

  /// What a run found.
  fileprivate struct Found: Sendable {
    var dependent: [Dependent] = []
    var blocks: Set<UInt32> = []
    var asked = 0
    var total = 0

    init() {}

    /// What was kept; nil where that is no such thing.
    init?(_ bytes: [UInt8]) {
      guard bytes.count >= 8, bytes.count % 4 == 0 else { return nil }
      let numbers = stride(from: 0, to: bytes.count, by: 4).map { at in
        bytes[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
      }
      (asked, total) = (Int(numbers[0]), Int(numbers[1]))
      blocks = Set(numbers.dropFirst(2))
    }

    /// What is kept where nothing depends on memory.
    var bytes: [UInt8] {
      ([UInt32(clamping: asked), UInt32(clamping: total)] + blocks.sorted()).flatMap { number in
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
      }
    }

    mutating func add(_ other: Found) {
      dependent += other.dependent
      blocks.formUnion(other.blocks)
      (asked, total) = (asked + other.asked, total + other.total)
    }
  }

  fileprivate mutating func add(_ found: Found, _ name: String) {
    dependent += found.dependent
    (asked, total) = (asked + found.asked, total + found.total)
    blocks[name, default: []].formUnion(found.blocks)
  }
}

extension TreeEvaluation {
  /// Asks once more, with zeros where nobody has written.
  ///
  /// - Parameter kernel: The answers to the same domain.
  public func secondLook(
    at kernel: KernelVersion, _ domain: MatrixDomain, jobs: Int, from cache: AnswerCache,
    assuming assumption: Assumption = .none
  ) throws(TreeError) -> SecondLook {
    guard let answers = kernel.recorded else { return SecondLook() }
    var look = SecondLook()
    var work: [(program: HarnessProgram, path: String, boots: [BootConfiguration])] = []
    var keys: [String: String] = [:]
    let compiler = try Compiler()
    let builds = try BuildCache(directory: cacheDirectory)
    for program in programs {
      let boots = boots(of: program, in: domain, kernel.policy).filter {
        answers.boot($0.platform, $0.iommu, $0.swiotlb, $0.machine.name) != nil
      }
      // The text has the places of lines, on which the blocks depend.
      let key = AnswerCache.key(
        program, boots, domain, kernel.policy, assuming: assumption.holding, text: program.text)
      if let known = cache.note(Self.lookNote, key).flatMap({ SecondLook.Found($0) }) {
        look.add(known, program.name)
        continue
      }
      keys[program.name] = key
      let traced = try TracedProgram(
        of: program, compiler: compiler, cache: builds, workspace: workspace)
      let parts = max(1, min(jobs, boots.count))
      for part in 0..<parts {
        let share = stride(from: part, to: boots.count, by: parts).map { boots[$0] }
        if !share.isEmpty { work.append((program, traced.path, share)) }
      }
    }
    let directory = workspace.path
    let found = concurrently(work) { program, path, boots in
      Result { () throws(TreeError) in
        let run = HarnessRun(
          program: program, boots: boots, domain: domain, policy: kernel.policy,
          holding: assumption.holding, look: .zeros, directory: directory, tracedPath: path)
        return try run.differences(from: answers)
      }
    }
    var all: [String: SecondLook.Found] = [:]
    for ((program, _, _), result) in zip(work, found) {
      all[program.name, default: SecondLook.Found()].add(try result.get())
    }
    for (name, its) in all.sorted(by: { $0.key < $1.key }) {
      look.add(its, name)
      // What changes is found anew each time.
      if let key = keys[name], its.dependent.isEmpty { cache.keep(Self.lookNote, key, its.bytes) }
    }
    return look
  }

  /// Counts up with what is asked again, or how it is kept.
  private static let lookNote = "looks-"

  /// The lines of the tree that ran in a second look, and those with code that can.
  public func executed(
    in look: SecondLook
  ) throws(TreeError) -> (ran: [String: Set<Int>], code: [String: Set<Int>]) {
    var (ran, code): ([String: Set<Int>], [String: Set<Int>]) = ([:], [:])
    let (compiler, cache) = (try Compiler(), try BuildCache(directory: cacheDirectory))
    for program in programs {
      let blocks = try TracedProgram(
        of: program, compiler: compiler, cache: cache, workspace: workspace
      ).blocks(workspace: workspace)
      let its = look.blocks[program.name] ?? []
      for (address, block) in blocks {
        for line in block.lines {
          code[line.file, default: []].insert(line.line)
          if its.contains(address) { ran[line.file, default: []].insert(line.line) }
        }
      }
    }
    return (ran, code)
  }
}

extension HarnessRun {
  /// What is answered otherwise than before, and the blocks that ran.
  fileprivate func differences(
    from answers: RecordedAnswers
  ) throws(TreeError) -> SecondLook.Found {
    var result = SecondLook.Found()
    var asked: [(boot: BootConfiguration, question: Question)] = []
    for boot in boots {
      guard
        let known = answers.boot(boot)
      else { continue }
      for question in questions(to: boot) {
        let requests = question.requests.flatMap { request in
          known.runEnds(of: request, among: question.masks).map { mask in
            var one = request
            one.mask = mask
            return one
          }
        }
        guard !requests.isEmpty else { continue }
        result.total += question.requests.count * question.masks.count
        result.asked += requests.count
        asked.append((boot, Question(requests: requests, masks: [], slots: question.slots)))
      }
    }
    var changed: Set<Int> = []
    var index = 0
    try ask(asked) { question, reply in
      result.blocks.formUnion(reply.blocks)
      let boot = asked[index].boot
      if !dependent(answers, boot, question.requests, reply).isEmpty { changed.insert(index) }
      index += 1
      return true
    }
    // Where one changes, all are asked.
    var again: [(boot: BootConfiguration, question: Question)] = []
    for index in changed.sorted() {
      let (boot, first) = asked[index]
      result.asked -= first.requests.count
      for question in questions(to: boot) where question.slots == first.slots {
        result.asked += question.requests.count * question.masks.count
        again.append((boot, question))
      }
    }
    index = 0
    try ask(again) { question, reply in
      let requests = question.requests.flatMap { request in
        question.masks.map { mask in
          var one = request
          one.mask = mask
          return one
        }
      }
      result.dependent += dependent(answers, again[index].boot, requests, reply)
      index += 1
      return true
    }
    return result
  }

  private func dependent(
    _ answers: RecordedAnswers, _ boot: BootConfiguration, _ requests: [DeviceRequest],
    _ reply: Reply
  ) -> [SecondLook.Dependent] {
    guard
      let known = answers.boot(boot)
    else { return [] }
    return zip(requests, reply.indices).compactMap { request, number in
      let now = reply.cycles[Int(number)]
      guard let before = known.cycle(of: request), before != now else { return nil }
      return SecondLook.Dependent(
        platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
        machine: boot.machine.name, request: request, answers: [before, now])
    }
  }
}
