import DMAModel
import Support

/// The way of one request through a tree's own code.
public struct CodePath: Sendable {
  /// A place on it.
  public struct Step: Sendable {
    public let function: String
    public let file: String
    public let line: Int
    /// The line's text without blanks at its ends.
    public let text: String

    /// `dma_direct_map_phys() kernel/dma/direct.h:104`
    public var place: String { "\(function)() \(file):\(line)".printable(upTo: 200) }
  }

  /// To the answer.
  public let steps: [Step]
  /// Through dma_max_mapping_size(); empty for an allocation.
  public let sizing: [Step]
  /// Through the unmap or free.
  public let undoing: [Step]
  /// The tree that was asked, and its files on the way.
  let tree: SourceTree?
  let files: [String: [UInt8]]

  init(
    steps: [Step], sizing: [Step] = [], undoing: [Step], tree: SourceTree? = nil,
    files: [String: [UInt8]] = [:]
  ) {
    (self.steps, self.sizing, self.undoing) = (steps, sizing, undoing)
    (self.tree, self.files) = (tree, files)
  }

  /// A file of the tree; nil where it has none of that name.
  func bytes(of file: String) -> [UInt8]? {
    files[file] ?? tree?.bytes(of: file).map { [UInt8]($0) }
  }

  /// Where the answer is decided: the last line that runs of the function that the DMA API
  /// of kernel/dma/mapping.c calls, or of the API itself.
  public var decision: Step? { decision(on: .answer) }

  /// Where a part of what is answered is decided.
  public func decision(on aspect: Aspect) -> Step? {
    let steps = self[aspect]
    let inner = steps.first { step in
      step.file != "kernel/dma/mapping.c"
        && ["kernel/dma/", "drivers/iommu/"].contains(where: step.file.hasPrefix)
    }
    // A closing brace says nothing of what was decided.
    return steps.last { $0.function == inner?.function && $0.text != "}" } ?? steps.last
  }

  /// The functions on the way as they are entered, each with the last line that runs of it.
  public func functions(on aspect: Aspect) -> [Step] {
    var order: [String] = []
    var last: [String: Step] = [:]
    for step in self[aspect] where step.text != "}" {
      if last.updateValue(step, forKey: step.function) == nil { order.append(step.function) }
    }
    return order.compactMap { last[$0] }
  }
}

extension TreeEvaluation {
  /// The way of a scenario through the tree's code; nil where it has none.
  ///
  /// - Parameters:
  ///   - kernel: What was answered.
  ///   - domain: What was asked.
  public func path(
    of request: DeviceRequest, on platform: Platform, _ iommu: IOMMUMode, _ swiotlb: SwiotlbMode,
    _ machine: MachineName, in kernel: KernelVersion, _ domain: MatrixDomain,
    assuming assumption: Assumption = .none
  ) throws(TreeError) -> CodePath? {
    guard let program = programs.first(where: { $0.family == platform.family }),
      let boot = boots(of: program, in: domain, kernel.policy).first(where: {
        $0.platform == platform && $0.iommu == iommu && $0.swiotlb == swiotlb
          && $0.machine.name == machine
      })
    else { return nil }
    let traced = try TracedProgram(
      of: program, compiler: Compiler(), cache: BuildCache(directory: cacheDirectory),
      workspace: workspace)
    let run = HarnessRun(
      program: program, boots: [boot], domain: domain, policy: kernel.policy,
      holding: assumption.holding, look: .path, directory: workspace.path,
      tracedPath: traced.path)
    let slots = run.questions(to: boot).first { question in
      question.requests.contains { $0.isSame(as: request) }
    }?.slots
    var blocks: [UInt32] = []
    let question = HarnessRun.Question(requests: [request], masks: [], slots: slots)
    try run.ask([(boot, question)]) { _, reply in
      blocks = reply.blocks
      return true
    }
    let places = try traced.blocks(workspace: workspace)
    var texts: [String: [String]] = [:]
    var files: [String: [UInt8]] = [:]
    func steps(_ blocks: some Sequence<UInt32>) -> [CodePath.Step] {
      var steps: [CodePath.Step] = []
      for place in blocks.flatMap({ places[$0]?.lines ?? [] }) {
        if texts[place.file] == nil {
          let bytes = tree.bytes(of: place.file).map { [UInt8]($0) } ?? []
          files[place.file] = bytes
          texts[place.file] = ByteLines(bytes[...]).map {
            String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespaces)
          }
        }
        let lines = texts[place.file] ?? []
        guard lines.indices.contains(place.line - 1), steps.count < 4096 else { continue }
        if let last = steps.last, last.file == place.file, last.line == place.line { continue }
        steps.append(
          CodePath.Step(
            function: place.function, file: place.file, line: place.line,
            text: lines[place.line - 1]))
      }
      return steps
    }
    // The program marks where a part ends.
    let parts = blocks.split(separator: 0, omittingEmptySubsequences: false)
    let walked = parts.map { steps($0) }
    return CodePath(
      steps: walked.first ?? [], sizing: walked.count > 2 ? walked[1] : [],
      undoing: walked.count > 1 ? walked[walked.count - 1] : [], tree: tree, files: files)
  }
}

extension DeviceRequest {
  /// Whether all but the mask is the same.
  fileprivate func isSame(as other: DeviceRequest) -> Bool {
    var one = self
    one.mask = other.mask
    return one == other
  }
}
