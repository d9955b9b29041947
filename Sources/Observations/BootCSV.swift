import BootInputs
import Conformance
import DMAModel
import Support

/// Reads the CSV of booted kernels: one line a request, the boot's columns
/// repeated in each.
///
/// The boots are QEMU's q35 machine; `mem` says how much RAM it had.
public enum BootCSV {
  /// The boots of a file, in its order.
  public static func read(path: String) throws(InputError) -> [BootObservations] {
    try read(name: path, bytes: GzipFile.contents(of: path, limit: ObservationFile.limit))
  }

  /// Whether a header line is that of such a file.
  public static func isHeader(_ line: some StringProtocol) -> Bool {
    line.hasPrefix("kernel,kver,mem,")
  }

  static func read(name: String, bytes: [UInt8]) throws(InputError) -> [BootObservations] {
    var table = try CSVTable(file: name, bytes: bytes)
    var columns: [String: Int] = [:]
    for (index, column) in table.header.enumerated() { columns[column] = index }
    for column in required where columns[column] == nil {
      throw .missingColumn(file: name, column: column, expected: required)
    }
    var boots: [BootObservations] = []
    var current: [String] = []
    while let fields = try table.nextRow() {
      let row = BootCSVRow(file: name, line: table.line, columns: columns, fields: fields)
      let key = bootColumns.map { row.text($0) }
      if key != current {
        boots.append(BootObservations(boot: try row.boot()))
        current = key
      }
      let observation = try row.observation()
      if let wrong = observation.implausible { throw row.bad(wrong) }
      boots[boots.count - 1].observations.append(observation)
    }
    return boots
  }

  private static let bootColumns = [
    "kernel", "kver", "mem", "iommu", "swiotlb", "append", "domain", "untrusted", "pool",
    "pool_force",
  ]
  private static let required =
    bootColumns + [
      "mask_bits", "set_mask_rc", "set_coherent_rc", "dma_mask", "op", "region", "dir",
      "attr_names", "len", "phys", "dma", "result",
    ]
}

/// One line of the file.
private struct BootCSVRow {
  let file: String
  let line: Int
  let columns: [String: Int]
  let fields: [String]

  /// A column's text, empty where the file does not have it.
  func text(_ column: String) -> String { columns[column].map { fields[$0] } ?? "" }

  func bad(_ wrong: Observation.Implausible) -> InputError {
    .unknownValue(
      file: file, line: line, column: wrong.field, value: wrong.value, accepted: [wrong.accepted])
  }

  private func bad(_ column: String, _ accepted: [String]) -> InputError {
    .unknownValue(
      file: file, line: line, column: column, value: text(column), accepted: accepted)
  }

  /// A number, decimal or with 0x; nil for an empty field, `-` and -1.
  private func number(_ column: String) throws(InputError) -> UInt64? {
    let text = text(column)
    if text.isEmpty || text == "-" || text == "-1" { return nil }
    guard let value = UInt64(unsigned: text) else {
      throw bad(column, ["a decimal or hexadecimal number"])
    }
    return value
  }

  private func integer(_ column: String) throws(InputError) -> Int {
    guard let value = Int(text(column)) else { throw bad(column, ["a whole number"]) }
    return value
  }

  private func flag(_ column: String) throws(InputError) -> Bool? {
    switch text(column) {
    case "1": return true
    case "0": return false
    case "", "-1", "-": return nil
    default: throw bad(column, ["0", "1", "-1"])
    }
  }

  private func size(_ column: String) throws(InputError) -> UInt64 {
    let text = text(column)
    let shift: UInt64? = text.hasSuffix("G") ? 30 : text.hasSuffix("M") ? 20 : nil
    guard let shift, let count = UInt64(text.dropLast()), (1...65536).contains(count) else {
      throw bad(column, ["a size as 6G or 2200M"])
    }
    return count << shift
  }

