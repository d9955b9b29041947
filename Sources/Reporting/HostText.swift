import DMAModel
import HostCapture
import HostModel
import Support

/// A machine, its devices and its pool as a document.
public func hostDocument(_ report: HostReport) -> Document {
  let (boot, capture) = (report.boot, report.boot.capture)
  var document = Document()
  document.blocks.append(.title(capture.name.printable))
  document.blocks.append(.literal(machineLines(boot)))
  for note in capture.notes + boot.notes { document.blocks.append(.paragraph("note: \(note).")) }
  guard !report.rows.isEmpty else { return document }
  var rules = RuleLetters()
  let segments = Set(report.rows.map(\.device.address.domain)).count
  let rows = report.rows.map { row in
    deviceCells(row, shortAddress: segments == 1 && row.device.address.domain == 0, &rules)
  }
  document.blocks.append(
    .table(
      columns: [
        "device", "driver", "class", "masks", "domain", "low", "high", "alloc", "why",
      ], rows: rows))
  document.blocks.append(.literal(rules.lines))
  if !boot.version.policy.mappingInterface.mapsPhysicalAddresses {
    document.blocks.append(
      .paragraph(
        "Functions have the names of the newest kernel: \(boot.version.name) has "
          + "dma_direct_map_page() for dma_direct_map_phys(), and likewise for the others."))
  }
  if report.rows.contains(where: \.device.hasOneMaskOnly) {
    document.blocks.append(
      .paragraph(
        "*: one of the masks is 32 bits, with which every PCI device begins; the other is "
          + "not. Either the driver set only that one (dma_set_mask() without "
          + "dma_set_coherent_mask(), or the other way round), or it asked for 32 bits."))
  }
  let (low, high) = (
    DeviceAnswers.lowPage(capture.machine), DeviceAnswers.highPage(capture.machine)
  )
  document.blocks.append(
    .paragraph(
      "low, high: a page of RAM at \(low.hexadecimal) and at \(high.hexadecimal), mapped. masks: "
        + "bits, streaming/coherent. domain: of the IOMMU group (DMA: strict, DMA-FQ: lazy, ident: "
        + "identity, VFIO: unmanaged, none: no group). Devices are taken as trusted and, unless a trace shows more, "
        + "as coherent and without a bus limit: sysfs does not say."))
  if capture.family == .xen { document.blocks.append(.paragraph(xenAddressNote + ".")) }
  for line in report.otherPlatforms { document.blocks.append(.paragraph(line + ".")) }
  let inferred = report.rows.flatMap { row in
    row.inferred.map { "\(row.device.address) \(row.device.driverText): \($0)" }
  }
  for line in inferred { document.blocks.append(.paragraph(line + ".")) }
  document.blocks.append(.paragraph(poolText(boot)))
  return document
}

private func machineLines(_ boot: HostBoot) -> [String] {
  let capture = boot.capture
  let ram = capture.machine.ram.map { range in
    "\(range.start.hexadecimal)-\(range.end.hexadecimal)"
  }
  let size = capture.machine.size >> 20
  var lines: [String] = []
  func add(_ name: String, _ text: String) {
    for (index, line) in folded(text, width: 60).split(separator: "\n").enumerated() {
      lines.append((index == 0 ? name : "").padding(10) + line)
    }
  }
  add("kernel", "\(capture.release.printable), modelled as \(boot.version.name)")
  var platforms = capture.platforms.map(\.name).joined(separator: " or ")
  if !capture.knowsEncryption { platforms += " (without a boot log encryption is not known)" }
  if capture.platforms.count > 1 { platforms += "; answered as \(boot.platform.name)" }
  add("platform", platforms)
  add("RAM", "\(size) MiB: \(ram.prefix(4).joined(separator: ", "))\(ram.count > 4 ? ", ..." : "")")
  add("booted", boot.commandLine.isEmpty ? "-" : boot.commandLine.printable(upTo: 400))
  add("swiotlb", boot.swiotlb.name)
  return lines
}

/// The pool: size, fill, high-water mark, the largest request.
private func poolText(_ boot: HostBoot) -> String {
  let kernel = boot.system
  guard kernel.pool.isActive else {
    return "pool: none; what a device does not reach is refused."
  }
  var text = "pool: "
  if let counters = boot.capture.pool {
    text += "\(counters.slots >> 9) MiB (\(counters.slots) slots)"
    if let used = counters.used {
      text += ", \(used) in use (\(percentText(UInt64(used), of: UInt64(counters.slots))))"
    }
    if let mark = counters.highWater {
      text += ", high-water mark \(mark)"
      if let used = counters.used, mark < used {
        text += " (below the fill: reset, or not counted)"
      }
    }
  } else {
    text += "\((kernel.pool.end - kernel.pool.start) >> 20) MiB by the model; no counters"
  }
  if boot.capture.poolPlaceIsKnown, let place = boot.capture.machine.observedPool {
    text += ", at \(place.text)"
  }
  text += "; the largest request that it can serve is \(swiotlbMaxMapping >> 10) KiB, less where "
  text += "the device wants an alignment."
  if kernel.pool.forceBounce { text += " It bounces every mapping of dma-direct." }
  return text
}

