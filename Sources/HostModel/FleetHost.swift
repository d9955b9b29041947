import DMAModel
import HostCapture
import Support
import TraceEvents

/// A captured machine as a fleet's database holds it: devices, traffic, and what other
/// kernels would change.
public struct FleetHost: Sendable {
  /// What one kernel would change.
  public struct Comparison: Sendable {
    public let kernel: KernelVersion
    /// What had to be assumed, one sentence each.
    public let notes: [String]
    /// The changes, each with the index of its device in ``HostReport/rows``.
    public let changes: [(device: Int, change: DeviceChange)]

    /// Whether somebody has to act.
    public var isWorse: Bool {
      isPoolTooSmall || changes.contains { $0.change.effect.isWorse }
    }
    /// Whether the machine used more slots at once than the pool has.
    public let isPoolTooSmall: Bool
  }

  public let report: HostReport
  /// Nil without a trace.
  public let traffic: TrafficSummary?
  public let comparisons: [Comparison]
  /// Kernels that have no code for the machine's platform.
  public let notCompared: [KernelVersion]
  /// What is missing, uncertain or assumed, one sentence each.
  public let notes: [String]

  /// Boots a machine as it was captured, and with other kernels.
  ///
  /// - Parameter kernels: Those to compare with; the machine's own is left out, and one that
  ///   has no code for its platform.
  /// - Throws: ``HostBoot/BootError`` where its own kernel cannot be told.
  public init(
    _ capture: HostCapture, comparedWith kernels: [KernelVersion]
  ) throws(HostBoot.BootError) {
    let captured = try HostBoot(capture)
    let trace = capture.trace.map { TraceReader.read($0) }
    let best = trace.map { TrafficCheck.best(of: $0, with: captured) }
    let boot = best?.boot ?? captured
    let report = HostReport(boot, traffic: best?.summary)
    var comparisons: [Comparison] = []
    var notCompared: [KernelVersion] = []
    for kernel in kernels where kernel.name != boot.version.name {
      let other = try HostBoot(capture, version: kernel, platform: boot.platform)
      guard other.exists else {
        notCompared.append(kernel)
        continue
      }
      let changes = report.indexedChanges(to: HostReport(other, traffic: best?.summary))
      comparisons.append(
        Comparison(
          kernel: kernel, notes: other.notes.filter { !boot.notes.contains($0) },
          changes: changes, isPoolTooSmall: other.isPoolTooSmall))
    }
    self.report = report
    self.comparisons = comparisons
    self.notCompared = notCompared
    traffic = best?.summary
    notes =
      capture.notes + boot.notes + report.otherPlatforms
      + (trace?.notes ?? []).map { "trace: \($0)" }
  }
}

extension HostReport {
  /// What changes from this boot to another, with the index of each device in ``rows``.
  func indexedChanges(to other: HostReport) -> [(device: Int, change: DeviceChange)] {
    zip(rows, other.rows).enumerated().flatMap { index, pair in
      guard let old = pair.0.answers, let new = pair.1.answers else {
        return [(device: Int, change: DeviceChange)]()
      }
      return DeviceChange.between(old, new).map { (index, $0) }
    }
  }
}

extension IOMMUMode {
  /// The mode that stands for it in a matrix, where `lazy` and `strict` decide as
  /// `translated` does.
  public var inMatrix: IOMMUMode { usesDMAIOMMU ? .translated : self }
}
