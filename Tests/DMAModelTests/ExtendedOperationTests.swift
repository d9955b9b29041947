import DMAModel
import Testing

/// Operations that are answered where they are named, and are not in the matrix:
/// dma_iova_link() and dma_alloc_noncontiguous().
@Suite struct ExtendedOperationTests {
  private func request(
    _ operation: Operation, _ buffer: Buffer, _ facing: Facing = .internal,
    _ attributes: Attributes = .none, coherence: Coherence = .coherent
  ) -> DeviceRequest {
    DeviceRequest(
      mask: .allCases[40], coherentMask: .same, busLimit: .none, coherence: coherence,
      facing: facing, operation: operation, attributes: attributes, buffer: buffer)
  }

  private func booted(
    _ kernel: KernelVersion, _ platform: Platform, _ iommu: IOMMUMode, minAlign: UInt64 = 0
  ) -> BootedKernel {
    var device = DeviceParameters()
    device.minAlignMask = minAlign
    return kernel.booted(platform, iommu, .standard, Machine.sixtyFourGiB.with(device))
  }

  /// Kernels that have dma_iova_link(): not 6.1 and 6.12.
  private static let linking = KernelVersion.all.filter { !["6.1", "6.12"].contains($0.name) }

  // MARK: - dma_iova_link()

