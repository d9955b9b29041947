import BootInputs
import DMAModel
import Foundation
import Support

/// A PCI device as sysfs shows it.
public struct HostDevice: Sendable, Hashable {
  /// The domain of the device's IOMMU group (drivers/iommu/iommu.c
  /// `iommu_group_show_type()`).
  public enum Domain: String, Sendable, CaseIterable {
    /// No group: no IOMMU translates for the device.
    case none = "none"
    case identity = "identity"
    case dma = "DMA"
    case dmaFlushQueue = "DMA-FQ"
    /// A user of its own has the domain (VFIO): the DMA API does not serve the device.
    case unmanaged = "unmanaged"
    case blocked = "blocked"
    /// A type that the tool does not know.
    case unknown = "unknown"
  }

  public let address: PCIAddress
  public var vendor: UInt16?
  public var device: UInt16?
  /// 24 bits: base class, sub-class, interface.
  public var classCode: UInt32?
  /// `fls64(*dev->dma_mask)`; nil where it is not in the capture.
  public var streamingBits: UInt8?
  /// `fls64(dev->coherent_dma_mask)`.
  public var coherentBits: UInt8?
  /// The driver's name, or nil for none.
  public var driver: String?
  public var domain: Domain

  /// The class in words: `NVMe`.
  public var classWords: String { classCode.map(PCIClass.words) ?? "class unknown" }

  /// The mask of so many bits; 0 for none.
  static func mask(_ bits: UInt8) -> UInt64 { bits == 0 ? 0 : bitMask(bits) }

  /// `*dev->dma_mask`, or nil.
  public var streamingMask: UInt64? { streamingBits.map(Self.mask) }
  /// `dev->coherent_dma_mask`, or nil.
  public var coherentMask: UInt64? { coherentBits.map(Self.mask) }

  /// Whether one of the masks is still the 32 bits that every PCI device starts with
  /// (drivers/pci/probe.c `pci_setup_device()`) while the driver has set the other.
  public var hasOneMaskOnly: Bool {
    guard let streamingBits, let coherentBits, driver != nil else { return false }
    return streamingBits != coherentBits && (streamingBits == 32 || coherentBits == 32)
  }
}

/// The counters of the default swiotlb (debugfs), in slots of 2 KiB.
public struct PoolCounters: Sendable, Hashable {
  /// `io_tlb_nslabs`.
  public var slots: UInt64
  /// `io_tlb_used`.
  public var used: UInt64?
  /// `io_tlb_used_hiwater`; a mark below ``used`` was reset.
  public var highWater: UInt64?
}

/// One machine as it is: its RAM, its devices, its pool and what it was booted with.
public struct HostCapture: Sendable {
  /// Where it was read from.
  public let name: String
  /// `uname -r`.
  public let release: String
  /// The command line, or nil where the capture has none.
  public let commandLine: String?
  public let family: Platform.Family
  /// The platforms that fit; SME's C-bit is not logged.
  public let platforms: [Platform]
  /// RAM, the pool's place and the CPUs.
  public let machine: Machine
  /// Whether the boot log says where the pool lies.
  public let poolPlaceIsKnown: Bool
  /// The counters, or nil where debugfs was not readable or there is no pool.
  public let pool: PoolCounters?
  /// The devices by address.
  public let devices: [HostDevice]
  /// Where the DMA zone ends, as the boot log says; arm64 places it below the
  /// narrowest dma-ranges (arch/arm64/mm/init.c `zone_sizes_init()`).
  public let dmaZoneEnd: UInt64?
  /// `iommu: Default domain type`, or nil.
  public let defaultDomain: IOMMUMode?
  /// Whether the log shows an IOMMU: a table of the firmware or a driver.
  public let mentionsIOMMU: Bool
  /// Whose IOMMU driver an x86 machine has: `intel` or `amd`; nil where neither the log nor
  /// the processor says it.
  public let iommuVendor: String?
  /// Whether there is a boot log that says whether memory is encrypted.
  public let knowsEncryption: Bool
  /// The trace, or nil.
  public let trace: ArraySlice<UInt8>?
  /// What is missing or uncertain, one sentence each.
  public let notes: [String]

