import Analysis
import DMAModel

/// A cause of the newest release with the change that would end it, written by hand.
struct MaintainerCase: Sendable {
  /// What a review of the tree with the change counts.
  struct Trial: Sendable {
    let effect: String
    let scenarios: Int
    let defaultBoots: Int
  }

  let title: String
  /// What happens, in plain words.
  let what: String
  /// The lines of the causes that the change ends: function and the beginning of the
  /// condition, and whether the cause is about SME hosts alone.
  let lines: [(function: String, condition: String, isSME: Bool)]
  /// Whether they are about a peer's data that go wrong.
  var isAboutDevice = false
  let severity: Severity
  /// Commits, versions and mails, without a period.
  let history: String
  /// Drivers and boots that meet it, with files of ``tree``, without a period.
  let drivers: String
  /// The change in words, without a period.
  let change: String
  /// Figures of `dmamatrix review --tree linux-7.3 --mbox change.diff --yes`.
  let trial: [Trial]
  /// What to know of the figures, without a period.
  let remark: String

  /// Where the changes were tried and the drivers looked up.
  static let tree = "Debian's linux-source-7.3, 7.3.4"

  /// Whether a cause is one that the change ends.
  func isAbout(_ cause: Cause) -> Bool {
    guard cause.severity == severity, cause.isAboutDevice == isAboutDevice,
      !cause.isByCircumstance
    else { return false }
    let isSME = CauseScope(cause).who == "SME hosts"
    return lines.contains {
      $0.function == cause.line.function && cause.line.condition.hasPrefix($0.condition)
        && $0.isSME == isSME
    }
  }

