import DMAModel
import EmbeddedSchema
import GRDB

/// Fills every table that does not depend on answers.
struct DimensionWriter {
  let domain: MatrixDomain
  let toolVersion: String
  let shard: Shard?

  func write(to database: Database) throws {
    try writeProvenance(database)
    try writeAxes(database)
    try writeKernels(database)
    try writeDevicesAndRequests(database)
  }

  private func writeProvenance(_ database: Database) throws {
    let kernels = domain.numberedKernels.map(\.kernel)
    var rows = [
      ("tool_version", toolVersion),
      ("model_digest", ModelDigest.digest(of: kernels, machines: domain.machines)),
      ("schema_version", String(Schema.version)),
      ("domain_digest", ModelDigest.digest(of: domain)),
    ]
    if let shard { rows.append(("part", shard.description)) }
    for (key, value) in rows {
      try database.execute(
        sql: "INSERT INTO provenance VALUES (?, ?)", arguments: [key, value])
    }
  }

  private func writeAxes(_ database: Database) throws {
    func axis<Value: AxisValue>(_: Value.Type, _ values: [Value] = []) throws {
      for (id, value) in Value.all(with: values).enumerated() {
        try database.execute(
          sql: "INSERT INTO \"\(Value.axis)\" VALUES (?, ?, ?)",
          arguments: [id, value.name, value.summary])
      }
    }
    try axis(Platform.self, domain.platforms)
    try axis(IOMMUMode.self)
    try axis(SwiotlbMode.self)
    try axis(CoherentMask.self, domain.coherentMasks)
    try axis(BusLimit.self, domain.busLimits)
    try axis(Coherence.self)
    try axis(Facing.self, domain.facings)
    try axis(Operation.self, domain.operations)
    try axis(Attributes.self)
    try axis(Buffer.self, domain.buffers)
    let isExtended = domain.hasExtendedValues
    try axis(AnswerResult.self, isExtended ? AnswerResult.extended : [])
    try axis(AddressEncoding.self)
    try axis(MemoryState.self)
    try axis(Verdict.self)
    try axis(Exposure.self)
    for mask in DMAMask.all(with: domain.masks) {
      try database.execute(
        sql: "INSERT INTO mask VALUES (?, ?, ?)",
        arguments: [Int(mask.bits), mask.name, mask.summary])
    }
    for (id, machine) in domain.machines.enumerated() {
      try database.execute(
        sql: "INSERT INTO mem VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [id] + machine.storedColumns)
    }
    for (id, circumstance) in Circumstance.all.enumerated() {
      try database.execute(
        sql: "INSERT INTO circumstance VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [id] + StatementArguments(circumstance.names + [circumstance.summary]))
    }
    let rules = isExtended ? Exclusion.known : Exclusion.allCases
    for (id, rule) in rules.enumerated() {
      try database.execute(
        sql: "INSERT INTO exclusion_rule VALUES (?, ?, ?)",
        arguments: [id, rule.name, rule.summary])
    }
    for (id, decision) in (isExtended ? Decision.known : Decision.allCases).enumerated() {
      try database.execute(
        sql: "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [
          id, decision.storedName, decision.summary, decision.file, decision.function,
          decision.condition,
        ])
    }
  }

  private func writeKernels(_ database: Database) throws {
    for knob in Knob.all {
      try database.execute(
        sql: "INSERT INTO knob VALUES (?, ?, ?, ?, ?)",
        arguments: [knob.id, knob.name, knob.summary, knob.file, knob.function])
    }
    let present = Set(domain.kernels.map(\.name))
    for (id, kernel) in domain.numberedKernels {
      // A base that is not in this database cannot be referred to.
      let base = kernel.base.flatMap { present.contains($0) ? $0 : nil }
      try database.execute(
        sql: "INSERT INTO kernel VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          id, kernel.name, kernel.summary, base, kernel.sourcePackage, kernel.messageID,
          kernel.link,
        ])
      for knob in Knob.all {
        try database.execute(
          sql: "INSERT INTO kernel_knob VALUES (?, ?, ?)",
          arguments: [id, knob.id, knob.value(in: kernel.policy)])
      }
      for (position, change) in kernel.changes.enumerated() {
        try database.execute(
          sql: "INSERT INTO kernel_change VALUES (?, ?, ?, ?, ?)",
          arguments: [id, position, change.knob.id, change.value, change.source])
      }
    }
  }

  private func writeDevicesAndRequests(_ database: Database) throws {
    let numbers = AxisNumbers(domain)
    for coherentMask in numbers.coherentMasks {
      for busLimit in numbers.busLimits {
        for coherence in Coherence.allCases {
          for facing in numbers.facings {
            try database.execute(
              sql: "INSERT INTO device VALUES (?, ?, ?, ?, ?)",
              arguments: [
                Int(numbers.device(coherentMask, busLimit, coherence, facing)), coherentMask.name,
                busLimit.name, coherence.name, facing.name,
              ])
          }
        }
      }
    }
    for operation in numbers.operations {
      for attributes in Attributes.allCases {
        for buffer in numbers.buffers {
          guard exists(operation, attributes, buffer) else { continue }
          try database.execute(
            sql: "INSERT INTO request VALUES (?, ?, ?, ?)",
            arguments: [
              Int(numbers.request(operation, attributes, buffer)), operation.name, attributes.name,
              buffer.name,
            ])
        }
      }
    }
  }

  /// Whether a request exists on any kernel and machine of the domain.
  private func exists(
    _ operation: Operation, _ attributes: Attributes, _ buffer: Buffer
  ) -> Bool {
    domain.kernels.contains { kernel in
      domain.machines.contains { machine in
        kernel.policy.requestExclusion(operation, attributes, buffer, on: machine) == nil
      }
    }
  }
}

extension Machine {
  /// A machine's columns in the table `mem`, behind its number.
  var storedColumns: StatementArguments {
    let ranges = device.ranges.map(\.name).joined(separator: "+")
    return [
      name.name, name.summary, descriptionText, ranges.isEmpty ? "none" : ranges,
      device.segmentBoundary == .max ? "none" : device.segmentBoundary.hexadecimal,
      Int64(device.minAlignMask), Int(device.addressLines),
    ]
  }
}
