import Foundation
import Support

/// The masks that the drivers of a kernel tree set.
public struct DriverScan: Sendable {
  /// `7.3.4` from the Makefile.
  public let release: String
  /// Files that set masks, limits or attributes, by path.
  public let drivers: [Driver]
  /// C files and headers that were read.
  public let filesRead: Int
  /// Files that are larger than any that a person wrote, which were not.
  public let unread: [String]
  /// Files whose conditions nest too deep to be followed.
  public let tooDeep: [String]

  /// The directories whose C files are read.
  public static let sourceDirectories = ["arch", "drivers", "net", "sound"]
  /// Those with Kconfig files, beside.
  private static let otherDirectories = [
    "block", "certs", "crypto", "fs", "init", "io_uring", "kernel", "lib", "mm", "samples",
    "security", "usr", "virt",
  ]

  /// Reads the drivers of a tree; nothing in it is run.
  ///
  /// - Parameter progress: Called with the fraction done, from any thread.
  /// - Throws: ``ScanError`` where there is no kernel tree.
  public init(
    tree path: String, progress: @Sendable (Double) -> Void = { _ in }
  ) throws(ScanError) {
    let tree = try TreeFiles(path: path)
    release = Self.release(of: tree)
    let listing = try tree.listing(of: Self.sourceDirectories + Self.otherDirectories)
    let sources = listing.sources.filter { file in
      Self.sourceDirectories.contains { file.hasPrefix($0 + "/") }
    }
    let headers = Headers(tree)
    let found = inParts(sources, progress: progress) { Self.read($0, tree, headers) }
    let makefiles = inParts(listing.makefiles) { ($0, tree.text(of: $0)) }
    let kconfigs = inParts(listing.kconfigs + ["Kconfig"]) { ($0, tree.text(of: $0)) }
    let kbuild = Kbuild(makefiles)
    let kconfig = KconfigSymbols(kconfigs)

    var including: [String: [String]] = [:]
    for file in found {
      for source in file.includedSources { including[source, default: []].append(file.path) }
    }
    let includers = including
    let places = inParts(found.filter { $0.driver != nil || $0.hasTable }.map(\.path)) {
      (
        $0,
        kbuild.place(of: $0)
          ?? Kbuild.Place(joining: (includers[$0] ?? []).compactMap(kbuild.place))
      )
    }
    let placeOf = Dictionary(places) { first, _ in first }
    let named = found.compactMap(\.driver)
    // Tables of other files of the same modules.
    let modules = Set(named.map { Self.key(of: $0.file, placeOf[$0.file] ?? nil) })
    let withTable = found.filter {
      $0.hasTable && modules.contains(Self.key(of: $0.path, placeOf[$0.path] ?? nil))
    }
    let tables = inParts(withTable.map(\.path)) { path in
      let file = CFile(path: path, bytes: tree.read(path) ?? [])
      let tables = DeviceTables(file, headers: headers)
      return (path, Table(file: path, buses: tables.buses, ids: tables.ids))
    }
    let tablesOf = Dictionary(grouping: tables) {
      Self.key(of: $0.0, placeOf[$0.0] ?? nil)
    }
    let setting = Dictionary(
      grouping: named.filter(\.setsMasks), by: { Self.key(of: $0.file, placeOf[$0.file] ?? nil) })
    let setters = CoreSetters(
      found.filter { !$0.setters.isEmpty }.map { ($0.path, $0.setters) },
      exporting: found.filter(\.exports).map(\.path), sources: sources, tree: tree)
    let usedBy = Dictionary(found.map { ($0.path, $0.used) }) { first, _ in first }
    drivers = inParts(named) { driver in
      let place = placeOf[driver.file] ?? nil
      var driver = driver
      // What one file leaves, another of the module may have set.
      if driver.leavesMasks, setting[Self.key(of: driver.file, place), default: []].count > 1 {
        driver.isDecided = false
        driver.doubts.append(
          MaskDoubt(line: 0, reason: "another file of the module may set the mask that is left"))
      }
      if driver.setsMasks,
        let doubt = setters.doubt(about: usedBy[driver.file] ?? [], of: driver.file)
      {
        driver.isDecided = false
        driver.doubts.append(doubt)
      }
      return Self.placed(
        driver, place, kconfig, tables: (tablesOf[Self.key(of: driver.file, place)] ?? []).map(\.1))
    }
    filesRead = sources.count
    unread = listing.tooLarge
    tooDeep = found.filter(\.isTooDeep).map(\.path)
  }

  /// What one file holds.
  private struct Found: Sendable {
    let path: String
    var driver: Driver?
    var hasTable = false
    /// Its functions that lead to masks and that other files may call.
    var setters: [String] = []
    /// The hashes of what its functions use of other files.
    var used: Set<Int> = []
    var isTooDeep = false
    /// Whether it exports functions.
    var exports = false
    /// The C files that it includes.
    var includedSources: [String] = []
  }

  /// The device tables of a file.
  private struct Table: Sendable {
    let file: String
    let buses: [String]
    let ids: [DeviceID]
  }

  private static let table = ByteSearch("MODULE_DEVICE_TABLE")

