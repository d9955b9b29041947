import DMAModel

/// A property that a kernel's answers should have.
public enum Lint: String, CaseIterable, Sendable {
  case noSilentCorruption = "no-silent-corruption"
  case maskMonotone = "mask-monotone"
  case forceMeansBounce = "force-means-bounce"
  case servedStaysServed = "served-stays-served"
  case noNewExposure = "no-new-exposure"
  case guestPrivateStaysPrivate = "guest-private-stays-private"
  case loudRefusal = "loud-refusal"
  case mapSGAgrees = "map-sg-agrees"
  case allocAgrees = "alloc-agrees"
  case freedAsItWas = "freed-as-it-was"
  case freedToItsOwner = "freed-to-its-owner"
  case noSleepInAtomic = "no-sleep-in-atomic"
  case slotsReturned = "slots-returned"
  case unmapMirrorsMap = "unmap-mirrors-map"

  /// What the property says.
  public var statement: String {
    switch self {
    case .noSilentCorruption: "no scenario is garbled, blocked or unreachable"
    case .maskMonotone: "a wider mask never turns a served request into a refused one"
    case .forceMeansBounce:
      "with swiotlb=force, every streaming map of RAM through dma-direct bounces"
    case .servedStaysServed: "what the base version served, this version serves"
    case .noNewExposure: "what the base version served with exposure none, this version does too"
    case .guestPrivateStaysPrivate:
      "a guest exposes memory only where the device cannot take private memory"
    case .loudRefusal: "a refusal of an ordinary RAM mapping logs something"
    case .mapSGAgrees: "map and scatter-list mapping of the same memory agree"
    case .allocAgrees: "dma_alloc_attrs and dma_alloc_pages agree on whether a device can be served"
    case .freedAsItWas: "freed memory goes back in the encryption state that it had before"
    case .freedToItsOwner:
      "memory that was handed out goes back to the pool or allocator that it came from"
    case .noSleepInAtomic:
      "nothing that may sleep is called for a mapping, an atomic allocation, or in an RCU callback"
    case .slotsReturned: "once a request has ended or failed, its swiotlb slots are free again"
    case .unmapMirrorsMap: "unmapping copies back exactly what mapping bounced"
    }
  }

  /// Whether the property compares with a base version.
  public var needsBase: Bool { self == .servedStaysServed || self == .noNewExposure }

  /// Why the model cannot decide the property, or nil.
  public var undecidable: String? {
    guard self == .guestPrivateStaysPrivate else { return nil }
    return "no device of the axes can take a guest's private memory, so that no exposure of a "
      + "guest is needless here"
  }
}

/// What a violation looks like: scenarios with the same one are one finding.
struct ViolationKey: Hashable {
  let verdict: Verdict
  let result: AnswerResult
  let decision: Decision
  /// What the other side of the property does: the base, a narrower mask, map.
  let other: AnswerResult?
  /// What is wrong once the request has been undone, and what it exposes.
  var wrong = ""
  var exposure = Exposure.none
}

/// A device and a request on booted kernels, for every mask of the domain.
struct ScenarioLine {
  let platform: Platform
  /// The kernel that is checked, and its base if there is one.
  let kernels: [BootedKernel]
  /// The request; its mask is none of the line's.
  let request: DeviceRequest
  let masks: [DMAMask]

  /// The judged answers of a kernel, in the order of the masks.
  func answers(of kernel: Int = 0) -> [JudgedAnswer] { answers(to: request, of: kernel) }

  /// The judged answers to the same request by another operation; nil where a kernel
  /// with recorded answers was not asked for it.
  func answers(operation: Operation) -> [JudgedAnswer]? {
    var request = request
    request.operation = operation
    return kernels[0].answers(request, masks: masks) ? answers(to: request, of: 0) : nil
  }

  private func answers(to request: DeviceRequest, of kernel: Int) -> [JudgedAnswer] {
    kernels[kernel].judgedAnswers(to: request, masks: masks, platform)
  }
}

