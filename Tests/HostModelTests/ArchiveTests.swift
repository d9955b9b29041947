import Foundation
import Support
import Testing

@testable import HostCapture
@testable import HostModel

@Suite struct ArchiveTests {
  @Test func aCaptureIsReadWithoutADisk() throws {
    var test = TestCapture()
    test.add("0000:00:01.0", masks: (63, 32), domain: "DMA-FQ")
    test.add("0000:00:02.0", driver: nil)
    let capture = try test.read()
    #expect(capture.release == "6.12.1-test")
    #expect(capture.machine.ram.map(\.end) == [0xa0000, 0x8000_0000, 0x2_0000_0000])
    #expect(capture.machine.observedPool?.text == "0x7b000000-0x7f000000")
    #expect(capture.pool == PoolCounters(slots: 32768, used: 512))
    #expect(capture.devices.map(\.driver) == ["nvme", nil])
    #expect(capture.devices[0].domain == .dmaFlushQueue)
    #expect(capture.devices[0].hasOneMaskOnly && !capture.devices[1].hasOneMaskOnly)
    #expect(capture.devices[0].classWords == "NVMe")
  }

  /// arm64's DMA zone ends where firmware says that some device ends
  /// (arch/arm64/mm/init.c `zone_sizes_init()`); at 4 GiB no firmware has set it.
  @Test(arguments: [("0xbfffffff", 0xbfff_ffff), ("0xffffffff", nil)] as [(String, UInt64?)])
  func theZoneOfFirmwareIsRead(last: String, limit: UInt64?) throws {
    let next = last == "0xffffffff" ? "0x100000000" : "0xc0000000"
    var test = TestCapture(pool: nil)
    test.files = test.files.filter { $0.path == "proc/version" }
    test.files += [
      ("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n"),
      ("proc/iomem", "40000000-1bfffffff : System RAM\n"),
      (
        "dmesg",
        """
        [    0.000000] Booting Linux on physical CPU 0x0000000000 [0x410fd034]
        [    0.000000] Linux version 6.12.1-test
        [    0.000000] Zone ranges:
        [    0.000000]   DMA      [mem 0x0000000040000000-\(last)]
        [    0.000000]   DMA32    [mem \(next)-0xffffffff]
        [    0.000000]   Normal   [mem 0x0000000100000000-0x00000001bfffffff]
        [    0.000000] Early memory node ranges
        [    0.000000]   node   0: [mem 0x0000000040000000-0x00000001bfffffff]

        """
      ),
    ]
    test.add("0000:00:01.0")
    let capture = try test.read()
    #expect(capture.machine.firmwareDMALimit == limit)
    #expect(capture.dmaZoneEnd == (limit ?? 0xffff_ffff) + 1)
    let device = try #require(capture.devices.first)
    var conditions = try #require(DeviceConditions(device))
    conditions.busLimit = 0xbfff_ffff
    let answers = DeviceAnswers(try HostBoot(capture).kernel(for: device), conditions)
    // Below the device's limit only a zone that ends there surely has a page.
    #expect((answers.allocation.result == .page) == (limit != nil))
  }

  @Test(arguments: ["/etc/passwd", "../dmesg", "./sys/../../dmesg", "a/.."])
  func namesThatLeaveTheRootAreRefused(name: String) {
    let bytes = tarEntry(name, []) + [UInt8](repeating: 0, count: 1024)
    #expect(sentence(bytes).contains("leaves the archive's root"))
  }

  @Test(arguments: ["1", "3", "4", "6"] as [Character])
  func hardLinksAndDevicesAreRefused(type: Character) {
    let bytes = tarEntry("dmesg", [], type: type)
    #expect(sentence(bytes).hasPrefix("test: 'dmesg' is "))
  }

  /// A link's text is data: it names a driver and is never followed.
  @Test func linksAreNotFollowed() throws {
    var test = TestCapture()
    test.add("0000:00:01.0", driver: "../../../../../etc/passwd")
    #expect(try test.read().devices[0].driver == "passwd")
  }

  @Test func everyPrefixOfAnArchiveIsReadOrRefusedInOneSentence() {
    var test = TestCapture()
    test.add("0000:00:01.0")
    let archive = test.archive
    for length in stride(from: 0, through: archive.count, by: 97) {
      let text = sentence(Array(archive.prefix(length)))
      #expect(!text.contains("\n") && text.utf8.count < 400)
    }
  }

  @Test func sizesBeyondTheArchiveAreRefused() {
    let huge = tarEntry("dmesg", [], size: "77777777777")
    #expect(sentence(huge).contains("goes beyond its end"))
    let damaged = tarEntry("dmesg", [], size: "zzz")
    #expect(sentence(damaged).contains("size is no number"))
  }

  @Test func aDamagedHeaderIsSeen() {
    var bytes = TestCapture().archive
    bytes[600] ^= 1
    bytes[3] ^= 1
    #expect(sentence(bytes) == "test: no tar archive")
  }

  @Test func millionsOfEntriesAndDevicesAreRefused() {
    var bytes: [UInt8] = []
    for index in 0...CaptureFiles.deviceLimit {
      let bus = String(index >> 8, radix: 16)
      let device = String(index >> 3 & 31, radix: 16)
      let name =
        "sys/bus/pci/devices/0000:\(bus.count < 2 ? "0" + bus : bus):"
        + "\(device.count < 2 ? "0" + device : device).\(index & 7)/class"
      bytes += tarEntry(name, [])
    }
    #expect(sentence(bytes).contains("more than \(CaptureFiles.deviceLimit) PCI devices"))
  }

  @Test(arguments: ["65", "-1", "x", "999999999999999999999"])
  func masksThatCannotBeAreNamed(bits: String) {
    var test = TestCapture()
    test.add("0000:00:01.0")
    test.files.append(("sys/bus/pci/devices/0000:00:01.0/dma_mask_bits", bits))
    #expect(sentence(test.archive).contains("'\(bits)'; accepted: 0 to 64"))
  }

  @Test func whatIsNoMachineIsRefused() {
    let bytes = tarEntry("readme", Array("hello".utf8)) + [UInt8](repeating: 0, count: 1024)
    #expect(sentence(bytes).contains("no capture of a machine"))
  }

  private func sentence(_ bytes: [UInt8]) -> String {
    do {
      _ = try HostCapture(archive: bytes, named: "test")
      return ""
    } catch {
      return error.description
    }
  }
}
