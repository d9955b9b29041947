import DMAModel

/// Observations beside the model: what agrees, what cannot be known, what differs.
public struct ObservationSummary: Sendable {
  /// An observation that differs.
  public struct Finding: Sendable {
    public let boot: ObservedBoot
    public let observation: Observation
    public let outcome: ObservationOutcome
  }

  /// The counts of one kernel.
  public struct Tally: Sendable, Equatable {
    public var boots = 0
    public var rows = 0
    /// As predicted in every column, addresses as far as they can be.
    public var agree = 0
    /// Of a limit that is more than an address.
    public var limited = 0
    public var absent = 0
    public var differ = 0
  }

  /// By kernel, in the order of `KernelVersion.known`.
  public private(set) var tallies: [(kernel: String, tally: Tally)] = []
  /// How many observations each limit applies to, by kernel.
  public private(set) var limits: [ObservationLimit: [String: Int]] = [:]
  /// How many observations agree with an answer of each rule, by kernel.
  public private(set) var rules: [Decision: [String: Int]] = [:]
  /// Observations that differ.
  public private(set) var findings: [Finding] = []

  /// The counts of all kernels together.
  public var total: Tally {
    tallies.reduce(into: Tally()) { sum, each in
      sum.boots += each.tally.boots
      sum.rows += each.tally.rows
      sum.agree += each.tally.agree
      sum.limited += each.tally.limited
      sum.absent += each.tally.absent
      sum.differ += each.tally.differ
    }
  }

  public init() {}

  /// Compares one boot.
  public mutating func add(_ boot: BootObservations, version: KernelVersion) {
    var tally = tallies.first { $0.kernel == version.name }?.tally ?? Tally()
    tally.boots += 1
    var check = ObservationCheck(boot.boot, version: version)
    let bootDifferences = check.bootDifferences
    for row in boot.observations {
      var outcome = check.compare(row)
      if !outcome.isAbsent { outcome.differences += bootDifferences }
      tally.rows += 1
      if let decision = outcome.decision, outcome.agrees, !outcome.isAbsent {
        rules[decision, default: [:]][version.name, default: 0] += 1
      }
      for limit in outcome.limits {
        limits[limit, default: [:]][version.name, default: 0] += 1
      }
      if outcome.isAbsent {
        tally.absent += 1
      } else if !outcome.agrees {
        tally.differ += 1
        findings.append(Finding(boot: boot.boot, observation: row, outcome: outcome))
      } else if outcome.agreesInFull {
        tally.agree += 1
      } else {
        tally.limited += 1
      }
    }
    tallies.removeAll { $0.kernel == version.name }
    tallies.append((version.name, tally))
    let order = KernelVersion.known.map(\.name)
    tallies.sort {
      (order.firstIndex(of: $0.kernel) ?? .max) < (order.firstIndex(of: $1.kernel) ?? .max)
    }
  }
}
