/// Everything that the modelled kernels differ by: one value per knob.
///
/// A knob is named after the decision it stands for; its letter and number are
/// those of the specification's knob table and of `dmamatrix policy knobs`.
public struct Policy: Hashable, Sendable {
  // Platform
  /// X1: the platforms that the kernel knows.
  public var platforms: PlatformSet
  /// X2: the platforms whose devices dma-iommu can serve.
  public var dmaIOMMUPlatforms: PlatformSet
  /// X3: SME hosts with iommu=pt.
  public var hostPassthrough: HostPassthrough
  /// P1: `cc_platform_has(CC_ATTR_MEM_ENCRYPT)`.
  public var memoryEncryption: PlatformSet
  /// P2: `cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)`.
  public var guestMemoryEncryption: PlatformSet
  /// P3: `cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT)`.
  public var hostMemoryEncryption: PlatformSet
  /// P4: `force_dma_unencrypted()` on x86.
  public var forceUnencryptedX86: ForceUnencryptedX86
  /// P5: `force_dma_unencrypted()` on arm64, powerpc and s390.
  public var forceUnencrypted: PlatformSet

  // swiotlb set-up
  /// P7: the architecture sets SWIOTLB_FORCE.
  public var architectureForcesBounce: PlatformSet
  /// P8: what makes the default pool bounce everything.
  public var defaultPoolForceBounce: DefaultPoolForceBounce
  /// P10: arm64's default pool.
  public var arm64DefaultPool: Arm64DefaultPool
  /// P11: s390's default pool.
  public var s390PoolPlacement: S390PoolPlacement
  /// S0: the platforms that call `swiotlb_update_mem_attributes()`.
  public var updatesPoolAttributes: PlatformSet
  /// S1: the default pool's state.
  public var defaultPoolState: PoolState
  /// S2: the restricted pools' state.
  public var restrictedPoolState: PoolState
  /// S3: the atomic pools' state.
  public var atomicPoolState: PoolState
  /// S5: how an atomic pool is chosen.
  public var atomicPoolSelection: AtomicPoolSelection
  /// S6: a default or restricted pool that cannot be decrypted.
  public var poolDecryptFailure: PoolDecryptFailure
  /// S9: the number of pools of an SME host.
  public var hostPools: HostPools
  /// S7: which atomic pools exist.
  public var atomicPoolCreation: AtomicPoolCreation
  /// S8: CONFIG_DMA_COHERENT_POOL.
  public var coherentPoolConfigured: PlatformSet

  // Mapping
  /// M0: which calls and attributes exist.
  public var mappingInterface: MappingInterface
  /// M1: `dma_capable()`.
  public var dmaCapable: DMACapable
  /// M2: how an MMIO request is rewritten.
  public var mmioPreprocessing: MMIOPreprocessing
  /// M3: forced bounces.
  public var forcedBounce: ForcedBounce
  /// M4: CC_SHARED without a forced bounce.
  public var unforcedCCShared: UnforcedCCShared
  /// M6: an MMIO address.
  public var mmioEncoding: MMIOEncoding
  /// M7: CC_SHARED RAM that is not `dma_capable()`.
  public var incapableCCShared: IncapableCCShared
  /// M8: other RAM that is not `dma_capable()`.
  public var incapableRAM: IncapableRAM
  /// M9: the pool state check of `swiotlb_tbl_map_single()`.
  public var poolStateCheck: PoolStateCheck
  /// M10: the attributes after a bounce.
  public var attributesAfterBounce: AttributesAfterBounce
  /// M11: the encoding of a bounce address.
  public var bounceEncoding: BounceEncoding
  /// M12: requests to a restricted pool.
  public var restrictedPoolRequests: RestrictedPoolRequests
  /// M14: `dma_direct_max_mapping_size()`.
  public var maxMappingSize: MaxMappingSize
  /// M17: what dma-iommu bounces.
  public var dmaIOMMUBounce: DMAIOMMUBounce
  /// M18: AMD's page table and MMIO.
  public var amdPTEForMMIO: AMDPTEForMMIO
  /// M19: `dma_need_sync()` with dma-iommu.
  public var dmaIOMMUSync: DMAIOMMUSync

  // Allocation
  /// A2: a caller's CC_SHARED.
  public var callerSharedAlloc: CallerSharedAlloc
  /// A15: where a forced allocation comes from.
  public var forcedAllocSource: ForcedAllocSource
  /// A3: dma-iommu and shared allocations.
  public var dmaIOMMUSharedAlloc: DMAIOMMUSharedAlloc
  /// A7: dma-iommu and exhausted atomic pools.
  public var dmaIOMMUPoolFailure: DMAIOMMUPoolFailure
  /// A8: restricted pages decrypted again.
  public var restrictedPageDecrypt: RestrictedPageDecrypt
  /// A9: the state check of `swiotlb_alloc()`.
  public var swiotlbAllocCheck: SwiotlbAllocCheck
  /// A10: remapped shared allocations.
  public var remappedAlloc: RemappedAlloc

  // Dynamic pools and the end of a request
  /// M13: dynamic pools.
  public var transientPools: TransientPools
  /// A14: a page that cannot be decrypted.
  public var pageDecryptFailure: PageDecryptFailure
  /// F1: atomic pool pages at free.
  public var poolPageLookup: PoolPageLookup
  /// F2: restricted pool pages at free.
  public var swiotlbFreeTest: SwiotlbFreeTest
  /// F3: re-encryption at free.
  public var freeEncrypts: FreeEncrypts
  /// F4: the free of a transient pool.
  public var transientFree: TransientFree

  // Devices that a guest accepted (T=1)
  /// T1: where `force_dma_unencrypted()` is false for them.
  public var acceptedUnforced: PlatformSet
  /// T2: their pools.
  public var acceptedSwiotlb: AcceptedSwiotlb
  /// T3: their addresses on x86.
  public var acceptedAddress: AcceptedAddress
}
