import DMAModel
import Support

/// Booted kernels that several walks of one check ask for, made once.
final class KnownBoots: Sendable {
  private struct Boot: Hashable {
    let kernel: KernelVersion
    let platform: Platform
    let iommu: IOMMUMode
    let swiotlb: SwiotlbMode
    let machine: MachineName
    let conditions: BootConditions
  }

  private let known = Locked<[Boot: BootedKernel]>([:])

  /// A kernel on a boot.
  func booted(
    _ kernel: KernelVersion, _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode,
    _ machine: Machine, _ conditions: BootConditions
  ) -> BootedKernel {
    let boot = Boot(
      kernel: kernel, platform: platform, iommu: iommu, swiotlb: swiotlb, machine: machine.name,
      conditions: conditions)
    if let booted = known.withLock({ $0[boot] }) { return booted }
    // Two walks may make the same; one is kept.
    let booted = kernel.booted(platform, iommu, swiotlb, machine, conditions)
    known.withLock { $0[boot] = booted }
    return booted
  }
}
