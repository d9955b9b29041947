import DMAModel
import TestSupport
import Testing

/// Recorded answers as bytes and back.
@Suite struct RecordedEncodingTests {
  private func boot() throws -> (boot: RecordedBoot, requests: [DeviceRequest]) {
    let tree = RecordedTree(named: "mine")
    let boot = try #require(
      tree.kernel.recorded?.boot(
        RecordedTree.platform, RecordedTree.iommu, RecordedTree.swiotlb,
        RecordedTree.machine.name))
    return (boot, Array(tree.answers.keys))
  }

  @Test func answersComeBack() throws {
    var builder = RecordedBoot.Builder()
    var after = LifeAnswer()
    (after.state, after.owner, after.unmapCopy) = (.leftShared, .notFreed, .copied)
    after.warnings = OtherWarnings.warning(named: "other:odd, not modelled")
    let cycles = AnswerResult.allCases.map { result in
      LifeCycle(
        answer: Answer(
          result: result, encoding: .iova, memoryState: .shared, pte: .private,
          warnings: [.overflow, .swiotlbFull], decision: .ownCode,
          address: result == .direct ? 0x1234_5678_9abc : nil, maxMapping: .max),
        after: after, usesPool: result == .bounce)
    }
    #expect(builder.add(cycles) == 0)
    let requests = [Buffer.dma32, .high, Buffer(allocating: 1 << 20) ?? .low].map { buffer in
      DeviceRequest(
        mask: .init(bits: 40) ?? DMAMask.allCases[0], coherentMask: .same, busLimit: .none,
        coherence: .coherent, facing: .internal, operation: .map, attributes: .none,
        buffer: buffer)
    }
    let masks = [24, 40, 64].compactMap(DMAMask.init(bits:))
    for (index, request) in requests.enumerated() {
      builder.record([index, index + 1, index + 2], to: request, masks: masks)
    }
    var pool = SwiotlbPool()
    (pool.isActive, pool.start, pool.end, pool.forceBounce) = (true, 1 << 20, 1 << 26, true)
    pool.memory = .shared
    let boot = builder.boot(pool: pool)
    let bytes = boot.encoded
    let back = try #require(RecordedBoot(encoded: bytes[...]))
    #expect(back.pool == pool && back.encoded == bytes)
    for (index, var request) in requests.enumerated() {
      for (offset, mask) in masks.enumerated() {
        request.mask = mask
        #expect(back.cycle(of: request) == cycles[index + offset])
      }
      request.mask = DMAMask(bits: 41) ?? request.mask
      #expect(back.cycle(of: request) == nil)
    }
  }

  @Test func whatIsNotWholeIsNone() throws {
    let (boot, requests) = try boot()
    let bytes = boot.encoded
    #expect(RecordedBoot(encoded: bytes[...])?.cycle(of: requests[0])?.answer.result == .error)
    for end in bytes.indices { #expect(RecordedBoot(encoded: bytes[..<end]) == nil) }
    #expect(RecordedBoot(encoded: (bytes + [0])[...]) == nil)
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 0xff
      // Any answer or none, but an end.
      if let other = RecordedBoot(encoded: changed[...]) { _ = other.cycle(of: requests[0]) }
    }
  }
}
