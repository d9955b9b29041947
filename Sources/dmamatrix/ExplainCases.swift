import Analysis
import BootInputs
import DMAModel
import Reporting
import Support

/// One boot that is asked about, and the kernels that can boot so.
struct ExplainCase {
  var scenario: Scenario
  var machine: Machine
  let kernels: [KernelVersion]
  /// Why the IOMMU is as it is, where an input said so.
  let reason: String?

  /// A kernel of the case, booted.
  func booted(_ kernel: KernelVersion, _ circumstance: Circumstance) -> BootedKernel {
    kernel.booted(
      scenario.platform, scenario.iommu, scenario.swiotlb, machine, circumstance.conditions)
  }
}

/// Neighbouring masks with one answer of one kernel.
struct ExplainSpan {
  var masks: ClosedRange<Int>
  let explanation: Explanation
}

extension ExplainQuestion {
  /// Whether the log has something because of which every answer would be wrong.
  var isUnmodelled: Bool {
    facts?.unmodelled.isEmpty == false
  }

  /// Every combination that the inputs leave, in the order of the axes.
  ///
  /// - Throws: A ``UsageError`` where the platform or the kernel is not known, or where
  ///   none of the combinations exists.
  func cases() throws -> [ExplainCase] {
    guard !platforms.isEmpty else {
      throw UsageError(
        description: "the platform is not known; accepted: --platform with one of "
          + Platform.names.joined(separator: ", "))
    }
    guard !kernels.isEmpty else {
      throw UsageError(
        description: "the kernel is not known; accepted: --kernel with one of "
          + KernelVersion.all.map(\.name).joined(separator: ", "))
    }
    var cases: [ExplainCase] = []
    for platform in platforms {
      for (iommu, reason) in iommus.isEmpty ? [(.none, nil)] : iommus {
        for swiotlb in swiotlbs.isEmpty ? [.standard] : swiotlbs {
          // A mode that nobody asked for by name is left out where it does not exist.
          let booting = kernels.filter {
            $0.policy.bootExclusion(platform, iommu, swiotlb) == nil
          }
          let isAsked = filter[IOMMUMode.axis] != nil || iommus.isEmpty
          let kernels = isAsked && filter["kernel"] != nil ? kernels : booting
          guard !kernels.isEmpty else { continue }
          for machine in machines.isEmpty ? [Machine.sixtyFourGiB] : machines {
            let machine = machine.with(device)
            try check(platform, swiotlb, machine)
            cases.append(
              ExplainCase(
                scenario: scenario(platform, iommu, swiotlb, machine), machine: machine,
                kernels: kernels, reason: reason))
          }
        }
      }
    }
    // Of a log it was said why; nobody asked for the mode.
    if cases.isEmpty, facts != nil, filter[IOMMUMode.axis] == nil { return [] }
    guard !cases.isEmpty else {
      throw UsageError(
        description: "no mode of the IOMMU that fits exists for "
          + platforms.map(\.name).joined(separator: ", ") + " on "
          + kernels.map(\.name).joined(separator: ", ") + "; accepted: --iommu")
    }
    return cases
  }

  private func scenario(
    _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode, _ machine: Machine
  ) -> Scenario {
    func value<Value: AxisValue>(_: Value.Type, default standard: Value) -> Value {
      filter[Value.axis]?.first.flatMap { Value(name: $0) } ?? standard
    }
    let operation = value(Operation.self, default: .map)
    let attributes = value(Attributes.self, default: .none)
    let device: Buffer = attributes.isMMIO || operation == .mapSGP2P ? .mmio64 : .dma32
    let standard = operation.isMapping ? device : allocation ?? .none
    return Scenario(
      platform: platform, iommu: iommu, swiotlb: swiotlb, memory: machine.name,
      mask: value(DMAMask.self, default: DMAMask.allCases[0]),
      coherentMask: value(CoherentMask.self, default: .same),
      busLimit: value(BusLimit.self, default: .none),
      coherence: value(Coherence.self, default: .coherent),
      facing: value(Facing.self, default: .internal), operation: operation,
      attributes: attributes,
      buffer: operation.isMapping ? value(Buffer.self, default: standard) : standard)
  }

  /// The answers of one kernel, masks with equal ones together.
  func spans(of question: ExplainCase, by kernel: KernelVersion) throws -> [ExplainSpan] {
    let masks = (filter[DMAMask.axis] ?? DMAMask.names).compactMap { DMAMask(name: $0) }
    var spans: [ExplainSpan] = []
    for mask in masks {
      var scenario = question.scenario
      scenario.mask = mask
      let explanation = try explanation(scenario, on: question.machine, by: kernel)
      let bits = Int(mask.bits)
      if let last = spans.last, last.masks.upperBound + 1 == bits,
        last.explanation.isAnsweredAlike(explanation), masks.count > 1
      {
        spans[spans.count - 1].masks = last.masks.lowerBound...bits
      } else {
        spans.append(ExplainSpan(masks: bits...bits, explanation: explanation))
      }
    }
    return spans
  }

  private func explanation(
    _ scenario: Scenario, on machine: Machine, by kernel: KernelVersion
  ) throws -> Explanation {
    switch Explanation.explain(scenario, in: circumstance, on: machine, by: kernel) {
    case .success(let explanation): return explanation
    case .failure(let excluded):
      let ram =
        excluded.rule == .bufferNotInRAM
        ? "; its RAM: " + machine.ram.prefix(8).map(\.text).joined(separator: ", ") : ""
      throw UsageError(
        description: "\(scenario.key)\(circumstance.suffix) does not exist on \(kernel.name): "
          + excluded.rule.summary + ram)
    }
  }
}

extension Explanation {
  /// Whether a request is answered, judged and ended in the same way.
  fileprivate func isAnsweredAlike(_ other: Explanation) -> Bool {
    answer.columns == other.answer.columns && answer.decision == other.answer.decision
      && verdict == other.verdict && after == other.after
  }
}
