import Analysis
import ArgumentParser
import DMAModel
import Foundation
import HostCapture
import HostModel
import MatrixStore
import Reporting
import Support
import TraceEvents

struct HostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "Show a machine's devices, and what another kernel or command line changes.",
    discussion: """
      Reads the running system, a folder (--root) or captures.  --script prints a
      POSIX shell script that takes a capture where dmamatrix is not installed; it
      runs with busybox, and says what it took and what it left out.

      For each device: driver, class, masks, IOMMU domain, what a streaming map of
      low and of high RAM and an allocation get, and by which rule.  Then the pool:
      size, fill, high-water mark, the largest request.  Where the capture has a
      trace of dma:* and swiotlb:*, its traffic by device.

      --kernel and --cmdline say what changes for these devices: breaks, exposes,
      slower, better.  Exit status 1 if something gets worse.

      --drivers names a kernel tree (or a database that dmamatrix drivers --store
      has written one to): devices without a driver show the bus's masks, and the
      drivers that have their IDs say which they would get.  --aliases names that
      kernel's modules.alias, which has the drivers that match by class too.

      Limits: sysfs shows neither coherence, bus limits (dma-ranges) nor untrusted
      ports.  A trace shows the first two, and what it shows is said; else devices
      are taken as coherent, trusted and without a limit.  On Xen PV, machine
      addresses are known from a trace alone.

      Examples:
        dmamatrix host --script > capture.sh; sh capture.sh --trace 10
        dmamatrix host capture.tar.gz --kernel 6.12,7.3
        dmamatrix host --root / --cmdline "iommu=pt swiotlb=force"
        dmamatrix host capture.tar.gz --drivers ~/linux \\
          --aliases /lib/modules/7.3/modules.alias
        dmamatrix host capture.tar.gz --format json
      """)

  @Argument(help: "A capture, as the script writes it.", completion: .file())
  var captures: [String] = []
  @Option(help: "The folder that the system's files lie in.", completion: .directory)
  var root: String?
  @Option(
    help: ArgumentHelp("Kernels to compare the captured one with.", valueName: "k"),
    completion: .kernels)
  var kernel: [String] = []
  @Option(
    help: ArgumentHelp("A command line to compare the captured one with.", valueName: "line"))
  var cmdline: String?
  @Option(
    help: ArgumentHelp(
      "What would drive the devices without a driver: a kernel tree, or a database with one.",
      valueName: "path"), completion: .file())
  var drivers: String?
  @Option(
    help: ArgumentHelp("modules.alias of a kernel, beside --drivers.", valueName: "file"),
    completion: .file())
  var aliases: String?
  @Option(help: ArgumentHelp("text, markdown or json.", valueName: "format"))
  var format = "text"
  @Flag(help: "Print the script that takes a capture.")
  var script = false
  @OptionGroup var color: ColorOption

  mutating func run() throws {
    if script {
      guard captures.isEmpty, root == nil, kernel.isEmpty, cmdline == nil, drivers == nil,
        aliases == nil
      else {
        throw UsageError(description: "--script takes nothing else; it prints the script")
      }
      return try Output.write(CaptureScript.text)
    }
    let format: FindingFormat = try dmamatrix.format(format)
    guard root == nil || captures.isEmpty else {
      throw UsageError(description: "--root and a capture exclude each other; give one")
    }
    let kernels = try commaSeparated(kernel).map { try dmamatrix.kernel($0) }
    if let cmdline, cmdline.allSatisfy(\.isWhitespace) {
      throw UsageError(
        description: "--cmdline is empty; expected parameters as \"iommu=pt swiotlb=force\"")
    }
    guard aliases == nil || drivers != nil else {
      throw UsageError(description: "--aliases needs --drivers, which says what modules set")
    }
    var known = try drivers.map { KnownDrivers(list: try DriverOption.read($0)) }
    if let aliases { known?.aliases = try ModuleAliases(path: aliases) }
    var isWorse = false
    let hosts =
      captures.isEmpty
      ? [try HostCapture(root: root ?? "/")] : try captures.map { try HostCapture(archive: $0) }
    var texts: [String] = []
    for capture in hosts {
      let host = try ReportedHost(capture, kernels: kernels, cmdline: cmdline, known: known)
      isWorse = isWorse || host.changes.contains(where: \.isWorse)
      texts.append(host.text(format))
    }
    let text =
      format == .json
      ? (texts.count == 1 ? texts[0] : "[\n" + texts.joined(separator: ",\n") + "]\n")
      : texts.joined(separator: "\n")
    try Output.write(color.applied(to: text, if: format == .text))
    if isWorse { throw ExitCode(1) }
  }
}

