import DMAModel
import Support

/// The violations of lints by one kernel, as exact conditions.
public struct Check: Sendable {
  /// Scenarios that violate a lint in the same way, and since the same version.
  public struct Finding: Sendable {
    public let lint: Lint
    /// What happens, e.g. `garbled, direct by dma_direct_map_phys: MMIO is dma_capable`.
    public let headline: String
    public let verdict: Verdict
    /// The rule by which the request was answered.
    public let decision: Decision
    public let severity: Severity
    /// Since when: one for all scenarios, or each that some of them have, the oldest first.
    let origins: [FindingOrigin]
    /// What is wrong at the end of the request; nil where the answer is.
    public let wrong: WrongEnd?
    /// Whether the base does not violate the lint in some of the scenarios.
    public var isNew: Bool { origins.contains(where: \.isNew) }
    /// Whether it is about SME hosts, which causes are told apart by.
    let isAboutSME: Bool
    /// Whether data of a peer or of MMIO go wrong, which causes are told apart by.
    public let isAboutDevice: Bool
    /// Whether a circumstance makes it so: a full pool, or memory that cannot be decrypted.
    /// In the ordinary circumstance the same requests violate nothing.
    public let isByCircumstance: Bool
    public internal(set) var scenarios: Int
    public internal(set) var conditions: [Condition]

    /// What names the finding across versions.
    public var identity: String { "\(lint.rawValue) \(headline)" }
  }

  /// Scenarios that violate a lint's words for a reason.
  public struct Excused: Sendable {
    public let excuse: Excuse
    public let finding: Finding
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
  /// What is no violation after all, in the order of the excuses.
  public let excused: [Excused]
  /// The violations by cause, the gravest first; empty where causes were not asked for.
  public let causes: [Cause]

  /// All findings, in the order of the lints.
  public var findings: [Finding] {
    outcomes.flatMap { _, outcome -> [Finding] in
      if case .violated(let findings) = outcome { return findings }
      return []
    }
  }

  /// Evaluates lints over a domain.
  ///
  /// - Parameters:
  ///   - base: What the two comparing lints compare with; without it they are skipped.
  ///   - findsCauses: Whether earlier versions are asked since when each scenario violates
  ///     a lint, and what of a version made it do so.
  ///   - details: Whether what is not counted has its conditions.
  ///   - inCircumstances: Whether the comparing lints look at full pools and failing
  ///     decryption too.
  ///   - progress: Receives the part that is done.
  public init(
    _ kernel: KernelVersion, base: KernelVersion?, lints: [Lint] = Lint.allCases,
    domain: MatrixDomain, findsCauses: Bool = false, details: Bool = true,
    inCircumstances: Bool = true,
    progress: @Sendable (Double) -> Void = { _ in }
  ) {
    self.kernel = kernel
    self.base = base
    let decidable = lints.filter { Self.reasonToSkip($0, kernel, base, domain) == nil }
    let boots = KnownBoots()
    let all = Self.groups(decidable, kernel, base, inCircumstances: inCircumstances)
    let groups = concurrently(all, progress: progress) { group in
      let found = Self.findings(
        group, kernel, base, domain, boots, findsCauses: findsCauses, details: details)
      return zip(group.lints, found)
    }
    // Those of the ordinary circumstance come first.
    let found = Dictionary(groups.joined(), uniquingKeysWith: +)
    outcomes = lints.map { lint in
      if let reason = Self.reasonToSkip(lint, kernel, base, domain) {
        return (lint, .skipped(reason))
      }
      let findings = (found[lint] ?? []).filter { $0.excuse == nil }.map(\.finding)
      return (lint, findings.isEmpty ? .holds : .violated(findings))
    }
    excused = Excuse.allCases.flatMap { excuse in
      lints.flatMap { lint in
        (found[lint] ?? []).filter { $0.excuse == excuse }.map {
          Excused(excuse: excuse, finding: $0.finding)
        }
      }
    }
    let violated = lints.flatMap { lint in
      (found[lint] ?? []).filter { $0.excuse == nil }.map(\.finding)
    }
    causes = findsCauses ? Cause.causes(of: violated, in: kernel, base: base, domain) : []
  }

  private static func reasonToSkip(
    _ lint: Lint, _ kernel: KernelVersion, _ base: KernelVersion?, _ domain: MatrixDomain
  ) -> String? {
    if let reason = lint.undecidable(in: domain) { return reason }
    if lint.isAboutLife, kernel.recorded != nil {
      return "a kernel tree is asked in the ordinary circumstance alone"
    }
    return lint.needsBase && base == nil ? "no base version is named" : nil
  }

  /// Lints that look at the same scenarios of the same kernels, in the same circumstances.
  private struct Group {
    var lints: [Lint]
    let circumstances: [Circumstance]
  }

