/// Why a combination of axis values cannot exist.
///
/// An excluded combination has no row with an empty answer; it is counted under
/// the first rule that applies, in the order of the cases.
public enum Exclusion: UInt8, AxisValue {
  case platformUnknown
  case ppc64NoIOMMU
  case xenOwnsIOMMU
  case iommuOffIsX86
  case s390NoPassthrough
  case dmaIOMMUUnknown
  case restrictedNeedsDeviceTree
  case noncoherentIsArm64
  case untrustedIsTranslated
  case untrustedNeedsDMAIOMMU
  case allocHasNoAttributes
  case allocHasNoBuffer
  case mappingNeedsBuffer
  case attributeUnknown
  case mmioAttributeNeedsMMIO
  case mmioNeedsAttribute
  case sgBuffer
  case sgPeerBuffer
  case sgMMIOAttribute
  case bufferNotInRAM
  case oneCircumstance
  case dynamicUnknown
  case grownNeedsDynamic
  case decryptNeedsEncryption
  case decryptNeedsRestricted
  case maskChangeIsSME
  case maskChangeIsAlloc
  case maskChangeNeedsMask
  case notRecorded
  case peerBehindRanges
  case acceptedNeedsTDISP
  case acceptedPeer
  case atomicFillNeedsPools
  case operationUnknown

  public static let axis = "rule"
  public static let allCases: [Exclusion] = (0...peerBehindRanges.rawValue).compactMap {
    Exclusion(rawValue: $0)
  }
  /// The rules about extended values of axes.
  public static let extended: [Exclusion] = [
    .acceptedNeedsTDISP, .acceptedPeer, .atomicFillNeedsPools, .operationUnknown,
  ]

  /// The rule's name.
  public var name: String {
    switch self {
    case .platformUnknown: "platform-unknown"
    case .ppc64NoIOMMU: "ppc64-no-iommu"
    case .xenOwnsIOMMU: "xen-owns-iommu"
    case .iommuOffIsX86: "iommu-off-is-x86"
    case .s390NoPassthrough: "s390-no-passthrough"
    case .dmaIOMMUUnknown: "dma-iommu-unknown"
    case .restrictedNeedsDeviceTree: "restricted-needs-device-tree"
    case .noncoherentIsArm64: "noncoherent-is-arm64"
    case .untrustedIsTranslated: "untrusted-is-translated"
    case .untrustedNeedsDMAIOMMU: "untrusted-needs-dma-iommu"
    case .allocHasNoAttributes: "alloc-has-no-attributes"
    case .allocHasNoBuffer: "alloc-has-no-buffer"
    case .mappingNeedsBuffer: "mapping-needs-buffer"
    case .attributeUnknown: "attribute-unknown"
    case .mmioAttributeNeedsMMIO: "mmio-attribute-needs-mmio"
    case .mmioNeedsAttribute: "mmio-needs-attribute"
    case .sgBuffer: "sg-buffer"
    case .sgPeerBuffer: "sg-peer-buffer"
    case .sgMMIOAttribute: "sg-mmio-attribute"
    case .bufferNotInRAM: "buffer-not-in-ram"
    case .oneCircumstance: "one-circumstance"
    case .dynamicUnknown: "dynamic-unknown"
    case .grownNeedsDynamic: "grown-needs-dynamic"
    case .decryptNeedsEncryption: "decrypt-needs-encryption"
    case .decryptNeedsRestricted: "decrypt-needs-restricted"
    case .maskChangeIsSME: "mask-change-is-sme"
    case .maskChangeIsAlloc: "mask-change-is-alloc"
    case .maskChangeNeedsMask: "mask-change-needs-mask"
    case .notRecorded: "not-recorded"
    case .peerBehindRanges: "peer-behind-ranges"
    case .acceptedNeedsTDISP: "accepted-needs-tdisp"
    case .acceptedPeer: "accepted-peer"
    case .atomicFillNeedsPools: "atomic-fill-needs-pools"
    case .operationUnknown: "operation-unknown"
    }
  }

