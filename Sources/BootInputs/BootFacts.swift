import DMAModel

/// What follows from the facts of a boot log.
public struct BootFacts: Sendable {
  /// A conclusion and the line that proves it, if one line does.
  public struct Finding: Sendable, Equatable {
    public let text: String
    public let line: Int?

    public init(_ text: String, line: Int? = nil) {
      self.text = text
      self.line = line
    }
  }

  /// The release of the banner: `6.12.117+deb13-amd64`.
  public let release: String?
  public let commandLine: String?
  public let platform: PlatformEvidence
  public let iommu: IOMMUEvidence
  public let memory: MemoryEvidence
  /// Messages about mappings that failed, and about the pool.
  public let failures: [(failure: FailingLine, line: Int)]
  /// What was concluded, in the order of the log.
  public let findings: [Finding]

  /// Draws the conclusions.
  public init(_ log: BootLog) {
    let facts = log.facts
    release = facts.lazy.compactMap(\.release).first ?? facts.lazy.compactMap(\.oopsRelease).first
    commandLine = log.commandLine
    let text = commandLine
    platform = PlatformEvidence(facts, text.flatMap { try? KernelCommandLine($0) })
    let family = platform.platforms.first?.family ?? .x86
    let parsed = text.flatMap { try? KernelCommandLine($0, family: family) }
    memory = MemoryEvidence(facts, platform)
    iommu = IOMMUEvidence(facts, parsed, platform)
    failures = facts.compactMap { fact in
      guard case .failure(let failure) = fact.value else { return nil }
      return (failure, fact.line)
    }
    var findings: [Finding] = []
    if log.boots > 1 {
      findings.append(Finding("\(log.boots) boots in the log: the newest counts"))
    }
    for fact in facts {
      switch fact.value {
      case .oopsRelease(let name) where release == name:
        if findings.contains(where: { $0.text.hasPrefix("kernel ") }) { continue }
        findings.append(Finding("kernel \(name), by a stack trace", line: fact.line))
      case .release(let release): findings.append(Finding("kernel \(release)", line: fact.line))
      case .commandLine(let text):
        if findings.contains(where: { $0.text.hasPrefix("command line ") }) { continue }
        findings.append(Finding("command line \(commandLine ?? text)", line: fact.line))
      default: continue
      }
    }
    self.findings = findings + platform.findings + memory.findings + iommu.findings
  }

  /// `6.12` or `6.12.117`: the numbers that the release begins with.
  public var version: String? {
    release.map { release in
      let numbers = release.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      return numbers.split(separator: ".").prefix(3).joined(separator: ".")
    }
  }

  /// Sentences about what the log has and the model has not.
  public var unmodelled: [Finding] { platform.unmodelled }
}

extension Fact {
  var release: String? {
    if case .release(let release) = value { release } else { nil }
  }

  var oopsRelease: String? {
    if case .oopsRelease(let release) = value { release } else { nil }
  }

  var commandLine: String? {
    if case .commandLine(let text) = value { text } else { nil }
  }
}

extension BootLog {
  /// The command line of the boot, the first that is logged.
  ///
  /// Newer kernels wrap it: init/main.c `print_kernel_cmdline()` ends all lines but the
  /// last with a backslash.
  public var commandLine: String? {
    var text: String?
    for part in facts.lazy.compactMap(\.commandLine) {
      // COMMAND_LINE_SIZE is 4096 at most on what is modelled.
      if let text, text.utf8.count > 8192 { break }
      let continues = part.hasSuffix(" \\")
      text = (text.map { $0 + " " } ?? "") + (continues ? String(part.dropLast(2)) : part)
      if !continues { break }
    }
    return text
  }
}
