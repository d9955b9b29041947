/// How the IOMMU serves the device.
public enum IOMMUMode: UInt8, AxisValue {
  case none, off, passthrough, translated, lazy, strict

  public static let axis = "iommu"

  public var name: String {
    switch self {
    case .none: "none"
    case .off: "off"
    case .passthrough: "passthrough"
    case .translated: "translated"
    case .lazy: "lazy"
    case .strict: "strict"
    }
  }

  public var summary: String {
    switch self {
    case .none: "no IOMMU and no iommu= parameter; dma-direct"
    case .off: "iommu=off on x86, which also keeps a plain host from having a swiotlb"
    case .passthrough: "identity domain (iommu=pt); dma-direct"
    case .translated: "DMA domain; dma-iommu"
    case .lazy: "DMA domain with deferred invalidation; decides as translated does"
    case .strict: "DMA domain with immediate invalidation; decides as translated does"
    }
  }

  /// Whether dma-iommu handles the device (`use_dma_iommu()`).
  @inlinable public var usesDMAIOMMU: Bool {
    switch self {
    case .none, .off, .passthrough: false
    case .translated, .lazy, .strict: true
    }
  }
}

/// The `swiotlb=` parameter, or a device with a restricted-dma-pool of its own.
public enum SwiotlbMode: UInt8, AxisValue {
  case standard, force, noforce, restricted

  public static let axis = "swiotlb"

  public var name: String {
    switch self {
    case .standard: "default"
    case .force: "force"
    case .noforce: "noforce"
    case .restricted: "restricted"
    }
  }

  public var summary: String {
    switch self {
    case .standard: "no swiotlb= parameter"
    case .force: "swiotlb=force"
    case .noforce: "swiotlb=noforce: no pool at all"
    case .restricted: "the device's device-tree node has a restricted-dma-pool"
    }
  }
}