  /// Bytes of a capture, decompressed: a trace of some million events.
  public static let byteLimit = 768 << 20

  /// Whether a file's content is a capture rather than a log or a trace.
  public static func isCapture(_ bytes: [UInt8]) -> Bool { TarArchive.isArchive(bytes) }

  /// Reads an archive, plain or compressed by gzip.
  ///
  /// - Throws: ``Support/InputError``.
  public init(archive path: String) throws(InputError) {
    let bytes = try GzipFile.contents(of: path, limit: Self.byteLimit)
    try self.init(archive: bytes, named: path)
  }

  /// Reads an archive in memory.
  public init(archive bytes: [UInt8], named name: String) throws(InputError) {
    var archive = TarArchive(file: name, bytes: bytes)
    try self.init(files: try archive.read(), name: name)
  }

  /// Reads the system below a root: `/`, or a folder that a capture was unpacked to.
  public init(root: String) throws(InputError) {
    try self.init(files: try CaptureFolder.read(root: root), name: root)
  }

  init(files: CaptureFiles, name: String) throws(InputError) {
    func bad(_ reason: String) -> InputError { .unreadable(file: name, reason: reason) }
    var notes: [String] = []
    let version = files.text("proc/version") ?? ""
    let words = version.split(separator: " ")
    guard words.count >= 3, words[0] == "Linux", words[1] == "version",
      words[2].first?.isNumber == true
    else {
      throw bad("no capture of a machine: proc/version does not begin with 'Linux version'")
    }
    release = String(words[2].prefix(128))
    let log = LogFacts(files.files["dmesg"] ?? [], version: version)
    guard let family = Self.family(of: files, log: log, version: version) else {
      throw bad(
        "the architecture is not to be seen in proc/cpuinfo; accepted: x86, arm64, powerpc, s390")
    }
    self.family = family
    if let reason = Self.unmodelled(family, files, release: release, version: version) {
      throw bad(reason)
    }
    if !log.isWhole {
      notes.append(
        files.files["dmesg"] == nil
          ? "there is no dmesg: memory encryption and the pool's place are not known"
          : "dmesg does not begin with the boot: memory encryption and the pool's place may be "
            + "missing")
    }
    if log.isCut { notes.append("dmesg is longer than a kernel log: its end was not read") }
    platforms = log.platforms.isEmpty ? [Self.plain(family)] : log.platforms
    commandLine = files.text("proc/cmdline") ?? log.commandLine
    if commandLine == nil { notes.append("there is no proc/cmdline: parameters are not known") }
    let counters = Self.counters(files)
    pool = counters
    if counters == nil, log.pool != nil {
      notes.append("the pool's counters are missing: debugfs is for root, and must be mounted")
    }
    defaultDomain = log.defaultDomain
    iommuVendor = log.iommuVendor ?? Self.vendor(files)
    knowsEncryption = files.files["dmesg"] != nil
    mentionsIOMMU = log.mentionsIOMMU
    dmaZoneEnd = log.dmaZoneEnd
    poolPlaceIsKnown = log.pool != nil
    let iomem = Self.ram(files.files["proc/iomem"] ?? [])
    if iomem.isEmpty {
      notes.append("proc/iomem shows no RAM, which only root may see; taken from dmesg")
    }
    guard
      var machine = Self.machine(iomem.isEmpty ? log.ram : iomem, observedPool: log.pool)
    else {
      throw bad(
        "neither proc/iomem nor dmesg says where RAM lies: only root sees them; take it as root")
    }
    machine.firmwareDMALimit = log.firmwareDMALimit
    machine.cpus = log.cpus ?? Self.processors(files) ?? machine.cpus
    self.machine = machine
    devices = try Self.devices(files, name: name)
    if devices.isEmpty { notes.append("there is no PCI device in sys/bus/pci/devices") }
    let maskless = devices.count { $0.streamingBits == nil || $0.coherentBits == nil }
    if maskless > 0 {
      notes.append("DMA masks of \(maskless) of \(devices.count) devices are missing")
    }
    for domain in [HostDevice.Domain.blocked, .unknown] {
      let some = devices.filter { $0.domain == domain }
      if !some.isEmpty {
        notes.append(
          "the IOMMU domain of \(some.prefix(8).map(\.address.description).joined(separator: ", ")) "
            + (domain == .blocked
              ? "is blocking: no DMA arrives; answered as if a driver had one that serves it"
              : "is of a type that is not known; answered as if there were none"))
      }
    }
    if let end = dmaZoneEnd, family == .arm64, ![1 << 30, 1 << 32].contains(end), end < 1 << 32 {
      notes.append(
        "the DMA zone ends at 0x\(String(end, radix: 16)), below 4 GiB, as the narrowest "
          + "dma-ranges of firmware make it: devices behind that bus reach no further, and the "
          + "capture does not say which they are")
    }
    trace = files.files[CaptureFiles.trace].flatMap { $0.isEmpty ? nil : $0 }
    self.name = name
    self.notes = notes
  }

