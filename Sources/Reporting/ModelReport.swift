import Analysis
import DMAModel
import MatrixStore
import Support

/// Reports that the model answers without a database.
public enum ModelReport: String, CaseIterable, Sendable {
  case mail = "2026-07-02"
  case findings
  case lifecycle

  /// What the report shows, in one sentence.
  public var summary: String {
    switch self {
    case .mail: "SME hosts: what each version and alternative of that mail does"
    case .findings: "the violations of one kernel, and since which version"
    case .lifecycle: "what unmap and free leave behind, since and until which version"
    }
  }

  /// Makes the report.
  ///
  /// - Parameters:
  ///   - kernel: What `findings` is about.
  ///   - drivers: Those that each of its findings ends with.
  ///   - progress: Receives the part that is done.
  public func document(
    kernel: KernelVersion, drivers: DriverList? = nil,
    progress: @Sendable (Double) -> Void = { _ in }
  ) -> Document {
    switch self {
    case .mail: mailReport()
    case .findings: findingsReport(kernel, drivers: drivers, progress: progress)
    case .lifecycle: lifecycleReport(progress: progress)
    }
  }
}

/// The violations of a kernel over the default matrix.
///
/// The comparing lints have the ``KernelVersion.reviewBase``.
///
/// - Parameter known: Checks that were made already, by the kernel's name.
func findingsReport(
  _ kernel: KernelVersion, known: [String: Check] = [:], drivers: DriverList? = nil,
  progress: @Sendable (Double) -> Void = { _ in }
) -> Document {
  let index = KernelVersion.all.firstIndex(of: kernel)
  let versions = [kernel] + (index.map { KernelVersion.all[..<$0].reversed() } ?? [])
  let checks = concurrently(versions, progress: progress) {
    known[$0.name] ?? Check.standard(of: $0)
  }
  let own = checks[0]
  var since: [String: String] = [:]
  var open = Set(own.findings.map(\.identity))
  for (version, check) in zip(versions, checks) {
    open.formIntersection(check.findings.map(\.identity))
    for identity in open { since[identity] = version.name }
  }
  var document = checkDocument(own, since: since, drivers: drivers)
  document.blocks.append(
    .paragraph(
      "\"since\" is the first version of an unbroken row that has the same finding, its "
        + "conditions may differ."))
  document.blocks.append(made("report findings --kernel \(kernel.name) --format markdown"))
  return document
}

/// Spans of masks with one answer, straight from the model.
func modelSpans(_ kernels: [KernelVersion], _ domain: MatrixDomain) -> [BehaviorSpan] {
  var spans: [BehaviorSpan] = []
  for boot in domain.boots {
    for kernel in kernels where kernel.policy.exclusion(of: boot) == nil {
      let booted = BootedKernel(kernel.policy, boot)
      for var request in domain.requests(on: boot, policies: [kernel.policy]) {
        for mask in domain.masks {
          request.mask = mask
          spans.append(BehaviorSpan(kernel, booted, request))
        }
      }
    }
  }
  return spans
}
