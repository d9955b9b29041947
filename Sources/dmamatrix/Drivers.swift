import Analysis
import ArgumentParser
import DMAModel
import DriverScan
import Foundation
import MatrixStore
import Reporting
import Support

struct Drivers: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say which DMA masks the drivers of a kernel tree set.",
    discussion: """
      Reads every C file below arch, drivers, net and sound, and runs nothing of
      the tree: calls of dma_set_mask() and its relatives, stores to dma_mask
      and coherent_dma_mask, segment limits and DMA_ATTR_*.  A mask may be a
      constant, a macro, an enum or a variable of the same file or its headers;
      what ternaries, fallbacks and #if choose are alternatives; what is not
      decided is listed with its expression.  The Makefiles say the module,
      Kconfig the architectures, MODULE_DEVICE_TABLE the devices.

      Which streaming and coherent masks a device may have together is followed
      through the statements of the functions that set them, a call succeeding
      or leaving the mask; devices that are refused have none.  A mask that nothing
      sets is the bus's: 32 bits on PCI, platform and AMBA buses, not decided on
      others.  Conditions that are not read go both ways, so
      that a pair may be too many.  Where others are possible, the file is not
      decided, and each reason is said with its line (in JSON as "doubts", in a
      database as driver_doubt):

      - masks of members and types that are not read, and of members that are
        written by another name, share their place or may change;
      - devices that are not the probe function's own: a parent, a child, two
        devices, one that another file or module hands over;
      - masks that another file of the module may set, or a core whose
        function is called and that sets masks itself or hands the call on to
        one that does;
      - functions that are no probe function and set masks behind one, or may
        fail while the device keeps its driver;
      - results that go through another file's function, and positive ones;
      - macros and inline functions of headers that return, assign or set
        masks, macros that #if or one of several headers chooses;
      - #if inside of a statement, assignments and statements inside of
        expressions, gotos into loops, macros in front of statements.

      Not decided is also what is beyond the limits, which no driver of 7.3
      reaches: 12000 words in a function, 60000 in those that lead to a call,
      200 such functions, 200 calls and stores in a file, 200000 steps of its
      statements.  Files of more than 4 MiB are not read; their number is said.

      With --compare or --check each transition or finding, those about the
      fewest drivers first, is followed by the drivers whose masks it holds for;
      "Drivers with swiotlb=force" are those of scenarios with that axis.

      A driver is a source file that calls one of these functions below drivers,
      net or sound.  Left out, and counted: drivers that Kconfig does not allow
      on those platforms, or only with COMPILE_TEST; drivers of device trees on
      x86; drivers without PCI devices for untrusted devices.  Named apart: those
      with a pair of masks that the matrix does not have, as 64/31, which
      --coherent-mask adds.
      Not known: which operations a driver uses, masks that another file or the
      bus sets later, what another module's table of operations leads to, and
      masks of devices whose mask is another's.  A file counts as a driver
      that sets one mask alone even where another file of its module sets the
      other.

      Lists of drivers are cut after 12; --all shows all of them.

      --store adds the drivers to a database, where the tables driver,
      driver_mask, driver_pair, driver_use and driver_id hold them and named
      queries ask for them ("query --list").  A tree of the same name replaces
      itself, and "generate" keeps them when it makes the database anew.  A
      database that does not exist is made, with the default matrix.

      With --compare and --check, the exit status is that of these commands.

      Examples:
        dmamatrix drivers --tree ~/linux
        dmamatrix drivers --tree ~/linux --driver tg3
        dmamatrix drivers --tree ~/linux --store matrix.db
        dmamatrix drivers --tree ~/linux --compare v6,v7 --platform x86-sme47
        dmamatrix drivers --tree ~/linux --check 7.3 --base 7.2
      """)

  @Option(help: "The kernel tree.", completion: .directory)
  var tree: String
  @Option(
    help: ArgumentHelp(
      "What to call the tree (default: its version).", valueName: "name"))
  var name: String?
  @Option(help: "Add the drivers to a database.", completion: .database)
  var store: String?
  @Option(
    help: ArgumentHelp("Kernels to compare, the base first.", valueName: "k,k"),
    completion: .kernelList)
  var compare: String?
  @Option(help: ArgumentHelp("A kernel to check.", valueName: "k"), completion: .kernels)
  var check: String?
  @Option(
    help: ArgumentHelp(
      "The version that --check compares with (default: the release below).", valueName: "k"),
    completion: .kernels)
  var base: String?
  @Option(
    help: ArgumentHelp("text, markdown or json.", valueName: "format"),
    completion: .formats(FindingFormat.self))
  var format = "text"
  @Option(
    help: ArgumentHelp(
      "One driver alone: a module, or a file or the end of its path.", valueName: "name"))
  var driver: String?
  @OptionGroup var length: DriverLength
  @OptionGroup var color: ColorOption
  @OptionGroup(title: "Filters of --compare and --check") var filters: AxisFilters

  mutating func run() throws {
    guard compare == nil || check == nil else {
      throw UsageError(description: "--compare and --check exclude each other; give one")
    }
    guard base == nil || check != nil else {
      throw UsageError(description: "--base is for --check, which is not given")
    }
    guard store == nil || compare == nil && check == nil else {
      throw UsageError(description: "--store is not for --compare and --check; store first")
    }
    if compare == nil, check == nil {
      try filters.refuse(in: "drivers without --compare or --check")
    }
    guard driver == nil || store == nil && compare == nil && check == nil else {
      throw UsageError(description: "--driver is not for --store, --compare and --check")
    }
    guard filters.kernel.isEmpty else {
      throw UsageError(
        description: "--kernel is no filter of drivers; --compare and --check name them")
    }
    let format: FindingFormat = try dmamatrix.format(format)
    if let store, FileManager.default.fileExists(atPath: store) {
      _ = try MatrixDatabase(path: store)
    } else if let store {
      try AtomicFile.check(store)
    }
    let kernels = try (compare ?? check).map {
      try filters.kernels(
        called: commaSeparated([$0]), option: compare == nil ? "--check" : "--compare")
    }
    if compare != nil, (kernels?.count ?? 0) < 2 {
      throw UsageError(description: "--compare needs two kernels or more, as v6,v7")
    }
    if check != nil, kernels?.count != 1 {
      throw UsageError(description: "--check names \(kernels?.count ?? 0) kernels; accepted: one")
    }
    let base = try base.map { try filters.kernel(called: $0, option: "--base") }
    let domain = try filters.domain()
    let scan = try DriverScan(tree: tree) { Output.progress($0, "reading") }
    Output.progress(1, "reading")
    sayUnread(scan)
    let name = name ?? scan.release.split(separator: ".").prefix(2).joined(separator: ".")
    var list = DriverList(tree: name, drivers: scan.drivers)
    list.domain = domain
    if length.all { list.limit = nil }
    list.ordersFindings = true
    if let kernels, compare != nil {
      try Compare.write(kernels, domain: domain, format: format, drivers: list, color: color)
    } else if let kernel = kernels?.first {
      try checked(kernel, base: base, domain: domain, format: format, list)
    } else {
      if let store { try stored(scan, name: name, in: store) }
      try Output.write(
        try text(scan, name: name, format: format, limit: list.limit), isKept: store != nil)
    }
  }

  private func stored(_ scan: DriverScan, name: String, in path: String) throws {
    try DatabaseTarget.prepare(path)
    try DriverStore.add(scan, named: name, to: path, toolVersion: toolVersion) {
      Interruption.removeOnSignal($0)
    }
  }

  private func text(
    _ scan: DriverScan, name: String, format: FindingFormat, limit: Int?
  ) throws -> String {
    if let driver {
      let found = scan.drivers.filter { $0.isNamed(driver) }
      guard !found.isEmpty else {
        throw UsageError(
          description: "--driver '\(driver.printable)' is no module or file of the tree that "
            + "sets masks, limits or attributes")
      }
      switch format {
      case .text: return driverDocument(found, of: name).text(.text)
      case .markdown: return driverDocument(found, of: name).text(.markdown)
      case .json: return driversJSON(scan, named: name, only: found)
      }
    }
    switch format {
    case .text: return driversDocument(scan, named: name, limit: limit).text(.text)
    case .markdown: return driversDocument(scan, named: name, limit: limit).text(.markdown)
    case .json: return driversJSON(scan, named: name)
    }
  }

  private func checked(
    _ kernel: KernelVersion, base: KernelVersion?, domain: MatrixDomain, format: FindingFormat,
    _ list: DriverList
  ) throws {
    guard domain.hasScenarios(on: kernel) else { throw UsageError.noScenario(on: kernel.name) }
    let check = Check(
      kernel, base: base ?? kernel.reviewBase, domain: domain, findsCauses: true
    ) {
      Output.progress($0, "checking \(kernel.name)")
    }
    let text = checkText([check], format: CheckFormat(format), drivers: list)
    try Output.write(color.applied(to: text, if: format == .text))
    if !check.causes.isEmpty { throw ExitCode(1) }
  }
}