  /// What the rule says.
  public var summary: String {
    switch self {
    case .platformUnknown: "the kernel has no support for the platform (X1)"
    case .ppc64NoIOMMU: "powerpc's own IOMMU operations are not modelled: iommu=none only"
    case .xenOwnsIOMMU: "domain 0 does not see the IOMMU: iommu=none only"
    case .iommuOffIsX86: "iommu=off is an x86 parameter"
    case .s390NoPassthrough: "s390 has no identity domain for PCI devices"
    case .dmaIOMMUUnknown: "the kernel does not serve the platform by dma-iommu (X2)"
    case .restrictedNeedsDeviceTree: "a restricted-dma-pool needs a device tree: arm64 only"
    case .noncoherentIsArm64: "non-coherent devices are modelled on arm64 only"
    case .untrustedIsTranslated: "an untrusted device gets a DMA domain even with iommu=pt"
    case .untrustedNeedsDMAIOMMU: "without dma-iommu nothing asks whether a device is untrusted"
    case .allocHasNoAttributes: "an allocation has no mapping attributes"
    case .allocHasNoBuffer: "an allocation names no buffer"
    case .mappingNeedsBuffer: "a mapping names a buffer"
    case .attributeUnknown: "the kernel has no such attribute (M0)"
    case .mmioAttributeNeedsMMIO: "DMA_ATTR_MMIO is for device memory"
    case .mmioNeedsAttribute: "device memory is mapped with DMA_ATTR_MMIO"
    case .sgBuffer: "map_sg maps one page of RAM: dma32 or high, or RAM by its address"
    case .sgPeerBuffer: "map_sg_p2p maps peer memory: mmio32 or mmio64"
    case .sgMMIOAttribute: "a scatter list has no DMA_ATTR_MMIO"
    case .bufferNotInRAM: "the machine has no RAM at the buffer's address"
    case .oneCircumstance:
      "one circumstance at a time: mask_change, a full pool, or set_memory_decrypted() failing"
    case .dynamicUnknown: "the kernel has no dynamic pools (M13)"
    case .grownNeedsDynamic: "pools grow with CONFIG_SWIOTLB_DYNAMIC=y alone"
    case .decryptNeedsEncryption: "set_memory_decrypted() does nothing on a plain platform"
    case .decryptNeedsRestricted: "the device has no restricted pool that could fail"
    case .maskChangeIsSME: "only SME hosts look at the coherent mask when memory is freed"
    case .maskChangeIsAlloc: "a mapping has no coherent mask"
    case .maskChangeNeedsMask:
      "mask_change starts from a coherent mask of 32 bits (up) or 64 bits (down)"
    case .notRecorded: "a kernel tree that dmamatrix verify did not evaluate for it"
    case .peerBehindRanges:
      "device memory behind dma-ranges: where its untranslated address leads is not modelled"
    case .acceptedNeedsTDISP:
      "guests with TDISP alone accept devices: sev, tdx, arm64-cca"
    case .atomicFillNeedsPools: "the kernel has no atomic pools on the platform (S8)"
    case .operationUnknown:
      "the kernel has no dma_iova_try_alloc() and dma_iova_link(), which came with 6.16 (M0)"
    case .acceptedPeer: "what an accepted device reaches of peer memory is not modelled"
    }
  }
}

extension Policy {
  /// The rule that excludes a scenario on this kernel, or nil.
  public func exclusion(of scenario: Scenario, on machine: Machine) -> Exclusion? {
    bootExclusion(scenario.platform, scenario.iommu, scenario.swiotlb)
      ?? Self.deviceExclusion(
        scenario.platform,
        scenario.iommu,
        scenario.coherence,
        scenario.facing
      )
      ?? Self.acceptedExclusion(scenario.facing, scenario.buffer)
      ?? requestExclusion(
        scenario.operation,
        scenario.attributes,
        scenario.buffer,
        on: machine
      )
  }

