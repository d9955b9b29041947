/// The rule that decided an answer: a kernel function and the condition taken.
///
/// Function names are those of 7.2 and later; `dma_direct_map_phys()` and
/// `iommu_dma_map_phys()` were `dma_direct_map_page()` and
/// `iommu_dma_map_page()` before 7.2.
public enum Decision: UInt8, AxisValue {
  case requireCoherentOnNoncoherent
  case ccSharedNotDirect
  case resourceMapped
  case resourceOverflow
  case ccSharedRefused
  case forceBouncePeerPage
  case forceBounceMMIO
  case directMMIO
  case directMMIOOverflow
  case directRAM
  case directOverflow
  case directPeerPage
  case noPool
  case poolStateMismatch
  case noSlots
  case swiotlbMapped
  case swiotlbOverflow
  case iommuMapped
  case iommuMappedResource
  case iommuBounced
  case iommuBounceRequireCoherent
  case iommuBounceInactive
  case allocNoMapping
  case allocPages
  case allocNoPage
  case allocSwiotlb
  case allocSwiotlbMismatch
  case allocSwiotlbAddress
  case allocPool
  case allocPoolNotConfigured
  case allocPoolExhausted
  case allocPoolUnsuitable
  case iommuAllocShared
  case iommuAllocPages
  case iommuAllocPool
  case xenNoResource
  case xenMappedResource
  case xenResourceOverflow
  case xenMapped
  case xenBounced
  case xenBounceOverflow
  case xenAllocated
  case xenExchanged
  case allocDecryptFailed
  case ownCode
  case notRecorded
  case allocCallerShared
  case iommuNoIOVA
  case iommuNoPages
  case allocSwiotlbNoSlots
  case allocMaskUnset
  case iommuAlignment
  case iovaNotUsable
  case iovaLinked
  case iovaBounced
  case iovaEndsBounced
  case iovaRequireCoherent
  case iovaBounceForbidden
  case iovaBounceOffset

  public static let axis = "where"
  public static let allCases: [Decision] = (0...iommuAlignment.rawValue).compactMap {
    Decision(rawValue: $0)
  }
  /// Those of operations beside the matrix' own.
  public static let extended: [Decision] =
    (iovaNotUsable.rawValue...iovaBounceOffset.rawValue).compactMap { Decision(rawValue: $0) }

  /// `function: condition`, the spelling of the `where` column.
  public var name: String { "\(function): \(condition)" }
  public var summary: String { "\(file) \(function)()" }
  /// The name in a database: nothing for a tree's own code, whose line is looked for where
  /// one scenario is shown, not for each.
  public var storedName: String { self == .ownCode ? "" : name }

  /// The kernel function that returned.
  public var function: String { source.function }
  /// The file of ``function``, relative to the kernel tree.
  public var file: String { source.file }
  /// The condition under which it returned.
  public var condition: String { source.condition }

