import DMAModel
import Testing

@Suite struct TraceTests {
  /// Recording a path must not change the answer: every request of every kernel
  /// on two machines, one mask in five.
  @Test(arguments: KernelVersion.all)
  func tracedAndUntracedAnswersAgree(version: KernelVersion) {
    for platform in version.policy.platforms.platforms {
      for iommu in [IOMMUMode.none, .passthrough, .translated]
      where version.policy.bootExclusion(platform, iommu, .force) == nil {
        let kernel = BootedKernel(
          policy: version.policy, platform: platform, iommu: iommu, swiotlb: .force,
          machine: .sixtyFourGiB)
        for request in requests(on: kernel) {
          let (answer, path) = kernel.explain(request)
          #expect(answer == kernel.answer(to: request))
          #expect(!path.isEmpty)
        }
      }
    }
  }

  /// Every knob that a path names exists.
  @Test func pathsNameKnownKnobs() {
    var named: Set<String> = []
    for version in KernelVersion.all {
      for platform in [Platform.x86SME47, .sev, .arm64CCA, .s390PV]
      where version.policy.platforms.contains(platform) {
        for swiotlb in [SwiotlbMode.standard, .force] {
          let kernel = BootedKernel(
            policy: version.policy, platform: platform, iommu: .none, swiotlb: swiotlb,
            machine: .sixtyFourGiB)
          for request in requests(on: kernel) {
            named.formUnion(kernel.explain(request).path.map(\.knob))
          }
        }
      }
    }
    for id in named where !id.isEmpty { #expect(Knob.named(id) != nil, "\(id)") }
    #expect(named.isSuperset(of: ["M1", "M2", "M3", "M4", "M7", "M8", "M9", "M11", "S5"]))
  }

  private func requests(on kernel: BootedKernel) -> [DeviceRequest] {
    var requests: [DeviceRequest] = []
    for operation in Operation.allCases {
      for attributes in Attributes.allCases {
        for buffer in Buffer.allCases
        where kernel.policy.requestExclusion(operation, attributes, buffer, on: kernel.machine)
          == nil
        {
          for mask in stride(from: 24, through: 64, by: 5).compactMap(DMAMask.init(bits:)) {
            requests.append(
              DeviceRequest(
                mask: mask, coherentMask: .same, busLimit: .none, coherence: .coherent,
                facing: .internal, operation: operation, attributes: attributes, buffer: buffer))
          }
        }
      }
    }
    return requests
  }
}
