import DriverScan
import Foundation
import GRDB
import Support

/// The drivers of kernel trees in a database.
public enum DriverStore {
  /// Stores a tree's drivers; those of a tree of the same name are replaced.
  ///
  /// The database is copied, the copy is changed and renamed: an interrupted run leaves
  /// the old one as it is.
  ///
  /// - Parameter building: Called with the paths to remove if the process is killed.
  /// - Throws: ``StoreError``; nothing is changed then.
  public static func add(
    _ scan: DriverScan, named name: String, to path: String, toolVersion: String,
    building: ([String]) -> Void = { _ in }
  ) throws {
    try DatabaseFile.change(path, building: building) { copy in
      let queue = try DatabaseQueue(path: copy, configuration: DatabaseFile.withoutJournalFile)
      defer { try? queue.close() }
      try ObservationMigrations.migrate(queue)
      try queue.write { database in
        try database.execute(sql: "DELETE FROM driver_tree WHERE name = ?", arguments: [name])
        try database.execute(
          sql: """
            INSERT INTO driver_tree (name, release, files, tool_version) VALUES (?, ?, ?, ?)
            """, arguments: [name, scan.release, scan.filesRead, toolVersion])
        let tree = database.lastInsertedRowID
        for driver in scan.drivers { try insert(driver, tree: tree, database) }
      }
    }
  }

