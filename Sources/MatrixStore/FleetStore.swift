import DMAModel
import Foundation
import GRDB
import HostCapture
import HostModel
import Support

/// The captured machines of a database.
public enum FleetStore {
  /// How many machines were stored.
  public struct Summary: Sendable, Equatable {
    public var added = 0
    /// Of machines that were there already.
    public var replaced = 0
    public var devices = 0
    /// In the order of comparison.
    public var kernels: [Comparison] = []

    public init() {}
  }

  /// How many machines were compared with a kernel.
  public struct Comparison: Sendable, Equatable {
    public let kernel: String
    public var hosts = 0
    /// Those that get worse.
    public var worse = 0
    /// Machines for whose platform it has no code.
    public var without = 0
  }

  /// A machine, the name that it is stored by, and the digest of its capture.
  public struct Entry: Sendable {
    public let name: String
    public let sha256: String?
    public let host: FleetHost

    public init(name: String, sha256: String?, host: FleetHost) {
      (self.name, self.sha256, self.host) = (name, sha256, host)
    }
  }

  /// Stores machines; one of the same name is replaced.
  ///
  /// The database is copied, the copy is changed and renamed: an interrupted run leaves
  /// the old one as it is.
  ///
  /// - Parameters:
  ///   - building: Called with the paths to remove if the process is killed.
  ///   - next: The next machines, none at the end: a fleet need not fit into memory.
  /// - Throws: ``StoreError``, and what `next` throws; nothing is changed then.
  public static func add(
    to path: String, toolVersion: String, at time: Date = Date(),
    building: ([String]) -> Void = { _ in }, next: () throws -> [Entry]
  ) throws -> Summary {
    var summary = Summary()
    try DatabaseFile.change(path, building: building) { copy in
      let queue = try DatabaseQueue(path: copy, configuration: DatabaseFile.withoutJournalFile)
      defer { try? queue.close() }
      try ObservationMigrations.migrate(queue)
      let digest = ModelDigest.digest()
      try queue.write { database in
        var writer = FleetWriter(
          database: database, imported: time.formatted(.iso8601), toolVersion: toolVersion,
          modelDigest: digest)
        while case let entries = try next(), !entries.isEmpty {
          for entry in entries { try writer.insert(entry) }
        }
        summary = writer.summary
        let order = KernelVersion.known.map(\.name)
        summary.kernels.sort {
          (order.firstIndex(of: $0.kernel) ?? 0) < (order.firstIndex(of: $1.kernel) ?? 0)
        }
      }
    }
    return summary
  }
}

/// Writes machines on one connection.
private struct FleetWriter {
  let database: Database
  let imported: String
  let toolVersion: String
  let modelDigest: String
  var summary = FleetStore.Summary()

