import DMAModel
import Support

/// Compares measured outcomes with the model.
public struct ConformanceCheck {
  /// How often a column of a kernel was compared, and how often it differed.
  public struct Tally: Equatable, Sendable {
    public var compared = 0
    public var mismatched = 0
    public var matched: Int { compared - mismatched }
  }

  /// A row whose answer differs.
  public struct Mismatch: Sendable {
    public let file: String
    public let line: Int
    public let kernel: String
    public let scenario: Scenario
    /// The columns that differ: name, measured value, the model's value.
    public let columns: [(name: String, measured: String, model: String)]
    /// The rule by which the model decided.
    public let decision: Decision
  }

  /// Rows read.
  public private(set) var rows = 0
  /// Rows whose combination the model excludes, by rule.
  public private(set) var excluded: [Exclusion: Int] = [:]
  /// The first excluded row of each rule, as file and line.
  public private(set) var firstExcluded: [Exclusion: (file: String, line: Int)] = [:]
  /// Tallies by kernel and column, in the order of `KernelVersion.all`.
  public private(set) var tallies: [String: [Tally]] = [:]
  /// Rows with at least one differing column.
  public private(set) var mismatchedRows = 0
  /// The first mismatches, at most ``limit``.
  public private(set) var mismatches: [Mismatch] = []
  /// How many mismatches are kept.
  public let limit: Int

  private let booted = KnownBoots()

  /// Kernels that rows may name beside the known ones.
  public let variants: [KernelVersion]

  public init(limit: Int = 10, variants: [KernelVersion] = []) {
    self.limit = limit
    self.variants = variants
  }

  /// The sum over all kernels and columns.
  public var total: Tally {
    tallies.values.joined().reduce(into: Tally()) { sum, tally in
      sum.compared += tally.compared
      sum.mismatched += tally.mismatched
    }
  }

  /// Compares every row of a file.
  public mutating func check(path: String) throws(InputError) {
    var file = try VectorsFile(path: path, variants: variants)
    while let vector = try file.next() { compare(vector, file: path) }
  }

  /// Compares one row.
  public mutating func compare(_ vector: Vector, file: String) {
    rows += 1
    let scenario = vector.scenario
    guard let machine = Machine.standard.first(where: { $0.name == scenario.memory }) else {
      return
    }
    if let rule = vector.kernel.policy.exclusion(of: scenario, on: machine) {
      excluded[rule, default: 0] += 1
      if firstExcluded[rule] == nil { firstExcluded[rule] = (file, vector.line) }
      return
    }

    let kernel = kernel(for: vector, machine)
    let (answer, model) = Self.columns(of: vector, on: kernel)
    var differing: [(name: String, measured: String, model: String)] = []
    var tally =
      tallies[vector.kernel.name] ?? Array(repeating: Tally(), count: Vector.columnNames.count)
    for (index, name) in Vector.columnNames.enumerated() {
      guard let measured = vector.measured[index] else { continue }
      tally[index].compared += 1
      if measured != model[index] {
        tally[index].mismatched += 1
        differing.append((name, measured, model[index]))
      }
    }
    tallies[vector.kernel.name] = tally
    guard !differing.isEmpty else { return }
    mismatchedRows += 1
    if mismatches.count < limit {
      mismatches.append(
        Mismatch(
          file: file, line: vector.line, kernel: vector.kernel.name, scenario: scenario,
          columns: differing, decision: answer.decision))
    }
  }

  /// The model's answer, with its columns in the order of `Vector.columnNames`.
  private static func columns(
    of vector: Vector, on kernel: BootedKernel
  ) -> (Answer, [String]) {
    let request = vector.scenario.deviceRequest
    guard vector.measured.dropFirst(Answer.columnNames.count).contains(where: { $0 != nil }) else {
      let answer = kernel.answer(to: request)
      return (answer, answer.columns + LifeAnswer.columnNames.map { _ in "" })
    }
    let life = kernel.lifeCycle(of: request, maskChange: vector.maskChange)
    return (life.answer, life.answer.columns + life.after.columns)
  }

  private func kernel(for vector: Vector, _ machine: Machine) -> BootedKernel {
    let scenario = vector.scenario
    return booted.booted(
      vector.kernel,
      BootConfiguration(scenario.platform, scenario.iommu, scenario.swiotlb, machine),
      vector.conditions)
  }
}
