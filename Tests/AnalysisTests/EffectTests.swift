import DMAHardware
import DMAModel
import Testing

@testable import Analysis

/// The summary of a comparison against a walk over every scenario.
@Suite struct EffectTests {
  private struct Counts: Equatable {
    var all: [Comparison.Effect: Int] = [:]
    var defaultBoots: [Comparison.Effect: Int] = [:]
  }

  /// A boot by the names of platform, IOMMU mode and swiotlb mode.
  private typealias Boot = [String]

  /// What a change of one scenario means, in words of its own: what the device gets before
  /// and after.
  private func effect(_ one: JudgedAnswer, _ two: JudgedAnswer) -> Comparison.Effect {
    let good: Set<Verdict> = [.ok, .bounced]
    let silent: Set<Verdict> = [.garbled, .blocked, .unreachable]
    if good.contains(one.verdict), silent.contains(two.verdict) { return .corrupts }
    if good.contains(one.verdict), two.verdict == .refused { return .breaks }
    if !good.contains(one.verdict), good.contains(two.verdict) { return .worksNow }
    if one.verdict == .refused, silent.contains(two.verdict) { return .corrupts }
    if silent.contains(one.verdict), two.verdict == .refused { return .safer }
    guard good.contains(one.verdict), good.contains(two.verdict) else { return .other }
    if one.exposure == .none, two.exposure != .none { return .exposes }
    if one.exposure != .none, two.exposure == .none { return .safer }
    if one.verdict != two.verdict { return two.verdict == .bounced ? .slower : .faster }
    if one.answer.maxMapping != two.answer.maxMapping {
      return two.answer.maxMapping < one.answer.maxMapping ? .slower : .faster
    }
    return .other
  }

  private static func holds(_ part: EffectBoots.Part, on boot: Boot) -> Bool {
    zip(part.values, boot).allSatisfy { $0?.contains($1) ?? true }
  }

  /// Nine of ten are on force: it is most.  Three of four are not.
  @Test(arguments: [(90, true), (75, false)])
  func whatIsMost(percent: Int, isMost: Bool) {
    func condition(_ swiotlb: String, _ scenarios: Int) -> Condition {
      Condition(
        terms: [.init(axis: SwiotlbMode.axis, values: [swiotlb], text: "swiotlb=\(swiotlb)")],
        scenarios: scenarios, witness: "")
    }
    let boots = EffectBoots(of: [
      condition("default", 100 - percent), condition("force", percent),
    ])
    #expect(boots.all.values == [nil, nil, ["default", "force"]])
    #expect(boots.most.values == [nil, nil, isMost ? ["force"] : ["default", "force"]])
  }

  @Test(arguments: [("6.12", "7.3"), ("7.2", "v6"), ("v6", "v7")])
  func theSummaryCountsWhatChanges(_ names: (String, String)) throws {
    let kernels = try [names.0, names.1].map { try #require(KernelVersion.named($0)) }
    var domain = MatrixDomain()
    domain.platforms = [.x86, .x86SME47, .sev, .arm64]
    domain.masks = [24, 32, 36, 47, 48, 64].compactMap { DMAMask(bits: $0) }
    domain.machines = [.sixtyFourGiB]
    var expected = Counts()
    var boots: [Comparison.Effect: [Boot: Int]] = [:]
    for platform in domain.platforms {
      for iommu in domain.iommuModes {
        for swiotlb in domain.swiotlbModes
        where kernels.allSatisfy({ $0.policy.bootExclusion(platform, iommu, swiotlb) == nil }) {
          let booted = kernels.map { $0.booted(platform, iommu, swiotlb, .sixtyFourGiB) }
          let isDefault = swiotlb == .standard && (iommu == .none || iommu == .translated)
          for var request in domain.requests(
            on: .sixtyFourGiB, platform, iommu, policies: kernels.map(\.policy))
          {
            for mask in domain.masks {
              request.mask = mask
              let judged = booted.map {
                JudgedAnswer(platform, request, $0.answer(to: request))
              }
              if OutcomeColumns(judged[0].answer, judged[1].answer).isEmpty { continue }
              let effect = effect(judged[0], judged[1])
              expected.all[effect, default: 0] += 1
              if isDefault { expected.defaultBoots[effect, default: 0] += 1 }
              boots[effect, default: [:]][
                [platform.name, iommu.name, swiotlb.name], default: 0] += 1
            }
          }
        }
      }
    }
    let comparison = Comparison(kernels, domain: domain)
    var counts = Counts()
    for summary in comparison.effects {
      counts.all[summary.effect] = summary.scenarios
      if summary.defaultBoots > 0 { counts.defaultBoots[summary.effect] = summary.defaultBoots }
    }
    #expect(counts == expected)
    for summary in comparison.effects {
      let own = boots[summary.effect] ?? [:]
      let all = own.filter { Self.holds(summary.boots.all, on: $0.key) }
      #expect(all.count == own.count, "\(summary.effect)")
      let most = own.filter { Self.holds(summary.boots.most, on: $0.key) }.values.reduce(0, +)
      #expect(most * 5 >= summary.scenarios * 4, "\(summary.effect) \(summary.boots.most)")
    }
    #expect(counts.all.values.reduce(0, +) == comparison.scenarios - comparison.equal)
    let order = comparison.effects.compactMap {
      Comparison.Effect.allCases.firstIndex(of: $0.effect)
    }
    #expect(order == order.sorted())
  }
}
