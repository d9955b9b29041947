import Analysis
import DMAModel
import DriverScan
import Support

/// The drivers under a finding's conditions, behind them.
///
/// - Parameter lint: What is violated.
func driverBlocks(
  _ conditions: [Condition], of kernels: [KernelVersion], _ list: DriverList?, lint: Lint? = nil
) -> [Document.Block] {
  guard let list else { return [] }
  return driverBlocks(
    DriverImpact(conditions, of: kernels, in: list, lint: lint), limit: list.limit)
}

/// The drivers of an impact; at most `limit` are named.
func driverBlocks(_ impact: DriverImpact, limit: Int?) -> [Document.Block] {
  let limit = limit ?? impact.matches.count
  // What is said holds in these circumstances, not by default.
  let heading =
    impact.circumstances.isEmpty
    ? "Drivers" : "Drivers with \(impact.circumstances.joined(separator: ", "))"
  var text =
    impact.asksForMasks
    ? "\(heading): \(impact.matches.count) of \(impact.total) set such masks."
    : "\(heading): no condition asks for masks; \(impact.matches.count) of \(impact.total) can be there."
  for absence in DriverImpact.Absence.allCases {
    guard let count = impact.leftOut[absence] else { continue }
    text += " Left out: \(count) \(absence.summary)."
  }
  if impact.undecided > 0, impact.asksForMasks {
    text += " Not decided: \(impact.undecided)."
  }
  if impact.asksForMasks { text += circumstanceText(impact) }
  guard impact.asksForMasks else { return [.paragraph(text)] }
  var blocks: [Document.Block] = [.paragraph(text)]
  if !impact.matches.isEmpty {
    blocks.append(
      .literal(
        cut(impact.matches, limit).flatMap(driverLines) + more(impact.matches.count, limit)))
  }
  guard !impact.outside.isEmpty else { return blocks }
  let count = impact.outside.count
  return blocks + [
    .paragraph(
      "Not asked: \(count) \(count == 1 ? "driver" : "drivers") that can be there with masks "
        + "that the matrix has not; \"dmamatrix explain\" answers for them."),
    .literal(cut(impact.outside, limit).flatMap(outsideLines) + more(count, limit)),
  ]
}

/// The pairs of a driver that the matrix has not.
private func outsideLines(_ match: DriverImpact.Match) -> [String] {
  placed(
    match.driver, match.driver.line(setting: match.masks),
    match.masks.prefix(6).map(\.text).joined(separator: ", "))
}

extension Driver {
  /// The line of the first call that may set one of some masks.
  fileprivate func line(setting masks: [DeviceMasks]) -> Int {
    let bits = Set(masks.flatMap { [$0.streaming, $0.coherent] })
    return (calls.first { !bits.isDisjoint(with: $0.alternatives) } ?? calls.first)?.line ?? 0
  }
}

/// How many of the drivers the finding is about in certain circumstances alone.
private func circumstanceText(_ impact: DriverImpact) -> String {
  let shown = impact.onlyIn.prefix(3)
  guard !shown.isEmpty else { return "" }
  let parts = shown.map { "\($0.count) only with \($0.circumstance)" }
  let rest = impact.onlyIn.dropFirst(3).reduce(0) { $0 + $1.count }
  return " Of them " + parts.joined(separator: "; ")
    + (rest > 0 ? "; \(rest) only in others." : ".")
}

extension DriverList? {
  /// The findings with these conditions, by their numbers: those about the fewest drivers
  /// first where that is asked for.
  func specificOrder(
    _ findings: [[Condition]], of kernels: [KernelVersion], lint: Lint? = nil
  ) -> [Int] {
    guard let list = self, list.ordersFindings else { return Array(findings.indices) }
    let impacts = findings.map { DriverImpact($0, of: kernels, in: list, lint: lint) }
    return findings.indices.sorted { one, other in
      if impacts[one].isMoreSpecific(than: impacts[other]) { return true }
      return !impacts[other].isMoreSpecific(than: impacts[one]) && one < other
    }
  }
}

