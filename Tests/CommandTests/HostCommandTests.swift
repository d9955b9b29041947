import Foundation
import TestSupport
import Testing

/// A machine and a tree of drivers as a user asks about them.
extension CommandTests {
  /// Writes a machine of 8 GiB with three PCI devices, one of them without a driver; all
  /// of it made up.
  func writeMachine(_ name: String = "machine") throws -> String {
    let root = directory + "/" + name
    var files = [
      "proc/version": "Linux version 6.12.1-test (gcc) #1 SMP\n",
      "proc/cmdline": "quiet\n",
      "proc/cpuinfo": "processor\t: 0\nvendor_id\t: T\ncpu family\t: 15\nflags\t\t: fpu\n",
      "proc/iomem": "00100000-7fffffff : System RAM\n100000000-27fffffff : System RAM\n",
      "dmesg": """
      [    0.000000] Linux version 6.12.1-test
      [    0.100000] software IO TLB: mapped [mem 0x7b000000-0x7f000000] (64MB)

      """,
    ]
    for (address, numbers, masks) in [
      ("0000:00:01.0", "0x1af4 0x1041", "32 32"), ("0000:00:02.0", "0x8086 0x10d3", "64 64"),
      ("0000:00:03.0", "0x8086 0x1229", "32 32"),
    ] {
      let folder = "sys/bus/pci/devices/\(address)/"
      let (ids, bits) = (numbers.split(separator: " "), masks.split(separator: " "))
      files[folder + "vendor"] = "\(ids[0])\n"
      files[folder + "device"] = "\(ids[1])\n"
      files[folder + "class"] = "0x020000\n"
      files[folder + "dma_mask_bits"] = "\(bits[0])\n"
      files[folder + "consistent_dma_mask_bits"] = "\(bits[1])\n"
    }
    try DriverTree.write(files, to: root)
    for address in ["0000:00:02.0", "0000:00:03.0"] {
      try FileManager.default.createSymbolicLink(
        atPath: root + "/sys/bus/pci/devices/\(address)/driver",
        withDestinationPath: "../../../bus/pci/drivers/net")
    }
    return root
  }

  private func expectLines(of run: Run, sourceLocation: SourceLocation = #_sourceLocation) {
    let long = run.output.split(separator: "\n").filter { $0.utf8.count > 72 }
    #expect(long.isEmpty, "\(long)", sourceLocation: sourceLocation)
    #expect(run.output.utf8.allSatisfy { $0 < 128 }, sourceLocation: sourceLocation)
  }

  @Test func aMachineIsShownAndComparedWithAnotherBoot() throws {
    let root = try writeMachine()
    let shown = try run(["host", "--root", root])
    #expect(shown.status == 0 && shown.error.isEmpty, "\(shown.error)")
    #expect(shown.output.contains("00:02.0 net"))
    #expect(shown.output.contains("direct direct page"))
    #expect(shown.output.contains("direct bounce page"))
    expectLines(of: shown)
    let same = try run(["host", "--root", root, "--kernel", "6.12"])
    #expect(same.status == 0 && same.output.contains("Nothing changes for these devices."))
    let forced = try run(["host", "--root", root, "--cmdline", "swiotlb=force"])
    #expect(forced.status == 1 && forced.output.contains("slower: map low: direct -> bounce"))
    expectLines(of: forced)
    // 131072 slots of 2 KiB (include/linux/swiotlb.h IO_TLB_SIZE) are 256 MiB.
    let larger = try run(["host", "--root", root, "--cmdline", "swiotlb=131072"])
    #expect(larger.output.contains("256 MiB (131072 slots)"), "\(larger.output)")
    let plain = try run(["host", "--root", root, "--cmdline", ""])
    #expect(plain.status == 0 && plain.output.contains("Nothing changes for these devices."))
    let json = try run(["host", "--root", root, "--format", "json"])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect((object["devices"] as? [Any])?.count == 3 && object["unbound"] == nil)
  }

  @Test func aTreeSaysWhatWouldDriveADevice() throws {
    let (root, tree) = (try writeMachine(), directory + "/tree")
    try DriverTree.write(to: tree)
    let shown = try run(["host", "--root", root, "--drivers", tree])
    #expect(shown.status == 0, "\(shown.error)")
    #expect(shown.output.contains("0000:00:01.0 1af4:1041 fast   64    direct direct page"))
    #expect(shown.output.contains("0000:00:01.0 1af4:1041 fast   40    direct direct page"))
    expectLines(of: shown)
    // The same from a database that the drivers were stored in.
    #expect(try run(["generate", "--platform", "x86", "--kernel", "6.12"]).status == 0)
    #expect(try run(["drivers", "--tree", tree, "--store", "matrix.db"]).status == 0)
    let stored = try run(["host", "--root", root, "--drivers", "matrix.db"])
    #expect(stored.output.contains("1af4:1041 fast   64    direct direct page"))
    let json = try run(["host", "--root", root, "--drivers", tree, "--format", "json"])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect((object["unbound"] as? [Any])?.count == 2)
    let histogram = try run(["query", "--named", "mask-histogram", "--format", "csv"])
    #expect(histogram.status == 0 && histogram.output.contains("40,2,1,2"))
  }

  @Test func badMachinesAndTreesGetOneSentence() throws {
    let root = try writeMachine()
    try Data("no alias\n".utf8).write(to: URL(fileURLWithPath: directory + "/aliases"))
    try DriverTree.write(to: directory + "/tree")
    for arguments in [
      ["host", "--root", directory + "/nowhere"], ["host", "nothing.tar.gz"],
      ["host", "--root", root, "--aliases", "aliases"],
      ["host", "--root", root, "--drivers", "tree", "--aliases", "aliases"],
      ["host", "--root", root, "--drivers", root], ["host", "--store"],
      ["host", "--script", "--drivers", "tree"], ["host", "--root", root, "--format", "xml"],
      ["drivers", "--tree", root], ["drivers", "--tree", directory + "/nowhere"],
      ["drivers", "--tree", "aliases"], ["drivers"],
      ["drivers", "--tree", "tree", "--platform", "x86"],
      ["drivers", "--tree", "tree", "--store", "nothing.db"],
    ] {
      let bad = try run(arguments)
      #expect(bad.status == 2 && bad.output.isEmpty, "\(arguments): \(bad.output)")
      let lines = bad.error.split(separator: "\n")
      #expect(lines.count == 1 && bad.error.hasPrefix("dmamatrix: "), "\(arguments): \(bad.error)")
    }
    #expect(!contents.contains("nothing.db"))
  }
}
