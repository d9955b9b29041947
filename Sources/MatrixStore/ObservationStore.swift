import Foundation
import GRDB
import Observations
import Support

/// A file of observations, read and ready to be stored.
public struct ObservationImport: Sendable {
  /// The file's name without its directory.
  public let name: String
  /// SHA-256 of its bytes, in hexadecimal.
  public let sha256: String
  public let kind: ObservationFile.Kind
  /// Whether only the intact lines of a damaged log were taken.
  public let intactOnly: Bool
  public let boots: [BootObservations]

  public init(
    name: String, sha256: String, kind: ObservationFile.Kind, intactOnly: Bool,
    boots: [BootObservations]
  ) {
    self.name = name
    self.sha256 = sha256
    self.kind = kind
    self.intactOnly = intactOnly
    self.boots = boots
  }
}

/// Adds observations to a database.
///
/// The database is copied, the copy is changed and renamed: an interrupted import
/// leaves the old one as it is.
public struct ObservationStore: Sendable {
  public let path: String
  /// The version that imports are marked with.
  public let toolVersion: String

  public init(path: String, toolVersion: String) {
    self.path = path
    self.toolVersion = toolVersion
  }

  /// Stores files; one with the same bytes as an earlier import takes its place.
  ///
  /// - Parameter building: Called with the paths to remove if the process is killed.
  /// - Throws: ``StoreError``; nothing is changed then.
  public func add(
    _ files: [ObservationImport], at time: Date = Date(), building: ([String]) -> Void = { _ in }
  ) throws {
    try DatabaseFile.change(path, building: building) { copy in
      try write(files, at: time, to: copy)
    }
  }

  private func write(_ files: [ObservationImport], at time: Date, to path: String) throws {
    let queue = try DatabaseQueue(path: path, configuration: DatabaseFile.withoutJournalFile)
    defer { try? queue.close() }
    try ObservationMigrations.migrate(queue)
    let digest = ModelDigest.digest()
    try queue.write { database in
      for file in files {
        try database.execute(
          sql: "DELETE FROM observation_source WHERE sha256 = ?", arguments: [file.sha256])
        try database.execute(
          sql: """
            INSERT INTO observation_source
              (name, sha256, kind, intact_only, imported, tool_version, model_digest)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            file.name, file.sha256, file.kind.rawValue, file.intactOnly ? 1 : 0,
            time.formatted(.iso8601), toolVersion, digest,
          ])
        let source = database.lastInsertedRowID
        for (position, boot) in file.boots.enumerated() {
          try insert(boot, source: source, position: position, database)
        }
      }
    }
  }

  private func insert(
    _ observations: BootObservations, source: Int64, position: Int, _ database: Database
  ) throws {
    let boot = observations.boot
    try database.execute(
      sql: """
        INSERT INTO observed_boot
          (source_id, position, kernel, release, label, command_line, platforms, iommu, domain,
          external, swiotlb, mem, ram, cpus, wants_pool, bus_limit, pool, pool_force)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        source, position, boot.kernel, boot.release, boot.label, boot.commandLine,
        boot.platforms.map(\.name).joined(separator: "|"), boot.iommu.name, boot.domain,
        boot.facing == .external ? 1 : 0, boot.swiotlb.name, boot.machine.name.name,
        boot.machine.ramText, boot.machine.cpus, boot.machine.wantsPool ? 1 : 0,
        boot.busLimitBits, boot.pool?.text, boot.poolForcesBounce ? 1 : 0,
      ])
    let id = database.lastInsertedRowID
    let marks = Array(repeating: "?", count: 25).joined(separator: ",")
    let insert = try database.cachedStatement(sql: "INSERT INTO observation VALUES (\(marks))")
    for (position, row) in observations.observations.enumerated() {
      func flag(_ value: Bool?) -> Int? { value.map { $0 ? 1 : 0 } }
      var arguments: StatementArguments = [
        id, position, row.line, row.maskBits, row.setMaskError, row.setCoherentMaskError,
        row.dmaMask.hexadecimal, row.operation.rawValue, row.region, row.direction?.rawValue,
        row.attributes.joined(separator: "+"), row.length.map { Int64($0) },
        row.physicalAddress.map(\.hexadecimal), row.secondAddress.map(\.hexadecimal),
      ]
      arguments += [
        row.dmaAddress.map(\.hexadecimal), row.result.rawValue, flag(row.needsSync), row.slots,
        flag(row.copiedIn), flag(row.copiedOut), row.maxMapping.map(\.hexadecimal),
        row.optimalMapping.map(\.hexadecimal), row.requiredMask.map(\.hexadecimal),
        flag(row.isAddressingLimited), row.scenario(on: boot)?.key,
      ]
      try insert.execute(arguments: arguments)
    }
  }
}
