extension Policy {
  /// Linux 6.1: the oldest modelled kernel, to which every other version is a
  /// list of changes.
  ///
  /// Source: Debian's linux-source-6.1; the file and function of each value are
  /// those of the ``Knob``.
  public static let linux6_1 = Policy(
    platforms: [
      .x86, .x86SME47, .x86SME51, .sev, .snpVTOM, .tdx, .arm64, .ppc64, .ppc64SVM, .s390, .s390PV,
      .xenPV,
    ],
    dmaIOMMUPlatforms: [.x86, .x86SME47, .x86SME51, .sev, .snpVTOM, .tdx, .arm64],
    hostPassthrough: .asAsked,
    // hyperv_cc_platform_has() knows CC_ATTR_GUEST_MEM_ENCRYPT alone.
    memoryEncryption: [.x86SME47, .x86SME51, .sev, .tdx, .ppc64SVM],
    guestMemoryEncryption: [.sev, .snpVTOM, .tdx],
    hostMemoryEncryption: [.x86SME47, .x86SME51],
    forceUnencryptedX86: .guestOrLowMaskHost,
    forceUnencrypted: [.ppc64SVM, .s390PV],
    // On powerpc the flag comes too late: init_svm() runs after swiotlb_init().
    architectureForcesBounce: [.sev, .snpVTOM, .tdx, .s390PV],
    defaultPoolForceBounce: .commandLineOrArchitecture,
    arm64DefaultPool: .ramAboveLimit,
    s390PoolPlacement: .low,
    // snp-vtom through arch/x86/hyperv/hv_init.c, the other x86 platforms
    // through mem_encrypt_init().
    updatesPoolAttributes: [.x86SME47, .x86SME51, .sev, .snpVTOM, .tdx, .s390PV, .ppc64SVM],
    defaultPoolState: .noFlagAlwaysDecrypt,
    restrictedPoolState: .noFlagAlwaysDecrypt,
    atomicPoolState: .noFlagAlwaysDecrypt,
    atomicPoolSelection: .byZone,
    poolDecryptFailure: .ignored,
    hostPools: .one,
    atomicPoolCreation: .kernelAndDMA32Always,
    coherentPoolConfigured: [.x86, .x86SME47, .x86SME51, .sev, .snpVTOM, .tdx, .arm64, .xenPV],
    mappingInterface: .pageAndResource,
    dmaCapable: .maskOnly,
    mmioPreprocessing: .none,
    forcedBounce: .refusesPeerPages,
    unforcedCCShared: .refused,
    mmioEncoding: .physical,
    incapableCCShared: .refused,
    incapableRAM: .bouncesUnlessPeerPage,
    poolStateCheck: .none,
    attributesAfterBounce: .unchanged,
    bounceEncoding: .shared,
    restrictedPoolRequests: .asAsked,
    maxMappingSize: .limitedOrForcedBounce,
    dmaIOMMUBounce: .untrusted,
    amdPTEForMMIO: .private,
    dmaIOMMUSync: .always,
    callerSharedAlloc: .ignored,
    forcedAllocSource: .freshPages,
    dmaIOMMUSharedAlloc: .privatePages,
    dmaIOMMUPoolFailure: .returnsNull,
    restrictedPageDecrypt: .whenForced,
    swiotlbAllocCheck: .none,
    remappedAlloc: .pgprotOnly,
    transientPools: .none,
    pageDecryptFailure: .silent,
    poolPageLookup: .linearAddress,
    swiotlbFreeTest: .swiotlbFree,
    freeEncrypts: .forcedUnlessRemapped,
    transientFree: .none,
    acceptedUnforced: [],
    acceptedSwiotlb: .asOthers,
    acceptedAddress: .asOthers
  )
}

extension PlatformSet {
  static let x86 = PlatformSet([.x86])
  static let x86SME47 = PlatformSet([.x86SME47])
  static let x86SME51 = PlatformSet([.x86SME51])
  static let sev = PlatformSet([.sev])
  static let snpVTOM = PlatformSet([.snpVTOM])
  static let tdx = PlatformSet([.tdx])
  static let arm64 = PlatformSet([.arm64])
  static let arm64CCA = PlatformSet([.arm64CCA])
  static let arm64PKVM = PlatformSet([.arm64PKVM])
  static let ppc64 = PlatformSet([.ppc64])
  static let ppc64SVM = PlatformSet([.ppc64SVM])
  static let s390 = PlatformSet([.s390])
  static let s390PV = PlatformSet([.s390PV])
  static let xenPV = PlatformSet([.xenPV])
}
