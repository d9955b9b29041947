import Analysis
import DMAModel
import MatrixStore

/// Reports that the model answers without a database.
public enum ModelReport: String, CaseIterable, Sendable {
  case mail = "2026-07-02"
  case findings

  /// What the report shows, in one sentence.
  public var summary: String {
    switch self {
    case .mail: "SME hosts: what each version and alternative of that mail does"
    case .findings: "the violations of one kernel, and since which version"
    }
  }

  /// Makes the report.
  ///
  /// - Parameter kernel: What `findings` is about.
  public func document(kernel: KernelVersion) -> Document {
    switch self {
    case .mail: mailReport()
    case .findings: findingsReport(kernel)
    }
  }
}

/// The violations of a kernel over the default matrix.
///
/// The comparing lints have the version before as their base, and 7.2, which has
/// none of it, for every version of the series and for 7.3.
func findingsReport(_ kernel: KernelVersion) -> Document {
  let index = KernelVersion.all.firstIndex(of: kernel)
  let earlier = index.map { Array(KernelVersion.all[..<$0]) } ?? []
  var since: [String: String] = [:]
  let check = Check(kernel, base: base(of: kernel), domain: MatrixDomain())
  var open = Set(check.findings.map(\.identity))
  for identity in open { since[identity] = kernel.name }
  for version in earlier.reversed() where !open.isEmpty {
    let found = Check(version, base: base(of: version), domain: MatrixDomain())
    open.formIntersection(found.findings.map(\.identity))
    for identity in open { since[identity] = version.name }
  }
  var document = checkDocument(check, since: since)
  document.blocks.append(
    .paragraph(
      "\"since\" is the first version of an unbroken row that has the same finding, its "
        + "conditions may differ. dmamatrix report findings --kernel \(kernel.name)."))
  return document
}

/// What a version's findings are compared with.
private func base(of version: KernelVersion) -> KernelVersion? {
  let before = version.base.flatMap(KernelVersion.named)
  let isSeries = version.messageID != nil || version.name == "7.3"
  return isSeries ? KernelVersion.named("7.2") : before
}

/// Spans of masks with one answer, straight from the model.
func modelSpans(_ kernels: [KernelVersion], _ domain: MatrixDomain) -> [BehaviorSpan] {
  var spans: [BehaviorSpan] = []
  for platform in domain.platforms {
    for iommu in domain.iommuModes {
      for swiotlb in domain.swiotlbModes {
        for machine in domain.machines {
          for kernel in kernels
          where kernel.policy.bootExclusion(platform, iommu, swiotlb) == nil {
            let booted = BootedKernel(
              policy: kernel.policy, platform: platform, iommu: iommu, swiotlb: swiotlb,
              machine: machine)
            for request in domain.requests(on: booted) {
              spans += modelSpans(booted, kernel, request, domain.masks)
            }
          }
        }
      }
    }
  }
  return spans
}

private func modelSpans(
  _ booted: BootedKernel, _ kernel: KernelVersion, _ request: DeviceRequest, _ masks: [DMAMask]
) -> [BehaviorSpan] {
  var request = request
  return masks.map { mask in
    request.mask = mask
    return BehaviorSpan(kernel, booted, request)
  }
}

extension MatrixDomain {
  /// Every device and request of the domain that exists on a booted kernel; the
  /// mask is the first.
  func requests(on booted: BootedKernel) -> [DeviceRequest] {
    var requests: [DeviceRequest] = []
    for coherentMask in coherentMasks {
      for busLimit in busLimits {
        for coherence in coherences {
          for facing in facings
          where Policy.deviceExclusion(booted.platform, booted.iommu, coherence, facing) == nil {
            for operation in operations {
              for attributes in attributes {
                for buffer in buffers
                where booted.policy.requestExclusion(
                  operation, attributes, buffer, on: booted.machine) == nil
                {
                  requests.append(
                    DeviceRequest(
                      mask: masks[0], coherentMask: coherentMask, busLimit: busLimit,
                      coherence: coherence, facing: facing, operation: operation,
                      attributes: attributes, buffer: buffer))
                }
              }
            }
          }
        }
      }
    }
    return requests
  }
}
