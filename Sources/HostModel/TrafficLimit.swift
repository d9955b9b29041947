/// Why an event of a trace cannot be compared in full: what no trace says.
public enum TrafficLimit: String, CaseIterable, Sendable {
  case maskHistory = "mask-history"
  case poolFill = "pool-fill"
  case iovaSpace = "iova-space"
  case noMemory = "no-memory"
  case allocationLuck = "allocation-luck"
  case syncHistory = "sync-history"
  case entriesMissing = "entries-missing"
  case unlistedDevice = "unlisted-device"
  case machineAddress = "machine-address"
  case unpairedBounce = "unpaired-bounce"
  case unknownAttribute = "unknown-attribute"

  /// What cannot be known, and what is checked instead.
  public var summary: String {
    switch self {
    case .maskHistory:
      "the answer is that of another mask that the device had before: the 32 bits that it starts "
        + "with, or one that a bounce of it reports"
    case .poolFill:
      "no slots: how full the pool was, and how its free slots lay, is not in a trace"
    case .iovaSpace: "no IOVA: what the device's IOVA space held is not in a trace"
    case .noMemory: "an allocation that can succeed had no page; free memory is not in a trace"
    case .allocationLuck:
      "the model calls the allocation not guaranteed; the machine had a page that fits"
    case .syncHistory:
      "a sync of a device that needs none any more after its first bounce or before its first "
        + "dma_set_mask(), of which the trace shows neither"
    case .entriesMissing:
      "the trace has only the first entries of the list, or merged ones without their lengths"
    case .unlistedDevice: "the device is not in sys/bus/pci, so that its masks are not known"
    case .machineAddress:
      "Xen: the machine address of a buffer that failed, or one that crosses frames, is not in "
        + "the trace"
    case .unpairedBounce: "a bounce whose mapping is not in the trace"
    case .unknownAttribute: "an attribute that the model does not know"
    }
  }
}

/// One event beside the model.
public enum TrafficOutcome: Sendable, Equatable {
  /// The result is the model's, and the address as far as it can be known.
  case agrees
  case limited(TrafficLimit)
  /// The event ends or syncs what began before the trace, or was lost.
  case unseen
  case differs(TrafficDifference)
}

/// Where an event and the model differ.
public struct TrafficDifference: Sendable, Equatable, Hashable {
  public let column: String
  public let observed: String
  public let model: String

  init(_ column: String, _ observed: String, _ model: String) {
    (self.column, self.observed, self.model) = (column, observed, model)
  }
}

/// What a mapping got, as a trace shows it.
public enum TrafficResult: UInt8, Sendable, CaseIterable {
  case direct, bounce, iova, iovaBounce, error

  public var name: String {
    switch self {
    case .direct: "direct"
    case .bounce: "bounce"
    case .iova: "iova"
    case .iovaBounce: "iova+bounce"
    case .error: "error"
    }
  }

  public var bounces: Bool { self == .bounce || self == .iovaBounce }
}
