import DMAModel

/// Why a kernel answers a scenario as it does.
public struct Explanation: Sendable {
  public let kernel: KernelVersion
  public let scenario: Scenario
  public let circumstance: Circumstance
  public let answer: Answer
  public let verdict: Verdict
  public let exposure: Exposure
  /// The decisions on the way, in order.
  public let path: [TraceStep]
  /// What is left after the request has been undone.
  public let after: LifeAnswer
  /// What that exposes.
  public let exposureAfter: Exposure
  /// The decisions of unmapping or freeing, in order; none after an error.
  public let undoPath: [TraceStep]

  /// The scenario's key with its circumstance.
  public var key: String { scenario.key + circumstance.suffix }

  /// Explains a scenario, or returns the rule by which it cannot exist.
  public static func explain(
    _ scenario: Scenario, in circumstance: Circumstance = .ordinary, on machine: Machine,
    by kernel: KernelVersion
  ) -> Result<Explanation, ExcludedScenario> {
    let request = scenario.deviceRequest
    let policy = kernel.policy
    if let rule = policy.exclusion(of: scenario, on: machine)
      ?? policy.circumstanceExclusion(
        circumstance, scenario.platform, scenario.swiotlb, request)
    {
      return .failure(ExcludedScenario(rule: rule))
    }
    // A tree was asked in the ordinary circumstance alone.
    if kernel.recorded != nil, circumstance != .ordinary {
      return .failure(ExcludedScenario(rule: .notRecorded))
    }
    let booted = kernel.booted(
      scenario.platform, scenario.iommu, scenario.swiotlb, machine, circumstance.conditions)
    guard booted.answers(request, masks: [request.mask]) else {
      return .failure(ExcludedScenario(rule: .notRecorded))
    }
    let (answer, path) = booted.explain(request)
    let judged = JudgedAnswer(scenario.platform, request, answer)
    let undo = booted.explainUndo(of: request, maskChange: circumstance.maskChange)
    return .success(
      Explanation(
        kernel: kernel, scenario: scenario, circumstance: circumstance, answer: answer,
        verdict: judged.verdict, exposure: judged.exposure, path: path, after: undo.after,
        exposureAfter: DMAHardware.exposureAfter(platform: scenario.platform, after: undo.after),
        undoPath: undo.path))
  }

  /// How many decisions the paths of two kernels have in common.
  public static func commonPrefix(_ one: Explanation, _ two: Explanation) -> Int {
    zip(one.path, two.path).prefix { $0 == $1 }.count
  }
}

/// A scenario that a rule excludes.
public struct ExcludedScenario: Error, Equatable {
  public let rule: Exclusion
}