  static let all: [MaintainerCase] = [
    MaintainerCase(
      title: "dma_map_sg() bounces peer memory, or gives it the C-bit",
      what: """
        A scatter list may hold pages of a peer's BAR that go through the host bridge. \
        dma_direct_map_sg() maps them as RAM. Where the pool bounces everything, or the address \
        does not fit, swiotlb_map() copies the BAR into the pool and hands out the copy: the \
        device never reaches its peer, and what it writes is copied to the BAR at unmap, if at \
        all. On SME hosts the address has the C-bit, which means nothing to a BAR.
        """,
      lines: [
        ("swiotlb_map", "slot is dma_capable", false),
        ("dma_direct_map_phys", "RAM is dma_capable", true),
      ], isAboutDevice: true, severity: .corrupts,
      history: """
        6.1 and 6.12 take such pages too, with the C-bit on SME hosts, but refuse them where they \
        would have to bounce (dma_direct_map_page()); 7.2 and later, where mapping takes physical \
        addresses instead of pages, do not. The series of v4 to v7 kept that
        """,
      drivers: """
        whoever gives P2PDMA pages to dma_map_sgtable(): drivers/infiniband/core/rw.c and so \
        the NVMe and RDMA targets (drivers/nvme/target/core.c looks for peers), and O_DIRECT \
        into an NVMe CMB through drivers/nvme/host/rdma.c. block/blk-mq-dma.c and dma-buf's \
        drivers/dma-buf/dma-buf-mapping.c set DMA_ATTR_MMIO themselves. Every boot with \
        swiotlb=force, every confidential guest, and SME hosts without an IOMMU or with iommu=pt
        """,
      change: """
        in dma_direct_map_sg(), for PCI_P2PDMA_MAP_THRU_HOST_BRIDGE alone, pass the \
        segment to dma_direct_map_phys() with DMA_ATTR_MMIO in addition, as block/blk-mq-dma.c \
        does. dma_direct_map_phys() then never bounces it, and clears the C-bit on SME hosts
        """,
      trial: [
        Trial(effect: "mended", scenarios: 13392, defaultBoots: 2232),
        Trial(effect: "safer", scenarios: 83607, defaultBoots: 8577),
        Trial(effect: "refused with another message", scenarios: 15597, defaultBoots: 7245),
        Trial(effect: "other columns", scenarios: 25524, defaultBoots: 0),
        Trial(effect: "worse", scenarios: 0, defaultBoots: 0),
      ],
      remark: """
        15597 scenarios that were refused as swiotlb's overflow are refused as the device's, \
        with a WARN. dma_direct_unmap_sg() needs no change: no pool has the address
        """),
    MaintainerCase(
      title: "dma_map_sg() behind AMD's IOMMU maps peer memory as encrypted",
      what: """
        iommu_dma_map_sg() maps pages of a peer's BAR that go through the host bridge with the \
        protection of RAM. AMD's page tables set the C-bit in every entry that has no \
        IOMMU_MMIO, so that on an SME host the device's accesses leave for an address that no \
        BAR has.
        """,
      lines: [("iommu_dma_map_phys", "mapped", true)], isAboutDevice: true, severity: .corrupts,
      history: """
        every modelled version has it, 6.1 as the first; in 7.2 and later dma_map_phys() and \
        dma_iova_link() have DMA_ATTR_MMIO to say what a list cannot
        """,
      drivers: """
        as in 1; every boot of an SME host (mem_encrypt=on) whose devices have a DMA domain, \
        the default with an IOMMU
        """,
      change: """
        in iommu_dma_map_sg(), note whether the list has segments of \
        PCI_P2PDMA_MAP_THRU_HOST_BRIDGE, and make the protection of a list of such segments with \
        DMA_ATTR_MMIO; in iommu_dma_map_sg_swiotlb(), add the attribute for each segment that is \
        a P2PDMA page. A list that mixes them with RAM needs the protection by run, in \
        iommu_map_sg(): it was left as it is
        """,
      trial: [
        Trial(effect: "mended", scenarios: 53136, defaultBoots: 17712),
        Trial(effect: "worse", scenarios: 0, defaultBoots: 0),
      ],
      remark: """
        35424 of them are the cause's, 17712 are SEV guests behind an IOMMU, which nobody runs
        """),
    MaintainerCase(
      title: "an untrusted device's bounce buffer is mapped as encrypted",
      what: """
        iommu_dma_map_phys() bounces what an untrusted device's request leaves unaligned. On an \
        SME host the pool is decrypted, and AMD's page-table entry gets the C-bit as for any \
        RAM: the device reads and writes garbage, and nothing says so.
        """,
      lines: [("iommu_dma_map_phys", "bounced and mapped", true)], severity: .corrupts,
      history: """
        every modelled version has it, 6.1 as the first; v7 patch 13/22 makes more requests get \
        there, which v6 refuses
        """,
      drivers: """
        Thunderbolt and USB4 devices, and others that firmware calls external, on AMD hosts \
        booted with mem_encrypt=on: \
        whatever driver maps less than a page. The IOMMU translates by default there: \
        iommu_subsys_init() turns a default passthrough off where memory is encrypted
        """,
      change: """
        pass the attributes to iommu_dma_map_swiotlb() by reference, as it does to \
        swiotlb_tbl_map_single(), and where DMA_ATTR_CC_SHARED comes back on a host \
        (CC_ATTR_HOST_MEM_ENCRYPT) add IOMMU_MMIO to the protection; the same in \
        iommu_dma_iova_bounce_and_link()
        """,
      trial: [
        Trial(effect: "mended", scenarios: 1968, defaultBoots: 984),
        Trial(effect: "worse", scenarios: 0, defaultBoots: 0),
      ],
      remark: """
        IOMMU_MMIO stands for "no C-bit" in AMD's format only; the condition keeps arm64's \
        device memory out
        """),
    MaintainerCase(
      title: "a guest's MMIO is refused where its pool does not force",
      what: """
        dma_capable() refuses an address without DMA_ATTR_CC_SHARED for a device that is forced \
        unencrypted, so that RAM bounces. MMIO cannot bounce: a guest's dma_map_resource(), and \
        peer memory in a list, fail with a WARN. 7.2 serves them with swiotlb=noforce.
        """,
      lines: [("dma_capable", "the device is forced unencrypted", false)], severity: .breaks,
      history: """
        v4 patch 6/13 made the check; v5 to v7 made MMIO shared for whoever is forced; 7.3 does \
        so for hosts alone (<20260710161945.GO118978@ziepe.ca>, \
        <yq5atsq6hdaa.fsf@kernel.org>). The form that this change has was posted on 8 July 2026, \
        <yq5apl0xgy89.fsf@kernel.org>
        """,
      drivers: """
        callers of dma_map_resource() in a guest with passed-through devices: \
        drivers/ntb/ntb_transport.c, drivers/dma/pl330.c, drivers/gpu/drm/amd/amdgpu/amdgpu_ttm.c; \
        and P2PDMA as in 1
        """,
      change: """
        in dma_direct_map_phys(), let DMA_ATTR_MMIO imply DMA_ATTR_CC_SHARED for \
        force_dma_unencrypted(dev) as for CC_ATTR_HOST_MEM_ENCRYPT, as v7 did. The maintainers \
        prefer callers that say CC_SHARED themselves, for MMIO of a trusted device may be \
        private: then dma_map_resource() and the P2PDMA provider have to
        """,
      trial: [
        Trial(effect: "mended", scenarios: 18372, defaultBoots: 4314),
        Trial(effect: "worse", scenarios: 0, defaultBoots: 0),
      ],
      remark: """
        More than the cause counts, because MMIO that 7.2 did not serve is served too, in Realms \
        as well. "dmamatrix reply --alternative P16a --base 7.2" weighs the same rule on v7. \
        Devices that are trusted (TDISP) were not asked
        """),
    MaintainerCase(
      title: "an SME device with a coherent mask of 32 bits bounces every map",
      what: """
        force_dma_unencrypted() of an SME host looks at the coherent mask. Since dma_capable() \
        asks it, a device whose streaming mask reaches all memory bounces every map because its \
        coherent mask stayed at 32 bits, and with swiotlb=noforce or REQUIRE_COHERENT every map \
        fails.
        """,
      lines: [("dma_capable", "the device is forced unencrypted", true)], severity: .breaks,
      history: """
        v4 patch 6/13, message-id 20260512090408.794195-1-aneesh.kumar@kernel.org, and 7.3, \
        which merged it
        """,
      drivers: """
        those that set a 64-bit streaming mask alone (reports/drivers.md): \
        drivers/char/xillybus/xillybus_pcie.c:96, drivers/i2c/busses/i2c-amd-mp2-pci.c:310, \
        drivers/net/wwan/iosm/iosm_ipc_pcie.c:297, drivers/scsi/mvumi.c:658 and others; on AMD \
        hosts booted with mem_encrypt=on, without an IOMMU or with iommu=pt
        """,
      change: """
        in dma_capable(), let force_dma_unencrypted() decide in guests only \
        (CC_ATTR_GUEST_MEM_ENCRYPT), and include linux/cc_platform.h. On hosts the address has \
        the C-bit, and the comparison with the streaming mask that follows already says whether \
        the device reaches it; change 1 has to be there first, for peer memory
        """,
      trial: [
        Trial(effect: "mended", scenarios: 3420, defaultBoots: 420),
        Trial(effect: "direct, no longer decrypted", scenarios: 900, defaultBoots: 300),
        Trial(effect: "worse", scenarios: 0, defaultBoots: 0),
      ],
      remark: """
        Counted on the tree with change 1. Without it 1080 lists of peer memory that are \
        refused today become garbled. dma_direct_max_mapping_size() asks the same function, and \
        goes on to limit these devices to 256 KiB
        """),
  ]

