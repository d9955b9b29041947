import Testing

@testable import BootInputs

/// The formats are those of kernel/dma/swiotlb.c, kernel/dma/direct.c, kernel/dma/pool.c
/// and drivers/iommu/dma-iommu.c of 6.1, 6.12, 7.2 and 7.3.
@Suite struct FailingLineTests {
  private func full(_ size: Int, _ total: Int, _ used: Int) -> Substring {
    "ahci 0000:01:00.0: swiotlb buffer is full (sz: \(size) bytes), total \(total) (slots), "
      + "used \(used) (slots)"[...]
  }

  /// What is decided first, over sizes and fills.
  @Test func aFullPoolIsDecidedBySizeThenFill() throws {
    for size in [1, 2048, 8192, 262_144, 262_145, 524_288] {
      for used in [0, 16, 16_383, 29_491, 32_704, 32_768] {
        let failure = try #require(FailingLine(full(size, 32_768, used)))
        #expect(failure.device == "0000:01:00.0")
        let slots = (size + 2047) / 2048
        let decision: Diagnosis.Decision =
          if slots > 128 {
            .tooLarge
          } else if 32_768 - used < slots || used * 10 >= 32_768 * 9 {
            .exhausted
          } else {
            used * 2 < 32_768 ? .noSlot : .fragmented
          }
        #expect(failure.diagnosis.decision == decision, "\(size) \(used)")
      }
    }
  }

  @Test func overflowsCarryTheRequest() throws {
    let slot = try #require(
      FailingLine(
        "xhci_hcd 0000:01:00.0: swiotlb addr 0x0000000419400000+9236 overflow (mask ffffffff, "
          + "bus limit 47fffffff)."))
    guard case .slotUnreachable(let mapping) = slot.kind else { throw Unexpected() }
    #expect(mapping.address == 0x4_1940_0000 && mapping.size == 9236)
    #expect(mapping.limit == 0xffff_ffff && mapping.busLimit == 0x4_7fff_ffff)
    #expect(slot.diagnosis.decision == .slotBeyondMask)
    let direct = try #require(
      FailingLine(
        "mmc0: DMA addr 0x0000000840000000+4096 overflow (mask ffffffff, bus limit 0)."))
    #expect(direct.device == "mmc0" && direct.diagnosis.decision == .noPool)
  }

  @Test(arguments: [
    ("Can not allocate SWIOTLB buffer earlier and can't now provide you", FailingLine.Kind.noPool),
    ("software IO TLB: SWIOTLB bounce buffer size adjusted to 512MB", .sized(megabytes: 512)),
    ("software IO TLB: SWIOTLB bounce buffer size roundup to 128MB", .roundedUp(megabytes: 128)),
    (
      "software IO TLB: SWIOTLB bounce buffer size adjusted 32768 -> 16384 slabs",
      .halved(from: 32768, to: 16384)
    ),
    (
      "software IO TLB: swiotlb_memblock_alloc: Failed to allocate 67108864 bytes tlb structure",
      .poolNotAllocated(bytes: 67_108_864)
    ),
    ("software IO TLB: Failed to allocate new pool", .poolCannotGrow),
    (
      "software IO TLB: Memory encryption is active and system is using DMA bounce buffers",
      .encryptionNotice
    ),
    ("software IO TLB: Failed to decrypt default memory pool, disabling it", .poolNotDecrypted),
    (
      "x 0:1: DMA bounce buffers are inactive, unable to map unaligned transaction.",
      .unalignedWithoutPool
    ),
    (
      "x: Buffer overflow detected. Allocation size: 4096. Mapping size: 8192.",
      .syncBeyondMapping(allocation: 4096, mapping: 8192)
    ),
    ("DMA pool exhausted for 0000:00:02.0", .atomicPoolExhausted),
    ("Failed to get suitable pool for 0000:00:02.0", .atomicPoolUnsuitable),
  ])
  func everyMessageIsKnown(message: String, kind: FailingLine.Kind) throws {
    let failure = try #require(FailingLine(message[...]))
    #expect(failure.kind == kind)
    #expect(!failure.diagnosis.reason.isEmpty && !failure.diagnosis.source.isEmpty)
  }

  /// Older kernels, and a pool that was never made.
  @Test func olderMessagesAreKnown() throws {
    let overflow = try #require(
      FailingLine(
        "x 0000:00:1a.0: overflow 0x0000000a1c8f9a60+8 of DMA mask ffffffff bus limit 0"))
    guard case .unreachable(let mapping) = overflow.kind else { throw Unexpected() }
    #expect(mapping.address == 0xa_1c8f_9a60 && mapping.size == 8 && mapping.limit == 0xffff_ffff)
    #expect(overflow.device == "0000:00:1a.0")
    let none = try #require(FailingLine(full(8, 0, 0)))
    #expect(none.diagnosis.decision == .poolMissing)
  }

  @Test func otherMessagesAreNone() {
    for message in [
      "panic(\"SVM: Cannot allocate SWIOTLB buffer\");",
      "+ pr_warn_once(\"Memory encryption is active and system is using DMA bounce buffers\\n\");",
    ] {
      #expect(FailingLine(message[...]) == nil)
    }
    for message in ["", "swiotlb", "DMA addr x+1 overflow (mask , bus limit )", "iommu: group"] {
      #expect(FailingLine(message[...]) == nil)
    }
  }
}

private struct Unexpected: Error {}
