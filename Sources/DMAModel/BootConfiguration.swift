/// What is booted, whatever the kernel: a platform, the modes that the command line asks
/// for, and a machine.
public struct BootConfiguration: Hashable, Sendable {
  public let platform: Platform
  public let iommu: IOMMUMode
  public let swiotlb: SwiotlbMode
  public let machine: Machine

  public init(
    _ platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode, _ machine: Machine
  ) {
    (self.platform, self.iommu, self.swiotlb) = (platform, iommu, swiotlb)
    self.machine = machine
  }
}

extension BootConfiguration {
  /// A request on the boot.
  public func scenario(_ request: DeviceRequest) -> Scenario {
    Scenario(
      platform: platform, iommu: iommu, swiotlb: swiotlb, memory: machine.name, request: request)
  }
}

extension RecordedAnswers {
  /// What was recorded of a boot; nil where nothing was.
  public func boot(_ boot: BootConfiguration) -> RecordedBoot? {
    self.boot(boot.platform, boot.iommu, boot.swiotlb, boot.machine.name)
  }
}

extension Policy {
  /// Why no kernel of this policy boots so; nil where one does.
  public func exclusion(of boot: BootConfiguration) -> Exclusion? {
    bootExclusion(boot.platform, boot.iommu, boot.swiotlb)
  }
}

extension BootedKernel {
  /// Boots a kernel whose answers are computed.
  public convenience init(
    _ policy: Policy, _ boot: BootConfiguration, _ conditions: BootConditions = .ordinary
  ) {
    self.init(
      policy: policy, platform: boot.platform, iommu: boot.iommu, swiotlb: boot.swiotlb,
      machine: boot.machine, conditions: conditions)
  }
}

extension KernelVersion {
  /// Boots the kernel.
  public func booted(
    _ boot: BootConfiguration, _ conditions: BootConditions = .ordinary
  ) -> BootedKernel {
    booted(boot.platform, boot.iommu, boot.swiotlb, boot.machine, conditions)
  }

  /// Whether a booted machine has answers: always, unless they are recorded.
  public func answers(_ boot: BootConfiguration) -> Bool {
    answers(boot.platform, boot.iommu, boot.swiotlb, boot.machine)
  }
}

extension MatrixDomain {
  /// Every boot of the domain's part, whether a kernel has it or not: platforms outermost,
  /// machines innermost.
  public var boots: [BootConfiguration] {
    var boots: [BootConfiguration] = []
    for platform in platforms {
      for iommu in iommuModes {
        for swiotlb in swiotlbModes {
          for machine in machines where includes(platform, iommu, swiotlb, machine) {
            boots.append(BootConfiguration(platform, iommu, swiotlb, machine))
          }
        }
      }
    }
    return boots
  }

  /// The boots that exist under all of some policies.
  public func boots(on policies: [Policy]) -> [BootConfiguration] {
    boots.filter { boot in policies.allSatisfy { $0.exclusion(of: boot) == nil } }
  }

  /// Every device and request of the domain that exists on a boot under all policies; the
  /// mask is the domain's first.
  public func requests(
    on boot: BootConfiguration, policies: [Policy]
  ) -> [DeviceRequest] {
    requests(on: boot.machine, boot.platform, boot.iommu, policies: policies)
  }
}