extension BootedKernel {
  /// The judged answer to a request for each of some masks.
  func judgedAnswers(
    to request: DeviceRequest, masks: [DMAMask], _ platform: Platform
  ) -> [JudgedAnswer] {
    var request = request
    var judged: [JudgedAnswer] = []
    judged.reserveCapacity(masks.count)
    forEachRun(of: request, masks: masks, .answer) { run in
      request.mask = masks[run.range.lowerBound]
      let one = JudgedAnswer(platform, request, run.cycle.answer)
      for _ in run.range { judged.append(one) }
    }
    return judged
  }
}

extension Lint {
  /// The violation of each mask of a line, nil where there is none.
  func violations(of line: ScenarioLine) -> [ViolationKey?] {
    func key(_ judged: JudgedAnswer, other: AnswerResult? = nil) -> ViolationKey {
      ViolationKey(
        verdict: judged.verdict, result: judged.answer.result, decision: judged.answer.decision,
        other: other)
    }
    let none = [ViolationKey?](repeating: nil, count: line.masks.count)
    switch self {
    case .noSilentCorruption:
      return line.answers().map { $0.verdict.isSilentlyWrong ? key($0) : nil }
    case .maskMonotone:
      var narrower: AnswerResult?
      return line.answers().map { judged in
        if judged.verdict.isServed { narrower = judged.answer.result }
        guard judged.verdict == .refused, let narrower else { return nil }
        return key(judged, other: narrower)
      }
    case .forceMeansBounce:
      guard let kernel = line.kernels.first, kernel.swiotlb == .force,
        line.request.operation == .map || line.request.operation == .mapSG,
        !line.request.buffer.isDeviceMemory
      else { return none }
      return zip(line.answers(), line.masks).map { judged, mask in
        var request = line.request
        request.mask = mask
        guard !kernel.servesByDMAIOMMU(request), judged.answer.result != .bounce else { return nil }
        return key(judged)
      }
    case .servedStaysServed:
      return zip(line.answers(), line.answers(of: 1)).map { judged, base in
        base.verdict.isServed && !judged.verdict.isServed
          ? key(judged, other: base.answer.result) : nil
      }
    case .noNewExposure:
      return zip(line.answers(), line.answers(of: 1)).map { judged, base in
        base.verdict.isServed && base.exposure == .none && judged.verdict.isServed
          && judged.exposure != .none ? key(judged, other: base.answer.result) : nil
      }
    case .guestPrivateStaysPrivate:
      return none
    case .loudRefusal:
      guard line.request.operation == .map || line.request.operation == .mapSG,
        !line.request.buffer.isDeviceMemory, line.request.attributes == .none
      else { return none }
      // The notice that memory encryption is active is no word on a refusal.
      return line.answers().map { judged in
        judged.verdict == .refused
          && judged.answer.warnings.subtracting(.memoryEncryption).isEmpty ? key(judged) : nil
      }
    case .mapSGAgrees:
      guard line.request.operation == .mapSG, let maps = line.answers(operation: .map) else {
        return none
      }
      return zip(line.answers(), maps).map { judged, map in
        judged.verdict != map.verdict || judged.answer.encoding != map.answer.encoding
          ? key(judged, other: map.answer.result) : nil
      }
    case .allocAgrees:
      let pages: [Operation: Operation] = [.alloc: .allocPages, .allocAtomic: .allocPagesAtomic]
      guard let other = pages[line.request.operation],
        let pages = line.answers(operation: other)
      else { return none }
      return zip(line.answers(), pages).map { judged, pages in
        judged.verdict.isServed != pages.verdict.isServed
          ? key(judged, other: pages.answer.result) : nil
      }
    case .freedAsItWas, .freedToItsOwner, .noSleepInAtomic, .slotsReturned, .unmapMirrorsMap:
      return none  // decided by lifeViolations(of:)
    }
  }
}
