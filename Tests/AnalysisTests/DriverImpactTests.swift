import DMAModel
import DriverScan
import Testing

@testable import Analysis

/// Which drivers a finding concerns: by the meaning of its conditions.
@Suite struct DriverImpactTests {
  private func driver(
    _ file: String, _ masks: [UInt64], streaming: Bool = true, coherent: Bool = true,
    on architectures: [Architecture] = Architecture.allCases, buses: [String] = ["pci"]
  ) -> Driver {
    var driver = Driver(file: "drivers/\(file).c")
    driver.calls = [
      MaskCall(
        line: 1, function: "probe", callee: "dma_set_mask", expression: "",
        alternatives: masks.map(MaskValue.init), isDecided: true, setsStreaming: streaming,
        setsCoherent: coherent)
    ]
    driver.masks = masks.map { mask in
      DeviceMasks(
        streaming: streaming ? MaskValue(mask) : Driver.defaultMask,
        coherent: coherent ? MaskValue(mask) : Driver.defaultMask)
    }
    driver.architectures = architectures
    driver.buses = buses
    return driver
  }

  private func condition(_ terms: [(String, [String])]) -> Condition {
    Condition(
      terms: terms.map { Condition.Term(axis: $0, values: $1, text: "") }, scenarios: 1,
      witness: "")
  }

  private var list: DriverList {
    DriverList(
      tree: "test",
      drivers: [
        driver("both", [0xff_ffff_ffff, .max]), driver("wide", [.max]),
        driver("alone", [.max], coherent: false),
        driver("arm", [0xff_ffff_ffff], on: [.arm64], buses: ["of", "platform"]),
        driver("tree", [0xff_ffff_ffff], buses: ["of", "platform"]),
      ])
  }

  private func names(_ terms: [(String, [String])], in list: DriverList) throws -> [String] {
    let kernel = try #require(KernelVersion.named("7.3"))
    return DriverImpact([condition(terms)], of: [kernel], in: list).matches.map(\.driver.file)
  }

  @Test func masksDecide() throws {
    #expect(
      try names([("mask", ["40"]), ("platform", ["x86-sme47"])], in: list) == ["drivers/both.c"])
    #expect(
      try names([("mask", ["40"]), ("platform", ["arm64"])], in: list) == [
        "drivers/arm.c", "drivers/tree.c", "drivers/both.c",
      ])
    #expect(
      try names([("mask", ["64"]), ("coherent_mask", ["32"])], in: list) == ["drivers/alone.c"])
  }

  /// What all conditions ask beside masks and platforms is said with the drivers.
  @Test func circumstancesAreThoseOfEveryCondition() throws {
    let kernel = try #require(KernelVersion.named("7.3"))
    let conditions = [
      condition([("mask", ["40"]), ("swiotlb", ["force"]), ("op", ["map"])]),
      condition([("mask", ["64"]), ("swiotlb", ["noforce"])]),
    ]
    let impact = DriverImpact(conditions, of: [kernel], in: list)
    #expect(impact.circumstances == ["swiotlb=force|noforce"])
    let plain = DriverImpact([condition([("op", ["map"])])], of: [kernel], in: list)
    #expect(impact.isMoreSpecific(than: plain) && !plain.isMoreSpecific(than: impact))
  }

  /// Drivers that only a condition with one more axis is about are counted apart.
  @Test func circumstancesOfSomeConditionsAreCounted() throws {
    let kernel = try #require(KernelVersion.named("7.3"))
    let conditions = [
      condition([("mask", ["40"]), ("bus_limit", ["32"])]), condition([("mask", ["64"])]),
    ]
    let impact = DriverImpact(conditions, of: [kernel], in: list)
    #expect(impact.circumstances.isEmpty && impact.matches.count == 5)
    // Those with 40 bits alone; one may have 64 too.
    #expect(impact.onlyIn.map(\.circumstance) == ["bus_limit=32"])
    #expect(impact.onlyIn.map(\.count) == [2])
  }

  /// Pairs that no scenario has are named, where the driver can be, until an axis has them.
  @Test func pairsThatTheMatrixHasNotAreNamed() throws {
    let kernel = try #require(KernelVersion.named("7.3"))
    var odd = driver("odd", [.max])
    odd.masks.append(DeviceMasks(streaming: MaskValue(.max), coherent: MaskValue(0x7fff_ffff)))
    var foreign = odd
    foreign.architectures = []
    var list = DriverList(tree: "test", drivers: [odd, foreign, driver("wide", [.max])])
    func outside() -> [String] {
      DriverImpact([condition([("mask", ["64"])])], of: [kernel], in: list).outside.flatMap {
        $0.masks.map(\.text)
      }
    }
    #expect(outside() == ["64/31"])
    list.domain.coherentMasks.append(CoherentMask(highestAddress: 0x7fff_ffff))
    #expect(outside().isEmpty)
  }

  @Test func findingsAboutNoDriverComeLast() throws {
    let kernel = try #require(KernelVersion.named("7.3"))
    func impact(_ terms: [(String, [String])]) -> DriverImpact {
      DriverImpact([condition(terms)], of: [kernel], in: list)
    }
    let none = impact([("mask", ["24"])])
    let all = impact([("op", ["map"])])
    #expect(none.matches.isEmpty && all.isMoreSpecific(than: none))
    #expect(impact([("mask", ["40"])]).isMoreSpecific(than: all))
  }

  /// Where other pairs are possible no match is certain, and certain ones come first.
  @Test func undecidedPairsAreNotCertain() throws {
    var open = driver("a-open", [0xff_ffff_ffff])
    open.isDecided = false
    let list = DriverList(tree: "test", drivers: [open, driver("sure", [0xff_ffff_ffff])])
    let kernel = try #require(KernelVersion.named("7.3"))
    let impact = DriverImpact([condition([("mask", ["40"])])], of: [kernel], in: list)
    #expect(impact.matches.map(\.driver.file) == ["drivers/sure.c", "drivers/a-open.c"])
    #expect(impact.matches.map(\.isCertain) == [true, false])
  }

  /// A filter leaves the axis out of the conditions.
  @Test func theDomainDecidesWhereConditionsAreSilent() throws {
    var list = list
    list.domain.platforms = [.x86SME47]
    list.domain.masks = [40].compactMap(DMAMask.init(bits:))
    #expect(try names([("op", ["map"])], in: list) == ["drivers/both.c"])
    let kernel = try #require(KernelVersion.named("7.3"))
    let impact = DriverImpact([condition([("op", ["map"])])], of: [kernel], in: list)
    #expect(impact.leftOut == [.architecture: 1, .deviceTree: 1] && impact.asksForMasks)
  }

  /// No non-coherent device is on x86: the condition need not say so.
  @Test func platformsThatOtherAxesExcludeAreNone() throws {
    var list = list
    list.domain.platforms = [.x86, .arm64]
    #expect(
      try names([("coherent", ["0"]), ("mask", ["40"])], in: list) == [
        "drivers/arm.c", "drivers/tree.c", "drivers/both.c",
      ])
    list.domain.platforms = [.x86]
    #expect(try names([("coherent", ["0"]), ("mask", ["40"])], in: list) == [])
  }
}
