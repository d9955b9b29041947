import Analysis
import DMAModel

/// To whom a cause happens, from the conditions of its worst violations.
struct CauseScope {
  /// `SME hosts`, `guests`, `tdx, s390-pv`, or how many platforms.
  let who: String
  /// The same with more names, where there are more.
  let names: String
  /// What is asked for: `RAM`, `P2P`, `MMIO`, kinds of allocation; none of boots.
  let kinds: [String]
  /// `refused`, `wrong C-bit`.
  let verb: String
  /// Both.
  let what: String
  /// The boot, device and circumstance that it takes, each in a few words.
  let parts: [String]
  /// The first of them that is about a full pool, failing decryption or another mask.
  let circumstance: String?
  /// `, swiotlb=noforce`, empty where the boot and device do not matter.
  let conditions: String
  /// The first of them.
  let first: String
  /// `who` in at most two words.
  let count: String
  /// All of it, with the names of every platform.
  let text: String

  init(_ cause: Cause) {
    let all = cause.worst.flatMap(\.conditions)
    let platforms = Platform.allCases.filter { platform in
      all.contains { condition in
        condition.values(of: Platform.axis)?.contains(platform.name)
          ?? (Witness(condition.witness, MatrixDomain())?.scenario.platform == platform)
      }
    }
    who = Self.group(platforms)
    names = Self.names(platforms) ?? who
    count = Self.count(platforms)
    kinds = cause.isAboutBoots ? [] : Self.requests(all)
    let isAboutSME = platforms.allSatisfy { $0.sharedMemoryReader == .dram }
    var verb = cause.worst.first.map { Self.verb($0, isAboutSME: isAboutSME) } ?? ""
    if verb == "refused", cause.findings.contains(where: { $0.lint == .noNewExposure }) {
      verb += ", bounced"
    }
    self.verb = verb
    what = kinds.isEmpty ? verb : kinds.joined(separator: ", ") + " " + verb
    var parts: [String] = []
    var details: [String] = []
    var circumstance: String?
    for (axis, word) in Self.axes {
      let values = Self.union(of: axis, all)
      if let values { details.append("\(axis)=\(values.joined(separator: "|"))") }
      if let short = values.flatMap(word) {
        parts.append(short)
        if circumstance == nil, Circumstance.axes.contains(axis) { circumstance = short }
      } else if let most = Self.most(of: axis, all).flatMap({ word([$0]) }) {
        parts.append("mostly \(most)")
      }
    }
    self.parts = parts
    self.circumstance = circumstance
    conditions = parts.map { ", \($0)" }.joined()
    first = parts.first.map { ", \($0)" } ?? ""
    text =
      platforms.map(\.name).joined(separator: ", ")
      + (kinds.isEmpty ? "" : "; " + kinds.joined(separator: ", "))
      + (details.isEmpty ? "" : "; " + details.joined(separator: ", "))
      + "; \(cause.scenarios) \(cause.isAboutBoots ? "boots" : "scenarios"), \(cause.usual) with no "
      + "boot parameter, a trusted device on a whole bus and a mask that many drivers set"
  }

  /// `arm64-cca`, `6 guests`, `11 platforms`.
  private static func count(_ platforms: [Platform]) -> String {
    if platforms.count == 1 { return platforms[0].name }
    let isGuests = platforms.allSatisfy { $0.sharedMemoryReader == .host }
    return "\(platforms.count) \(isGuests ? "guests" : "platforms")"
  }

  /// All names of few platforms, or of the few that are missing; nil where neither are few.
  private static func names(_ platforms: [Platform]) -> String? {
    let missing = Platform.allCases.filter { !platforms.contains($0) }
    if !missing.isEmpty, missing.count <= 2 {
      return "all but " + missing.map(\.name).joined(separator: ", ")
    }
    return platforms.count == 4 ? platforms.map(\.name).joined(separator: ", ") : nil
  }

  /// Platforms as readers name them together.
  static func group(_ platforms: [Platform]) -> String {
    let groups: [(name: String, members: [Platform])] = [
      ("all", Platform.allCases),
      ("SME hosts", Platform.allCases.filter { $0.sharedMemoryReader == .dram }),
      ("guests", Platform.allCases.filter { $0.sharedMemoryReader == .host }),
      ("hosts", Platform.allCases.filter { $0.sharedMemoryReader == .nobody }),
      ("arm64 and its guests", Platform.allCases.filter { $0.family == .arm64 }),
    ]
    var rest = platforms
    var names: [String] = []
    for group in groups where group.members.allSatisfy(rest.contains) {
      names.append(group.name)
      rest.removeAll { group.members.contains($0) }
    }
    if names.count + rest.count > 3 {
      for (kind, reader) in [
        ("SME hosts", Platform.SharedMemoryReader.dram), ("hosts", .nobody), ("guests", .host),
      ] {
        let own = rest.filter { $0.sharedMemoryReader == reader }
        if own.count == 1 { names.append(own[0].name) }
        if own.count > 1 { names.append("\(own.count) \(kind)") }
      }
      return names.joined(separator: ", ")
    }
    return (names + rest.map(\.name)).joined(separator: ", ")
  }

