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
  case maxMappingSizeIsHonest = "max-mapping-size-is-honest"
  case addressingLimitedIsHonest = "addressing-limited-is-honest"
  case noCrash = "no-crash"
  case restrictedPoolShrinks = "restricted-pool-shrinks"

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
    case .allocAgrees:
      "dma_alloc_attrs and dma_alloc_pages both serve a device, both refuse it, or are both wrong"
    case .freedAsItWas: "freed memory goes back in the encryption state that it had before"
    case .freedToItsOwner:
      "memory that was handed out goes back to the pool or allocator that it came from"
    case .noSleepInAtomic:
      "nothing that may sleep is called for a mapping, an atomic allocation, or in an RCU callback"
    case .slotsReturned: "once a request has ended or failed, its swiotlb slots are free again"
    case .unmapMirrorsMap: "unmapping copies back exactly what mapping bounced"
    case .maxMappingSizeIsHonest:
      "RAM of no more than dma_max_mapping_size(), and so of dma_opt_mapping_size(), is mapped "
        + "where a page of it is"
    case .addressingLimitedIsHonest:
      "where dma_addressing_limited() is false and no bounce is forced, aligned RAM is mapped "
        + "without a bounce"
    case .noCrash: "no path uses a NULL page, or takes an address for a page"
    case .restrictedPoolShrinks: "a boot's swiotlb pool is no smaller than on the base"
    }
  }

  /// Whether the property compares with a base version.
  public var needsBase: Bool {
    self == .servedStaysServed || self == .noNewExposure || self == .restrictedPoolShrinks
  }

  /// Whether it is about boots rather than requests, and counts them.
  public var isAboutBoots: Bool { self == .restrictedPoolShrinks }

  /// Why the model cannot decide the property for some scenarios, or nil.
  public func undecidable(in domain: MatrixDomain = MatrixDomain()) -> String? {
    guard self == .guestPrivateStaysPrivate, !domain.facings.contains(.ccAccepted) else {
      return nil
    }
    return "no device of these scenarios can take a guest's private memory, so that no exposure "
      + "of a guest is needless here; --external accepted asks for devices that can"
  }
}

/// What a violation looks like: scenarios with the same one are one finding.
struct ViolationKey: Hashable {
  let verdict: Verdict
  let result: AnswerResult
  let decision: Decision
  /// What the other side of the property does: the base, a narrower mask, map.
  let other: AnswerResult?
  /// What becomes of the other side's answer, where the property is about that.
  var otherVerdict: Verdict?
  /// What is wrong once the request has been undone.
  var wrong: WrongEnd?
  /// What is exposed, where the property is about that.
  var exposure = Exposure.none

  init(
    _ judged: JudgedAnswer, other: AnswerResult? = nil, judging otherVerdict: Verdict? = nil,
    exposure: Exposure = .none
  ) {
    self.otherVerdict = otherVerdict
    self.exposure = exposure
    verdict = judged.verdict
    result = judged.answer.result
    decision = judged.answer.decision
    self.other = other
  }

  /// The verdict on the answer does not matter to its end.
  init(_ answer: Answer, wrong: WrongEnd, exposure: Exposure) {
    verdict = .ok
    result = answer.result
    decision = answer.decision
    other = nil
    self.wrong = wrong
    self.exposure = exposure
  }
}

extension Lint {
  /// The violation by an answer of what a base answers; nil where there is none, or where
  /// the lint does not compare requests with a base.
  func violation(_ judged: JudgedAnswer, _ base: JudgedAnswer) -> ViolationKey? {
    switch self {
    case .servedStaysServed:
      base.verdict.isServed && !judged.verdict.isServed
        ? ViolationKey(judged, other: base.answer.result) : nil
    case .noNewExposure:
      base.verdict.isServed && base.exposure == .none && judged.verdict.isServed
        && judged.exposure != .none
        ? ViolationKey(judged, other: base.answer.result, exposure: judged.exposure) : nil
    default: nil
    }
  }

