/// enum dma_data_direction.
public enum Direction: UInt8, AxisValue {
  case toDevice, fromDevice, bidirectional

  public static let axis = "dir"

  public var name: String {
    switch self {
    case .toDevice: "to"
    case .fromDevice: "from"
    case .bidirectional: "bidi"
    }
  }

  public var summary: String {
    switch self {
    case .toDevice: "DMA_TO_DEVICE: the device reads"
    case .fromDevice: "DMA_FROM_DEVICE: the device writes"
    case .bidirectional: "DMA_BIDIRECTIONAL: both"
    }
  }
}

/// The calls at which a bounced mapping may be copied.
public enum SyncPoint: UInt8, AxisValue {
  case map, syncForDevice, syncForCPU, unmap

  public static let axis = "call"

  public var name: String {
    switch self {
    case .map: "dma_map_*"
    case .syncForDevice: "dma_sync_*_for_device"
    case .syncForCPU: "dma_sync_*_for_cpu"
    case .unmap: "dma_unmap_*"
    }
  }

  public var summary: String {
    switch self {
    case .map: "the device may look at the bounce buffer from here on"
    case .syncForDevice: "the device gets the buffer back"
    case .syncForCPU: "the CPU looks at what the device wrote so far"
    case .unmap: "the mapping ends"
    }
  }
}

/// What a call copies between the buffer and its bounce buffer.
public enum SyncCopy: UInt8, AxisValue {
  case none, toBounceBuffer, toBuffer

  public static let axis = "copy"

  public var name: String {
    switch self {
    case .none: "-"
    case .toBounceBuffer: "in"
    case .toBuffer: "out"
    }
  }

  public var summary: String {
    switch self {
    case .none: "nothing: each side sees its own memory as it was"
    case .toBounceBuffer: "buffer to bounce buffer: the device sees what the CPU wrote"
    case .toBuffer: "bounce buffer to buffer: the CPU sees what the device wrote"
    }
  }

  /// What `call` copies; the same in every version, directly and through dma-iommu.
  ///
  /// A mapping is copied in whatever its direction, so that what the device does not
  /// write is what the buffer held, DMA_ATTR_SKIP_CPU_SYNC or not; out for the
  /// directions in which the device writes.  A request that is not bounced shares its
  /// memory with the device, and nothing is copied at all.
  ///
  /// Source: kernel/dma/swiotlb.c `swiotlb_tbl_map_single()`,
  /// `__swiotlb_sync_single_for_device()`, `__swiotlb_sync_single_for_cpu()`,
  /// `__swiotlb_tbl_unmap_single()`.
  ///
  /// `skipsCPUSync` is DMA_ATTR_SKIP_CPU_SYNC, which mapping and unmapping take and the
  /// sync calls do not.
  public init(at call: SyncPoint, _ direction: Direction, skipsCPUSync: Bool) {
    switch call {
    case .map: self = .toBounceBuffer
    case .syncForDevice: self = direction == .fromDevice ? .none : .toBounceBuffer
    case .syncForCPU: self = direction == .toDevice ? .none : .toBuffer
    case .unmap: self = direction == .toDevice || skipsCPUSync ? .none : .toBuffer
    }
  }
}