  private static func vendor(_ files: CaptureFiles) -> String? {
    let text = String(decoding: (files.files["proc/cpuinfo"] ?? []).prefix(4096), as: UTF8.self)
    if text.contains("GenuineIntel") { return "intel" }
    return text.contains("AuthenticAMD") || text.contains("HygonGenuine") ? "amd" : nil
  }

  /// Why the architecture is one that the model does not have; nil where it has.
  private static func unmodelled(
    _ family: Platform.Family, _ files: CaptureFiles, release: String, version: String
  ) -> String? {
    if family == .ppc64,
      case let text = String(decoding: files.files["proc/cpuinfo"] ?? [], as: UTF8.self),
      text.contains("pSeries") || text.contains("PowerNV")
    {
      return "an IBM machine (pSeries or PowerNV): its devices are mapped by TCE tables "
        + "(arch/powerpc/platforms, dma_iommu_ops), which are not modelled"
    }
    if family == .x86,
      version.contains("i686-linux") || release.contains("-686") || release.hasSuffix("-i386")
    {
      return "a 32-bit x86 kernel, whose zones and highmem are not modelled"
    }
    return nil
  }

  private static func plain(_ family: Platform.Family) -> Platform {
    switch family {
    case .x86: .x86
    case .arm64: .arm64
    case .ppc64: .ppc64
    case .s390: .s390
    case .xen: .xenPV
    }
  }

  /// The architecture, by what each one's cpuinfo alone has.
  private static func family(
    of files: CaptureFiles, log: LogFacts, version: String
  ) -> Platform.Family? {
    if log.platforms == [.xenPV] { return .xen }
    let text = String(decoding: (files.files["proc/cpuinfo"] ?? []).prefix(4096), as: UTF8.self)
    let keys = Set(
      text.split(whereSeparator: \.isNewline).map {
        String($0.prefix { $0 != ":" }).trimmingCharacters(in: .whitespaces)
      })
    if text.contains("IBM/S390") { return .s390 }
    if keys.contains("CPU implementer") { return .arm64 }
    if keys.contains("flags"), keys.contains("cpu family") || keys.contains("model name") {
      return .x86
    }
    if keys.contains("cpu"), keys.contains("revision") || text.contains("POWER") { return .ppc64 }
    if keys.contains("flags") { return .x86 }
    // A kernel built by a cross compiler names its target.
    if version.contains("aarch64-linux") { return .arm64 }
    if version.contains("x86_64-linux") { return .x86 }
    if version.contains("powerpc64le-linux") { return .ppc64 }
    if version.contains("s390x-linux") { return .s390 }
    return nil
  }