  /// Calls a function for the masks of a line, range by range in their order, with their
  /// violation, nil where there is none.
  func forEachViolation(
    of line: ScenarioLine, _ body: (Range<Int>, ViolationKey?) -> Void
  ) {
    /// One kernel's answer decides.
    func each(_ violation: (JudgedAnswer, Int) -> ViolationKey?) {
      for run in line.answers[0] { body(run.range, violation(run.judged, run.range.lowerBound)) }
    }
    /// The kernel's answer and another decide.
    func each(
      besides other: [JudgedRun], _ violation: (JudgedAnswer, JudgedAnswer) -> ViolationKey?
    ) {
      forEachJointRun(line.answers[0], other) { range, judged, other in
        body(range, violation(judged, other))
      }
    }
    func none() { body(line.masks.indices, nil) }

    let isRAMMap =
      (line.request.operation == .map || line.request.operation == .mapSG)
      && !line.request.buffer.isDeviceMemory
    switch self {
    case .noSilentCorruption:
      each { judged, _ in judged.verdict.isSilentlyWrong ? ViolationKey(judged) : nil }
    case .maskMonotone:
      var narrower: AnswerResult?
      each { judged, _ in
        if judged.verdict.isServed { narrower = judged.answer.result }
        guard judged.verdict == .refused, let narrower else { return nil }
        return ViolationKey(judged, other: narrower)
      }
    case .forceMeansBounce:
      let kernel = line.kernels[0]
      guard kernel.swiotlb == .force, isRAMMap else { return none() }
      each { judged, place in
        var request = line.request
        request.mask = line.masks[place]
        guard !kernel.servesByDMAIOMMU(request), judged.answer.result != .bounce else { return nil }
        return ViolationKey(judged)
      }
    case .servedStaysServed:
      each(besides: line.answers[1], violation)
    case .noNewExposure:
      each(besides: line.answers[1], violation)
    case .guestPrivateStaysPrivate:
      // What the caller made shared, or asked to be, is the caller's doing.
      let isAskedFor =
        line.request.attributes.isCCShared || line.request.operation == .allocCCShared
      guard line.request.isAccepted, !isAskedFor else { return none() }
      each { judged, _ in
        judged.exposure == .hostVisible
          ? ViolationKey(judged, exposure: judged.exposure) : nil
      }
    case .loudRefusal:
      guard isRAMMap, line.request.attributes == .none else { return none() }
      // The notice that memory encryption is active is no word on a refusal.
      each { judged, _ in
        judged.verdict == .refused
          && judged.answer.warnings.subtracting(.memoryEncryption).isEmpty
          ? ViolationKey(judged) : nil
      }
    case .mapSGAgrees:
      guard line.request.operation == .mapSG, let maps = line.counterparts else {
        return none()
      }
      each(besides: maps) { judged, map in
        judged.verdict != map.verdict || judged.answer.encoding != map.answer.encoding
          ? ViolationKey(judged, other: map.answer.result) : nil
      }
    case .allocAgrees:
      guard !line.request.operation.isMapping, let pages = line.counterparts else {
        return none()
      }
      each(besides: pages) { judged, pages in
        // A refusal is no answer as wrong as memory that the device cannot use.
        judged.verdict.isServed != pages.verdict.isServed
          || (judged.verdict == .refused) != (pages.verdict == .refused)
          ? ViolationKey(judged, other: pages.answer.result, judging: pages.verdict) : nil
      }
    case .maxMappingSizeIsHonest:
      guard line.request.isLargeMap, let pages = line.counterparts else { return none() }
      each(besides: pages) { judged, page in
        judged.verdict == .refused && line.request.buffer.length <= judged.answer.maxMapping
          ? ViolationKey(judged, other: page.answer.result) : nil
      }
    case .addressingLimitedIsHonest:
      guard line.isAskedForLimit else { return none() }
      let kernel = line.kernels[0]
      each { judged, place in
        guard judged.answer.result == .bounce || judged.verdict == .refused else { return nil }
        var request = line.request
        request.mask = line.masks[place]
        return kernel.servesByDMAIOMMU(request)
          || kernel.reach(of: ExactRequest(request)).isAddressingLimited
          ? nil : ViolationKey(judged)
      }
    case .freedAsItWas, .freedToItsOwner, .noSleepInAtomic, .slotsReturned, .unmapMirrorsMap,
      .noCrash, .restrictedPoolShrinks:
      none()  // decided by lifeViolation(of:)
    }
  }
}