/// Says which files of a tree were not read.
private func sayUnread(_ scan: DriverScan) {
  guard !scan.unread.isEmpty else { return }
  let first = scan.unread.prefix(3).map(\.printable).joined(separator: ", ")
  let more = scan.unread.count > 3 ? ", and \(scan.unread.count - 3) more" : ""
  Output.sentence("files of more than 4 MiB are not read: \(scan.unread.count): \(first)\(more)")
}

/// How long lists of drivers are.
struct DriverLength: ParsableArguments {
  @Flag(help: "Show all: what is behind a summary, and each driver of a list, not the first 12.")
  var all = false
}

/// The drivers that findings are joined with.
struct DriverOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "End each finding with the drivers of a kernel tree, or of a database with one.",
      valueName: "path"), completion: .file())
  var drivers: String?
  @Option(
    help: ArgumentHelp(
      "The tree, where --drivers is a database with several.", valueName: "name"))
  var treeName: String?

  /// The drivers, or nil where none are asked for.
  ///
  /// - Parameters:
  ///   - domain: The part of the matrix that findings are about.
  ///   - length: How long their lists are; as a report has them without.
  func list(
    _ domain: MatrixDomain = MatrixDomain(), length: DriverLength? = nil
  ) throws -> DriverList? {
    guard let drivers else {
      guard treeName == nil else {
        throw UsageError(description: "--tree-name needs --drivers, a database with that tree")
      }
      if length?.all == true {
        throw UsageError(description: "--all needs --drivers, whose lists it is for")
      }
      return nil
    }
    var list = try Self.read(drivers, tree: treeName)
    list.domain = domain
    if length?.all == true { list.limit = nil }
    return list
  }

  private static func read(tree path: String) throws -> DriverScan {
    do {
      return try DriverScan(tree: path) { Output.progress($0, "reading") }
    } catch {
      throw UsageError(description: error.named(by: "--drivers"))
    }
  }

  /// The drivers of a kernel tree, or of a database with one.
  ///
  /// - Parameter tree: Which tree of a database.
  static func read(_ drivers: String, tree: String? = nil) throws -> DriverList {
    if FileManager.default.fileExists(atPath: drivers), !Input.isDirectory(drivers) {
      let (tree, stored) = try DriverStore.drivers(
        named: tree, in: MatrixDatabase(path: drivers))
      return DriverList(tree: tree, drivers: stored)
    }
    guard tree == nil else {
      throw UsageError(description: "--tree-name is for a database; --drivers is a kernel tree")
    }
    let scan = try read(tree: drivers)
    Output.progress(1, "reading")
    sayUnread(scan)
    return DriverList(tree: scan.release, drivers: scan.drivers)
  }
}