  func boot() throws(InputError) -> ObservedBoot {
    let kernel = text("kernel")
    guard let version = KernelVersion.named(kernel) else {
      throw bad("kernel", KernelVersion.all.map(\.name))
    }
    let pool = try range("pool")
    let line: KernelCommandLine
    do {
      line = try KernelCommandLine(text("append"), prefixes: version.matchesSwiotlbByPrefix)
    } catch {
      throw bad("append", ["a kernel command line"])
    }
    guard
      var machine = Machine(
        name: MachineName("q35-" + text("mem")), ram: Q35.ram(try size("mem")), observedPool: pool,
        cpus: 1)
    else { throw bad("mem", ["a size as 6G or 2200M"]) }
    machine.wantsPool = line.wantsPool
    let label = text("iommu")
    return ObservedBoot(
      kernel: kernel, release: text("kver"), label: label, commandLine: text("append"),
      platforms: [.x86], machine: machine, iommu: try iommu(line), swiotlb: line.swiotlb,
      facing: try flag("untrusted") == true ? .external : .internal, domain: text("domain"),
      busLimitBits: try busLimit(label), pool: pool,
      poolForcesBounce: try flag("pool_force") == true)
  }

  private func iommu(_ line: KernelCommandLine) throws(InputError) -> IOMMUMode {
    switch text("domain") {
    case "none": return line.iommu == .off ? .off : .none
    case "identity": return .passthrough
    case "dma": return .strict
    case "dma-fq": return .lazy
    default: throw bad("domain", ["none", "identity", "dma", "dma-fq"])
    }
  }

  /// `_buslimit28` in the label.
  private func busLimit(_ label: String) throws(InputError) -> Int {
    guard let mark = label.firstRange(of: "buslimit") else { return 0 }
    let digits = label[mark.upperBound...].prefix { $0.isNumber }
    guard let bits = Int(digits), (12...64).contains(bits) else {
      throw bad("iommu", ["a label with buslimit12 to buslimit64"])
    }
    return bits
  }

  /// `0x…-0x…`, end exclusive; nil for an empty range.
  private func range(_ column: String) throws(InputError) -> PhysicalRange? {
    guard let range = PhysicalRange(text: text(column)), range.end < 1 << 56 else {
      throw bad(column, ["a range below 2^56 as 0x7bee2000-0x7fee2000"])
    }
    return range.length == 0 ? nil : range
  }

  func observation() throws(InputError) -> Observation {
    guard let operation = ProbeOperation(rawValue: text("op")) else {
      throw bad("op", ProbeOperation.allCases.map(\.rawValue))
    }
    guard let result = ProbeResult(rawValue: text("result")) else {
      throw bad("result", ProbeResult.allCases.map(\.rawValue))
    }
    let bits = try integer("mask_bits")
    guard (0...64).contains(bits) else { throw bad("mask_bits", ["0 to 64"]) }
    var direction: ProbeDirection?
    if !text("dir").isEmpty {
      direction = ProbeDirection(rawValue: text("dir"))
      if direction == nil { throw bad("dir", ProbeDirection.allCases.map(\.rawValue)) }
    }
    guard let mask = try number("dma_mask") else { throw bad("dma_mask", ["a mask"]) }
    return Observation(
      line: line, maskBits: bits, setMaskError: try integer("set_mask_rc"),
      setCoherentMaskError: try integer("set_coherent_rc"), dmaMask: mask, operation: operation,
      region: text("region"), direction: direction,
      attributes: ProbeAttributes.names(text("attr_names")), length: try number("len"),
      physicalAddress: try number("phys"), dmaAddress: try number("dma"), result: result,
      needsSync: try flag("need_sync"),
      slots: try number("tlb_used_delta").map { Int(clamping: $0) },
      copiedIn: try flag("copy_in"), copiedOut: try flag("copy_out"),
      maxMapping: try number("max_mapping"), optimalMapping: try number("opt_mapping"),
      requiredMask: try number("required_mask"), isAddressingLimited: try flag("addr_limited"))
  }
}

extension ProbeAttributes {
  /// The names in a list, without DMA_ATTR_, sorted; `0` is none.
  static func names(_ text: String) -> [String] {
    text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map { name in
      String(name.hasPrefix("DMA_ATTR_") ? name.dropFirst(9) : name)
    }
    .filter { $0 != "0" && $0 != "none" }.sorted()
  }
}