/// `drivers/net/x.c:12: 40/32`, in two lines where one is too long.
private func driverLines(_ match: DriverImpact.Match) -> [String] {
  let masks = match.masks.prefix(6).map(\.text).joined(separator: ", ")
  let others = match.isCertain ? "" : " (others are possible)"
  return placed(match.driver, match.driver.line(setting: match.masks), masks + others)
}

/// `file:line: text`, in lines of at most 68 columns where the words allow it.
private func placed(_ driver: Driver, _ line: Int, _ text: String) -> [String] {
  // 0 is the whole file.
  let place = "\(driver.file.printable(upTo: 200)):" + (line > 0 ? "\(line):" : "")
  return folded("\(place) \(text)", width: 68, hanging: "  ").split(separator: "\n").map(
    String.init)
}

/// Each driver with its masks, the narrowest first; at most `limit` of them.
func maskLines(_ drivers: [Driver], limit: Int? = nil) -> [String] {
  let rows = drivers.sorted { one, other in
    let (a, b) = (one.masks.first, other.masks.first)
    return (a?.streaming.value ?? .max, one.file) < (b?.streaming.value ?? .max, other.file)
  }
  return cut(rows, limit).flatMap { driver in
    let masks = driver.masks.map(\.text).joined(separator: ", ")
    let others = driver.isDecided || masks.isEmpty ? "" : " or others"
    return placed(
      driver, driver.calls.first(where: \.isCall)?.line ?? 0,
      (masks.isEmpty ? "not decided" : masks) + others)
  } + more(rows.count, limit)
}

private func cut<Element>(_ list: [Element], _ limit: Int?) -> ArraySlice<Element> {
  list.prefix(limit ?? list.count)
}

/// `and 12 more` behind a list that is cut.
private func more(_ count: Int, _ limit: Int?) -> [String] {
  limit.map { count > $0 ? ["and \(count - $0) more"] : [] } ?? []
}

/// The drivers under a finding's conditions as a JSON member, with the comma in front;
/// empty without drivers.
func driverJSON(
  _ conditions: [Condition], of kernels: [KernelVersion], _ list: DriverList?, lint: Lint? = nil
) -> String {
  guard let list else { return "" }
  let impact = DriverImpact(conditions, of: kernels, in: list, lint: lint)
  let matches = impact.asksForMasks ? impact.matches : []
  let rows = matches.map { match in
    """
    {"file": \(jsonString(match.driver.file)), \
    "line": \(match.driver.calls.first?.line ?? 0), \
    "module": \(match.driver.module.map(jsonString) ?? "null"), \
    "masks": [\(match.masks.map { jsonString($0.text) }.joined(separator: ", "))], \
    "certain": \(match.isCertain)}
    """
  }
  let outside = (impact.asksForMasks ? impact.outside : []).map { match in
    """
    {"file": \(jsonString(match.driver.file)), \
    "masks": [\(match.masks.map { jsonString($0.text) }.joined(separator: ", "))]}
    """
  }
  let left = DriverImpact.Absence.allCases.compactMap { absence in
    impact.leftOut[absence].map { "\(jsonString(absence.rawValue)): \($0)" }
  }
  let only = impact.onlyIn.map { "\(jsonString($0.circumstance)): \($0.count)" }
  return """
    ,
         "drivers": {"of": \(impact.total), "count": \(impact.matches.count), \
    "asks_for_masks": \(impact.asksForMasks), \
    "circumstances": [\(impact.circumstances.map(jsonString).joined(separator: ", "))], \
    "only_with": {\(only.joined(separator: ", "))}, \
    "left_out": {\(left.joined(separator: ", "))}, \
    "undecided": \(impact.undecided), "outside": \(impact.outside.count), \
    "not_asked": [\(outside.joined(separator: ", "))], "matching": [
    \(rows.joined(separator: ",\n"))]}
    """
}

