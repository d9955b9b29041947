import DMAModel
import Support

/// What a failing line means: decided first, then what would help and what would not.
public struct Diagnosis: Sendable, Equatable {
  /// The first thing to decide.
  public enum Decision: String, Sendable {
    case tooLarge = "larger than a mapping can ever be"
    case exhausted = "the pool is exhausted"
    case noSlot = "no slot is reachable"
    case fragmented = "no free slots side by side"
    case unknownFill = "the pool was full, or no slot was reachable"
    case slotBeyondMask = "no slot is within the device's reach"
    case noPool = "the mask does not reach, and no pool exists"
    case mustNotBounce = "the mask does not reach, and the request may not bounce"
    case otherReason = "mask and limit reach, and something else refuses the request"
    case fault = "the IOMMU refuses an access of the device"
    case poolMissing = "a bounce is needed, and no pool exists"
    case driver = "a fault of the driver"
    case note = "no failure"
    case memory = "memory could not be had or converted"
    case atomicPool = "the atomic pools have no such memory"
    case device = "the device's description"
  }

  public let decision: Decision
  /// Why, with the numbers of the line.
  public let reason: String
  public let helps: [String]
  public let doesNotHelp: [String]
  /// The kernel's function that prints the line.
  public let source: String
}

extension FailingLine {
  /// What the line means.
  public var diagnosis: Diagnosis { diagnosis(in: nil) }

  /// What the line means in the log of a boot; nil for a line alone.
  public func diagnosis(in boot: BootFacts?) -> Diagnosis {
    switch kind {
    case .full(let size, let total, let used): full(size, total, used, boot)
    case .slotUnreachable(let mapping): slotUnreachable(mapping)
    case .unreachable(let mapping): unreachable(mapping, boot)
    case .fault(let fault): Self.diagnosis(of: fault)
    default: other
    }
  }

  private static let mapFunction = "kernel/dma/swiotlb.c swiotlb_tbl_map_single()"
  private static let segment =
    "128 slots of 2048 bytes, 262144 bytes, less roundup(min_align_mask, 2048): 258048 for NVMe"

  private func full(
    _ size: UInt64, _ total: UInt64?, _ used: UInt64?, _ boot: BootFacts?
  ) -> Diagnosis {
    let slots = (size + swiotlbSlotSize - 1) / swiotlbSlotSize
    if total == 0 {
      return Diagnosis(
        decision: .poolMissing,
        reason: "\(size) bytes were to bounce, and the pool has no slots: none was made at boot",
        helps: Self.poolAdvice(boot),
        doesNotHelp: ["a larger swiotlb= where the kernel makes no pool"],
        source: Self.mapFunction)
    }
    // drivers/nvme/host/pci.c nvme_pci_alloc_dev(): NVME_CTRL_PAGE_SIZE - 1 = 4095.
    let isNVMe = driver == "nvme"
    let largest = isNVMe ? swiotlbMaxMapping - 4096 : swiotlbMaxMapping
    if size > largest {
      return Diagnosis(
        decision: .tooLarge,
        reason: "\(size) bytes; the largest bounce is \(Self.segment) (swiotlb_max_mapping_size())",
        helps: [
          "requests of at most dma_max_mapping_size() from the driver",
          "a mask or an IOMMU with which the device needs no bounce",
        ],
        doesNotHelp: ["a larger swiotlb=", "CONFIG_SWIOTLB_DYNAMIC: its slots end there too"],
        source: Self.mapFunction)
    }
    let edge =
      size == swiotlbMaxMapping
      ? "; 262144 bytes is the largest request that can ever succeed, and only for a device "
        + "without min_align_mask" : ""
    guard let total, let used, total > 0 else {
      return Diagnosis(
        decision: .unknownFill,
        reason: "\(size) bytes, \(slots) slot\(slots == 1 ? "" : "s")\(edge)",
        helps: ["the fill: io_tlb_used and io_tlb_nslabs in debugfs, directory swiotlb"],
        doesNotHelp: [], source: Self.mapFunction)
    }
    return full(slots: slots, total, used, edge, boot)
  }

