import DMAModel
import Support

extension Fact {
  /// What a message says; most say nothing about DMA.
  static func values(of message: Substring) -> [Value] {
    guard !message.isEmpty else { return [] }
    var values: [Value] = []
    for read in [boot, platform, memory, pool, iommu, devices] {
      read(message, &values)
    }
    return values
  }

  /// Whether a message is the first of a boot (init/main.c `start_kernel()`).
  static func isBanner(_ message: Substring) -> Bool {
    message.rest(after: "Linux version ")?.first?.isNumber == true
  }

  private static func boot(_ message: Substring, _ values: inout [Value]) {
    if isBanner(message), let rest = message.rest(after: "Linux version ") {
      values.append(.release(String(rest.prefix { !$0.isWhitespace })))
      values += architectures(ofBanner: rest).map { .architecture($0) }
    } else if let rest = message.rest(after: "Kernel command line: ")
      ?? message.rest(after: "Command line: ")
    {
      values.append(.commandLine(String(rest)))
    } else if let rest = message.text(after: "nr_cpu_ids:") ?? message.text(after: "nr_cpu_ids="),
      let count = Int(rest.prefix { $0.isNumber }), (1...65536).contains(count)
    {
      values.append(.processors(count))
    } else if let release = releaseOfOops(message) {
      values.append(.oopsRelease(release))
    } else if let stage = stage(message) {
      values.append(.reached(stage))
    } else if message.hasPrefix("dmaprobe: v"), let rest = message.text(after: "domain=") {
      values.append(.probedDomain(String(rest.prefix { !$0.isWhitespace })))
    }
    if let failure = FailingLine(message) { values.append(.failure(failure)) }
  }

  /// `CPU: 2 PID: 314 Comm: x Not tainted 6.12.9 #1`: lib/dump_stack.c
  /// `dump_stack_print_info()`; `Tainted: G        W  O` has letters and blanks.
  private static func releaseOfOops(_ message: Substring) -> String? {
    guard message.hasPrefix("CPU: "), message.contains(" PID: "),
      let rest = message.text(after: "ainted")
    else { return nil }
    return rest.split(separator: " ").first { $0.first?.isNumber == true && $0.contains(".") }
      .map(String.init)
  }

  /// How far the boot went, by what is printed at one level of the initcalls alone.
  private static func stage(_ message: Substring) -> BootStage? {
    if userspaceMarks.contains(where: message.hasPrefix) { return .userspace }
    if driverMarks.contains(where: message.hasPrefix) { return .drivers }
    // drivers/pci/probe.c `pci_setup_device()`, `pci_register_host_bridge()`.
    let rest = message.rest(after: "pci ") ?? message.rest(after: "pci_bus ")
    return rest?.first?.isHexDigit == true ? .enumeration : nil
  }

  private static let userspaceMarks = [
    "Freeing unused kernel", "Run /sbin/init", "Run /init", "systemd[", "VFS: Mounted root",
  ]
  /// rootfs_initcall and later; the first is arch/x86/kernel/pci-dma.c `pci_iommu_init()`.
  /// "Freeing initrd memory" is none of them: init/initramfs.c unpacks beside it.
  private static let driverMarks = [
    "PCI-DMA: Using software bounce buffering", "loop: module loaded",
    "Serial: 8250/16550 driver", "hv_vmbus: registering driver", "clk: Disabling unused clocks",
    "EXT4-fs (", "XFS (", "BTRFS info", "BTRFS: device", "scsi host", "sd ", "usb 1-", "usb 2-",
    "nvme nvme", "input: ", "ata1: ",
  ]

  /// The compiler's target and the distribution's suffix of the release.
  ///
  /// Compilers of x86_64 and powerpc64 make kernels of 32 bits, too: see
  /// ``PlatformEvidence``.  There is no little-endian powerpc of 32 bits.
  private static func architectures(ofBanner text: Substring) -> [Architecture] {
    let marks: [(mark: String, architecture: Architecture)] = [
      ("x86_64", .x86), ("-amd64", .x86), ("aarch64", .arm64), ("-arm64", .arm64),
      ("s390x", .s390), ("ppc64le", .ppc64), ("powerpc64le", .ppc64), ("ppc64", .powerpc),
      ("powerpc64", .powerpc), ("powerpc-", .other("powerpc of 32 bits")),
      ("i686", .other("x86 of 32 bits")), ("i386", .other("x86 of 32 bits")),
      ("i586", .other("x86 of 32 bits")), ("-686", .other("x86 of 32 bits")),
      ("arm-linux", .other("arm of 32 bits")), ("armv7", .other("arm of 32 bits")),
      ("gnueabi", .other("arm of 32 bits")), ("armmp", .other("arm of 32 bits")),
      ("riscv", .other("riscv")), ("loongarch", .other("loongarch")), ("mips", .other("mips")),
      ("sparc", .other("sparc")), ("microblaze", .other("microblaze")), ("m68k", .other("m68k")),
      ("alpha-", .other("alpha")), ("hppa", .other("parisc")), ("ia64", .other("ia64")),
      ("xtensa", .other("xtensa")), ("or1k", .other("openrisc")), ("csky", .other("csky")),
      ("nios2", .other("nios2")), ("sh4-", .other("sh")), ("arceb", .other("arc")),
      ("arc-", .other("arc")),
    ]
    return marks.filter { text.contains($0.mark) }.map(\.architecture).prefix(1).map { $0 }
  }