/// What the drivers of a tree set, in numbers and names.
///
/// - Parameter limit: How many lines a list has; nil for all.
public func driversDocument(
  _ scan: DriverScan, named name: String, limit: Int? = nil
) -> Document {
  let list = DriverList(tree: name, drivers: scan.drivers)
  let facts = DriverFacts(list.drivers)
  var document = Document()
  document.blocks.append(.title("DMA masks of the drivers of \(name) (\(scan.release))"))
  document.blocks.append(
    .paragraph(
      "\(scan.filesRead) C files and headers read below \(DriverScan.sourceDirectories.joined(separator: ", ")); "
        + "\(facts.calls.count) calls that set a mask in \(list.drivers.count) files below drivers, "
        + "net and sound. \(facts.constant) of them have one value, \(facts.several) several, "
        + "\(facts.undecided.count) are not decided. \(facts.storeText)"
        + testText(scan.drivers)))
  document.blocks.append(.heading("Masks, and how many files may set them"))
  document.blocks.append(
    .table(columns: ["bits", "files", "streaming", "coherent"], rows: facts.histogram))
  document.blocks.append(
    .paragraph("Widths from 24 to 64 that no decided mask has: \(facts.absent)."))
  document.blocks += listBlocks(
    "The streaming mask alone", list.drivers.filter { $0.sets == .streaming },
    "The bus leaves the coherent mask at 32 bits (drivers/base/platform.c, "
      + "setup_pdev_dma_masks(); drivers/pci/probe.c, pci_setup_device()), or another file of "
      + "the module sets it.", limit)
  document.blocks += listBlocks(
    "The coherent mask alone", list.drivers.filter { $0.sets == .coherent },
    "The streaming mask stays at the bus's 32 bits, or another file of the module sets it.", limit)
  document.blocks += undecidedBlocks(facts, limit)
  document.blocks += doubtBlocks(list.drivers, limit)
  return document
}

/// How many files are left out because only tests build them.
private func testText(_ drivers: [Driver]) -> String {
  let tests = drivers.filter { $0.isTest && $0.isDriver && $0.callsMaskFunction }.count
  return tests == 0 ? "" : " \(tests) files of KUnit and self-tests are not counted."
}

private func listBlocks(
  _ title: String, _ drivers: [Driver], _ meaning: String, _ limit: Int?
) -> [Document.Block] {
  [
    .heading("\(title): \(drivers.count) files"), .paragraph(meaning),
    .literal(maskLines(drivers, limit: limit)),
  ]
}

private func undecidedBlocks(_ facts: DriverFacts, _ limit: Int?) -> [Document.Block] {
  [
    .heading("Not decided: \(facts.undecided.count) calls"),
    .paragraph(
      "Their masks come from members of structures, parameters of other files, device trees "
        + "or the hardware. A value in parentheses is one that they may have."),
    .literal(
      cut(facts.undecided, limit).flatMap { driver, call in
        let known = call.alternatives.map(\.text).joined(separator: ", ")
        return placed(
          driver, call.line,
          call.expression.printable(upTo: 120) + (known.isEmpty ? "" : " (\(known))"))
      } + more(facts.undecided.count, limit)),
  ]
}

/// Why the pairs of files are not decided, a line for each reason.
private func doubtBlocks(_ drivers: [Driver], _ limit: Int?) -> [Document.Block] {
  let undecided = drivers.filter { !$0.isDecided }
  return [
    .heading("Files whose pairs of masks are not decided: \(undecided.count)"),
    .paragraph("Their devices may have other masks than those that were found, because of:"),
    .literal(
      cut(undecided, limit).flatMap { driver in
        driver.doubts.flatMap { placed(driver, $0.line, $0.reason.printable(upTo: 200)) }
      } + more(undecided.count, limit)),
  ]
}

/// Counts over drivers.
struct DriverFacts {
  let calls: [MaskCall]
  let constant: Int
  let several: Int
  let undecided: [(driver: Driver, call: MaskCall)]
  /// How many places store masks without a call, and how many of these are not decided.
  let stores: Int
  let undecidedStores: Int
  /// Bits, files, those with it for streaming and coherent masks.
  let histogram: [[String]]
  /// Widths that none has, as ranges.
  let absent: String