  /// A request that could be served by an empty pool.
  private func full(
    slots: UInt64, _ total: UInt64, _ used: UInt64, _ edge: String, _ boot: BootFacts?
  ) -> Diagnosis {
    let free = total - min(used, total)
    let tenths = min(used, total) * 1000 / total
    let fill = "\(used) of \(total) slots (\(percentText(used, of: total))) are used"
    let (larger, useless) = Self.largerPool(than: total, boot)
    let asked = slots == 1 ? "1 slot was asked for" : "\(slots) slots side by side were asked for"
    if free < slots || tenths >= 900 {
      return Diagnosis(
        decision: .exhausted,
        reason: "\(asked), and \(fill): load, not the mask\(edge)",
        helps: larger + [
          "CONFIG_SWIOTLB_DYNAMIC from 6.6 on: a full pool grows",
          "fewer requests in flight: a shallower queue of the driver",
        ],
        doesNotHelp: ["another DMA mask", "swiotlb=force"] + useless, source: Self.mapFunction)
    }
    // A used slot in each stretch of that many leaves no room in a segment.
    let segments = max(total / swiotlbSegmentSlots, 1)
    let canBeScattered = slots > 1 && used >= segments * (swiotlbSegmentSlots / slots)
    if tenths < 500 {
      return Diagnosis(
        decision: .noSlot,
        reason: "\(asked) although only \(fill): swiotlb_search_pool_area() "
          + "skips slots that cross the device's segment boundary or do not have the offset "
          + "that its min_align_mask keeps; or many were freed before the fill was read for the "
          + "message"
          + (canBeScattered
            ? "; or the used slots lie so that no \(slots) free ones are neighbours in any "
              + "segment of 128, which \(used) can do"
            : slots > 1
              ? "; so few used slots cannot keep \(slots) neighbours from every segment of 128"
              : "") + edge,
        helps: [
          "the segment boundary and the min_align_mask that the driver set "
            + "(dma_set_seg_boundary(), dma_set_min_align_mask())",
          "smaller requests",
        ] + (canBeScattered ? larger.map { "if neighbours are missing, \($0)" } : []),
        doesNotHelp: canBeScattered ? useless : ["a larger swiotlb="], source: Self.mapFunction)
    }
    return Diagnosis(
      decision: .fragmented,
      reason: "\(asked), within one segment of 128, and \(fill)\(edge)",
      helps: larger + ["smaller requests", "CONFIG_SWIOTLB_DYNAMIC from 6.6 on"],
      doesNotHelp: ["another DMA mask"] + useless, source: Self.mapFunction)
  }

  /// Whether twice the slots are to be had on the machine of a log: swiotlb_init_remap()
  /// halves what does not fit below its limit.
  private static func largerPool(
    than total: UInt64, _ boot: BootFacts?
  ) -> (helps: [String], doesNotHelp: [String]) {
    let wanted = total * 2
    let advice = "a larger pool: swiotlb=\(wanted) (slots of 2048 bytes)"
    guard let boot, var machine = boot.memory.machine, let platform = boot.platform.platforms.first,
      let kernel = KernelVersion.releases.last(where: {
        $0.policy.platforms.contains(platform)
      })
    else { return ([advice], []) }
    machine.observedPool = nil
    machine.wantsPool = true
    machine.poolSlots = wanted
    let pool = kernel.booted(platform, .none, .standard, machine, .ordinary).pool
    guard (pool.end - pool.start) / swiotlbSlotSize <= total else { return ([advice], []) }
    return (
      [],
      [
        "a larger swiotlb=: by the RAM of the log no more than "
          + "\((pool.end - pool.start) / swiotlbSlotSize) slots are free side by side below the "
          + "pool's limit (swiotlb_init_remap() halves until it fits)"
      ]
    )
  }

  private func limits(_ mapping: Mapping) -> String {
    let bus = mapping.busLimit == 0 ? "" : ", bus limit \(mapping.busLimit.hexadecimal)"
    let fits =
      mapping.fits
      ? "; the numbers alone fit: dma_capable() (include/linux/dma-direct.h) refused it for "
        + "another reason, such as encrypted memory" : ""
    return "the last byte is \(mapping.last.hexadecimal), the device reaches "
      + "\(mapping.limit.hexadecimal) (mask \(mapping.mask.hexadecimal)\(bus))\(fits)"
  }

  private func slotUnreachable(_ mapping: Mapping) -> Diagnosis {
    let high =
      mapping.address >> 40 != 0
      ? "; an address this high may hold the C-bit of SME or SEV, or the shared bit of a Realm"
      : ""
    return Diagnosis(
      decision: .slotBeyondMask,
      reason: "slots were found, but \(limits(mapping))\(high)",
      helps: [
        "a wider dma_set_mask(), if the device drives the lines",
        "a pool that lies lower, or a bus whose dma-ranges begin lower",
        "an IOMMU before the device",
      ],
      doesNotHelp: [
        "a larger swiotlb=: its slots lie at the same place or lower by the size alone",
        "swiotlb=force",
      ],
      source: "kernel/dma/swiotlb.c swiotlb_map()")
  }

