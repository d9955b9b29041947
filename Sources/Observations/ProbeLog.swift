import BootInputs
import Conformance
import DMAModel
import Foundation
import Support

/// Why a log cannot be used, in one sentence.
public enum ProbeLogError: UserFacingError, Equatable {
  case noProbe(file: String)
  case damaged(file: String, line: Int, count: Int)
  case newer(file: String, line: Int, version: Int)
  case gap(file: String, line: Int, expected: Int, found: Int)
  case truncated(file: String, line: Int, lines: Int)
  case panicked(file: String, line: Int, message: String, lines: Int)
  case field(file: String, line: Int, field: String, value: String, accepted: String)
  case bootLog(file: String, reason: String)
  case unknownKernel(file: String, release: String)
  case machine(file: String)

  public var description: String {
    switch self {
    case .noProbe(let file):
      "\(file): holds no line of dmaprobe; expected the kernel log of a machine that loaded it"
    case .damaged(let file, let line, let count):
      "\(file):\(line): this line of dmaprobe is cut or mixed with another "
        + "(\(count) in the file); --intact imports the others"
    case .newer(let file, let line, let version):
      "\(file):\(line): is of dmaprobe's version \(version), but this dmamatrix reads "
        + "\(ProbeLine.version); update dmamatrix"
    case .gap(let file, let line, let expected, let found):
      "\(file):\(line): number \(found) follows \(expected - 1), lines between are lost; "
        + "--intact imports the others"
    case .truncated(let file, let line, let lines):
      "\(file):\(line): the log ends after \(lines) lines of dmaprobe, before its end line; "
        + "--intact imports them"
    case .panicked(let file, let line, let message, let lines):
      "\(file):\(line): the kernel panicked after \(lines) lines of dmaprobe "
        + "('\(message.printable)'); --intact imports them"
    case .field(let file, let line, let field, let value, let accepted):
      "\(file):\(line): \(field) is '\(value.printable)'; accepted: \(accepted)"
    case .bootLog(let file, let reason):
      "\(file): \(reason)"
    case .unknownKernel(let file, let release):
      "\(file): no modelled kernel is '\(release.printable)'; --kernel names the nearest one: "
        + KernelVersion.all.map(\.name).joined(separator: ", ")
    case .machine(let file):
      "\(file): says nothing about RAM (BIOS-e820 lines); expected the log from boot on"
    }
  }
}

/// Reads the log of a machine that loaded dmaprobe.
public struct ProbeLog {
  private let file: String
  private let lines: [Substring]
  private let kernel: String?
  private let intactOnly: Bool

  private var boots: [BootObservations] = []
  private var reader: ProbeRunReader?
  private var damaged: (line: Int, count: Int) = (0, 0)
  private var panic: (line: Int, message: String)?
  /// Where the boot of the current line begins in ``lines``, and what it says once it
  /// was asked: a serial console keeps several.
  private var start = 0
  private var log: BootLog?

  /// The boots of a log: one for each run of the probe.
  ///
  /// - Parameters:
  ///   - kernel: The modelled kernel, where the release does not name one.
  ///   - intactOnly: Whether intact lines of a damaged log are taken.
  public static func read(
    path: String, kernel: String? = nil, intactOnly: Bool = false
  ) throws -> [BootObservations] {
    let bytes = try GzipFile.contents(of: path, limit: ObservationFile.limit)
    return try read(
      name: path, text: String(decoding: bytes, as: UTF8.self), kernel: kernel,
      intactOnly: intactOnly)
  }

  /// Reads a log from memory.
  public static func read(
    name: String, text: String, kernel: String? = nil, intactOnly: Bool = false
  ) throws(ProbeLogError) -> [BootObservations] {
    guard text.contains("dmaprobe: v") else { throw .noProbe(file: name) }
    var reading = ProbeLog(file: name, text: text, kernel: kernel, intactOnly: intactOnly)
    return try reading.run()
  }

  private init(file: String, text: String, kernel: String?, intactOnly: Bool) {
    self.file = file
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    if lines.last?.isEmpty == true { lines.removeLast() }
    self.lines = lines
    self.kernel = kernel
    self.intactOnly = intactOnly
  }

  private mutating func run() throws(ProbeLogError) -> [BootObservations] {
    var number = 0
    for line in lines {
      number += 1
      switch ProbeLine.read(line) {
      case .other:
        if BootLog.begins(with: line) {
          start = number - 1
          log = nil
        }
        if panic == nil, let mark = line.firstRange(of: "Kernel panic - not syncing") {
          panic = (number, String(line[mark.lowerBound...]))
        }
      case .damaged:
        if damaged.count == 0 { damaged.line = number }
        damaged.count += 1
      case .newer(let version): throw .newer(file: file, line: number, version: version)
      case .line(let line): try take(line, at: number)
      }
    }
    if damaged.count > 0, !intactOnly {
      throw .damaged(file: file, line: damaged.line, count: damaged.count)
    }
    try finish(at: number)
    guard !boots.isEmpty else { throw .noProbe(file: file) }
    return boots
  }

