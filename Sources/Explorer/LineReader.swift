import DMAModel
import GRDB
import MatrixStore

/// Reads the lines of a database and retraces their paths.
struct LineReader {
  private(set) var content: ExplorerData.Content
  private(set) var lines: [UInt16] = []
  private(set) var altered: [ExplorerData.AlteredLine] = []

  private let bootIDs: [Int64]
  private let deviceIndex: [Int64: Int]
  private let requestIndex: [Int64: Int]
  private let outcomeIndex: [Int64: Int]
  /// Spans of each profile of the database: first, last, outcome.
  private let spans: [Int64: [(Int, Int, Int)]]
  private let machines: [String: Machine]

  /// Numbers of paths, with the rule at their end, by fingerprint.
  private var paths: [UInt64: (number: Int, rule: String)] = [:]
  private var steps: [ExplorerData.Step: Int] = [:]
  private var profiles: [[Int]: UInt16] = [:]

  init(_ database: Database, _ content: ExplorerData.Content) throws {
    self.content = content
    let names = content.axes.mapValues { values in
      Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1.name, $0) })
    }
    let kernels = Dictionary(
      uniqueKeysWithValues: content.kernels.enumerated().map { ($1.name, $0) })
    func index(_ axis: String, _ row: Row) -> Int { names[axis]?[row[axis]] ?? 0 }

    let boots = try Row.fetchAll(database, sql: "SELECT * FROM boot ORDER BY id")
    bootIDs = boots.map { $0["id"] }
    self.content.boots = boots.map { row in
      [kernels[row["kernel"]] ?? 0] + ExplorerData.bootAxes.map { index($0, row) }
    }
    let devices = try Row.fetchAll(database, sql: "SELECT * FROM device ORDER BY id")
    self.content.devices = devices.map { row in ExplorerData.deviceAxes.map { index($0, row) } }
    deviceIndex = Dictionary(uniqueKeysWithValues: devices.enumerated().map { ($1["id"], $0) })
    let requests = try Row.fetchAll(database, sql: "SELECT * FROM request ORDER BY id")
    self.content.requests = requests.map { row in ExplorerData.requestAxes.map { index($0, row) } }
    requestIndex = Dictionary(uniqueKeysWithValues: requests.enumerated().map { ($1["id"], $0) })

    let outcomes = try Row.fetchAll(
      database,
      sql: """
        SELECT o.id, \(ExplorerData.outcomeColumns.map(\.quotedDatabaseIdentifier).joined(separator: ", "))
        FROM outcome AS o JOIN life AS f ON f.id = o.life_id ORDER BY o.id
        """)
    self.content.outcomes = outcomes.map { row in
      ExplorerData.outcomeColumns.indices.map { row[$0 + 1] }
    }
    let outcomeIndex = Dictionary(
      uniqueKeysWithValues: outcomes.enumerated().map { ($1["id"] as Int64, $0) })
    self.outcomeIndex = outcomeIndex
    var spans: [Int64: [(Int, Int, Int)]] = [:]
    let rows = try Row.fetchCursor(
      database, sql: "SELECT profile_id, mask_first, mask_last, outcome_id FROM profile_span")
    while let row = try rows.next() {
      spans[row[0], default: []].append((row[1], row[2], outcomeIndex[row[3]] ?? 0))
    }
    self.spans = spans
    machines = Dictionary(
      uniqueKeysWithValues: Machine.standard.map { ($0.name.name, $0) })
  }

  /// Reads every line.
  mutating func read(_ database: Database, progress: (Double) -> Void) throws {
    let width = content.devices.count * content.requests.count
    lines = [UInt16](repeating: 0, count: bootIDs.count * width)
    let statement = try database.makeStatement(
      sql: "SELECT device_id, request_id, profile_id FROM behavior_line WHERE boot_id = ?")
    for (boot, id) in bootIDs.enumerated() {
      let kernel = bootedKernel(content.boots[boot])
      let rows = try Row.fetchCursor(statement, arguments: [id])
      while let row = try rows.next() {
        let profileID: Int64 = row[2]
        guard let device = deviceIndex[row[0]], let request = requestIndex[row[1]],
          let spans = spans[profileID]
        else { continue }
        let profile = traced(spans, kernel, deviceRequest(device, request))
        lines[boot * width + device * content.requests.count + request] = try number(of: profile)
      }
      progress(0.7 * Double(boot + 1) / Double(bootIDs.count))
    }
    try readAltered(database, width: width) { progress(0.7 + 0.3 * $0) }
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
      let names: [String] = (1...4).map { row[$0] }
      let circumstance = Circumstance.all.first { $0.names == names }
      for (boot, id) in bootIDs.enumerated() {
        let kernel = circumstance.flatMap {
          bootedKernel(content.boots[boot], conditions: $0.conditions)
        }
        var ofBoot: [ExplorerData.AlteredLine] = []
        let rows = try Row.fetchCursor(statement, arguments: [id, row["id"]])
        while let row = try rows.next() {
          guard let device = deviceIndex[row[0]], let request = requestIndex[row[1]],
            let spans = spans[row[2]]
          else { continue }
          let profile = traced(spans, kernel, deviceRequest(device, request))
          let line = boot * width + device * content.requests.count + request
          ofBoot.append(
            ExplorerData.AlteredLine(line: UInt32(line), profile: try number(of: profile)))
        }
        altered += ofBoot.sorted { $0.line < $1.line }
      }
      content.alteredLines.append(altered.count - before)
      progress(Double(index + 1) / Double(circumstances.count))
    }
  }

  /// Splits spans where the path changes.
  private mutating func traced(
    _ spans: [(Int, Int, Int)], _ kernel: BootedKernel?, _ request: DeviceRequest?
  ) -> [Int] {
    guard let kernel, var request else { return spans.flatMap { [$0, $1, $2, -1] } }
    var profile: [Int] = []
    for (first, last, outcome) in spans {
      for bits in first...last {
        let path: Int
        if let mask = DMAMask(bits: bits) {
          request.mask = mask
          path = number(of: request, on: kernel, decidedBy: content.outcomes[outcome][7])
        } else {
          path = -1
        }
        if bits > first, profile[profile.count - 1] == path {
          profile[profile.count - 3] = bits
        } else {
          profile += [bits, bits, outcome, path]
        }
      }
    }
    return profile
  }

  private mutating func number(
    of request: DeviceRequest, on kernel: BootedKernel, decidedBy rule: String
  ) -> Int {
    let fingerprint = kernel.pathFingerprint(of: request)
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
    let known = (number: content.paths.count, rule: answer.decision.name)
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

  private func deviceRequest(_ device: Int, _ request: Int) -> DeviceRequest? {
    let (device, request) = (content.devices[device], content.requests[request])
    guard let mask = content.masks.first.flatMap({ DMAMask(bits: $0) }),
      let coherentMask = CoherentMask(name: name("coherent_mask", device[0])),
      let busLimit = BusLimit(name: name("bus_limit", device[1])),
      let coherence = Coherence(name: name("coherent", device[2])),
      let facing = Facing(name: name("external", device[3])),
      let operation = Operation(name: name("op", request[0])),
      let attributes = Attributes(name: name("attrs", request[1])),
      let buffer = Buffer(name: name("buf", request[2]))
    else { return nil }
    return DeviceRequest(
      mask: mask, coherentMask: coherentMask, busLimit: busLimit, coherence: coherence,
      facing: facing, operation: operation, attributes: attributes, buffer: buffer)
  }
}
