import DMAModel
import Foundation
import Support

/// What programs answered, by what they are and what they were asked: in memory for the
/// states of a run, and beside the programs for later ones.
///
/// The answers of a program follow from its code and its requests, which are the key; from
/// where its tree came, a directory, a mailbox or a commit, nothing follows.
public final class AnswerCache: Sendable {
  private let cache: BuildCache
  private let memory = Locked<(answers: [String: RecordedAnswers], order: [String])>(([:], []))

  /// Counts up where answers are read or written in another way.
  private static let version = 4
  /// How many programs' answers are in memory: those of some states.
  private static let limit = 24

  /// - Parameter cacheDirectory: The user's cache directory without.
  public init(cacheDirectory: String? = nil) throws(TreeError) {
    cache = try BuildCache(directory: cacheDirectory)
  }

  /// The key of a program's answers to some boots.
  static func key(
    _ program: HarnessProgram, _ boots: [BootConfiguration], _ domain: MatrixDomain,
    _ policy: Policy,
    assuming holding: Set<String> = [], text: String = ""
  ) -> String {
    let hash = SHA256()
    let name = (program.path as NSString).lastPathComponent
    hash.update("answers \(version) \(name) ".utf8)
    let run = HarnessRun(
      program: program, boots: boots, domain: domain, policy: policy, holding: holding,
      directory: "")
    run.describe(to: hash)
    hash.update(text.utf8)
    return hexadecimal(hash.finalize())
  }

  /// What is known of a key; nil where nothing is.
  func answers(_ key: String, _ boots: [BootConfiguration]) -> RecordedAnswers? {
    if let known = memory.withLock({ $0.answers[key] }) { return known }
    guard let bytes = cache.sealed("answers-" + key), !bytes.isEmpty else { return nil }
    var rest = bytes[...]
    var answers = RecordedAnswers()
    for boot in boots {
      guard rest.count >= 4 else { return nil }
      let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      guard rest.count >= count, let recorded = RecordedBoot(encoded: rest.prefix(count)) else {
        return nil
      }
      rest = rest.dropFirst(count)
      answers.set(recorded, of: boot)
    }
    guard rest.isEmpty else { return nil }
    remember(key, answers)
    return answers
  }

  /// Keeps what was asked; a cache that cannot be written is none.
  func keep(_ key: String, _ answers: RecordedAnswers, _ boots: [BootConfiguration]) {
    remember(key, answers)
    var bytes: [UInt8] = []
    for boot in boots {
      guard
        let encoded = answers.boot(boot)?
          .encoded
      else { return }
      withUnsafeBytes(of: UInt32(encoded.count).littleEndian) { bytes += $0 }
      bytes += encoded
    }
    cache.seal(bytes, as: "answers-" + key)
  }

  /// What was noted beside a key's answers; nil where nothing is.
  func note(_ kind: String, _ key: String) -> [UInt8]? { cache.sealed(kind + key) }

  /// Keeps a note beside a key's answers.
  func keep(_ kind: String, _ key: String, _ note: [UInt8]) { cache.seal(note, as: kind + key) }

  private func remember(_ key: String, _ answers: RecordedAnswers) {
    memory.withLock { memory in
      if memory.answers.updateValue(answers, forKey: key) == nil { memory.order.append(key) }
      if memory.order.count > Self.limit { memory.answers[memory.order.removeFirst()] = nil }
    }
  }
}

extension RecordedAnswers {
  mutating func set(_ recorded: RecordedBoot, of boot: BootConfiguration) {
    set(
      recorded, platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
      machine: boot.machine.name)
  }
}
