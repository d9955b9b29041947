import DMAModel
import Testing

/// Answers that the review or a booted kernel established, one by one.
@Suite struct ReviewTests {
  private func answer(_ kernel: String, _ key: String) throws -> Answer {
    let version = try #require(KernelVersion.named(kernel))
    let scenario = try #require(Scenario(key: key))
    let machine = try #require(Machine.standard.first { $0.name == scenario.memory })
    #expect(version.policy.exclusion(of: scenario, on: machine) == nil)
    return BootedKernel(
      policy: version.policy, platform: scenario.platform, iommu: scenario.iommu,
      swiotlb: scenario.swiotlb, machine: machine
    ).answer(to: scenario.deviceRequest)
  }

  /// "mem_encrypt=on iommu=pt swiotlb=force": v4 to v6 refuse devices that reach
  /// the C-bit, v7 repairs it. Source: the report against v6 of 2026-06-18,
  /// <2ecfa1a8-6202-4319-9692-a6ffeb5a3dbf@amd.com>, and measured vectors.
  @Test(arguments: [
    ("6.12", AnswerResult.bounce), ("7.2", .bounce), ("v4", .error), ("v5", .error),
    ("v6", .error), ("v7", .bounce), ("7.3", .bounce),
  ])
  func smeHostsWithForcedBounces(kernel: String, result: AnswerResult) throws {
    let key = "x86-sme47/passthrough/force/64G/64/same/none/1/0/map/none/dma32"
    #expect(try answer(kernel, key).result == result)
  }

  /// force_dma_unencrypted() on SME looks at the coherent mask whatever is mapped.
  @Test func theCoherentMaskDecidesForStreamingToo() throws {
    let wide = "x86-sme47/none/default/64G/64/64/none/1/0/map/none/dma32"
    let narrow = "x86-sme47/none/default/64G/64/32/none/1/0/map/none/dma32"
    #expect(try answer("7.3", wide).result == .direct)
    #expect(try answer("7.3", narrow).result == .bounce)
    #expect(try answer("7.2", narrow).result == .direct)
  }

  /// A map above 256 KiB fails wherever it would bounce (booted kernels).
  @Test func largeBuffersDoNotBounce() throws {
    let key = "tdx/none/default/64G/64/same/none/1/0/map/none/large"
    let answer = try answer("7.3", key)
    #expect(answer.result == .error)
    #expect(answer.warnings == [.memoryEncryption, .swiotlbFull])
  }

  /// dma_map_resource() under swiotlb=force: direct in 6.12, a silent error from
  /// 7.2 on (booted kernels).
  @Test func mmioUnderForce() throws {
    let key = "x86/none/force/64G/64/same/none/1/0/map/mmio/mmio64"
    #expect(try answer("6.12", key).result == .direct)
    let refused = try answer("7.2", key)
    #expect(refused.result == .error && refused.warnings.isEmpty)
  }

  /// swiotlb=force changes nothing behind dma-iommu (booted kernels).
  @Test func translatingModesIgnoreForce() throws {
    for kernel in KernelVersion.all {
      for mask in [32, 64] {
        let key = "x86/translated/%/64G/\(mask)/same/none/1/0/map/none/dma32"
        let forced = try answer(kernel.name, key.replacing("%", with: "force"))
        let plain = try answer(kernel.name, key.replacing("%", with: "default"))
        #expect(forced.result == .iova && plain.result == .iova)
      }
    }
  }

  /// v4 hands s390 guests a private pool that nothing may use (its changelog and
  /// the reply to it); v5 counts them as encrypting.
  @Test func s390GuestsInV4() throws {
    let key = "s390-pv/none/default/64G/64/same/none/1/0/map/none/dma32"
    #expect(try answer("7.2", key).result == .bounce)
    #expect(try answer("v4", key).decision == .poolStateMismatch)
    #expect(try answer("v5", key).result == .bounce)
  }

  /// CC_SHARED in a scatter list reaches dma-iommu and is ignored: the PTE keeps
  /// the C-bit, the buffer does not (M16, M18).
  @Test func ccSharedScatterListsBehindAnAMDIOMMU() throws {
    let key = "x86-sme47/translated/default/64G/64/same/none/1/0/map_sg/cc_shared/dma32"
    let scenario = try #require(Scenario(key: key))
    let answer = try answer("7.3", key)
    #expect(answer.memoryState == .shared && answer.pte == .private)
    let verdict = hardwareVerdict(
      platform: .x86SME47, request: scenario.deviceRequest, answer: answer)
    #expect(verdict == .garbled)
  }

  /// swiotlb-xen, by reading: MMIO is a call that it lacks before 7.2.
  @Test func xenMapsDeviceMemorySince72() throws {
    let key = "xen-pv/none/default/64G/64/same/none/1/0/map/mmio/mmio64"
    #expect(try answer("6.12", key).decision == .xenNoResource)
    #expect(try answer("7.2", key).decision == .xenMappedResource)
  }

  /// lazy and strict decide as translated does.
  @Test func invalidationDoesNotDecide() throws {
    for kernel in KernelVersion.all {
      for request in ["map/none/small", "alloc/none/-", "map_sg/none/dma32"] {
        let answers = try ["translated", "lazy", "strict"].map { mode in
          try answer(kernel.name, "sev/\(mode)/default/64G/40/same/none/1/1/\(request)")
        }
        #expect(Set(answers).count == 1)
      }
    }
  }
}
