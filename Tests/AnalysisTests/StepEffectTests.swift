import Analysis
import DMAModel
import Testing

/// Effects of a step, against the comparison of the same kernels.
@Suite struct StepEffectTests {
  private var domain: MatrixDomain {
    var domain = MatrixDomain()
    domain.platforms = [.x86SME47, .sev]
    domain.machines = [.sixtyFourGiB]
    domain.masks = [24, 32, 47, 48, 64].compactMap(DMAMask.init(bits:))
    return domain
  }

  private func kernel(_ name: String) throws -> KernelVersion {
    try #require(KernelVersion.named(name))
  }

  @Test(arguments: [("6.12", "7.2"), ("7.2", "7.3"), ("v6", "v7"), ("7.3", "6.12")])
  func countsAreThoseOfTheComparison(names: (String, String)) throws {
    let (old, new) = (try kernel(names.0), try kernel(names.1))
    let step = StepEffects(from: old, to: new, domain: domain)
    let comparison = Comparison([old, new], domain: domain)
    #expect(step.scenarios == comparison.scenarios)
    for (effect, name) in [
      (StepEffects.Effect.corrupts, Comparison.Effect.corrupts), (.breaks, .breaks),
      (.slower, .slower), (.worksNow, .worksNow), (.faster, .faster),
    ] {
      let here = step.parts.first { $0.effect == effect }
      let there = comparison.effects.first { $0.effect == name }
      #expect(here?.scenarios == there?.scenarios, "\(name)")
      #expect(here?.defaultBoots == there?.defaultBoots, "\(name)")
    }
    // The witness does what its part says.
    for part in step.parts {
      #expect(!part.change.isEmpty, "\(part.effect)")
      #expect(part.platforms.contains { part.witness.hasPrefix($0 + "/") })
    }
  }

  @Test func worseInBetweenIsNeitherBeforeNorAfter() throws {
    let (old, new) = (try kernel("6.12"), try kernel("7.3"))
    let worse = StepEffects(from: old, to: new, domain: domain).parts.filter(\.effect.isWorse)
    #expect(!worse.isEmpty)
    let transient = StepEffects(from: old, to: new, domain: domain, within: old)
    #expect(transient.parts.map(\.scenarios) == worse.map(\.scenarios))
    #expect(StepEffects(from: old, to: new, domain: domain, within: new).parts.isEmpty)
    #expect(StepEffects(from: old, to: old, domain: domain).parts.isEmpty)
  }
}
