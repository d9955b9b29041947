import DMAModel
import Testing

/// The verdict over every combination of platform, encoding, memory state and
/// PTE, against a reference that states the rule of the specification anew.
@Suite struct VerdictTests {
  @Test func everyCombinationOfStates() {
    for platform in Platform.allCases {
      for result in AnswerResult.allCases {
        for encoding in AddressEncoding.allCases {
          for memory in MemoryState.allCases {
            for pte in MemoryState.allCases {
              for address in [nil, 0, 0x1000] as [UInt64?] {
                let answer = Answer(
                  result: result, encoding: encoding, memoryState: memory, pte: pte,
                  warnings: [], decision: .directRAM, address: address)
                for buffer in [Buffer.dma32, .mmio32] {
                  #expect(
                    hardwareVerdict(
                      platform: platform, request: request(buffer), answer: answer)
                      == reference(platform, answer, buffer))
                }
              }
            }
          }
        }
      }
    }
  }

  private func reference(_ platform: Platform, _ answer: Answer, _ buffer: Buffer) -> Verdict {
    guard answer.result != .error else { return .refused }
    var alias = answer.encoding == .iova ? answer.pte.name : answer.encoding.name
    // A Realm's IOVA leads to the physical address as it is: the private IPA.
    if platform.name == "arm64-cca", answer.encoding == .iova, alias == "plain" {
      alias = "private"
    }
    if ["x86-sme47", "x86-sme51"].contains(platform.name) {
      let isPeer = buffer.isDeviceMemory && answer.memoryState == .none
      if alias != (isPeer ? "shared" : answer.memoryState.name) { return .garbled }
    } else if !["x86", "arm64", "ppc64", "s390", "xen-pv"].contains(platform.name) {
      if answer.memoryState.name == "private" || alias == "private" { return .blocked }
    }
    guard answer.result.name.contains("bounce") else { return .ok }
    // A copy of a peer's memory is not the peer.
    return buffer.isDeviceMemory ? .unreachable : .bounced
  }

  /// The whole matrix: nothing of a peer counts as served by a bounce, and nothing of a
  /// Realm behind dma-iommu as served at all.
  @Test(arguments: KernelVersion.known)
  func peersAndRealmsAreNotServedByCopies(version: KernelVersion) {
    var domain = MatrixDomain()
    domain.operations = [.map, .mapSG, .mapSGP2P, .alloc, .allocAtomic, .allocPagesAtomic]
    for platform in version.policy.platforms.platforms {
      for iommu in domain.iommuModes {
        for swiotlb in domain.swiotlbModes
        where version.policy.bootExclusion(platform, iommu, swiotlb) == nil {
          let kernel = version.booted(platform, iommu, swiotlb, .sixtyFourGiB)
          for var request in domain.requests(
            on: .sixtyFourGiB, platform, iommu, policies: [version.policy])
          {
            for mask in domain.masks {
              request.mask = mask
              let judged = JudgedAnswer(platform, request, kernel.answer(to: request))
              let isBounce = judged.answer.result == .bounce || judged.answer.result == .iovaBounce
              if isBounce, request.buffer.isDeviceMemory { #expect(!judged.verdict.isServed) }
              if platform == .arm64CCA, judged.answer.encoding == .iova {
                #expect(judged.verdict == .blocked)
              }
            }
          }
        }
      }
    }
  }

  /// RAM at address 0 is RAM: without a C-bit its DMA address is 0.
  @Test func addressZeroIsAnAddress() throws {
    let buffer = try #require(Buffer(name: "0x0+4096"))
    for version in KernelVersion.all {
      let kernel = version.booted(.x86, .none, .standard, .sixtyFourGiB)
      for mask in DMAMask.allCases {
        let request = request(buffer, mask: mask)
        let answer = kernel.answer(to: request)
        #expect(answer.result == .direct && answer.address == 0 && answer.addressText == "0x0")
        #expect(hardwareVerdict(platform: .x86, request: request, answer: answer) == .ok)
      }
    }
    // One byte too long for the mask, from the first address on.
    let long = try #require(Buffer(at: 0, length: (1 << 24) + 1))
    let answer = Answer(
      result: .direct, encoding: .plain, memoryState: .plain, warnings: [], decision: .directRAM,
      address: 0)
    #expect(
      hardwareVerdict(
        platform: .x86, request: request(long, mask: DMAMask.allCases[0]), answer: answer)
        == .unreachable)
  }

  @Test func anAddressBeyondTheMaskIsUnreachable() {
    for bits in 24...64 {
      guard let mask = DMAMask(bits: bits) else { continue }
      for address in [0xff_f000, 0x4000_0000, 1 << 47, UInt64.max - 4095] as [UInt64] {
        let answer = Answer(
          result: .direct, encoding: .plain, memoryState: .plain, warnings: [],
          decision: .directRAM, address: address)
        let fits = address + 4095 <= mask.highestAddress
        let verdict = hardwareVerdict(
          platform: .x86, request: request(.dma32, mask: mask), answer: answer)
        #expect(verdict == (fits ? .ok : .unreachable))
      }
    }
  }

  /// Device memory is never encrypted: with the C-bit the address names nothing.
  @Test func deviceMemoryNeedsAClearCBit() {
    for (encoding, verdict) in [(AddressEncoding.private, Verdict.garbled), (.shared, .ok)] {
      let answer = Answer(
        result: .direct, encoding: encoding, memoryState: .none, warnings: [],
        decision: .directMMIO, address: 0xfe00_0000)
      #expect(
        hardwareVerdict(platform: .x86SME47, request: request(.mmio32), answer: answer) == verdict)
    }
  }

  @Test func exposureFollowsTheMemory() {
    let shared = Answer(
      result: .bounce, encoding: .shared, memoryState: .shared, warnings: [],
      decision: .swiotlbMapped, address: 0x1000)
    #expect(exposure(platform: .x86SME47, answer: shared, verdict: .bounced) == .plaintextDRAM)
    #expect(exposure(platform: .sev, answer: shared, verdict: .bounced) == .hostVisible)
    #expect(exposure(platform: .x86, answer: shared, verdict: .bounced) == .none)
    #expect(exposure(platform: .sev, answer: shared, verdict: .refused) == .none)
  }

  private func request(_ buffer: Buffer, mask: DMAMask = DMAMask.allCases[40]) -> DeviceRequest {
    DeviceRequest(
      mask: mask, coherentMask: .same, busLimit: .none, coherence: .coherent, facing: .internal,
      operation: .map, attributes: .none, buffer: buffer)
  }
}
