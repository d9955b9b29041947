import Testing

@testable import BootInputs

/// Reports of IOMMUs, and lines in the log they are of.  The formats are those of
/// drivers/iommu/intel/dmar.c, drivers/iommu/amd/iommu.c, drivers/iommu/arm/arm-smmu and
/// drivers/iommu/arm/arm-smmu-v3 of 6.1, 6.12, 7.2 and 7.3.
@Suite struct FaultTests {
  @Test(
    arguments: [
      (
        "DMAR: [DMA Write NO_PASID] Request device [0000:02:00.0] fault addr 0xffe01000 "
          + "[fault reason 0x05] PTE Write access is not set", 0xffe0_1000, "0000:02:00.0"
      ),
      (
        "DMAR: [DMA Read] Request device [00:1f.2] fault addr 8000b000 [fault reason 06] PTE Read "
          + "access is not set", 0x8000_b000, "0000:00:1f.2"
      ),
      (
        "AMD-Vi: Event logged [IO_PAGE_FAULT device=03:00.0 domain=0x0012 address=0xdeadb000 "
          + "flags=0x0020]", 0xdead_b000, "0000:03:00.0"
      ),
      (
        "nvme 0000:03:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0012 address=0xdeadb000 "
          + "flags=0x0020]", 0xdead_b000, "0000:03:00.0"
      ),
      (
        "arm-smmu 15000000.iommu: Unhandled context fault: fsr=0x402, iova=0xfffff000, fsynr=0x1, "
          + "cbfrsynra=0x820, cb=0", 0xffff_f000, nil
      ),
      (
        "arm-smmu-v3 9050000.iommu: event: F_TRANSLATION client: 0000:00:02.0 sid: 0x10 ssid: 0x0 "
          + "iova: 0xfffff000 ipa: 0x0", 0xffff_f000, "0000:00:02.0"
      ),
    ] as [(String, UInt64, String?)])
  func aFaultNamesItsAddressAndDevice(message: String, address: UInt64, device: String?) throws {
    let failure = try #require(FailingLine(message[...]))
    guard case .fault(let fault) = failure.kind, fault.address == address else {
      throw Unexpected()
    }
    #expect(!fault.hasNoDomain)
    #expect(failure.device == device)
    #expect(failure.diagnosis.decision == .fault)
    // A fault is evidence of an IOMMU in use.
    let log = "Linux version 6.12.9-amd64\n[    9.000000] " + message
    let facts = try BootFacts(BootLog(log))
    #expect(facts.iommu.possibilities.allSatisfy { $0.mode != .none })
  }

  /// drivers/iommu/intel/dmar.c `dma_remap_fault_reasons[]`: the first ones are about
  /// entries of the requester, as is AMD's domain 0.
  @Test(arguments: [
    (
      "DMAR: [DMA Write NO_PASID] Request device [0000:02:00.1] fault addr 0xfff00000 [fault "
        + "reason 0x02] Present bit in context entry is clear", true
    ),
    (
      "DMAR: [DMA Read] Request device [02:00.1] fault addr fff00000 [fault reason 01] Present "
        + "bit in root entry is clear", true
    ),
    (
      "DMAR: [DMA Read] Request device [02:00.1] fault addr fff00000 [fault reason 06] PTE Read "
        + "access is not set", false
    ),
    (
      "AMD-Vi: Event logged [IO_PAGE_FAULT device=03:00.0 domain=0x0000 address=0xfff00000 "
        + "flags=0x0020]", true
    ),
    (
      "AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=0000:03:00.0 pasid=0x00000 "
        + "address=0xfffffffdf8000000 flags=0x0a00]", false
    ),
  ])
  func aRequesterWithoutADomainIsTold(message: String, hasNoDomain: Bool) throws {
    let failure = try #require(FailingLine(message[...]))
    guard case .fault(let fault) = failure.kind else { throw Unexpected() }
    #expect(fault.hasNoDomain == hasNoDomain)
    #expect(failure.diagnosis.reason.contains("no domain") == hasNoDomain)
  }