  // MARK: - Memory

  private static func memory(_ message: Substring, _ values: inout [Value]) {
    if message.contains("user-defined physical RAM map:") {
      values.append(.userMap)
    } else if let rest = message.rest(after: "BIOS-e820: [mem ")
      ?? message.rest(after: "Xen: [mem ") ?? message.rest(after: "user: [mem ")
    {
      // arch/x86/xen/setup.c: only a PV domain has this map.
      if message.hasPrefix("Xen: ") { values.append(.xenPV) }
      if isRAM(rest), let range = inclusive(rest) { values.append(.firmwareRAM(range)) }
    } else if message.hasPrefix("node "), let mark = message.firstRange(of: ": [mem ") {
      if let range = inclusive(message[mark.upperBound...]) { values.append(.nodeRAM(range)) }
    } else if let rest = message.text(after: "The maximum memory size is "),
      let size = UInt64(rest.prefix { $0.isASCII && $0.isNumber }), (1...1 << 24).contains(size),
      rest.hasSuffix("MB")
    {
      values.append(.endOfRAM(size << 20))
    } else if let name = zoneNames.first(where: { message.hasPrefix($0 + " ") }) {
      let rest = message.dropFirst(name.count).trimmed
      // Kernels of 64 bits have no such zone; before 3.9 a range was written with an arrow.
      if name == "HighMem", rest.hasPrefix("[mem ") || rest.hasPrefix("0x") {
        values.append(.architecture(.other("32 bits with high memory")))
      }
      if rest.hasPrefix("empty") {
        values.append(.zone(name, nil))
      } else if let range = rest.rest(after: "[mem ").flatMap(inclusive) {
        values.append(.zone(name, range))
      }
    }
  }

  private static let zoneNames = ["DMA32", "DMA", "Normal", "HighMem", "Movable"]

  /// Whether a line of the firmware's map ends with the type of RAM: `usable`,
  /// `System RAM` from 7.2 on (arch/x86/kernel/e820.c `e820_print_type()`).
  private static func isRAM(_ text: Substring) -> Bool {
    guard let close = text.firstIndex(of: "]") else { return false }
    // What a mail joined to the line may follow.
    let type = text[text.index(after: close)...].trimmed
    return type.hasPrefix("System RAM") || type.prefix(while: { $0 != " " }) == "usable"
  }

  /// The two numbers of `0x...-0x...]`; nil where it is no range.
  private static func numbers(_ text: Substring) -> (first: UInt64, last: UInt64)? {
    guard let close = text.firstIndex(of: "]") else { return nil }
    let bounds = text[..<close].split(separator: "-")
    guard bounds.count == 2, let first = UInt64(hexadecimal: bounds[0].trimmed),
      let last = UInt64(hexadecimal: bounds[1].trimmed), first <= last, last < 1 << 56
    else { return nil }
    return (first, last)
  }

  private static func inclusive(_ text: Substring) -> PhysicalRange? {
    numbers(text).map { PhysicalRange($0.first, $0.last + 1) }
  }

  // MARK: - The pool

  /// kernel/dma/swiotlb.c; in older ones `software IO TLB [mem ...] (64MB) mapped at`.
  private static func pool(_ message: Substring, _ values: inout [Value]) {
    guard let rest = message.rest(after: "software IO TLB") else { return }
    let text = rest.drop { $0 == ":" }.trimmed
    // swiotlb_memblock_alloc() gives at least 1 MiB, the architecture at least a segment.
    if let place = text.rest(after: "mapped [mem ") ?? text.rest(after: "[mem "),
      let (first, last) = numbers(place), first < last,
      last - first >= swiotlbSegmentSlots * swiotlbSlotSize - 1
    {
      values.append(.pool(LoggedPool(first: first, last: last)))
    } else if let count = text.rest(after: "area num "),
      let areas = Int(count.prefix { $0.isNumber }), (1...65536).contains(areas)
    {
      values.append(.areas(areas))
    } else if text.hasPrefix("No low mem") || text.hasPrefix("tearing down default memory pool") {
      values.append(.noPool(String(text.prefix(60))))
    }
  }

  // MARK: - IOMMU and devices

