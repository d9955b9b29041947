import DMAModel
import GRDB
import MatrixStore
import Support

/// Reads the lines of a database and retraces their paths.
struct LineReader {
  private(set) var content: ExplorerData.Content
  private(set) var lines: [UInt16] = []
  private(set) var altered: [ExplorerData.AlteredLine] = []

  private let bootIDs: [Int64]
  /// What each boot answers: boots that answer alike have one set, and its lines are read
  /// once.
  private let setIDs: [Int64]
  private let deviceIndex: [Int64: Int]
  private let requestIndex: [Int64: Int]
  /// The rule that decided each outcome.
  private let rules: [String]
  /// Spans of each profile of the database: masks, outcome.
  private let spans: [Int64: [(ClosedRange<Int>, Int)]]
  private let machines: [String: Machine]

  /// Numbers of paths, with the rule at their end, by fingerprint.
  private var paths: [UInt64: (number: Int, rule: String)] = [:]
  private var steps: [ExplorerData.Step: Int] = [:]
  private var profiles: [[Int]: UInt16] = [:]
  /// The values of each device and of each request, nil where the model has none of that
  /// name.
  private var typedDevices: [TypedDevice?] = []
  private var typedRequests: [TypedRequest?] = []

  init(_ database: Database, _ content: ExplorerData.Content) throws {
    self.content = content
    let names = try content.axes.map { axis, values in
      (axis, try Self.places(axis, values.map(\.name)))
    }
    var places = Dictionary(names) { first, _ in first }
    places["kernel"] = try Self.places("kernel", content.kernels.map(\.name))
    func indices(_ rows: [Row], _ axes: [String]) throws -> [[Int]] {
      try rows.map { row in
        try axes.map { axis in
          let name = try row.text(axis)
          guard let index = places[axis]?[name] else {
            throw MalformedRow("\(axis) '\(name.printable)' is unknown")
          }
          return index
        }
      }
    }
    let rows = try [Self.usedBoots, Self.usedDevices, Self.usedRequests].map { table in
      try Row.fetchAll(database, sql: "SELECT * FROM \(table) ORDER BY id")
    }
    let keys = try rows.map { try $0.map { try $0.decode(Int64.self, forColumn: "id") } }
    bootIDs = keys[0]
    setIDs = try rows[0].map { try $0.decode(Int64.self, forColumn: "set_id") }
    self.content.boots = try indices(rows[0], ["kernel"] + ExplorerData.bootAxes)
    deviceIndex = try Self.places("device", keys[1])
    self.content.devices = try indices(rows[1], ExplorerData.deviceAxes)
    requestIndex = try Self.places("request", keys[2])
    self.content.requests = try indices(rows[2], ExplorerData.requestAxes)

    let columns = ExplorerData.outcomeColumns.map { $0 == Decision.axis ? "decided_by" : $0 }
    let outcomes = try Row.fetchAll(
      database,
      sql: """
        SELECT o.id, o.decided_by, \(columns.joined(separator: ", "))
        FROM outcome AS o JOIN life AS f ON f.id = o.life_id ORDER BY o.id
        """)
    rules = try outcomes.map { try $0.text(1) }
    self.content.outcomes = try outcomes.map { row in
      try columns.indices.map { try row.text($0 + 2) }
    }
    spans = try Self.spans(database, try Self.places("outcome", outcomes.map { try $0.key(0) }))
    machines = try Self.machines(database)
    typedDevices = self.content.devices.map(typedDevice)
    typedRequests = self.content.requests.map(typedRequest)
  }

  /// The machines of the database by name: the standard ones as they are known, others
  /// from what the database says of them.  One of which that does not say all has no paths.
  static func machines(_ database: Database) throws -> [String: Machine] {
    var machines = Dictionary(uniqueKeysWithValues: Machine.standard.map { ($0.name.name, $0) })
    for row in try Row.fetchAll(database, sql: "SELECT name, ram FROM mem") {
      let (name, text) = (try row.text(0), try row.text(1))
      guard machines[name] == nil,
        let machine = Machine(name: MachineName(name), description: text)
      else { continue }
      machines[name] = machine
    }
    return machines
  }

