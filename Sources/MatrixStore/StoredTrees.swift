import DMAModel
import GRDB

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
    let path = database.path
    return try database.read { database in
      let row = try Row.fetchOne(
        database, sql: "SELECT description, link FROM kernel WHERE name = ?", arguments: [name])
      let outcomes = try outcomes(of: name, database, path)
      var answers = RecordedAnswers()
      var existence = Existence()
      let boots = try Row.fetchAll(
        database, sql: "SELECT * FROM boot WHERE kernel = ? ORDER BY id", arguments: [name])
      for boot in boots {
        guard let platform = Platform(name: boot["platform"] as String),
          let iommu = IOMMUMode(name: boot["iommu"] as String),
          let swiotlb = SwiotlbMode(name: boot["swiotlb"] as String)
        else { throw damaged(path, "boot") }
        var builder = RecordedBoot.Builder()
        guard builder.add(outcomes.cycles) != nil else { throw damaged(path, "outcome") }
        try read(
          boot: boot["id"], into: &builder, outcomes.indices, &existence, database, path)
        existence.note(platform, iommu)
        answers.set(
          builder.boot(pool: pool(boot, swiotlb)), platform: platform, iommu: iommu,
          swiotlb: swiotlb, machine: MachineName(boot["mem"] as String))
      }
      return KernelVersion(
        recorded: name, summary: row?["description"] ?? "", link: row?["link"],
        policy: existence.policy, answers: answers)
    }
  }

  /// Which scenarios a stored tree has, as far as rules ask for it.
  private struct Existence {
    private var platforms = PlatformSet()
    private var served = PlatformSet()
    var hasSharedAttribute = false

    mutating func note(_ platform: Platform, _ iommu: IOMMUMode) {
      platforms.formUnion(PlatformSet([platform]))
      if iommu.usesDMAIOMMU { served.formUnion(PlatformSet([platform])) }
    }

    var policy: Policy {
      var policy = KernelVersion.all[KernelVersion.all.count - 1].policy
      policy.platforms = platforms
      policy.dmaIOMMUPlatforms = served
      policy.mappingInterface = hasSharedAttribute ? .physicalAddress : .pageAndResource
      return policy
    }
  }

  private static func outcomes(
    of name: String, _ database: Database, _ path: String
  ) throws -> (cycles: [LifeCycle], indices: [Int64: Int]) {
    let rows = try Row.fetchAll(
      database,
      sql: """
        SELECT o.id AS outcome_id, o.*, f.* FROM outcome o JOIN life f ON f.id = o.life_id WHERE o.id IN (
          SELECT s.outcome_id FROM boot b JOIN behavior_line l ON l.boot_id = b.id
          JOIN profile_span s ON s.profile_id = l.profile_id WHERE b.kernel = ?)
        """, arguments: [name])
    guard rows.count < 65536 else { throw damaged(path, "outcome") }
    var cycles: [LifeCycle] = []
    var indices: [Int64: Int] = [:]
    for row in rows {
      guard let cycle = cycle(row) else { throw damaged(path, "outcome") }
      indices[row["outcome_id"]] = cycles.count
      cycles.append(cycle)
    }
    return (cycles, indices)
  }

  private static func cycle(_ row: Row) -> LifeCycle? {
    guard let answer = answer(row),
      let copy = UnmapCopy(name: row["unmap_copy"] as String),
      let kind = BouncePool(name: row["pool_kind"] as String),
      let slots = SlotsAfter(name: row["slots_after"] as String),
      let state = StateAfter(name: row["state_after"] as String),
      let owner = OwnerAfter(name: row["owner_after"] as String),
      let warnings = warnings(row["warn_after"]),
      let atomicCall = AtomicCall(name: row["atomic_call"] as String)
    else { return nil }
    var after = LifeAnswer()
    after.poolKind = kind
    (after.unmapCopy, after.slots, after.state, after.owner) = (copy, slots, state, owner)
    after.warnings = warnings
    after.atomicCall = atomicCall
    return LifeCycle(
      answer: answer, after: after, usesPool: copy != .none || answer.result == .swiotlb)
  }

  private static func warnings(_ names: String) -> Warnings? {
    var warnings: Warnings = []
    for name in names.split(separator: ";") {
      guard let warning = OtherWarnings.warning(named: String(name)) else { return nil }
      warnings.formUnion(warning)
    }
    return warnings
  }

  private static func answer(_ row: Row) -> Answer? {
    guard let result = AnswerResult(name: row["result"] as String),
      let encoding = AddressEncoding(name: row["enc"] as String),
      let memory = MemoryState(name: row["mem_state"] as String),
      let pte = MemoryState(name: row["pte"] as String), let warnings = warnings(row["warn"])
    else { return nil }
    let address: String = row["dma"]
    let maxMapping: String = row["max_map"]
    guard let dma = address == "-" ? 0 : UInt64(address.dropFirst(2), radix: 16),
      let mapping = maxMapping == "-" ? 0 : maxMapping == "max" ? UInt64.max : UInt64(maxMapping)
    else { return nil }
    return Answer(
      result: result, encoding: encoding, memoryState: memory, pte: pte, warnings: warnings,
      decision: .ownCode, address: dma, maxMapping: mapping)
  }

  private static func pool(_ boot: Row, _ swiotlb: SwiotlbMode) -> SwiotlbPool {
    var pool = SwiotlbPool()
    let range = (boot["pool"] as String).split(separator: "-").compactMap {
      UInt64($0.dropFirst(2), radix: 16)
    }
    if range.count == 2 {
      pool.isActive = true
      (pool.start, pool.end) = (range[0], range[1])
      pool.memory = MemoryState(name: boot["pool_state"] as String) ?? .none
    }
    pool.forceBounce = boot["force_bounce"] as Int == 1
    pool.forAlloc = swiotlb == .restricted
    return pool
  }

  private static func read(
    boot id: Int64, into builder: inout RecordedBoot.Builder, _ outcomes: [Int64: Int],
    _ existence: inout Existence, _ database: Database, _ path: String
  ) throws {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT d.coherent_mask, d.bus_limit, d.coherent, d.external, r.op, r.attrs, r.buf,
          s.mask_first, s.mask_last, s.outcome_id
        FROM behavior_line l JOIN device d ON d.id = l.device_id
        JOIN request r ON r.id = l.request_id JOIN profile_span s ON s.profile_id = l.profile_id
        WHERE l.boot_id = ?
        """, arguments: [id])
    while let row = try rows.next() {
      guard let coherentMask = CoherentMask(name: row["coherent_mask"] as String),
        let busLimit = BusLimit(name: row["bus_limit"] as String),
        let coherence = Coherence(name: row["coherent"] as String),
        let facing = Facing(name: row["external"] as String),
        let operation = Operation(name: row["op"] as String),
        let attributes = Attributes(name: row["attrs"] as String),
        let buffer = Buffer(name: row["buf"] as String),
        let first = DMAMask(bits: row["mask_first"] as Int),
        let last = DMAMask(bits: row["mask_last"] as Int), first <= last,
        let outcome = outcomes[row["outcome_id"]]
      else { throw damaged(path, "behavior_line") }
      if attributes.isCCShared { existence.hasSharedAttribute = true }
      for mask in DMAMask.allCases where first <= mask && mask <= last {
        builder.record(
          outcome,
          to: DeviceRequest(
            mask: mask, coherentMask: coherentMask, busLimit: busLimit, coherence: coherence,
            facing: facing, operation: operation, attributes: attributes, buffer: buffer))
      }
    }
  }

  private static func damaged(_ path: String, _ table: String) -> StoreError {
    .corrupt(path: path, reason: "a row of '\(table)' names what no axis has")
  }
}
