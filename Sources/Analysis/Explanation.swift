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
  /// What the driver can read; nil of a tree, which was not asked for it.
  public let driver: DriverValues?
  /// What the device is like.
  public let device: DeviceParameters
  /// The pool that the buffer lies in; nil where it lies in none, as a driver's does.
  public let poolOfBuffer: PhysicalRange?
  /// Where the device's reach ends inside the pool that a buffer bounces through; nil
  /// where it reaches every slot.
  public let reachInPool: UInt64?

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
      return .failure(ExcludedScenario(rule: kernel.recorded == nil ? rule : rule.ofTree))
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
    let judged = JudgedAnswer(
      scenario.platform, request, answer, addressLines: machine.device.addressLines)
    let undo = booted.explainUndo(of: request, maskChange: circumstance.maskChange)
    return .success(
      Explanation(
        kernel: kernel, scenario: scenario, circumstance: circumstance, answer: answer,
        verdict: judged.verdict, exposure: judged.exposure, path: path, after: undo.after,
        exposureAfter: DMAHardware.exposureAfter(platform: scenario.platform, after: undo.after),
        undoPath: undo.path,
        driver: kernel.recorded == nil ? DriverValues(scenario, answer, on: booted) : nil,
        device: machine.device, poolOfBuffer: booted.poolOfBuffer(request),
        reachInPool: booted.reachInPool(request, answer)))
  }

  /// How many decisions the paths of two kernels have in common.
  public static func commonPrefix(_ one: Explanation, _ two: Explanation) -> Int {
    zip(one.path, two.path).prefix { $0 == $1 }.count
  }
}

extension BootedKernel {
  /// The swiotlb pool that RAM named by a mapping lies in, at least in part.
  fileprivate func poolOfBuffer(_ request: DeviceRequest) -> PhysicalRange? {
    let buffer = request.buffer
    guard request.operation.isMapping, !buffer.isDeviceMemory, pool.isActive,
      buffer.physicalAddress < pool.end, pool.start < buffer.physicalAddress + buffer.length
    else { return nil }
    return PhysicalRange(pool.start, pool.end)
  }

  /// The last physical address of the default pool that the device of a bounce reaches.
  fileprivate func reachInPool(_ request: DeviceRequest, _ answer: Answer) -> UInt64? {
    guard answer.result == .bounce, pool.isActive else { return nil }
    let last = physical(ExactRequest(request).streamingLimit)
    return (pool.start..<pool.end - 1).contains(last) ? last : nil
  }
}

/// A scenario that a rule excludes.
public struct ExcludedScenario: Error, Equatable {
  public let rule: Exclusion
}

extension Exclusion {
  /// The rule as it is for a tree: which platforms, attributes and IOMMUs its code knows
  /// is not recorded, only what was evaluated.
  fileprivate var ofTree: Exclusion {
    switch self {
    case .platformUnknown, .dmaIOMMUUnknown, .attributeUnknown, .dynamicUnknown: .notRecorded
    default: self
    }
  }
}