  /// The boots, devices and requests that lines have.
  static let usedBoots = "(SELECT * FROM boot WHERE set_id IN (SELECT set_id FROM answer_block))"
  static let usedDevices = "(SELECT * FROM device WHERE id IN (SELECT device_id FROM block_line))"
  static let usedRequests =
    "(SELECT * FROM request WHERE id IN (SELECT request_id FROM answer_block))"

  /// Where each of some names or numbers is, none of them twice.
  private static func places<Key: Hashable>(_ what: String, _ keys: [Key]) throws -> [Key: Int] {
    var places: [Key: Int] = [:]
    for (index, key) in keys.enumerated()
    where places.updateValue(index, forKey: key) != nil {
      throw MalformedRow("\(what) '\("\(key)".printable)' is there twice")
    }
    return places
  }

  private static func spans(
    _ database: Database, _ outcomes: [Int64: Int]
  ) throws -> [Int64: [(ClosedRange<Int>, Int)]] {
    var spans: [Int64: [(ClosedRange<Int>, Int)]] = [:]
    let rows = try Row.fetchCursor(
      database, sql: "SELECT profile_id, mask_first, mask_last, outcome_id FROM profile_span")
    while let row = try rows.next() {
      guard let outcome = outcomes[try row.key(3)] else {
        throw MalformedRow("a span of masks has an answer that is not stored")
      }
      spans[try row.key(0), default: []].append((try row.masks(1, 2), outcome))
    }
    return spans
  }

  /// Reads every line.
  mutating func read(_ database: Database, progress: (Double) -> Void) throws {
    let width = content.devices.count * content.requests.count
    let (count, overflow) = bootIDs.count.multipliedReportingOverflow(by: width)
    guard !overflow, count <= Self.lineLimit else {
      throw StoreError.query(
        "the matrix has more than \(Self.lineLimit) lines; generate a smaller part")
    }
    lines = [UInt16](repeating: 0, count: count)
    let statement = try database.makeStatement(
      sql: "SELECT device_id, request_id, profile_id FROM behavior_line WHERE boot_id = ?")
    var known: [Int64: [StoredLine]] = [:]
    for (boot, id) in bootIDs.enumerated() {
      var traced = TracedLines(bootedKernel(content.boots[boot]))
      for stored in try storedLines(of: boot, statement, [id], &known) {
        lines[boot * width + stored.device * content.requests.count + stored.request] =
          try number(of: stored.profile, deviceRequest(stored.device, stored.request), &traced)
      }
      progress(0.7 * Double(boot + 1) / Double(bootIDs.count))
    }
    try readAltered(database, width: width) { progress(0.7 + 0.3 * $0) }
  }

  /// How many lines a page holds, with those that do not exist.
  private static let lineLimit = 1 << 28

  /// The device, the request and the stored profile of a line.
  private struct StoredLine {
    let device: Int
    let request: Int
    let profile: Int64
  }

  /// The lines of a boot, read where no boot of the same set was.
  private func storedLines(
    of boot: Int, _ statement: Statement, _ arguments: StatementArguments,
    _ known: inout [Int64: [StoredLine]]
  ) throws -> [StoredLine] {
    if let lines = known[setIDs[boot]] { return lines }
    var lines: [StoredLine] = []
    let rows = try Row.fetchCursor(statement, arguments: arguments)
    while let row = try rows.next() {
      guard let device = deviceIndex[try row.key(0)], let request = requestIndex[try row.key(1)]
      else { throw MalformedRow("a line refers to what is not stored") }
      lines.append(StoredLine(device: device, request: request, profile: try row.key(2)))
    }
    known[setIDs[boot]] = lines
    return lines
  }

