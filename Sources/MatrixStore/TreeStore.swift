import DMAModel
import Foundation
import GRDB
import Support

/// Kernels whose answers were recorded, beside the modelled ones in a database.
public enum TreeStore {
  /// Adds a recorded kernel to a database, or replaces one of the same name.
  ///
  /// - Parameters:
  ///   - kernels: Kernels with recorded answers, one after the other.
  ///   - domain: What was evaluated; a part goes into the same part of a matrix.
  ///   - provenance: What the kernels were made of, one line each.
  /// - Throws: ``StoreError`` where the file is no database of this version, or a
  ///   name is a modelled kernel's.
  public static func add(
    _ kernels: [(kernel: KernelVersion, provenance: String)], domain: MatrixDomain,
    to path: String, building: ([String]) -> Void = { _ in }
  ) throws {
    try add(kernels, domain: domain, to: path, building: building) { _ in }
  }

  /// - Parameter more: What is added in the same transaction.
  static func add(
    _ kernels: [(kernel: KernelVersion, provenance: String)], domain: MatrixDomain,
    to path: String, building: ([String]) -> Void, more: (Database) throws -> Void
  ) throws {
    try DatabaseFile.change(path, building: building) { copy in
      let queue = try DatabaseQueue(path: copy, configuration: DatabaseFile.withoutJournalFile)
      try ObservationMigrations.migrate(queue)
      try queue.inDatabase { database in
        try database.execute(sql: "PRAGMA foreign_keys = OFF")
        try database.inTransaction {
          try requirePart(domain.shard, path, database)
          let numbers = try AxisNumbers(database)
          if let (axis, name) = numbers.missing(domain) {
            throw StoreError.cannotWrite(
              path: path,
              reason: "it has no \(axis) '\(name)'; generate it with that value")
          }
          for (kernel, provenance) in kernels {
            try add(kernel, provenance, domain, numbers, path, to: database)
          }
          try more(database)
          try database.checkForeignKeys()
          return .commit
        }
        try database.execute(sql: "ANALYZE")
      }
      try queue.close()
    }
  }

  /// What was evaluated must be all of a tree, or the database's part of it.
  private static func requirePart(
    _ shard: Shard?, _ path: String, _ database: Database
  ) throws {
    let part = try String.fetchOne(
      database, sql: "SELECT value FROM provenance WHERE key = 'part'")
    guard part != shard?.description else { return }
    throw StoreError.parts(
      part.map { "'\(path)' is part \($0) of a matrix; accepted: --shard \($0)" }
        ?? "'\(path)' is a whole matrix; accepted: verify without --shard")
  }

  private static func add(
    _ kernel: KernelVersion, _ provenance: String, _ domain: MatrixDomain,
    _ numbers: AxisNumbers, _ path: String, to database: Database
  ) throws {
    let key = "tree \(kernel.name)"
    let replaced = try askedBoots(of: kernel.name, database)
    let id = try kernelID(kernel.name, key, path, database)
    try database.execute(
      sql: "INSERT INTO kernel VALUES (?, ?, ?, NULL, NULL, NULL, ?)",
      arguments: [id, kernel.name, kernel.summary, kernel.link])
    try database.execute(
      sql: "INSERT OR REPLACE INTO provenance VALUES (?, ?)", arguments: [key, provenance])
    try addDimensions(kernel, domain, numbers, path, database)

    var alone = domain
    alone.kernels = [kernel]
    var excluded: [ExclusionKey: Int] = [:]
    let boots = alone.boots { kernel, platform, rule in
      let key = ExclusionKey(kernel: kernel.name, platform: platform, rule: rule)
      excluded[key, default: 0] += alone.combinationsPerBoot
    }
    var writer = try MatrixWriter(appendingTo: database)
    for boot in boots {
      guard
        let machineID = try Int.fetchOne(
          database, sql: "SELECT id FROM mem WHERE name = ?", arguments: [boot.machine.name.name])
      else { throw MalformedRow("machine '\(boot.machine.name.name.printable)' is missing") }
      let placed = Boot(
        kernel: kernel, kernelID: id, configuration: boot.configuration,
        platformID: numbers.platform(boot.platform), machineID: machineID)
      let matrix = BootMatrix(placed, in: alone, numbers)
      for (rule, count) in matrix.excluded {
        let key = ExclusionKey(kernel: kernel.name, platform: boot.platform, rule: rule)
        excluded[key, default: 0] += count
      }
      try writer.write(matrix, to: database)
    }
    try addCounts(writer.summary.combinations, excluded, database)
    let stored = try askedBoots(of: kernel.name, database)
    let lost = replaced.filter { boot, asked in
      guard let its = stored[boot] else { return true }
      return its.count < asked.count || its.first > asked.first || its.last < asked.last
    }
    guard lost.isEmpty else {
      let scenarios = lost.values.reduce(0) { $0 + $1.count }
      throw StoreError.cannotWrite(
        path: path,
        reason: "'\(kernel.name.printable(upTo: 200))' is there with \(scenarios) scenarios of "
          + "\(lost.count) \(lost.count == 1 ? "boot" : "boots") that were not all asked now, and "
          + "would replace them; accepted: filters that ask as many, another --name, or another file"
      )
    }
  }

