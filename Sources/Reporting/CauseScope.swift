import Analysis
import DMAModel

/// To whom a cause happens, from the conditions of its worst violations.
struct CauseScope {
  /// `SME hosts`, `guests`, `tdx, s390-pv`, or how many platforms.
  let who: String
  /// `peer memory garbled`.
  let what: String
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
    count = platforms.count == 1 ? platforms[0].name : "\(platforms.count) platforms"
    let kinds = Self.requests(all)
    what = kinds.joined(separator: ", ") + " " + (cause.worst.first.map(Self.verb) ?? "")
    var parts: [String] = []
    var details: [String] = []
    for (axis, word) in Self.axes {
      guard let values = Self.union(of: axis, all) else { continue }
      let text = "\(axis)=\(values.joined(separator: "|"))"
      details.append(text)
      if let short = word(values) { parts.append(short) }
    }
    conditions = parts.map { ", \($0)" }.joined()
    first = parts.first.map { ", \($0)" } ?? ""
    text =
      "\(platforms.map(\.name).joined(separator: ", ")); \(kinds.joined(separator: ", "))"
      + (details.isEmpty ? "" : "; " + details.joined(separator: ", "))
      + "; \(cause.scenarios) \(cause.isAboutBoots ? "boots" : "scenarios"), \(cause.usual) with no "
      + "boot parameter, a trusted device on a whole bus and a mask that many drivers set"
  }

  /// Platforms as readers name them together.
  private static func group(_ platforms: [Platform]) -> String {
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
      let guests = rest.filter { $0.sharedMemoryReader == .host }
      if guests.count == rest.count {
        return (names + ["\(rest.count) guests"]).joined(separator: ", ")
      }
      return names.isEmpty
        ? "\(rest.count) platforms"
        : names.joined(separator: ", ") + " and \(rest.count) more"
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
          if isPeer { found.insert("peer memory") }
        } else {
          found.insert("RAM")
        }
      }
    }
    let order = ["RAM", "peer memory", "MMIO"]
    let allocations = found.subtracting(order).sorted()
    return order.filter(found.contains)
      + (allocations.count > 2 ? ["allocations"] : allocations)
  }

  /// What becomes of it, in a word or two.
  private static func verb(_ finding: Check.Finding) -> String {
    if let wrong = finding.wrong { return wrong.words }
    switch finding.lint {
    case .noNewExposure: return "bounced, decrypted in DRAM"
    case .mapSGAgrees: return "map_sg and map differ"
    case .allocAgrees: return "alloc and alloc_pages differ"
    case .restrictedPoolShrinks: return "smaller pool"
    case .maxMappingSizeIsHonest: return "refused below dma_max_mapping_size()"
    case .addressingLimitedIsHonest: return "bounced, \"not limited\""
    case .loudRefusal: return "refused silently"
    case .forceMeansBounce where finding.verdict != .refused: return "not bounced by force"
    default: break
    }
    switch finding.verdict {
    case .garbled: return "garbled"
    case .unreachable: return "copied, not reached"
    case .blocked: return "private, blocked"
    case .refused: return "refused"
    case .ok, .bounced: return finding.verdict.name
    }
  }

  /// The axes that decide beside platform and request, with their short words.
  private static let axes: [(axis: String, word: @Sendable ([String]) -> String?)] = [
    (IOMMUMode.axis, { $0 == [IOMMUMode.translated.name] ? "behind the IOMMU" : nil }),
    (SwiotlbMode.axis, { $0.count == 1 ? "swiotlb=\($0[0])" : nil }),
    (CoherentMask.axis, { $0.count == 1 ? "coherent mask \($0[0])" : nil }),
    (BusLimit.axis, { $0 == [BusLimit.none.name] ? nil : "bus limit \($0[0])" }),
    (Coherence.axis, { $0 == ["0"] ? "not coherent" : nil }),
    (Facing.axis, { $0 == ["1"] ? "untrusted" : nil }),
    (
      Attributes.axis,
      { $0.count == 1 && $0[0] != "none" && $0[0] != Attributes.mmio.name ? $0[0] : nil }
    ),
    (MaskChange.axis, { $0 == ["up"] ? "mask widened before free" : nil }),
    (PoolFill.axis, { $0.contains("empty") ? nil : "full pool" }),
    (DecryptFailure.axis, { $0.contains("none") ? nil : "decryption fails" }),
  ]

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
