import DMAModel
import GRDB
import Support

/// The trees of a database as kernels that can be compared and checked.
extension TreeStore {
  /// The names of the stored trees.
  public static func names(in database: MatrixDatabase) throws(StoreError) -> [String] {
    try database.read { database in
      try String.fetchAll(
        database,
        sql: """
          SELECT k.name FROM kernel k
          JOIN provenance p ON p.key = 'tree ' || k.name ORDER BY k.id
          """)
    }
  }

  /// One stored tree.
  ///
  /// - Throws: ``StoreError/corrupt(path:reason:)`` where a row names a value that
  ///   no axis has.
  public static func kernel(
    _ name: String, in database: MatrixDatabase
  ) throws(StoreError) -> KernelVersion {
    try database.read { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT description, link FROM kernel WHERE name = ?", arguments: [name])
      let outcomes = try outcomes(of: name, database)
      var answers = RecordedAnswers()
      var existence = Existence()
      let boots = try Row.fetchAll(
        database, sql: "SELECT * FROM boot WHERE kernel = ? ORDER BY id", arguments: [name])
      for boot in boots {
        let (platform, iommu): (Platform, IOMMUMode) = (try boot.value(), try boot.value())
        let swiotlb: SwiotlbMode = try boot.value()
        var builder = RecordedBoot.Builder()
        guard builder.add(outcomes.cycles) != nil else {
          throw MalformedRow("'\(name.printable)' has more answers than a tree gives")
        }
        try read(
          boot: try boot.decode(forColumn: "id"), into: &builder, outcomes.indices, &existence,
          database)
        existence.note(platform, iommu)
        answers.set(
          builder.boot(pool: try pool(boot, swiotlb)), platform: platform, iommu: iommu,
          swiotlb: swiotlb, machine: MachineName(try boot.text("mem")))
      }
      return KernelVersion(
        recorded: name, summary: try row?.text(0) ?? "", link: try row?.optionalText("link"),
        policy: existence.policy, answers: answers)
    }
  }

  /// Which scenarios a stored tree has, as far as rules ask for it.
  private struct Existence {
    private var platforms = PlatformSet()
    private var served = PlatformSet()
    var hasSharedAttribute = false
    var linksIOVA = false

    mutating func note(_ platform: Platform, _ iommu: IOMMUMode) {
      platforms.formUnion(PlatformSet([platform]))
      if iommu.usesDMAIOMMU { served.formUnion(PlatformSet([platform])) }
    }

    var policy: Policy {
      var policy = KernelVersion.all[KernelVersion.all.count - 1].policy
      policy.platforms = platforms
      policy.dmaIOMMUPlatforms = served
      policy.mappingInterface =
        hasSharedAttribute ? .physicalAddress : linksIOVA ? .pageAndIOVA : .pageAndResource
      return policy
    }
  }

  private static func outcomes(
    of name: String, _ database: Database
  ) throws -> (cycles: [LifeCycle], indices: [Int64: Int]) {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT o.id AS outcome_id, o.*, f.* FROM outcome o JOIN life f ON f.id = o.life_id WHERE o.id IN (
          SELECT s.outcome_id FROM boot b JOIN behavior_line l ON l.boot_id = b.id
          JOIN profile_span s ON s.profile_id = l.profile_id WHERE b.kernel = ?)
        """, arguments: [name])
    var cycles: [LifeCycle] = []
    var indices: [Int64: Int] = [:]
    while let row = try rows.next() {
      indices[try row.key(0)] = cycles.count
      cycles.append(try cycle(row))
      guard cycles.count < 65536 else {
        throw MalformedRow("'\(name.printable)' has more answers than a tree gives")
      }
    }
    return (cycles, indices)
  }

  private static func cycle(_ row: Row) throws -> LifeCycle {
    let answer = try answer(row)
    var after = LifeAnswer()
    after.poolKind = try row.value("pool_kind")
    after.unmapCopy = try row.value("unmap_copy")
    after.slots = try row.value("slots_after")
    after.state = try row.value("state_after")
    after.owner = try row.value("owner_after")
    after.warnings = try warnings(row, "warn_after")
    after.atomicCall = try row.value("atomic_call")
    return LifeCycle(
      answer: answer, after: after,
      usesPool: after.unmapCopy != .none || answer.result == .swiotlb)
  }

  private static func warnings(_ row: Row, _ column: String) throws -> Warnings {
    var warnings: Warnings = []
    for name in try row.text(column).split(separator: ";") {
      warnings.formUnion(OtherWarnings.warning(named: String(name)))
    }
    return warnings
  }

  private static func answer(_ row: Row) throws -> Answer {
    let address = try row.text("dma")
    let maxMapping = try row.text("max_map")
    let dma = UInt64(hexadecimal: address)
    guard dma != nil || address == "-" else {
      throw MalformedRow("'\(address.printable)' is no address")
    }
    guard
      let mapping = maxMapping == "-" ? 0 : maxMapping == "max" ? UInt64.max : UInt64(maxMapping)
    else { throw MalformedRow("'\(maxMapping.printable)' is no size of a mapping") }
    return Answer(
      result: try row.value("result"), encoding: try row.value("enc"),
      memoryState: try row.value("mem_state"), pte: try row.value("pte"),
      warnings: try warnings(row, "warn"), decision: .ownCode, address: dma, maxMapping: mapping)
  }

  private static func pool(_ boot: Row, _ swiotlb: SwiotlbMode) throws -> SwiotlbPool {
    var pool = SwiotlbPool()
    let text = try boot.text("pool")
    if text != "-" {
      guard let range = PhysicalRange(text: text), range.length > 0 else {
        throw MalformedRow("'\(text.printable)' is no range of a pool")
      }
      pool.isActive = true
      (pool.start, pool.end) = (range.start, range.end)
      pool.memory = try boot.value("pool_state")
    }
    pool.forceBounce = try boot.decode(forColumn: "force_bounce") == 1
    pool.forAlloc = swiotlb == .restricted
    return pool
  }

  private static func read(
    boot id: Int64, into builder: inout RecordedBoot.Builder, _ outcomes: [Int64: Int],
    _ existence: inout Existence, _ database: Database
  ) throws {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT s.mask_first, s.mask_last, s.outcome_id, d.coherent_mask, d.bus_limit, d.coherent,
          d.external, r.op, r.attrs, r.buf
        FROM behavior_line l JOIN device d ON d.id = l.device_id
        JOIN request r ON r.id = l.request_id JOIN profile_span s ON s.profile_id = l.profile_id
        WHERE l.boot_id = ?
        """, arguments: [id])
    while let row = try rows.next() {
      let masks = try row.masks(0, 1)
      guard let outcome = outcomes[try row.key(2)] else {
        throw MalformedRow("a span of masks has an answer that is not stored")
      }
      let attributes: Attributes = try row.value()
      if attributes.isCCShared { existence.hasSharedAttribute = true }
      let (coherentMask, busLimit): (CoherentMask, BusLimit) = (try row.value(), try row.value())
      let (coherence, facing): (Coherence, Facing) = (try row.value(), try row.value())
      let (operation, buffer): (Operation, Buffer) = (try row.value(), try row.value())
      if operation == .iovaLink { existence.linksIOVA = true }
      for mask in masks.compactMap(DMAMask.init(bits:)) {
        builder.record(
          outcome,
          to: DeviceRequest(
            mask: mask, coherentMask: coherentMask, busLimit: busLimit, coherence: coherence,
            facing: facing, operation: operation, attributes: attributes, buffer: buffer))
      }
    }
  }
}
