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
    let boot = boots[line.boot]
    var request = line.request
    var path: UInt64 = 0
    for circumstance in lint.circumstances {
      let kernel = booted.kernel(line.boot, boot, circumstance.conditions)
      let lives = domain.masks.map { mask -> LifeCycle? in
        request.mask = mask
        guard
          kernel.policy.circumstanceExclusion(
            circumstance, boot.platform, boot.swiotlb, request) == nil
        else { return nil }
        guard tracing else {
          return kernel.lifeCycle(of: request, maskChange: circumstance.maskChange)
        }
        let traced = kernel.lifeCycleAndFingerprint(
          of: request, maskChange: circumstance.maskChange)
        path = mixed(path, traced.fingerprint)
        return traced.cycle
      }
      let violations = lint.lifeViolations(
        of: LifeLine(
          platform: boot.platform, request: line.request, masks: domain.masks, lives: [lives],
          ordinary: [lives]))
      for violation in violations {
        if violation != nil { cost.violations[lint, default: 0] += line.weight }
        path = mixed(path, violation == nil ? 1 : 2)
      }
    }
    return path
  }
}
