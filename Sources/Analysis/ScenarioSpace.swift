import DMAModel

/// The scenarios of a domain as a space of axes, with the kernels that answer them.
///
/// A scenario is in the space if it exists on every kernel; the others are
/// counted.  The DMA mask is the last axis, an ordered one.
final class ScenarioSpace {
  let kernels: [KernelVersion]
  let domain: MatrixDomain
  /// What may happen beside the scenario; the ordinary circumstance alone has no axes.
  let circumstances: [Circumstance]
  let axes: [Axis]
  let combinations: [Circumstance?]
  /// The last axis, before whose values a choice is complete.
  var maskLevel: Int { axes.count - 1 }
  private var booted: [Boot: [BootedKernel]] = [:]
  /// The lives of the line that was evaluated last, in the ordinary circumstance.
  var ordinaryLives: (line: [Int], lives: LineLives)?
  private let progress: (Double) -> Void
  let policies: [Policy]
  let hasRecorded: Bool
  /// What was found of requests that exist, by machine, operation, attributes and buffer.
  private var existing: [Bool?]

  /// - Parameter progress: Receives the part of the boots that was reached.
  init(
    kernels: [KernelVersion], domain: MatrixDomain,
    circumstances: [Circumstance] = [.ordinary],
    progress: @escaping (Double) -> Void = { _ in }
  ) {
    self.kernels = kernels
    policies = kernels.map(\.policy)
    hasRecorded = kernels.contains { $0.recorded != nil }
    existing = Array(
      repeating: nil,
      count: domain.machines.count * domain.operations.count * domain.attributes.count
        * domain.buffers.count)
    self.domain = domain
    self.circumstances = circumstances
    combinations = Self.combinations(of: circumstances)
    self.progress = progress
    func axis<Value: AxisValue>(_ values: [Value]) -> Axis {
      Axis(Value.axis, values.map(\.name))
    }
    axes =
      [
        axis(domain.platforms), axis(domain.iommuModes), axis(domain.swiotlbModes),
        Axis(MachineName.axis, domain.machines.map(\.name.name)), axis(domain.coherences),
        axis(domain.facings), axis(domain.coherentMasks), axis(domain.busLimits),
        axis(domain.operations), axis(domain.attributes), axis(domain.buffers),
      ] + (circumstances == [.ordinary] ? [] : Self.axes(of: circumstances)) + [
        Axis(DMAMask.axis, domain.masks.map(\.name), isOrdered: true)
      ]
  }

  /// Classifies every scenario by the answers of all kernels.
  ///
  /// - Parameter classify: The class of scenarios that differ in the mask alone and are
  ///   answered and judged alike; called with the platform, a request with one of the
  ///   masks, and one answer per kernel.
  func diagram(
    _ classify: @escaping (Platform, DeviceRequest, [Answer]) -> Int32
  ) -> Diagram {
    let masks = domain.masks
    return Diagram(axes: axes) { choice in
      self.exists(choice)
    } classes: { choice in
      var request = self.request(choice)
      let platform = self.domain.platforms[choice[0]]
      var classes: [Int32] = []
      classes.reserveCapacity(masks.count)
      let runs = self.bootedKernels(choice).map { $0.runs(of: request, masks: masks, .answer) }
      forEachJointRun(runs) { range, cycles in
        request.mask = masks[range.lowerBound]
        let number = classify(platform, request, cycles.map(\.answer))
        for _ in range { classes.append(number) }
      }
      return classes
    }
  }

  /// Classifies every scenario line by line: a device and a request for all masks.
  ///
  /// - Parameter classify: The class of each mask of a line.
  func diagram(lines classify: @escaping (ScenarioLine) -> [Int32]) -> Diagram {
    Diagram(axes: axes) { choice in
      self.exists(choice)
    } classes: { choice in
      classify(
        ScenarioLine(
          platform: self.domain.platforms[choice[0]], kernels: self.bootedKernels(choice),
          request: self.request(choice), masks: self.domain.masks))
    }
  }

  private struct Boot: Hashable {
    let place: [Int]
    let conditions: BootConditions
  }

  /// The scenario at a point.
  func scenario(_ point: [Int]) -> Scenario {
    Scenario(
      platform: domain.platforms[point[0]], iommu: domain.iommuModes[point[1]],
      swiotlb: domain.swiotlbModes[point[2]], memory: domain.machines[point[3]].name,
      request: request(point))
  }