  /// Why no change was tried for a line.
  static let obstacles: [(function: String, reason: String)] = [
    (
      "iommu_dma_map_phys",
      "map_sg does not refuse DMA_ATTR_CC_SHARED behind an IOMMU, and map does: refusing it in "
        + "__dma_map_sg_attrs() was tried, and breaks 106764 scenarios of other platforms that "
        + "are served"
    ),
    (
      "xen_swiotlb_map_phys",
      "The file, drivers/xen/swiotlb-xen.c, is not compiled by verify, so that a change cannot be "
        + "tried; it would be that of 1"
    ),
    (
      "__dma_direct_alloc_pages",
      "The free asks force_dma_unencrypted() again, with a mask that was widened after the "
        + "allocation; verify changes no mask before a free, so that a change cannot be tried"
    ),
    (
      "swiotlb_alloc",
      "Returning NULL where a restricted pool's page would have to be remapped in atomic context "
        + "was tried: no sleep is left, and 2088 allocations of non-coherent devices are refused"
    ),
    (
      "pv_init",
      "The harness of verify has a port of what calls swiotlb_init() on s390, so that a change of "
        + "its flags is not seen"
    ),
    (
      "arch_mm_preinit",
      "Leaving guests (CC_ATTR_GUEST_MEM_ENCRYPT) out of the shrinking in arch_mm_preinit() was "
        + "tried: the pool has 64 MiB again and nothing is answered worse, 6960 addresses move"
    ),
  ]
}
