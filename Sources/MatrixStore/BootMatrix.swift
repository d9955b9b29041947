import DMAModel

/// One distinct answer as it is stored, with its verdict.
struct Outcome: Hashable, Sendable {
  let answer: Answer
  let verdict: Verdict
  let exposure: Exposure

  init(platform: Platform, request: DeviceRequest, answer: Answer) {
    let judged = JudgedAnswer(platform, request, answer)
    (verdict, exposure) = (judged.verdict, judged.exposure)
    var stored = answer
    if !answer.hasPrintableAddress { stored.address = 0 }
    self.answer = stored
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
    let device: UInt8
    let request: UInt16
    let profile: Int32
  }

  let boot: Boot
  /// The pool that the device uses.
  let pool: SwiotlbPool
  private(set) var outcomes: [Outcome] = []
  private(set) var profiles: [[Span]] = []
  private(set) var lines: [Line] = []
  /// Combinations that exist.
  private(set) var combinations = 0
  /// Combinations that do not exist, by rule.
  private(set) var excluded: [Exclusion: Int] = [:]

  private var outcomeIDs: [Outcome: Int32] = [:]
  private var profileIDs: [[Span]: Int32] = [:]

  /// Evaluates every combination of the domain on one boot.
  init(_ boot: Boot, in domain: MatrixDomain) {
    self.boot = boot
    let kernel = BootedKernel(
      policy: boot.kernel.policy, platform: boot.platform, iommu: boot.iommu,
      swiotlb: boot.swiotlb, machine: boot.machine)
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
            let device = DeviceID.id(coherentMask, busLimit, coherence, facing)
            for operation in domain.operations {
              for attributes in domain.attributes {
                for buffer in domain.buffers {
                  if let rule = boot.kernel.policy.requestExclusion(
                    operation, attributes, buffer, on: boot.machine)
                  {
                    excluded[rule, default: 0] += domain.masks.count
                    continue
                  }
                  let request = DeviceRequest(
                    mask: domain.masks[0], coherentMask: coherentMask, busLimit: busLimit,
                    coherence: coherence, facing: facing, operation: operation,
                    attributes: attributes, buffer: buffer)
                  evaluate(request, device: device, on: kernel, masks: domain.masks)
                }
              }
            }
          }
        }
      }
    }
  }

  /// Evaluates one request for every mask and merges equal neighbours.
  private mutating func evaluate(
    _ request: DeviceRequest, device: UInt8, on kernel: BootedKernel, masks: [DMAMask]
  ) {
    var request = request
    var spans: [Span] = []
    spans.reserveCapacity(8)
    var previous: Outcome?
    for mask in masks {
      request.mask = mask
      let outcome = Outcome(
        platform: boot.platform, request: request, answer: kernel.answer(to: request))
      combinations += 1
      if outcome == previous, let last = spans.last?.last, last + 1 == mask.bits {
        spans[spans.count - 1].last = mask.bits
      } else {
        spans.append(Span(first: mask.bits, last: mask.bits, outcome: id(of: outcome)))
        previous = outcome
      }
    }
    lines.append(
      Line(
        device: device,
        request: RequestID.id(request.operation, request.attributes, request.buffer),
        profile: id(of: spans)))
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

/// Mixed radix of the four device axes.
enum DeviceID {
  static func id(
    _ coherentMask: CoherentMask, _ busLimit: BusLimit, _ coherence: Coherence, _ facing: Facing
  ) -> UInt8 {
    ((coherentMask.rawValue * 4 + busLimit.rawValue) * 2 + coherence.rawValue) * 2
      + facing.rawValue
  }
}

/// Mixed radix of the three request axes.
enum RequestID {
  static func id(_ operation: Operation, _ attributes: Attributes, _ buffer: Buffer) -> UInt16 {
    (UInt16(operation.rawValue) * 16 + UInt16(attributes.rawValue)) * 16
      + UInt16(buffer.rawValue)
  }
}
