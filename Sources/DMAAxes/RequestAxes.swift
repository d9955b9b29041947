/// What the driver asks for.
public enum Operation: UInt8, AxisValue {
  case map
  case mapSG
  case mapSGP2P
  case alloc
  case allocAtomic
  case allocNoKernelMapping
  case allocPages
  case allocPagesAtomic
  case allocCCShared
  case iovaLink
  case allocNoncontiguous

  public static let axis = "op"
  public static let allCases: [Operation] = [
    .map, .mapSG, .mapSGP2P, .alloc, .allocAtomic, .allocNoKernelMapping, .allocPages,
    .allocPagesAtomic,
  ]
  public static let extended: [Operation] = [.allocCCShared, .iovaLink, .allocNoncontiguous]

  public var name: String {
    switch self {
    case .map: "map"
    case .mapSG: "map_sg"
    case .mapSGP2P: "map_sg_p2p"
    case .alloc: "alloc"
    case .allocAtomic: "alloc_atomic"
    case .allocNoKernelMapping: "alloc_nomap"
    case .allocPages: "alloc_pages"
    case .allocPagesAtomic: "alloc_pages_atomic"
    case .allocCCShared: "alloc_cc_shared"
    case .iovaLink: "iova_link"
    case .allocNoncontiguous: "alloc_noncontiguous"
    }
  }

  public var summary: String {
    switch self {
    case .map: "streaming mapping of one buffer (dma_map_phys)"
    case .mapSG: "scatter list of one page of RAM (dma_map_sg)"
    case .mapSGP2P: "scatter list entry that is peer memory behind the host bridge"
    case .alloc: "dma_alloc_attrs, GFP_KERNEL"
    case .allocAtomic: "dma_alloc_attrs, GFP_ATOMIC"
    case .allocNoKernelMapping: "dma_alloc_attrs with DMA_ATTR_NO_KERNEL_MAPPING"
    case .allocPages: "dma_alloc_pages, GFP_KERNEL"
    case .allocPagesAtomic: "dma_alloc_pages, GFP_ATOMIC"
    case .allocCCShared: "dma_alloc_attrs, GFP_KERNEL, with DMA_ATTR_CC_SHARED of the caller's"
    case .iovaLink: "dma_iova_try_alloc for one buffer, and dma_iova_link of all of it (6.16)"
    case .allocNoncontiguous: "dma_alloc_noncontiguous, GFP_KERNEL"
    }
  }

  /// Whether the request must not sleep: GFP_ATOMIC, or a mapping.
  @inlinable public var isAtomic: Bool {
    switch self {
    case .map, .mapSG, .mapSGP2P, .iovaLink, .allocAtomic, .allocPagesAtomic: true
    case .alloc, .allocNoKernelMapping, .allocPages, .allocCCShared, .allocNoncontiguous: false
    }
  }

  /// Whether the request maps existing memory rather than allocating it.
  @inlinable public var isMapping: Bool {
    switch self {
    case .map, .mapSG, .mapSGP2P, .iovaLink: true
    default: false
    }
  }
}

/// The attributes of a mapping request (`DMA_ATTR_*`).
public enum Attributes: UInt8, AxisValue {
  case none, ccShared, mmio, mmioCCShared, requireCoherent

  public static let axis = "attrs"

  public var name: String {
    switch self {
    case .none: "none"
    case .ccShared: "cc_shared"
    case .mmio: "mmio"
    case .mmioCCShared: "mmio+cc_shared"
    case .requireCoherent: "require_coherent"
    }
  }

  public var summary: String {
    switch self {
    case .none: "no attribute"
    case .ccShared: "DMA_ATTR_CC_SHARED: the caller decrypted the buffer beforehand"
    case .mmio: "DMA_ATTR_MMIO (dma_map_resource() before 7.2)"
    case .mmioCCShared: "DMA_ATTR_MMIO and DMA_ATTR_CC_SHARED"
    case .requireCoherent: "DMA_ATTR_REQUIRE_COHERENT: never bounce, never sync"
    }
  }

  @inlinable public var isMMIO: Bool { self == .mmio || self == .mmioCCShared }
  @inlinable public var isCCShared: Bool { self == .ccShared || self == .mmioCCShared }
}
