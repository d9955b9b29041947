import DMAHardware
import DMAModel
import Testing

@testable import Analysis

@Suite struct CauseTests {
  private func check(_ name: String) throws -> Check {
    Check.standard(of: try #require(KernelVersion.named(name)))
  }

  /// What an expert expects of 7.3: the candidates for a patch, and the case that a
  /// distribution would revert for, are among the first eleven.
  @Test func theGravestOf73AreThoseWorthAPatch() throws {
    let first = try check("7.3").causes.prefix(11)
    func has(_ function: String, _ lint: Lint, _ term: String, _ value: String) -> Bool {
      first.contains { cause in
        cause.line.function == function
          && cause.findings.contains { finding in
            finding.lint == lint
              && finding.conditions.contains { condition in
                condition.terms.contains { $0.axis == term && $0.values.contains(value) }
              }
          }
      }
    }
    #expect(has("dma_capable", .noNewExposure, "coherent_mask", "32"))
    #expect(has("iommu_dma_map_phys", .noSilentCorruption, "buf", "mmio64"))
    #expect(has("swiotlb_alloc", .noSleepInAtomic, "swiotlb", "restricted"))
    #expect(has("__dma_direct_alloc_pages", .freedToItsOwner, "op", "alloc_nomap"))
    #expect(has("arch_mm_preinit", .restrictedPoolShrinks, "platform", "arm64-cca"))
    #expect(has("dma_capable", .servedStaysServed, "platform", "tdx"))
    #expect(first.allSatisfy { $0.severity < .silent })
  }

  /// At a witness the version that a finding dates from violates the lint, and the one
  /// before it does not.
  @Test(arguments: ["7.2", "v7", "7.3"])
  func findingsBeginWhereTheySay(name: String) throws {
    let check = try check(name)
    var asked = 0
    for finding in check.findings {
      for origin in finding.origins {
        guard let since = origin.since,
          let key = origin.witness ?? finding.conditions.first?.witness
        else { continue }
        let witness = try #require(Witness(key, MatrixDomain()))
        let before = try #require(since.base.flatMap(KernelVersion.named))
        #expect(witness.violates(finding.lint, since.policy, check.base), "\(key)")
        // Data that went wrong before did so in another way.
        #expect(
          !witness.violates(finding.lint, before.policy, check.base)
            || finding.verdict.isSilentlyWrong
              && verdict(of: before, at: witness) != finding.verdict,
          "\(key)")
        asked += 1
      }
    }
    #expect(asked > 0)
  }

  private func verdict(of kernel: KernelVersion, at witness: Witness) -> Verdict {
    let scenario = witness.scenario
    let answer = witness.booted(kernel.policy).answer(to: scenario.deviceRequest)
    return JudgedAnswer(scenario.platform, scenario.deviceRequest, answer).verdict
  }

  /// 6.1 garbles a list of peer memory on an SME host, and 7.2 bounces it in vain: it is the
  /// bounce that dates from 7.2.
  @Test func anotherWayToCorruptIsNew() throws {
    let causes = try check("7.3").causes.filter {
      $0.line.function == "swiotlb_map" && $0.severity == .corrupts
    }
    #expect(causes.count == 1 && causes.first?.origins.first?.since?.name == "7.2")
    #expect(causes.first?.origins.contains { $0.since == nil } == false)
  }

