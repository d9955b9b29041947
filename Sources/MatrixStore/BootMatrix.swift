import DMAModel

/// One distinct answer as it is stored, with its verdict.
struct Outcome: Hashable, Sendable {
  let answer: Answer
  let verdict: Verdict
  let exposure: Exposure
  /// How the request ends.
  let life: Life

  init(boot: Boot, request: DeviceRequest, cycle: LifeCycle) {
    let platform = boot.platform
    let answer = cycle.answer
    life = Life(platform, cycle.after)
    let judged = JudgedAnswer(
      platform, request, answer, addressLines: boot.machine.device.addressLines)
    (verdict, exposure) = (judged.verdict, judged.exposure)
    var stored = answer
    if !answer.hasPrintableAddress { stored.address = nil }
    self.answer = stored
  }
}

/// One distinct end of a request as it is stored.
struct Life: Hashable, Sendable {
  let after: LifeAnswer
  let exposure: Exposure

  init(_ platform: Platform, _ after: LifeAnswer) {
    self.after = after
    exposure = exposureAfter(platform: platform, after: after)
  }
}

/// Neighbouring masks with one outcome.
struct Span: Hashable, Sendable {
  var first: UInt8
  var last: UInt8
  /// Index into ``BootMatrix/outcomes``.
  var outcome: Int32
}

/// The answers of one booted kernel to every request of a domain.
struct BootMatrix: Sendable {
  /// A device and a request, and the profile that answers them.
  struct Line: Sendable {
    let device: UInt16
    let request: UInt16
    let profile: Int32
    /// The position of the circumstance in `Circumstance.all`.
    var circumstance: UInt8 = 0
  }

  let boot: Boot
  /// The pool that the device uses.
  let pool: SwiotlbPool
  private(set) var outcomes: [Outcome] = []
  private(set) var profiles: [[Span]] = []
  private(set) var lines: [Line] = []
  /// Lines that a circumstance alters.
  private(set) var alteredLines: [Line] = []
  /// Combinations that exist.
  private(set) var combinations = 0
  /// Combinations that do not exist, by rule.
  private(set) var excluded: [Exclusion: Int] = [:]

  private let numbers: AxisNumbers
  /// The lines that were evaluated, by their numbers.
  private var evaluated: [Evaluated] = []
  private var known: KnownLines
  private var outcomeIDs: [Outcome: Int32] = [:]
  private var profileIDs: [[Span]: Int32] = [:]

  /// What answers a line, and what does in circumstances that alter it.
  private struct Evaluated: Sendable {
    let profile: Int32
    var altered: [(circumstance: UInt8, profile: Int32)] = []
  }

  /// Evaluates every combination of the domain on one boot.
  ///
  /// - Parameter numbers: Those of the database that the answers go into.
  init(_ boot: Boot, in domain: MatrixDomain, _ numbers: AxisNumbers) {
    self.boot = boot
    self.numbers = numbers
    let kernel = boot.kernel.booted(boot.configuration)
    let circumstances = CircumstanceKernels(boot)
    known = KnownLines(domain)
    pool = kernel.pool
    for coherentMask in domain.coherentMasks {
      for busLimit in domain.busLimits {
        for coherence in domain.coherences {
          for facing in domain.facings {
            let requests = domain.operations.count * domain.attributes.count * domain.buffers.count
            if let rule = Policy.deviceExclusion(boot.platform, boot.iommu, coherence, facing) {
              excluded[rule, default: 0] += requests * domain.masks.count
              continue
            }
            let device = numbers.device(coherentMask, busLimit, coherence, facing)
            for operation in domain.operations {
              for attributes in domain.attributes {
                for buffer in domain.buffers {
                  if let rule = Policy.acceptedExclusion(facing, buffer)
                    ?? boot.kernel.policy.requestExclusion(
                      operation, attributes, buffer, on: boot.machine)
                  {
                    excluded[rule, default: 0] += domain.masks.count
                    continue
                  }
                  let request = DeviceRequest(
                    mask: domain.masks[0], coherentMask: coherentMask, busLimit: busLimit,
                    coherence: coherence, facing: facing, operation: operation,
                    attributes: attributes, buffer: buffer)
                  guard kernel.answers(request, masks: domain.masks) else {
                    excluded[.notRecorded, default: 0] += domain.masks.count
                    continue
                  }
                  evaluate(
                    request, device: device, on: kernel, circumstances, masks: domain.masks)
                }
              }
            }
          }
        }
      }
    }
  }

