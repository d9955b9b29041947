/// T2: swiotlb and a device that the guest accepted (T=1).
public enum AcceptedSwiotlb: String, KnobValue {
  case asOthers
  case notForced
  case none
  case privatePool

  public var summary: String {
    switch self {
    case .asOthers: "uses the pools as any other device"
    case .notForced: "is_swiotlb_force_bounce() is false; else as any other device"
    case .none:
      "no pool: is_swiotlb_active(), is_swiotlb_force_bounce() and is_swiotlb_for_alloc() are "
        + "false, and no atomic pool is used"
    case .privatePool: "a private pool of their own, which nothing forces them into"
    }
  }
}

/// T3: `phys_to_dma()` on x86 for a device that the guest accepted (T=1).
public enum AcceptedAddress: String, KnobValue {
  case asOthers
  case withoutCBit

  public var summary: String {
    switch self {
    case .asOthers: "sets the C-bit for private memory, as for any other device"
    case .withoutCBit: "never sets the C-bit: the IOMMU decides on encryption"
    }
  }
}