  private static func processors(_ files: CaptureFiles) -> Int? {
    guard let bytes = files.files["proc/cpuinfo"] else { return nil }
    let word = Array("processor".utf8)
    let count = bytes.split(separator: UInt8(ascii: "\n")).count { $0.starts(with: word) }
    return count > 0 ? min(count, 65536) : nil
  }

  private static func counters(_ files: CaptureFiles) -> PoolCounters? {
    func number(_ name: String) -> UInt64? {
      files.text(CaptureFiles.pool + name).flatMap { UInt64($0) }
    }
    guard let slots = number("io_tlb_nslabs"), slots > 0, slots < 1 << 32 else { return nil }
    return PoolCounters(
      slots: slots, used: number("io_tlb_used"), highWater: number("io_tlb_used_hiwater"))
  }

  /// The lines `start-end : System RAM` of the outermost level; none where the kernel
  /// hides addresses from users who are not root.
  private static func ram(_ bytes: ArraySlice<UInt8>) -> [PhysicalRange] {
    var found: [PhysicalRange] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.first != 0x20 {
      let text = String(decoding: line.prefix(128), as: UTF8.self)
      guard text.hasSuffix(" : System RAM") else { continue }
      let bounds = text.prefix { $0 != " " }.split(separator: "-")
      guard bounds.count == 2, let start = UInt64(bounds[0], radix: 16),
        let end = UInt64(bounds[1], radix: 16), start < end, end < 1 << 56
      else { continue }
      found.append(PhysicalRange(start, end + 1))
    }
    return found
  }

  private static func machine(
    _ ranges: [PhysicalRange], observedPool: PhysicalRange?
  ) -> Machine? {
    var joined: [PhysicalRange] = []
    for range in ranges.sorted(by: { $0.start < $1.start }) {
      let (start, end) = ((range.start + 4095) & ~4095, range.end & ~4095)
      guard start < end else { continue }
      if let last = joined.last, start <= last.end {
        joined[joined.count - 1].end = max(last.end, end)
      } else {
        joined.append(PhysicalRange(start, end))
      }
    }
    let size = joined.reduce(0) { $0 + $1.length }
    let gigabytes = max(1, (size + (1 << 29)) >> 30)
    return Machine(
      name: MachineName("host-\(gigabytes)G"), ram: joined, observedPool: observedPool)
  }

  private static func devices(
    _ files: CaptureFiles, name: String
  ) throws(InputError) -> [HostDevice] {
    var found: [HostDevice] = []
    for address in files.deviceAddresses {
      let path = CaptureFiles.devices + address.description + "/"
      func hexadecimal(_ attribute: String) -> UInt64? {
        files.text(path + attribute).flatMap { UInt64(hexadecimal: $0) }
      }
      func bits(_ attribute: String) throws(InputError) -> UInt8? {
        guard let text = files.text(path + attribute), !text.isEmpty else { return nil }
        guard let bits = UInt8(text), bits <= 64 else {
          throw .unreadable(
            file: name,
            reason: "\(address) \(attribute) '\(text.printable)'; accepted: 0 to 64")
        }
        return bits
      }
      let link = files.links[path + "driver"] ?? files.text(path + "driver/name")
      let driver = link?.split(separator: "/").last.map { String($0.prefix(64)) }
      let type = files.text(path + "iommu_group/type")
      found.append(
        HostDevice(
          address: address, vendor: hexadecimal("vendor").flatMap(UInt16.init(exactly:)),
          device: hexadecimal("device").flatMap(UInt16.init(exactly:)),
          classCode: hexadecimal("class").flatMap { $0 < 1 << 24 ? UInt32($0) : nil },
          streamingBits: try bits("dma_mask_bits"),
          coherentBits: try bits("consistent_dma_mask_bits"), driver: driver,
          domain: type.map { HostDevice.Domain(rawValue: $0) ?? .unknown } ?? .none))
    }
    return found
  }
}
