/// One question to a kernel: a booted machine, a device, a request.
///
/// `memory` names one of the machines in use; `2G` and `64G` are the same everywhere.
public struct Scenario: Hashable, Sendable {
  public var platform: Platform
  public var iommu: IOMMUMode
  public var swiotlb: SwiotlbMode
  public var memory: MachineName
  public var mask: DMAMask
  public var coherentMask: CoherentMask
  public var busLimit: BusLimit
  public var coherence: Coherence
  public var facing: Facing
  public var operation: Operation
  public var attributes: Attributes
  public var buffer: Buffer

  public init(
    platform: Platform,
    iommu: IOMMUMode,
    swiotlb: SwiotlbMode,
    memory: MachineName,
    mask: DMAMask,
    coherentMask: CoherentMask = .same,
    busLimit: BusLimit = .none,
    coherence: Coherence = .coherent,
    facing: Facing = .internal,
    operation: Operation,
    attributes: Attributes = .none,
    buffer: Buffer
  ) {
    self.platform = platform
    self.iommu = iommu
    self.swiotlb = swiotlb
    self.memory = memory
    self.mask = mask
    self.coherentMask = coherentMask
    self.busLimit = busLimit
    self.coherence = coherence
    self.facing = facing
    self.operation = operation
    self.attributes = attributes
    self.buffer = buffer
  }
}

/// The `mem` axis: the name of a machine description.
///
/// `2G` and `64G` are the machines of the measured vectors; a described machine
/// has the name that its user gave it and no dense index.
public struct MachineName: AxisValue, CustomStringConvertible {
  public let name: String
  public init(_ name: String) { self.name = name }

  public static let axis = "mem"
  public static let twoGiB = MachineName("2G")
  public static let sixtyFourGiB = MachineName("64G")
  public static let allCases: [MachineName] = [.twoGiB, .sixtyFourGiB]
  public var summary: String {
    switch self {
    case .twoGiB: "RAM [0, 2 GiB)"
    case .sixtyFourGiB: "RAM [0, 3 GiB) and [4 GiB, 64 GiB)"
    default: "a machine described by the user"
    }
  }
  public var description: String { name }
}
