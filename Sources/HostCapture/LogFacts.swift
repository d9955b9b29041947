import BootInputs
import DMAModel
import Support

/// What the boot log of a capture says, read from the few lines that matter.
struct LogFacts {
  /// Bytes of a log that are read, and lines of it that matter: the kernel's own buffer has
  /// at most some MiB (CONFIG_LOG_BUF_SHIFT, log_buf_len=).
  private static let (byteLimit, lineLimit) = (8 << 20, 10000)
  /// Whether the log was longer.
  private(set) var isCut = false
  /// Whether the log begins with the boot: what is not said was not logged.
  var isWhole = false
  var commandLine: String?
  var platforms: [Platform] = []
  var pool: PhysicalRange?
  var ram: [PhysicalRange] = []
  var defaultDomain: IOMMUMode?
  /// Where the DMA zone ends; nil without one.
  var dmaZoneEnd: UInt64?
  /// The end of arm64's DMA zone where firmware sets it (``Machine/firmwareDMALimit``).
  var firmwareDMALimit: UInt64?
  var cpus: Int?
  var mentionsIOMMU = false
  /// `intel` or `amd`.
  var iommuVendor: String?

  /// What a line must contain for a boot log's reader to look at it.
  private static let markers = [
    "Linux version ", "Booting Linux on ", "ommand line: ", "Memory Encryption Features",
    "Default domain type",
    "Hyper-V: Isolation", "Xen PV", "kernel on Xen", "RME: Using RSI", "software IO TLB: ",
    "BIOS-e820: ",
    "Xen: [mem", "node ", " DMA  ", " DMA32 ", " Normal ", "nr_cpu_ids", "DMAR", "AMD-Vi", "IVRS",
    "arm-smmu", "IORT",
    "TDX", "SEV", "SME", "ultravisor", "Secure",
  ].map { Array($0.utf8) }

  /// ``markers`` by their first byte: a line is looked at once, not once for each.
  private static let markersByByte: [[[UInt8]]] = {
    var table = [[[UInt8]]](repeating: [], count: 256)
    for marker in markers { table[Int(marker[0])].append(marker) }
    return table
  }()

  /// - Parameters:
  ///   - bytes: The log.
  ///   - version: What proc/version says, where the log has no such line.
  init(_ bytes: ArraySlice<UInt8>, version: String) {
    var lines: [Substring] = []
    var kept: [UInt8] = []
    isCut = bytes.count > Self.byteLimit
    bytes.prefix(Self.byteLimit).withUnsafeBufferPointer { buffer in
      var (start, count) = (0, 0)
      while start < buffer.count {
        var end = start
        while end < buffer.count, buffer[end] != 0x0a { end += 1 }
        let line = UnsafeBufferPointer(rebasing: buffer[start..<end])
        if line.count >= 4, line.count < 4096, Self.matters(line) {
          count += 1
          guard count <= Self.lineLimit else {
            isCut = true
            break
          }
          kept.append(contentsOf: line)
          kept.append(0x0a)
        }
        start = end + 1
      }
    }
    kept.removeAll { $0 == 0 }
    let text = String(decoding: kept, as: UTF8.self)
    lines = text.split(separator: "\n")
    isWhole = lines.contains { BootLog.begins(with: $0) }
    // The reader of logs wants the first line of a boot.
    let whole = isWhole ? text : version + "\n" + text
    if let log = try? BootLog(whole) {
      let facts = BootFacts(log)
      commandLine = facts.commandLine
      // mem_encrypt=on alone does not make an SME host.
      platforms = facts.platform.isAssumed ? [] : facts.platform.platforms
      pool = facts.memory.pool?.range
      ram = facts.memory.machine?.ram ?? []
      firmwareDMALimit = facts.memory.machine?.firmwareDMALimit
      dmaZoneEnd = facts.memory.zones.last { $0.name == "DMA" }?.range?.end
      defaultDomain = facts.iommu.defaultDomain
    }
    for line in lines { read(line) }
  }

  private static func matters(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    markersByByte.withUnsafeBufferPointer { table in
      for index in line.indices {
        for marker in table[Int(line[index])]
        where line.count - index >= marker.count
          && marker.indices.allSatisfy({ line[index + $0] == marker[$0] })
        {
          return true
        }
      }
      return false
    }
  }

  private mutating func read(_ line: Substring) {
    if let rest = line.text(after: "nr_cpu_ids:") {
      cpus = Int(rest.prefix { $0.isNumber }).flatMap { (1...65536).contains($0) ? $0 : nil }
    }
    let bytes = Array(line.utf8)
    func holds(_ texts: [ByteSearch]) -> Bool { texts.contains { $0.first(in: bytes) != nil } }
    if holds(Self.xen) { platforms = [.xenPV] }
    let (isIntel, isAMD) = (holds(Self.intel), holds(Self.amd))
    if isIntel { iommuVendor = "intel" }
    if isAMD { iommuVendor = "amd" }
    if isIntel || isAMD || holds(Self.arm) { mentionsIOMMU = true }
  }

  private static let xen = searches(["Hypervisor detected: Xen PV", "Booting kernel on Xen"])
  private static let intel = searches(["DMAR: ", "ACPI: DMAR"])
  private static let amd = searches(["AMD-Vi: ", "ACPI: IVRS"])
  private static let arm = searches(["arm-smmu"])

  private static func searches(_ texts: [String]) -> [ByteSearch] { texts.map { ByteSearch($0) } }
}