  /// Adds the lines of one request.
  private mutating func evaluate(
    _ request: DeviceRequest, device: UInt16, on kernel: BootedKernel,
    _ circumstances: CircumstanceKernels, masks: [DMAMask]
  ) {
    combinations += masks.count
    let number = known[request] ?? evaluate(request, on: kernel, circumstances, masks: masks)
    let evaluated = evaluated[number]
    let requestID = numbers.request(request.operation, request.attributes, request.buffer)
    lines.append(Line(device: device, request: requestID, profile: evaluated.profile))
    for (circumstance, profile) in evaluated.altered {
      alteredLines.append(
        Line(device: device, request: requestID, profile: profile, circumstance: circumstance))
    }
  }

  /// Evaluates one request for every mask and merges equal neighbours; returns the place
  /// in ``evaluated``.
  private mutating func evaluate(
    _ request: DeviceRequest, on kernel: BootedKernel, _ circumstances: CircumstanceKernels,
    masks: [DMAMask]
  ) -> Int {
    var usesPool = false
    var reads: DeviceAxes = []
    let spans = spans(of: request, masks: masks, on: kernel, .none, &usesPool, &reads)
    var line = Evaluated(profile: id(of: spans))
    for (number, circumstance, kernel) in circumstances.kernels
    where circumstance.mayAlter(request.operation, usesPool: usesPool) {
      // It happens to some coherent masks alone.
      if circumstance.maskChange != .none { reads.insert(.coherentMask) }
      let happens = boot.kernel.policy.masks(
        masks, in: circumstance, boot.platform, boot.swiotlb, request)
      let altered = self.spans(
        of: request, masks: happens, on: kernel, circumstance.maskChange, &usesPool, &reads)
      guard !altered.isEmpty, altered != spans else { continue }
      line.altered.append((number, id(of: altered)))
    }
    known.keep(evaluated.count, for: request, reads)
    evaluated.append(line)
    return evaluated.count - 1
  }

  /// The spans of equal outcomes over the masks, which ascend.
  private mutating func spans(
    of request: DeviceRequest, masks: [DMAMask], on kernel: BootedKernel, _ maskChange: MaskChange,
    _ usesPool: inout Bool, _ reads: inout DeviceAxes
  ) -> [Span] {
    var request = request
    var spans: [Span] = []
    spans.reserveCapacity(8)
    var previous: Outcome?
    kernel.forEachRun(of: request, masks: masks, maskChange: maskChange) { run in
      usesPool = usesPool || run.cycle.usesPool
      reads.formUnion(run.reads)
      request.mask = masks[run.range.lowerBound]
      let outcome = Outcome(boot: boot, request: request, cycle: run.cycle)
      var isEqual = outcome == previous
      for mask in masks[run.range] {
        if isEqual, let last = spans.last?.last, last + 1 == mask.bits {
          spans[spans.count - 1].last = mask.bits
        } else {
          spans.append(Span(first: mask.bits, last: mask.bits, outcome: id(of: outcome)))
        }
        isEqual = true
      }
      previous = outcome
    }
    return spans
  }

  private mutating func id(of outcome: Outcome) -> Int32 {
    if let id = outcomeIDs[outcome] { return id }
    let id = Int32(outcomes.count)
    outcomes.append(outcome)
    outcomeIDs[outcome] = id
    return id
  }

  private mutating func id(of spans: [Span]) -> Int32 {
    if let id = profileIDs[spans] { return id }
    let id = Int32(profiles.count)
    profiles.append(spans)
    profileIDs[spans] = id
    return id
  }
}