  private var source: (file: String, function: String, condition: String) {
    let direct = "kernel/dma/direct.c"
    let swiotlb = "kernel/dma/swiotlb.c"
    let mapping = "kernel/dma/mapping.c"
    let iommu = "drivers/iommu/dma-iommu.c"
    let pool = "kernel/dma/pool.c"
    let xen = "drivers/xen/swiotlb-xen.c"
    return switch self {
    case .requireCoherentOnNoncoherent:
      (mapping, "dma_map_phys", "REQUIRE_COHERENT on a non-coherent device")
    case .ccSharedNotDirect: (mapping, "dma_map_phys", "CC_SHARED, not dma-direct")
    case .resourceMapped: (direct, "dma_direct_map_resource", "device memory fits")
    case .resourceOverflow: (direct, "dma_direct_map_resource", "device memory does not fit")
    case .ccSharedRefused: (direct, "dma_direct_map_phys", "CC_SHARED without forced bounce")
    case .forceBouncePeerPage: (direct, "dma_direct_map_phys", "forced bounce of a peer page")
    case .forceBounceMMIO:
      (direct, "dma_direct_map_phys", "forced bounce, MMIO or REQUIRE_COHERENT")
    case .directMMIO: (direct, "dma_direct_map_phys", "MMIO is dma_capable")
    case .directMMIOOverflow: (direct, "dma_direct_map_phys", "MMIO is not dma_capable")
    case .directRAM: (direct, "dma_direct_map_phys", "RAM is dma_capable")
    case .directOverflow: (direct, "dma_direct_map_phys", "not dma_capable and no bounce")
    case .directPeerPage: (direct, "dma_direct_map_phys", "peer page is not dma_capable")
    case .noPool: (swiotlb, "swiotlb_tbl_map_single", "no pool")
    case .poolStateMismatch: (swiotlb, "swiotlb_tbl_map_single", "pool state does not match")
    case .noSlots: (swiotlb, "swiotlb_tbl_map_single", "no free slots of that size")
    case .swiotlbMapped: (swiotlb, "swiotlb_map", "slot is dma_capable")
    case .swiotlbOverflow: (swiotlb, "swiotlb_map", "slot is not dma_capable")
    case .iommuMapped: (iommu, "iommu_dma_map_phys", "mapped")
    case .iommuMappedResource: (iommu, "iommu_dma_map_phys", "device memory mapped")
    case .iommuBounced: (iommu, "iommu_dma_map_phys", "bounced and mapped")
    case .iommuBounceRequireCoherent:
      (iommu, "iommu_dma_map_phys", "bounce needed, REQUIRE_COHERENT")
    case .iommuBounceInactive: (iommu, "iommu_dma_map_swiotlb", "bounce needed, no pool")
    case .allocCallerShared: (mapping, "dma_alloc_attrs", "the caller passes CC_SHARED")
    case .iommuNoIOVA:
      (iommu, "iommu_dma_alloc_iova", "no IOVA within mask and bus limit")
    case .iommuAlignment:
      (iommu, "__iommu_dma_map", "min_align_mask above the granule")
    case .iommuNoPages: (iommu, "iommu_dma_alloc_pages", "no contiguous pages")
    case .iovaNotUsable:
      (iommu, "dma_iova_try_alloc", "not dma-iommu: the driver is to map by dma_map_phys()")
    case .iovaLinked: (iommu, "dma_iova_link", "linked")
    case .iovaBounced: (iommu, "iommu_dma_iova_link_swiotlb", "bounced and linked")
    case .iovaEndsBounced:
      (iommu, "iommu_dma_iova_link_swiotlb", "unaligned ends bounced, the rest linked")
    case .iovaRequireCoherent:
      (iommu, "dma_iova_link", "REQUIRE_COHERENT on a non-coherent device")
    case .iovaBounceForbidden:
      (iommu, "dma_iova_link", "bounce needed, MMIO or REQUIRE_COHERENT")
    case .iovaBounceOffset:
      (iommu, "iommu_dma_iova_bounce_and_link", "the slot has another offset in its page")
    case .allocSwiotlbNoSlots: (swiotlb, "swiotlb_alloc", "no free slots of that size")
    case .allocMaskUnset: (mapping, "__dma_alloc_pages", "the coherent mask is 0")
    case .allocNoMapping: (direct, "dma_direct_alloc_no_mapping", "page found")
    case .allocPages: (direct, "__dma_direct_alloc_pages", "page found")
    case .allocNoPage: (direct, "__dma_direct_alloc_pages", "no page that surely fits")
    case .allocSwiotlb: (swiotlb, "swiotlb_alloc", "restricted pool")
    case .allocSwiotlbMismatch: (swiotlb, "swiotlb_alloc", "pool state does not match")
    case .allocSwiotlbAddress:
      (direct, "dma_direct_alloc_swiotlb", "pool is not dma_coherent_ok")
    case .allocPool: (pool, "dma_alloc_from_pool", "page found")
    case .allocPoolNotConfigured:
      (direct, "dma_direct_alloc_from_pool", "DMA_COHERENT_POOL is not configured")
    case .allocPoolExhausted: (pool, "dma_alloc_from_pool", "no pool is dma_coherent_ok")
    case .allocPoolUnsuitable: (pool, "dma_alloc_from_pool", "no pool of that state")
    case .iommuAllocShared: (iommu, "iommu_dma_alloc", "shared memory is not supported")
    case .iommuAllocPages: (iommu, "iommu_dma_alloc", "pages mapped")
    case .iommuAllocPool: (iommu, "iommu_dma_alloc", "atomic pool page mapped")
    case .xenNoResource: (mapping, "dma_map_resource", "swiotlb-xen has no map_resource")
    case .xenMappedResource: (xen, "xen_swiotlb_map_phys", "device memory fits")
    case .xenResourceOverflow: (xen, "xen_swiotlb_map_phys", "device memory does not fit")
    case .xenMapped: (xen, "xen_swiotlb_map_phys", "RAM is dma_capable")
    case .xenBounced: (xen, "xen_swiotlb_map_phys", "slot is dma_capable")
    case .xenBounceOverflow: (xen, "xen_swiotlb_map_phys", "slot is not dma_capable")
    case .xenAllocated: (xen, "xen_swiotlb_alloc_coherent", "page fits")
    case .ownCode: ("the tree", "own code", "answered by the kernel's own code")
    case .notRecorded: ("the tree", "no recorded answer", "dmamatrix verify did not ask for it")
    case .xenExchanged:
      (xen, "xen_swiotlb_alloc_coherent", "page exchanged for one that fits")
    case .allocDecryptFailed: (direct, "dma_direct_alloc", "page cannot be decrypted")
    }
  }
}
