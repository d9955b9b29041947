import DMAModel
import DriverScan

/// The drivers of a tree that findings are joined with: those that call a function that
/// sets a mask.
public struct DriverList: Sendable {
  /// `7.3 (7.3.4)`, for people.
  public let tree: String
  public let drivers: [Driver]
  /// The part of the matrix that findings are about.
  public var domain = MatrixDomain()
  /// How many drivers a list names; nil for all.
  ///
  /// The default is 12.
  public var limit: Int? = 12
  /// Whether the findings with the fewest drivers come first, not the worst.
  public var ordersFindings = false

  public init(tree: String, drivers: [Driver]) {
    self.tree = tree
    self.drivers = drivers.filter(\.isCounted)
  }
}

/// The drivers that a finding's conditions hold for.
///
/// A condition's `mask`, `coherent_mask`, `platform` and `external` are compared; which
/// operations a driver uses, and on which machine it runs, its masks do not say.
public struct DriverImpact: Sendable {
  /// A driver that falls under a finding.
  public struct Match: Sendable {
    public let driver: Driver
    /// The masks that do.
    public let masks: [DeviceMasks]
    /// Whether every pair of masks that it may have does.
    public let isCertain: Bool
  }

  /// Why a driver whose masks fit is left out.
  public enum Absence: String, CaseIterable, Sendable {
    case architecture, compileTest, deviceTree, noPCI

    public var summary: String {
      switch self {
      case .architecture: "cannot be built for these platforms"
      case .compileTest: "only COMPILE_TEST builds them for these platforms"
      case .deviceTree: "have device-tree tables alone, and x86 has no device tree"
      case .noPCI: "have no PCI devices, and external devices are PCI"
      }
    }
  }

  /// Those whose masks all fall under it first, those with the fewest masks first.
  public let matches: [Match]
  public let leftOut: [Absence: Int]
  /// Drivers that may be there, with masks that are not decided and none that falls under
  /// it.
  public let undecided: Int
  /// Drivers with pairs of masks that the domain has not, which nothing says anything
  /// about, with these pairs; they may have others that it has.
  public let outside: [Match]
  public let total: Int
  /// Whether a condition asks for masks at all.
  public let asksForMasks: Bool
  /// What every condition asks beside masks and platforms, as `swiotlb=force`.
  public let circumstances: [String]
  /// Drivers for which the finding holds only in circumstances that not all conditions
  /// ask for, as `bus_limit=0xffffffff`: the most first.
  public let onlyIn: [(circumstance: String, count: Int)]

  /// - Parameters:
  ///   - kernels: The kernels that the finding is about.
  ///   - lint: The lint that is violated, which may be about a part of the domain.
  public init(
    _ conditions: [Condition], of kernels: [KernelVersion], in list: DriverList,
    lint: Lint? = nil
  ) {
    let domain = lint?.narrowed(list.domain) ?? list.domain
    var matches: [Match] = []
    var leftOut: [Absence: Int] = [:]
    var undecided = 0
    var outside: [Match] = []
    let terms = conditions.map { Terms($0, kernels, domain) }
    let circumstances = Self.common(conditions)
    let further = conditions.map { Self.further($0, circumstances) }
    var onlyIn: [String: Int] = [:]
    let whole = Terms(domain)
    // What a filter leaves out is no gap of the matrix.
    let matrix = Terms(MatrixDomain())
    for driver in list.drivers {
      let masks = driver.masks
      let known = masks.filter(whole.holds)
      let isThere = terms.contains { $0.absence(of: driver) == nil }
      let others = masks.filter { !known.contains($0) && !matrix.holds(for: $0) }
      if isThere, !others.isEmpty {
        outside.append(Match(driver: driver, masks: others, isCertain: false))
      }
      let held = zip(terms, further).map { term, further in
        (term, known.filter { term.holds(for: $0) }, further)
      }.filter { !$0.1.isEmpty }
      guard !held.isEmpty else {
        if !driver.isDecided, isThere { undecided += 1 }
        continue
      }
      let reasons = held.map { $0.0.absence(of: driver) }
      let present = zip(held, reasons).filter { $1 == nil }
      let there = present.flatMap { $0.0.1 }
      guard !there.isEmpty else {
        if let reason = reasons.compactMap({ $0 }).first { leftOut[reason, default: 0] += 1 }
        continue
      }
      if let only = Self.least(present.map { $0.0.2 }) { onlyIn[only, default: 0] += 1 }
      let fitting = masks.filter(there.contains)
      matches.append(
        Match(
          driver: driver, masks: fitting,
          isCertain: driver.isDecided && fitting.count == masks.count))
    }
    self.matches = matches.sorted {
      ($0.isCertain ? 0 : 1, $0.masks.count, $0.driver.file)
        < ($1.isCertain ? 0 : 1, $1.masks.count, $1.driver.file)
    }
    self.leftOut = leftOut
    self.undecided = undecided
    self.outside = outside
    total = list.drivers.count
    asksForMasks = terms.contains(where: \.asksForMasks)
    self.circumstances = circumstances
    self.onlyIn = onlyIn.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
      (circumstance: $0.key, count: $0.value)
    }
  }
}

