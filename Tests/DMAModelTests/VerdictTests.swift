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
              let answer = Answer(
                result: result, encoding: encoding, memoryState: memory, pte: pte, warnings: [],
                decision: .directRAM, address: 0x1000)
              let request = request(.dma32)
              #expect(
                hardwareVerdict(platform: platform, request: request, answer: answer)
                  == reference(platform, answer))
            }
          }
        }
      }
    }
  }

  private func reference(_ platform: Platform, _ answer: Answer) -> Verdict {
    guard answer.result != .error else { return .refused }
    let alias = answer.encoding == .iova ? answer.pte.name : answer.encoding.name
    if ["x86-sme47", "x86-sme51"].contains(platform.name) {
      if alias != answer.memoryState.name { return .garbled }
    } else if !["x86", "arm64", "ppc64", "s390", "xen-pv"].contains(platform.name) {
      if answer.memoryState.name == "private" || alias == "private" { return .blocked }
    }
    return answer.result.name.contains("bounce") ? .bounced : .ok
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
