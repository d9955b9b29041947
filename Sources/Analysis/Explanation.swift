import DMAModel

/// Why a kernel answers a scenario as it does.
public struct Explanation: Sendable {
  public let kernel: KernelVersion
  public let scenario: Scenario
  public let answer: Answer
  public let verdict: Verdict
  public let exposure: Exposure
  /// The decisions on the way, in order.
  public let path: [TraceStep]

  /// Explains a scenario, or returns the rule by which it cannot exist.
  public static func explain(
    _ scenario: Scenario, on machine: Machine, by kernel: KernelVersion
  ) -> Result<Explanation, ExcludedScenario> {
    if let rule = kernel.policy.exclusion(of: scenario, on: machine) {
      return .failure(ExcludedScenario(rule: rule))
    }
    let booted = BootedKernel(
      policy: kernel.policy, platform: scenario.platform, iommu: scenario.iommu,
      swiotlb: scenario.swiotlb, machine: machine)
    let request = scenario.deviceRequest
    let (answer, path) = booted.explain(request)
    let judged = JudgedAnswer(scenario.platform, request, answer)
    return .success(
      Explanation(
        kernel: kernel, scenario: scenario, answer: answer, verdict: judged.verdict,
        exposure: judged.exposure, path: path))
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
