import DMAModel

/// What a boot log says about the machine: the lines of `dmesg` that matter.
///
/// Of a log with several boots, as a serial console keeps it, the last one counts.
public struct BootLog: Sendable {
  /// Something that a line of the log says.
  public struct Fact: Sendable, Equatable {
    public let what: String
    public let value: String
    /// The line, from 1.
    public let line: Int
  }

  /// Why a log cannot be used.
  public enum ParseError: Error, Equatable, CustomStringConvertible {
    case empty
    case binary
    case tooLong(Int)
    case foreign

    public var description: String {
      switch self {
      case .empty: "is empty; expected a boot log as dmesg prints it"
      case .binary: "is not text; expected a boot log as dmesg prints it"
      case .tooLong(let length): "has \(length) bytes; a boot log of at most 64 MiB is expected"
      case .foreign: "holds no boot log of Linux: no line has 'Linux version' or 'Command line'"
      }
    }
  }

  /// Everything that was found about the boot, in the order of the log.
  public private(set) var facts: [Fact] = []
  public private(set) var commandLine: String?
  /// `6.12.117`, or nil.
  public private(set) var version: String?
  /// The platforms that fit: SME does not log its C-bit.
  public private(set) var platforms: [Platform] = []
  public private(set) var iommu: IOMMUMode?
  /// RAM by the firmware's map, or nil.
  public private(set) var machine: Machine?

  private var pool: PhysicalRange?
  private var ram: [PhysicalRange] = []
  private var isHyperV = false

  private init() {}

  /// Reads a log.
  public init(_ text: String) throws(ParseError) {
    if text.isEmpty { throw .empty }
    if text.utf8.count > 64 << 20 { throw .tooLong(text.utf8.count) }
    if text.utf8.contains(0) { throw .binary }
    // A serial console ends lines with CR LF, which is one Character.
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      read(Self.message(line), line: index + 1)
    }
    guard version != nil || commandLine != nil else { throw .foreign }
    if isHyperV, platforms == [.sev] { platforms = [.snpVTOM] }
    machine = describedMachine()
  }

  /// Whether a line is the first of a boot (init/main.c `start_kernel()`).
  public static func begins(with line: Substring) -> Bool {
    message(line).rest(after: "Linux version ")?.first?.isNumber == true
  }

  /// The message without a time stamp or a level.
  private static func message(_ line: Substring) -> Substring {
    var rest = line.drop { $0 == " " }
    while rest.first == "[" || rest.first == "<" {
      let end: Character = rest.first == "[" ? "]" : ">"
      guard let close = rest.firstIndex(of: end),
        rest[..<close].dropFirst().allSatisfy({ $0.isNumber || ". TC".contains($0) })
      else { break }
      rest = rest[rest.index(after: close)...].drop { $0 == " " }
    }
    return rest
  }

  private mutating func found(_ what: String, _ value: String, _ line: Int) {
    facts.append(Fact(what: what, value: value, line: line))
  }

  private mutating func read(_ message: Substring, line: Int) {
    if let rest = message.rest(after: "Linux version "), rest.first?.isNumber == true {
      // The first line of a boot (init/main.c `start_kernel()`).
      self = BootLog()
      version = String(rest.prefix { $0.isNumber || $0 == "." })
      found("kernel", version ?? "", line)
    } else if let rest = message.rest(after: "Kernel command line: ")
      ?? message.rest(after: "Command line: ")
    {
      guard commandLine == nil else { return }
      commandLine = String(rest)
      found("command line", String(rest), line)
    } else if let rest = message.rest(after: "Memory Encryption Features active: ") {
      readEncryption(rest, line)
    } else if let rest = message.rest(after: "Default domain type: ") {
      let type = rest.prefix { $0.isLetter }
      iommu = type == "Passthrough" ? .passthrough : type == "Translated" ? .translated : nil
      found("default domain", String(type), line)
    } else if message.contains("Hyper-V: Isolation Config") {
      isHyperV = true
      found("hypervisor", "Hyper-V with isolation", line)
    } else if message.contains("paravirtualized kernel on Xen PV") {
      platforms = [.xenPV]
      found("platform", "xen-pv", line)
    } else if message.contains("RME: Using RSI version") {
      platforms = [.arm64CCA]
      found("platform", "arm64-cca", line)
    } else if let rest = message.rest(after: "software IO TLB: mapped [mem ") {
      pool = Self.range(rest)
      found("swiotlb", String(rest.prefix { $0 != "]" }), line)
    } else if let rest = message.rest(after: "BIOS-e820: [mem "), Self.isRAM(rest),
      let range = Self.range(rest)
    {
      ram.append(range)
    }
  }

  private mutating func readEncryption(_ features: Substring, _ line: Int) {
    let words = features.split(separator: " ")
    if words.contains("SME") {
      platforms = [.x86SME47, .x86SME51]
    } else if words.contains("TDX") {
      platforms = [.tdx]
    } else if words.contains(where: { $0.hasPrefix("SEV") }) {
      platforms = [.sev]
    }
    found("memory encryption", String(features), line)
  }

  /// Whether a line of the firmware's map ends with the type of RAM: `usable`,
  /// `System RAM` from 7.2 on (arch/x86/kernel/e820.c `e820_print_type()`).
  private static func isRAM(_ text: Substring) -> Bool {
    guard let close = text.firstIndex(of: "]") else { return false }
    let type = text[text.index(after: close)...].trimmed
    return type == "usable" || type == "System RAM"
  }

  /// `0x…-0x…`, the end inclusive; nil where it is no range.
  private static func range(_ text: Substring) -> PhysicalRange? {
    let bounds = text.prefix { $0 != "]" }.split(separator: "-")
    guard bounds.count == 2,
      let start = UInt64(hexadecimal: bounds[0].trimmed),
      let end = UInt64(hexadecimal: bounds[1].trimmed),
      start <= end, end < 1 << 56
    else { return nil }
    return PhysicalRange(start, end + 1)
  }

  /// RAM in whole pages, ascending, neighbours joined; named after its end.
  private func describedMachine() -> Machine? {
    var ranges: [PhysicalRange] = []
    for range in ram.sorted(by: { $0.start < $1.start }) {
      let start = (range.start + 4095) & ~4095
      let end = range.end & ~4095
      guard start < end else { continue }
      if let last = ranges.last, start <= last.end {
        ranges[ranges.count - 1].end = max(last.end, end)
      } else {
        ranges.append(PhysicalRange(start, end))
      }
    }
    guard let last = ranges.last else { return nil }
    let gigabytes = (last.end + (1 << 30) - 1) >> 30
    return Machine(name: MachineName("log-\(gigabytes)G"), ram: ranges, observedPool: pool)
  }
}

extension Substring {
  /// What follows a marker in the message, or nil.
  fileprivate func rest(after marker: String) -> Substring? {
    firstRange(of: marker).map { self[$0.upperBound...] }
  }

  fileprivate var trimmed: Substring {
    var text = drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
