import Testing

@testable import BootInputs

/// What loggers, terminals and mails put around a message is taken off.
@Suite struct LogLineTests {
  @Test(arguments: [
    "[    0.123456] iommu: Default domain type: Translated",
    "<6>[    0.123456] iommu: Default domain type: Translated",
    "[    0.123456][    T1] iommu: Default domain type: Translated",
    "[    0.123456] [      T1] iommu: Default domain type: Translated",
    "[Mon Jun  3 13:49:48 2024] iommu: Default domain type: Translated",
    "2024-06-03T13:49:48,123456+00:00 iommu: Default domain type: Translated",
    "2024-06-03T13:49:48.123456+02:00 host kernel: iommu: Default domain type: Translated",
    "Jun 03 13:49:48 host kernel: iommu: Default domain type: Translated",
    "Jun  3 13:49:48 host kernel: [    0.123456] iommu: Default domain type: Translated",
    "[    0.123456] host kernel: iommu: Default domain type: Translated",
    "kern  :info  : [    0.123456] iommu: Default domain type: Translated",
    "13:50:01.123456  [    0.123456] iommu: Default domain type: Translated",
    "   [    0.123456] iommu: Default domain type: Translated   ",
    "\u{1b}[32m[    0.123456] \u{1b}[0m\u{1b}[33miommu\u{1b}[0m: Default domain type: Translated",
    "iommu: Default domain type: Translated\r",
    "0.123456] iommu: Default domain type: Translated",
    "[\u{a0}\u{a0}\u{a0} 0.123456] iommu: Default domain type: Translated",
    "root@board:~# [    0.123456] iommu: Default domain type: Translated",
  ])
  func theMessageIsWhatTheKernelWrote(line: String) {
    let lines = LogLine.all(in: line)
    #expect(lines.map(\.message) == ["iommu: Default domain type: Translated"])
    #expect(lines.map(\.quotes) == [0])
    for quoted in ["> " + line, ">> " + line, "> > " + line] {
      let lines = LogLine.all(in: quoted)
      #expect(lines.map(\.message) == ["iommu: Default domain type: Translated"])
      #expect(lines.map(\.quotes) == [quoted.prefix(4).count { $0 == ">" }])
    }
  }

  /// A PCI device is no time.
  @Test func devicesStay() {
    let message = "0000:24:00.0: Adding to iommu group 39"
    #expect(LogLine.all(in: " " + message).map(\.message) == [message[...]])
  }

  @Test func linesAreCountedByLineFeeds() {
    let lines = LogLine.all(in: "one\r\ntwo\rthree\n\nfour")
    #expect(lines.map(\.number) == [1, 2, 2, 4])
    #expect(lines.map { String($0.message) } == ["one", "two", "three", "four"])
  }
}
