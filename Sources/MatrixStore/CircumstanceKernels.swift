import DMAModel

/// One boot in every circumstance but the ordinary one.
struct CircumstanceKernels {
  /// The circumstances that can happen, with their places in `Circumstance.all`.
  let kernels: [(number: UInt8, circumstance: Circumstance, kernel: BootedKernel)]

  init(_ boot: Boot) {
    // Recorded answers are those of the ordinary circumstance.
    guard boot.kernel.recorded == nil else {
      kernels = []
      return
    }
    kernels = Circumstance.all.enumerated().dropFirst().compactMap { number, circumstance in
      guard Self.exists(circumstance, boot) else { return nil }
      let kernel = BootedKernel(
        boot.kernel.policy, boot.configuration, circumstance.conditions)
      return (UInt8(number), circumstance, kernel)
    }
  }

  /// Whether a circumstance can happen to any request of a boot.
  private static func exists(_ circumstance: Circumstance, _ boot: Boot) -> Bool {
    // A device's own pool is neither full nor private with the default pool.
    let isDefaultPool =
      circumstance.conditions.fill != .empty
      || circumstance.conditions.decryptFailure == .defaultPool
    if isDefaultPool, boot.swiotlb == .restricted { return false }
    guard let bits = DMAMask(bits: Int(circumstance.maskChange.bitsBefore ?? 64)) else {
      return false
    }
    let request = DeviceRequest(
      mask: bits, coherentMask: .same, busLimit: .none, coherence: .coherent, facing: .internal,
      operation: .alloc, attributes: .none, buffer: .none)
    return boot.kernel.policy.circumstanceExclusion(
      circumstance, boot.platform, boot.swiotlb, request) == nil
  }
}