  /// Lints that can be decided in one walk, together.
  private static func groups(
    _ lints: [Lint], _ kernel: KernelVersion, _ base: KernelVersion?, inCircumstances: Bool
  ) -> [Group] {
    var groups: [Group] = []
    for lint in lints {
      let index = groups.firstIndex { $0.lints[0].looksWhere(lint) }
      if let index, !lint.isAboutBoots {
        groups[index].lints.append(lint)
      } else {
        groups.append(Group(lints: [lint], circumstances: lint.circumstances))
      }
    }
    // A kernel tree is asked in the ordinary circumstance alone.
    let compared = lints.filter { !$0.comparedCircumstances.isEmpty }
    if inCircumstances, let first = compared.first, kernel.recorded == nil, base?.recorded == nil {
      groups.append(Group(lints: compared, circumstances: first.comparedCircumstances))
    }
    return groups
  }

  /// The findings of lints that look at the same scenarios.
  private static func findings(
    _ group: Group, _ kernel: KernelVersion, _ base: KernelVersion?, _ domain: MatrixDomain,
    _ boots: KnownBoots, findsCauses: Bool, details: Bool
  ) -> [[(excuse: Excuse?, finding: Finding)]] {
    let lints = group.lints
    let comparing = lints[0].needsBase
    if lints[0].isAboutBoots {
      guard let base else { return [[]] }
      return [poolFindings(kernel, base, domain).map { (nil, $0) }]
    }
    let space = ScenarioSpace(
      kernels: comparing ? [kernel] + [base].compactMap { $0 } : [kernel],
      domain: lints[0].narrowed(domain), circumstances: group.circumstances, boots: boots)
    let earlier =
      findsCauses ? EarlierVersions(before: kernel, base: base, comparing: comparing) : nil
    let walk = ViolationWalk(space, lints, earlier)
    return zip(lints, walk.diagrams()).enumerated().map { number, found in
      findings(found.0, walk.classes[number].keys, found.1, walk, details: details)
    }
  }

  private static func findings(
    _ lint: Lint, _ keys: [ViolationClass], _ diagram: Diagram, _ walk: ViolationWalk,
    details: Bool
  ) -> [(excuse: Excuse?, finding: Finding)] {
    let counts = diagram.counts()
    let order = keys.indices.sorted { (counts[Int32($0 + 1)] ?? 0) > (counts[Int32($1 + 1)] ?? 0) }
    // Conditions are the expensive part.
    let asked = order.filter { details || keys[$0].excuse == nil }
    let covers = walk.space.conditions(
      for: asked.map { Int32($0 + 1) }, in: diagram, usual: walk.space.usualPart)
    let conditions = Dictionary(uniqueKeysWithValues: zip(asked, covers))
    return order.map { index in
      let (violation, origin) = (keys[index].violation, keys[index].origin)
      let finding = Finding(
        lint: lint, headline: headline(lint, violation), verdict: violation.verdict,
        decision: violation.decision,
        severity: Severity(lint, violation, earlier: origin?.before),
        origins: walk.origins(of: keys[index], labelled: Int32(index + 1), lint),
        wrong: violation.wrong, isAboutSME: keys[index].isAboutSME,
        isAboutDevice: keys[index].isAboutDevice,
        isByCircumstance: lint.needsBase && walk.space.circumstances.count > 1,
        scenarios: counts[Int32(index + 1)] ?? 0, conditions: conditions[index] ?? [])
      return (keys[index].excuse, finding)
    }
  }

  /// ` by swiotlb_map: ...`; nothing for a tree's own code, of which it is not known.
  private static func by(_ decision: Decision) -> String {
    decision == .ownCode ? "" : " by \(decision.name)"
  }

  private static func headline(_ lint: Lint, _ key: ViolationKey) -> String {
    if let wrong = key.wrong {
      let exposure = key.exposure == .none ? "" : ", exposure \(key.exposure.name)"
      return "\(wrong)\(exposure), \(key.result.name)\(by(key.decision))"
    }
    let what = "\(key.verdict.name), \(key.result.name)\(by(key.decision))"
    guard let other = key.other?.name else { return what }
    return switch lint {
    case .maskMonotone: "\(what), where a narrower mask has \(other)"
    case .servedStaysServed, .noNewExposure: "\(what), where the base has \(other)"
    case .mapSGAgrees: "\(what), where map has \(other)"
    case .maxMappingSizeIsHonest: "\(what), where a page has \(other)"
    case .allocAgrees:
      "\(what), where alloc_pages has \(other)"
        + (key.otherVerdict.map { $0.isSilentlyWrong ? ", \($0.name)" : "" } ?? "")
    default: what
    }
  }
}

extension Check {
  /// All lints over the default matrix, with the ``KernelVersion.reviewBase``.
  ///
  /// - Parameters:
  ///   - details: Whether what is not counted has its conditions.
  ///   - progress: Receives the part that is done.
  public static func standard(
    of kernel: KernelVersion, details: Bool = true,
    progress: @Sendable (Double) -> Void = { _ in }
  ) -> Check {
    Check(
      kernel, base: kernel.reviewBase, domain: MatrixDomain(), findsCauses: true,
      details: details, progress: progress)
  }
}

extension KernelVersion {
  /// What a review compares it with: the release below a release, a series or an
  /// alternative; what a user's variant changes; nil for the oldest.
  public var reviewBase: KernelVersion? {
    var below = baseVersion
    guard sourcePackage != nil || messageID != nil else { return below }
    while let version = below, version.sourcePackage == nil {
      below = version.baseVersion
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
