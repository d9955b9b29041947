import DMAModel
import Testing

@testable import Analysis

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

  @Test func aLogFillsInWhatItSays() throws {
    let parsed = try BootLog(log)
    #expect(parsed.version == "6.12.117")
    #expect(parsed.commandLine?.hasSuffix("swiotlb=force") == true)
    #expect(parsed.platforms == [.x86SME47, .x86SME51])
    #expect(parsed.iommu == .passthrough)
    let machine = try #require(parsed.machine)
    #expect(
      machine.ram == [
        PhysicalRange(0, 0x9f000), PhysicalRange(0x10_0000, 0x8000_0000),
        PhysicalRange(0x1_0000_0000, 0x2_0000_0000),
      ])
    #expect(machine.observedPool == PhysicalRange(0x7bee_2000, 0x7fee_2000))
    #expect(parsed.facts.map(\.line) == [1, 2, 7, 9, 10])
  }

  @Test(arguments: [
    ("AMD SEV SEV-ES SEV-SNP", [Platform.sev]), ("Intel TDX", [.tdx]),
    ("AMD SME", [.x86SME47, .x86SME51]),
  ])
  func memoryEncryptionNamesThePlatform(features: String, platforms: [Platform]) throws {
    let parsed = try BootLog(
      "Linux version 7.3.4\nMemory Encryption Features active: \(features)\n")
    #expect(parsed.platforms == platforms)
  }

  /// What 7.2 prints (arch/x86/kernel/e820.c `e820_print_type()`).
  @Test func newerKernelsNameRAMInOtherWords() throws {
    let parsed = try BootLog(
      """
      Linux version 7.2.12
      BIOS-e820: [mem 0x0000000000100000-0x000000007ffdffff]  System RAM
      BIOS-e820: [mem 0x000000007ffe0000-0x000000007fffffff]  device reserved
      BIOS-e820: [gap 0x0000000080000000-0x00000000afffffff]
      """)
    #expect(parsed.machine?.ram == [PhysicalRange(0x10_0000, 0x7ffe_0000)])
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
    let alone = try BootLog(second)
    let both = try BootLog(log + "\n" + second)
    #expect(both.version == "7.3.4" && both.commandLine == "quiet")
    #expect(both.platforms.isEmpty && both.iommu == nil)
    #expect(both.machine == alone.machine && both.machine?.observedPool == nil)
    #expect(both.facts.map(\.line) == [11, 12])
    #expect(both.facts.map(\.value) == alone.facts.map(\.value))
    // The other way round, and a sentence that is no banner.
    let first = try BootLog(second + "\n" + log + "\nRunning on Linux version x")
    #expect(first.version == "6.12.117" && first.platforms == [.x86SME47, .x86SME51])
    #expect(first.machine == (try BootLog(log)).machine)
  }

  @Test func otherFilesAreRefused() {
    #expect(throws: BootLog.ParseError.empty) { try BootLog("") }
    #expect(throws: BootLog.ParseError.binary) { try BootLog("Linux version 6\u{0}") }
    #expect(throws: BootLog.ParseError.foreign) { try BootLog("FreeBSD 14.1-RELEASE\n") }
    #expect(throws: BootLog.ParseError.foreign) { try BootLog("Linux version unknown\n") }
  }

  /// Lines of a real log, cut and mixed: never a crash.
  @Test func mutilatedLogsAreSurvived() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = Linear(state: seed)
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
      _ = try? BootLog(String(String.UnicodeScalarView(copy)))
    }
  }
}
