import DMAModel
import Support

/// The violations of lints by one kernel, as exact conditions.
public struct Check: Sendable {
  /// Scenarios that violate a lint in the same way.
  public struct Finding: Sendable {
    public let lint: Lint
    /// What happens, e.g. `garbled, direct by dma_direct_map_phys: MMIO is dma_capable`.
    public let headline: String
    public let verdict: Verdict
    public let scenarios: Int
    public let conditions: [Condition]

    /// What names the finding across versions.
    public var identity: String { "\(lint.rawValue) \(headline)" }
  }

  /// What became of a lint.
  public enum Outcome: Sendable {
    case holds
    case violated([Finding])
    case skipped(String)
  }

  public let kernel: KernelVersion
  public let base: KernelVersion?
  public let outcomes: [(lint: Lint, outcome: Outcome)]

  /// All findings, in the order of the lints.
  public var findings: [Finding] {
    outcomes.flatMap { _, outcome -> [Finding] in
      if case .violated(let findings) = outcome { return findings }
      return []
    }
  }

  /// Evaluates lints over a domain.
  ///
  /// - Parameter base: What the two comparing lints compare with; without it they
  ///   are skipped.
  /// - Parameter progress: Receives the part that is done.
  public init(
    _ kernel: KernelVersion, base: KernelVersion?, lints: [Lint] = Lint.allCases,
    domain: MatrixDomain, progress: @Sendable (Double) -> Void = { _ in }
  ) {
    self.kernel = kernel
    self.base = base
    let decidable = lints.filter { Self.reasonToSkip($0, kernel, base) == nil }
    let findings = concurrently(Self.groups(decidable), progress: progress) { lints in
      zip(lints, Self.findings(lints, kernel, base, domain))
    }
    let found = Dictionary(uniqueKeysWithValues: findings.joined())
    outcomes = lints.map { lint in
      if let reason = Self.reasonToSkip(lint, kernel, base) { return (lint, .skipped(reason)) }
      let findings = found[lint] ?? []
      return (lint, findings.isEmpty ? .holds : .violated(findings))
    }
  }

  private static func reasonToSkip(
    _ lint: Lint, _ kernel: KernelVersion, _ base: KernelVersion?
  ) -> String? {
    if let reason = lint.undecidable { return reason }
    if lint.isAboutLife, kernel.recorded != nil {
      return "a kernel tree is asked in the ordinary circumstance alone"
    }
    return lint.needsBase && base == nil ? "no base version is named" : nil
  }

  /// Lints that look at the same scenarios of the same kernels, together.
  private static func groups(_ lints: [Lint]) -> [[Lint]] {
    var groups: [[Lint]] = []
    for lint in lints {
      if let index = groups.firstIndex(where: { $0[0].looksWhere(lint) }) {
        groups[index].append(lint)
      } else {
        groups.append([lint])
      }
    }
    return groups
  }

  /// The findings of lints that look at the same scenarios.
  private static func findings(
    _ lints: [Lint], _ kernel: KernelVersion, _ base: KernelVersion?, _ domain: MatrixDomain
  ) -> [[Finding]] {
    let kernels = lints[0].needsBase ? [kernel] + [base].compactMap { $0 } : [kernel]
    let space = ScenarioSpace(
      kernels: kernels, domain: lints[0].narrowed(domain), circumstances: lints[0].circumstances)
    var classes = lints.map { _ in ClassNumbers<ViolationKey>() }
    let diagrams =
      lints[0].isAboutLife
      ? space.diagrams(lints.count) { point, number in
        classes[number].number(
          of: lints[number].lifeViolation(by: point.lives[0], on: point.platform))
      }
      : space.diagrams(of: lints) { line, row in
        for (number, lint) in lints.enumerated() {
          lint.forEachViolation(of: line) { range, violation in
            row.set(range, to: classes[number].number(of: violation), in: number)
          }
        }
      }
    return zip(lints, zip(diagrams, classes)).map { lint, found in
      findings(lint, found.1.keys, found.0, space)
    }
  }

  private static func findings(
    _ lint: Lint, _ keys: [ViolationKey], _ diagram: Diagram, _ space: ScenarioSpace
  ) -> [Finding] {
    let counts = diagram.counts()
    let order = keys.indices.sorted { (counts[Int32($0 + 1)] ?? 0) > (counts[Int32($1 + 1)] ?? 0) }
    let conditions = space.conditions(for: order.map { Int32($0 + 1) }, in: diagram)
    return zip(order, conditions).map { index, conditions in
      Finding(
        lint: lint, headline: headline(lint, keys[index]), verdict: keys[index].verdict,
        scenarios: counts[Int32(index + 1)] ?? 0, conditions: conditions)
    }
  }

  private static func headline(_ lint: Lint, _ key: ViolationKey) -> String {
    if let wrong = key.wrong {
      let exposure = key.exposure == .none ? "" : ", exposure \(key.exposure.name)"
      return "\(wrong)\(exposure), \(key.result.name) by \(key.decision.name)"
    }
    let what = "\(key.verdict.name), \(key.result.name) by \(key.decision.name)"
    guard let other = key.other?.name else { return what }
    return switch lint {
    case .maskMonotone: "\(what), where a narrower mask has \(other)"
    case .servedStaysServed, .noNewExposure: "\(what), where the base has \(other)"
    case .mapSGAgrees: "\(what), where map has \(other)"
    case .allocAgrees: "\(what), where alloc_pages has \(other)"
    default: what
    }
  }
}

extension Check {
  /// All lints over the default matrix, with the ``KernelVersion.reviewBase``.
  public static func standard(of kernel: KernelVersion) -> Check {
    Check(kernel, base: kernel.reviewBase, domain: MatrixDomain())
  }
}

extension KernelVersion {
  /// What a review compares it with: the release below a release, a series or an
  /// alternative; what a user's variant changes; nil for the oldest.
  public var reviewBase: KernelVersion? {
    var below = base.flatMap(KernelVersion.named)
    guard sourcePackage != nil || messageID != nil else { return below }
    while let version = below, version.sourcePackage == nil {
      below = version.base.flatMap(KernelVersion.named)
    }
    return below
  }
}

extension BootedKernel {
  /// Whether dma-iommu serves a device, for lints about dma-direct.
  func servesByDMAIOMMU(_ request: DeviceRequest) -> Bool {
    platform.family == .xen || usesDMAIOMMU(request)
  }
}
