import DMAModel
import GRDB
import MatrixStore

/// A small domain with every kind of answer: two kernels, an SME host and a
/// platform without encryption, every request.
var smallDomain: MatrixDomain {
  var domain = MatrixDomain()
  domain.kernels = KernelVersion.all.filter { ["6.12", "v6"].contains($0.name) }
  domain.platforms = [.x86SME47, .arm64]
  domain.coherentMasks = [.same, .bits32]
  domain.busLimits = [.none]
  return domain
}

/// The small domain with values beside those of the model, more of each than fit into
/// the numbers that the model's own values need.
var finerDomain: MatrixDomain {
  var domain = smallDomain
  domain.kernels = KernelVersion.all.filter { $0.name == "v6" }
  domain.platforms = ["x86-sme44", "x86-sme51", "x86-sme40", "arm64"].compactMap {
    Platform(name: $0)
  }
  domain.coherentMasks = [.same, .bits64]
  domain.busLimits = [.none, .bits32] + [36, 30, 63].compactMap { BusLimit(bits: $0) }
  domain.masks = [24, 32, 36, 43, 44, 64].compactMap(DMAMask.init(bits:))
  domain.operations = [.map, .mapSG, .alloc]
  domain.attributes = [.none, .ccShared, .mmio]
  domain.buffers =
    [.none, .high, .mmio64]
    + (0..<12).compactMap { Buffer(at: 1 << (24 + $0), length: 4096 << ($0 % 3)) }
  return domain
}

func generate(_ domain: MatrixDomain, to path: String, jobs: Int = 2) throws -> GenerationSummary {
  try MatrixGenerator(domain: domain, jobs: jobs, toolVersion: "test").generate(to: path)
}

/// Changes rows as no program of ours does: past types, checks and keys, which the
/// schema has again afterwards.
func damage(_ path: String, _ sql: String) throws {
  let queue = try DatabaseQueue(path: path)
  try queue.inDatabase { database in
    try database.execute(
      sql: """
        PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
        PRAGMA writable_schema = ON;
        CREATE TEMP TABLE kept AS SELECT name, sql FROM main.sqlite_schema;
        UPDATE main.sqlite_schema SET sql = replace(replace(replace(
          sql, ' STRICT, WITHOUT', ' WITHOUT'), ' STRICT', ''), ' NOT NULL', '') WHERE type = 'table';
        PRAGMA writable_schema = RESET;
        \(sql);
        PRAGMA writable_schema = ON;
        UPDATE main.sqlite_schema AS s SET sql =
          (SELECT k.sql FROM kept k WHERE k.name = s.name) WHERE type = 'table';
        """)
  }
  try queue.close()
}
