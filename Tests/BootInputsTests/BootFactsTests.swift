import DMAModel
import Support
import Testing

@testable import BootInputs

/// Conclusions from logs that are written for the test, not taken from a machine.
@Suite struct BootFactsTests {
  private func facts(_ text: String) throws -> BootFacts { BootFacts(try BootLog(text)) }

  private let x86 = """
    Linux version 6.12.9-test (gcc 14)
    Command line: root=/dev/vda1
    BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable
    iommu: Default domain type: Translated

    """

  @Test func theDefaultDomainAloneIsNoIOMMU() throws {
    #expect(try facts(x86).iommu.possibilities.map(\.mode) == [.none])
  }

  /// A log that ends before the PCI devices does not tell.
  @Test func aCutLogLeavesTheIOMMUOpen() throws {
    let cut = x86.replacing("iommu: Default domain type: Translated\n", with: "")
    #expect(
      try facts(cut).iommu.possibilities.map(\.mode) == [.none, .passthrough, .translated])
    let pt = cut.replacing("root=/dev/vda1", with: "iommu=pt")
    #expect(try facts(pt).iommu.possibilities.map(\.mode) == [.none, .passthrough])
  }

  /// The line that shows best how far the boot went is cited: include/linux/init.h.
  @Test(arguments: [
    ("pci_bus 0000:00: root bus resource [io  0x0000-0x0cf7 window]", "pci_bus 0000:00"),
    ("nvme 0000:02:00.0: enabling device (0000 -> 0002)", "nvme 0000:02:00.0"),
    ("Freeing unused kernel image (initmem) memory: 1K", "Freeing unused kernel"),
    ("PCI-DMA: Using software bounce buffering for IO (SWIOTLB)", "PCI-DMA: Using"),
  ])
  func theBestEvidenceIsCited(line: String, cited: String) throws {
    let cut = x86.replacing("iommu: Default domain type: Translated\n", with: "")
    #expect(try facts(cut).iommu.possibilities.count > 1)
    for log in [cut + line + "\n", x86 + line + "\n", cut + line + "\n" + x86.suffix(39)] {
      let possibility = try #require(try facts(log).iommu.possibilities.first)
      #expect(possibility.mode == .none && possibility.reason.contains(cited), "\(log)")
    }
  }

  /// Of a part of a log, the lines that add devices to groups may be missing.
  @Test func aPartOfALogIsNoEvidenceOfAbsence() throws {
    let part = """
      BIOS-e820: not a range
      x86/fpu: Supporting XSAVE feature 0x001
      nvme 0000:02:00.0: enabling device (0000 -> 0002)

      """
    #expect(try facts(part).iommu.possibilities.count > 1)
    // dma-direct alone prints such a line.
    for line in [
      "nvme 0000:02:00.0: DMA addr 0x0000000840000000+4096 overflow (mask ffffffff, bus limit 0).",
      "nvme 0000:02:00.0: swiotlb addr 0x840000000+4096 overflow (mask ffffffff, bus limit 0).",
    ] {
      let modes = try facts(part + line).iommu.possibilities.map(\.mode)
      #expect(modes == [.none, .passthrough])
    }
  }

  /// Compilers of 64 bits make kernels of 32 bits, too.
  @Test(arguments: [
    ("powerpc64-linux-gnu-gcc", "  HighMem  [mem 0x0000000030000000-0x000000007fffffff]"),
    ("powerpc64-linux-gnu-gcc", "Total memory = 2048MB; using 4096kB for hash table"),
    ("x86_64-linux-gnu-gcc", "889MB LOWMEM available."),
    ("x86_64-linux-gnu-gcc", "  mapped low ram: 0 - 377fe000"),
    ("x86_64-linux-gnu-gcc", "EIP: iommu_setup+0x1/0x2"),
    ("x86_64-linux-gnu-gcc", "  HighMem  0x000377fe -> 0x0007f6c0"),
  ])
  func kernelsOf32BitsAreNotModelled(compiler: String, line: String) throws {
    let banner =
      "Linux version 6.1.0 (a@b) (\(compiler) 12) #1\nBIOS-e820: [mem 0x0-0xfff] usable\n"
    let log = try facts(banner + line + "\n")
    #expect(log.platform.platforms.isEmpty)
    #expect(log.unmodelled.contains { $0.text.contains("32 bits") })
    let quoted = try facts(
      (banner + line).split(separator: "\n").map { "> [    0.000000] \($0)\n" }.joined())
    #expect(quoted.platform.platforms.isEmpty)
  }

  /// The compiler does not tell how many bits a powerpc kernel has.
  @Test func powerpcMayHave32Bits() throws {
    let banner = "Linux version 6.1.0 (a@b) (powerpc64-linux-gnu-gcc 12) #1\n"
    #expect(try facts(banner).platform.platforms.isEmpty)
    #expect(try facts(banner).unmodelled.count == 1)
    #expect(try facts(banner + "Using pSeries machine description\n").platform.name == "ppc64")
    let little = banner.replacing("powerpc64-", with: "powerpc64le-")
    #expect(try facts(little).platform.name == "ppc64")
  }

  /// A machine has the name of the size of its RAM, not of its highest address.
  @Test func theMachineIsCalledByItsRAM() throws {
    for (range, name) in [
      ("0x0000000100000000-0x000000047fffffff", "log-16G"), ("0x0-0x1fffffff", "log-512M"),
      ("0x0000000800000000-0x00000009ffffffff", "log-8G"),
    ] {
      let log = x86.replacing(
        "0x0000000000100000-0x000000007fffffff] usable",
        with: "0x0000000000100000-0x000000007fffffff] reserved\nBIOS-e820: [mem \(range)] usable")
      #expect(try facts(log).memory.machine?.name.name == (name == "log-16G" ? "log-14G" : name))
    }
    #expect(try facts(x86).memory.machine?.name.name == "log-2G")
  }

  @Test func versionsEndWithANumber() throws {
    for release in ["4.19.57.", "4.19.57.mptcp", "4.19.57-1.el7", "4.19.57.20190101"] {
      let log = try facts("Linux version \(release) (gcc)\nBIOS-e820: x\n")
      #expect(log.version == "4.19.57", "\(release)")
    }
  }

  @Test func groupsAreEvidence() throws {
    let groups = x86 + "pci 0000:00:01.0: Adding to iommu group 3\n"
    let iommu = try facts(groups).iommu
    #expect(iommu.possibilities.map(\.mode) == [.translated])
    #expect(iommu.groups.map(\.device) == ["0000:00:01.0"])
    let passthrough = groups.replacing("type: Translated", with: "type: Passthrough")
    #expect(try facts(passthrough).iommu.possibilities.map(\.mode) == [.passthrough])
    // Groups win over what the command line says.
    let off = groups.replacing("root=/dev/vda1", with: "intel_iommu=off")
    #expect(try facts(off).iommu.possibilities.map(\.mode) == [.translated])
  }

  /// drivers/iommu/iommu.c `iommu_group_add_device()` before 5.3, and what
  /// drivers/iommu/intel-iommu.c said of each device before 5.8.
  @Test func olderKernelsNameGroupsAndDomains() throws {
    let old = x86.replacing("iommu: Default domain type: Translated\n", with: "")
    let groups = old + "iommu: Adding device 0000:00:01.0 to group 3\n"
    let iommu = try facts(groups).iommu
    #expect(iommu.groups.map(\.device) == ["0000:00:01.0"] && iommu.groups[0].group == 3)
    #expect(iommu.possibilities.map(\.mode) == [.passthrough, .translated])
    let domains = try facts(groups + "pci 0000:00:01.0: Using iommu dma mapping\n").iommu
    #expect(domains.possibilities.map(\.mode) == [.translated])
    let mixed = try facts(
      groups + """
        iommu: Adding device 0000:00:02.0 to group 4
        pci 0000:00:01.0: Using iommu dma mapping
        pci 0000:00:02.0: Using iommu direct mapping
        """
    ).iommu
    #expect(mixed.possibilities.map(\.mode) == [.passthrough, .translated])
    #expect(mixed.possibility(of: "00:01.0")?.mode == .translated)
    #expect(mixed.possibility(of: "00:02.0")?.mode == .passthrough)
  }

  /// lib/dump_stack.c `dump_stack_print_info()`: all that a report without a boot log has.
  @Test func aStackTraceNamesTheKernel() throws {
    let trace = """
      [   36.755854] CPU: 2 PID: 314 Comm: a b Tainted: G        W  O  6.12.9-test #1
      [   36.755860] pstate: 60000005 (nZCv daif -PAN -UAO)
      """
    #expect(try facts(trace).release == "6.12.9-test")
    #expect(try facts(trace).platform.platforms == [.arm64])
    #expect(try facts("CPU: 0 UID: 0 PID: 1 Comm: x Not tainted 7.2.1 #2\n").release == "7.2.1")
  }

  /// A log that ends in the IOMMU's start does not tell which devices it serves.
  @Test func anIOMMUThatIsStartedIsLeftOpen() throws {
    let asked = x86.replacing("root=/dev/vda1", with: "intel_iommu=on")
    #expect(try facts(asked).iommu.possibilities.map(\.mode) == [.none, .translated])
    let crash = x86 + "RIP: 0010:intel_iommu_init+0xed0/0x1136\n"
    #expect(try facts(crash).iommu.possibilities.count > 1)
    let late = asked + "Freeing unused kernel image memory: 1K\n"
    #expect(try facts(late).iommu.possibilities.map(\.mode) == [.none])
  }

  /// proc/version has the text of a banner.
  @Test func theVersionFileIsNoBoot() throws {
    let log = """
      [    0.000000] Linux version 6.12.9 (gcc 14)
      [    0.000000] Command line: quiet
      Linux version 6.12.9 (gcc 14)
      """
    #expect(try facts(log).commandLine == "quiet")
  }

  /// Only secure guests of pSeries have a pool without swiotlb=force.
  @Test func aPoolOnPSeriesIsASecureGuest() throws {
    let log = """
      Linux version 6.12.1 (powerpc64le-linux-gcc)
      Kernel command line: root=/dev/vda1
      Using pSeries machine description
      software IO TLB: mapped [mem 0x0000000008000000-0x000000000c000000] (64MB)
      """
    #expect(try facts(log).platform.platforms == [.ppc64SVM])
    #expect(try facts(log).unmodelled.isEmpty)
    let forced = log.replacing("root=/dev/vda1", with: "swiotlb=force")
    #expect(try !facts(forced).unmodelled.isEmpty)
  }

  @Test func someDevicesAreBehindAnIOMMU() throws {
    let iommu = try facts(
      x86 + """
        pci 0000:00:01.0: Adding to iommu group 3
        nvme 0000:02:00.0: enabling device (0000 -> 0002)
        """
    ).iommu
    #expect(iommu.possibilities.map(\.mode) == [.none, .translated])
    #expect(iommu.possibility(of: "0000:00:01.0")?.mode == .translated)
    #expect(iommu.possibility(of: "00:01.0")?.mode == .translated)
    #expect(iommu.possibility(of: "02:00.0")?.mode == IOMMUMode.none)
    #expect(iommu.possibility(of: "03:00.0") == nil)
  }

  @Test(arguments: [
    ("intel_iommu=off", "Intel(R) Xeon(R)", IOMMUMode.none),
    ("amd_iommu=off", "AMD EPYC", IOMMUMode.none),
    ("iommu=off", "AMD EPYC", .off),
  ])
  func offOnTheCommandLineWins(parameter: String, cpu: String, mode: IOMMUMode) throws {
    let log =
      x86.replacing("root=/dev/vda1", with: parameter)
      + "smpboot: CPU0: \(cpu)\nDMAR: IOMMU enabled\n"
    #expect(try facts(log).iommu.possibilities.map(\.mode) == [mode])
  }

  /// amd_iommu=off is read on AMD's processors alone.
  @Test func offForAnotherMakerIsNotRead() throws {
    let log =
      x86.replacing("root=/dev/vda1", with: "amd_iommu=off")
      + "smpboot: CPU0: Intel(R) Xeon(R)\n"
      + "DMAR: Intel(R) Virtualization Technology for Directed I/O\n"
    #expect(try facts(log).iommu.possibilities.map(\.mode) == [.translated])
  }

  @Test(arguments: [
    ("Booting Linux on physical CPU 0x0000000000 [0x410fd083]", [Platform.arm64]),
    ("Machine model: Example Board", [.arm64]),
    ("smpboot: CPU0: Intel(R) Xeon(R)", [.x86]), ("IOAPIC[0]: apic_id 1", [.x86]),
    ("setup: Linux is running under KVM in 64-bit mode", [.s390]),
    ("setup.289988: Linux is running natively in 64-bit mode", [.s390]),
    ("Hypervisor detected: Xen PV", [.xenPV]),
    ("Booting paravirtualized kernel on Xen PV", [.xenPV]),
    ("Xen: [mem 0x0000000000100000-0x000000001fffffff] usable", [.xenPV]),
    ("Machine model: x\nRME: Using RSI version 1.0", [.arm64CCA]),
    ("RME: Using RSI version 1.0", [.arm64CCA]), ("tdx: Guest detected", [.tdx]),
    (
      "Machine model: x\nsmccc: KVM: hypervisor services detected "
        + "(0x00000000 0x00000000 0x00000000 0x0000001d)", [.arm64PKVM]
    ),
    (
      "Machine model: x\nsmccc: KVM: hypervisor services detected "
        + "(0x00000000 0x00000000 0x00000000 0x00000003)", [.arm64]
    ),
    ("x86/PAT: x\nHyper-V: Isolation Config: Group A 0x1, Group B 0xba2", [.snpVTOM]),
    ("x86/PAT: x\nHyper-V: Isolation Config: Group A 0x0, Group B 0xba2", [.sev]),
    ("x86/PAT: x\nHyper-V: Isolation Config: Group A 0x1, Group B 0x3", [.tdx]),
    ("x86/PAT: x\ntdx: Guest detected", [.tdx]),
    (
      "setup: Linux is running under KVM in 64-bit mode\n"
        + "software IO TLB: mapped [mem 0x0000000040000000-0x0000000044000000] (64MB)", [.s390PV]
    ),
  ])
  func platforms(line: String, platforms: [Platform]) throws {
    #expect(try facts(line).platform.platforms == platforms)
  }

  @Test(arguments: [
    "x86/PAT: x\nPCI-DMA: using GART IOMMU.",
    "Hardware name: 8335-GTH POWER9 0x4e1202 opal:skiboot PowerNV",
    "Using pSeries machine description", "Using CoreNet Generic machine description",
    "Linux version 6.1.0 (i686-linux-gnu-gcc 12)", "2048MB HIGHMEM available.",
    "CPU: ARMv7 Processor [410fc075] revision 5 (ARMv7), cr=10c5387d",
    "Linux version 6.6.1 (riscv64-linux-gnu-gcc 13)",
    "Machine model: x\nSBI specification v2.0 detected", "CPU0 revision is: 000d9602 (x)",
    "Linux version 6.6.1 (powerpc64le-linux-gcc 13)",
    "Hardware name: QEMU ppce500 e5500 0x80240020 QEMU e500",
    "Using Microwatt machine description",
  ])
  func whatIsNotModelledIsSaid(line: String) throws {
    let facts = try facts(line)
    #expect(!facts.unmodelled.isEmpty)
    #expect(facts.iommu.possibilities.isEmpty)
  }

  /// RAM stands in the node ranges on every architecture, and where e820 was cut.
  @Test func nodeRangesAreRAM() throws {
    let log = """
      Machine model: Example
      node   0: [mem 0x0000000040000000-0x00000000ffffffff]
      node   0: [mem 0x0000000100000000-0x000000013fffffff]
      """
    #expect(
      try facts(log).memory.machine?.ram == [PhysicalRange(0x4000_0000, 0x1_4000_0000)])
    let cut = log + "\nBIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable"
    #expect(try facts(cut).memory.machine?.top == 0x1_4000_0000)
  }

  @Test func unknownRAMIsSaid() throws {
    let facts = try facts("Linux version 6.12.1\n")
    #expect(facts.memory.machine == nil)
    #expect(facts.findings.contains { $0.text == "RAM unknown: 64 GiB assumed" })
  }

  /// In a mail the text that is quoted least is the newest.
  @Test func theLeastQuotedBootIsTheNewest() throws {
    let mail = """
      Now it says:
      > [    0.1] nothing
      > [    0.000000] Linux version 6.12.2 (x86_64)
      > [    0.000000] Command line: new
      >>> [    0.000000] Linux version 6.12.1 (x86_64)
      >>> [    0.000000] Command line: old
      """
    let facts = try facts(mail)
    #expect(facts.release == "6.12.2" && facts.commandLine == "new")
  }

  /// init/main.c `print_kernel_cmdline()` of newer kernels.
  @Test func aWrappedCommandLineIsJoined() throws {
    let facts = try facts(
      """
      Linux version 7.3.0
      Kernel command line: quiet \\
      Kernel command line: iommu=pt \\
      Kernel command line: swiotlb=force
      Kernel command line: other
      """)
    #expect(facts.commandLine == "quiet iommu=pt swiotlb=force")
  }
}