  /// The lines of a boot that were retraced.
  private struct TracedLines {
    let kernel: BootedKernel?
    var known = KnownLines(MatrixDomain())
    /// The stored profile of each known line, and the number of the retraced one.
    var profiles: [(stored: Int64, number: UInt16)] = []

    init(_ kernel: BootedKernel?) { self.kernel = kernel }
  }

  /// The number of a stored profile with the paths that lead to its answers.
  private mutating func number(
    of stored: Int64, _ request: DeviceRequest?, _ lines: inout TracedLines
  ) throws -> UInt16 {
    // The stored answers are the database's: the same line may have others.
    if let request, let place = lines.known[request], lines.profiles[place].stored == stored {
      return lines.profiles[place].number
    }
    guard let spans = spans[stored] else {
      throw MalformedRow("a line refers to what is not stored")
    }
    var reads: DeviceAxes = []
    let number = try number(of: traced(spans, lines.kernel, request, &reads))
    if let request, lines.kernel != nil {
      lines.known.keep(lines.profiles.count, for: request, reads)
      lines.profiles.append((stored, number))
    }
    return number
  }

  /// Reads what circumstances alter, circumstance by circumstance.
  private mutating func readAltered(
    _ database: Database, width: Int, progress: (Double) -> Void
  ) throws {
    let statement = try database.makeStatement(
      sql: """
        SELECT device_id, request_id, profile_id FROM circumstance_line
        WHERE boot_id = ? AND circumstance_id = ?
        """)
    let circumstances = try Row.fetchAll(
      database,
      sql: "SELECT id, mask_change, dynamic, fill, decrypt_fails FROM circumstance ORDER BY id")
    for (index, row) in circumstances.enumerated() {
      let before = altered.count
      let names = try (1...4).map { try row.text($0) }
      let circumstance = Circumstance.all.first { $0.names == names }
      var known: [Int64: [StoredLine]] = [:]
      for (boot, id) in bootIDs.enumerated() {
        var traced = TracedLines(
          circumstance.flatMap { bootedKernel(content.boots[boot], conditions: $0.conditions) })
        var ofBoot: [ExplorerData.AlteredLine] = []
        for stored in try storedLines(of: boot, statement, [id, try row.key(0)], &known) {
          let line = boot * width + stored.device * content.requests.count + stored.request
          let request = deviceRequest(stored.device, stored.request)
          ofBoot.append(
            ExplorerData.AlteredLine(
              line: UInt32(line), profile: try number(of: stored.profile, request, &traced)))
        }
        altered += ofBoot.sorted { $0.line < $1.line }
      }
      content.alteredLines.append(altered.count - before)
      progress(Double(index + 1) / Double(circumstances.count))
    }
  }

  /// Splits spans where the path changes.
  private mutating func traced(
    _ spans: [(ClosedRange<Int>, Int)], _ kernel: BootedKernel?, _ request: DeviceRequest?,
    _ reads: inout DeviceAxes
  ) -> [Int] {
    guard let kernel, var request else {
      return spans.flatMap { [$0.lowerBound, $0.upperBound, $1, -1] }
    }
    var profile: [Int] = []
    for (bits, outcome) in spans {
      let masks = bits.compactMap(DMAMask.init(bits:))
      var runs: [(run: MaskRun, fingerprint: UInt64)] = []
      kernel.forEachFingerprintedRun(of: request, masks: masks, .answer) { runs.append(($0, $1)) }
      for (run, fingerprint) in runs {
        reads.formUnion(run.reads)
        request.mask = masks[run.range.lowerBound]
        let path = number(of: request, fingerprint, on: kernel, decidedBy: rules[outcome])
        let (first, last) = (Int(request.mask.bits), Int(masks[run.range.upperBound - 1].bits))
        if run.range.lowerBound > 0, profile[profile.count - 1] == path {
          profile[profile.count - 3] = last
        } else {
          profile += [first, last, outcome, path]
        }
      }
    }
    return profile
  }

