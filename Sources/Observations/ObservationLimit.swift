/// Why an observation cannot be compared in full: what no model can know.
public enum ObservationLimit: String, CaseIterable, Sendable {
  case iovaValue = "iova-value"
  case bounceSlot = "bounce-slot"
  case allocatedPage = "allocated-page"
  case syncHistory = "need-sync-history"
  case iovaWindow = "iova-window"
  case iovaHistory = "iova-history"
  case allocationLuck = "allocation-luck"
  case secondEntry = "second-entry"
  case unmodelled = "unmodelled"

  /// What cannot be known, and what is checked instead.
  public var summary: String {
    switch self {
    case .iovaValue:
      "which IOVA: it lies below mask and bus limit, at the buffer's offset"
    case .bounceSlot:
      "which slots of the pool: they lie in the pool, below mask and bus limit"
    case .allocatedPage:
      "which page the allocator had: it lies in RAM, below mask and bus limit"
    case .syncHistory:
      "need_sync of an IOVA differs from what the order of the lines predicts: it depends on "
        + "what the device mapped before"
    case .iovaWindow:
      "no IOVA: beside page 0 and the VGA window, the mask leaves no aligned run of pages"
    case .iovaHistory:
      "no IOVA of a lazy domain: unmapped ranges that wait for a flush may fill the few pages "
        + "that the mask leaves, and after a request that found none, further ones below 4 GiB "
        + "are refused until a range is freed (drivers/iommu/iova.c max32_alloc_size)"
    case .allocationLuck:
      "the model calls the allocation not guaranteed; the machine had a page that fits"
    case .secondEntry:
      "where the second entry of a scatter list lies is not in the file"
    case .unmodelled:
      "an attribute or a combination that the model does not know"
    }
  }

  /// Whether the answer is as predicted as far as it can be: nothing differs.
  public var isValueOnly: Bool {
    switch self {
    case .iovaValue, .bounceSlot, .allocatedPage: true
    default: false
    }
  }
}
