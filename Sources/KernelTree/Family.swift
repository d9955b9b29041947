import DMAModel

/// What the harness needs to know of one architecture's code.
struct Family: Sendable {
  let family: Platform.Family
  /// `x86`: the name in messages and of the shim's files.
  let name: String
  /// The directory below `arch/`.
  let directory: String
  /// Kconfig symbols that are on.
  let roots: Set<String>
  let kconfigs: [String]
  /// Files compiled whole, where the tree has them.
  let whole: [String]
  /// Definitions taken by name.
  let pieces: [Piece]

  struct Piece: Sendable {
    let roots: [String]
    let files: [String]
    var stop: Set<String> = []
    /// The tree must have the first root.
    var isRequired = true
    /// A Kconfig symbol without which nothing uses the definitions.
    var onlyWith: String?
  }

  static let all: [Family] = [x86, arm64, s390, ppc64]

  static let x86 = Family(
    family: .x86, name: "x86", directory: "x86",
    roots: [
      "X86", "X86_64", "64BIT", "MMU", "HAS_DMA", "SWIOTLB", "ZONE_DMA", "AMD_MEM_ENCRYPT",
      "INTEL_TDX_GUEST", "PCI",
    ],
    kconfigs: ["arch/x86/Kconfig"],
    whole: ["arch/x86/mm/mem_encrypt.c", "arch/x86/kernel/pci-dma.c"],
    pieces: [
      Piece(
        roots: ["cc_platform_has"],
        files: ["arch/x86/coco/core.c", "arch/x86/kernel/cc_platform.c"]),
      Piece(
        roots: ["set_memory_decrypted", "set_memory_encrypted"],
        files: ["arch/x86/mm/pat/set_memory.c"],
        stop: [
          "__set_memory_enc_pgtable", "hv_is_isolation_supported", "hv_set_mem_host_visibility",
        ]),
      Piece(
        roots: ["sev_setup_arch"], files: ["arch/x86/mm/mem_encrypt_amd.c"], isRequired: false),
    ])

  static let arm64 = Family(
    family: .arm64, name: "arm64", directory: "arm64",
    roots: [
      "ARM64", "64BIT", "MMU", "HAS_DMA", "SWIOTLB", "ZONE_DMA", "ZONE_DMA32",
      "DMA_RESTRICTED_POOL",
      "OF", "ACPI", "PCI",
    ],
    kconfigs: ["arch/arm64/Kconfig"],
    whole: ["arch/arm64/mm/mem_encrypt.c"],
    pieces: [
      Piece(
        roots: ["cc_platform_has"],
        files: ["arch/arm64/kernel/rsi.c", "arch/arm64/mm/init.c", "arch/arm64/mm/mem_encrypt.c"],
        isRequired: false),
      Piece(
        roots: [
          "mem_init", "arch_mm_preinit", "dma_limits_init", "zone_sizes_init",
          "arch_zone_limits_init", "arm64_dma_phys_limit",
        ],
        files: ["arch/arm64/mm/init.c"], stop: ["cc_platform_has"]),
      Piece(
        roots: ["__kmalloc_minalign"], files: ["mm/slab_common.c"],
        stop: ["is_swiotlb_allocated"], onlyWith: "DMA_BOUNCE_UNALIGNED_KMALLOC"),
    ])

  static let s390 = Family(
    family: .s390, name: "s390", directory: "s390",
    roots: ["S390", "64BIT", "MMU", "HAS_DMA", "SWIOTLB", "PCI", "ZONE_DMA"],
    kconfigs: ["arch/s390/Kconfig"],
    whole: [],
    pieces: [
      Piece(
        roots: [
          "pv_init", "set_memory_encrypted", "set_memory_decrypted", "force_dma_unencrypted",
          "cc_platform_has",
        ],
        files: ["arch/s390/mm/init.c"])
    ])

  static let ppc64 = Family(
    family: .ppc64, name: "ppc64", directory: "powerpc",
    roots: ["PPC", "PPC64", "64BIT", "MMU", "HAS_DMA", "PPC_PSERIES", "PPC_SVM"],
    kconfigs: ["arch/powerpc/Kconfig", "arch/powerpc/platforms/pseries/Kconfig"],
    whole: ["arch/powerpc/kernel/dma-swiotlb.c"],
    pieces: [
      Piece(roots: ["cc_platform_has"], files: ["arch/powerpc/platforms/pseries/cc_platform.c"]),
      Piece(
        roots: ["init_svm", "set_memory_encrypted", "set_memory_decrypted"],
        files: ["arch/powerpc/platforms/pseries/svm.c"]),
    ])

  /// Files and directories that code of the shim stands for, beside headers: iommu_map(),
  /// IOVAs, the page allocator, memblock, genalloc, peer memory, and the callers of what
  /// sets swiotlb up.
  static let ported = [
    "arch/powerpc/mm/mem.c", "arch/powerpc/platforms/pseries/setup.c", "arch/s390/mm/init.c",
    "arch/x86/hyperv/", "arch/x86/kernel/setup.c", "drivers/iommu/iommu.c",
    "drivers/iommu/iova.c", "drivers/pci/p2pdma.c", "drivers/pci/probe.c", "lib/genalloc.c",
    "lib/scatterlist.c", "mm/memblock.c", "mm/page_alloc.c", "mm/slab_common.c", "mm/vmalloc.c",
  ]

  /// Never on: what the machine behind the vectors does not have.
  static let excluded: Set<String> = [
    "SWIOTLB_DYNAMIC", "SWIOTLB_XEN", "XEN", "DMA_CMA", "DMA_OPS_BYPASS", "DMA_API_DEBUG",
    "ARCH_HAS_DMA_MAP_DIRECT", "ARCH_HAS_DMA_SET_MASK", "ARCH_HAS_DMA_OPS", "DEBUG_FS",
    "DMA_DECLARE_COHERENT", "DMA_GLOBAL_POOL", "NUMA", "HIGHMEM", "GART_IOMMU", "KMSAN", "EXPERT",
  ]

  /// Whether the harness defines CONFIG_name for the compiled files.
  static func isDefined(_ name: String) -> Bool {
    let prefixes = [
      "ARCH_HAS_DMA", "ARCH_HAS_SYNC", "ARCH_HAS_FORCE", "ARCH_HAS_MEM_ENCRYPT",
      "ARCH_HAS_CC_PLATFORM", "ARCH_HAS_PHYS_TO_DMA", "ARCH_HAS_BATCHED", "ARCH_DMA", "DMA_",
      "SWIOTLB", "NEED_SG", "ZONE_", "IOMMU_DMA", "HAS_DMA", "MMU", "64BIT", "AMD_MEM_ENCRYPT",
      "X86_MEM_ENCRYPT", "X86_64", "GENERIC_ALLOCATOR", "PPC", "PHYS_ADDR_T",
    ]
    return prefixes.contains { name.hasPrefix($0) }
  }
}
