import DMAModel
import Testing

@Suite struct VersionTests {
  @Test func theVersionsAreThoseOfTheReview() {
    #expect(
      KernelVersion.all.map(\.name) == ["6.1", "6.12", "7.2", "v4", "v5", "v6", "v7", "7.3"])
    #expect(KernelVersion.all.map(\.base) == [nil, "6.1", "6.12", "7.2", "v4", "v5", "v6", "v7"])
  }

  /// A release names its package, a posted series its cover letter.
  @Test func everyVersionNamesItsSource() {
    for version in KernelVersion.known {
      #expect((version.sourcePackage == nil) != (version.messageID == nil))
      #expect(version.changes.allSatisfy { !$0.source.isEmpty })
    }
  }

  /// `swiotlb=` is a rule of the release, which no knob turns.
  @Test func variantsMatchSwiotlbAsTheirBase() throws {
    for version in KernelVersion.known {
      let variant = KernelVersion(
        variant: "mine", basedOn: version, summary: "-", link: nil, settings: [])
      let release = version.name.prefix { $0 != "+" }
      #expect(variant?.matchesSwiotlbByPrefix == (release == "7.3"))
    }
  }

  /// A change that changes nothing would be a lie in the change log.
  @Test func everyChangeChangesItsKnob() throws {
    for version in KernelVersion.known.dropFirst() {
      let base = try #require(version.base.flatMap(KernelVersion.named))
      let differing = Set(
        Knob.all.filter { $0.value(in: base.policy) != $0.value(in: version.policy) }.map(\.id))
      #expect(Set(version.changes.map(\.knob.id)) == differing, "\(version.name)")
      #expect(version.changes.count == differing.count, "\(version.name)")
    }
  }

  /// The knobs that differ by version pair, from the decision table of the
  /// specification (those of them that decide a mapping, an allocation or its end).
  @Test(arguments: [
    ("v5", ["P1", "P5", "M9", "M2", "M10", "A7", "S6", "F1", "F2", "F4"]),
    ("v6", ["P1", "P5", "P8"]),
    ("v7", ["P2", "M9", "A2", "A3", "M13"]),
    ("7.3", ["P1", "P2", "P4", "P5", "P10", "P11", "M2", "S8", "F1"]),
  ])
  func changesAreThoseOfTheTable(name: String, ids: [String]) throws {
    let version = try #require(KernelVersion.named(name))
    #expect(Set(version.changes.map(\.knob.id)) == Set(ids))
  }

  /// Alternatives that turn different knobs go together, in any order; the knob is named
  /// where they do not.
  @Test func alternativesAreJoined() throws {
    let v6 = try #require(KernelVersion.named("v6"))
    func policy(_ name: String) throws -> Policy {
      try #require(KernelVersion.named(name)).policy
    }
    var expected = try policy("v6+P03")
    expected.defaultPoolState = try policy("v6+P05").defaultPoolState
    #expect(try policy("v6+P03+P05") == expected)
    #expect(try policy("v6+P05+P03") == expected)
    // P06 changes nothing of P03, on which it is based.
    #expect(try policy("v6+P06+P05") == expected)
    #expect(try #require(KernelVersion.named("v6+P03+P05")).changedVersion == v6)
    #expect(try #require(KernelVersion.named("v6+P06")).changedVersion == v6)
    for (name, words) in [
      ("v6+P03+P04", "M10 attributesAfterBounce"), ("v6+P03+P03", "P03 twice"),
      ("v6+P03+P16b", "'P16b', which is no alternative of v6"), ("v6+P03+", "''"),
    ] {
      #expect(KernelVersion.named(name) == nil)
      do {
        _ = try KernelVersion.combination(name)
        Issue.record("\(name) was taken")
      } catch {
        #expect(error.description.contains(words), "\(error.description)")
      }
    }
    #expect(try KernelVersion.combination("v6+P03") == nil)
    #expect(try KernelVersion.combination("6.0+P03+P05") == nil)
  }

  @Test func alternativesAreNamedAfterTheirBase() throws {
    #expect(Set(KernelVersion.known.map(\.name)).count == KernelVersion.known.count)
    for alternative in KernelVersion.alternatives {
      let base = try #require(alternative.base)
      #expect(KernelVersion.named(base) != nil)
      #expect(alternative.name.hasPrefix(base.prefix { $0 != "+" } + "+P"))
      #expect(alternative.expectation?.isEmpty == false)
    }
    // The mail of 2 July 2026 named these.
    for name in ["v6+P03", "v6+P06", "v6+P07", "v6+P09", "v6+P10"] {
      #expect(KernelVersion.named(name) != nil)
    }
    let ids = UnmodelledProposal.all.map(\.id)
    #expect(ids == ["P08", "P21", "P22", "P24"])
  }

  /// P16b is what 7.3 does to MMIO, P04b what v7 does to bounces.
  @Test func adoptedAlternativesEqualTheirVersion() throws {
    let p16b = try #require(KernelVersion.named("v7+P16b"))
    let merged = try #require(KernelVersion.named("7.3"))
    #expect(p16b.policy.mmioPreprocessing == merged.policy.mmioPreprocessing)
    let p04b = try #require(KernelVersion.named("v6+P04b"))
    let v7 = try #require(KernelVersion.named("v7"))
    #expect(p04b.policy.poolStateCheck == v7.policy.poolStateCheck)
    #expect(p04b.policy.attributesAfterBounce == v7.policy.attributesAfterBounce)
  }

  @Test func knobsReadBackWhatWasSet() throws {
    for knob in Knob.all {
      var policy = Policy.linux6_1
      for value in knob.values.map(\.name) {
        #expect(knob.set(value, in: &policy))
        #expect(knob.value(in: policy) == value)
      }
      #expect(!knob.set("nonsense", in: &policy))
      #expect(Knob.named(knob.id) == knob && Knob.named(knob.name) == knob)
    }
  }
}
