import DMAModel
import GRDB
import Observations

/// The observations that a database holds.
public struct StoredObservations: Sendable {
  /// A file that was imported.
  public struct Source: Sendable, Equatable {
    public let name: String
    public let sha256: String
    public let boots: Int
    public let observations: Int
  }

  /// Files, by name.
  public let sources: [Source]
  /// Boots, by file and in its order.
  public let boots: [BootObservations]

  /// Reads them.
  ///
  /// - Throws: ``StoreError/noObservations(path:)``, or
  ///   ``StoreError/corrupt(path:reason:)`` where a row holds what no import wrote.
  public init(_ database: MatrixDatabase) throws(StoreError) {
    (sources, boots) = try database.read { connection in
      guard try connection.tableExists("observation_source") else { return ([], []) }
      let sources = try Self.sources(connection)
      let boots = try Row.fetchAll(
        connection,
        sql: """
          SELECT b.* FROM observed_boot b JOIN observation_source s ON s.id = b.source_id
          ORDER BY s.name, s.sha256, b.position
          """)
      return (sources, try boots.map { try Self.boot($0, connection) })
    }
    guard !boots.isEmpty else { throw .noObservations(path: database.path) }
  }

  private static func sources(_ connection: Database) throws -> [Source] {
    try Row.fetchAll(
      connection,
      sql: """
        SELECT s.name, s.sha256, count(DISTINCT b.id) AS boots, count(o.boot_id) AS rows
        FROM observation_source s LEFT JOIN observed_boot b ON b.source_id = s.id
        LEFT JOIN observation o ON o.boot_id = b.id GROUP BY s.id ORDER BY s.name, s.sha256
        """
    ).map { row in
      let row = StoredRow(row, table: "observation_source")
      return Source(
        name: try row.text("name"), sha256: try row.text("sha256"),
        boots: try row.integer("boots"), observations: try row.integer("rows"))
    }
  }

  private static func boot(_ raw: Row, _ connection: Database) throws -> BootObservations {
    let row = StoredRow(raw, table: "observed_boot")
    let pool = try row.optionalText("pool").map { text in
      guard let range = PhysicalRange(text: text), range.length > 0, range.end < 1 << 56 else {
        throw row.malformed("pool")
      }
      return range
    }
    let ram = try row.text("ram").split(separator: ",").map { text in
      guard let range = PhysicalRange(text: text), range.end <= 1 << 56 else {
        throw row.malformed("ram")
      }
      return range
    }
    let cpus = try row.integer("cpus", in: 1...65536)
    guard
      var machine = Machine(
        name: MachineName(try row.text("mem")), ram: ram, observedPool: pool, cpus: cpus)
    else { throw row.malformed("ram") }
    machine.wantsPool = try row.flag("wants_pool")
    let platforms = try row.text("platforms").split(separator: "|").map { name in
      guard let platform = Platform(name: name) else { throw row.malformed("platforms") }
      return platform
    }
    guard let iommu = IOMMUMode(name: try row.text("iommu")) else { throw row.malformed("iommu") }
    guard let swiotlb = SwiotlbMode(name: try row.text("swiotlb")) else {
      throw row.malformed("swiotlb")
    }
    let boot = ObservedBoot(
      kernel: try row.text("kernel"), release: try row.text("release"),
      label: try row.text("label"), commandLine: try row.text("command_line"),
      platforms: platforms, machine: machine, iommu: iommu, swiotlb: swiotlb,
      facing: try row.flag("external") ? .external : .internal, domain: try row.text("domain"),
      busLimitBits: try row.integer("bus_limit", in: 0...64), pool: pool,
      poolForcesBounce: try row.flag("pool_force"))
    let rows = try Row.fetchAll(
      connection, sql: "SELECT * FROM observation WHERE boot_id = ? ORDER BY position",
      arguments: [try row.integer("id")])
    return BootObservations(
      boot: boot,
      observations: try rows.map { try observation(StoredRow($0, table: "observation")) })
  }

  private static func observation(_ row: StoredRow) throws -> Observation {
    guard let operation = ProbeOperation(rawValue: try row.text("op")) else {
      throw row.malformed("op")
    }
    guard let result = ProbeResult(rawValue: try row.text("result")) else {
      throw row.malformed("result")
    }
    let direction = try row.optionalText("dir").map { text in
      guard let direction = ProbeDirection(rawValue: text) else { throw row.malformed("dir") }
      return direction
    }
    guard let mask = try row.address("dma_mask") else { throw row.malformed("dma_mask") }
    let length = try row.optionalInteger("len").map { value in
      guard let length = UInt64(exactly: value) else { throw row.malformed("len") }
      return length
    }
    let observation = Observation(
      line: try row.integer("line"), maskBits: try row.integer("mask_bits"),
      setMaskError: try row.integer("set_mask"),
      setCoherentMaskError: try row.integer("set_coherent_mask"), dmaMask: mask,
      operation: operation, region: try row.text("region"), direction: direction,
      attributes: try row.text("attrs").split(separator: "+").map(String.init),
      length: length, physicalAddress: try row.address("phys"),
      secondAddress: try row.address("phys2"), dmaAddress: try row.address("dma"),
      result: result, needsSync: try row.optionalFlag("need_sync"),
      slots: try row.optionalInteger("slots"), copiedIn: try row.optionalFlag("copied_in"),
      copiedOut: try row.optionalFlag("copied_out"), maxMapping: try row.address("max_mapping"),
      optimalMapping: try row.address("opt_mapping"),
      requiredMask: try row.address("required_mask"),
      isAddressingLimited: try row.optionalFlag("addressing_limited"))
    guard observation.isPlausible else { throw row.malformed("line") }
    return observation
  }
}
