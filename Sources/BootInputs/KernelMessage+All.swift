extension KernelMessage {
  /// The list, the more special before the more general.
  static let all = swiotlb + direct + iommu + reserved + debug + platform

  private static let swiotlb: [KernelMessage] = {
    func entry(
      _ format: String, _ decision: Diagnosis.Decision?, _ meaning: String, _ function: String,
      helps: [String] = []
    ) -> KernelMessage {
      KernelMessage(format, decision, meaning, helps: helps, "kernel/dma/swiotlb.c \(function)")
    }
    return [
      entry(
        "No low mem", .poolMissing, "the default pool has no slots: none was made at boot",
        "swiotlb_print_info()",
        helps: ["no swiotlb=noforce", "memory for the pool below its limit at boot"]),
      entry(
        "only able to allocate %ld MB", .memory,
        "the pool that is made after boot got less than was asked for", "swiotlb_init_late()",
        helps: ["swiotlb= on the command line: a pool at boot"]),
      entry(
        "%s: Failed to allocate %zu bytes align=0x%lx", .memory,
        "the table of the pool's slots or areas could not be allocated: there is no pool",
        "swiotlb_init_remap()", helps: ["a smaller swiotlb="]),
      entry(
        "Failed to allocate mem->areas.", .memory,
        "the pool's areas could not be allocated: there is no pool", "swiotlb_init_remap()"),
      entry(
        "%s: Failed to remap %zu bytes", .memory,
        "the pool was not remapped (drivers/xen/swiotlb-xen.c): it is tried again, smaller",
        "swiotlb_memblock_alloc()"),
      entry(
        "Cannot allocate pages from non page-aligned swiotlb addr 0x%pa.", .memory,
        "the slots of a restricted pool do not begin at a page: the allocation fails",
        "swiotlb_alloc()", helps: ["a restricted-dma-pool that begins and ends at pages"]),
      entry(
        "Alloc alignment may prevent fulfilling requests with max mapping_size", .noSlot,
        "an untrusted device behind an IOMMU of larger pages: slots must be aligned to them",
        "swiotlb_tbl_map_single()", helps: ["smaller requests"]),
      entry(
        "Invalid sizes (mapping: %zd bytes, alloc: %zd bytes)", .driver,
        "a mapping larger than the slots that were asked for it: the kernel's own fault",
        "swiotlb_tbl_map_single() of 6.1"),
      entry(
        "Access before mapping start detected. orig offset %u, requested offset %u.", .driver,
        "it syncs memory before the start of what was mapped", "swiotlb_bounce() of 6.1",
        helps: ["the mapped range in dma_sync_*()"]),
      entry(
        "Buffer overflow detected. Allocation size: %zu. Mapping size: %zu+%u.", .driver,
        "it syncs beyond what was mapped", "swiotlb_bounce() of 6.1",
        helps: ["the mapped size in dma_sync_*() and dma_unmap_*()"]),
      entry(
        "Failed to map the unencrypted memory %pa size %lx.", .memory,
        "the shared alias of the pool (Hyper-V with a paravisor) could not be mapped",
        "swiotlb_mem_remap() of 6.1"),
      entry(
        "Restricted DMA pool must be accessible within the linear mapping.", .device,
        "the device's restricted-dma-pool is not mapped by the kernel: it cannot be used",
        "rmem_swiotlb_device_init()", helps: ["a reserved-memory node without no-map"]),
      entry("mapped [mem %pa-%pa] (%luMB)", nil, "where the pool lies", "swiotlb_print_info()"),
      entry("area num %d.", nil, "the areas of the pool, each with a lock", "swiotlb_init_remap()"),
      entry(
        "tearing down default memory pool", nil, "the pool is freed: nothing needs it",
        "swiotlb_exit()"),
      entry(
        "Reserved memory: created restricted DMA pool at %pa, size %ld MiB", nil,
        "a restricted-dma-pool of the device tree", "rmem_swiotlb_setup()"),
    ]
  }()

  private static let direct: [KernelMessage] = [
    KernelMessage(
      "coherent DMA mask is unset", .driver,
      "dma_alloc_coherent() of a device without a coherent mask: the allocation fails",
      helps: ["dma_set_coherent_mask() or dma_set_mask_and_coherent() in the driver"],
      "arch/arm/mm/dma-mapping.c of older kernels; dma_alloc_attrs() warns of it now"),
    KernelMessage(
      "coherent DMA allocations not supported on this platform.", .memory,
      "a non-coherent device, and the architecture makes no memory coherent for it",
      "kernel/dma/direct.c dma_direct_alloc()"),
    KernelMessage(
      "attempt to add DMA range to existing map", .device,
      "dma_direct_set_offset() of a device whose firmware has given it dma-ranges",
      "kernel/dma/direct.c dma_direct_set_offset()"),
    KernelMessage(
      "device is DMA addressing limited", nil,
      "RAM lies above what the device reaches: streaming maps of it bounce",
      "kernel/dma/mapping.c __dma_addressing_limited()"),
    KernelMessage(
      "DMA: failed to allocate %zu KiB %pGg pool for atomic allocation", .atomicPool,
      "an atomic pool could not be made: atomic allocations of its zone fail",
      helps: ["a smaller coherent_pool=SIZE", "memory in that zone at boot"],
      "kernel/dma/pool.c __dma_atomic_pool_init()"),
    KernelMessage(
      "DMA: preallocated %zu KiB %pGg pool for atomic allocations", nil,
      "an atomic pool of the zone that GFP_DMA or GFP_DMA32 names",
      "kernel/dma/pool.c __dma_atomic_pool_init()"),
    KernelMessage(
      "trying to free invalid coherent area: %p", .driver,
      "dma_free_coherent() of an address that is no remapped allocation",
      "kernel/dma/remap.c dma_common_free_remap()"),
    KernelMessage(
      "unexpected flags in area: %p", .driver,
      "dma_free_coherent() or dma_mmap_coherent() of another kind of vmalloc memory",
      "kernel/dma/remap.c dma_common_find_pages()"),
  ]

  private static let iommu: [KernelMessage] = {
    func entry(
      _ format: String, _ decision: Diagnosis.Decision?, _ meaning: String, _ function: String,
      helps: [String] = []
    ) -> KernelMessage {
      KernelMessage(
        format, decision, meaning, helps: helps, "drivers/iommu/dma-iommu.c \(function)")
    }
    return [
      entry(
        "Unsupported alignment constraint", .driver,
        "the driver's min_align_mask is larger than a page of the IOMMU: the mapping fails",
        "__iommu_dma_map()", helps: ["a smaller dma_set_min_align_mask()"]),
      entry(
        "Using %d-bit DMA addresses", nil,
        "the IOVAs below 4 GiB are used up: the device gets addresses of its whole mask, and a "
          + "device that claims more bits than it drives fails from here on",
        "iommu_dma_alloc_iova()"),
      entry(
        "specified DMA range outside IOMMU capability", .device,
        "the device's dma-ranges and the IOMMU have no address in common: no DMA domain",
        "iommu_dma_init_domain()"),
      entry(
        "Incompatible range for DMA domain", .device,
        "devices of one domain have dma-ranges that begin at different addresses",
        "iommu_dma_init_domain()"),
      entry(
        "Failed to set up IOMMU for device %s; retaining platform DMA ops", .device,
        "the device has a domain but not dma-iommu: its addresses are not translated as they "
          + "should be", "iommu_setup_dma_ops()"),
      entry(
        "Failed to reserve IOVA [%pa-%pa]", .device,
        "a window of the PCI host bridge cannot be kept free of IOVAs",
        "iova_reserve_pci_windows()"),
      entry(
        "iova flush queue initialization failed", nil,
        "lazy invalidation is not possible: the domain is strict", "iommu_dma_init_fq()"),
      entry(
        "Forcing DAC for PCI devices", nil,
        "iommu.forcedac: IOVAs above 4 GiB from the start", "iommu_dma_forcedac_setup()"),
    ]
  }()

  private static let reserved: [KernelMessage] = {
    func coherent(
      _ format: String, _ decision: Diagnosis.Decision?, _ meaning: String
    ) -> KernelMessage {
      KernelMessage(format, decision, meaning, "kernel/dma/coherent.c")
    }
    func contiguous(
      _ format: String, _ decision: Diagnosis.Decision?, _ meaning: String
    ) -> KernelMessage {
      KernelMessage(format, decision, meaning, "kernel/dma/contiguous.c")
    }
    let unusable = "a reserved-memory node that is not usable: its devices have no such memory"
    return [
      coherent(
        "reserved memory is beyond device's set DMA address range", .device,
        "the shared-dma-pool of the device lies above its coherent mask"),
      coherent("Reserved memory: failed to init DMA memory pool at %pa, size", .memory, unusable),
      coherent("Reserved memory: regions without no-map are not yet supported", .device, unusable),
      coherent(
        "Reserved memory: region for default DMA coherent area is redefined", .device, unusable),
      coherent(
        "Reserved memory: created DMA memory pool at %pa, size", nil,
        "a shared-dma-pool of the device tree"),
      coherent(
        "DMA: default coherent area is set", nil,
        "allocations of devices without memory of their own come from it"),
      contiguous("Reserved memory: incorrect alignment of CMA region", .device, unusable),
      contiguous("Reserved memory: unable to setup CMA region", .device, unusable),
      contiguous(
        "%s: reservation failed: err %d, node %d", .memory,
        "memory of CMA that cma_pernuma= or numa_cma= asks for could not be reserved"),
      contiguous("invalid node %d specified", nil, "numa_cma= names a node that is not there"),
      contiguous("Config string not provided", nil, "cma= without a value is not read"),
      contiguous(
        "Reserved memory: created CMA memory pool at %pa, size %ld MiB", nil,
        "large coherent allocations come from CMA (dma_alloc_contiguous())"),
      contiguous(
        "Reserved memory: bypass %s node, using cmdline CMA params instead", nil,
        "cma= on the command line replaces the device tree's"),
      contiguous(
        "Skipping dt linux,cma-default node in favor for \"cma=\" kernel param.", nil,
        "cma= on the command line replaces the device tree's"),
      contiguous(
        "Couldn't queue default CMA region for heap creation.", nil, "about dma-buf heaps"),
      contiguous("Couldn't store CMA reserved area.", nil, "about dma-buf heaps"),
      contiguous("%s: reserved %llu MiB on node %d", nil, "CMA of a node"),
      contiguous("%s: reserving %ld MiB for global area", nil, "CMA of the machine"),
      contiguous("(limit %08lx)", nil, "CMA of the machine"),
    ]
  }()

  private static let platform: [KernelMessage] = {
    func pci(_ format: String, _ meaning: String) -> KernelMessage {
      KernelMessage(format, nil, meaning, "arch/x86/kernel/pci-dma.c")
    }
    return [
      pci(
        "PCI-DMA: Using software bounce buffering for IO (SWIOTLB)",
        "the pool stays: RAM lies above 4 GiB, memory is encrypted or it was asked for"),
      pci("disabling DAC on VIA PCI bridge", "devices behind the bridge have a bus limit of 4 GiB"),
      pci("allowdac option ignored.", "iommu=allowdac has no effect"),
      pci("forcesac option ignored.", "iommu=forcesac has no effect"),
      pci("nodac option ignored.", "iommu=nodac has no effect"),
      KernelMessage(
        "Memory Encryption Features active:", nil,
        "which memory encryption is active; in a guest every streaming map bounces",
        "arch/x86/mm/mem_encrypt.c print_mem_encrypt_feature_info()"),
      KernelMessage(
        "failed to free unused decrypted pages", .memory,
        "pages that are decrypted could not be encrypted again: they are lost",
        "arch/x86/mm/mem_encrypt_amd.c mem_encrypt_free_decrypted_mem()"),
      KernelMessage(
        "Invalid level for kpte", .memory, "memory could not be encrypted or decrypted",
        "arch/x86/mm/mem_encrypt_amd.c pg_level_to_pfn()"),
      KernelMessage(
        "kpte lookup for vaddr", .memory, "memory could not be encrypted or decrypted",
        "arch/x86/mm/mem_encrypt_amd.c enc_dec_hypercall()"),
    ]
  }()
}