  /// The kernels as booted at a point, in their order.
  func bootedKernels(_ choice: [Int]) -> [BootedKernel] {
    let conditions = circumstance(choice).conditions
    let key = Boot(place: Array(choice[0..<4]), conditions: conditions)
    if let kernels = booted[key] { return kernels }
    let kernels = self.kernels.map { kernel in
      kernel.booted(
        domain.platforms[choice[0]], domain.iommuModes[choice[1]],
        domain.swiotlbModes[choice[2]], domain.machines[choice[3]], conditions)
    }
    booted[key] = kernels
    let conditionsCount = Set(circumstances.map(\.conditions)).count
    let boots = domain.bootCount / max(1, domain.kernels.count) * conditionsCount
    progress(min(1, Double(booted.count) / Double(max(1, boots))))
    return kernels
  }

  /// Device and request of a choice; the first mask of the domain.
  func request(_ choice: [Int]) -> DeviceRequest {
    DeviceRequest(
      mask: choice.count > maskLevel ? domain.masks[choice[maskLevel]] : domain.masks[0],
      coherentMask: domain.coherentMasks[choice[6]], busLimit: domain.busLimits[choice[7]],
      coherence: domain.coherences[choice[4]], facing: domain.facings[choice[5]],
      operation: domain.operations[choice[8]], attributes: domain.attributes[choice[9]],
      buffer: domain.buffers[choice[10]])
  }

  /// Whether a choice of the first axes exists on every kernel.
  func exists(_ choice: [Int]) -> Bool {
    switch choice.count {
    case 3:
      policies.allSatisfy {
        $0.bootExclusion(
          domain.platforms[choice[0]], domain.iommuModes[choice[1]],
          domain.swiotlbModes[choice[2]]) == nil
      }
    case 4:
      domain.includes(
        domain.platforms[choice[0]], domain.iommuModes[choice[1]],
        domain.swiotlbModes[choice[2]], domain.machines[choice[3]])
        && (!hasRecorded
          || kernels.allSatisfy {
            $0.answers(
              domain.platforms[choice[0]], domain.iommuModes[choice[1]],
              domain.swiotlbModes[choice[2]], domain.machines[choice[3]])
          })
    case 6:
      Policy.deviceExclusion(
        domain.platforms[choice[0]], domain.iommuModes[choice[1]],
        domain.coherences[choice[4]], domain.facings[choice[5]]) == nil
    case 11: requestExists(choice) && isRecorded(choice)
    case 15 where maskLevel == 15: circumstanceExists(choice)
    default: true
    }
  }

  /// Whether a request exists on every kernel, which the device does not matter to.
  private func requestExists(_ choice: [Int]) -> Bool {
    let place =
      ((choice[3] * domain.operations.count + choice[8]) * domain.attributes.count + choice[9])
      * domain.buffers.count + choice[10]
    if let known = existing[place] { return known }
    let exists = policies.allSatisfy {
      $0.requestExclusion(
        domain.operations[choice[8]], domain.attributes[choice[9]], domain.buffers[choice[10]],
        on: domain.machines[choice[3]]) == nil
    }
    existing[place] = exists
    return exists
  }

  /// Whether kernels with recorded answers have some for a device and a request.
  private func isRecorded(_ choice: [Int]) -> Bool {
    guard hasRecorded else { return true }
    let request = request(choice)
    return bootedKernels(choice).allSatisfy { $0.answers(request, masks: domain.masks) }
  }

  /// Whether a choice of the first axes leads to a scenario.
  func reaches(_ choice: [Int] = []) -> Bool {
    choice.count == axes.count
      || axes[choice.count].values.indices.contains {
        exists(choice + [$0]) && reaches(choice + [$0])
      }
  }

  /// How many scenarios exist on one kernel of the space.
  static func count(_ kernel: KernelVersion, _ domain: MatrixDomain) -> Int {
    let space = ScenarioSpace(kernels: [kernel], domain: domain)
    let masks = [Int32](repeating: 0, count: domain.masks.count)
    let diagram = Diagram(axes: space.axes, exists: space.exists) { _ in masks }
    return diagram.counts()[0] ?? 0
  }
}

extension MatrixDomain {
  /// Whether any scenario exists on a kernel; a check of none is no success.
  public func hasScenarios(on kernel: KernelVersion) -> Bool {
    ScenarioSpace(kernels: [kernel], domain: self).reaches()
  }
}