  private static func insert(_ driver: Driver, tree: Int64, _ database: Database) throws {
    func names(_ architectures: [Architecture]) -> String {
      architectures.map(\.rawValue).joined(separator: ",")
    }
    try database.execute(
      sql: """
        INSERT INTO driver (tree_id, file, module, kconfig, depends_on, architectures,
          compile_test, buses, sets, decided, counted, device_tree)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        tree, driver.file, driver.module, driver.kconfig, driver.dependsOn,
        names(driver.architectures), names(driver.compileTestOnly),
        driver.buses.joined(separator: ","), driver.sets.rawValue, driver.isDecided ? 1 : 0,
        driver.isCounted ? 1 : 0, driver.hasDeviceTreeAlone ? 1 : 0,
      ])
    let id = database.lastInsertedRowID
    for (position, call) in driver.calls.enumerated() {
      let values: [MaskValue?] = call.alternatives.isEmpty ? [nil] : call.alternatives
      for (alternative, value) in values.enumerated() {
        try database.execute(
          sql: "INSERT INTO driver_mask VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            id, position, alternative, call.line, call.function, call.callee, call.expression,
            value?.bits, value?.value.hexadecimal, call.setsStreaming ? 1 : 0,
            call.setsCoherent ? 1 : 0, call.isDecided ? 1 : 0, call.fallbackOf,
          ])
      }
    }
    for (position, pair) in driver.masks.enumerated() {
      try database.execute(
        sql: "INSERT INTO driver_pair VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          id, position, pair.streaming.bits, pair.coherent.bits, pair.axes.coherent.first?.name,
          pair.streaming.value.hexadecimal, pair.coherent.value.hexadecimal,
        ])
    }
    for (position, doubt) in driver.doubts.enumerated() {
      try database.execute(
        sql: "INSERT INTO driver_doubt VALUES (?, ?, ?, ?)",
        arguments: [id, position, doubt.line, doubt.reason])
    }
    for (position, use) in driver.uses.enumerated() {
      try database.execute(
        sql: "INSERT INTO driver_use VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          id, position, use.line, use.function, use.name, use.expression, use.value?.hexadecimal,
        ])
    }
    for (position, device) in driver.ids.enumerated() {
      try database.execute(
        sql: "INSERT INTO driver_id VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          id, position, device.bus, device.vendor, device.device, device.text, device.file,
          device.line,
        ])
    }
  }

  /// The stored tree of the newest kernel, of two the one that was stored last.
  public static func newestTree(_ connection: Database) throws -> (id: Int64, name: String)? {
    let rows = try Row.fetchAll(connection, sql: "SELECT id, name, release FROM driver_tree")
    var newest: (id: Int64, name: String, version: [Int])?
    for row in rows {
      let id = try row.decode(Int64.self, forColumn: "id")
      let release = try row.decode(String.self, forColumn: "release")
      // 7.3.0-rc4 is 7.3.
      let version = release.prefix { $0.isNumber || $0 == "." }.split(separator: ".")
        .map { Int($0) ?? 0 }
      if let newest {
        let isOlder = version.lexicographicallyPrecedes(newest.version)
        let isSame = version == newest.version
        if isOlder || isSame && id < newest.id { continue }
      }
      newest = (id, try row.decode(String.self, forColumn: "name"), version)
    }
    return newest.map { ($0.id, $0.name) }
  }

  /// The drivers that a database holds, without their device tables, and the tree's name.
  ///
  /// - Parameter name: A stored tree; needed where there are several.
  /// - Throws: ``StoreError`` where none is stored, the name is unknown, or a row holds
  ///   what no scan wrote.
  public static func drivers(
    named name: String? = nil, in database: MatrixDatabase
  ) throws(StoreError) -> (tree: String, drivers: [Driver]) {
    let names = try database.read { connection -> [String] in
      guard try connection.tableExists("driver_tree") else { return [] }
      return try String.fetchAll(connection, sql: "SELECT name FROM driver_tree ORDER BY name")
    }
    let accepted = names.map(\.printable).joined(separator: ", ")
    guard !names.isEmpty else {
      throw .drivers(
        "'\(database.path.printable)' holds no drivers; accepted: a database to which "
          + "'dmamatrix drivers --store' added a tree")
    }
    guard let tree = name ?? (names.count == 1 ? names[0] : nil) else {
      throw .drivers(
        "'\(database.path.printable)' holds the drivers of several trees; "
          + "--tree-name chooses one: \(accepted)")
    }
    guard names.contains(tree) else {
      throw .drivers(
        "--tree-name '\(tree.printable)' is no tree of '\(database.path.printable)'; "
          + "accepted: \(accepted)")
    }
    let drivers = try database.read { try read(tree, $0) }
    return (tree, drivers)
  }

  private static func read(_ tree: String, _ connection: Database) throws -> [Driver] {
    func rows(_ table: String, _ order: String) throws -> [Int64: [StoredRow]] {
      let rows = try Row.fetchAll(
        connection,
        sql: """
          SELECT x.* FROM \(table) x JOIN driver d ON d.id = x.driver
          JOIN driver_tree t ON t.id = d.tree_id WHERE t.name = ? ORDER BY \(order)
          """, arguments: [tree])
      return try Dictionary(grouping: rows) { try $0.decode(Int64.self, forColumn: "driver") }
        .mapValues { $0.map { StoredRow($0, table: table) } }
    }
    let masks = try rows("driver_mask", "x.driver, x.position, x.alternative")
    let pairs = try rows("driver_pair", "x.driver, x.position")
    let uses = try rows("driver_use", "x.driver, x.position")
    let ids = try rows("driver_id", "x.driver, x.position")
    // Trees that were stored before there were reasons have none.
    let doubts =
      try connection.tableExists("driver_doubt")
      ? try rows("driver_doubt", "x.driver, x.position") : [:]
    return try Row.fetchAll(
      connection,
      sql: """
        SELECT d.* FROM driver d JOIN driver_tree t ON t.id = d.tree_id WHERE t.name = ?
        ORDER BY d.file
        """, arguments: [tree]
    ).map { raw in
      let row = StoredRow(raw, table: "driver")
      func architectures(_ column: String) throws -> [Architecture] {
        try row.text(column).split(separator: ",").map { name in
          guard let value = Architecture(rawValue: String(name)) else {
            throw row.malformed(column)
          }
          return value
        }
      }
      let id = try raw.decode(Int64.self, forColumn: "id")
      var driver = Driver(file: try row.text("file"))
      driver.module = try row.optionalText("module")
      driver.kconfig = try row.optionalText("kconfig")
      driver.dependsOn = try row.text("depends_on")
      driver.architectures = try architectures("architectures")
      driver.compileTestOnly = try architectures("compile_test")
      driver.buses = try row.text("buses").split(separator: ",").map(String.init)
      driver.calls = try calls(masks[id] ?? [])
      driver.isTest =
        try !row.flag("counted") && driver.isDriver && driver.callsMaskFunction
      driver.isDecided = try row.flag("decided")
      driver.masks = try (pairs[id] ?? []).map { row in
        guard let streaming = try row.address("streaming_value"),
          let coherent = try row.address("coherent_value")
        else { throw row.malformed("streaming_value") }
        return DeviceMasks(streaming: MaskValue(streaming), coherent: MaskValue(coherent))
      }
      driver.doubts = try (doubts[id] ?? []).map { row in
        MaskDoubt(line: try row.integer("line"), reason: try row.text("reason"))
      }
      driver.uses = try (uses[id] ?? []).map { row in
        DriverUse(
          line: try row.integer("line"), function: try row.text("function"),
          name: try row.text("name"), expression: try row.text("expression"),
          value: try row.address("value"))
      }
      driver.ids = try (ids[id] ?? []).map { row in
        DeviceID(
          bus: try row.text("bus"), vendor: try row.optionalInteger("vendor"),
          device: try row.optionalInteger("device"), text: try row.text("text"),
          file: try row.text("file"), line: try row.integer("line"))
      }
      return driver
    }
  }

  /// The places that set masks, of rows in their order.
  private static func calls(_ rows: [StoredRow]) throws -> [MaskCall] {
    var calls: [(position: Int, call: MaskCall)] = []
    for row in rows {
      let position = try row.integer("position")
      let value = try row.address("value").map(MaskValue.init)
      if let last = calls.last, last.position == position {
        calls[calls.count - 1].call = last.call.adding(value)
        continue
      }
      let call = MaskCall(
        line: try row.integer("line"), function: try row.text("function"),
        callee: try row.text("callee"), expression: try row.text("expression"),
        alternatives: value.map { [$0] } ?? [], isDecided: try row.flag("decided"),
        setsStreaming: try row.flag("streaming"), setsCoherent: try row.flag("coherent"),
        fallbackOf: try row.optionalInteger("fallback_of"))
      calls.append((position, call))
    }
    return calls.map(\.call)
  }
}
