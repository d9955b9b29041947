extension KernelVersion {
  /// The modelled kernels, oldest first: four releases, and the four posted
  /// versions of "dma-mapping: Use DMA_ATTR_CC_SHARED through direct, pool and
  /// swiotlb paths" between 7.2 and 7.3 whose patches are known.
  public static let all: [KernelVersion] = [
    linux6_1, linux6_12, linux7_2, seriesV4, seriesV5, seriesV6, seriesV7, linux7_3,
  ]

  /// Those of them that are releases.
  public static let releases: [KernelVersion] = all.filter { $0.sourcePackage != nil }

  /// The newest release.
  public static let latest = linux7_3

  /// The modelled kernels, then the alternatives.
  public static let known: [KernelVersion] = all + alternatives

  /// The version or alternative called `name`, alternatives joined (`v6+P03+P05`)
  /// included, or nil.
  public static func named(_ name: some StringProtocol) -> KernelVersion? {
    known.first { $0.name == name } ?? (try? combination(String(name)))
  }

  /// The version that it changes; nil for the oldest, and for what is based on a user's.
  public var baseVersion: KernelVersion? { base.flatMap(Self.named) }

  static let linux6_1 = KernelVersion(
    "6.1",
    oldest: .linux6_1,
    "Linux 6.1, page-based mapping, no shared/private attribute",
    sourcePackage: "linux-source-6.1 (6.1.192)"
  )

  static let linux6_12 = KernelVersion(
    "6.12",
    basedOn: linux6_1,
    "Linux 6.12, bounces unaligned kmalloc() buffers",
    sourcePackage: "linux-source-6.12 (6.12.117)",
    changes: [
      PolicyChange(\.dmaIOMMUSync, .untilBounce, "kernel/dma/mapping.c dma_setup_need_sync"),
      PolicyChange(
        adding: [.arm64PKVM],
        to: \.platforms,
        "drivers/virt/coco/pkvm-guest registers arm64_mem_crypt_ops"
      ),
      PolicyChange(
        adding: [.arm64PKVM, .s390, .s390PV],
        to: \.dmaIOMMUPlatforms,
        "drivers/iommu/Kconfig IOMMU_DMA"
      ),
      PolicyChange(
        adding: [.snpVTOM],
        to: \.memoryEncryption,
        "arch/x86/coco/core.c: Hyper-V vTOM uses the AMD and Intel vendor paths"
      ),
      PolicyChange(
        \.arm64DefaultPool,
        .alsoForKmalloc,
        "arch/arm64/mm/init.c mem_init"
      ),
      PolicyChange(adding: [.arm64PKVM], to: \.coherentPoolConfigured, "arch/arm64/Kconfig"),
      PolicyChange(
        \.incapableRAM,
        .alsoUnsafeKmalloc,
        "kernel/dma/direct.h dma_direct_map_page"
      ),
      PolicyChange(
        \.dmaIOMMUBounce,
        .untrustedOrUnsafeKmalloc,
        "drivers/iommu/dma-iommu.c dev_use_swiotlb"
      ),
      PolicyChange(\.transientPools, .atomicPoolIfForced, "kernel/dma/swiotlb.c swiotlb_alloc_tlb"),
      PolicyChange(\.transientFree, .rcuCallback, "kernel/dma/swiotlb.c swiotlb_del_pool"),
    ]
  )

  static let linux7_2 = KernelVersion(
    "7.2",
    basedOn: linux6_12,
    "Linux 7.2, dma_map_phys() and CC_SHARED, before the series",
    sourcePackage: "linux-source-7.2 (7.2.13)",
    changes: [
      PolicyChange(
        adding: [.arm64CCA],
        to: \.platforms,
        "arch/arm64/include/asm/mem_encrypt.h dma_addr_unencrypted"
      ),
      PolicyChange(adding: [.arm64CCA], to: \.dmaIOMMUPlatforms, "arch/arm64/Kconfig"),
      PolicyChange(
        adding: [.arm64CCA],
        to: \.memoryEncryption,
        "arch/arm64/kernel/rsi.c cc_platform_has"
      ),
      PolicyChange(
        adding: [.arm64CCA],
        to: \.forceUnencrypted,
        "arch/arm64/include/asm/mem_encrypt.h force_dma_unencrypted"
      ),
      PolicyChange(
        adding: [.arm64CCA],
        to: \.architectureForcesBounce,
        "arch/arm64/mm/init.c arch_mm_preinit"
      ),
      PolicyChange(
        \.arm64DefaultPool,
        .alsoForRealm,
        "arch/arm64/mm/init.c arch_mm_preinit"
      ),
      PolicyChange(
        adding: [.arm64, .arm64CCA, .arm64PKVM],
        to: \.updatesPoolAttributes,
        "arch/arm64/mm/init.c mem_init"
      ),
      PolicyChange(
        \.atomicPoolCreation,
        .populatedZones,
        "kernel/dma/pool.c dma_atomic_pool_init"
      ),
      PolicyChange(adding: [.arm64CCA], to: \.coherentPoolConfigured, "arch/arm64/Kconfig"),
      PolicyChange(
        \.mappingInterface,
        .physicalAddress,
        "kernel/dma/mapping.c dma_map_phys"
      ),
      PolicyChange(\.forcedBounce, .skippedByCCShared, "kernel/dma/direct.h dma_direct_map_phys"),
      PolicyChange(
        \.incapableRAM,
        .bouncesUnlessRequireCoherent,
        "kernel/dma/direct.h dma_direct_map_phys"
      ),
      PolicyChange(\.amdPTEForMMIO, .shared, "drivers/iommu/generic_pt/fmt/amdv1.h"),
    ]
  )

  static let seriesV4 = KernelVersion(
    "v4",
    basedOn: linux7_2,
    "the series, version 4 of 2026-05-12 (13 patches)",
    messageID: "20260512090408.794195-1-aneesh.kumar@kernel.org",
    changes: [
      PolicyChange(\.restrictedPageDecrypt, .never, "1/13"),
      PolicyChange(\.callerSharedAlloc, .refusedByDirect, "2/13"),
      PolicyChange(\.atomicPoolState, .memoryEncryption, "3/13"),
      PolicyChange(\.atomicPoolSelection, .byZoneAndState, "3/13"),
      PolicyChange(\.dmaIOMMUPoolFailure, .usesNullPage, "3/13"),
      PolicyChange(\.defaultPoolState, .memoryEncryption, "4/13"),
      PolicyChange(\.restrictedPoolState, .memoryEncryption, "4/13"),
      PolicyChange(\.poolStateCheck, .matchesCCSharedOrForced, "4/13"),
      PolicyChange(\.bounceEncoding, .byAttributes, "4/13"),
      PolicyChange(\.swiotlbAllocCheck, .matchesForced, "4/13"),
      PolicyChange(\.dmaCapable, .forcedNeedsCCShared, "6/13"),
      PolicyChange(\.attributesAfterBounce, .sharedPoolAddsCCShared, "6/13"),
      PolicyChange(clearing: \.architectureForcesBounce, "7/13"),
      PolicyChange(\.forcedBounce, .refusesMMIO, "7/13"),
      PolicyChange(\.unforcedCCShared, .allowed, "7/13"),
      PolicyChange(\.mmioEncoding, .likeRAM, "7/13"),
      PolicyChange(\.incapableCCShared, .bounces, "7/13"),
      PolicyChange(\.remappedAlloc, .decryptsLinearMap, "8/13"),
      PolicyChange(\.maxMappingSize, .alsoForcedUnencrypted, "8/13"),
      PolicyChange(\.transientPools, .atomicPoolIfShared, "4/13"),
      PolicyChange(\.pageDecryptFailure, .allocPagesWarns, "8/13"),
      PolicyChange(\.swiotlbFreeTest, .findPoolTwice, "1/13"),
      PolicyChange(\.freeEncrypts, .forcedUnlessSwiotlb, "1/13, 8/13"),
    ]
  )

  static let seriesV5 = KernelVersion(
    "v5",
    basedOn: seriesV4,
    "the series, version 5 of 2026-05-22 (20 patches)",
    messageID: "20260522042815.370873-1-aneesh.kumar@kernel.org",
    changes: [
      PolicyChange(
        adding: [.s390PV, .arm64PKVM],
        to: \.memoryEncryption,
        "1/20 (pKVM), 2/20 (s390)"
      ),
      PolicyChange(adding: [.arm64PKVM], to: \.forceUnencrypted, "1/20"),
      PolicyChange(\.attributesAfterBounce, .poolDecides, "6/20"),
      PolicyChange(\.poolStateCheck, .matchesForced, "7/20"),
      PolicyChange(\.mmioPreprocessing, .forcedSetsCCShared, "10/20"),
      PolicyChange(\.dmaIOMMUPoolFailure, .returnsNull, "16/20"),
      PolicyChange(\.swiotlbFreeTest, .findPoolOnce, "cover letter: the pool is looked up once"),
      PolicyChange(\.transientFree, .rcuWork, "17/20"),
      PolicyChange(\.poolDecryptFailure, .disablesPool, "18/20"),
      PolicyChange(\.poolPageLookup, .physicalAddress, "19/20"),
    ]
  )

  static let seriesV6 = KernelVersion(
    "v6",
    basedOn: seriesV5,
    "the series, version 6 of 2026-06-04 (20 patches)",
    messageID: "20260604083959.1265923-1-aneesh.kumar@kernel.org",
    changes: [
      PolicyChange(
        removing: [.arm64PKVM],
        from: \.memoryEncryption,
        "cover letter: the pKVM patch is posted separately"
      ),
      PolicyChange(
        removing: [.arm64PKVM],
        from: \.forceUnencrypted,
        "cover letter: the pKVM patch is posted separately"
      ),
      PolicyChange(\.defaultPoolForceBounce, .commandLine, "20/20"),
    ]
  )

  static let seriesV7 = KernelVersion(
    "v7",
    basedOn: seriesV6,
    "the series, version 7 of 2026-07-01 (22 patches)",
    messageID: "20260701054926.825925-1-aneesh.kumar@kernel.org",
    changes: [
      PolicyChange(adding: [.arm64CCA, .s390PV, .ppc64SVM], to: \.guestMemoryEncryption, "8/22"),
      PolicyChange(\.callerSharedAlloc, .refused, "9/22, 10/22"),
      PolicyChange(\.dmaIOMMUSharedAlloc, .refused, "10/22, 11/22"),
      PolicyChange(\.poolStateCheck, .guestMatchesForcedHostShared, "13/22"),
      PolicyChange(\.transientPools, .atomicPoolIfSharedWithDevice, "13/22"),
    ]
  )

  static let linux7_3 = KernelVersion(
    "7.3",
    basedOn: seriesV7,
    "Linux 7.3, the series as merged",
    sourcePackage: "linux-source-7.3 (7.3.4)",
    matchesSwiotlbByPrefix: true,
    changes: [
      PolicyChange(
        adding: [.arm64PKVM],
        to: \.memoryEncryption,
        "arch/arm64/mm/init.c cc_platform_has"
      ),
      PolicyChange(
        adding: [.arm64PKVM],
        to: \.guestMemoryEncryption,
        "arch/arm64/mm/init.c cc_platform_has"
      ),
      PolicyChange(
        \.forceUnencryptedX86,
        .guestOrLowMaskHostWithoutDMAIOMMU,
        "arch/x86/mm/mem_encrypt.c force_dma_unencrypted"
      ),
      PolicyChange(
        adding: [.arm64PKVM],
        to: \.forceUnencrypted,
        "arch/arm64/include/asm/mem_encrypt.h force_dma_unencrypted"
      ),
      PolicyChange(\.arm64DefaultPool, .always, "arch/arm64/mm/init.c arch_mm_preinit"),
      PolicyChange(\.s390PoolPlacement, .anywhere, "arch/s390/mm/init.c pv_init"),
      PolicyChange(adding: [.s390, .s390PV], to: \.coherentPoolConfigured, "arch/s390/Kconfig"),
      PolicyChange(
        \.mmioPreprocessing,
        .hostSetsCCShared,
        "kernel/dma/direct.c dma_direct_map_phys"
      ),
      PolicyChange(
        \.poolPageLookup, .physicalIfRemapped, "kernel/dma/pool.c dma_free_from_pool_page"),
    ]
  )
}
