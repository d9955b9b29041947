import DMAModel
import Testing

/// Values that are answered where they are named, and are not in the matrix.
@Suite struct ExtendedValueTests {
  private func spellings<Value: AxisValue>(_: Value.Type) {
    #expect(Set(Value.knownNames).count == Value.known.count)
    for value in Value.known { #expect(Value(name: value.name) == value) }
    for value in Value.extended {
      #expect(!Value.allCases.contains(value) && Value.accepted.contains(value.name))
      #expect(!value.summary.isEmpty)
    }
  }

  @Test func everyOneHasASpelling() {
    spellings(Facing.self)
    spellings(Operation.self)
    spellings(PoolFill.self)
    spellings(Exclusion.self)
    #expect(Facing.extended.map(\.name) == ["accepted"])
    spellings(AnswerResult.self)
    spellings(Decision.self)
    #expect(
      Operation.extended.map(\.name) == ["alloc_cc_shared", "iova_link", "alloc_noncontiguous"])
  }

  /// The matrix and its dense index know none of them; a key does.
  @Test func theMatrixHasNone() throws {
    #expect(MatrixDomain().combinations == 14 * 4 * 4 * 2 * 8 * 41 * 3 * 2 * 2 * 2 * 8 * 5 * 8)
    #expect(!MatrixDomain().hasExtendedValues)
    for key in [
      "sev/none/default/64G/64/same/none/1/accepted/map/none/high",
      "sev/none/default/64G/64/same/none/1/0/alloc_cc_shared/none/-",
      "sev/none/default/64G/64/same/none/1/0/iova_link/none/high",
    ] {
      let scenario = try #require(Scenario(key: key))
      #expect(scenario.key == key && ScenarioIndex.index(of: scenario) == nil)
    }
  }

  // MARK: - dma_alloc_attrs() with DMA_ATTR_CC_SHARED

  private func answer(
    _ kernel: String, _ platform: Platform, _ iommu: IOMMUMode, _ operation: Operation
  ) throws -> JudgedAnswer {
    let kernel = try #require(KernelVersion.named(kernel))
    let request = DeviceRequest(
      mask: try #require(DMAMask(bits: 64)), coherentMask: .same, busLimit: .none,
      coherence: .coherent, facing: .internal, operation: operation, attributes: .none,
      buffer: .none)
    let booted = kernel.booted(platform, iommu, .standard, .sixtyFourGiB)
    return JudgedAnswer(platform, request, booted.answer(to: request))
  }