  private static func iommu(_ message: Substring, _ values: inout [Value]) {
    if let rest = message.text(after: "Adding to iommu group "),
      let number = Int(rest.prefix { $0.isNumber }),
      let colon = message.firstRange(of: ": Adding to iommu group ")
    {
      if let device = message[..<colon.lowerBound].split(separator: " ").last {
        values.append(.group(device: String(device), number: number))
      }
    } else if let rest = message.rest(after: "iommu: Adding device "),
      let mark = rest.firstRange(of: " to group "),
      let number = Int(rest[mark.upperBound...].prefix { $0.isNumber })
    {
      // Before 5.3 the core and not the device spoke.
      values.append(.group(device: String(rest[..<mark.lowerBound]), number: number))
    } else if let (device, mode) = domain(message) {
      values.append(.deviceDomain(device: device, mode: mode))
    } else if let rest = message.rest(after: "iommu: Default domain type: ")
      ?? message.rest(after: "Default domain type: ")
    {
      values.append(.defaultDomain(String(rest.prefix { $0.isLetter })))
      values.append(.reached(.defaultDomain))
    } else if message.hasPrefix("PCI-DMA: using GART IOMMU") {
      values.append(.gart)
    } else if activeMarks.contains(where: message.contains) {
      values.append(.activeIOMMU)
    } else if message.hasPrefix("DMAR: IOMMU enabled")
      || message.contains("intel_iommu_init+0x") || message.contains("amd_iommu_init+0x")
    {
      values.append(.expectedIOMMU)
    } else if presentMarks.contains(where: message.hasPrefix) {
      values.append(.presentIOMMU)
    }
  }

  /// What drivers said of single devices before 5.8: drivers/iommu/intel-iommu.c
  /// `intel_iommu_add_device()`, drivers/iommu/iommu.c `iommu_request_dm_for_dev()`.
  private static func domain(_ message: Substring) -> (device: String, mode: IOMMUMode)? {
    let marks: [(String, IOMMUMode)] = [
      (": Using iommu dma mapping", .translated), (": Using iommu direct mapping", .passthrough),
      (": DMAR: Device uses a private identity domain", .passthrough),
      (": DMAR: Device uses a private dma domain", .translated),
      (": DMAR: 32bit DMA uses non-identity mapping", .translated),
    ]
    for (mark, mode) in marks {
      if let range = message.firstRange(of: mark),
        let device = message[..<range.lowerBound].split(separator: " ").last
      {
        return (String(device), mode)
      }
    }
    let named: [(String, IOMMUMode)] = [
      ("iommu: Using direct mapping for device ", .passthrough),
      ("DMAR: Hardware identity mapping for device ", .passthrough),
    ]
    return named.lazy.compactMap { prefix, mode in
      message.rest(after: prefix).map { (String($0.prefix { !$0.isWhitespace }), mode) }
    }.first
  }

  /// drivers/iommu/intel/iommu.c `intel_iommu_init()` and drivers/iommu/amd/init.c
  /// `print_iommu_info()`, `iommu_init_pci()`, after the hardware was switched on.
  private static let activeMarks = [
    "DMAR: Intel(R) Virtualization Technology for Directed I/O", "AMD-Vi: Found IOMMU",
    "AMD-Vi: Interrupt remapping enabled", "AMD-Vi: IOMMU performance counters supported",
    // `amd_iommu_init_dma_ops()` before 5.14.
    "AMD-Vi: Lazy IO/TLB flushing enabled", "AMD-Vi: IO/TLB flush on unmap enabled",
  ]
  private static let presentMarks = [
    "arm-smmu", "virtio_iommu", "mtk-iommu", "rk_iommu", "sun50i-iommu", "apple-dart",
  ]

  /// `nvme 0001:01:00.0: ...`: a driver and its device.
  private static func devices(_ message: Substring, _ values: inout [Value]) {
    let words = message.prefix(80).split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[1].last == ":" else { return }
    let device = words[1].dropLast()
    guard !["pci", "pci_bus", "pcieport", "ACPI"].contains(words[0]),
      isPCI(device) || isPlatformMaster(device)
    else { return }
    values.append(.device(String(device)))
    if isPCI(device), words[0] != "iommu" { values.append(.reached(.drivers)) }
  }

  /// `0000:00:1f.2`.
  static func isPCI(_ name: Substring) -> Bool {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count >= 4, parts[1].count == 2, parts[2].count == 4 else {
      return false
    }
    return name.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
  }

  /// `11200000.usb`: a node of the device tree whose kind masters the bus.
  private static func isPlatformMaster(_ name: Substring) -> Bool {
    let parts = name.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, parts[0].count >= 5, parts[0].allSatisfy(\.isHexDigit) else {
      return false
    }
    return ["usb", "mmc", "sdhci", "ethernet", "pcie", "sata", "ufs", "gpu"].contains {
      parts[1].hasPrefix($0)
    }
  }
}
