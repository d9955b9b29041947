import DMAModel

/// The smallest set of boots that shows every answer that the model gives.
public struct LabPlan: Sendable {
  /// A chosen boot, with what only it shows among the chosen ones.
  public struct Choice: Sendable {
    public let boot: LabBoot
    /// Answers that the boot shows, of all kernels.
    public let answers: Int
    /// Of these, answers that no other chosen boot shows.
    public let only: Int
  }

  public let kernels: [KernelVersion]
  public let choices: [Choice]
  /// Boots that could be chosen.
  public let candidates: Int
  /// Ways of answering that the candidates show, of all kernels.
  public let answers: Int
  /// Of two kernels or more: requests and answers by which they differ.
  public let differences: Int
  /// Whether no smaller set exists; false where the search was cut short.
  public let isMinimal: Bool

  /// Boots that need not be run, for one kernel.
  public var saved: Int { candidates - choices.count }

  /// - Parameters:
  ///   - kernels: With several, each chosen boot is run on all of them, and the set
  ///     also shows every way in which they differ.
  ///   - boots: The boots to choose from.
  public init(kernels: [KernelVersion], boots: [LabBoot]) {
    self.kernels = kernels
    candidates = boots.count
    var numbers: [LabFact: Int] = [:]
    var sets: [Set<Int>] = []
    for boot in boots {
      var set: Set<Int> = []
      for fact in Self.facts(kernels, boot) {
        let number = numbers[fact] ?? numbers.count
        numbers[fact] = number
        set.insert(number)
      }
      sets.append(set)
    }
    differences = numbers.keys.count { if case .difference = $0 { true } else { false } }
    answers = numbers.count - differences
    let cover = SetCover(sets)
    isMinimal = cover.isMinimal
    choices = cover.chosen.map { index in
      let others = cover.chosen.filter { $0 != index }.reduce(into: Set<Int>()) {
        $0.formUnion(sets[$1])
      }
      return Choice(
        boot: boots[index], answers: sets[index].count,
        only: sets[index].subtracting(others).count)
    }
  }

  private static func facts(_ kernels: [KernelVersion], _ boot: LabBoot) -> Set<LabFact> {
    var facts: Set<LabFact> = []
    var byName: [String: [LabAnswer]] = [:]
    for kernel in kernels {
      guard let booted = boot.booted(kernel) else { continue }
      for named in LabRequests.all(booted, isUntrusted: boot.isUntrusted) {
        let answer = LabAnswer(booted, named.request, booted.answer(to: named.request))
        facts.insert(.answer(kernel: kernel.name, answer))
        byName[named.name, default: []].append(answer)
      }
    }
    guard kernels.count > 1 else { return facts }
    for answers in byName.values where answers.count == kernels.count {
      // Different names of one rule are no difference that a boot can show.
      let shown = answers.map { LabShown(result: $0.result, maxMapping: $0.maxMapping) }
      if Set(shown).count > 1, let first = answers.first {
        facts.insert(.difference(first.operation, first.attributes, shown))
      }
    }
    return facts
  }
}

/// Something that a boot shows.
private enum LabFact: Hashable {
  case answer(kernel: String, LabAnswer)
  case difference(Operation, ExactRequest.AttributeSet, [LabShown])
}

/// What can be seen of an answer.
private struct LabShown: Hashable {
  let result: AnswerResult
  let maxMapping: UInt64
}
