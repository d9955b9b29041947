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
      slower, better.  Exit status 1 if something gets worse.  With --trees a kernel
      may be a tree that "verify --store" put into that database; it was asked on the
      matrix's machines, and what this machine answers otherwise is not compared.

      --store adds captures to a database, where the tables host, host_device,
      host_answer, host_change and host_traffic hold them, and named queries ask for
      them: fleet-breaks, fleet-bounces, fleet-coherent ("query --list").  A folder
      stands for the archives below it.  A capture replaces the one that was stored
      from the same path.  Captures are compared with every modelled release, or with
      those of --kernel.  What cannot be read is named and left out: exit status 2.  A database
      that does not exist is made, with the default matrix; "generate" keeps its
      machines.

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
        dmamatrix host --store fleet.db captures/
        dmamatrix query -d fleet.db --named fleet-breaks --param kernel=7.3
      """)

  @Argument(help: "Captures, as the script writes them.", completion: .file())
  var captures: [String] = []
  @Option(help: "The folder that the system's files lie in.", completion: .directory)
  var root: String?
  @Option(
    help: ArgumentHelp("Kernels to compare the captured one with.", valueName: "k"),
    completion: .kernelList)
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
    help: ArgumentHelp(
      "The tree, where --drivers is a database with several.", valueName: "name"))
  var treeName: String?
  @Option(
    help: ArgumentHelp("modules.alias of a kernel, beside --drivers.", valueName: "file"),
    completion: .file())
  var aliases: String?
  @Option(
    help: ArgumentHelp(
      "A database with trees that verify stored: their names are kernels.", valueName: "file"),
    completion: .database)
  var trees: String?
  @Option(
    help: ArgumentHelp("Add the captures to a database.", valueName: "file"),
    completion: .database)
  var store: String?
  @Option(
    help: ArgumentHelp("text, markdown or json.", valueName: "format"),
    completion: .formats(FindingFormat.self))
  var format = "text"
  @Flag(help: "Print the script that takes a capture.")
  var script = false
  @OptionGroup var color: ColorOption

  mutating func run() throws {
    if script {
      guard captures.isEmpty, root == nil, kernel.isEmpty, cmdline == nil, drivers == nil,
        aliases == nil, trees == nil, store == nil, treeName == nil, format == "text"
      else {
        throw UsageError(description: "--script takes nothing else; it prints the script")
      }
      return try Output.write(CaptureScript.text)
    }
    let format: FindingFormat = try dmamatrix.format(format)
    guard root == nil || captures.isEmpty else {
      throw UsageError(description: "--root and a capture exclude each other; give one")
    }
    let kernels = try namedKernels()
    if let store { return try stored(in: store, kernels, format) }
    guard aliases == nil || drivers != nil else {
      throw UsageError(description: "--aliases needs --drivers, which says what modules set")
    }
    guard treeName == nil || drivers != nil else {
      throw UsageError(description: "--tree-name needs --drivers, a database with that tree")
    }
    var known = try drivers.map {
      KnownDrivers(list: try DriverOption.read($0, tree: treeName))
    }
    if let aliases { known?.aliases = try ModuleAliases(path: aliases) }
    var isWorse = false
    let hosts =
      captures.isEmpty
      ? [try HostCapture(root: root ?? "/")] : try captures.map { try Self.capture($0) }
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

  private static func capture(_ path: String) throws -> HostCapture {
    if Input.isDirectory(path) {
      throw UsageError(
        description: "'\(path.printable)' is a folder; --root reads a capture that was unpacked")
    }
    return try HostCapture(archive: path == "-" ? "/dev/stdin" : path)
  }

  /// The modelled kernels and stored trees of --kernel.
  private func namedKernels() throws -> [KernelVersion] {
    guard let trees else { return try commaSeparated(kernel).map { try dmamatrix.kernel($0) } }
    guard !kernel.isEmpty else {
      throw UsageError(description: "--trees needs --kernel, which names a tree of it")
    }
    let database = try MatrixDatabase(path: trees)
    let stored = try TreeStore.names(in: database)
    return try commaSeparated(kernel).map { name in
      stored.contains(name)
        ? try TreeStore.kernel(name, in: database)
        : try dmamatrix.kernel(name, others: stored)
    }
  }

  /// Adds captures to a database.
  private func stored(
    in database: String, _ kernels: [KernelVersion], _ format: FindingFormat
  ) throws {
    guard root == nil, cmdline == nil, drivers == nil, aliases == nil, trees == nil else {
      throw UsageError(
        description: "--store takes captures and --kernel; --root, --cmdline, --drivers, --aliases "
          + "and --trees are for one machine's report")
    }
    guard format == .text else {
      throw UsageError(description: "--store prints a summary; --format is for reports")
    }
    guard !captures.isEmpty else {
      throw UsageError(description: "--store needs captures, or a folder with them")
    }
    let store = HostStore(
      database: database, kernels: kernels.isEmpty ? KernelVersion.releases : kernels)
    let result = try store.store(captures)
    for sentence in result.refused { Output.error("not stored: \(sentence)") }
    Output.summary(result.text(database: database))
    if !result.refused.isEmpty { throw ExitCode(2) }
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
    let trees = kernels.filter { $0.recorded != nil }
    guard trees.isEmpty || cmdline == nil else {
      throw UsageError(
        description: "--cmdline is not for a stored tree ('\(trees[0].name.printable)'), which was "
          + "asked on the matrix's boots; accepted: modelled kernels")
    }
    for kernel in kernels where kernel.recorded == nil {
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
    var changes = others.map { other in
      HostChanges(
        name: other.name, before: report, after: HostReport(other.boot, traffic: best?.summary))
    }
    changes += trees.map { tree in
      HostChanges(
        name: tree.name, before: report, tree: TreeComparison(report, with: tree))
    }
    var replays: [(name: String, replay: TrafficReplay)] = []
    if let trace, let best {
      for other in others where other.boot.exists {
        replays.append(
          (other.name, TrafficReplay(trace, best.summary, under: other.boot)))
      }
    }
    self.changes = changes
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
    if format == .json {
      let traffic = traffic.map { trafficJSON($0.summary, notes: $0.notes, replays: replays) }
      return hostJSON(report, changes: changes, traffic: traffic, unbound: unbound?.devices)
    }
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
