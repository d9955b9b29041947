import DMAModel

/// A machine booted with a version, as tests ask it: each circumstance once.
public final class DomainBoot {
  public let version: KernelVersion
  public let platform: Platform
  public let iommu: IOMMUMode
  public let swiotlb: SwiotlbMode
  public let machine: Machine
  private var kernels: [Circumstance: BootedKernel] = [:]

  public init(
    _ version: KernelVersion, _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode,
    _ machine: Machine
  ) {
    (self.version, self.platform, self.iommu) = (version, platform, iommu)
    (self.swiotlb, self.machine) = (swiotlb, machine)
  }

  public var names: [String] {
    [version.name, platform.name, iommu.name, swiotlb.name, machine.name.name]
  }

  /// Whether a tree was asked for this boot.
  public var isRecorded: Bool { version.answers(platform, iommu, swiotlb, machine) }

  /// The booted kernel.
  public func kernel(_ circumstance: Circumstance = .ordinary) -> BootedKernel {
    if let kernel = kernels[circumstance] { return kernel }
    let kernel = version.booted(platform, iommu, swiotlb, machine, circumstance.conditions)
    kernels[circumstance] = kernel
    return kernel
  }
}

/// The naive walks that outputs are compared with: value by value, without the short cuts
/// of the product.
extension MatrixDomain {
  /// Every boot of the domain that the policies have.
  public func forEachBoot(_ body: (DomainBoot) throws -> Void) rethrows {
    for version in kernels {
      for platform in platforms {
        for iommu in iommuModes {
          for swiotlb in swiotlbModes
          where version.policy.bootExclusion(platform, iommu, swiotlb) == nil {
            for machine in machines {
              try body(DomainBoot(version, platform, iommu, swiotlb, machine))
            }
          }
        }
      }
    }
  }

  /// Every request that exists on a boot, with every mask.
  public func forEachRequest(
    on boot: DomainBoot, _ body: (DeviceRequest) throws -> Void
  ) rethrows {
    for var request in requests(
      on: boot.machine, boot.platform, boot.iommu, policies: [boot.version.policy])
    {
      for mask in masks {
        request.mask = mask
        try body(request)
      }
    }
  }

  /// Every request of every boot in every circumstance that it can be in.
  public func forEachScenario(
    in circumstances: [Circumstance] = Circumstance.all,
    _ body: (DomainBoot, Circumstance, DeviceRequest) throws -> Void
  ) rethrows {
    try forEachBoot { boot in
      try forEachRequest(on: boot) { request in
        for circumstance in circumstances
        where boot.version.policy.circumstanceExclusion(
          circumstance, boot.platform, boot.swiotlb, request) == nil
        {
          try body(boot, circumstance, request)
        }
      }
    }
  }
}
