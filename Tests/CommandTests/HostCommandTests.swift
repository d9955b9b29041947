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
      ["drivers", "--tree", "tree", "--store", "nowhere/nothing.db"],
    ] {
      let bad = try run(arguments)
      #expect(bad.status == 2 && bad.output.isEmpty, "\(arguments): \(bad.output)")
      let lines = bad.error.split(separator: "\n")
      #expect(lines.count == 1 && bad.error.hasPrefix("dmamatrix: "), "\(arguments): \(bad.error)")
    }
    #expect(!contents.contains("nothing.db"))
  }

  /// The script takes a folder as it takes the running system; what only root may read is
  /// said, and RAM is then the firmware's map.
  @Test func theScriptTakesWhatItMaySee() throws {
    let root = try writeMachine()
    try DriverTree.write(
      [
        "proc/iomem": "00000000-00000000 : System RAM\n",
        "sys/firmware/memmap/0/start": "0x0\n", "sys/firmware/memmap/0/end": "0x7fffffff\n",
        "sys/firmware/memmap/0/type": "System RAM\n",
        "sys/firmware/memmap/1/start": "0xfffc0000\n",
        "sys/firmware/memmap/1/end": "0xffffffff\n", "sys/firmware/memmap/1/type": "Reserved\n",
        "sys/firmware/memmap/10/start": "0x100000000\n",
        "sys/firmware/memmap/10/end": "0x27fffffff\n",
        "sys/firmware/memmap/10/type": "System RAM\n",
        "sys/kernel/tracing/trace": """
        # tracer: nop
        #
           a [7] b[c-12    [001] .....     1.000000: dma_alloc: 0000:00:02.0 dir=BIDIRECTIONAL \
        dma_addr=100000000 size=512 virt_addr=00000000f2d3fd20 flags=GFP_KERNEL attrs=

        """,
      ], to: root)
    let script = try run(["host", "--script"])
    try Data(script.output.utf8).write(to: URL(fileURLWithPath: directory + "/capture.sh"))
    #expect(
      try shell("(cd '\(directory)' && sh capture.sh --root machine -o c.tar.gz >said)") == 0)
    let said = try String(contentsOfFile: directory + "/said", encoding: .utf8)
    #expect(said.contains("proc/iomem: only root sees where RAM lies; taken from"))
    #expect(try shell("cd '\(directory)' && mkdir c && tar -xzf c.tar.gz -C c") == 0)
    let trace = try String(
      contentsOfFile: directory + "/c/sys/kernel/tracing/trace", encoding: .utf8)
    #expect(trace.contains("\n task-0 [001] .....     1.000000: dma_alloc: 0000:00:02.0 "))
    let shown = try run(["host", "c.tar.gz"])
    #expect(shown.status == 0, "\(shown.error)")
    #expect(shown.output.contains("0x100000000-0x280000000"))
    // An archive that is there already is not overwritten.
    #expect(try shell("cd '\(directory)' && sh capture.sh --root machine -o said 2>&1") == 2)
  }

  /// Tracing needs an instance of its own, whose buffers are small where there are many
  /// CPUs; what others trace is left alone.
  @Test func theScriptTracesInAnInstance() throws {
    let (root, tracing) = (try writeMachine(), "sys/kernel/tracing/")
    var files = [
      "proc/cpuinfo": String(repeating: "processor\t: 0\nflags\t\t: fpu\n", count: 255),
      tracing + "events/dma/enable": "0\n", tracing + "tracing_on": "1\n",
    ]
    try DriverTree.write(files, to: root)
    let script = try run(["host", "--script"])
    try Data(script.output.utf8).write(to: URL(fileURLWithPath: directory + "/capture.sh"))
    func capture(_ name: String) throws -> String {
      let line = "sh capture.sh --root machine --trace 1 -o \(name)"
      #expect(try shell("(cd '\(directory)' && \(line) >said 2>&1)") == 0)
      return try String(contentsOfFile: directory + "/said", encoding: .utf8)
    }
    #expect(try capture("1.tar.gz").contains("the trace: needs root, tracefs"))
    // In a folder that is no kernel's the instance keeps what was written.
    files = [tracing + "instances/other": ""]
    try DriverTree.write(files, to: root)
    #expect(try capture("2.tar.gz").contains("tracing for 1 s"))
    let instances = root + "/" + tracing + "instances"
    let own = try FileManager.default.contentsOfDirectory(atPath: instances).filter {
      $0.hasPrefix("dmamatrix.")
    }
    let instance = try #require(own.first)
    let size = try String(
      contentsOfFile: instances + "/\(instance)/buffer_size_kb", encoding: .utf8)
    #expect(size == "1024\n" && own.count == 1)
    for (name, content) in [("tracing_on", "1\n"), ("events/dma/enable", "0\n")] {
      let file = root + "/" + tracing + name
      #expect(try String(contentsOfFile: file, encoding: .utf8) == content)
    }
  }
}