  /// What stands before a message is a device's name only where a device printed it.
  @Test(
    arguments: [
      ("Kernel panic - not syncing: ", nil), ("Warning: ", nil), ("software IO TLB: ", nil),
      ("SVM: ", nil), ("gpu: ", nil), ("mmc0: ", "mmc0"), ("mali gpu: ", "gpu"),
      ("usb 1-1: ", "1-1"), ("xhci_hcd 0000:01:00.0: ", "0000:01:00.0"),
      ("dwmac fe300000.ethernet: ", "fe300000.ethernet"),
      ("xhci_hcd 0000:01:00.0: software IO TLB: ", "0000:01:00.0"),
    ] as [(String, String?)])
  func theNameBeforeAMessageIsADevices(prefix: String, device: String?) throws {
    for message in [
      "Cannot allocate SWIOTLB buffer", "swiotlb buffer is full (sz: 4096 bytes)",
      "DMA addr 0x0000000840000000+4096 overflow (mask ffffffff, bus limit 0).",
    ] {
      #expect(try #require(FailingLine((prefix + message)[...])).device == device, "\(message)")
    }
  }

  private func log(_ lines: String...) throws -> BootFacts {
    let start = [
      "Linux version 6.12.9-amd64 (x86_64-linux-gnu-gcc)",
      "BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable",
      "BIOS-e820: [mem 0x0000000100000000-0x000000047fffffff] usable",
    ]
    return try BootFacts(BootLog((start + lines).joined(separator: "\n")))
  }

  /// kernel/dma/direct.h `dma_direct_map_page()` bounces RAM where a pool is active, and
  /// kernel/dma/direct.c `dma_direct_map_resource()` never bounces device memory.
  @Test func anOverflowIsDecidedByThePoolOfTheLog() throws {
    let pool = "software IO TLB: mapped [mem 0x000000007a000000-0x000000007e000000] (64MB)"
    for (address, says) in [("80000000", "no RAM of the log"), ("100000000", "this request may")] {
      let line =
        "e1000 0000:00:02.0: DMA addr 0x\(address)+4096 overflow (mask ffffff, bus limit 0)."
      let without = try log(line)
      let bare = try #require(without.failures.first).failure.diagnosis(in: without)
      #expect(bare.decision == .noPool && bare.helps.contains { $0.hasPrefix("a pool") })
      let with = try log(pool, line)
      let diagnosis = try #require(with.failures.first).failure.diagnosis(in: with)
      #expect(diagnosis.decision == .mustNotBounce)
      #expect(diagnosis.reason.contains(says) && diagnosis.reason.contains("0x7a000000"))
      #expect(!diagnosis.helps.contains { $0.hasPrefix("a pool") })
    }
  }

  /// Advice is of the architecture that the log is of.
  @Test func adviceIsOfTheArchitecture() throws {
    let line = "mmc0: DMA addr 0x840000000+4096 overflow (mask ffffffff, bus limit 0)."
    let arm = try BootFacts(BootLog("Linux version 6.12.9-arm64 (aarch64-linux-gnu-gcc)\n" + line))
    let helps = try #require(arm.failures.first).failure.diagnosis(in: arm).helps
    #expect(!helps.contains { $0.contains("iommu=soft") })
    let x86 = try log(line)
    let others = try #require(x86.failures.first).failure.diagnosis(in: x86).helps
    #expect(others.contains { $0.contains("iommu=soft") })
  }