  init(_ drivers: [Driver]) {
    calls = drivers.flatMap { $0.calls.filter(\.isCall) }
    constant = calls.filter { $0.isDecided && $0.alternatives.count == 1 }.count
    several = calls.filter { $0.isDecided && $0.alternatives.count > 1 }.count
    undecided = drivers.flatMap { driver in
      driver.calls.filter { $0.isCall && !$0.isDecided }.map { (driver, $0) }
    }
    let others = drivers.flatMap { $0.calls.filter { !$0.isCall } }
    stores = others.count
    undecidedStores = others.filter { !$0.isDecided }.count
    var files: [Int: (all: Int, streaming: Int, coherent: Int)] = [:]
    for driver in drivers {
      func widths(_ calls: [MaskCall]) -> Set<Int> {
        Set(calls.flatMap(\.alternatives).compactMap(\.bits))
      }
      let own = driver.calls.filter(\.isCall)
      let streaming = widths(own.filter(\.setsStreaming))
      let coherent = widths(own.filter(\.setsCoherent))
      for bits in streaming.union(coherent) {
        files[bits, default: (0, 0, 0)].all += 1
        if streaming.contains(bits) { files[bits]?.streaming += 1 }
        if coherent.contains(bits) { files[bits]?.coherent += 1 }
      }
    }
    histogram = files.sorted { $0.key < $1.key }.map { bits, count in
      [String(bits)] + [count.all, count.streaming, count.coherent].map(String.init)
    }
    absent = Self.ranges((24...64).filter { files[$0] == nil })
  }

  /// What JSON and SQL list beside the calls.
  var storeText: String {
    guard stores > 0 else { return "" }
    return "JSON and SQL list \(stores) stores beside, such as \"dev->coherent_dma_mask =\", of "
      + "which \(undecidedStores) are not decided."
  }

  private static func ranges(_ numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ", ")
  }
}

/// The drivers of a tree as JSON.
///
/// - Parameter only: Some of them; nil for all.
public func driversJSON(
  _ scan: DriverScan, named name: String, only: [Driver]? = nil
) -> String {
  func list(_ texts: [String]) -> String { texts.map(jsonString).joined(separator: ", ") }
  let rows = (only ?? scan.drivers).map { driver in
    let calls = driver.calls.map { call in
      """
      {"line": \(call.line), "function": \(jsonString(call.function)), \
      "callee": \(jsonString(call.callee)), "expression": \(jsonString(call.expression)), \
      "masks": [\(list(call.alternatives.map(\.text)))], "decided": \(call.isDecided), \
      "streaming": \(call.setsStreaming), "coherent": \(call.setsCoherent), \
      "fallback_of": \(call.fallbackOf.map(String.init) ?? "null")}
      """
    }
    let uses = driver.uses.map { use in
      """
      {"line": \(use.line), "function": \(jsonString(use.function)), \
      "name": \(jsonString(use.name)), "expression": \(jsonString(use.expression))}
      """
    }
    let doubts = driver.doubts.map { doubt in
      "{\"line\": \(doubt.line), \"reason\": \(jsonString(doubt.reason))}"
    }
    return """
        {"file": \(jsonString(driver.file)), \
      "module": \(driver.module.map(jsonString) ?? "null"), \
      "kconfig": \(driver.kconfig.map(jsonString) ?? "null"), \
      "architectures": [\(list(driver.architectures.map(\.rawValue)))], \
      "compile_test": [\(list(driver.compileTestOnly.map(\.rawValue)))], \
      "buses": [\(list(driver.buses))], "counted": \(driver.isCounted), \
      "test": \(driver.isTest), \
      "sets": \(jsonString(driver.sets.rawValue)), "decided": \(driver.isDecided), \
      "masks": [\(list(driver.masks.map(\.text)))],
         "doubts": [\(doubts.joined(separator: ", "))],
         "calls": [\(calls.joined(separator: ",\n     "))],
         "uses": [\(uses.joined(separator: ",\n     "))]}
      """
  }
  return """
    {"tree": \(jsonString(name)), "release": \(jsonString(scan.release)),
     "files": \(scan.filesRead), "unread": [\(list(scan.unread))],
     "drivers": [
    \(rows.joined(separator: ",\n"))
     ]}

    """
}
