import DMAModel
import Support

/// What a boot log says about DMA: each fact with the line that proves it.
///
/// Of a log with several boots, as a serial console keeps it, the last one counts; in a
/// mail the text that is quoted least is the newest.  ``BootFacts`` says what follows.
public struct BootLog: Sendable {
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
      case .foreign:
        "holds no boot log of Linux: no line names a kernel, its command line, RAM, a swiotlb "
          + "or an IOMMU"
      }
    }
  }

  /// Everything that was found about the boot, in the order of the log.
  public private(set) var facts: [Fact] = []
  /// How many boots the text holds, counted by their banners.
  public private(set) var boots = 0

  /// Reads a log.
  public init(_ text: String) throws(ParseError) {
    if text.isEmpty { throw .empty }
    if text.utf8.count > 64 << 20 { throw .tooLong(text.utf8.count) }
    if text.utf8.contains(0) { throw .binary }
    let mail = MailText(text)
    let lines = LogLine.all(in: mail)
    let banners = Self.banners(in: lines)
    boots = banners.count
    let newest = banners.map { lines[$0].quotes }.min()
    let start = banners.last { lines[$0].quotes == newest }
    let end = start.flatMap { start in banners.first { $0 > start } } ?? lines.endIndex
    let first = start.map { Self.beginning(of: $0, in: lines) } ?? lines.startIndex
    let stamp = lines[first..<end].firstIndex(where: \.isStamped)
    for index in first..<end {
      let line = lines[index]
      // A reply may name the failure again; its other lines are of another boot.  And what
      // people write in a mail is no evidence, although it may begin like a message.
      let isOther = newest.map { line.quotes != $0 } ?? false
      let isProse =
        mail.isMail && !line.isStamped && (stamp.map { $0 < index } ?? (start == nil))
      for value in Fact.values(of: line.message) {
        switch value {
        case .failure: break
        // A line of its own kind, even if it lost its time.
        case .group: if isOther { continue }
        default: if isOther || isProse { continue }
        }
        add(value, line)
      }
    }
    guard !facts.isEmpty else { throw .foreign }
  }

  /// Whether a line is the first of a boot.
  public static func begins(with line: Substring) -> Bool {
    Fact.isBanner(LogLine.message(of: line))
  }

  /// Where boots begin.  The text of proc/version is that of a banner: without a time, and
  /// after the banner of the same kernel that has one, it is no boot.
  private static func banners(in lines: [LogLine]) -> [Int] {
    var stamped: Set<Substring> = []
    return lines.indices.filter { index in
      let line = lines[index]
      guard Fact.isBanner(line.message) else { return false }
      let release = line.message.dropFirst("Linux version ".count).prefix { !$0.isWhitespace }
      if line.isStamped { stamped.insert(release) }
      return line.isStamped || !stamped.contains(release)
    }
  }

  /// arm64 names the CPU that boots before its banner.
  private static func beginning(of banner: Int, in lines: [LogLine]) -> Int {
    let before = max(lines.startIndex, banner - 3)..<banner
    return before.first {
      lines[$0].message.hasPrefix("Booting Linux on physical CPU")
        && lines[$0].quotes == lines[banner].quotes
    } ?? banner
  }

  private mutating func add(_ value: Fact.Value, _ line: LogLine) {
    let isRepeated =
      switch value {
      case .architecture, .processor, .device, .group, .activeIOMMU, .presentIOMMU,
        .reached, .encryption, .powerMachine, .hypervisor, .xenPV:
        seen.contains(value)
      default: false
      }
    if isRepeated { return }
    seen.append(value)
    facts.append(
      Fact(value: value, line: line.number, text: String(line.message).printable(upTo: 200)))
  }

  private var seen: SeenValues = SeenValues()
}

/// Values that count once.
private struct SeenValues: Sendable {
  private var devices: Set<String> = []
  private var others: [Fact.Value] = []

  func contains(_ value: Fact.Value) -> Bool {
    switch value {
    case .device(let name): devices.contains(name)
    case .group(let name, _): devices.contains("group " + name)
    default: others.contains(value)
    }
  }

  mutating func append(_ value: Fact.Value) {
    switch value {
    case .device(let name): devices.insert(name)
    case .group(let name, _): devices.insert("group " + name)
    case .architecture, .processor, .activeIOMMU, .presentIOMMU, .reached, .encryption,
      .powerMachine, .hypervisor, .xenPV:
      others.append(value)
    default: break
    }
  }
}
