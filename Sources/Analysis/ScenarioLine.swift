import DMAModel

/// Neighbouring masks with one judged answer.
struct JudgedRun: RangedRun {
  let range: Range<Int>
  let judged: JudgedAnswer
}

/// A device and a request on booted kernels, with the judged answers for every mask of
/// the domain.
struct ScenarioLine {
  let platform: Platform
  /// The kernel that is checked, and its base if there is one.
  let kernels: [BootedKernel]
  /// The request; its mask is none of the line's.
  let request: DeviceRequest
  let masks: [DMAMask]
  /// For each kernel, over all masks.
  let answers: [[JudgedRun]]
  /// What the answers depend on beside the mask.
  let reads: DeviceAxes
  /// The answers to the request that should be answered alike; nil where there is none, or
  /// where a kernel with recorded answers was not asked for it.
  let counterparts: [JudgedRun]?

  /// - Parameters:
  ///   - lints: What the line is for.
  ///   - known: The answers and what they depend on, where they were evaluated before.
  init(
    platform: Platform, kernels: [BootedKernel], request: DeviceRequest, masks: [DMAMask],
    for lints: [Lint], known: (answers: [[JudgedRun]], reads: DeviceAxes)? = nil
  ) {
    self.platform = platform
    self.kernels = kernels
    self.request = request
    self.masks = masks
    var reads = known?.reads ?? []
    answers =
      known?.answers
      ?? kernels.map { $0.judgedRuns(of: request, masks: masks, platform, &reads) }
    if let other = request.counterpart, lints.contains(where: \.needsCounterpart) {
      counterparts =
        kernels[0].answers(other, masks: masks)
        ? kernels[0].judgedRuns(of: other, masks: masks, platform, &reads) : nil
    } else {
      counterparts = nil
    }
    self.reads = reads
  }

  /// Whether `dma_addressing_limited()` says if the requests bounce: a page of RAM, and a
  /// pool that does not bounce everything.
  var isAskedForLimit: Bool {
    request.operation == .map && request.attributes == .none && request.buffer.isPage
      && !request.buffer.isDeviceMemory && !kernels[0].isRecorded
      && kernels[0].pool.isActive && !kernels[0].pool.forceBounce
  }
}

extension Lint {
  /// Whether the property compares with another operation.
  fileprivate var needsCounterpart: Bool {
    self == .mapSGAgrees || self == .allocAgrees || self == .maxMappingSizeIsHonest
  }
}

extension DeviceRequest {
  /// Whether it maps more RAM than a page, as any driver does.
  var isLargeMap: Bool {
    operation == .map && attributes == .none && !buffer.isDeviceMemory
      && buffer.length > Buffer.none.length
  }

  /// The request that should be answered alike: by another operation, or for the first page.
  fileprivate var counterpart: DeviceRequest? {
    var other = self
    if isLargeMap {
      let (start, length) = (buffer.physicalAddress, Buffer.none.length)
      let standard = Buffer.allCases.first {
        $0.isPage && !$0.isDeviceMemory && $0.physicalAddress == start
      }
      guard let page = standard ?? Buffer(at: start, length: length) else { return nil }
      other.buffer = page
    } else {
      guard let operation = operation.counterpart else { return nil }
      other.operation = operation
    }
    return other
  }
}

extension Operation {
  /// The operation that should agree with it.
  fileprivate var counterpart: Operation? {
    switch self {
    case .mapSG: .map
    case .alloc: .allocPages
    case .allocAtomic: .allocPagesAtomic
    default: nil
    }
  }
}

extension BootedKernel {
  /// The judged answers to a request over all of some masks.
  ///
  /// - Parameter reads: Gets what they depend on beside the mask.
  func judgedRuns(
    of request: DeviceRequest, masks: [DMAMask], _ platform: Platform,
    _ reads: inout DeviceAxes
  ) -> [JudgedRun] {
    var request = request
    var runs: [JudgedRun] = []
    forEachRun(of: request, masks: masks, .answer) { run in
      request.mask = masks[run.range.lowerBound]
      reads.formUnion(run.reads)
      runs.append(
        JudgedRun(range: run.range, judged: JudgedAnswer(platform, request, run.cycle.answer)))
    }
    return runs
  }
}

/// Calls a function for each range of masks that is part of one run in both of two lists
/// over the same masks.
func forEachJointRun(
  _ one: [JudgedRun], _ two: [JudgedRun],
  _ body: (Range<Int>, JudgedAnswer, JudgedAnswer) -> Void
) {
  forEachJointRange([one, two]) { range, places in
    body(range, one[places[0]].judged, two[places[1]].judged)
  }
}