  /// What makes a pool, on the architecture of a boot where it is known.
  private static func poolAdvice(_ boot: BootFacts?) -> [String] {
    let families = Set(boot?.platform.platforms.map(\.family) ?? [])
    if families.isEmpty {
      return [
        "a pool: no swiotlb=noforce; on x86 no iommu=off, and iommu=soft makes one in any case"
      ]
    }
    return families.contains(.x86)
      ? ["a pool: no swiotlb=noforce and no iommu=off; iommu=soft makes one in any case"]
      : ["a pool: no swiotlb=noforce; swiotlb=force makes one in any case"]
  }

  private func unreachable(_ mapping: Mapping, _ boot: BootFacts?) -> Diagnosis {
    let pool = boot?.memory.pool
    // The address is the device's; that of RAM behind dma-ranges differs.
    let isRAM = boot?.memory.machine?.contains(mapping.address, length: mapping.size)
    var reason = limits(mapping)
    let decision: Diagnosis.Decision
    if mapping.isOlder { return olderOverflow(mapping, boot) }
    if mapping.fits {
      return Diagnosis(
        decision: .otherReason,
        reason: reason + "; or a buffer of kmalloc() that is too small for the cache lines of a "
          + "device that is not coherent (dma_kmalloc_needs_bounce()), and no pool",
        helps: Self.poolAdvice(boot), doesNotHelp: ["a wider dma_set_mask()"],
        source: Self.overflowSource)
    }
    var helps = ["a wider dma_set_mask(), if the device drives the lines"]
    switch (pool, isRAM) {
    case (let pool?, let isRAM):
      decision = .mustNotBounce
      reason +=
        "; the log has a pool (\(pool.first.hexadecimal)-\(pool.last.hexadecimal)), and a buffer "
        + "in RAM would have bounced"
      reason +=
        isRAM == false
        ? ": this is no RAM of the log, but device memory (dma_map_resource(), DMA_ATTR_MMIO), "
          + "which never bounces"
        : ": this request may not (device memory, DMA_ATTR_REQUIRE_COHERENT), or the pool was "
          + "gone"
      helps.append(
        isRAM == false
          ? "a BAR that lies lower: below 4 GiB for a mask of 32 bits"
          : "a mapping without DMA_ATTR_REQUIRE_COHERENT")
    case (nil, _):
      decision = .noPool
      reason +=
        "; a buffer in RAM bounces if a pool is active, so none is, or it must not bounce (device "
        + "memory, DMA_ATTR_REQUIRE_COHERENT)"
      helps += Self.poolAdvice(boot)
    }
    helps.append("an IOMMU before the device")
    return Diagnosis(
      decision: decision, reason: reason, helps: helps,
      doesNotHelp: [
        pool == nil ? "a larger swiotlb= where the kernel makes no pool" : "a larger swiotlb="
      ],
      source: Self.overflowSource)
  }

  private static let overflowSource =
    "kernel/dma/direct.c dma_direct_map_phys(); before 7.2 dma_direct_map_page() for RAM and "
    + "dma_direct_map_resource() for device memory; on Xen from 7.2 on "
    + "drivers/xen/swiotlb-xen.c xen_swiotlb_map_phys() for device memory"

  /// `report_addr()` of 4.20 to 5.4 came after `swiotlb_map()` had failed or did not exist.
  private func olderOverflow(_ mapping: Mapping, _ boot: BootFacts?) -> Diagnosis {
    let isTooLarge = mapping.size > swiotlbMaxMapping
    return Diagnosis(
      decision: isTooLarge ? .tooLarge : .noPool,
      reason: isTooLarge
        ? "\(mapping.size) bytes beyond the mask; the largest bounce is \(Self.segment)"
        : limits(mapping) + "; or there is a pool, and the bounce failed too: in 4.20 to 5.4 the "
          + "line says both",
      helps: isTooLarge
        ? [
          "requests of at most dma_max_mapping_size() from the driver",
          "a wider dma_set_mask(), if the device drives the lines",
        ]
        : ["a wider dma_set_mask(), if the device drives the lines"] + Self.poolAdvice(boot),
      doesNotHelp: isTooLarge ? ["a larger swiotlb="] : [],
      source: "kernel/dma/direct.c report_addr() of 4.20 to 5.4")
  }

