/// The masks for which no comparison of an evaluation would have come out otherwise.
///
/// An evaluation looks at a device's masks in comparisons alone (``Traced``), so that one
/// with another mask of the span takes the same path to the same answer: the span is what
/// the comparisons prove, not what a sample suggests.
struct MaskSpan<Base: Tracer>: Tracer {
  static var isRecording: Bool { Base.isRecording }

  var base: Base
  /// The mask that is evaluated, and the least and highest of its span.
  private let mask: UInt64
  private(set) var least: UInt64 = 0
  private(set) var highest: UInt64 = .max
  /// Whether the coherent mask is the streaming mask.
  private let coherentFollows: Bool
  /// What else of the device was asked for.
  private(set) var reads: DeviceAxes = []

  init(_ request: DeviceRequest, _ base: Base) {
    self.base = base
    mask = request.mask.highestAddress
    coherentFollows = request.coherentMask == .same
  }

  @inline(__always)
  mutating func note(
    _ function: StaticString, _ condition: StaticString, _ taken: Bool, _ knob: StaticString
  ) {
    base.note(function, condition, taken, knob)
  }

  @inline(__always)
  mutating func compare(_ mask: ComparedMask, with address: UInt64) {
    if mask == .coherent { reads.insert(.coherentMask) }
    guard mask == .streaming || coherentFollows else { return }
    if self.mask >= address {
      least = max(least, address)
    } else {
      highest = min(highest, address - 1)
    }
  }

  @inline(__always)
  mutating func read(_ axes: DeviceAxes) { reads.formUnion(axes) }

  func contains(_ mask: DMAMask) -> Bool {
    least <= mask.highestAddress && mask.highestAddress <= highest
  }
}

/// What a device is like beside its streaming mask, as a set of axes.
public struct DeviceAxes: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  public static let coherentMask = DeviceAxes(rawValue: 1)
  public static let busLimit = DeviceAxes(rawValue: 2)
  public static let coherence = DeviceAxes(rawValue: 4)
  public static let facing = DeviceAxes(rawValue: 8)
  public static let all: DeviceAxes = [.coherentMask, .busLimit, .coherence, .facing]
}

/// Masks with one answer and one end, as positions in a list.
public struct MaskRun: RangedRun, Sendable {
  public let range: Range<Int>
  public let cycle: LifeCycle
  /// What answer, end and verdict depend on beside the mask: a device with the same
  /// values of these axes gets the same, whatever it has of the others.
  public let reads: DeviceAxes
}

extension BootedKernel {
  /// What the end of a request costs to know; only some consumers ask for it.
  public enum Depth: Sendable {
    /// The answer; `LifeCycle.after` is then of no meaning.
    case answer
    /// The answer, and what is left after it has been undone.
    case life
  }

  /// Calls a function for each run of masks with one answer, one end and one verdict, in
  /// their order.
  ///
  /// The runs are as long as the evaluation proves; neighbours may still be equal.
  ///
  /// The masks may have any order; each is answered as `lifeCycle(of:maskChange:)` answers
  /// it.
  @inline(__always)
  public func forEachRun(
    of request: DeviceRequest, masks: [DMAMask], _ depth: Depth = .life,
    maskChange: MaskChange = .none, _ body: (MaskRun) -> Void
  ) {
    var start = 0
    while start < masks.count {
      let (run, _) = run(
        of: request, masks: masks, from: start, depth, maskChange, NoTrace())
      body(run)
      start = run.range.upperBound
    }
  }

  /// The same with a number that names the path of each run.
  public func forEachFingerprintedRun(
    of request: DeviceRequest, masks: [DMAMask], _ depth: Depth = .life,
    maskChange: MaskChange = .none, body: (MaskRun, UInt64) -> Void
  ) {
    var start = 0
    while start < masks.count {
      let (run, trace) = run(
        of: request, masks: masks, from: start, depth, maskChange, PathFingerprint())
      let number =
        isRecorded
        ? UInt64(bitPattern: Int64(run.cycle.hashValue))
        : trace.value &* 31 &+ UInt64(run.cycle.answer.decision.rawValue)
      body(run, number)
      start = run.range.upperBound
    }
  }

  /// The runs of all of some masks.
  public func runs(
    of request: DeviceRequest, masks: [DMAMask], _ depth: Depth = .life,
    maskChange: MaskChange = .none
  ) -> [MaskRun] {
    var runs: [MaskRun] = []
    forEachRun(of: request, masks: masks, depth, maskChange: maskChange) { runs.append($0) }
    return runs
  }

  /// Evaluates one mask, and finds how many after it are answered alike.
  @inline(__always)
  private func run<Base: Tracer>(
    of request: DeviceRequest, masks: [DMAMask], from start: Int, _ depth: Depth,
    _ maskChange: MaskChange, _ base: Base
  ) -> (run: MaskRun, trace: Base) {
    var request = request
    request.mask = masks[start]
    if isRecorded {
      let cycle = lifeCycle(of: request, maskChange: maskChange)
      return (MaskRun(range: start..<start + 1, cycle: cycle, reads: .all), base)
    }
    var evaluation = Evaluation(kernel: self, request: request, trace: MaskSpan(request, base))
    let answer = evaluation.run()
    let usesPool = evaluation.slots != nil
    evaluation.compareVerdict(of: answer)
    var span = evaluation.trace
    var after = LifeAnswer()
    if depth == .life, Base.isRecording || usesPool || !request.operation.isMapping {
      var undo = Undo(evaluation, answer, maskChange: maskChange)
      after = undo.run()
      span = undo.trace
    }
    // A range map, and a mask with holes, are not compared as an address alone.
    let isAlone = hasRanges || !request.mask.isPlain
    var end = start + 1
    while !isAlone, end < masks.count, masks[end].isPlain, span.contains(masks[end]) { end += 1 }
    let cycle = LifeCycle(answer: answer, after: after, usesPool: usesPool)
    return (MaskRun(range: start..<end, cycle: cycle, reads: span.reads), span.base)
  }
}

extension Evaluation {
  /// Compares as the hardware's verdict does (``DMAHardware/addressFits``).
  fileprivate mutating func compareVerdict(of answer: Answer) {
    let mask = request.operation.isMapping ? ComparedMask.streaming : .coherent
    if answer.encoding == .iova {
      let lines = kernel.device.addressLines
      if lines < 64 { compare(mask, with: bitMask(lines) + 1) }
    } else if let address = answer.address {
      let (last, overflow) = address.addingReportingOverflow(request.buffer.length - 1)
      if !overflow { compare(mask, with: last) }
    }
  }
}

extension DMAMask {
  /// Whether it is DMA_BIT_MASK() of one bit or more.
  fileprivate var isPlain: Bool { isWholeBits && highestAddress != 0 }
}
