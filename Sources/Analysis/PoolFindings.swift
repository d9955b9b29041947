import DMAModel

extension Check {
  /// Boots whose pool is smaller than on the base: a finding for each pair of sizes and the
  /// version that brought it.
  static func poolFindings(
    _ kernel: KernelVersion, _ base: KernelVersion, _ domain: MatrixDomain
  ) -> [Finding] {
    let earlier = EarlierVersions(before: kernel, base: base, comparing: true)
    return PoolChange.all([base, kernel], domain: domain).filter(\.shrinks).compactMap { change in
      let conditions = change.conditions
      guard let witness = conditions.first.flatMap({ Witness($0.witness, domain) }) else {
        return nil
      }
      // The oldest version of the unbroken row.
      let row = earlier.kernels.prefix {
        witness.violates(.restrictedPoolShrinks, $0.policy, base)
      }
      let sizes = change.pools.map(\.sizeText)
      return Finding(
        lint: .restrictedPoolShrinks,
        headline: "pool of \(sizes[1]), was \(sizes[0]) on the base",
        verdict: .ok, decision: .noSlots, severity: .breaks,
        origins: [FindingOrigin(since: row.last ?? kernel, isNew: true, witness: nil)],
        wrong: nil, isAboutSME: false, isAboutDevice: false, isByCircumstance: false,
        scenarios: conditions.reduce(0) { $0 + $1.scenarios }, conditions: conditions)
    }
  }
}

extension PoolChange {
  /// The boots, in conditions whose scenarios are boots.
  fileprivate var conditions: [Condition] {
    let swiotlbModes = SwiotlbMode.allCases.filter { mode in modes.contains { $0.swiotlb == mode } }
    return swiotlbModes.map { swiotlb in
      let iommus = modes.filter { $0.swiotlb == swiotlb }.map(\.iommu)
      func term(_ axis: String, _ values: [String]) -> Condition.Term {
        Condition.Term(
          axis: axis, values: values, text: "\(axis)=\(values.joined(separator: "|"))")
      }
      let isDefault = swiotlb == .standard
      return Condition(
        terms: [
          term(Platform.axis, [platform.name]), term(IOMMUMode.axis, iommus.map(\.name)),
          term(SwiotlbMode.axis, [swiotlb.name]), term(MachineName.axis, [memory.name]),
        ],
        scenarios: iommus.count,
        usual: isDefault ? iommus.filter { $0 == .none || $0 == .translated }.count : 0,
        witness: witness(iommus[0], swiotlb))
    }
  }

  /// A request on one of the boots, whose explanation shows the pool.
  private func witness(_ iommu: IOMMUMode, _ swiotlb: SwiotlbMode) -> String {
    Scenario(
      platform: platform, iommu: iommu, swiotlb: swiotlb, memory: memory,
      request: DeviceRequest(
        mask: DMAMask(highestAddress: .max), coherentMask: .same, busLimit: .none,
        coherence: .coherent,
        facing: .internal, operation: .map, attributes: .none, buffer: .low)
    ).key
  }
}

extension SwiotlbPool {
  /// `64 MiB`, `32 KiB`, or `none`.
  public var sizeText: String {
    guard isActive else { return "none" }
    let bytes = end - start
    return bytes % (1 << 20) == 0 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB"
  }
}
