import Analysis
import DMAModel
import MatrixStore
import Support

/// Reports that the model answers without a database.
public enum ModelReport: String, CaseIterable, Sendable {
  case mail = "2026-07-02"
  case findings
  case lifecycle
  case maintainers

  /// What the report shows, in one sentence.
  public var summary: String {
    switch self {
    case .mail: "SME hosts: what each version and alternative of that mail does"
    case .findings: "what is wrong in one kernel by cause, the gravest first; --all: all of it"
    case .lifecycle: "what unmap and free leave behind, since and until which version"
    case .maintainers: "five causes of the newest release with the change that ends them, tried"
    }
  }

  /// Makes the report.
  ///
  /// - Parameters:
  ///   - kernel: What `findings` is about.
  ///   - drivers: Those that each of its findings ends with.
  ///   - isWhole: Whether `findings` goes on behind its summary.
  ///   - progress: Receives the part that is done.
  public func document(
    kernel: KernelVersion, drivers: DriverList? = nil, isWhole: Bool = true,
    progress: @Sendable (Double) -> Void = { _ in }
  ) -> Document {
    switch self {
    case .mail: mailReport()
    case .findings:
      findingsReport(kernel, drivers: drivers, isWhole: isWhole, progress: progress)
    case .lifecycle: lifecycleReport(progress: progress)
    case .maintainers: maintainerReport(progress: progress)
    }
  }
}

/// The violations of a kernel over the default matrix, by cause.
///
/// The comparing lints have the ``KernelVersion.reviewBase``.
///
/// - Parameters:
///   - known: Checks that were made already, by the kernel's name.
///   - isWhole: Whether it goes on behind the summary.
func findingsReport(
  _ kernel: KernelVersion, known: [String: Check] = [:], drivers: DriverList? = nil,
  isWhole: Bool = true, progress: @Sendable (Double) -> Void = { _ in }
) -> Document {
  let check =
    known[kernel.name] ?? Check.standard(of: kernel, details: isWhole, progress: progress)
  var document = checkDocument(check, drivers: drivers, isWhole: isWhole)
  guard isWhole else { return document }
  document.blocks.append(
    .paragraph(
      "\"since\" is the first version of the unbroken row in which the same scenarios violate "
        + "the lint. What of a version it takes is asked at the witness of each condition."))
  document.blocks.append(made("report findings --kernel \(kernel.name) --all --format markdown"))
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