  mutating func insert(_ entry: FleetStore.Entry) throws {
    let (report, boot) = (entry.host.report, entry.host.report.boot)
    let capture = boot.capture
    try run("DELETE FROM host WHERE name = ?", [entry.name])
    if database.changesCount > 0 { summary.replaced += 1 } else { summary.added += 1 }
    summary.devices += report.rows.count
    let pool = boot.system.pool
    try run(
      """
      INSERT INTO host (name, sha256, release, kernel, platforms, platform, command_line,
        swiotlb, ram, ram_bytes, cpus, pool, pool_force, pool_slots, pool_used,
        pool_high_water, notes, imported, tool_version, model_digest)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        entry.name, entry.sha256, capture.release, boot.version.name,
        capture.platforms.map(\.name).joined(separator: "|"), boot.platform.name,
        boot.commandLine, boot.swiotlb.name, capture.machine.ramText,
        Int64(clamping: capture.machine.size), capture.machine.cpus,
        Self.pool(of: boot)?.text, pool.isActive && pool.forceBounce ? 1 : 0,
        capture.pool.map { Int64(clamping: $0.slots) },
        capture.pool?.used.map { Int64(clamping: $0) },
        capture.pool?.highWater.map { Int64(clamping: $0) },
        entry.host.notes.joined(separator: "\n"), imported, toolVersion, modelDigest,
      ])
    let id = database.lastInsertedRowID
    for (position, row) in report.rows.enumerated() {
      try insert(row, boot, host: id, position: position)
    }
    for comparison in entry.host.comparisons { try insert(comparison, host: id) }
    for kernel in entry.host.notCompared { summary.kernels[try index(of: kernel)].without += 1 }
    for (position, device) in (entry.host.traffic?.devices ?? []).enumerated() {
      try insert(device, host: id, position: position)
    }
  }

  /// Where the default pool lies: as the boot log says, else as the model places it.
  private static func pool(of boot: HostBoot) -> PhysicalRange? {
    if boot.capture.poolPlaceIsKnown, let observed = boot.capture.machine.observedPool {
      return observed
    }
    let pool = boot.system.pool
    return pool.isActive ? PhysicalRange(pool.start, pool.end) : nil
  }

  private func insert(_ row: HostReport.Row, _ boot: HostBoot, host: Int64, position: Int) throws {
    let device = row.device
    let coherentMask = row.conditions.map { conditions in
      conditions.coherentMask == conditions.streamingMask
        ? CoherentMask.same : CoherentMask(highestAddress: conditions.coherentMask)
    }
    let busLimit = row.conditions.flatMap { BusLimit(highestAddress: $0.busLimit) } ?? .none
    try run(
      "INSERT INTO host_device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        host, position, device.address.description, device.vendor.map { Int($0) },
        device.device.map { Int($0) }, device.classCode.map { Int($0) }, device.classWords,
        device.driver, device.domain.rawValue, boot.mode(of: device).inMatrix.name,
        device.streamingBits.map { Int($0) }, device.coherentBits.map { Int($0) },
        coherentMask?.name, busLimit.name, (row.conditions?.coherence ?? .coherent).name,
        Facing.internal.name, device.hasOneMaskOnly ? 1 : 0,
        row.answers.flatMap { $0.maxMapping == .max ? nil : Int64(clamping: $0.maxMapping) },
      ])
    for (request, answer) in row.answers?.all ?? [] {
      let operation: DMAModel.Operation = request == "alloc" ? .alloc : .map
      guard let answers = row.answers else { continue }
      try run(
        "INSERT INTO host_answer VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
          host, position, request, answers.mayFit(answer) ? "maybe" : answer.shortName,
          answers.mayFit(answer) ? "maybe" : answers.verdict(answer, operation).name,
          answers.exposed(answer).name, answer.decision.name,
        ])
    }
  }

  private mutating func insert(_ comparison: FleetHost.Comparison, host: Int64) throws {
    let name = comparison.kernel.name
    let index = try index(of: comparison.kernel)
    try run(
      "INSERT INTO host_kernel VALUES (?, ?, ?, ?)",
      [host, name, comparison.isWorse ? 1 : 0, comparison.notes.joined(separator: "\n")])
    for (device, change) in comparison.changes {
      try run(
        "INSERT INTO host_change VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
          host, name, device, change.request, change.effect.rawValue, change.before,
          change.after, change.decidedBy,
        ])
    }
    summary.kernels[index].hosts += 1
    if comparison.isWorse { summary.kernels[index].worse += 1 }
  }

  /// The place of a kernel in the summary, which is stored as one that was asked for.
  private mutating func index(of kernel: KernelVersion) throws -> Int {
    if let index = summary.kernels.firstIndex(where: { $0.kernel == kernel.name }) { return index }
    try run("INSERT OR IGNORE INTO fleet_kernel (name) VALUES (?)", [kernel.name])
    summary.kernels.append(.init(kernel: kernel.name))
    return summary.kernels.count - 1
  }

  private func insert(
    _ device: TrafficSummary.Device, host: Int64, position: Int
  ) throws {
    func causes(_ cause: BounceCause) -> Int { device.causes[cause] ?? 0 }
    try run(
      "INSERT INTO host_traffic VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        host, position, device.name, device.driver, device.mappings,
        Int64(clamping: device.bytes), device.bouncedMappings,
        Int64(clamping: device.bouncedBytes), causes(.forced), causes(.reach),
        causes(.kmalloc), device.failed, Int64(clamping: device.largest), device.allocations,
        Int64(clamping: device.allocatedBytes), device.failedAllocations,
      ])
  }

  private func run(_ sql: String, _ arguments: StatementArguments) throws {
    try database.cachedStatement(sql: sql).execute(arguments: arguments)
  }
}
