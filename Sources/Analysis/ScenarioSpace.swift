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
  /// The boot that was asked for last, and its kernels by the conditions they met.
  private var place: [Int] = []
  private var booted: [BootConditions: [BootedKernel]] = [:]
  private var latest: (conditions: BootConditions, kernels: [BootedKernel])?
  /// Boots that other walks ask for too.
  let boots: KnownBoots?
  /// The places in a diagram of the lines of that boot that were classified.
  private var known: KnownLines
  private var bootsReached = 0
  private let progress: (Double) -> Void
  let policies: [Policy]
  let hasRecorded: Bool
  /// The places in ``combinations`` that can happen, by what decides on it.
  var happening: [[Int]?]
  /// What was found of requests that exist, by machine, operation, attributes and buffer.
  private var existing: [Bool?]

  /// - Parameter progress: Receives the part of the boots that was reached.
  init(
    kernels: [KernelVersion], domain: MatrixDomain,
    circumstances: [Circumstance] = [.ordinary], boots: KnownBoots? = nil,
    progress: @escaping (Double) -> Void = { _ in }
  ) {
    self.kernels = kernels
    self.boots = boots
    policies = kernels.map(\.policy)
    hasRecorded = kernels.contains { $0.recorded != nil }
    existing = Array(
      repeating: nil,
      count: domain.machines.count * domain.operations.count * domain.attributes.count
        * domain.buffers.count)
    happening = Array(
      repeating: nil,
      count: domain.platforms.count * domain.swiotlbModes.count * domain.operations.count
        * domain.coherentMasks.count)
    known = KnownLines(domain)
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
  func diagram(_ classify: (Platform, DeviceRequest, [Answer]) -> Int32) -> Diagram {
    let masks = domain.masks
    return diagrams(1) { choice, rows in
      var request = request(choice)
      let platform = domain.platforms[choice[0]]
      let runs = bootedKernels(choice).map { $0.runs(of: request, masks: masks, .answer) }
      forEachJointRun(runs) { range, cycles in
        request.mask = masks[range.lowerBound]
        rows.set(range, to: classify(platform, request, cycles.map(\.answer)))
      }
      return runs.reduce([]) { $1.reduce($0) { $0.union($1.reads) } }
    }[0]
  }

  /// Classifies every scenario as each of some lints does, line by line: a device and a
  /// request for all masks.
  ///
  /// - Parameter classify: Sets the class of each mask of a line, in each diagram; returns
  ///   what of the device the classes depend on beside the line's answers.
  func diagrams(
    of lints: [Lint], lines classify: (ScenarioLine, [Int], inout ClassRows) -> DeviceAxes
  ) -> [Diagram] {
    diagrams(lints.count) { choice, rows in
      let line = ScenarioLine(
        platform: domain.platforms[choice[0]], kernels: bootedKernels(choice),
        request: request(choice), masks: domain.masks, for: lints)
      return line.reads.union(classify(line, choice, &rows))
    }
  }

  /// Classifies every line in several ways, those of devices that cannot be told apart
  /// once.
  ///
  /// - Parameter classify: Sets the classes of a line; returns what of the device they
  ///   depend on.
  func diagrams(
    _ count: Int, _ classify: ([Int], inout ClassRows) -> DeviceAxes
  ) -> [Diagram] {
    Diagram.several(count, axes: axes, inner: maskLevel - 11, exists: exists) { choice, rows in
      enter(choice)
      let request = request(choice)
      if let number = known[request] {
        rows.setAll(asAt: number)
      } else {
        let number = rows.number
        let reads = classify(choice, &rows)
        known.keep(number, for: request, reads)
      }
    }
  }

  /// The scenario at a point.
  func scenario(_ point: [Int]) -> Scenario {
    Scenario(
      platform: domain.platforms[point[0]], iommu: domain.iommuModes[point[1]],
      swiotlb: domain.swiotlbModes[point[2]], memory: domain.machines[point[3]].name,
      request: request(point))
  }

  /// The kernels as booted at a place of a walk, in their order.
  ///
  /// Those of one boot are kept: a walk comes to a boot once.
  func bootedKernels(
    _ choice: [Int], _ conditions: BootConditions = .ordinary
  ) -> [BootedKernel] {
    enter(choice)
    let conditions = conditions == .ordinary ? domain.conditions : conditions
    if let latest, latest.conditions == conditions { return latest.kernels }
    let kernels =
      booted[conditions]
      ?? self.kernels.map { kernel in
        booted(kernel, choice, conditions)
      }
    booted[conditions] = kernels
    latest = (conditions, kernels)
    return kernels
  }

  /// A kernel on the boot of a choice.
  func booted(
    _ kernel: KernelVersion, _ choice: [Int], _ conditions: BootConditions
  ) -> BootedKernel {
    let boot = BootConfiguration(
      domain.platforms[choice[0]], domain.iommuModes[choice[1]], domain.swiotlbModes[choice[2]],
      domain.machines[choice[3]])
    // What was recorded met the domain's own conditions.
    let conditions =
      kernel.recorded != nil && conditions == domain.conditions ? .ordinary : conditions
    return boots?.booted(kernel, boot, conditions) ?? kernel.booted(boot, conditions)
  }

  /// Forgets what is known of another boot.
  private func enter(_ choice: [Int]) {
    if isPlace(choice) { return }
    place = Array(choice[0..<4])
    booted = [:]
    latest = nil
    known.removeAll()
    bootsReached += 1
    let boots = domain.bootCount / max(1, domain.kernels.count)
    progress(min(1, Double(bootsReached) / Double(max(1, boots))))
  }

  /// Whether a choice is of the boot that was asked for last.
  private func isPlace(_ choice: [Int]) -> Bool {
    place.count == 4 && place[0] == choice[0] && place[1] == choice[1] && place[2] == choice[2]
      && place[3] == choice[3]
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
    case 11:
      Policy.acceptedExclusion(domain.facings[choice[5]], domain.buffers[choice[10]]) == nil
        && requestExists(choice) && isRecorded(choice)
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
    let diagram = Diagram(axes: space.axes, exists: space.exists) { _, row in
      row.set(domain.masks.indices, to: 0)
    }
    return diagram.counts()[0] ?? 0
  }
}

extension MatrixDomain {
  /// Whether any scenario exists on a kernel; a check of none is no success.
  public func hasScenarios(on kernel: KernelVersion) -> Bool {
    ScenarioSpace(kernels: [kernel], domain: self).reaches()
  }
}
