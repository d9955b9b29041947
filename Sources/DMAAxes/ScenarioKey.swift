/// The printable key and the dense index of a scenario.
///
/// Both are permanent: they name the same scenario in every later version.
extension Scenario {
  /// The axes' names in the order of the key.
  public static let axes: [String] = [
    Platform.axis, IOMMUMode.axis, SwiotlbMode.axis, MachineName.axis, DMAMask.axis,
    CoherentMask.axis, BusLimit.axis, Coherence.axis, Facing.axis, Operation.axis,
    Attributes.axis, Buffer.axis,
  ]

  /// The spelling of each axis' value, in the order of ``axes``.
  public var names: [String] {
    [
      platform.name, iommu.name, swiotlb.name, memory.name, mask.name,
      coherentMask.name, busLimit.name, coherence.name, facing.name, operation.name,
      attributes.name, buffer.name,
    ]
  }

  /// The printable key: the twelve values, separated by slashes, e.g.
  /// `x86-sme47/passthrough/force/64G/47/same/none/1/0/map/none/dma32`.
  public var key: String { names.joined(separator: "/") }

  /// The scenario that a key names, or nil where the key is malformed.
  public init?(key: some StringProtocol) {
    let fields = key.split(separator: "/", omittingEmptySubsequences: false)
    guard fields.count == Self.axes.count,
      let platform = Platform(name: fields[0]), let iommu = IOMMUMode(name: fields[1]),
      let swiotlb = SwiotlbMode(name: fields[2]), !fields[3].isEmpty,
      let mask = DMAMask(name: fields[4]), let coherentMask = CoherentMask(name: fields[5]),
      let busLimit = BusLimit(name: fields[6]), let coherence = Coherence(name: fields[7]),
      let facing = Facing(name: fields[8]), let operation = Operation(name: fields[9]),
      let attributes = Attributes(name: fields[10]), let buffer = Buffer(name: fields[11])
    else { return nil }
    self.init(
      platform: platform,
      iommu: iommu,
      swiotlb: swiotlb,
      memory: MachineName(String(fields[3])),
      mask: mask,
      coherentMask: coherentMask,
      busLimit: busLimit,
      coherence: coherence,
      facing: facing,
      operation: operation,
      attributes: attributes,
      buffer: buffer
    )
  }
}

/// The dense index of scenarios: mixed radix, the mask the fastest digit, so
/// that neighbouring indices are neighbouring masks.
///
/// Every number below ``count`` decodes, excluded combinations included.
public enum ScenarioIndex {
  /// How many indices there are.
  public static let count = radices.reduce(1, *)

  private static let radices = [
    Platform.allCases.count, IOMMUMode.allCases.count, SwiotlbMode.allCases.count,
    MachineName.allCases.count, CoherentMask.allCases.count, BusLimit.allCases.count,
    Coherence.allCases.count, Facing.allCases.count, Operation.allCases.count,
    Attributes.allCases.count, Buffer.allCases.count, DMAMask.allCases.count,
  ]

  /// The index of a scenario, or nil for a machine other than `2G` and `64G` and for
  /// any other extended or finer value of an axis.
  public static func index(of scenario: Scenario) -> Int? {
    guard let platform = Platform.allCases.firstIndex(of: scenario.platform),
      let memory = MachineName.allCases.firstIndex(of: scenario.memory),
      let coherentMask = CoherentMask.allCases.firstIndex(of: scenario.coherentMask),
      let busLimit = BusLimit.allCases.firstIndex(of: scenario.busLimit),
      let mask = DMAMask.allCases.firstIndex(of: scenario.mask),
      let facing = Facing.allCases.firstIndex(of: scenario.facing),
      let operation = Operation.allCases.firstIndex(of: scenario.operation),
      let buffer = Buffer.allCases.firstIndex(of: scenario.buffer)
    else { return nil }
    let digits = [
      platform, Int(scenario.iommu.rawValue),
      Int(scenario.swiotlb.rawValue), memory, coherentMask,
      busLimit, Int(scenario.coherence.rawValue),
      facing, operation,
      Int(scenario.attributes.rawValue), buffer,
      mask,
    ]
    return zip(digits, radices).reduce(0) { $0 * $1.1 + $1.0 }
  }

  /// The scenario with an index, or nil outside `0..<count`.
  public static func scenario(at index: Int) -> Scenario? {
    guard (0..<count).contains(index) else { return nil }
    var rest = index
    var digits = [Int](repeating: 0, count: radices.count)
    for position in radices.indices.reversed() {
      digits[position] = rest % radices[position]
      rest /= radices[position]
    }
    return Scenario(
      platform: Platform.allCases[digits[0]],
      iommu: IOMMUMode.allCases[digits[1]],
      swiotlb: SwiotlbMode.allCases[digits[2]],
      memory: MachineName.allCases[digits[3]],
      mask: DMAMask.allCases[digits[11]],
      coherentMask: CoherentMask.allCases[digits[4]],
      busLimit: BusLimit.allCases[digits[5]],
      coherence: Coherence.allCases[digits[6]],
      facing: Facing.allCases[digits[7]],
      operation: Operation.allCases[digits[8]],
      attributes: Attributes.allCases[digits[9]],
      buffer: Buffer.allCases[digits[10]]
    )
  }
}