  /// The rule that excludes a booted machine.
  public func bootExclusion(
    _ platform: Platform,
    _ iommu: IOMMUMode,
    _ swiotlb: SwiotlbMode
  ) -> Exclusion? {
    if !platforms.contains(platform) { return .platformUnknown }
    if platform.family == .ppc64, iommu != .none { return .ppc64NoIOMMU }
    if platform.family == .xen, iommu != .none { return .xenOwnsIOMMU }
    if iommu == .off, platform.family != .x86 { return .iommuOffIsX86 }
    if iommu == .passthrough, platform.family == .s390 { return .s390NoPassthrough }
    if iommu.usesDMAIOMMU, !dmaIOMMUPlatforms.contains(platform) { return .dmaIOMMUUnknown }
    if swiotlb == .restricted, platform.family != .arm64 { return .restrictedNeedsDeviceTree }
    return nil
  }

  /// The rule that excludes a device on a booted machine.
  ///
  /// Source of the two on untrusted devices: drivers/iommu/iommu.c
  /// `iommu_get_default_domain_type()` and drivers/iommu/dma-iommu.c
  /// `dev_is_untrusted()`, the only reader on the mapping path.
  public static func deviceExclusion(
    _ platform: Platform,
    _ iommu: IOMMUMode,
    _ coherence: Coherence,
    _ facing: Facing
  ) -> Exclusion? {
    if coherence == .noncoherent, platform.family != .arm64 { return .noncoherentIsArm64 }
    if facing == .ccAccepted, !platform.acceptsDevices { return .acceptedNeedsTDISP }
    guard facing == .external, !iommu.usesDMAIOMMU else { return nil }
    return iommu == .passthrough ? .untrustedIsTranslated : .untrustedNeedsDMAIOMMU
  }

  /// The rule that excludes a buffer for a device that the guest accepted.
  public static func acceptedExclusion(_ facing: Facing, _ buffer: Buffer) -> Exclusion? {
    facing == .ccAccepted && buffer.isDeviceMemory ? .acceptedPeer : nil
  }

  /// The rule that excludes a request.
  public func requestExclusion(
    _ operation: Operation,
    _ attributes: Attributes,
    _ buffer: Buffer,
    on machine: Machine
  ) -> Exclusion? {
    if operation == .iovaLink, !mappingInterface.linksIOVA { return .operationUnknown }
    guard operation.isMapping else {
      if attributes != .none { return .allocHasNoAttributes }
      if operation == .allocCCShared, !mappingInterface.mapsPhysicalAddresses {
        return .attributeUnknown
      }
      return buffer.isForAllocation ? nil : .allocHasNoBuffer
    }
    if buffer.isForAllocation { return .mappingNeedsBuffer }
    if !mappingInterface.mapsPhysicalAddresses, attributes != .none,
      attributes != .mmio || operation == .iovaLink
    {
      return .attributeUnknown
    }
    switch operation {
    case .mapSG, .mapSGP2P:
      if attributes.isMMIO { return .sgMMIOAttribute }
      if operation == .mapSG, !buffer.isScatterPage { return .sgBuffer }
      if operation == .mapSGP2P, !buffer.isDeviceMemory || !buffer.isPage { return .sgPeerBuffer }
    default:
      if attributes.isMMIO, !buffer.isDeviceMemory { return .mmioAttributeNeedsMMIO }
      if !attributes.isMMIO, buffer.isDeviceMemory { return .mmioNeedsAttribute }
    }
    if buffer.isDeviceMemory, !machine.device.ranges.isEmpty { return .peerBehindRanges }
    if !buffer.isDeviceMemory,
      !machine.contains(buffer.physicalAddress, length: buffer.length)
    {
      return .bufferNotInRAM
    }
    return nil
  }
}

extension Buffer {
  /// Whether `map_sg` asks for it: RAM. Of the matrix' buffers it asks for the pages that
  /// were measured alone.
  fileprivate var isScatterPage: Bool {
    !isDeviceMemory && (position == nil || isPage && self != .low)
  }
}