  /// The messages without a request.
  private var other: Diagnosis {
    switch kind {
    case .noPool, .guestWithoutPool:
      Diagnosis(
        decision: .poolMissing,
        reason: "the device's pool has no slots: none was made at boot",
        helps: ["no swiotlb=noforce", "memory for the pool below its limit at boot"],
        doesNotHelp: ["another DMA mask where every mapping must bounce"],
        source: kind == .noPool
          ? Self.mapFunction : "arch/powerpc/platforms/pseries/svm.c, older kernels")
    case .unalignedWithoutPool:
      Diagnosis(
        decision: .poolMissing,
        reason: "an untrusted device's buffer shares its page with other data, and no pool exists",
        helps: ["a pool: no swiotlb=noforce"], doesNotHelp: ["another DMA mask"],
        source: "drivers/iommu/dma-iommu.c iommu_dma_map_swiotlb() (6.12: iommu_dma_map_page())")
    case .poolNotAllocated(let bytes):
      Diagnosis(
        decision: .memory,
        reason: "\(bytes) bytes for the pool are not free below its limit; the size is halved "
          + "down to 1 MiB",
        helps: ["a smaller swiotlb="], doesNotHelp: [],
        source: "kernel/dma/swiotlb.c swiotlb_memblock_alloc()")
    case .halved(let from, let to):
      Diagnosis(
        decision: .memory,
        reason: "the pool got \(to) slots (\(to / 512) MiB) instead of \(from): no more was free",
        helps: ["a smaller swiotlb=, or less reserved memory below the limit"], doesNotHelp: [],
        source: "kernel/dma/swiotlb.c swiotlb_init_remap()")
    case .poolCannotGrow:
      Diagnosis(
        decision: .memory, reason: "CONFIG_SWIOTLB_DYNAMIC found no memory for another pool",
        helps: ["a larger swiotlb= at boot"], doesNotHelp: [],
        source: "kernel/dma/swiotlb.c swiotlb_dyn_alloc()")
    case .poolNotDecrypted:
      Diagnosis(
        decision: .memory,
        reason: "set_memory_decrypted() failed: the pool counts as full, every bounce fails",
        helps: [], doesNotHelp: ["a larger swiotlb="],
        source: "kernel/dma/swiotlb.c swiotlb_update_mem_attributes(), rmem_swiotlb_device_init()")
    case .leaked:
      Diagnosis(
        decision: .memory,
        reason: "set_memory_encrypted() or set_memory_decrypted() failed: the memory is not freed",
        helps: [], doesNotHelp: [],
        source: "kernel/dma/direct.c dma_set_decrypted(), dma_set_encrypted()")
    case .syncBeyondMapping(let allocation, let mapping):
      Diagnosis(
        decision: .driver,
        reason: "it syncs or unmaps \(mapping) bytes of \(allocation) that were mapped",
        helps: ["the mapped size in dma_sync_*() and dma_unmap_*()"], doesNotHelp: ["swiotlb="],
        source: "kernel/dma/swiotlb.c swiotlb_bounce()")
    case .atomicPoolExhausted:
      Diagnosis(
        decision: .atomicPool, reason: "an atomic allocation found its pool empty",
        helps: ["coherent_pool=SIZE on the command line"], doesNotHelp: ["swiotlb="],
        source: "kernel/dma/pool.c dma_alloc_from_pool()")
    case .atomicPoolUnsuitable:
      Diagnosis(
        decision: .atomicPool, reason: "no atomic pool is of the zone and state that is asked for",
        helps: ["a wider coherent mask, if the device drives the lines"], doesNotHelp: ["swiotlb="],
        source: "kernel/dma/pool.c dma_alloc_from_pool()")
    case .encryptionNotice:
      Diagnosis(
        decision: .note,
        reason: "CC_ATTR_MEM_ENCRYPT is set and a mapping bounced; in a guest each one does",
        helps: [], doesNotHelp: [], source: Self.mapFunction)
    case .sized(let megabytes):
      Diagnosis(
        decision: .note, reason: "the architecture asked for a pool of \(megabytes) MiB",
        helps: [], doesNotHelp: [], source: "kernel/dma/swiotlb.c swiotlb_adjust_size()")
    case .roundedUp(let megabytes):
      Diagnosis(
        decision: .note,
        reason: "the size was rounded up to \(megabytes) MiB: a power of two, 128 slots an area",
        helps: [], doesNotHelp: [], source: "kernel/dma/swiotlb.c round_up_default_nslabs()")
    case .listed(let entry):
      Diagnosis(
        decision: entry.decision ?? .note, reason: entry.meaning, helps: entry.helps,
        doesNotHelp: [], source: entry.source)
    case .full, .slotUnreachable, .unreachable, .fault:
      Diagnosis(decision: .note, reason: "", helps: [], doesNotHelp: [], source: "")
    }
  }
}