  /// What full pools and failing decryption make worse, against a walk over every request:
  /// the dynamic pool of 7.3 takes shared pages from atomic pools, which are below 4 GiB
  /// (swiotlb_alloc_tlb()).
  @Test(arguments: [Platform.x86SME47, .sev, .arm64])
  func circumstancesAreComparedWithTheBase(platform: Platform) throws {
    let (base, version) = (
      try #require(KernelVersion.named("7.2")), try #require(KernelVersion.named("7.3"))
    )
    var domain = MatrixDomain()
    domain.platforms = [platform]
    domain.machines = [.sixtyFourGiB]
    domain.operations = [.map]
    domain.masks = [24, 32, 36, 48, 64].compactMap(DMAMask.init(bits:))
    let check = Check(version, base: base, lints: [.servedStaysServed], domain: domain)
    let found = check.findings.filter(\.isByCircumstance)
    var expected = 0
    let policies = [version.policy, base.policy]
    for boot in domain.boots(on: policies) {
      let usual = policies.map { BootedKernel($0, boot) }
      for circumstance in Circumstance.all
      where circumstance != .ordinary && circumstance.maskChange == .none {
        let kernels = policies.map { BootedKernel($0, boot, circumstance.conditions) }
        for var request in domain.requests(on: boot, policies: policies) {
          for mask in domain.masks {
            request.mask = mask
            func isWorse(_ kernels: [BootedKernel]) -> Bool {
              let served = kernels.map {
                JudgedAnswer(platform, request, $0.answer(to: request)).verdict.isServed
              }
              return served == [false, true]
            }
            guard
              policies.allSatisfy({
                $0.circumstanceExclusion(circumstance, platform, boot.swiotlb, request) == nil
              }), isWorse(kernels), !isWorse(usual)
            else { continue }
            // A guest behind an IOMMU is none that is counted.
            if platform.sharedMemoryReader == .host, kernels[0].usesDMAIOMMU(request) { continue }
            expected += 1
          }
        }
      }
    }
    #expect(found.reduce(0) { $0 + $1.scenarios } == expected)
    if platform == .x86SME47 { #expect(expected > 0) }
    #expect(found.allSatisfy { $0.conditions.allSatisfy { $0.witness.contains(";") } })
  }

  /// v6 takes pKVM out of the series, as its cover letter says, and 7.3 has it; v4 never had it
  /// and is broken there (<agXaby-7L7yS3Vva@google.com>).
  @Test(arguments: [("v4", false), ("v5", false), ("v6", true), ("v7", true), ("7.3", false)])
  func whatAwaitsAnotherSeriesIsNotCounted(name: String, awaits: Bool) throws {
    let check = try check(name)
    let blocked = check.findings.filter { finding in
      finding.verdict == .blocked
        && finding.conditions.contains { $0.witness.hasPrefix("arm64-pkvm/") }
    }
    #expect(check.excused.contains { $0.excuse == .awaitsPKVM } == awaits)
    if awaits { #expect(blocked.isEmpty) }
    if name == "v4" { #expect(!blocked.isEmpty) }
  }

  /// What a circumstance adds to a line is no cause of its own: of one line, kind of host and
  /// severity there is one that is refused or blocked.
  @Test(arguments: ["7.2", "v4", "7.3"])
  func circumstancesAddToCauses(name: String) throws {
    let causes = try check(name).causes
    for cause in causes where cause.isByCircumstance {
      let ordinary = causes.first { other in
        other.line == cause.line && !other.isByCircumstance && other.severity <= cause.severity
          && !other.isAboutDevice
          && Self.isAboutSME(other) == Self.isAboutSME(cause)
      }
      #expect(ordinary == nil, "\(name) \(cause.line)")
    }
    #expect(
      causes.allSatisfy { cause in
        cause.isByCircumstance || cause.worst.allSatisfy { !$0.isByCircumstance }
      })
  }

  private static func isAboutSME(_ cause: Cause) -> Bool {
    cause.findings.flatMap(\.conditions).allSatisfy { $0.witness.hasPrefix("x86-sme") }
  }

  /// Data of a peer are no data of RAM: dma_map_sg() behind AMD's IOMMU maps a peer's memory
  /// as encrypted, and RAM that the caller decrypted (M16, M18 of the knobs).
  @Test func peersAndRAMAreTwoCauses() throws {
    let causes = try check("7.3").causes.filter {
      $0.line.function == "iommu_dma_map_phys" && $0.line.condition == "mapped"
        && $0.severity == .corrupts
    }
    #expect(causes.map(\.isAboutDevice).sorted { $0 && !$1 } == [true, false])
    for cause in causes {
      let buffers = cause.findings.flatMap(\.conditions).compactMap {
        Scenario(key: $0.witness)?.buffer
      }
      #expect(!buffers.isEmpty && buffers.allSatisfy { $0.isDeviceMemory == cause.isAboutDevice })
    }
  }

  /// Source: v7's patch 21/22 (message-id 20260701054926.825925-21-aneesh.kumar@kernel.org):
  /// the RCU callback that frees a dynamic pool may sleep in 7.2 and before.
  @Test(arguments: [("6.1", false), ("6.12", true), ("7.2", true), ("v7", false), ("7.3", false)])
  func sleepsInTheCallbackAreNamed(name: String, sleeps: Bool) throws {
    let found = try check(name).findings.contains { finding in
      switch finding.wrong {
      case .atomicCall(.setMemory, .callback)?, .atomicCall(.setMemory, .both)?: true
      default: false
      }
    }
    #expect(found == sleeps)
  }

  /// iommu_dma_alloc() of v4 uses the page that dma_alloc_from_pool() did not give, with full
  /// atomic pools for any arm64 device that is not coherent; 7.2 looks.
  @Test func fullAtomicPoolsCrashV4() throws {
    func finds(_ name: String) throws -> [Check.Finding] {
      var domain = MatrixDomain()
      domain.platforms = [.arm64]
      domain.operations = [.allocAtomic]
      let kernel = try #require(KernelVersion.named(name))
      return Check(kernel, base: nil, lints: [.noCrash], domain: domain).findings
    }
    let found = try finds("v4")
    #expect(found.contains { $0.wrong == .nullPage })
    #expect(
      found.flatMap(\.conditions).allSatisfy { $0.witness.hasSuffix(";fill=atomic") })
    #expect(try finds("7.2").isEmpty)
  }

  /// Causes divide the violations: no scenario of a lint is lost or counted twice.
  @Test(arguments: ["6.12", "v6", "7.3"])
  func causesDivideTheViolations(name: String) throws {
    let check = try check(name)
    for lint in Lint.allCases {
      let findings = check.findings.filter { $0.lint == lint }.reduce(0) { $0 + $1.scenarios }
      let causes = check.causes.flatMap(\.findings).filter { $0.lint == lint }
      #expect(causes.reduce(0) { $0 + $1.scenarios } == findings, "\(lint.rawValue)")
    }
  }

  /// Source: a count over the database of op=map, attrs=none, buf=large, max_map=max and
  /// verdict=refused: 6762 of 6.1, 7266 of 7.2 and 13608 of 7.3; of these a pool refuses
  /// 1008, 1008 and none.
  @Test(arguments: [("6.1", 6762, 1008), ("7.2", 7266, 1008), ("7.3", 13608, 0)])
  func promisedSizesAreCounted(name: String, all: Int, byPool: Int) throws {
    let kernel = try #require(KernelVersion.named(name))
    let check = Check(
      kernel, base: nil, lints: [.maxMappingSizeIsHonest], domain: MatrixDomain())
    let real = check.findings.reduce(0) { $0 + $1.scenarios }
    let other = check.excused.reduce(0) { $0 + $1.finding.scenarios }
    #expect(real == byPool && real + other == all)
    #expect(check.excused.allSatisfy { $0.excuse == .pageRefused })
  }

  /// The Realm's pool of 7.3 is RAM/1024, that of 7.2 IO_TLB_DEFAULT_SIZE.
  @Test func theRealmsPoolShrinks() throws {
    let findings = try check("7.3").findings.filter { $0.lint == .restrictedPoolShrinks }
    #expect(findings.map(\.headline) == ["pool of 2 MiB, was 64 MiB on the base"])
    #expect(findings.first?.scenarios == 6)
  }
}