  /// How many scenarios of a boot are stored, and its lowest and highest mask.
  private struct Asked {
    let count: Int
    let first: Int
    let last: Int
  }

  /// The boots of a kernel that are stored; none without it.
  private static func askedBoots(of kernel: String, _ database: Database) throws -> [String: Asked]
  {
    let masks = try Row.fetchAll(
      database,
      sql: """
        SELECT b.platform || '/' || b.iommu || '/' || b.swiotlb || '/' || b.mem AS name,
          min(s.mask_first) AS first, max(s.mask_last) AS last,
          sum(s.mask_last - s.mask_first + 1) AS count
        FROM boot AS b
        JOIN answer_block AS a ON a.set_id = b.set_id AND a.circumstance_id = 0
        JOIN block_line AS l ON l.block_id = a.block_id
        JOIN profile_span AS s ON s.profile_id = l.profile_id
        WHERE b.kernel = ? GROUP BY 1
        """, arguments: [kernel])
    return try Dictionary(
      uniqueKeysWithValues: masks.map { row in
        (
          try row.decode(String.self, forColumn: "name"),
          Asked(
            count: try row.decode(Int.self, forColumn: "count"),
            first: try row.decode(Int.self, forColumn: "first"),
            last: try row.decode(Int.self, forColumn: "last"))
        )
      })
  }

  /// The number of a new kernel; what a tree of the same name had is removed.
  private static func kernelID(
    _ name: String, _ key: String, _ path: String, _ database: Database
  ) throws -> Int {
    let known = try Int.fetchOne(
      database, sql: "SELECT id FROM kernel WHERE name = ?", arguments: [name])
    if let known {
      guard
        try String.fetchOne(
          database, sql: "SELECT value FROM provenance WHERE key = ?", arguments: [key]) != nil
      else {
        throw StoreError.cannotWrite(
          path: path, reason: "'\(name)' is a modelled kernel there; choose another --name")
      }
      let combinations = try Int.fetchOne(
        database,
        sql: """
          SELECT coalesce(sum(s.combinations), 0) FROM boot b
          JOIN answer_set s ON s.id = b.set_id WHERE b.kernel = ?
          """, arguments: [name])
      let excluded = try Int.fetchOne(
        database, sql: "SELECT coalesce(sum(combinations), 0) FROM exclusion WHERE kernel = ?",
        arguments: [name])
      try addToProvenance("combinations", 0 &- (combinations ?? 0), database)
      try addToProvenance("excluded", 0 &- (excluded ?? 0), database)
      for sql in [
        "DELETE FROM boot WHERE kernel = ?", "DELETE FROM exclusion WHERE kernel = ?",
        "DELETE FROM kernel WHERE name = ?",
      ] {
        try database.execute(sql: sql, arguments: [name])
      }
      // What its boots alone answered.
      for sql in [
        "DELETE FROM answer_block WHERE set_id NOT IN (SELECT set_id FROM boot)",
        "DELETE FROM answer_set WHERE id NOT IN (SELECT set_id FROM boot)",
        "DELETE FROM block_line WHERE block_id NOT IN (SELECT block_id FROM answer_block)",
        "DELETE FROM block_count WHERE block_id NOT IN (SELECT block_id FROM answer_block)",
        "DELETE FROM block WHERE id NOT IN (SELECT block_id FROM answer_block)",
      ] {
        try database.execute(sql: sql)
      }
      return known
    }
    let highest = try Int.fetchOne(database, sql: "SELECT max(id) FROM kernel") ?? 0
    guard highest < Int(Int32.max) else {
      throw MalformedRow("kernel \(highest) is no number of a kernel")
    }
    // Modelled kernels and variants keep their numbers.
    return max(highest, KernelVersion.known.count + 64) + 1
  }

