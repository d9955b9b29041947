/// A part of the matrix: values of every axis.
public struct MatrixDomain: Sendable {
  public var kernels: [KernelVersion] = KernelVersion.all
  public var platforms: [Platform] = Platform.allCases
  /// `lazy` and `strict` decide as `translated` does and are left out by default.
  public var iommuModes: [IOMMUMode] = [.none, .off, .passthrough, .translated]
  public var swiotlbModes: [SwiotlbMode] = SwiotlbMode.allCases
  public var machines: [Machine] = Machine.standard
  public var masks: [DMAMask] = DMAMask.allCases
  public var coherentMasks: [CoherentMask] = CoherentMask.allCases
  public var busLimits: [BusLimit] = BusLimit.allCases
  public var coherences: [Coherence] = Coherence.allCases
  public var facings: [Facing] = Facing.allCases
  public var operations: [Operation] = Operation.allCases
  public var attributes: [Attributes] = Attributes.allCases
  public var buffers: [Buffer] = Buffer.allCases
  /// What all boots meet; an atomic pool's fill alone is told apart by who asks for it.
  public var conditions = BootConditions.ordinary
  /// The part of the booted machines that is meant; nil for all.
  public var shard: Shard?

  public init() {}

  /// Every machine that a kernel could be booted on, exclusions included.
  public var bootCount: Int {
    kernels.count * platforms.count * iommuModes.count * swiotlbModes.count * machines.count
  }

  /// Combinations of device and request axes, exclusions included.
  public var combinationsPerBoot: Int {
    masks.count * coherentMasks.count * busLimits.count * coherences.count * facings.count
      * operations.count * attributes.count * buffers.count
  }

  /// The rule by which a kernel has none of the operations, with any attribute and buffer;
  /// nil where it has one, or where rules differ.
  public func missingCall(of policy: Policy) -> Exclusion? {
    var rules: Set<Exclusion?> = []
    for machine in machines {
      for operation in operations {
        for attributes in attributes {
          for buffer in buffers {
            rules.insert(policy.requestExclusion(operation, attributes, buffer, on: machine))
          }
        }
      }
    }
    return rules.count == 1 ? rules.first ?? nil : nil
  }

  /// Whether a value of an axis is none of the matrix' own.
  public var hasExtendedValues: Bool {
    func others<Value: AxisValue>(_ values: [Value]) -> Bool {
      values.contains { Value.extended.contains($0) }
    }
    return others(facings) || others(operations)
  }

  /// Combinations of all axes, exclusions included.
  public var combinations: Int { bootCount * combinationsPerBoot }
}

extension MatrixDomain {
  /// Whether a booted machine belongs to the ``shard``, whether it exists or not.
  ///
  /// The parts are those of all combinations of the four axes, in the domain's order.
  public func includes(
    _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode, _ machine: Machine
  ) -> Bool {
    guard let shard else { return true }
    guard let platform = platforms.firstIndex(of: platform),
      let iommu = iommuModes.firstIndex(of: iommu),
      let swiotlb = swiotlbModes.firstIndex(of: swiotlb),
      let machine = machines.firstIndex(where: { $0.name == machine.name })
    else { return false }
    let line = (platform * iommuModes.count + iommu) * swiotlbModes.count + swiotlb
    let position = line * machines.count + machine
    // Each round starts one further, or a part could be one machine's.
    return shard.contains(position + position / shard.count)
  }

  /// Every device and request of the domain that exists under all policies; the
  /// mask is the domain's first.
  public func requests(
    on machine: Machine, _ platform: Platform, _ iommu: IOMMUMode, policies: [Policy]
  ) -> [DeviceRequest] {
    var requests: [DeviceRequest] = []
    for coherentMask in coherentMasks {
      for busLimit in busLimits {
        for coherence in coherences {
          for facing in facings
          where Policy.deviceExclusion(platform, iommu, coherence, facing) == nil {
            for operation in operations {
              for attributes in attributes {
                for buffer in buffers
                where Policy.acceptedExclusion(facing, buffer) == nil
                  && policies.allSatisfy({
                    $0.requestExclusion(operation, attributes, buffer, on: machine) == nil
                  })
                {
                  requests.append(
                    DeviceRequest(
                      mask: masks[0], coherentMask: coherentMask, busLimit: busLimit,
                      coherence: coherence, facing: facing, operation: operation,
                      attributes: attributes, buffer: buffer))
                }
              }
            }
          }
        }
      }
    }
    return requests
  }
}