extension Driver {
  /// Whether its devices may be on a machine of an architecture: without COMPILE_TEST, and
  /// not where only a device tree describes them and there is none.
  public func canBe(on architecture: Architecture) -> Bool {
    architectures.contains(architecture) && !(architecture == .x86 && hasDeviceTreeAlone)
  }
}

extension DriverImpact {
  /// Axes that drivers decide; the others vary beside them.
  private static let own: Set<String> = [
    DMAMask.axis, CoherentMask.axis, Platform.axis,
  ]

  /// The axes that all conditions limit, each with the values of any of them.
  private static func common(_ conditions: [Condition]) -> [String] {
    guard let first = conditions.first else { return [] }
    return first.terms.map(\.axis).filter { !own.contains($0) }.compactMap { axis in
      var values: [String] = []
      for condition in conditions {
        guard let term = condition.terms.first(where: { $0.axis == axis }) else { return nil }
        for value in term.values where !values.contains(value) { values.append(value) }
      }
      return "\(axis)=\(values.joined(separator: "|"))"
    }
  }

  /// The shortest of some circumstances, joined by `or`; nil where there is one without.
  private static func least(_ circumstances: [[String]]) -> String? {
    let count = circumstances.map(\.count).min() ?? 0
    guard count > 0 else { return nil }
    var texts: [String] = []
    for text in circumstances.filter({ $0.count == count }).map({ $0.joined(separator: " ") })
    where !texts.contains(text) {
      texts.append(text)
    }
    return texts.sorted().joined(separator: " or ")
  }

  /// What a condition asks beside masks, platforms and the circumstances of all.
  private static func further(_ condition: Condition, _ common: [String]) -> [String] {
    let known = Set(common.compactMap { $0.split(separator: "=").first.map(String.init) })
    return condition.terms.filter { !own.contains($0.axis) && !known.contains($0.axis) }.map {
      "\($0.axis)=\($0.values.joined(separator: "|"))"
    }
  }

  /// Whether it is about fewer drivers than another: findings that do not ask for masks
  /// are about all, and those about none come last.
  public func isMoreSpecific(than other: DriverImpact) -> Bool {
    func rank(_ impact: DriverImpact) -> Int {
      impact.matches.isEmpty ? 2 : impact.asksForMasks ? 0 : 1
    }
    return (rank(self), matches.count) < (rank(other), other.matches.count)
  }
}

/// What a condition asks of a driver.
private struct Terms {
  private let masks: Set<String>
  private let coherentMasks: Set<String>
  /// Those on which the condition holds for any scenario.
  private let architectures: Set<Architecture>
  private let isExternal: Bool
  /// Whether not every mask of the default matrix is in it.
  let asksForMasks: Bool

  init(_ condition: Condition, _ kernels: [KernelVersion], _ domain: MatrixDomain) {
    let part = domain.part(condition)
    // A condition may leave the platform open where other axes decide it.
    let platforms = part.platforms.filter { platform in
      var alone = part
      alone.platforms = [platform]
      return kernels.allSatisfy(alone.hasScenarios)
    }
    self.init(part, platforms)
  }

  /// A whole domain.
  init(_ domain: MatrixDomain) { self.init(domain, domain.platforms) }

  private init(_ part: MatrixDomain, _ platforms: [Platform]) {
    masks = Set(part.masks.map(\.name))
    coherentMasks = Set(part.coherentMasks.map(\.name))
    architectures = Set(platforms.map { Architecture($0.family) })
    isExternal = part.facings == [.external]
    asksForMasks =
      !masks.isSuperset(of: DMAMask.names) || !coherentMasks.isSuperset(of: CoherentMask.names)
  }

  func holds(for pair: DeviceMasks) -> Bool {
    let axes = pair.axes
    return masks.contains(axes.mask.name)
      && axes.coherent.contains { coherentMasks.contains($0.name) }
  }

  /// Why a driver cannot be where the condition holds; nil where it can.
  func absence(of driver: Driver) -> DriverImpact.Absence? {
    if isExternal, !driver.buses.isEmpty, !driver.buses.contains("pci") { return .noPCI }
    let possible = architectures.intersection(driver.architectures)
    guard !possible.isEmpty else {
      return architectures.isDisjoint(with: driver.compileTestOnly) ? .architecture : .compileTest
    }
    if possible == [.x86], driver.hasDeviceTreeAlone { return .deviceTree }
    return nil
  }
}

extension MatrixDomain {
  /// The part that a condition names.
  fileprivate func part(_ condition: Condition) -> MatrixDomain {
    var part = self
    for term in condition.terms {
      let names = Set(term.values)
      func keep<Value: AxisValue>(_ values: inout [Value]) {
        if term.axis == Value.axis { values.removeAll { !names.contains($0.name) } }
      }
      keep(&part.platforms)
      keep(&part.iommuModes)
      keep(&part.swiotlbModes)
      keep(&part.masks)
      keep(&part.coherentMasks)
      keep(&part.busLimits)
      keep(&part.coherences)
      keep(&part.facings)
      keep(&part.operations)
      keep(&part.attributes)
      keep(&part.buffers)
      if term.axis == MachineName.axis {
        part.machines.removeAll { !names.contains($0.name.name) }
      }
    }
    return part
  }
}
