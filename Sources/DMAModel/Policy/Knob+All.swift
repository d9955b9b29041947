extension Knob {
  /// Every knob, in the order of the kernel's flow.
  public static let all: [Knob] = platform + setUp + mapping + allocation + life + acceptedDevices

  /// Those about the platform, or about what a boot sets up.
  static let aboutBoots = Set(platform + setUp)

  private static let platform: [Knob] = [
    Knob(
      "X1", "platforms", "platforms that the kernel knows",
      "arch/*/Kconfig", "-", \.platforms),
    Knob(
      "X2", "dmaIOMMUPlatforms", "platforms that dma-iommu can serve",
      "arch/*/Kconfig", "iommu_setup_dma_ops", \.dmaIOMMUPlatforms),
    Knob(
      "X3", "hostPassthrough", "iommu=pt on an SME host means",
      "drivers/iommu/iommu.c", "iommu_subsys_init", \.hostPassthrough),
    Knob(
      "P1", "memoryEncryption", "CC_ATTR_MEM_ENCRYPT is true on",
      "arch/*", "cc_platform_has", \.memoryEncryption),
    Knob(
      "P2", "guestMemoryEncryption", "CC_ATTR_GUEST_MEM_ENCRYPT is true on",
      "arch/*", "cc_platform_has", \.guestMemoryEncryption),
    Knob(
      "P3", "hostMemoryEncryption", "CC_ATTR_HOST_MEM_ENCRYPT is true on",
      "arch/x86/coco/core.c", "cc_platform_has", \.hostMemoryEncryption),
    Knob(
      "P4", "forceUnencryptedX86", "devices forced unencrypted on x86",
      "arch/x86/mm/mem_encrypt.c", "force_dma_unencrypted", \.forceUnencryptedX86),
    Knob(
      "P5", "forceUnencrypted", "other platforms that force every device unencrypted",
      "arch/*/include/asm/mem_encrypt.h", "force_dma_unencrypted", \.forceUnencrypted),
  ]

  private static let setUp: [Knob] = [
    Knob(
      "P7", "architectureForcesBounce", "architecture passes SWIOTLB_FORCE on",
      "arch/*", "swiotlb_init", \.architectureForcesBounce),
    Knob(
      "P8", "defaultPoolForceBounce", "default pool bounces everything if",
      "kernel/dma/swiotlb.c", "swiotlb_init_remap", \.defaultPoolForceBounce),
    Knob(
      "P10", "arm64DefaultPool", "arm64 allocates a default pool",
      "arch/arm64/mm/init.c", "arch_mm_preinit", \.arm64DefaultPool),
    Knob(
      "P11", "s390PoolPlacement", "s390's default pool lies",
      "arch/s390/mm/init.c", "pv_init", \.s390PoolPlacement),
    Knob(
      "S0", "updatesPoolAttributes", "swiotlb_update_mem_attributes() is called on",
      "arch/*", "swiotlb_update_mem_attributes", \.updatesPoolAttributes),
    Knob(
      "S1", "defaultPoolState", "state of the default pool",
      "kernel/dma/swiotlb.c", "swiotlb_update_mem_attributes", \.defaultPoolState),
    Knob(
      "S2", "restrictedPoolState", "state of a restricted pool",
      "kernel/dma/swiotlb.c", "rmem_swiotlb_device_init", \.restrictedPoolState),
    Knob(
      "S3", "atomicPoolState", "state of the atomic pools",
      "kernel/dma/pool.c", "atomic_pool_expand", \.atomicPoolState),
    Knob(
      "S5", "atomicPoolSelection", "choice of an atomic pool",
      "kernel/dma/pool.c", "dma_alloc_from_pool", \.atomicPoolSelection),
    Knob(
      "S6", "poolDecryptFailure", "default or restricted pool that cannot be decrypted",
      "kernel/dma/swiotlb.c", "swiotlb_update_mem_attributes", \.poolDecryptFailure),
    Knob(
      "S9", "hostPools", "swiotlb pools of an SME host",
      "kernel/dma/swiotlb.c", "swiotlb_init_remap", \.hostPools),
    Knob(
      "S7", "atomicPoolCreation", "atomic pools that exist",
      "kernel/dma/pool.c", "dma_atomic_pool_init", \.atomicPoolCreation),
    Knob(
      "S8", "coherentPoolConfigured", "DMA_COHERENT_POOL is configured on",
      "arch/*/Kconfig", "dma_direct_alloc_from_pool", \.coherentPoolConfigured),
  ]

  private static let mapping: [Knob] = [
    Knob(
      "M0", "mappingInterface", "calls and attributes that exist",
      "include/linux/dma-mapping.h", "dma_map_phys", \.mappingInterface),
    Knob(
      "M1", "dmaCapable", "what dma_capable() asks beside the mask",
      "include/linux/dma-direct.h", "dma_capable", \.dmaCapable),
    Knob(
      "M2", "mmioPreprocessing", "how an MMIO request is rewritten",
      "kernel/dma/direct.c", "dma_direct_map_phys", \.mmioPreprocessing),
    Knob(
      "M3", "forcedBounce", "under a pool that bounces everything",
      "kernel/dma/direct.c", "dma_direct_map_phys", \.forcedBounce),
    Knob(
      "M4", "unforcedCCShared", "CC_SHARED without such a pool",
      "kernel/dma/direct.c", "dma_direct_map_phys", \.unforcedCCShared),
    Knob(
      "M6", "mmioEncoding", "encoding of an MMIO address",
      "kernel/dma/direct.c", "dma_direct_map_phys", \.mmioEncoding),
    Knob(
      "M7", "incapableCCShared", "CC_SHARED RAM that is not dma_capable",
      "kernel/dma/direct.c", "dma_direct_map_phys", \.incapableCCShared),
    Knob(
      "M8", "incapableRAM", "other RAM that is not dma_capable",
      "kernel/dma/direct.c", "dma_direct_map_phys", \.incapableRAM),
    Knob(
      "M9", "poolStateCheck", "what is asked of the pool's state",
      "kernel/dma/swiotlb.c", "swiotlb_tbl_map_single", \.poolStateCheck),
    Knob(
      "M10", "attributesAfterBounce", "what a bounce does to the attributes",
      "kernel/dma/swiotlb.c", "swiotlb_tbl_map_single", \.attributesAfterBounce),
    Knob(
      "M11", "bounceEncoding", "encoding of a bounce address",
      "kernel/dma/swiotlb.c", "swiotlb_map", \.bounceEncoding),
    Knob(
      "M12", "restrictedPoolRequests", "requests to a restricted pool carry",
      "kernel/dma/direct.c", "dma_direct_map_phys", \.restrictedPoolRequests),
    Knob(
      "M14", "maxMappingSize", "the mapping size is limited if",
      "kernel/dma/direct.c", "dma_direct_max_mapping_size", \.maxMappingSize),
    Knob(
      "M17", "dmaIOMMUBounce", "unaligned requests that dma-iommu bounces",
      "drivers/iommu/dma-iommu.c", "iommu_dma_map_phys", \.dmaIOMMUBounce),
    Knob(
      "M18", "amdPTEForMMIO", "AMD's page table entry for MMIO",
      "drivers/iommu/amd", "iommu_map", \.amdPTEForMMIO),
    Knob(
      "M19", "dmaIOMMUSync", "dma_need_sync() of an IOVA",
      "kernel/dma/mapping.c", "dma_setup_need_sync", \.dmaIOMMUSync),
  ]

  private static let allocation: [Knob] = [
    Knob(
      "A2", "callerSharedAlloc", "a caller's CC_SHARED to dma_alloc_attrs() is",
      "kernel/dma/mapping.c", "dma_alloc_attrs", \.callerSharedAlloc),
    Knob(
      "A15", "forcedAllocSource", "a forced allocation comes from",
      "kernel/dma/direct.c", "dma_direct_alloc", \.forcedAllocSource),
    Knob(
      "A3", "dmaIOMMUSharedAlloc", "iommu_dma_alloc() for a forced device",
      "drivers/iommu/dma-iommu.c", "iommu_dma_alloc", \.dmaIOMMUSharedAlloc),
    Knob(
      "A7", "dmaIOMMUPoolFailure", "iommu_dma_alloc() without a pool page",
      "drivers/iommu/dma-iommu.c", "iommu_dma_alloc", \.dmaIOMMUPoolFailure),
    Knob(
      "A8", "restrictedPageDecrypt", "restricted page decrypted again",
      "kernel/dma/direct.c", "dma_direct_alloc", \.restrictedPageDecrypt),
    Knob(
      "A9", "swiotlbAllocCheck", "what swiotlb_alloc() asks of the pool's state",
      "kernel/dma/swiotlb.c", "swiotlb_alloc", \.swiotlbAllocCheck),
    Knob(
      "A10", "remappedAlloc", "linear mapping of a remapped shared allocation",
      "kernel/dma/direct.c", "dma_direct_alloc", \.remappedAlloc),
  ]
}
