import DMAModel
import Support
import TestSupport
import Testing

@testable import BootInputs

@Suite struct BootLogTests {
  private let log = """
    [    0.000000] Linux version 6.12.117+deb12-amd64 (debian-kernel@lists.debian.org)
    [    0.000000] Command line: BOOT_IMAGE=/vmlinuz mem_encrypt=on iommu=pt swiotlb=force
    [    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
    [    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable
    [    0.000000] BIOS-e820: [mem 0x00000000fd000000-0x00000000ffffffff] reserved
    [    0.000000] BIOS-e820: [mem 0x0000000100000000-0x00000001ffffffff] usable
    [    0.012345] software IO TLB: mapped [mem 0x000000007bee2000-0x000000007fee1fff] (64MB)
    [    0.100000] Kernel command line: BOOT_IMAGE=/vmlinuz mem_encrypt=on
    [    0.200000] Memory Encryption Features active: AMD SME
    [    0.300000] iommu: Default domain type: Passthrough (set via kernel command line)
    """

  private func facts(_ text: String) throws -> BootFacts { BootFacts(try BootLog(text)) }

  @Test func aLogFillsInWhatItSays() throws {
    let parsed = try facts(log)
    #expect(parsed.release == "6.12.117+deb12-amd64" && parsed.version == "6.12.117")
    #expect(parsed.commandLine?.hasSuffix("swiotlb=force") == true)
    #expect(parsed.platform.platforms == [.x86SME47, .x86SME51])
    #expect(parsed.platform.name == "x86-sme")
    // The default domain's line is no sign of an IOMMU.
    #expect(parsed.iommu.possibilities.map(\.mode) == [.none])
    let machine = try #require(parsed.memory.machine)
    #expect(
      machine.ram == [
        PhysicalRange(0, 0x9f000), PhysicalRange(0x10_0000, 0x8000_0000),
        PhysicalRange(0x1_0000_0000, 0x2_0000_0000),
      ])
    #expect(machine.observedPool == PhysicalRange(0x7bee_2000, 0x7fee_2000))
  }

  /// `mem->end` of a pool is one past its last byte, as swiotlb_print_info() has it.
  @Test func theEndOfAPoolIsNotInIt() throws {
    let parsed = try facts(
      """
      Linux version 7.3.4
      software IO TLB: mapped [mem 0x000000007bb9d000-0x000000007fb9d000] (64MB)
      """)
    #expect(parsed.memory.pool?.range == PhysicalRange(0x7bb9_d000, 0x7fb9_d000))
    #expect(parsed.memory.pool?.last == 0x7fb9_d000)
  }

  @Test(arguments: [
    ("AMD SEV SEV-ES SEV-SNP", [Platform.sev]), ("Intel TDX", [.tdx]),
    ("AMD SME", [.x86SME47, .x86SME51]),
  ])
  func memoryEncryptionNamesThePlatform(features: String, platforms: [Platform]) throws {
    let parsed = try facts(
      "Linux version 7.3.4\nx86/PAT: Configuration\n"
        + "Memory Encryption Features active: \(features)\n")
    #expect(parsed.platform.platforms == platforms)
  }

  /// What 7.2 prints (arch/x86/kernel/e820.c `e820_print_type()`).
  @Test func newerKernelsNameRAMInOtherWords() throws {
    let parsed = try facts(
      """
      Linux version 7.2.12
      BIOS-e820: [mem 0x0000000000100000-0x000000007ffdffff]  System RAM
      BIOS-e820: [mem 0x000000007ffe0000-0x000000007fffffff]  device reserved
      BIOS-e820: [gap 0x0000000080000000-0x00000000afffffff]
      """)
    #expect(parsed.memory.machine?.ram == [PhysicalRange(0x10_0000, 0x7ffe_0000)])
  }

  /// Nothing of an earlier boot is left: neither its command line nor its RAM, pool,
  /// platform or IOMMU.
  @Test func theLastBootCounts() throws {
    let second = """
      [    0.000000] Linux version 7.3.4 (builder)
      [    0.000000] Command line: quiet
      [    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable
      [    0.100000] Kernel command line: quiet
      """
    let alone = try facts(second)
    let both = try facts(log + "\n" + second)
    #expect(both.version == "7.3.4" && both.commandLine == "quiet")
    #expect(both.platform.platforms == [.x86])
    #expect(both.memory.machine == alone.memory.machine)
    #expect(both.memory.machine?.observedPool == nil)
    // The other way round, and a sentence that is no banner.
    let first = try facts(second + "\n" + log + "\nRunning on Linux version x")
    #expect(first.version == "6.12.117")
    #expect(first.memory.machine == (try facts(log)).memory.machine)
  }

  @Test func otherFilesAreRefused() {
    #expect(throws: BootLog.ParseError.empty) { try BootLog("") }
    #expect(throws: BootLog.ParseError.binary) { try BootLog("Linux version 6\u{0}") }
    #expect(throws: BootLog.ParseError.foreign) { try BootLog("FreeBSD 14.1-RELEASE\n") }
    #expect(throws: BootLog.ParseError.foreign) { try BootLog("Linux version unknown\n") }
  }

  /// Lines of a real log, cut and mixed: never a crash.
  @Test func mutilatedLogsAreSurvived() {
    var random = Linear(state: testSeed())
    let scalars = Array(log.unicodeScalars)
    for _ in 0..<300 {
      var copy = scalars
      for _ in 0..<random.next() % 40 {
        let place = Int(random.next() % UInt64(copy.count))
        switch random.next() % 3 {
        case 0: copy.remove(at: place)
        case 1: copy[place] = Unicode.Scalar(UInt8(random.next() % 126) + 1)
        default: copy.insert(contentsOf: "0xffffffffffffffff".unicodeScalars, at: place)
        }
      }
      if let log = try? BootLog(String(String.UnicodeScalarView(copy))) { _ = BootFacts(log) }
    }
  }
}
