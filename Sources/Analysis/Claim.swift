import DMAModel
import Foundation
import Support

/// A statement made in the review, mapped to scenarios and an expected outcome.
public struct Claim: Decodable, Sendable {
  public let id: String
  /// The mail, without angle brackets.
  public let messageID: String
  /// What is claimed, in one sentence of ours.
  public let says: String
  /// Why this model cannot decide it, or nil.
  public let undecidable: String?
  /// Where the mail says more than the model is asked, or nil.
  public let limits: String?
  /// The kernels and alternatives that it is about.
  public let kernels: [String]
  /// Values of axes that it is about, all of those that are not named; masks also as
  /// ranges.  Of circumstances that are not named, the ordinary one.
  let when: [String: [String]]
  /// Accepted values by column of the outcome or of its end.
  let expect: [String: [String]]

  public var link: String { "https://lore.kernel.org/r/\(messageID)" }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case id, says, undecidable, limits, kernels, when, expect
    case messageID = "message_id"
  }

  /// The name of any field.
  private struct FieldName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public init(from decoder: any Decoder) throws {
    // A field that is misspelt would make the claim one about the whole matrix.
    let known = CodingKeys.allCases.map(\.stringValue)
    for field in try decoder.container(keyedBy: FieldName.self).allKeys
    where !known.contains(field.stringValue) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "unknown field '\(field.stringValue.printable)'"))
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    id = try values.decode(String.self, forKey: .id)
    messageID = try values.decode(String.self, forKey: .messageID)
    says = try values.decode(String.self, forKey: .says)
    undecidable = try values.decodeIfPresent(String.self, forKey: .undecidable)
    limits = try values.decodeIfPresent(String.self, forKey: .limits)
    kernels = try values.decodeIfPresent([String].self, forKey: .kernels) ?? []
    when = try values.decodeIfPresent([String: [String]].self, forKey: .when) ?? [:]
    expect = try values.decodeIfPresent([String: [String]].self, forKey: .expect) ?? [:]
  }

  /// Reads claims from JSON.
  public static func read(_ json: String) throws -> [Claim] {
    try JSONDecoder().decode([Claim].self, from: Data(json.utf8))
  }

  /// What the model says of a claim on one kernel.
  public enum Judgement: Sendable {
    /// It holds in all scenarios, of which there are so many.
    case holds(Int)
    /// It holds in some; the conditions are those of the others.
    case partly(holding: Int, failing: Int, conditions: [Condition])
    /// It holds in none.
    case refuted(Int)
    /// No scenario is about it.
    case empty
  }

  /// Judges the claim on each of its kernels.
  public func judge() throws(ClaimError) -> [(kernel: KernelVersion, judgement: Judgement)] {
    for (name, values) in Array(when) + Array(expect) where values.isEmpty {
      throw ClaimError(id: id, reason: "\(name) has no values; at least one is expected")
    }
    let domain = try domain()
    let circumstances = try circumstances()
    for column in expect.keys where !Self.columns.contains(column) {
      throw ClaimError(id: id, reason: "unknown column '\(column)'")
    }
    var judgements: [(kernel: KernelVersion, judgement: Judgement)] = []
    for name in kernels {
      guard let kernel = KernelVersion.named(name) else {
        throw ClaimError(id: id, reason: "unknown kernel '\(name)'")
      }
      judgements.append((kernel, judge(kernel, domain, circumstances)))
    }
    return judgements
  }

  private func judge(
    _ kernel: KernelVersion, _ domain: MatrixDomain, _ circumstances: [Circumstance]
  ) -> Judgement {
    let space = ScenarioSpace(kernels: [kernel], domain: domain, circumstances: circumstances)
    let diagram = space.diagram(lives: { point in
      guard let cycle = point.lives[0] else { return 0 }
      return accepts(cycle, on: point.platform, point.request) ? 1 : 0
    })
    let counts = diagram.counts()
    let (failing, holding) = (counts[0] ?? 0, counts[1] ?? 0)
    if failing + holding == 0 { return .empty }
    if failing == 0 { return .holds(holding) }
    if holding == 0 { return .refuted(failing) }
    let conditions = space.conditions(for: [0], in: diagram)[0]
    return .partly(holding: holding, failing: failing, conditions: conditions)
  }

  /// The scenarios that the claim is about.
  private func domain() throws(ClaimError) -> MatrixDomain {
    var domain = MatrixDomain()
    for (axis, names) in when {
      switch axis {
      case Platform.axis: domain.platforms = try values(names)
      case IOMMUMode.axis: domain.iommuModes = try values(names)
      case SwiotlbMode.axis: domain.swiotlbModes = try values(names)
      case MachineName.axis:
        let known = domain.machines.map(\.name.name)
        for name in names where !known.contains(name) {
          throw ClaimError(
            id: id,
            reason: "unknown \(axis) '\(name)'; accepted: \(known.joined(separator: ", "))")
        }
        domain.machines = domain.machines.filter { names.contains($0.name.name) }
      case DMAMask.axis: domain.masks = try masks(names)
      case CoherentMask.axis: domain.coherentMasks = try values(names)
      case BusLimit.axis: domain.busLimits = try values(names)
      case Coherence.axis: domain.coherences = try values(names)
      case Facing.axis: domain.facings = try values(names)
      case Operation.axis: domain.operations = try values(names)
      case Attributes.axis: domain.attributes = try values(names)
      case Buffer.axis: domain.buffers = try values(names)
      default:
        guard Circumstance.axes.contains(axis) else {
          throw ClaimError(id: id, reason: "unknown axis '\(axis)'")
        }
      }
    }
    return domain
  }

  /// What happens beside the scenario: nothing, unless the claim says so.
  private func circumstances() throws(ClaimError) -> [Circumstance] {
    let accepted = [
      MaskChange.knownNames, DynamicPools.knownNames, PoolFill.knownNames,
      DecryptFailure.knownNames,
    ]
    var named: [Set<String>] = []
    for (axis, (usual, known)) in zip(
      Circumstance.axes, zip(Circumstance.ordinary.names, accepted))
    {
      let names = when[axis] ?? [usual]
      for name in names where !known.contains(name) {
        throw ClaimError(id: id, reason: "unknown \(axis) '\(name)'")
      }
      named.append(Set(names))
    }
    let circumstances = (Circumstance.all + Circumstance.extended).filter { circumstance in
      zip(circumstance.names, named).allSatisfy { $1.contains($0) }
    }
    guard !circumstances.isEmpty else {
      let axes = Circumstance.axes.filter { when[$0] != nil }.joined(separator: ", ")
      throw ClaimError(id: id, reason: "no circumstance has these values of \(axes)")
    }
    return circumstances
  }

  private func values<Value: AxisValue>(_ names: [String]) throws(ClaimError) -> [Value] {
    var values: [Value] = []
    for name in names {
      guard let value = Value(name: name) else {
        throw ClaimError(id: id, reason: "unknown \(Value.axis) '\(name)'")
      }
      values.append(value)
    }
    return Value.ordered(values)
  }

  private func masks(_ texts: [String]) throws(ClaimError) -> [DMAMask] {
    var masks: Set<DMAMask> = []
    for text in texts {
      guard let named = DMAMask.masks(in: text) else {
        throw ClaimError(id: id, reason: "unknown mask '\(text)'")
      }
      masks.formUnion(named)
    }
    return masks.sorted()
  }
}

/// A claim that is not written correctly.
public struct ClaimError: UserFacingError, Equatable {
  public let id: String
  public let reason: String
  public var description: String { "claim \(id): \(reason)" }
}
