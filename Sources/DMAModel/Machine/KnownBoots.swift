import Support

/// Booted kernels that are asked for again and again, made once.
package final class KnownBoots: Sendable {
  private struct Boot: Hashable {
    let kernel: KernelVersion
    let platform: Platform
    let iommu: IOMMUMode
    let swiotlb: SwiotlbMode
    let machine: MachineName
    let conditions: BootConditions
  }

  private let known = Locked<[Boot: BootedKernel]>([:])

  package init() {}

  /// A kernel on a boot; machines of one name are one.
  package func booted(
    _ kernel: KernelVersion, _ boot: BootConfiguration, _ conditions: BootConditions
  ) -> BootedKernel {
    let key = Boot(
      kernel: kernel, platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
      machine: boot.machine.name, conditions: conditions)
    if let booted = known.withLock({ $0[key] }) { return booted }
    // Two walks may make the same; one is kept.
    let booted = kernel.booted(boot, conditions)
    known.withLock { $0[key] = booted }
    return booted
  }
}