  /// Rows that an older database or a smaller domain does not have.
  private static func addDimensions(
    _ kernel: KernelVersion, _ domain: MatrixDomain, _ numbers: AxisNumbers, _ path: String,
    _ database: Database
  ) throws {
    let decision = Decision.ownCode
    try database.execute(
      sql: """
        INSERT INTO decision SELECT (SELECT max(id) + 1 FROM decision), ?, ?, ?, ?, ?
        WHERE NOT EXISTS (SELECT 1 FROM decision WHERE name = ?)
        """,
      arguments: [
        decision.storedName, decision.summary, decision.file, decision.function,
        decision.condition, decision.storedName,
      ])
    let rule = Exclusion.notRecorded
    try database.execute(
      sql: """
        INSERT INTO exclusion_rule SELECT (SELECT max(id) + 1 FROM exclusion_rule), ?, ?
        WHERE NOT EXISTS (SELECT 1 FROM exclusion_rule WHERE name = ?)
        """, arguments: [rule.name, rule.summary, rule.name])
    for machine in domain.machines {
      let known = try String.fetchOne(
        database, sql: "SELECT ram FROM mem WHERE name = ?", arguments: [machine.name.name])
      if let known, known != machine.descriptionText {
        throw StoreError.cannotWrite(
          path: path,
          reason: "machine '\(machine.name.name.printable)' is \(known.printable) there, not "
            + "\(machine.descriptionText); choose another name")
      }
      try database.execute(
        sql: """
          INSERT INTO mem SELECT (SELECT max(id) + 1 FROM mem), ?, ?, ?, ?, ?, ?, ?
          WHERE NOT EXISTS (SELECT 1 FROM mem WHERE name = ?)
          """,
        arguments: machine.storedColumns + [machine.name.name])
    }
    for mask in domain.masks {
      try database.execute(
        sql: "INSERT OR IGNORE INTO mask VALUES (?, ?, ?)",
        arguments: [Int(mask.bits), mask.name, mask.summary])
    }
    for operation in numbers.operations {
      for attributes in Attributes.allCases {
        for buffer in numbers.buffers
        where domain.machines.contains(where: {
          kernel.policy.requestExclusion(operation, attributes, buffer, on: $0) == nil
        }) {
          try database.execute(
            sql: "INSERT OR IGNORE INTO request VALUES (?, ?, ?, ?)",
            arguments: [
              Int(numbers.request(operation, attributes, buffer)), operation.name, attributes.name,
              buffer.name,
            ])
        }
      }
    }
  }

  private static func addCounts(
    _ combinations: Int, _ excluded: [ExclusionKey: Int], _ database: Database
  ) throws {
    try addToProvenance("combinations", combinations, database)
    try addToProvenance("excluded", MatrixWriter.insert(excluded, database), database)
  }

  private static func addToProvenance(_ key: String, _ count: Int, _ database: Database) throws {
    try database.execute(
      sql: "UPDATE provenance SET value = CAST(CAST(value AS INTEGER) + ? AS TEXT) WHERE key = ?",
      arguments: [count, key])
  }
}
