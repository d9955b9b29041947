import DMAModel

/// Lints about the end of requests, as the search counts them.
extension CostLines {
  /// Counts the violations of a lint over a line in every circumstance that the
  /// lint looks at.
  ///
  /// - Returns: A number that names what is violated and, with `tracing`, the paths
  ///   on which requests were undone.
  func visitLife(
    _ lint: Lint, _ line: Line, _ booted: inout Booted, tracing: Bool, cost: inout PolicyCost
  ) -> UInt64 {
    var path: UInt64 = 0
    for circumstance in lint.circumstances {
      let (violations, traced) = violations(
        of: lint, line, circumstance, &booted, tracing: tracing)
      path = mixed(path, traced)
      for violation in violations {
        if violation != nil { cost.violations[lint, default: 0] += line.weight }
        path = mixed(path, violation == nil ? 1 : 2)
      }
    }
    return path
  }

  /// What a line violates in one circumstance, by mask; with `tracing` also a number
  /// that names the paths on which its requests were undone.
  private func violations(
    of lint: Lint, _ line: Line, _ circumstance: Circumstance, _ booted: inout Booted,
    tracing: Bool = false
  ) -> (violations: [ViolationKey?], path: UInt64) {
    let boot = boots[line.boot]
    let kernel = booted.kernel(line.boot, boot, circumstance.conditions)
    var request = line.request
    var path: UInt64 = 0
    let happens = domain.masks.map { mask in
      request.mask = mask
      return kernel.policy.circumstanceExclusion(
        circumstance, boot.platform, boot.swiotlb, request) == nil
    }
    let some = zip(domain.masks, happens).filter(\.1).map(\.0)
    var cycles: [LifeCycle] = []
    if tracing {
      kernel.forEachFingerprintedRun(
        of: request, masks: some, maskChange: circumstance.maskChange
      ) { run, fingerprint in
        for _ in run.range {
          cycles.append(run.cycle)
          path = mixed(path, fingerprint)
        }
      }
    } else {
      cycles = kernel.lifeCycles(
        of: request, masks: some, maskChange: circumstance.maskChange)
    }
    var next = cycles.makeIterator()
    let lives = happens.map { $0 ? next.next() : nil }
    let line = LifeLine(
      platform: boot.platform, request: line.request, masks: domain.masks, lives: [lives],
      ordinary: [lives])
    return (lint.lifeViolations(of: line), path)
  }

  /// The key of the first request of a line whose end violates a lint.
  func lifeWitness(of lint: Lint, _ line: Line, _ booted: inout Booted) -> String? {
    guard lint.isAboutLife, lint.concerns(line.request.operation) else { return nil }
    for circumstance in lint.circumstances {
      let found = violations(of: lint, line, circumstance, &booted).violations
      if let index = found.firstIndex(where: { $0 != nil }) {
        return key(of: line, mask: domain.masks[index]) + circumstance.suffix
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
