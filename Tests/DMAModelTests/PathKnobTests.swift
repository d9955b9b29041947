import DMAModel
import Testing

/// Every knob that decides stands in the path, for every version against its base.
@Suite struct PathKnobTests {
  /// A version, its base, and that version with one knob each as the base has it.
  private struct Neighbours {
    let version: BootedKernel
    let base: BootedKernel
    let reverted: [(knob: Knob, kernel: BootedKernel)]
  }

  /// A difference of a kind that was looked at already.
  private struct Kind: Hashable {
    let paths: [UInt64]
    let knobs: Set<String>
  }

  /// Where two neighbours answer or end otherwise, each changed knob without which the
  /// version would answer otherwise is named behind the common part of both paths.
  @Test(arguments: KernelVersion.known.dropFirst().map(\.name))
  func decidingKnobsAreNamed(name: String) throws {
    let version = try #require(KernelVersion.named(name))
    let base = try #require(version.base.flatMap(KernelVersion.named))
    var seen: Set<Kind> = []
    for platform in version.policy.platforms.platforms
    where base.policy.platforms.contains(platform) {
      for iommu in [IOMMUMode.none, .off, .passthrough, .translated] {
        for swiotlb in SwiotlbMode.allCases
        where version.policy.bootExclusion(platform, iommu, swiotlb) == nil
          && base.policy.bootExclusion(platform, iommu, swiotlb) == nil
        {
          for machine in Machine.standard {
            let neighbours = neighbours(version, base, platform, iommu, swiotlb, machine)
            for request in requests(platform, iommu, machine, [version.policy, base.policy]) {
              try check(request, on: neighbours, of: version, &seen)
            }
          }
        }
      }
    }
  }

