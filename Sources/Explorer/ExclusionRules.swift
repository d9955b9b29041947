import DMAModel

/// Why combinations do not exist: for each choice of a few axes the rule that excludes
/// it, so that an empty view can say which.
struct ExclusionRules: Encodable {
  /// The rules that exclude anything, in words.
  private(set) var rules: [String] = []
  /// By kernel, platform, iommu and swiotlb, the last the fastest: a place in
  /// ``rules``, or -1 where no rule is known.
  private(set) var boot: [Int] = []
  /// By platform, iommu, coherent and external.
  private(set) var device: [Int] = []
  /// By kernel, mem, op, attrs and buf.
  private(set) var request: [Int] = []

  /// No rules, of no axes.
  init() {}

  /// Asks the model about every choice that the page offers.
  ///
  /// Kernels and machines that this model does not know have no rules, and recorded
  /// kernels none but their own.
  ///
  /// - Parameter known: The machines by name.
  init(_ content: ExplorerData.Content, _ known: [String: Machine]) {
    func values<Value: AxisValue>(_: Value.Type) -> [Value?] {
      (content.axes[Value.axis] ?? []).map { Value(name: $0.name) }
    }
    let kernels = content.kernels.map { KernelVersion.named($0.name) }
    let platforms = values(Platform.self)
    let iommus = values(IOMMUMode.self)
    let swiotlbs = values(SwiotlbMode.self)
    for kernel in kernels {
      for platform in platforms {
        for iommu in iommus {
          for swiotlb in swiotlbs {
            guard let kernel, let platform, let iommu, let swiotlb else {
              boot.append(-1)
              continue
            }
            boot.append(number(kernel.policy.bootExclusion(platform, iommu, swiotlb)))
          }
        }
      }
    }
    for platform in platforms {
      for iommu in iommus {
        for coherence in values(Coherence.self) {
          for facing in values(Facing.self) {
            guard let platform, let iommu, let coherence, let facing else {
              device.append(-1)
              continue
            }
            device.append(number(Policy.deviceExclusion(platform, iommu, coherence, facing)))
          }
        }
      }
    }
    let machines = (content.axes[MachineName.axis] ?? []).map { known[$0.name] }
    for kernel in kernels {
      for machine in machines {
        for operation in values(Operation.self) {
          for attributes in values(Attributes.self) {
            for buffer in values(Buffer.self) {
              guard let kernel, let machine, let operation, let attributes, let buffer else {
                request.append(-1)
                continue
              }
              request.append(
                number(kernel.policy.requestExclusion(operation, attributes, buffer, on: machine)))
            }
          }
        }
      }
    }
  }

  private mutating func number(_ rule: Exclusion?) -> Int {
    guard let rule else { return -1 }
    let text = "\(rule.name): \(rule.summary)"
    if let place = rules.firstIndex(of: text) { return place }
    rules.append(text)
    return rules.count - 1
  }
}
