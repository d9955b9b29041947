import DMAModel
import Support

/// A state of a tree that can be asked by which way it answers.
public struct CodeWitness: Sendable {
  private let evaluation: TreeEvaluation
  private let kernel: KernelVersion
  private let domain: MatrixDomain
  private let assumption: Assumption
  private let origins: LineOrigins?
  private let patched: PatchedTree?
  private let failure = Locked<TreeError?>(nil)

  /// - Parameters:
  ///   - kernel: What the state answered to the domain.
  ///   - origins: With which patch each of its lines came.
  public init(
    _ evaluation: TreeEvaluation, _ kernel: KernelVersion, _ domain: MatrixDomain,
    assuming assumption: Assumption = .none, origins: LineOrigins? = nil
  ) {
    self.init(evaluation, kernel, domain, assumption, origins, nil)
  }

  private init(
    _ evaluation: TreeEvaluation, _ kernel: KernelVersion, _ domain: MatrixDomain,
    _ assumption: Assumption, _ origins: LineOrigins?, _ patched: PatchedTree?
  ) {
    (self.evaluation, self.kernel, self.domain) = (evaluation, kernel, domain)
    (self.assumption, self.origins, self.patched) = (assumption, origins, patched)
  }

  /// A state of a series; nil where it cannot be asked.
  public init?(_ state: SeriesWalk.State, _ domain: MatrixDomain, assuming assumption: Assumption) {
    guard let evaluation = state.evaluation, let kernel = state.kernel else { return nil }
    self.init(evaluation, kernel, domain, assumption, state.origins, state.patched)
  }

  /// A commit; nil where it cannot be asked.
  public init?(_ state: GitWalk.State, _ domain: MatrixDomain, assuming assumption: Assumption) {
    guard let evaluation = state.evaluation, let kernel = state.kernel else { return nil }
    self.init(evaluation, kernel, domain, assumption, state.origins, nil)
  }

  /// Why ways could not be found; nil where they could.
  public var error: TreeError? { failure.withLock { $0 } }

  /// The way of a scenario, by its key; nil where it is not known.
  public func path(of key: String) -> CodePath? {
    let values = key.split(separator: ";")[0].split(
      separator: "/", omittingEmptySubsequences: false
    ).map(String.init)
    guard values.count == Scenario.axes.count,
      let platform = Platform(name: values[0]), let iommu = IOMMUMode(name: values[1]),
      let swiotlb = SwiotlbMode(name: values[2]),
      let machine = domain.machines.first(where: { $0.name.name == values[3] }),
      let mask = DMAMask(name: values[4]), let coherentMask = CoherentMask(name: values[5]),
      let busLimit = BusLimit(name: values[6]), let coherence = Coherence(name: values[7]),
      let facing = Facing(name: values[8]), let operation = Operation(name: values[9]),
      let attributes = Attributes(name: values[10]),
      let buffer = Buffer.all(with: domain.buffers).first(where: { $0.name == values[11] })
    else { return nil }
    return path(
      of: Scenario(
        platform: platform, iommu: iommu, swiotlb: swiotlb, memory: machine.name,
        request: DeviceRequest(
          mask: mask, coherentMask: coherentMask, busLimit: busLimit, coherence: coherence,
          facing: facing, operation: operation, attributes: attributes, buffer: buffer)))
  }

  /// The way of a scenario; nil where it is not known.
  public func path(of scenario: Scenario) -> CodePath? {
    guard error == nil else { return nil }
    do throws(TreeError) {
      return try evaluation.path(
        of: scenario.deviceRequest, on: scenario.platform, scenario.iommu, scenario.swiotlb,
        scenario.memory, in: kernel, domain, assuming: assumption)
    } catch {
      failure.withLock { $0 = $0 ?? error }
      return nil
    }
  }

  /// A step with the patch that its line came with.
  public func text(of step: CodePath.Step) -> String {
    let origin = origins?.label(of: step.file, step.line)
    return step.place + (origin.map { ", by \($0)" } ?? "")
  }

  /// Where a scenario is decided, by its key.
  public func place(of key: String) -> String? {
    path(of: key)?.decision.map { text(of: $0) }
  }
}