  private mutating func take(_ line: ProbeLine, at number: Int) throws(ProbeLogError) {
    if line.kind == "begin" {
      try finish(at: number)
      reader = ProbeRunReader(file: file, boot: try boot(line, at: number))
      reader?.next = line.number + 1
      return
    }
    guard reader != nil else {
      if intactOnly { return }
      throw .gap(file: file, line: number, expected: 0, found: line.number)
    }
    if let expected = reader?.next, line.number != expected, !intactOnly, damaged.count == 0 {
      throw .gap(file: file, line: number, expected: expected, found: line.number)
    }
    reader?.next = line.number + 1
    try reader?.take(line, at: number)
  }

  /// Ends a run; without its end line the log was cut.
  private mutating func finish(at line: Int) throws(ProbeLogError) {
    guard let run = reader else { return }
    reader = nil
    if !run.isComplete, !intactOnly {
      if let panic {
        throw .panicked(
          file: file, line: panic.line, message: panic.message, lines: run.next)
      }
      throw .truncated(file: file, line: line, lines: run.next)
    }
    var boot = run.boot
    boot.platforms = Self.shown(boot.platforms, by: run.observations)
    boots.append(BootObservations(boot: boot, observations: run.observations))
  }

  /// Of platforms that the log leaves open, the one whose C-bit the addresses have.
  private static func shown(
    _ platforms: [Platform], by observations: [Observation]
  ) -> [Platform] {
    guard platforms.count > 1 else { return platforms }
    let fitting = platforms.filter { platform in
      observations.contains { row in
        guard row.result == .direct, let physical = row.physicalAddress,
          let address = row.dmaAddress, platform.encryptionBit != 0
        else { return false }
        return address == physical | platform.encryptionBit && address != physical
      }
    }
    return fitting.count == 1 ? fitting : platforms
  }

  // MARK: - The boot

  /// What the current boot says about the machine, to its end.
  private mutating func bootLog() throws(ProbeLogError) -> BootLog {
    if let log { return log }
    let end = lines[(start + 1)...].firstIndex(where: BootLog.begins) ?? lines.endIndex
    let text = lines[start].base[lines[start].startIndex..<lines[end - 1].endIndex]
    do {
      let read = try BootLog(String(text))
      log = read
      return read
    } catch {
      throw .bootLog(file: file, reason: error.description)
    }
  }

  private mutating func boot(
    _ line: ProbeLine, at number: Int
  ) throws(ProbeLogError) -> ObservedBoot {
    let fields = ProbeFields(file: file, line: number, fields: line.fields)
    let release = try fields.text("release")
    let version = release.split(separator: ".").prefix(2).joined(separator: ".")
    guard let name = kernel ?? KernelVersion.named(version)?.name else {
      throw .unknownKernel(file: file, release: release)
    }
    let log = try BootFacts(bootLog())
    var commandLine: KernelCommandLine?
    do {
      commandLine = try log.commandLine.map {
        try KernelCommandLine(
          $0, prefixes: KernelVersion.named(name)?.matchesSwiotlbByPrefix == true)
      }
    } catch {
      throw .bootLog(file: file, reason: "\(error)")
    }
    let pool = try fields.range("pool")
    guard var machine = log.memory.machine else { throw .machine(file: file) }
    machine.observedPool = pool
    machine.cpus = try fields.integer("cpus", in: 1...65536)
    machine.wantsPool = commandLine?.wantsPool ?? false
    let domain = try fields.text("domain")
    let iommu: IOMMUMode
    switch domain {
    case "none": iommu = commandLine?.iommu == .off ? .off : .none
    case "identity": iommu = .passthrough
    case "dma": iommu = .strict
    case "dma-fq": iommu = .lazy
    default: throw fields.bad("domain", accepted: "none, identity, dma, dma-fq")
    }
    // mem_encrypt=on alone does not make an SME host.
    let platforms = log.platform.isAssumed ? [] : log.platform.platforms
    let isUntrusted = try fields.integer("untrusted") != 0
    let busLimit = try fields.integer("bus_limit", in: 0...64)
    guard busLimit == 0 || busLimit >= 12 else {
      throw fields.bad("bus_limit", accepted: "0, 12 to 64")
    }
    return ObservedBoot(
      kernel: name, release: release, label: Self.label(domain, isUntrusted),
      commandLine: log.commandLine ?? "", platforms: platforms.isEmpty ? [.x86] : platforms,
      machine: machine, iommu: iommu, swiotlb: commandLine?.swiotlb ?? .standard,
      facing: isUntrusted ? .external : .internal, domain: domain,
      busLimitBits: busLimit, pool: pool,
      poolForcesBounce: try fields.integer("pool_force") != 0)
  }

  private static func label(_ domain: String, _ isUntrusted: Bool) -> String {
    isUntrusted ? "\(domain)_untrusted" : domain
  }
}
