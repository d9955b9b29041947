import DMAModel
import Foundation
import GRDB
import Synchronization

/// What a generator run made.
public struct GenerationSummary: Sendable, Equatable {
  /// Combinations that exist and were evaluated.
  public var combinations = 0
  /// Combinations that cannot exist.
  public var excluded = 0
  /// Rows of facts: lines of all masks of a device and a request.
  public var lines = 0
  /// Distinct sequences of answers over all masks.
  public var profiles = 0
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

  public init(domain: MatrixDomain, jobs: Int, toolVersion: String) {
    self.domain = domain
    self.jobs = max(1, jobs)
    self.toolVersion = toolVersion
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
    let path = Self.resolved(target)
    try Self.checkTarget(path)
    Self.removeLeftovers(of: path)
    let temporary = Self.temporaryPath(for: path)
    building([temporary, temporary + "-journal"])
    defer { for file in [temporary, temporary + "-journal"] { unlink(file) } }
    do {
      var summary = try build(temporary, progress: progress)
      try DatabaseLock.holding(path) {
        let kept = try ObservationMigrations.carry(from: path, to: temporary)
        (summary.keptObservations, summary.damagedCopy) = (kept.observations, kept.damagedCopy)
        try Self.commit(temporary, to: path)
      }
      return summary
    } catch let error as DatabaseError {
      throw StoreError.cannotWrite(path: path, reason: error.message ?? "SQLite error")
    }
  }

  private func build(
    _ path: String, progress: (Double) -> Void
  ) throws -> GenerationSummary {
    var excluded: [ExclusionKey: Int] = [:]
    let boots = domain.boots { kernel, platform, rule in
      let key = ExclusionKey(kernel: kernel.name, platform: platform, rule: rule)
      excluded[key, default: 0] += domain.combinationsPerBoot
    }
    guard !boots.isEmpty else {
      throw StoreError.emptyDomain("every combination of these filters is excluded")
    }

    let queue = try DatabaseQueue(path: path, configuration: Self.configuration)
    let summary = try queue.inDatabase { database in
      var summary = GenerationSummary()
      try database.inTransaction {
        var writer = try MatrixWriter(database, domain: domain, toolVersion: toolVersion)
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
        guard writer.summary.combinations > 0 else {
          throw StoreError.emptyDomain("every combination of these filters is excluded")
        }
        try writer.finish(database, excluded: excluded)
        summary = writer.summary
        return .commit
      }
      try database.execute(sql: "ANALYZE; PRAGMA optimize; PRAGMA journal_mode = DELETE")
      return summary
    }
    try queue.close()
    return summary
  }

  /// Evaluates boots on several threads; the result is in their order.
  private func evaluate(_ boots: [Boot]) -> [BootMatrix] {
    let parts = min(jobs, boots.count)
    let results = Mutex<[Int: [BootMatrix]]>([:])
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      let range = boots.count * part / parts..<boots.count * (part + 1) / parts
      let matrices = boots[range].map { BootMatrix($0, in: domain) }
      results.withLock { $0[part] = matrices }
    }
    return results.withLock { results in (0..<parts).flatMap { results[$0] ?? [] } }
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false  // checked once, at the end
    configuration.prepareDatabase { database in
      // The file is private until it is renamed: no journal is needed.
      try database.execute(
        sql: """
          PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
          PRAGMA temp_store = MEMORY
          """)
    }
    return configuration
  }
}

/// A row of the exclusion table.
struct ExclusionKey: Hashable {
  let kernel: String
  let platform: Platform
  let rule: Exclusion
}
