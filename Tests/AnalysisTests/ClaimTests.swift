import DMAModel
import EmbeddedSchema
import Foundation
import Support
import Testing

@testable import Analysis

@Suite struct ClaimTests {
  @Test func everyClaimIsWrittenCorrectly() throws {
    let claims = try Claim.read(Schema.claims)
    #expect(claims.count == 82 && Set(claims.map(\.id)).count == 82)
    for claim in claims {
      #expect(!claim.says.isEmpty && claim.messageID.contains("@"))
      if claim.undecidable != nil { continue }
      let judgements = try claim.judge()
      #expect(!judgements.isEmpty, "\(claim.id)")
      let isAboutSomething = judgements.contains { judgement in
        if case .empty = judgement.judgement { false } else { true }
      }
      #expect(isAboutSomething, "\(claim.id)")
    }
  }

  /// The central claim of the review, and one that the model refutes in part:
  /// force_bounce is not needed to reach v6's state check.
  @Test func knownJudgements() throws {
    let claims = try Claim.read(Schema.claims)
    let central = try #require(claims.first { $0.id == "C066" })
    let judgement = try #require(try central.judge().first { $0.kernel.name == "v6" }).judgement
    guard case .holds = judgement else {
      Issue.record("v6 does not boot with swiotlb=force: \(judgement)")
      return
    }
    let reach = try #require(claims.first { $0.id == "C055" })
    guard
      case .partly(_, let failing, let conditions) = try #require(try reach.judge().first).judgement
    else {
      Issue.record("v6's check is reached without swiotlb=force too")
      return
    }
    #expect(failing > 0 && !conditions.isEmpty)
  }

  @Test(arguments: [
    #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v0"],"when":{},"expect":{}}]"#,
    #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],"when":{"planet":["x"]}}]"#,
    #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],"when":{"mask":["65"]}}]"#,
    #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],"when":{"op":["x"]}}]"#,
    #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],"expect":{"colour":["x"]}}]"#,
  ])
  func wrongClaimsAreRefused(json: String) throws {
    let claim = try #require(try Claim.read(json).first)
    #expect(throws: ClaimError.self) { _ = try claim.judge() }
  }

  /// A claim about nothing is a mistake, whatever the axis or column.
  @Test(arguments: ["platform", "iommu", "mem", "mask", "op", "attrs"])
  func emptyListsAreRefused(axis: String) throws {
    let head = #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],"#
    for rest in [#""when":{"\#(axis)":[]}}]"#, #""expect":{"\#(axis)":[]}}]"#] {
      let claim = try #require(try Claim.read(head + rest).first)
      let error = #expect(throws: ClaimError.self) { _ = try claim.judge() }
      #expect(error?.reason == "\(axis) has no values; at least one is expected")
    }
  }

  /// A misspelt `when` would make the claim one about the whole matrix.
  @Test(arguments: ["When", "wh\u{0}en", "expects"])
  func unknownFieldsAreRefused(field: String) throws {
    let name = try #require(String(data: JSONEncoder().encode(field), encoding: .utf8))
    let json = """
      [{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],\(name):{"op":["map"]}}]
      """
    let error = #expect(throws: DecodingError.self) { try Claim.read(json) }
    guard case .dataCorrupted(let context) = try #require(error) else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(context.debugDescription == "unknown field '\(field.printable)'")
  }

  @Test func unknownMachinesAreRefused() throws {
    let json =
      #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],"when":{"mem":["2G","3G"]}}]"#
    let claim = try #require(try Claim.read(json).first)
    let error = #expect(throws: ClaimError.self) { _ = try claim.judge() }
    #expect(error?.reason.hasPrefix("unknown mem '3G'; accepted: 2G, ") == true)
  }

  /// Every axis and column of a claim stands in its encoding in words, with every value.
  @Test func encodingsAreShownWhole() throws {
    for claim in try Claim.read(Schema.claims) where claim.undecidable == nil {
      let (asked, expected) = claim.encoding
      for (axis, values) in claim.when {
        #expect(asked.contains("\(axis) "), "\(claim.id)")
        for value in values { #expect(asked.contains(value), "\(claim.id) \(value)") }
      }
      for value in claim.expect.values.joined() {
        let word = value.isEmpty ? "nothing" : value
        #expect(expected.contains(word), "\(claim.id) \(value)")
      }
    }
  }

  @Test(arguments: [
    (#""when":{"fill":["full"]}"#, "unknown fill 'full'"),
    (#""when":{"fill":["grown"],"mask_change":["up"]}"#, "no circumstance has these values"),
    (#""expect":{"state_before":["same"]}"#, "unknown column 'state_before'"),
  ])
  func wrongCircumstancesAndEndsAreRefused(part: String, reason: String) throws {
    let head = #"[{"id":"X","message_id":"a@b","says":"s","kernels":["v6"],"#
    let claim = try #require(try Claim.read(head + part + "}]").first)
    let error = #expect(throws: ClaimError.self) { _ = try claim.judge() }
    #expect(error?.reason.hasPrefix(reason) == true)
  }

  /// C113: a free in an RCU callback may sleep before v5; with rcu_work it does not.
  @Test func claimsAskAboutEnds() throws {
    let json = """
      [{"id":"X","message_id":"a@b","says":"s","kernels":["v4","v5"],
        "when":{"platform":["x86-sme47"],"op":["map"],"attrs":["none"],"dynamic":["y"],
                "fill":["exhausted"]},
        "expect":{"warn_after":["atomic_set_memory"]}}]
      """
    let judgements = try #require(try Claim.read(json).first).judge()
    guard case .refuted = try #require(judgements.last).judgement else {
      Issue.record("v5 frees from rcu_work: \(judgements)")
      return
    }
  }
}
