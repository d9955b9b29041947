import DriverScan
import Reporting
import Support
import Testing

@testable import HostCapture
@testable import HostModel

/// Devices that no driver is bound to, and what a tree's drivers would set for them.
@Suite struct UnboundDeviceTests {
  /// A driver of e1000e's kind: IDs in a table, 64 bits with a fallback to 32.
  private func drivers() -> [Driver] {
    func driver(_ file: String, _ module: String, _ id: Int?, _ bits: [UInt64]) -> Driver {
      var driver = Driver(file: file)
      driver.module = module
      driver.architectures = [.x86]
      driver.calls = [
        MaskCall(
          line: 7, function: "probe", callee: "dma_set_mask_and_coherent", expression: "mask",
          alternatives: bits.map(MaskValue.init), isDecided: true, setsStreaming: true,
          setsCoherent: true)
      ]
      driver.masks = bits.map { bits in
        DeviceMasks(streaming: MaskValue(bits), coherent: MaskValue(bits))
      }
      driver.ids =
        id.map {
          [DeviceID(bus: "pci", vendor: 0x8086, device: $0, text: "", file: file, line: 3)]
        } ?? []
      return driver
    }
    return [
      driver("drivers/net/net.c", "net", 0x10d3, [.max, 0xffff_ffff]),
      driver("drivers/ata/by-class.c", "by_class", nil, [0xff_ffff_ffff]),
      driver("drivers/other.c", "other", 0x9999, [.max]),
    ]
  }

  private func report() throws -> HostReport {
    var test = TestCapture()
    test.add("0000:00:01.0", driver: nil, masks: (32, 32), classCode: "0x020000")
    test.add("0000:00:02.0", driver: nil, masks: (32, 32), classCode: "0x010601")
    test.add("0000:00:03.0", masks: (64, 64))
    test.add("0000:00:04.0", driver: nil, masks: (32, 32), classCode: "0x060000")
    for (device, number) in [("01", "0x10d3"), ("02", "0x2922"), ("03", "0x10d3"), ("04", "1")] {
      let folder = "sys/bus/pci/devices/0000:00:\(device).0/"
      test.files += [(folder + "vendor", "0x8086\n"), (folder + "device", number + "\n")]
    }
    return HostReport(try HostBoot(try test.read()))
  }

  @Test func tablesAndAliasesNameTheDriver() throws {
    let report = try report()
    let aliases = ModuleAliases(
      Array(
        """
        # Aliases
        alias pci:v00008086d000010D3sv*sd*bc*sc*i* net
        alias pci:v*d*sv*sd*bc01sc06i01* by-class
        alias pci:v00008086d00000001sv00001234sd*bc*sc*i* other
        alias usb:v8086p10D3d*dc*dsc*dp*ic*isc*ip*in* other

        """.utf8))
    let without = UnboundDevice.all(of: report, drivers: drivers(), aliases: nil)
    #expect(
      without.map { $0.candidates.map(\.driver.file) } == [["drivers/net/net.c"], [], []])
    let with = UnboundDevice.all(of: report, drivers: drivers(), aliases: aliases)
    #expect(
      with.map { $0.candidates.map(\.driver.file) }
        == [["drivers/net/net.c"], ["drivers/ata/by-class.c"], []])
    let masks = try #require(with.first?.candidates.first?.masks)
    #expect(masks.map(\.masks.text) == ["64", "32"])
    // RAM ends at 8 GiB: 64 bits reach the last page, 32 do not.
    #expect(masks.map(\.answers.high.result) == [.direct, .bounce])
    #expect(with[1].candidates.first?.masks.map(\.masks.text) == ["40"])
  }

  /// A driver that Kconfig does not allow on the machine's architecture is none.
  @Test func driversOfOtherArchitecturesAreLeftOut() throws {
    let foreign = drivers().map { driver in
      var driver = driver
      driver.architectures = [.arm64]
      return driver
    }
    let found = UnboundDevice.all(of: try report(), drivers: foreign, aliases: nil)
    #expect(found.count == 3 && found.allSatisfy(\.candidates.isEmpty))
  }

  /// A driver whose masks the source does not decide is named, and nothing is guessed.
  @Test func undecidedMasksAreSaid() throws {
    var driver = drivers()[0]
    (driver.masks, driver.isDecided) = ([], false)
    driver.calls = [
      MaskCall(
        line: 7, function: "probe", callee: "dma_set_mask", expression: "chip->mask",
        alternatives: [], isDecided: false, setsStreaming: true, setsCoherent: false)
    ]
    let devices = UnboundDevice.all(of: try report(), drivers: [driver], aliases: nil)
    #expect(devices.map(\.candidates.count) == [1, 0, 0])
    var document = Document()
    document.blocks = unboundDeviceBlocks(devices, tree: "7.3.4")
    let text = document.text(.text)
    #expect(text.contains("0000:00:01.0 8086:10d3 net    ?     ?   ?    ?"))
    #expect(text.contains("2 devices have neither"))
  }

  @Test func theTextSaysWhatIsNotKnown() throws {
    let devices = UnboundDevice.all(of: try report(), drivers: drivers(), aliases: nil)
    var document = Document()
    document.blocks = unboundDeviceBlocks(devices, tree: "7.3.4")
    let text = document.text(.text)
    #expect(text.contains("0000:00:01.0 8086:10d3 net    64    direct direct page"))
    #expect(text.contains("net: drivers/net/net.c:7"))
    #expect(text.contains("2 devices have neither a driver nor one in that tree"))
    #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 72 })
  }

  /// file2alias writes hexadecimal in capitals and a star for any number; what is cut or
  /// wrong is no alias.
  @Test(arguments: [
    "alias pci:v00008086d000010D3sv*sd*bc*sc*i", "alias pci:v00008086", "alias pci:",
    "alias pci:v8g86d*sv*sd*bc*sc*i* m", "alias pci:v00008086d000010D3sv*sd*bc*sc*i*x net",
    "alias pci:v00008086d000010D3sv*sd*bc*sc*i*", "alias  pci:v*d*sv*sd*bc*sc*i* m",
    "alias pci:vFFFFFFFFFd*sv*sd*bc*sc*i* m",
  ])
  func brokenLinesAreNoAliases(line: String) throws {
    let device = try #require(try report().rows.first?.device)
    #expect(ModuleAliases(Array(line.utf8)).modules(for: device).isEmpty)
  }
}
