/// One of the equal parts that work is cut into: `2/8` is the second of eight.
///
/// Work is dealt out like cards, so that neighbours, which take equally long, go
/// to different parts.
public struct Shard: Sendable, Hashable {
  /// From 1 to ``count``.
  public let index: Int
  /// How many parts there are, up to ``limit``.
  public let count: Int

  /// The largest number of parts.
  public static let limit = 9999

  /// A part; nil unless `1 <= index <= count <= limit`.
  public init?(index: Int, count: Int) {
    guard 1 <= index, index <= count, count <= Self.limit else { return nil }
    self.index = index
    self.count = count
  }

  /// Reads `2/8`.
  public init?(_ text: String) {
    let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let index = numbers[0], let count = numbers[1] else { return nil }
    self.init(index: index, count: count)
  }

  /// Reads `i/n`, `auto` or `auto/n`, the last two with the numbers that a
  /// scheduler put into the environment.
  ///
  /// `auto` is Slurm's array task: SLURM_ARRAY_TASK_ID of SLURM_ARRAY_TASK_COUNT,
  /// counted from SLURM_ARRAY_TASK_MIN in steps of SLURM_ARRAY_TASK_STEP.
  /// `auto/n` is Kubernetes' indexed job of n completions, JOB_COMPLETION_INDEX
  /// from 0; inside a Slurm array, n must be the array's size.
  public init?(_ text: String, environment: [String: String]) {
    guard text == "auto" || text.hasPrefix("auto/") else {
      self.init(text)
      return
    }
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    let count = Int(text.dropFirst("auto/".count))
    guard text == "auto" || count != nil else { return nil }
    if let task = number("SLURM_ARRAY_TASK_ID"), let tasks = number("SLURM_ARRAY_TASK_COUNT") {
      let first = number("SLURM_ARRAY_TASK_MIN") ?? 0
      let step = number("SLURM_ARRAY_TASK_STEP") ?? 1
      let (distance, overflow) = task.subtractingReportingOverflow(first)
      guard !overflow, step > 0, distance >= 0, distance % step == 0, distance / step < tasks,
        count ?? tasks == tasks
      else { return nil }
      self.init(index: distance / step + 1, count: tasks)
    } else if let index = number("JOB_COMPLETION_INDEX"), let count, (0..<count).contains(index) {
      self.init(index: index + 1, count: count)
    } else {
      return nil
    }
  }

  /// Whether the work at a position, from 0, belongs to this part.
  public func contains(_ position: Int) -> Bool { position % count == index - 1 }

  /// This part of some work, in its order.
  public func part<Work>(of work: [Work]) -> [Work] {
    work.indices.filter(contains).map { work[$0] }
  }
}

extension Shard: CustomStringConvertible {
  public var description: String { "\(index)/\(count)" }
}
