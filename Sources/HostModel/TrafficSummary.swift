import DMAModel
import HostCapture
import TraceEvents

/// What a trace holds, compared: counts by kind, by device and by limit.
public struct TrafficSummary: Sendable {
  /// Counts of one kind of event.
  public struct Tally: Sendable, Equatable {
    public var events = 0
    public var agree = 0
    public var limited = 0
    public var unseen = 0
    public var differ = 0

    /// Counts an event that ended so.
    fileprivate mutating func add(_ outcome: TrafficOutcome) {
      events += 1
      switch outcome {
      case .agrees: agree += 1
      case .unseen: unseen += 1
      case .limited: limited += 1
      case .differs: differ += 1
      }
    }
  }

  /// What one device did.
  public struct Device: Sendable {
    public let name: String
    public var driver: String?
    /// Nil where sysfs does not list it.
    public var listed: HostDevice?
    /// Masks and what the trace shows beside them.
    public var conditions: DeviceConditions?
    /// What was read from the trace, in words.
    public var inferred: [String] = []
    public var mappings = 0
    public var bytes: UInt64 = 0
    public var bouncedMappings = 0
    public var bouncedBytes: UInt64 = 0
    public var failed = 0
    public var largest: UInt64 = 0
    public var allocations = 0
    public var allocatedBytes: UInt64 = 0
    public var failedAllocations = 0
    /// Bounced mappings by the reason, most first.
    public var causes: [BounceCause: Int] = [:]
  }

  /// A kind of difference with an example.
  public struct Difference: Sendable {
    public let kind: TraceEventKind
    public let device: String
    public let difference: TrafficDifference
    public let line: Int
    public var events: Int
  }

  public private(set) var tallies: [TraceEventKind.Group: Tally] = [:]
  public internal(set) var limits: [TrafficLimit: Int] = [:]
  public internal(set) var devices: [Device]
  public private(set) var differences: [Difference] = []
  /// Unmaps and frees whose size or direction is not that of what they end.
  public internal(set) var misuse = 0
  /// Whether machine and model agree that there is a pool, in words; nil where they do.
  public var poolDifference: String?
  private var differenceIndex: [String: Int] = [:]

  init(_ trace: Trace) {
    devices = trace.devices.map { Device(name: $0) }
  }

  /// All kinds together.
  public var total: Tally {
    tallies.values.reduce(into: Tally()) { sum, tally in
      sum.events += tally.events
      sum.agree += tally.agree
      sum.limited += tally.limited
      sum.unseen += tally.unseen
      sum.differ += tally.differ
    }
  }

  mutating func count(_ event: TraceEvent, _ outcome: TrafficOutcome) {
    tallies[event.kind.group, default: Tally()].add(outcome)
    switch outcome {
    case .agrees, .unseen: break
    case .limited(let limit): limits[limit, default: 0] += 1
    case .differs(let difference): add(difference, event)
    }
  }

  /// Differences are told apart by device, kind and column; addresses differ always.
  private mutating func add(_ difference: TrafficDifference, _ event: TraceEvent) {
    let device = devices[Int(event.device)].name
    let shown = difference.column == "result" ? difference.observed + difference.model : ""
    let key = "\(device) \(event.kind.rawValue) \(difference.column) \(shown)"
    if let index = differenceIndex[key] {
      differences[index].events += 1
    } else if differences.count < 1000 {
      differenceIndex[key] = differences.count
      differences.append(
        Difference(
          kind: event.kind, device: device, difference: difference, line: Int(event.line),
          events: 1))
    }
  }

  /// Bounces without their mapping were counted as agreeing.
  mutating func moveUnpaired(_ count: Int) {
    guard count > 0, var tally = tallies[.bounce] else { return }
    let moved = min(count, tally.agree)
    tally.agree -= moved
    tally.limited += moved
    tallies[.bounce] = tally
  }

  mutating func countMapping(
    _ device: Int32, bytes: UInt64, result: TrafficResult, lastByte: UInt64, bounce: TraceEvent?
  ) {
    let index = Int(device)
    // What no mapping has is a fault of the trace, and no traffic.
    let bytes = bytes <= 1 << 40 ? bytes : 0
    devices[index].mappings += 1
    devices[index].bytes = Self.sum(devices[index].bytes, bytes)
    devices[index].largest = max(devices[index].largest, bytes)
    if result == .error { devices[index].failed += 1 }
    guard result.bounces else { return }
    devices[index].bouncedMappings += 1
    devices[index].bouncedBytes = Self.sum(devices[index].bouncedBytes, bytes)
    var cause = BounceCause.unknown
    if bounce?.flag == true {
      cause = .forced
    } else if let conditions = devices[index].conditions {
      // The event says which mask the device had at that moment.
      var conditions = conditions
      if let mask = bounce?.dma, mask > 0, mask & (mask &+ 1) == 0 {
        conditions.streamingMask = mask
      }
      cause = lastByte > conditions.request(.map, length: 1).streamingLimit ? .reach : .kmalloc
    }
    devices[index].causes[cause, default: 0] += 1
  }

  mutating func countAllocation(_ device: Int32, bytes: UInt64, failed: Bool) {
    let index = Int(device)
    let bytes = bytes <= 1 << 40 ? bytes : 0
    devices[index].allocations += 1
    devices[index].allocatedBytes = Self.sum(devices[index].allocatedBytes, bytes)
    if failed { devices[index].failedAllocations += 1 }
  }

  private static func sum(_ one: UInt64, _ other: UInt64) -> UInt64 {
    let (sum, overflows) = one.addingReportingOverflow(other)
    return overflows ? .max : sum
  }
}

/// Why a mapping bounced.
public enum BounceCause: String, Sendable, CaseIterable {
  /// `swiotlb=force`, or a platform on which the pool bounces everything.
  case forced
  /// Mask or bus limit do not reach the buffer.
  case reach
  /// The buffer shares cache lines, and the device is not coherent.
  case kmalloc
  case unknown

  public var words: String {
    switch self {
    case .forced: "the pool bounces everything"
    case .reach: "beyond the mask or bus limit"
    case .kmalloc: "small buffers of a device that is not coherent"
    case .unknown: "masks not known"
    }
  }
}