  /// What the kernel says of the default domain is later than its command line.
  @Test func theDefaultDomainOverrulesTheCommandLine() throws {
    for (type, mode) in [("Translated", "translated"), ("Passthrough", "passthrough")] {
      let facts = try log(
        "Command line: root=/dev/vda1 iommu=pt", "iommu: Default domain type: \(type)",
        "pci 0000:00:02.0: Adding to iommu group 0")
      #expect(facts.iommu.possibilities.map(\.mode.name) == [mode])
      #expect(
        facts.iommu.possibilities[0].reason.contains("although the command line")
          == (type == "Translated"))
    }
  }

  /// arch/s390/kernel/setup.c `setup_memory_end()`.
  @Test func s390NamesTheEndOfItsRAM() throws {
    let facts = try BootFacts(
      BootLog(
        "Linux version 6.12.9 (s390x-linux-gnu-gcc)\nsetup: The maximum memory size is 4096MB"))
    #expect(facts.memory.machine?.ram.map(\.end) == [4 << 30])
  }

  /// kernel/dma/direct.c prints its overflow for devices without a translating domain alone.
  @Test func aLineOfDMADirectIsOfAnIdentityDomain() throws {
    let facts = try log(
      "iommu: Default domain type: Translated", "pci 0000:00:02.0: Adding to iommu group 0",
      "pci 0000:00:03.0: Adding to iommu group 1",
      "e1000 0000:00:02.0: DMA addr 0x100000000+4096 overflow (mask ffffff, bus limit 0).")
    #expect(facts.iommu.possibility(of: "0000:00:02.0")?.mode == .passthrough)
    #expect(facts.iommu.possibility(of: "0000:00:03.0")?.mode == .translated)
  }

  /// Used slots keep a request out as soon as one lies in each stretch of its length.
  @Test func scatteredSlotsAreToldFromTooFew() throws {
    for (size, used, canBe) in [
      (131_072, 511, false), (131_072, 512, true), (131_072, 16_000, true), (262_144, 255, false),
      (262_144, 256, true), (2048, 16_000, false),
    ] {
      let line =
        "e1000 0000:00:02.0: swiotlb buffer is full (sz: \(size) bytes), total 32768 (slots), "
        + "used \(used) (slots)"
      let diagnosis = try #require(FailingLine(line[...])).diagnosis
      #expect(diagnosis.decision == .noSlot)
      #expect(diagnosis.reason.contains("no \(size / 2048) free ones") == canBe, "\(used)")
      #expect(diagnosis.doesNotHelp.contains("a larger swiotlb=") == !canBe)
    }
  }

  /// drivers/nvme/host/pci.c: min_align_mask 4095 leaves 258048 bytes.
  @Test func nvmeHasASmallerLargestBounce() throws {
    for (driver, size, isTooLarge) in [
      ("nvme", 258_048, false), ("nvme", 258_049, true), ("nvme", 262_144, true),
      ("ahci", 262_144, false), ("ahci", 262_145, true),
    ] {
      let line =
        "\(driver) 0000:00:02.0: swiotlb buffer is full (sz: \(size) bytes), total 32768 (slots), "
        + "used 100 (slots)"
      let decision = try #require(FailingLine(line[...])).diagnosis.decision
      #expect((decision == .tooLarge) == isTooLarge, "\(driver) \(size)")
    }
  }

  /// swiotlb_init_remap() halves what does not fit below 4 GiB.
  @Test func aLargerPoolIsAdvisedWhereItFits() throws {
    for (slots, fits) in [(32_768, true), (524_288, false)] {
      let facts = try log(
        "nvme 0000:00:02.0: swiotlb buffer is full (sz: 4096 bytes), total \(slots) (slots), "
          + "used \(slots) (slots)")
      let diagnosis = try #require(facts.failures.first).failure.diagnosis(in: facts)
      #expect(diagnosis.decision == .exhausted)
      #expect(diagnosis.helps.contains { $0.hasPrefix("a larger pool") } == fits)
      #expect(diagnosis.doesNotHelp.contains { $0.hasPrefix("a larger swiotlb=") } == !fits)
    }
  }

  /// include/linux/dma-direct.h `dma_capable()` refuses for more than the mask.
  @Test func numbersThatFitAreNoMatterOfTheMask() throws {
    let line =
      "nvme 0000:01:00.0: DMA addr 0x1236b0000+4096 overflow (mask fffffffffff, bus limit 0)."
    let diagnosis = try #require(FailingLine(line[...])).diagnosis
    #expect(diagnosis.decision == .otherReason)
    #expect(!diagnosis.helps.contains { $0.contains("wider") })
    let old = "overflow 0x00000001a7296000+708608 of DMA mask ffffffff bus limit ffffffff"
    #expect(try #require(FailingLine(old[...])).diagnosis.decision == .tooLarge)
  }

  /// Parts of two boots without a banner: the failed slot names its pool.
  @Test func theSlotNamesItsPool() throws {
    let pools = [
      "software IO TLB: mapped [mem 0x000000001fac0000-0x000000001fec0000] (4MB)",
      "software IO TLB: mapped [mem 0x0000000036000000-0x000000003a000000] (64MB)",
    ]
    for (slot, first) in [(0x1fb0_0000, 0x1fac_0000), (0x3700_0000, 0x3600_0000)] {
      let facts = try log(
        pools[0],
        "dwmmc fe2b0000.mmc: swiotlb addr 0x\(String(slot, radix: 16))+4096 overflow (mask ffffff, "
          + "bus limit 0).", pools[1])
      #expect(facts.memory.pool?.first == UInt64(first))
      #expect(facts.findings.contains { $0.text.hasPrefix("two pools are logged") })
    }
    #expect(try log(pools[0], pools[1]).memory.pool?.first == 0x3600_0000)
    // One that is freed again is one boot's, and no second pool.
    let freed = try log(pools[1], "software IO TLB: tearing down default memory pool")
    #expect(freed.memory.pool == nil)
    #expect(!freed.findings.contains { $0.text.hasPrefix("two pools are logged") })
  }

  /// Numbers that no machine has end nothing.
  @Test func absurdNumbersAreSurvived() throws {
    let numbers: [UInt64] = [0, 1, 2, 128, 1 << 51, 1 << 52, 1 << 63, .max - 2046, .max]
    for size in numbers {
      for total in numbers {
        for used in numbers {
          let line =
            "ahci 0000:00:02.0: swiotlb buffer is full (sz: \(size) bytes), total \(total) (slots), "
            + "used \(used) (slots)"
          guard let failure = FailingLine(line[...]) else { continue }
          #expect(!failure.diagnosis.reason.isEmpty)
        }
      }
    }
  }

  /// arch/x86/kernel/e820.c prints the map that mem= leaves as the user's.
  @Test func theUsersMapReplacesTheFirmwares() throws {
    let facts = try log(
      "e820: user-defined physical RAM map:",
      "user: [mem 0x0000000000100000-0x000000003fffffff] usable",
      "user: [mem 0x0000000040000000-0x000000007fffffff] reserved")
    #expect(facts.memory.machine?.ram.map(\.end) == [0x4000_0000])
    // The line that is cited is one of the map that counts.
    #expect(facts.findings.first { $0.text.hasPrefix("RAM ") }?.line == 5)
  }

  /// A pool of another boot, and a range that is no pool.
  @Test func aPoolFitsTheRAMOfItsBoot() throws {
    for (pool, says) in [("800000000-0x804000000", true), ("7a000000-0x7e000000", false)] {
      let facts = try log("software IO TLB: mapped [mem 0x\(pool)] (64MB)")
      #expect(facts.findings.contains { $0.text.contains("outside the RAM") } == says)
    }
    #expect(try log("software IO TLB: mapped [mem 0x7a000000-0x7a000001] (0MB)").memory.pool == nil)
  }

  /// A device is known from any line that names it.
  @Test func aDeviceIsKnownFromItsFailingLine() throws {
    let facts = try log(
      "e1000 0000:00:02.0: swiotlb buffer is full (sz: 4096 bytes), total 8 (slots), used 8 (slots)"
    )
    #expect(facts.iommu.names("00:02.0") && !facts.iommu.names("0000:00:03.0"))
  }
}

private struct Unexpected: Error {}