/// The drivers that devices without one are looked up among.
struct KnownDrivers {
  let list: DriverList
  var aliases: ModuleAliases?
}

/// One machine with everything that is asked about it.
struct ReportedHost {
  let report: HostReport
  let changes: [HostChanges]
  let traffic: (summary: TrafficSummary, notes: [String])?
  let replays: [(name: String, replay: TrafficReplay)]
  /// The devices without a driver, where a tree's are known.
  let unbound: (tree: String, devices: [UnboundDevice])?

  init(
    _ capture: HostCapture, kernels: [KernelVersion], cmdline: String?, known: KnownDrivers?
  ) throws {
    let boot = try Self.boot(capture)
    let trace = capture.trace.map { TraceReader.read($0) }
    let best = trace.map { TrafficCheck.best(of: $0, with: boot) }
    traffic = best.map { ($0.summary, trace?.notes ?? []) }
    let report = HostReport(best?.boot ?? boot, traffic: best?.summary)
    let platform = report.boot.platform
    var others: [(name: String, boot: HostBoot)] = []
    for kernel in kernels {
      let name = cmdline.map { "\(kernel.name), \"\($0)\"" } ?? kernel.name
      others.append((name, try Self.boot(capture, kernel, cmdline, platform)))
    }
    if kernels.isEmpty, let cmdline {
      others.append(("\"\(cmdline)\"", try Self.boot(capture, nil, cmdline, platform)))
    }
    self.report = report
    unbound = known.map { known in
      (
        known.list.tree,
        UnboundDevice.all(of: report, drivers: known.list.drivers, aliases: known.aliases)
      )
    }
    changes = others.map { other in
      HostChanges(
        name: other.name, before: report, after: HostReport(other.boot, traffic: best?.summary))
    }
    var replays: [(name: String, replay: TrafficReplay)] = []
    if let trace, let best {
      for other in others {
        replays.append(
          (other.name, TrafficReplay(trace, best.summary, under: other.boot)))
      }
    }
    self.replays = replays
  }

  /// A machine under a kernel and a command line; what cannot be booted is the user's to
  /// correct.
  static func boot(
    _ capture: HostCapture, _ version: KernelVersion? = nil, _ commandLine: String? = nil,
    _ platform: Platform? = nil
  ) throws -> HostBoot {
    do {
      return try HostBoot(
        capture, version: version, commandLine: commandLine, platform: platform)
    } catch {
      throw UsageError(description: error.description)
    }
  }

  func text(_ format: FindingFormat) -> String {
    if format == .json { return hostJSON(report, changes: changes, unbound: unbound?.devices) }
    var document = hostDocument(report)
    if let traffic {
      document.blocks += traffic.notes.map { .paragraph("trace: \($0).") }
      document.blocks += deviceTrafficBlocks(traffic.summary, replays: replays)
    }
    if let unbound {
      document.blocks += unboundDeviceBlocks(unbound.devices, tree: unbound.tree)
    }
    for change in changes { document.blocks += hostChangeBlocks(change) }
    return document.text(format == .markdown ? .markdown : .text)
  }
}