  private mutating func number(
    of request: DeviceRequest, _ fingerprint: UInt64, on kernel: BootedKernel,
    decidedBy rule: String
  ) -> Int {
    if let known = paths[fingerprint] { return known.rule == rule ? known.number : -1 }
    let (answer, trace) = kernel.explain(request)
    let path = trace.map { taken -> Int in
      let step = ExplorerData.Step(
        function: taken.function, condition: taken.condition, knob: taken.knob)
      if !taken.knob.isEmpty, content.knobs[taken.knob] == nil,
        let knob = Knob.named(taken.knob)
      {
        content.knobs[taken.knob] = ExplorerData.Knob(
          name: "\(knob.id) \(knob.name)", text: knob.summary, file: knob.file)
      }
      let number = steps[step] ?? content.steps.count
      if number == content.steps.count {
        steps[step] = number
        content.steps.append(step)
      }
      return number * 2 + (taken.taken ? 1 : 0)
    }
    let known = (number: content.paths.count, rule: answer.decision.storedName)
    paths[fingerprint] = known
    content.paths.append(path)
    return known.rule == rule ? known.number : -1
  }

  private mutating func number(of profile: [Int]) throws -> UInt16 {
    if let number = profiles[profile] { return number }
    content.profiles.append(profile)
    guard let number = UInt16(exactly: content.profiles.count) else {
      throw StoreError.query("the matrix has more than 65535 profiles; generate a smaller part")
    }
    profiles[profile] = number
    return number
  }

  private func name(_ axis: String, _ index: Int) -> String {
    content.axes[axis]?[index].name ?? ""
  }

  private func bootedKernel(
    _ boot: [Int], conditions: BootConditions = BootConditions()
  ) -> BootedKernel? {
    guard let version = KernelVersion.named(content.kernels[boot[0]].name),
      let platform = Platform(name: name("platform", boot[1])),
      let iommu = IOMMUMode(name: name("iommu", boot[2])),
      let swiotlb = SwiotlbMode(name: name("swiotlb", boot[3])),
      let machine = machines[name("mem", boot[4])]
    else { return nil }
    return BootedKernel(
      policy: version.policy, platform: platform, iommu: iommu, swiotlb: swiotlb,
      machine: machine, conditions: conditions)
  }

  private struct TypedDevice {
    let coherentMask: CoherentMask
    let busLimit: BusLimit
    let coherence: Coherence
    let facing: Facing
  }

  private struct TypedRequest {
    let operation: Operation
    let attributes: Attributes
    let buffer: Buffer
  }

  private func typedDevice(_ values: [Int]) -> TypedDevice? {
    guard let coherentMask = CoherentMask(name: name("coherent_mask", values[0])),
      let busLimit = BusLimit(name: name("bus_limit", values[1])),
      let coherence = Coherence(name: name("coherent", values[2])),
      let facing = Facing(name: name("external", values[3]))
    else { return nil }
    return TypedDevice(
      coherentMask: coherentMask, busLimit: busLimit, coherence: coherence, facing: facing)
  }

  private func typedRequest(_ values: [Int]) -> TypedRequest? {
    guard let operation = Operation(name: name("op", values[0])),
      let attributes = Attributes(name: name("attrs", values[1])),
      let buffer = Buffer(name: name("buf", values[2]))
    else { return nil }
    return TypedRequest(operation: operation, attributes: attributes, buffer: buffer)
  }

  private func deviceRequest(_ device: Int, _ request: Int) -> DeviceRequest? {
    guard let mask = content.masks.first.flatMap({ DMAMask(bits: $0) }),
      let device = typedDevices[device], let request = typedRequests[request]
    else { return nil }
    return DeviceRequest(
      mask: mask, coherentMask: device.coherentMask, busLimit: device.busLimit,
      coherence: device.coherence, facing: device.facing, operation: request.operation,
      attributes: request.attributes, buffer: request.buffer)
  }
}
