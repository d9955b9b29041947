import DMAHardware
import DMAModel
import HostCapture

/// What a device gets from one boot: for a page of low and of high RAM, and for an
/// allocation, and how much one mapping may hold.
public struct DeviceAnswers: Sendable, Hashable {
  public let low: Answer
  public let high: Answer
  public let allocation: Answer
  /// Whether the allocation may succeed or not: the model knows of no page that surely
  /// fits, and some RAM lies within the mask.
  public let allocationMayFit: Bool
  /// `dma_max_mapping_size()`, `UInt64.max` for no limit.
  public let maxMapping: UInt64
  private let platform: Platform

  /// - Parameters:
  ///   - machine: The machine, whose first page above 1 MiB is low RAM, and whose last
  ///     page is high RAM.
  public init(_ kernel: BootedKernel, _ conditions: DeviceConditions) {
    let machine = kernel.machine
    platform = kernel.platform
    func map(_ address: UInt64) -> Answer {
      kernel.answer(to: conditions.request(.map, at: address, length: 4096))
    }
    low = map(Self.lowPage(machine))
    high = map(Self.highPage(machine))
    let request = conditions.request(.alloc, length: 4096)
    allocation = kernel.answer(to: request)
    let first = (machine.ram.first?.start ?? 0) &+ 4095
    allocationMayFit =
      allocation.decision == .allocNoPage && request.coherentLimit >= first &+ conditions.busOffset
    maxMapping = kernel.reach(of: conditions.request(.map, length: 1)).maxMapping
  }

  /// A page of low RAM: the first above 1 MiB, else the first.
  public static func lowPage(_ machine: Machine) -> UInt64 {
    let start = machine.ram.first { $0.end > 2 << 20 } ?? machine.ram[0]
    return max(start.start, min(1 << 20, start.end - 4096))
  }

  /// A page of high RAM: the last.
  public static func highPage(_ machine: Machine) -> UInt64 { machine.top - 4096 }

  /// The three requests and their answers, by name.
  public var all: [(name: String, answer: Answer)] {
    [("map low", low), ("map high", high), ("alloc", allocation)]
  }

  /// Whether an answer is that of an allocation that may succeed or not.
  public func mayFit(_ answer: Answer) -> Bool {
    answer.decision == .allocNoPage && allocationMayFit
  }

  /// What the hardware makes of an answer.
  public func verdict(_ answer: Answer, _ operation: Operation = .map) -> Verdict {
    guard let mask = DMAMask(bits: 64) else { return .ok }
    let request = DeviceRequest(
      mask: mask, coherentMask: .same, busLimit: .none, coherence: .coherent, facing: .internal,
      operation: operation, attributes: .none, buffer: operation.isMapping ? .dma32 : .none)
    return hardwareVerdict(platform: platform, request: request, answer: answer)
  }

  /// What a success exposes.
  public func exposed(_ answer: Answer) -> Exposure {
    exposure(platform: platform, answer: answer, verdict: verdict(answer))
  }
}

/// What becomes of a device's requests under another kernel or other parameters.
public struct DeviceChange: Sendable, Hashable {
  /// How a change is to be taken, the worst first.
  public enum Effect: String, Sendable, CaseIterable {
    case breaks
    /// An allocation for which the model knows of no page that surely fits any more.
    case mayBreak = "may break"
    case exposes, slower, better, other
    /// Whether somebody has to act.
    public var isWorse: Bool { self != .better && self != .other }
  }

  public let effect: Effect
  /// The request: `map high`.
  public let request: String
  /// What it gets before and after, and the rule that decides after.
  public let before: String
  public let after: String
  public let decidedBy: String

  /// All changes between two boots of a device.
  public static func between(_ old: DeviceAnswers, _ new: DeviceAnswers) -> [DeviceChange] {
    var changes = between(
      zip(old.all, new.all).map { before, after in
        (before.name, Side(before.answer, old), Side(after.answer, new))
      }, of: old)
    // Of no use to tell where the mapping itself stops or begins to work.
    let isServed = [old, new].allSatisfy { $0.verdict($0.high).isServed }
    if old.maxMapping != new.maxMapping, isServed {
      changes.append(
        DeviceChange(
          effect: new.maxMapping < old.maxMapping ? .slower : .better, request: "max mapping",
          before: text(bytes: old.maxMapping), after: text(bytes: new.maxMapping),
          decidedBy: "dma_max_mapping_size"))
    }
    return changes
  }

  /// The changes between pairs of answers.
  ///
  /// - Parameter device: Says what the hardware makes of an answer.
  static func between(
    _ answers: [(name: String, before: Side, after: Side)], of device: DeviceAnswers
  ) -> [DeviceChange] {
    answers.compactMap { name, before, after in
      guard let effect = effect(device, before, after) else { return nil }
      return DeviceChange(
        effect: effect, request: name, before: text(device, before), after: text(device, after),
        decidedBy: after.answer.decision.name)
    }
  }

  /// An answer, and whether it is an allocation that may succeed or not.
  struct Side {
    let answer: Answer
    let mayFit: Bool

    init(_ answer: Answer, _ device: DeviceAnswers) {
      self.answer = answer
      mayFit = device.mayFit(answer)
    }
  }

  private static func effect(
    _ device: DeviceAnswers, _ before: Side, _ after: Side
  ) -> Effect? {
    switch (before.mayFit, after.mayFit) {
    case (true, true): return nil
    case (false, true): return device.verdict(before.answer).isServed ? .mayBreak : .other
    case (true, false): return device.verdict(after.answer).isServed ? .better : .other
    case (false, false): break
    }
    let (before, after) = (before.answer, after.answer)
    let (was, becomes) = (device.verdict(before), device.verdict(after))
    if was.isServed, !becomes.isServed { return .breaks }
    if !was.isServed, becomes.isServed { return .better }
    if !was.isServed, was != becomes { return becomes.isSilentlyWrong ? .breaks : .better }
    let (shown, shows) = (device.exposed(before), device.exposed(after))
    if shown != shows { return shows == .none ? .better : .exposes }
    if before.result.bounces != after.result.bounces {
      return after.result.bounces ? .slower : .better
    }
    return before.result == after.result && before.encoding == after.encoding ? nil : .other
  }

  private static func text(_ answers: DeviceAnswers, _ side: Side) -> String {
    if side.mayFit { return "maybe" }
    let answer = side.answer
    let verdict = answers.verdict(answer)
    return verdict.isSilentlyWrong
      ? "\(answer.shortName), \(verdict.name)" : answer.shortName
  }

  private static func text(bytes: UInt64) -> String {
    bytes == .max ? "unlimited" : "\(bytes >> 10) KiB"
  }
}

extension Answer {
  /// The result as a table of devices shows it: an allocation of dma-iommu is an IOVA.
  public var shortName: String {
    if result == .page, encoding == .iova { return "iova" }
    return result == .iovaBounce ? "iova+bounce" : result.name
  }
}