/// Rules by letters, in the order in which a table needs them.
private struct RuleLetters {
  private var letters: [Decision: Character] = [:]
  private(set) var lines: [String] = []
  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

  mutating func letter(_ decision: Decision) -> Character {
    if let letter = letters[decision] { return letter }
    guard letters.count < Self.alphabet.count else { return "?" }
    let letter = Self.alphabet[letters.count]
    letters[decision] = letter
    lines.append("\(letter)  \(decision.name)")
    return letter
  }
}

private func deviceCells(
  _ row: HostReport.Row, shortAddress: Bool, _ rules: inout RuleLetters
) -> [String] {
  let device = row.device
  let address = device.address.description
  func bits(_ bits: UInt8?) -> String { bits.map(String.init) ?? "?" }
  let masks = bits(device.streamingBits) + "/" + bits(device.coherentBits)
  let answers = row.answers
  func cell(_ answer: Answer?) -> String {
    guard let answer, let answers else { return "?" }
    return answerCell(answer, of: answers)
  }
  let why = answers.map { String($0.all.map { rules.letter($0.answer.decision) }) } ?? "-"
  return [
    shortAddress ? String(address.dropFirst(5)) : address,
    device.driverText.cut(to: 13), device.classWords.cut(to: 11),
    masks + (device.hasOneMaskOnly ? "*" : ""), device.domain.shortName, cell(answers?.low),
    cell(answers?.high), cell(answers?.allocation), why,
  ]
}

extension HostDevice {
  /// The driver's name without control characters, or `-`.
  var driverText: String { driver.map { $0.ascii.printable } ?? "-" }
}

extension HostDevice.Domain {
  /// At most six letters.
  fileprivate var shortName: String {
    switch self {
    case .identity: "ident"
    case .unmanaged: "VFIO"
    case .blocked: "block"
    case .unknown: "?"
    case .none, .dma, .dmaFlushQueue: rawValue
    }
  }
}

extension String {
  /// The text in at most so many characters.
  func cut(to limit: Int) -> String { count <= limit ? self : String(prefix(limit - 1)) + "~" }

  /// The text with `?` for what is not ASCII, so that columns stay columns.
  var ascii: String { String(unicodeScalars.map { $0.isASCII ? Character($0) : "?" }) }

  func padding(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}

// MARK: - Changes

/// What another kernel or command line changes for a machine's devices.
public struct HostChanges: Sendable {
  /// What was changed: `7.3`, or `7.3, "iommu=pt"`.
  public let name: String
  /// The kernel that the machine was captured with.
  public let base: String
  /// What was assumed or left out, one sentence each.
  public let notes: [String]
  /// Whether the machine used more of its pool at once than it would have.
  public let isPoolTooSmall: Bool
  public let changes: [(device: HostDevice, change: DeviceChange)]
  /// Whether the kernel has code for the machine's platform.
  public let isCompared: Bool

  public init(name: String, before: HostReport, after: HostReport) {
    self.name = name
    base = before.boot.version.name
    notes = after.boot.notes.filter { !before.boot.notes.contains($0) }
    isCompared = after.boot.exists && before.rows.contains { $0.answers != nil }
    isPoolTooSmall = after.boot.isPoolTooSmall
    changes = isCompared ? before.changes(to: after) : []
  }

  /// What a recorded kernel changes.
  public init(name: String, before: HostReport, tree: TreeComparison) {
    self.name = name
    base = before.boot.version.name
    isCompared = tree.compared > 0
    isPoolTooSmall = false
    changes = tree.changes.map { (before.rows[$0.device].device, $0.change) }
    notes =
      [
        "a stored tree was asked on the matrix's machine of \(tree.machine.name.name), not on this "
          + "one; compared is what \(base) answers alike on both, without the largest mapping"
      ]
      + tree.omitted.map { reason, requests in
        "\(requests) \(requests == 1 ? "request was" : "requests were") not compared: "
          + reason.rawValue
      }
  }

  /// Whether something gets worse.
  public var isWorse: Bool { isPoolTooSmall || changes.contains { $0.change.effect.isWorse } }

