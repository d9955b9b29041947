import DMAModel
import Testing

/// The spelling and the order of axis values are permanent: keys and indices of
/// scenarios depend on them.
@Suite struct AxisTests {
  @Test func spellingsAreFrozen() {
    #expect(
      Platform.names == [
        "x86", "x86-sme47", "x86-sme51", "sev", "snp-vtom", "tdx", "arm64", "arm64-cca",
        "arm64-pkvm", "ppc64", "ppc64-svm", "s390", "s390-pv", "xen-pv",
      ])
    #expect(IOMMUMode.names == ["none", "off", "passthrough", "translated", "lazy", "strict"])
    #expect(SwiotlbMode.names == ["default", "force", "noforce", "restricted"])
    #expect(MachineName.names == ["2G", "64G"])
    #expect(DMAMask.names == (24...64).map(String.init))
    #expect(CoherentMask.names == ["same", "32", "64"])
    #expect(BusLimit.names == ["none", "32"])
    #expect(Coherence.names == ["1", "0"])
    #expect(Facing.names == ["0", "1"])
    #expect(
      Operation.names == [
        "map", "map_sg", "map_sg_p2p", "alloc", "alloc_atomic", "alloc_nomap", "alloc_pages",
        "alloc_pages_atomic",
      ])
    #expect(
      Attributes.names == ["none", "cc_shared", "mmio", "mmio+cc_shared", "require_coherent"])
    #expect(
      Buffer.names == ["-", "low", "dma32", "high", "small", "large", "mmio32", "mmio64"])
  }

  @Test func everyDecisionHasItsOwnName() {
    #expect(Set(Decision.names).count == Decision.allCases.count)
    #expect(Set(Exclusion.names).count == Exclusion.allCases.count)
  }

  @Test(arguments: [23, 65, 0, -1, 256])
  func masksOutsideTheAxisDoNotExist(bits: Int) {
    #expect(DMAMask(bits: bits) == nil)
  }

  @Test func aMaskIsTheLowestBits() {
    #expect(DMAMask(bits: 24)?.highestAddress == 0xff_ffff)
    #expect(DMAMask(bits: 64)?.highestAddress == .max)
  }
}

@Suite struct ScenarioIdentityTests {
  /// One value of each axis in turn, the others at their first, then a walk with
  /// a step that is coprime to every radix.
  @Test func indexAndScenarioAreInverse() throws {
    let step = 10_007
    for index in stride(from: 0, to: ScenarioIndex.count, by: step * 97) {
      let scenario = try #require(ScenarioIndex.scenario(at: index))
      #expect(ScenarioIndex.index(of: scenario) == index)
      #expect(Scenario(key: scenario.key) == scenario)
    }
    #expect(ScenarioIndex.scenario(at: ScenarioIndex.count) == nil)
    #expect(ScenarioIndex.scenario(at: -1) == nil)
  }

  @Test func neighbouringIndicesAreNeighbouringMasks() throws {
    let first = try #require(ScenarioIndex.scenario(at: 41 * 1000))
    let second = try #require(ScenarioIndex.scenario(at: 41 * 1000 + 1))
    #expect(second.mask.bits == first.mask.bits + 1)
    #expect(second.platform == first.platform && second.buffer == first.buffer)
  }

  /// Frozen: these pairs must never change.
  @Test func knownKeysKeepTheirIndex() throws {
    let key = "x86-sme47/passthrough/force/64G/47/same/none/1/0/map/none/dma32"
    let scenario = try #require(Scenario(key: key))
    #expect(scenario.key == key)
    #expect(ScenarioIndex.index(of: scenario) == 21_097_065)
    #expect(ScenarioIndex.count == 211_599_360)
  }

  @Test(arguments: [
    "", "x86", "x86/none/default/2G/24/same/none/1/0/map/none/dma32/more",
    "x86/none/default/2G/23/same/none/1/0/map/none/dma32", "//////////",
  ])
  func malformedKeysAreNotScenarios(key: String) {
    #expect(Scenario(key: key) == nil)
  }
}
