import DMAModel

/// What a probe asked a booted kernel.
public enum ProbeOperation: String, CaseIterable, Sendable {
  case setMask = "set_mask"
  case mapPage = "map_page"
  case mapPhys = "map_phys"
  case mapSmall = "map_small"
  case mapBig = "map_big"
  case mapCross = "map_cross"
  case mapSG = "map_sg"
  case mapResource = "map_resource"
  case allocCoherent = "alloc_coherent"
  case allocPages = "alloc_pages"

  /// Whether memory is allocated rather than mapped.
  public var isAllocation: Bool { self == .allocCoherent || self == .allocPages }
}

/// What a probe says that the kernel did.
public enum ProbeResult: String, CaseIterable, Sendable {
  /// The buffer's own address.
  case direct
  /// The address of a swiotlb slot.
  case bounce
  /// An IOVA of the buffer.
  case iova
  /// An IOVA of a swiotlb slot.
  case iovaBounce = "iova_bounce"
  /// DMA_MAPPING_ERROR, NULL, or a refused mask.
  case error
  /// The machine had no such memory, or the kernel no such call.
  case absent
  /// An accepted mask.
  case ok
}

/// The direction of a mapping.
public enum ProbeDirection: String, CaseIterable, Sendable {
  case bidirectional = "bidi"
  case toDevice = "to"
  case fromDevice = "from"

  /// Whether an unmap copies a bounce buffer back
  /// (kernel/dma/swiotlb.c `swiotlb_tbl_unmap_single()`).
  public var copiesBack: Bool { self != .toDevice }
}

/// One line of a probe: a request, and what a booted kernel did with it.
///
/// A value that the probe did not measure is nil.
public struct Observation: Sendable, Hashable {
  /// The line of the file, from 1.
  public var line: Int
  /// The bits of the mask that was set last; 0 where none was set yet.
  public var maskBits: Int
  /// What `dma_set_mask()` returned.
  public var setMaskError: Int
  /// What `dma_set_coherent_mask()` returned.
  public var setCoherentMaskError: Int
  /// `*dev->dma_mask` and `dev->coherent_dma_mask` afterwards.
  public var dmaMask: UInt64
  public var operation: ProbeOperation
  /// The probe's name for the buffer, or what was asked of the page allocator.
  public var region: String
  public var direction: ProbeDirection?
  /// The attributes' names without `DMA_ATTR_`, sorted.
  public var attributes: [String]
  /// Bytes; of a scatter list the sum of its entries.
  public var length: UInt64?
  /// Where the buffer lies; of a scatter list where its first entry does.
  public var physicalAddress: UInt64?
  /// Where the second entry of a scatter list lies.
  public var secondAddress: UInt64?
  public var dmaAddress: UInt64?
  public var result: ProbeResult
  /// `dma_need_sync()`.
  public var needsSync: Bool?
  /// Slots of the pool that the mapping took.
  public var slots: Int?
  /// Whether the map copied the buffer into the pool, and the unmap out of it.
  public var copiedIn: Bool?
  public var copiedOut: Bool?
  public var maxMapping: UInt64?
  public var optimalMapping: UInt64?
  public var requiredMask: UInt64?
  public var isAddressingLimited: Bool?

  /// ``length``, or a page where the probe gave none.
  var bytes: UInt64 { length ?? 4096 }

  package init(
    line: Int, maskBits: Int, setMaskError: Int, setCoherentMaskError: Int, dmaMask: UInt64,
    operation: ProbeOperation, region: String, direction: ProbeDirection? = nil,
    attributes: [String], length: UInt64? = nil, physicalAddress: UInt64? = nil,
    secondAddress: UInt64? = nil, dmaAddress: UInt64? = nil, result: ProbeResult,
    needsSync: Bool? = nil, slots: Int? = nil, copiedIn: Bool? = nil, copiedOut: Bool? = nil,
    maxMapping: UInt64? = nil, optimalMapping: UInt64? = nil, requiredMask: UInt64? = nil,
    isAddressingLimited: Bool? = nil
  ) {
    self.line = line
    self.maskBits = maskBits
    self.setMaskError = setMaskError
    self.setCoherentMaskError = setCoherentMaskError
    self.dmaMask = dmaMask
    self.operation = operation
    self.region = region
    self.direction = direction
    self.attributes = attributes
    self.length = length
    self.physicalAddress = physicalAddress
    self.secondAddress = secondAddress
    self.dmaAddress = dmaAddress
    self.result = result
    self.needsSync = needsSync
    self.slots = slots
    self.copiedIn = copiedIn
    self.copiedOut = copiedOut
    self.maxMapping = maxMapping
    self.optimalMapping = optimalMapping
    self.requiredMask = requiredMask
    self.isAddressingLimited = isAddressingLimited
  }
}

/// A machine as it was booted for some observations.
public struct ObservedBoot: Sendable, Hashable {
  /// The modelled kernel.
  public var kernel: String
  /// `uname -r`.
  public var release: String
  /// What was booted, in the words of its source: `intel_strict`.
  public var label: String
  public var commandLine: String
  /// The platforms that fit; SME's C-bit is not logged.
  public var platforms: [Platform]
  public var machine: Machine
  public var iommu: IOMMUMode
  public var swiotlb: SwiotlbMode
  public var facing: Facing
  /// The type of the device's domain: none, identity, dma, dma-fq.
  public var domain: String
  /// `dev->bus_dma_limit` in bits, 0 for none.
  public var busLimitBits: Int
  /// Where the device's default pool lay, or nil for none.
  public var pool: PhysicalRange?
  public var poolForcesBounce: Bool

  package init(
    kernel: String, release: String, label: String, commandLine: String, platforms: [Platform],
    machine: Machine, iommu: IOMMUMode, swiotlb: SwiotlbMode, facing: Facing, domain: String,
    busLimitBits: Int, pool: PhysicalRange?, poolForcesBounce: Bool
  ) {
    self.kernel = kernel
    self.release = release
    self.label = label
    self.commandLine = commandLine
    self.platforms = platforms
    self.machine = machine
    self.iommu = iommu
    self.swiotlb = swiotlb
    self.facing = facing
    self.domain = domain
    self.busLimitBits = busLimitBits
    self.pool = pool
    self.poolForcesBounce = poolForcesBounce
  }
}

/// The observations of one boot, in the order in which they were made.
public struct BootObservations: Sendable {
  public var boot: ObservedBoot
  public var observations: [Observation]
  public init(boot: ObservedBoot, observations: [Observation] = []) {
    self.boot = boot
    self.observations = observations
  }
}