  /// Source: include/linux/dma-mapping.h of 6.1 and 6.12 has no dma_iova_link(), that of
  /// 7.2 has; between them came first the call, then the attributes.
  @Test func itIsAnswered() throws {
    func rule(_ kernel: KernelVersion, _ attributes: Attributes) -> Exclusion? {
      kernel.policy.requestExclusion(
        .iovaLink, attributes, attributes == .mmio ? .mmio64 : .high, on: .sixtyFourGiB)
    }
    for name in ["6.1", "6.12"] {
      let kernel = try #require(KernelVersion.named(name))
      #expect(rule(kernel, .none) == .operationUnknown && rule(kernel, .mmio) == .operationUnknown)
    }
    for kernel in Self.linking {
      #expect(rule(kernel, .none) == nil && rule(kernel, .mmio) == nil)
    }
    let (old, knob) = try (
      #require(KernelVersion.named("6.12")), #require(Knob.named("M0"))
    )
    let between = try #require(
      KernelVersion(
        variant: "x", basedOn: old, summary: "", link: nil, settings: [(knob, "pageAndIOVA")]))
    #expect(rule(between, .none) == nil && rule(between, .mmio) == .attributeUnknown)
    // What it shares with the base is answered as there.
    for buffer in [Buffer.high, .small, .large] {
      #expect(
        booted(between, .x86, .translated).lifeCycle(of: request(.map, buffer, .external))
          == booted(old, .x86, .translated).lifeCycle(of: request(.map, buffer, .external)))
    }
  }

  /// Source: `dma_iova_try_alloc()` is false without use_dma_iommu().
  @Test(arguments: linking)
  func withoutDMAIOMMUItIsNotUsable(kernel: KernelVersion) {
    for platform in [Platform.x86, .x86SME47, .sev, .arm64, .s390, .xenPV] {
      for iommu in [IOMMUMode.none, .passthrough]
      where kernel.policy.bootExclusion(platform, iommu, .standard) == nil {
        let answer = booted(kernel, platform, iommu).answer(to: request(.iovaLink, .high))
        #expect(answer.result == .error && answer.decision == .iovaNotUsable)
      }
    }
  }

  /// Whole pages are linked as dma_map_phys() maps them; of CC_SHARED, which that refuses
  /// here, `dma_iova_link()` takes no notice.
  @Test(arguments: linking)
  func wholePagesAreLinkedAsTheyAreMapped(kernel: KernelVersion) {
    for platform in [Platform.x86, .x86SME47, .sev, .arm64, .arm64CCA]
    where kernel.policy.platforms.contains(platform) {
      let boot = booted(kernel, platform, .translated)
      for (attributes, buffers) in [
        (Attributes.none, [Buffer.low, .dma32, .high, .large]),
        (.requireCoherent, [.high]), (.mmio, [.mmio32, .mmio64]),
      ] {
        for buffer in buffers {
          for facing in [Facing.internal, .external] {
            let mapped = boot.answer(to: request(.map, buffer, facing, attributes))
            let linked = boot.answer(to: request(.iovaLink, buffer, facing, attributes))
            #expect(mapped.columns == linked.columns)
          }
        }
      }
      #expect(
        boot.answer(to: request(.map, .high, .internal, .ccShared)).decision
          == .ccSharedNotDirect)
      let shared = boot.answer(to: request(.iovaLink, .high, .internal, .ccShared))
      #expect(shared.decision == .iovaLinked && shared.result == .iova)
    }
  }

  /// Page by page against a reference: of an untrusted device's buffer each page bounces
  /// that is not whole, and the first one cannot where its slot would begin elsewhere in a
  /// page than the buffer does.
  @Test(arguments: linking)
  func unalignedEndsBounce(kernel: KernelVersion) throws {
    var seen: Set<AnswerResult> = []
    for minAlign in [0, 0x1ff, 0xfff] as [UInt64] {
      let boot = booted(kernel, .x86, .translated, minAlign: minAlign)
      for offset in [0, 0x48, 0x200, 0xe00, 0xfff] as [UInt64] {
        for length in [1, 24, 0xe00, 4096, 4097, 8192, 12_288, 12_300, 65_536] as [UInt64] {
          let start = 8 << 30 | offset
          let buffer = try #require(Buffer(at: start, length: length))
          let pages = (start >> 12)...((start + length - 1) >> 12)
          let whole = pages.map { $0 << 12 >= start && ($0 + 1) << 12 <= start + length }
          let result: AnswerResult =
            !whole.contains(false)
            ? .iova
            : offset & ~minAlign != 0 ? .error : whole.contains(true) ? .iovaEnds : .iovaBounce
          let cycle = boot.lifeCycle(of: request(.iovaLink, buffer, .external))
          #expect(cycle.answer.result == result, "\(buffer.name) \(minAlign)")
          #expect((cycle.after.unmapCopy == .copied) == result.bounces)
          #expect(cycle.after.slots == .ok)
          if result == .error { #expect(cycle.answer.decision == .iovaBounceOffset) }
          seen.insert(result)
          #expect(boot.answer(to: request(.iovaLink, buffer)).result == .iova)
          for attributes in [Attributes.requireCoherent] where result != .iova {
            let refused = boot.answer(to: request(.iovaLink, buffer, .external, attributes))
            #expect(refused.decision == .iovaBounceForbidden)
          }
        }
      }
    }
    #expect(seen == [.iova, .iovaBounce, .iovaEnds, .error])
  }

  /// The two attributes that forbid a bounce, and REQUIRE_COHERENT of who is not.
  @Test(arguments: linking)
  func whatIsRefused(kernel: KernelVersion) throws {
    let boot = booted(kernel, .arm64, .translated)
    let part = try #require(Buffer(at: 56 << 32, length: 100, isDeviceMemory: true))
    #expect(
      boot.answer(to: request(.iovaLink, part, .external, .mmio)).decision
        == .iovaBounceForbidden)
    #expect(
      boot.answer(
        to: request(.iovaLink, .high, .internal, .requireCoherent, coherence: .noncoherent)
      ).decision == .iovaRequireCoherent)
  }

  /// On an SME host the ends lie in a decrypted pool and the page-table entries have the
  /// C-bit: garbled, although the pages between are right. Without a C-bit all is well.
  @Test func endsAreJudgedBesideTheMiddle() throws {
    let kernel = try #require(KernelVersion.named("7.3"))
    let buffer = try #require(Buffer(at: 8 << 30, length: 5000))
    for (platform, verdict) in [(Platform.x86, Verdict.bounced), (.x86SME47, .garbled)] {
      let request = request(.iovaLink, buffer, .external)
      let answer = booted(kernel, platform, .translated).answer(to: request)
      #expect(answer.result == .iovaEnds)
      #expect(hardwareVerdict(platform: platform, request: request, answer: answer) == verdict)
    }
    // Right ends and a decrypted middle behind a C-bit.
    let request = request(.iovaLink, buffer, .external, .ccShared)
    let answer = Answer(
      result: .iovaEnds, encoding: .iova, memoryState: .private, pte: .private, warnings: [],
      decision: .iovaEndsBounced, address: nil)
    #expect(hardwareVerdict(platform: .x86SME47, request: request, answer: answer) == .garbled)
  }

  // MARK: - dma_alloc_noncontiguous()

  /// Source: kernel/dma/mapping.c `alloc_single_sgt()`: one block of __dma_alloc_pages().
  @Test(arguments: KernelVersion.all)
  func withoutDMAIOMMUItIsOneBlock(kernel: KernelVersion) throws {
    let buffers = [Buffer.none] + [8192, 8 << 20].compactMap { Buffer(allocating: $0) }
    for platform in kernel.policy.platforms.platforms {
      for swiotlb in SwiotlbMode.allCases
      where kernel.policy.bootExclusion(platform, .none, swiotlb) == nil {
        let boot = kernel.booted(platform, .none, swiotlb, .sixtyFourGiB)
        for mask in DMAMask.allCases {
          for buffer in buffers {
            var asked = request(.allocNoncontiguous, buffer)
            asked.mask = mask
            var pages = asked
            pages.operation = .allocPages
            #expect(boot.lifeCycle(of: asked) == boot.lifeCycle(of: pages))
          }
        }
      }
    }
  }

  /// Source: drivers/iommu/dma-iommu.c `iommu_dma_alloc_noncontiguous()`: neither the pool of
  /// a non-coherent device's atomic allocation, nor the refusal of `iommu_dma_alloc()` in v7
  /// and 7.3, is on its way; larger than a block is no matter.
  @Test(arguments: KernelVersion.all)
  func behindDMAIOMMUPagesAreMapped(kernel: KernelVersion) throws {
    let large = try #require(Buffer(allocating: 8 << 20))
    for platform in kernel.policy.dmaIOMMUPlatforms.platforms
    where kernel.policy.platforms.contains(platform) {
      let boot = booted(kernel, platform, .translated)
      for buffer in [Buffer.none, large] {
        let cycle = boot.lifeCycle(of: request(.allocNoncontiguous, buffer))
        #expect(cycle.answer.result == .page && cycle.answer.encoding == .iova)
        #expect(cycle.after == LifeAnswer())
        let ordinary = boot.answer(to: request(.alloc, buffer))
        if ordinary.result != .error { #expect(cycle.answer.columns == ordinary.columns) }
      }
    }
    let forced = booted(kernel, .sev, .translated).answer(to: request(.alloc, .none))
    #expect((forced.result == .error) == ["v7", "7.3"].contains(kernel.name))
  }
}
