import DMAModel

/// Lints about the end of requests, as the search counts them.
extension CostLines {
  /// Counts the violations of a lint over a line in every circumstance that the
  /// lint looks at.
  ///
  /// - Returns: A number that names what is violated and, with `tracing`, the paths
  ///   on which requests were undone.
  func visitLife(
    _ lint: Lint, _ line: Line, _ booted: inout Booted, tracing: Bool,
    _ reads: inout DeviceAxes, cost: inout PolicyCost
  ) -> UInt64 {
    var signature = Signature()
    for circumstance in lint.circumstances {
      let platform = boots[line.boot].platform
      let runs = lives(
        line, circumstance, &booted,
        path: tracing ? { signature.add($1, times: $0) } : nil)
      signature.end()
      // It happens to some coherent masks alone.
      if circumstance.maskChange != .none { reads.insert(.coherentMask) }
      for run in runs {
        reads.formUnion(run.reads)
        let isViolated = lint.lifeViolation(by: run.life, on: platform) != nil
        if isViolated {
          cost.violations[lint, default: 0] += line.weight * run.range.count
        }
        signature.add(isViolated ? 2 : 1, times: run.range.count)
      }
      signature.end()
    }
    return signature.value
  }

  /// The lives of a line in a circumstance.
  private func lives(
    _ line: Line, _ circumstance: Circumstance, _ booted: inout Booted,
    path: ((Int, UInt64) -> Void)? = nil
  ) -> [LifeRun] {
    let boot = boots[line.boot]
    let kernel = booted.kernel(line.boot, boot, circumstance.conditions)
    return kernel.lifeRuns(
      of: line.request, masks: domain.masks, circumstance.maskChange, path: path
    ) { request in
      kernel.policy.circumstanceExclusion(circumstance, boot.platform, boot.swiotlb, request)
        == nil
    }
  }

  /// The key of the first request of a line whose end violates a lint.
  func lifeWitness(of lint: Lint, _ line: Line, _ booted: inout Booted) -> String? {
    guard lint.isAboutLife, lint.concerns(line.request.operation) else { return nil }
    let platform = boots[line.boot].platform
    for circumstance in lint.circumstances {
      let runs = lives(line, circumstance, &booted)
      if let run = runs.first(where: { lint.lifeViolation(by: $0.life, on: platform) != nil }) {
        return key(of: line, mask: domain.masks[run.range.lowerBound]) + circumstance.suffix
      }
    }
    return nil
  }

  /// The key of one scenario of a line.
  func key(of line: Line, mask: DMAMask) -> String {
    let boot = boots[line.boot]
    var request = line.request
    request.mask = mask
    return Scenario(
      platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
      memory: boot.machine.name, request: request
    ).key
  }
}