  /// Source: kernel/dma/mapping.c `dma_alloc_attrs()` of 7.2 and 7.3; patch 2 of v4 and 9 of v7
  /// for `dma_direct_alloc()`; 6.12 has no such attribute.
  @Test(arguments: [Platform.x86, .x86SME47, .sev, .xenPV], [IOMMUMode.none, .translated])
  func aCallersSharedAllocation(platform: Platform, iommu: IOMMUMode) throws {
    guard platform != .xenPV || iommu == .none else { return }
    for kernel in ["6.1", "6.12"] {
      let policy = try #require(KernelVersion.named(kernel)).policy
      #expect(
        policy.requestExclusion(.allocCCShared, .none, .none, on: .sixtyFourGiB)
          == .attributeUnknown)
    }
    #expect(
      try answer("7.2", platform, iommu, .allocCCShared)
        == answer("7.2", platform, iommu, .alloc))
    for kernel in ["v7", "7.3"] {
      #expect(
        try answer(kernel, platform, iommu, .allocCCShared).answer.decision == .allocCallerShared)
    }
    for kernel in ["v4", "v5", "v6"] {
      let shared = try answer(kernel, platform, iommu, .allocCCShared)
      let ordinary = try answer(kernel, platform, iommu, .alloc)
      if iommu == .translated {
        // dma_pgprot() maps private pages decrypted.
        #expect(shared.answer.result == .page)
        #expect(shared.verdict == (platform == .x86SME47 ? .garbled : ordinary.verdict))
      } else if platform == .xenPV {
        // swiotlb-xen does not look at the attribute.
        #expect(shared == ordinary)
      } else {
        #expect(shared.answer.decision == .allocCallerShared)
      }
    }
  }

  // MARK: - Full atomic pools

  /// Source: kernel/dma/pool.c `dma_alloc_from_pool()`: a full pool grows after an
  /// allocation that succeeds alone, and the default pool of swiotlb is another matter.
  @Test(arguments: KernelVersion.all)
  func fullAtomicPoolsRefuse(kernel: KernelVersion) throws {
    let circumstance = Circumstance(fill: .atomicPools)
    #expect(Circumstance.extended == [circumstance] && !Circumstance.all.contains(circumstance))
    let key = "sev/none/default/64G/64/same/none/1/0/alloc_atomic/none/-;fill=atomic"
    let parsed = try #require(Circumstance.parsed(key: key))
    #expect(parsed.0.key + parsed.1.suffix == key && parsed.1 == circumstance)
    var request = parsed.0.deviceRequest
    let boots = [BootConditions.ordinary, circumstance.conditions].map {
      kernel.booted(.sev, .none, .standard, .sixtyFourGiB, $0)
    }
    #expect(boots[0].answer(to: request).result == .pool)
    let refused = boots[1].answer(to: request)
    #expect(refused.result == .error && refused.warnings.contains(.poolExhausted))
    request.operation = .alloc
    #expect(boots[0].lifeCycle(of: request) == boots[1].lifeCycle(of: request))
    (request.operation, request.buffer) = (.map, .high)
    #expect(boots[0].lifeCycle(of: request) == boots[1].lifeCycle(of: request))
    // powerpc has no such pools, s390 has them since 7.3 (arch/s390/Kconfig).
    request.operation = .allocAtomic
    func rule(_ platform: Platform) -> Exclusion? {
      kernel.policy.circumstanceExclusion(circumstance, platform, .standard, request)
    }
    #expect(rule(.sev) == nil && rule(.ppc64) == .atomicFillNeedsPools)
    #expect((rule(.s390) == nil) == kernel.policy.coherentPoolConfigured.contains(.s390))
  }

  // MARK: - Accepted devices

  /// No modelled kernel has `device_cc_accepted()`: 7.3's include/linux/device.h does not.
  @Test(arguments: KernelVersion.all)
  func toModelledKernelsTheyAreOrdinary(kernel: KernelVersion) {
    var domain = MatrixDomain()
    domain.platforms = domain.platforms.filter(\.acceptsDevices)
    domain.machines = [.sixtyFourGiB]
    domain.facings = [.ccAccepted]
    var count = 0
    for boot in domain.boots(on: [kernel.policy]) {
      let booted = kernel.booted(boot)
      for var request in domain.requests(
        on: boot.machine, boot.platform, boot.iommu, policies: [kernel.policy])
      {
        for mask in [32, 48, 64].compactMap(DMAMask.init(bits:)) {
          (request.mask, request.facing) = (mask, .ccAccepted)
          let accepted = booted.lifeCycle(of: request)
          request.facing = .internal
          #expect(accepted == booted.lifeCycle(of: request))
          count += 1
        }
      }
    }
    #expect(count > 1000)
  }

  @Test func theyExistWhereTDISPDoes() {
    for platform in Platform.allCases {
      let rule = Policy.deviceExclusion(platform, .none, .coherent, .ccAccepted)
      #expect((rule == nil) == [.sev, .tdx, .arm64CCA].contains(platform))
    }
    #expect(Policy.acceptedExclusion(.ccAccepted, .mmio64) == .acceptedPeer)
    #expect(Policy.acceptedExclusion(.ccAccepted, .high) == nil)
  }

  /// The alias by the address (CCA), by the IOMMU's entry of the device (SEV), by a bit that
  /// nobody sets (TDX): see `acceptedAlias(of:on:)`.
  @Test(arguments: [
    ("arm64-cca", AddressEncoding.private, MemoryState.private, Verdict.ok),
    ("arm64-cca", .private, .shared, .blocked), ("arm64-cca", .shared, .shared, .ok),
    ("arm64-cca", .shared, .private, .blocked), ("arm64-cca", .iova, .private, .ok),
    ("arm64-cca", .iova, .shared, .blocked),
    ("sev", .private, .private, .ok), ("sev", .shared, .private, .ok),
    ("sev", .shared, .shared, .blocked), ("sev", .iova, .private, .ok),
    ("sev", .iova, .shared, .blocked),
    ("tdx", .plain, .private, .ok), ("tdx", .plain, .shared, .blocked),
  ])
  func whatTheyReach(
    name: String, encoding: AddressEncoding, memory: MemoryState, verdict: Verdict
  ) throws {
    let platform = try #require(Platform(name: name))
    let request = DeviceRequest(
      mask: try #require(DMAMask(bits: 64)), coherentMask: .same, busLimit: .none,
      coherence: .coherent, facing: .ccAccepted, operation: .map, attributes: .none, buffer: .high)
    let answer = Answer(
      result: encoding == .iova ? .iova : .direct, encoding: encoding, memoryState: memory,
      pte: encoding != .iova ? .none : name == "sev" ? .private : .plain, warnings: [],
      decision: .directRAM, address: nil)
    #expect(hardwareVerdict(platform: platform, request: request, answer: answer) == verdict)
  }

  /// A result that is known of another device is none of an accepted one.
  @Test func theirLinesAreTheirOwn() throws {
    var domain = MatrixDomain()
    domain.facings = [.internal, .external, .ccAccepted]
    var known = KnownLines(domain)
    var request = DeviceRequest(
      mask: try #require(DMAMask(bits: 64)), coherentMask: .same, busLimit: .none,
      coherence: .coherent, facing: .internal, operation: .map, attributes: .none, buffer: .high)
    known.keep(1, for: request, [])
    request.facing = .external
    #expect(known[request] == 1)
    request.facing = .ccAccepted
    #expect(known[request] == nil)
    known.keep(2, for: request, [])
    #expect(known[request] == 2)
  }

  /// Proposals about accepted devices change nothing else.
  @Test(arguments: KernelVersion.known.filter { $0.changes.contains { $0.knob.id.hasPrefix("T") } })
  func proposalsAreAboutThemAlone(alternative: KernelVersion) throws {
    let name = try #require(alternative.base)
    let base = try #require(KernelVersion.named(name))
    var (domain, same, other) = (MatrixDomain(), 0, 0)
    domain.platforms = domain.platforms.filter(\.acceptsDevices)
    domain.machines = [.sixtyFourGiB]
    domain.facings = [.internal, .external, .ccAccepted]
    for boot in domain.boots(on: [base.policy]) {
      let kernels = [base.booted(boot), alternative.booted(boot)]
      for request in domain.requests(
        on: boot.machine, boot.platform, boot.iommu, policies: [base.policy])
      {
        var request = request
        request.mask = .allCases[24]
        let answers = kernels.map { $0.answer(to: request) }
        let isEqual = answers[0] == answers[1]
        if request.facing != .ccAccepted { #expect(isEqual) }
        (same, other) = isEqual ? (same + 1, other) : (same, other + 1)
      }
    }
    #expect(same > 0 && other > 0)
  }
}
