import DMAModel
import GRDB
import Support

/// What a generator run made.
public struct GenerationSummary: Sendable, Equatable {
  /// Combinations that exist and were evaluated.
  public var combinations = 0
  /// Distinct answers.
  public var outcomes = 0
  /// Observations that the old database held and the new one keeps.
  public var keptObservations = 0
  /// Where a damaged database was put whose observations cannot be read.
  public var damagedCopy: String?

  public init() {}
}

/// Evaluates every combination of a domain and stores the answers.
///
/// The database is built under another name in the same directory and renamed
/// at the end, so that the old one stays as it is until the new one is complete.
public struct MatrixGenerator: Sendable {
  public let domain: MatrixDomain
  /// How many boots are evaluated at once.
  public let jobs: Int
  /// The version that the database names as its maker.
  public let toolVersion: String
  /// The part of the domain's boots that is evaluated; nil for all.
  public let shard: Shard?

  public init(domain: MatrixDomain, jobs: Int, toolVersion: String, shard: Shard? = nil) {
    self.domain = domain
    self.jobs = max(1, jobs)
    self.toolVersion = toolVersion
    self.shard = shard
  }

  /// Generates the database `target`.
  ///
  /// - Parameters:
  ///   - progress: Called with the fraction done, from 0 to 1.
  ///   - building: Called with the paths to remove if the process is killed.
  public func generate(
    to target: String, progress: (Double) -> Void = { _ in },
    building: ([String]) -> Void = { _ in }
  ) throws -> GenerationSummary {
    var (summary, kept) = try DatabaseFile.replace(target, building: building) { database in
      try build(database, progress: progress)
    }
    (summary.keptObservations, summary.damagedCopy) = (kept.observations, kept.damagedCopy)
    return summary
  }

  private func build(
    _ database: Database, progress: (Double) -> Void
  ) throws -> GenerationSummary {
    var excluded: [ExclusionKey: Int] = [:]
    var boots = domain.boots { kernel, platform, rule in
      // Machines that cannot be booted are counted in the first part.
      guard shard.map({ $0.index == 1 }) ?? true else { return }
      let key = ExclusionKey(kernel: kernel.name, platform: platform, rule: rule)
      excluded[key, default: 0] += domain.combinationsPerBoot
    }
    guard !boots.isEmpty else {
      throw StoreError.emptyDomain("every combination of these filters is excluded")
    }

    if let shard { boots = shard.part(of: boots) }
    var summary = GenerationSummary()
    try database.inTransaction {
      var writer = try MatrixWriter(
        database, domain: domain, toolVersion: toolVersion, shard: shard)
      // Boots are evaluated in batches and stored in order: the same bytes
      // whatever the number of jobs.
      let batch = jobs * 8
      for start in stride(from: 0, to: boots.count, by: batch) {
        let end = min(start + batch, boots.count)
        for matrix in evaluate(Array(boots[start..<end])) {
          for (rule, count) in matrix.excluded {
            let key = ExclusionKey(
              kernel: matrix.boot.kernel.name, platform: matrix.boot.platform, rule: rule)
            excluded[key, default: 0] += count
          }
          try writer.write(matrix, to: database)
        }
        progress(Double(end) / Double(boots.count))
      }
      // A part of many may have nothing to do.
      guard writer.summary.combinations > 0 || shard != nil else {
        throw StoreError.emptyDomain("every combination of these filters is excluded")
      }
      try writer.finish(database, excluded: excluded)
      summary = writer.summary
      return .commit
    }
    return summary
  }

  /// Evaluates boots on several threads; the result is in their order.
  private func evaluate(_ boots: [Boot]) -> [BootMatrix] {
    let parts = min(jobs, boots.count)
    let numbers = AxisNumbers(domain)
    return concurrently(Array(0..<parts)) { part in
      let range = boots.count * part / parts..<boots.count * (part + 1) / parts
      return boots[range].map { BootMatrix($0, in: domain, numbers) }
    }.flatMap { $0 }
  }
}

/// A row of the exclusion table.
struct ExclusionKey: Hashable {
  let kernel: String
  let platform: Platform
  let rule: Exclusion
}
