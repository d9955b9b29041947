import DMAHardware
import DMAModel
import TestSupport
import Testing

@testable import Analysis

@Suite struct LifeLintTests {
  private var domain: MatrixDomain {
    var domain = MatrixDomain()
    domain.platforms = [.x86SME47, .sev, .arm64CCA]
    domain.machines = [.sixtyFourGiB]
    domain.busLimits = [.none]
    domain.masks = [24, 31, 32, 40, 47, 48, 64].compactMap(DMAMask.init(bits:))
    return domain
  }

  private static let lints = Lint.allCases.filter(\.isAboutLife)

  private func kernel(_ name: String) throws -> KernelVersion {
    try #require(KernelVersion.named(name))
  }

  /// The lints against a walk that boots every circumstance and asks for each
  /// scenario, without the short cuts of the space; a circumstance that a lint
  /// leaves out violates nothing that the ordinary one does not.
  @Test(arguments: ["6.12", "7.2", "7.3"])
  func violationsAreThoseOfANaiveWalk(name: String) throws {
    let version = try kernel(name)
    var expected: [Lint: Int] = [:]
    var missed: [Lint: Int] = [:]
    var domain = domain
    domain.kernels = [version]
    domain.forEachScenario(in: Circumstance.all + Circumstance.extended) {
      boot, circumstance, request in
      let life = boot.kernel(circumstance).lifeCycle(
        of: request, maskChange: circumstance.maskChange)
      let usual = violated(request, by: boot.kernel().lifeCycle(of: request))
      for lint in violated(request, by: life) {
        if lint.circumstances.contains(circumstance) {
          expected[lint, default: 0] += 1
        } else if !usual.contains(lint) {
          missed[lint, default: 0] += 1
        }
      }
    }
    let check = Check(version, base: nil, lints: Self.lints, domain: domain)
    for (lint, outcome) in check.outcomes {
      var found = 0
      if case .violated(let findings) = outcome {
        found = findings.reduce(0) { $0 + $1.scenarios }
      }
      // Those behind a virtual IOMMU are no violations, and still counted here.
      found += check.excused.filter { $0.finding.lint == lint }.reduce(0) {
        $0 + $1.finding.scenarios
      }
      #expect(found == expected[lint, default: 0], "\(lint.rawValue)")
    }
    #expect(missed.isEmpty)
  }

  private func violated(_ request: DeviceRequest, by life: LifeCycle) -> [Lint] {
    let bounced = [.bounce, .iovaBounce].contains(life.answer.result)
    let holds: [Lint: Bool] = [
      .freedAsItWas: life.after.state == .same,
      .freedToItsOwner: life.answer.result == .error || life.after.owner == .ok,
      .noSleepInAtomic: life.after.atomicCall == .none,
      .slotsReturned: life.after.slots == .ok,
      .unmapMirrorsMap: !request.operation.isMapping
        || (life.after.unmapCopy == .copied) == bounced,
      .noCrash: request.operation.isMapping
        || !life.answer.warnings.contains(.poolCrash)
          && !life.after.warnings.contains(.cookieCrash)
        ,
    ]
    return holds.filter { !$0.value }.map(\.key)
  }

  /// F1, found unaided: the pages of atomic pools that 7.2 and v4 give away, and that
  /// v5 does not.
  @Test func lintsFindTheLostPoolPages() throws {
    var domain = domain
    domain.platforms = [.arm64CCA]
    let owners = { (name: String) throws in
      Check(try self.kernel(name), base: nil, lints: [.freedToItsOwner], domain: domain).findings
    }
    for name in ["7.2", "v4"] {
      let finding = try #require(try owners(name).first)
      #expect(finding.headline.hasPrefix("pool_page_to_buddy"))
      #expect(finding.conditions.allSatisfy { $0.text.contains("op=alloc_pages_atomic") })
    }
    #expect(try owners("v5").isEmpty)
  }

  /// Memory that goes back shared is an exposure, and says so.
  @Test func sharedMemoryThatGoesBackIsAnExposure() throws {
    let check = Check(try kernel("7.3"), base: nil, lints: [.freedAsItWas], domain: domain)
    #expect(
      check.findings.contains { $0.headline.contains("left_shared, exposure plaintext_dram") })
    var after = LifeAnswer()
    after.state = .leftShared
    #expect(exposureAfter(platform: .sev, after: after) == .hostVisible)
    #expect(exposureAfter(platform: .x86, after: after) == .none)
  }

  /// A comparison counts the scenarios whose answers are equal and whose ends differ.
  @Test func comparisonsCoverTheEnd() throws {
    var domain = domain
    domain.platforms = [.arm64CCA]
    domain.operations = [.allocPagesAtomic]
    let comparison = LifeComparison([try kernel("v4"), try kernel("v5")], domain: domain)
    let change = try #require(
      comparison.transitions.first { $0.sides[0].left == "pool_private, pool_page_to_buddy" })
    #expect(change.sides[1].left == "as it was")
    let same = LifeComparison([try kernel("v5"), try kernel("v5")], domain: domain)
    #expect(same.transitions.isEmpty)
  }

  /// A witness with its circumstance leads to the finding's path.
  @Test func witnessesCanBeExplained() throws {
    let version = try kernel("7.3")
    let check = Check(version, base: nil, lints: [.freedAsItWas], domain: domain)
    let key = try #require(check.findings.first?.conditions.first?.witness)
    let (scenario, circumstance) = try #require(Circumstance.parsed(key: key))
    #expect(circumstance.maskChange == .up)
    let explanation = try Explanation.explain(
      scenario, in: circumstance, on: .sixtyFourGiB, by: version
    ).get()
    #expect(explanation.after.state == .leftShared && !explanation.undoPath.isEmpty)
  }
}