  /// Equal changes together, the worst first.
  var groups: [(change: DeviceChange, devices: [HostDevice])] {
    var groups: [(change: DeviceChange, devices: [HostDevice])] = []
    for (device, change) in changes {
      if let index = groups.firstIndex(where: { $0.change == change }) {
        groups[index].devices.append(device)
      } else {
        groups.append((change, [device]))
      }
    }
    let order = DeviceChange.Effect.allCases
    return groups.enumerated().sorted { lhs, rhs in
      let left = order.firstIndex(of: lhs.element.change.effect) ?? 0
      let right = order.firstIndex(of: rhs.element.change.effect) ?? 0
      return (left, lhs.offset) < (right, rhs.offset)
    }.map(\.element)
  }
}

/// Changes as blocks of a document.
public func hostChangeBlocks(_ changes: HostChanges) -> [Document.Block] {
  var blocks: [Document.Block] = [
    .heading("From \(changes.base) as booted to \(changes.name.ascii.printable(upTo: 44))")
  ]
  blocks += changes.notes.map { .paragraph("note: \($0).") }
  let groups = changes.groups
  guard changes.isCompared else { return blocks + [.paragraph("Nothing was compared.")] }
  guard !groups.isEmpty else {
    return blocks + [.paragraph("Nothing changes for these devices.")]
  }
  for (change, devices) in groups {
    let names = devices.map { "\($0.address) \($0.driverText)" }
    let shown = names.prefix(24).joined(separator: ", ")
    let more = names.count > 24 ? " and \(names.count - 24) more" : ""
    blocks.append(
      .paragraph(
        "\(change.effect.rawValue): \(change.request): \(change.before) -> \(change.after) "
          + "(\(change.decidedBy)): \(shown)\(more)"))
  }
  return blocks
}

// MARK: - JSON

/// A machine, and what would change, as JSON.
///
/// - Parameters:
///   - traffic: Its traffic as JSON, where it was traced.
///   - unbound: The devices without a driver, where they were asked for.
public func hostJSON(
  _ report: HostReport, changes: [HostChanges], traffic: String? = nil,
  unbound: [UnboundDevice]? = nil
) -> String {
  let capture = report.boot.capture
  let notes = capture.notes + report.boot.notes + report.otherPlatforms
  let devices = report.rows.map { row in
    let answers = row.answers?.all.map { name, answer in
      """
      \(jsonString(name)): {"result": \(jsonString(row.result(answer))), \
      "verdict": \(jsonString(row.verdict(answer))), \
      "where": \(jsonString(answer.decision.name))}
      """
    }
    return """
          {"address": \(jsonString(row.device.address.description)), \
      "driver": \(row.device.driver.map(jsonString) ?? "null"), \
      "class": \(jsonString(row.device.classWords)), \
      "dma_mask_bits": \(number(row.device.streamingBits)), \
      "coherent_mask_bits": \(number(row.device.coherentBits)), \
      "one_mask_only": \(row.device.hasOneMaskOnly), \
      "domain": \(jsonString(row.device.domain.rawValue)), \
      "max_mapping": \(number(row.maxMapping)), \
      "inferred": [\(row.inferred.map(jsonString).joined(separator: ", "))], \
      "answers": {\((answers ?? []).joined(separator: ", "))}}
      """
  }
  let changed = changes.map { change in
    let items = change.groups.flatMap { group in
      group.devices.map { device in
        """
              {"device": \(jsonString(device.address.description)), \
        "effect": \(jsonString(group.change.effect.rawValue)), \
        "request": \(jsonString(group.change.request)), \
        "before": \(jsonString(group.change.before)), \
        "after": \(jsonString(group.change.after)), \
        "where": \(jsonString(group.change.decidedBy))}
        """
      }
    }
    return """
          {"boot": \(jsonString(change.name)), "compared": \(change.isCompared), "worse": \(change.isWorse),
           "notes": [\(change.notes.map(jsonString).joined(separator: ", "))], "changes": [
      \(items.joined(separator: ",\n"))
          ]}
      """
  }
  let pool = capture.pool.map { pool in
    """
    {"slots": \(pool.slots), "used": \(number(pool.used)), "hiwater": \(number(pool.highWater))}
    """
  }
  return """
    {"name": \(jsonString(capture.name)), "release": \(jsonString(capture.release)),
     "kernel": \(jsonString(report.boot.version.name)),
     "platforms": [\(capture.platforms.map { jsonString($0.name) }.joined(separator: ", "))],
     "command_line": \(jsonString(report.boot.commandLine)),
     "ram": \(jsonString(capture.machine.ram.map(\.text).joined(separator: ","))),
     "pool": \(pool ?? "null"),
     "notes": [\(notes.map(jsonString).joined(separator: ", "))],
     "devices": [
    \(devices.joined(separator: ",\n"))
     ],
     "boots": [
    \(changed.joined(separator: ",\n"))
     ]\(traffic.map { ",\n \"traffic\": " + $0 } ?? "")\(unbound.map { ",\n \"unbound\": " + unboundDevicesJSON($0) } ?? "")}

    """
}

extension HostReport.Row {
  /// The result as the table has it, in full.
  fileprivate func result(_ answer: Answer) -> String {
    answers?.mayFit(answer) == true ? "maybe" : answer.shortName
  }

  fileprivate func verdict(_ answer: Answer) -> String {
    guard let answers else { return "" }
    return answers.mayFit(answer) ? "maybe" : answers.verdict(answer).name
  }

  /// `dma_max_mapping_size()`; nil for no limit.
  fileprivate var maxMapping: UInt64? {
    answers.flatMap { $0.maxMapping == .max ? nil : $0.maxMapping }
  }
}

private func number(_ value: (some BinaryInteger)?) -> String {
  value.map { String($0) } ?? "null"
}