  private static func read(_ path: String, _ tree: TreeFiles, _ headers: Headers) -> Found {
    var found = Found(path: path)
    guard let bytes = tree.read(path) else { return found }
    if path.hasSuffix(".c") { found.includedSources = Self.sources(includedBy: path, bytes) }
    found.exports = path.hasSuffix(".c") && CoreSetters.export.first(in: bytes) != nil
    found.hasTable = path.hasSuffix(".c") && table.first(in: bytes) != nil
    guard DriverFile.needles.contains(where: { $0.first(in: bytes) != nil }) else { return found }
    let file = CFile(path: path, bytes: bytes)
    found.isTooDeep = file.isTooDeep
    var read = DriverFile(file, headers: headers)
    guard !read.calls.isEmpty || !read.uses.isEmpty else { return found }
    var driver = Driver(file: path)
    driver.uses = read.uses
    driver.buses = read.registeredBuses
    driver.registers = !driver.buses.isEmpty
    for (bus, words) in Self.busWords
    where (!driver.registers || words == [bus + "_device_id"])
      && words.contains(where: { bytes.contains(word: $0) })
    {
      driver.buses.append(bus)
    }
    driver.isTest =
      path.contains("/selftests/") || path.contains("/tests/")
      || file.includes.contains { $0.name == "kunit/test.h" }
    (driver.masks, driver.isDecided, driver.doubts) = read.pairs(
      sharesOneMask: driver.sharesOneMask)
    driver.calls = read.calls
    driver.leavesMasks = read.leavesMasks
    found.setters = read.setters
    if driver.setsMasks { found.used = read.used }
    found.driver = driver
    return found
  }

  /// What the file of a driver of each bus has.
  private static let busWords: [(bus: String, words: [String])] = [
    ("pci", ["pci_driver", "pci_dev"]), ("platform", ["platform_driver", "platform_device"]),
    ("amba", ["amba_driver", "amba_device"]), ("usb", ["usb_driver", "usb_device"]),
    ("of", ["of_device_id"]), ("acpi", ["acpi_device_id"]),
  ]

  /// What names the module that a file is part of.
  private static func key(of file: String, _ place: Kbuild.Place?) -> String {
    let directory = file.split(separator: "/").dropLast().joined(separator: "/")
    return place.map { "\($0.module) \($0.symbols.first ?? directory)" } ?? file
  }

  private static let include = ByteSearch(".c\"")

  /// The paths of `#include "name.c"`, beside the file or below it.
  private static func sources(includedBy path: String, _ bytes: [UInt8]) -> [String] {
    guard include.first(in: bytes) != nil else { return [] }
    let directory = path.split(separator: "/").dropLast().joined(separator: "/")
    return CFile(path: path, bytes: bytes).includes.lazy
      .filter { $0.isQuoted && $0.name.hasSuffix(".c") }.prefix(256)
      .compactMap { Headers.normalized(directory + "/" + $0.name) }
  }

  private static func placed(
    _ driver: Driver, _ place: Kbuild.Place?, _ kconfig: KconfigSymbols, tables: [Table]
  ) -> Driver {
    var driver = driver
    driver.module = place?.module
    let module = place?.symbols ?? []
    let ofObject = place?.ownSymbols ?? []
    // PCI of `driver-$(CONFIG_PCI) += pci.o` is no symbol of the driver.
    let isOfModule = ofObject.allSatisfy { symbol in
      module.contains { symbol.hasPrefix($0) || kconfig.dependsOn(symbol).contains($0) }
    }
    let symbols = isOfModule ? ofObject : module
    driver.kconfig = symbols.isEmpty ? nil : symbols.joined(separator: ",")
    driver.dependsOn = KconfigSymbols.joined(
      symbols.map(kconfig.dependsOn).distinct, by: " || ", around: "&&")
    let ways = place?.ways ?? [[]]
    if !ways.contains(where: { way in !way.contains { $0.contains("KUNIT") } }) {
      driver.isTest = true
    }
    let own = driver.file.hasPrefix("arch/") ? driver.file.split(separator: "/")[1] : nil
    for architecture in Architecture.allCases
    where own.map({ $0 == architecture.rawValue }) ?? true {
      if ways.contains(where: { kconfig.canBeOn($0, architecture, compileTest: false) }) {
        driver.architectures.append(architecture)
      } else if ways.contains(where: { kconfig.canBeOn($0, architecture, compileTest: true) }) {
        driver.compileTestOnly.append(architecture)
      }
    }
    for table in tables {
      for bus in table.buses
      where !driver.buses.contains(bus) && driver.takes(bus, from: table.file) {
        driver.buses.append(bus)
      }
      driver.ids += table.ids.filter { driver.takes($0.bus, from: table.file) }
    }
    return driver
  }

  private static func release(of tree: TreeFiles) -> String {
    var fields: [String: String] = [:]
    for line in tree.text(of: "Makefile").split(separator: "\n").prefix(10) {
      let parts = line.split(separator: "=", maxSplits: 1).map { part in
        part.filter { !$0.isWhitespace }
      }
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    let numbers = ["VERSION", "PATCHLEVEL", "SUBLEVEL"].compactMap { fields[$0] }
    let text = numbers.joined(separator: ".") + (fields["EXTRAVERSION"] ?? "")
    return text.isEmpty ? "unknown" : text.printable
  }
}

extension Driver {
  /// Whether a device table of its module is about its devices.
  fileprivate func takes(_ bus: String, from file: String) -> Bool {
    guard registers, file != self.file else { return true }
    // Firmware describes the devices of other buses.
    return buses.contains(bus)
      || (bus == "of" || bus == "acpi") && !buses.contains("pci") && !buses.contains("usb")
  }
}

extension TreeFiles {
  /// A file as text, empty where it cannot be read.
  func text(of file: String) -> String {
    read(file).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// The values of a function for many small elements, on all CPUs, in their order.
private func inParts<Element: Sendable, Value: Sendable>(
  _ elements: [Element], progress: @Sendable (Double) -> Void = { _ in },
  _ value: @Sendable (Element) -> Value
) -> [Value] {
  let size = 32
  let parts = stride(from: 0, to: elements.count, by: size).map {
    elements[$0..<min($0 + size, elements.count)]
  }
  return concurrently(parts, progress: progress) { $0.map(value) }.flatMap { $0 }
}