  private func check(
    _ request: DeviceRequest, on kernels: Neighbours, of version: KernelVersion,
    _ seen: inout Set<Kind>
  ) throws {
    let new = columns(kernels.version, request)
    guard new != columns(kernels.base, request) else { return }
    let deciding = kernels.reverted.filter { columns($0.kernel, request) != new }.map(\.knob.id)
    let kind = Kind(
      paths: [kernels.base, kernels.version].map {
        $0.lifeCycleAndFingerprint(of: request).fingerprint
      }, knobs: Set(deciding))
    guard seen.insert(kind).inserted else { return }
    let paths = [kernels.base, kernels.version].map {
      $0.explain(request).path + $0.explainUndo(of: request).path
    }
    let common = zip(paths[0], paths[1]).prefix { $0 == $1 }.count
    let named = Set(paths.flatMap { $0.dropFirst(common).map(\.knob) })
    for id in deciding {
      let isNamed = named.contains(id)
      #expect(
        isNamed,
        """
        \(version.name) \(kernels.version.platform.name) \(kernels.version.iommu.name) \
        \(kernels.version.swiotlb.name) \(request): \(id) decides; named: \(named.sorted())
        """)
    }
  }

  /// What the columns of an answer and of its end say.
  private func columns(_ kernel: BootedKernel, _ request: DeviceRequest) -> LifeCycle {
    let cycle = kernel.lifeCycle(of: request)
    var (answer, after) = (cycle.answer, cycle.after)
    if !answer.hasPrintableAddress { answer.address = nil }
    answer.decision = .notRecorded
    after.atomicCall = .none
    return LifeCycle(answer: answer, after: after, usesPool: false)
  }

  private func neighbours(
    _ version: KernelVersion, _ base: KernelVersion, _ platform: Platform, _ iommu: IOMMUMode,
    _ swiotlb: SwiotlbMode, _ machine: Machine
  ) -> Neighbours {
    func booted(_ policy: Policy) -> BootedKernel {
      BootedKernel(
        policy: policy, platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine)
    }
    let reverted = version.changes.map { change -> (Knob, BootedKernel) in
      var policy = version.policy
      _ = change.knob.set(change.knob.value(in: base.policy), in: &policy)
      return (change.knob, booted(policy))
    }
    return Neighbours(
      version: booted(version.policy), base: booted(base.policy), reverted: reverted)
  }

  /// Every device and request that exists on both, for masks around every boundary.
  private func requests(
    _ platform: Platform, _ iommu: IOMMUMode, _ machine: Machine, _ policies: [Policy]
  ) -> [DeviceRequest] {
    let masks = [24, 30, 31, 32, 36, 47, 48, 52, 64].compactMap(DMAMask.init(bits:))
    let requests = MatrixDomain().requests(on: machine, platform, iommu, policies: policies)
    return requests.flatMap { request in
      masks.map { mask in
        var request = request
        request.mask = mask
        return request
      }
    }
  }

  /// A question that everybody answers alike is none: over all kernels and circumstances,
  /// and kernels with other rules for the state and the end of pools, each is answered
  /// both ways.
  @Test func noQuestionIsAConstant() throws {
    var answers: [String: Set<Bool>] = [:]
    for version in KernelVersion.known {
      for platform in version.policy.platforms.platforms {
        for iommu in [IOMMUMode.none, .passthrough, .translated] {
          note(version.policy, platform, iommu, SwiotlbMode.allCases, &answers)
        }
      }
    }
    for name in ["6.12", "7.2", "v7"] {
      let policy = try #require(KernelVersion.named(name)).policy
      for knob in try ["F4", "S1", "S2"].map({ try #require(Knob.named($0)) }) {
        for value in knob.values.map(\.name) where value != knob.value(in: policy) {
          var other = policy
          #expect(knob.set(value, in: &other))
          for platform in [Platform.x86SME47, .sev, .arm64CCA] {
            note(other, platform, .none, [.standard, .force, .restricted], &answers)
          }
        }
      }
    }
    let constant = answers.filter { $0.value.count == 1 }.keys.sorted()
    #expect(constant == [])
  }

  /// Notes what is asked and answered on a machine in every circumstance.
  private func note(
    _ policy: Policy, _ platform: Platform, _ iommu: IOMMUMode, _ swiotlbs: [SwiotlbMode],
    _ answers: inout [String: Set<Bool>]
  ) {
    for swiotlb in swiotlbs where policy.bootExclusion(platform, iommu, swiotlb) == nil {
      for circumstance in Circumstance.all {
        let kernel = BootedKernel(
          policy: policy, platform: platform, iommu: iommu, swiotlb: swiotlb,
          machine: .sixtyFourGiB, conditions: circumstance.conditions)
        note(kernel, policy, circumstance, &answers)
      }
    }
  }

  private func note(
    _ kernel: BootedKernel, _ policy: Policy, _ circumstance: Circumstance,
    _ answers: inout [String: Set<Bool>]
  ) {
    var domain = MatrixDomain()
    domain.coherentMasks = [.same, .bits32]
    domain.busLimits = [.none]
    for var request in domain.requests(
      on: kernel.machine, kernel.platform, kernel.iommu, policies: [policy])
    {
      // An allocation that is larger than any atomic pool, beside those of a page.
      let large = request.operation.isMapping ? nil : Buffer(allocating: 8 << 20)
      for buffer in [request.buffer, large].compactMap({ $0 }) {
        request.buffer = buffer
        for mask in [24, 32, 47, 64].compactMap(DMAMask.init(bits:)) {
          request.mask = mask
          guard
            policy.circumstanceExclusion(circumstance, kernel.platform, kernel.swiotlb, request)
              == nil
          else { continue }
          let path =
            kernel.explain(request).path
            + kernel.explainUndo(of: request, maskChange: circumstance.maskChange).path
          for step in path {
            answers["\(step.function): \(step.condition)", default: []].insert(step.taken)
          }
        }
      }
    }
  }

  /// v4+P19: a shared restricted pool serves maps and allocations of a pKVM guest alike,
  /// as far as the device reaches the pool at 0x60000000 (31 bits).
  @Test func restrictedRequestsOfP19AreServed() throws {
    let version = try #require(KernelVersion.named("v4+P19"))
    let kernel = version.booted(.arm64PKVM, .none, .restricted, .sixtyFourGiB)
    for var request in MatrixDomain().requests(
      on: .sixtyFourGiB, .arm64PKVM, .none, policies: [version.policy])
    where request.attributes == .none && request.coherentMask == .same
      && request.buffer.length <= 256 << 10 && !request.buffer.isDeviceMemory
    {
      for mask in DMAMask.allCases {
        request.mask = mask
        let judged = JudgedAnswer(.arm64PKVM, request, kernel.answer(to: request))
        #expect(judged.verdict.isServed == (mask.bits >= 31), "\(request)")
        if mask.bits >= 31 { #expect(judged.answer.memoryState == .shared) }
      }
    }
  }
}
