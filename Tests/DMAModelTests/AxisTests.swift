import DMAModel
import Support
import Testing

@testable import DMAAxes

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

  @Test(arguments: [65, -1, 256])
  func masksOutsideTheAxisDoNotExist(bits: Int) {
    #expect(DMAMask(bits: bits) == nil)
  }

  @Test func aMaskIsTheLowestBits() {
    #expect(DMAMask(bits: 24)?.highestAddress == 0xff_ffff)
    #expect(DMAMask(bits: 64)?.highestAddress == .max)
  }
}

/// Messages of a tree's own code.
@Suite struct MessageTests {
  /// However many there are, none is taken for silence or for another's text.
  @Test func everyMessageHasABit() {
    var bits = MessageBits()
    let texts = (0..<100).map { "other:\($0)" }
    for (number, text) in texts.enumerated() {
      let bit = bits.bit(of: text)
      #expect(!bit.isEmpty && bit.isDisjoint(with: Warnings(Warnings.names.map(\.warning))))
      let name = number < MessageBits.capacity ? text : "other:?"
      #expect(bits.names(of: bit) == [name] && bits.bit(of: text) == bit)
    }
    #expect(MessageBits.capacity > 10 && MessageBits.capacity < texts.count)
  }
}

/// Values beside those of the model: one spelling each, and no dense index.
@Suite struct FinerAxisTests {
  @Test func everyBusLimitHasOneSpelling() {
    for bits in -1...70 {
      let limit = BusLimit(name: String(bits))
      #expect((limit != nil) == (1...64).contains(bits), "\(bits)")
      #expect(limit == nil || limit?.name == String(bits))
      #expect(limit == nil || limit?.address == .max >> UInt64(64 - bits))
    }
    for name in ["", "032", "+32", "32 ", "0", "NONE"] { #expect(BusLimit(name: name) == nil) }
    #expect(BusLimit(name: "32") == .bits32 && BusLimit.none.address == 0)
  }

  @Test func everyPlaceOfTheCBitHasOneSpelling() {
    for bit in 0...70 {
      let platform = Platform(name: "x86-sme\(bit)")
      #expect((platform != nil) == (40...51).contains(bit), "\(bit)")
      #expect(platform == nil || platform?.encryptionBit == 1 << UInt64(bit))
      #expect(platform == nil || platform?.name == "x86-sme\(bit)")
      #expect(platform == nil || platform?.sharedMemoryReader == .dram)
    }
    for name in ["x86-sme", "x86-sme+44", "x86-sme044", "sme44", "x86-sme-44"] {
      #expect(Platform(name: name) == nil)
    }
    #expect(Platform(name: "x86-sme47") == .x86SME47 && Platform(name: "x86-sme51") == .x86SME51)
  }

  @Test(
    arguments: [
      ("0x0+4096", 0, 4096, false), ("0x300000048+24", 0x3_0000_0048, 24, false),
      ("mmio:0x3900000000+65536", 0x39_0000_0000, 65536, true),
      ("0x3fffffffffff+1", 0x3fff_ffff_ffff, 1, false),
    ] as [(String, UInt64, UInt64, Bool)])
  func aBufferIsNamedByItsPlace(name: String, address: UInt64, length: UInt64, mmio: Bool) throws {
    let buffer = try #require(Buffer(name: name))
    #expect(buffer.physicalAddress == address && buffer.length == length)
    #expect(buffer.isDeviceMemory == mmio && buffer.name == name)
  }

  @Test(arguments: [
    "", "0x0", "0x0+0", "0x00+4096", "0X0+4096", "0x+4096", "0xA000+4096", "0xa000+04096",
    "a000+4096", "0x0+4096+1", "mmio:", "mmio:0x0", "ram:0x0+4096", "0x-1+4096", "0x0+-1",
    "0x400000000000+1", "0x3fffffffffff+2", "0xffffffffffffffff+4096", "0x0+18446744073709551615",
  ])
  func otherBuffersDoNotExist(name: String) {
    #expect(Buffer(name: name) == nil)
  }

  @Test func finerValuesHaveAKeyAndNoIndex() throws {
    for key in [
      "x86-sme44/none/default/64G/40/same/none/1/0/map/none/dma32",
      "x86/none/default/64G/40/same/36/1/0/map/none/dma32",
      "x86/none/default/64G/40/same/none/1/0/map/none/0x300000000+65536",
    ] {
      let scenario = try #require(Scenario(key: key))
      #expect(scenario.key == key)
      #expect(ScenarioIndex.index(of: scenario) == nil)
    }
  }

  /// The model's values first, in their order, then others as they were given.
  @Test func valuesAreOrderedAndListedOnce() throws {
    let limits = ["40", "32", "36", "40", "none"].compactMap { BusLimit(name: $0) }
    #expect(BusLimit.ordered(limits).map(\.name) == ["none", "32", "40", "36"])
    #expect(BusLimit.all(with: limits.dropLast()).map(\.name) == ["none", "32", "40", "36"])
  }
}

@Suite struct AddressTextTests {
  @Test func addressesAreReadAsTheyAreWritten() {
    for address in [0, 0x7bee_2000, .max] as [UInt64] {
      #expect(UInt64(hexadecimal: address.hexadecimal) == address)
      #expect(UInt64(unsigned: address.hexadecimal) == address)
      #expect(UInt64(unsigned: "\(address)") == address)
    }
    let range = PhysicalRange(0x7bee_2000, 0x7fee_2000)
    #expect(range.text == "0x7bee2000-0x7fee2000")
    #expect(PhysicalRange(text: range.text) == range)
    #expect(PhysicalRange(text: "0x0-0x0")?.length == 0)
  }

  @Test(arguments: ["", "0x", "0x+5", "0x-0", "+5", "-0", "5x", "0xg", "0x10000000000000000", "٣"])
  func othersAreNoAddress(text: String) {
    #expect(UInt64(hexadecimal: text) == nil)
    #expect(UInt64(unsigned: text) == nil)
  }

  @Test(arguments: ["", "0x1", "0x2-0x1", "1-2", "0x1-0x2-0x3", "0x1--0x2", "-0x1-0x2"])
  func othersAreNoRange(text: String) {
    #expect(PhysicalRange(text: text) == nil)
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
    "x86/none/default/2G/65/same/none/1/0/map/none/dma32", "//////////",
  ])
  func malformedKeysAreNotScenarios(key: String) {
    #expect(Scenario(key: key) == nil)
  }
}