  /// What is asked for: RAM, peer memory, MMIO, or the kinds of allocation.
  private static func requests(_ conditions: [Condition]) -> [String] {
    var found: Set<String> = []
    for condition in conditions {
      let witness = Witness(condition.witness, MatrixDomain())?.scenario
      let operations =
        condition.values(of: Operation.axis)
        ?? witness.map { [$0.operation.name] } ?? []
      let buffers = condition.values(of: Buffer.axis) ?? witness.map { [$0.buffer.name] } ?? []
      let attributes =
        condition.values(of: Attributes.axis) ?? witness.map { [$0.attributes.name] } ?? []
      let isMMIO = attributes.contains { $0.hasPrefix(Attributes.mmio.name) }
      let isPeer = attributes.contains { !$0.hasPrefix(Attributes.mmio.name) }
      for buffer in buffers.compactMap(Buffer.init(name:)) {
        if buffer.isForAllocation {
          let allocations = operations.compactMap(Operation.init(name:)).filter { !$0.isMapping }
          found.formUnion(allocations.isEmpty ? ["alloc"] : allocations.map(\.name))
        } else if buffer.isDeviceMemory {
          if isMMIO { found.insert("MMIO") }
          if isPeer { found.insert("P2P") }
        } else {
          found.insert("RAM")
        }
      }
    }
    let order = ["RAM", "P2P", "MMIO"]
    var allocations = found.subtracting(order).sorted()
    if allocations.count > 1, allocations.allSatisfy({ $0.hasSuffix("_atomic") }) {
      allocations = ["atomic alloc"]
    }
    return order.filter(found.contains)
      + (allocations.count > 1 ? ["allocations"] : allocations)
  }

  /// What becomes of it, in a word or two.
  private static func verb(_ finding: Check.Finding, isAboutSME: Bool) -> String {
    if let wrong = finding.wrong { return wrong.words }
    switch finding.lint {
    case .restrictedPoolShrinks:
      return "swiotlb " + finding.headline.replacing(" on the base", with: "")
    case .maxMappingSizeIsHonest: return "refused below dma_max_mapping_size()"
    case .addressingLimitedIsHonest: return "bounced, !dma_addressing_limited()"
    case .loudRefusal: return "refused, nothing logged"
    default: break
    }
    switch finding.verdict {
    case .garbled:
      guard isAboutSME else { return "garbled" }
      return finding.decision.function.hasPrefix("iommu_")
        ? "wrong C-bit in the PTE" : "wrong C-bit"
    case .unreachable: return "bounced, not reached"
    case .blocked: return isAboutAccepted(finding) ? "in the wrong state" : "left private"
    case .ok, .bounced, .refused: break
    }
    switch finding.lint {
    case .noNewExposure: return "bounced, decrypted in DRAM"
    case .mapSGAgrees:
      return finding.verdict.isServed
        ? "map_sg serves, map does not" : "map serves, map_sg does not"
    case .allocAgrees:
      return finding.verdict.isServed
        ? "served, not by alloc_pages" : "not served, but by alloc_pages"
    case .forceMeansBounce where finding.verdict != .refused: return "not bounced by force"
    default: break
    }
    switch finding.verdict {
    case .refused: return "refused"
    case .garbled, .unreachable, .blocked: return finding.verdict.name
    case .ok, .bounced: return finding.verdict.name
    }
  }

  /// The axes that decide beside platform and request, with their short words.
  private static let axes: [(axis: String, word: @Sendable ([String]) -> String?)] = [
    (
      PoolFill.axis,
      { fills in
        if fills.contains(PoolFill.empty.name) { return nil }
        if fills == [PoolFill.atomicPools.name] { return "atomic pools full" }
        return fills == [PoolFill.grown.name] ? "pool full, grown once" : "pool full"
      }
    ),
    (DynamicPools.axis, { $0 == [DynamicPools.on.name] ? "SWIOTLB_DYNAMIC" : nil }),
    (
      DecryptFailure.axis,
      { $0.contains(DecryptFailure.none.name) ? nil : "decryption fails" }
    ),
    (MaskChange.axis, { $0 == [MaskChange.up.name] ? "mask widened" : nil }),
    (IOMMUMode.axis, { $0 == [IOMMUMode.translated.name] ? "behind the IOMMU" : nil }),
    (SwiotlbMode.axis, { $0.count == 1 ? "swiotlb=\($0[0])" : nil }),
    (CoherentMask.axis, { $0.count == 1 ? "coherent mask \($0[0])" : nil }),
    (
      BusLimit.axis,
      { $0.count != 1 || $0 == [BusLimit.none.name] ? nil : "bus limit \($0[0])" }
    ),
    (Coherence.axis, { $0 == ["0"] ? "not coherent" : nil }),
    (Facing.axis, { $0 == ["1"] ? "untrusted" : nil }),
    (
      Attributes.axis,
      { values in
        if values.allSatisfy({ $0.hasSuffix(Attributes.ccShared.name) }) { return "CC_SHARED" }
        return values == [Attributes.requireCoherent.name] ? "REQUIRE_COHERENT" : nil
      }
    ),
  ]

  /// The value of an axis that four of five scenarios have, by conditions that allow no
  /// other; nil where there is none.
  private static func most(of axis: String, _ conditions: [Condition]) -> String? {
    var counts: [String: Int] = [:]
    for condition in conditions {
      guard let own = condition.values(of: axis), own.count == 1 else { continue }
      counts[own[0], default: 0] += condition.scenarios
    }
    let total = conditions.reduce(0) { $0 + $1.scenarios }
    return counts.first { $0.value * 5 >= total * 4 }?.key
  }

  /// The values of an axis under any of some conditions; nil where one of them leaves it
  /// open.
  private static func union(of axis: String, _ conditions: [Condition]) -> [String]? {
    var values: [String] = []
    for condition in conditions {
      guard let own = condition.values(of: axis) else { return nil }
      for value in own where !values.contains(value) { values.append(value) }
    }
    return values
  }
}

extension Condition {
  /// The values that a condition allows on an axis; nil where it leaves the axis open.
  func values(of axis: String) -> [String]? { terms.first { $0.axis == axis }?.values }
}
