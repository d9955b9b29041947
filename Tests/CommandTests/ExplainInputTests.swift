import Foundation
import Testing

extension CommandTests {
  private static let x86Log = """
    [    0.000000] Linux version 6.12.9-test (gcc 14) #1 SMP
    [    0.000000] Command line: root=/dev/vda1 ro
    [    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable
    [    0.000000] BIOS-e820: [mem 0x0000000100000000-0x000000047fffffff] usable
    [    0.400000] iommu: Default domain type: Translated
    [    0.500100] software IO TLB: mapped [mem 0x000000007bf00000-0x000000007ff00000] (64MB)

    """

  /// The default domain's line is no IOMMU; the pool of the log bounces.
  @Test func aPastedLogAnswersForWhatItProves() throws {
    let run = try run(
      ["explain", "--dmesg", "-", "--mask", "32", "--buf", "8G+4K"], input: Self.x86Log)
    #expect(run.status == 0 && run.error.isEmpty)
    #expect(run.output.contains("6.12: bounce, verdict bounced"))
    #expect(run.output.contains("Pool (6.12): 0x7bf00000-0x7ff00000, 67108864 bytes"))
    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
  }

  /// Facts in JSON, under the names that scripts read.
  @Test func factsAreJSON() throws {
    let run = try run(
      ["explain", "--dmesg", "-", "--mask", "32", "--format", "json"], input: Self.x86Log)
    let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    let facts = try #require(object?["facts"] as? [String: Any])
    #expect(facts["kernel"] as? String == "6.12.9-test")
    #expect(facts["platform"] as? String == "x86")
    #expect(facts["iommu"] as? [String] == ["none"])
    #expect((facts["pool"] as? [String: Any])?["last"] as? String == "0x7ff00000")
    #expect((facts["unmodelled"] as? [String])?.isEmpty == true)
    // Without --buf for low RAM and for RAM above 4 GiB, which this machine has.
    let answers = try #require(object?["answers"] as? [[String: Any]])
    #expect(answers.map { $0["result"] as? String } == ["direct", "bounce"])
  }

  /// Nothing that was found is lost in an error.
  @Test func aBufferOutsideTheRAMIsRefusedAfterTheFacts() throws {
    let run = try run(
      ["explain", "--dmesg", "-", "--mask", "32", "--buf", "64G+4K"], input: Self.x86Log)
    #expect(run.status == 2 && run.output.contains("kernel 6.12.9-test"))
    #expect(run.error.contains("the machine has no RAM at the buffer's address"))
    // Nor in JSON.
    let json = try self.run(
      ["explain", "--dmesg", "-", "--mask", "32", "--buf", "64G+4K", "--format", "json"],
      input: Self.x86Log)
    #expect(json.status == 2 && json.error == run.error)
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect((object?["facts"] as? [String: Any])?["kernel"] as? String == "6.12.9-test")
    #expect((object?["answers"] as? [Any])?.isEmpty == true)
    #expect((object?["error"] as? String)?.contains("no RAM at the buffer's address") == true)
  }

  /// A kernel that is not modelled is answered by its neighbours.
  @Test func neighboursAnswerForAnotherKernel() throws {
    for (release, names) in [("6.8.1", "6.1 and 6.12 agree."), ("6.18.0", "6.12 and 7.2")] {
      let run = try run(
        ["explain", "--dmesg", "-", "--mask", "32"],
        input: Self.x86Log.replacing("6.12.9-test", with: release))
      #expect(run.status == 0 && run.output.contains(names), "\(release)")
    }
  }

  @Test func whatIsNotModelledIsNotAnswered() throws {
    let run = try run(
      ["explain", "--dmesg", "-", "--platform", "x86", "--mask", "32"],
      input: Self.x86Log.replacing("6.12.9", with: "6.8.9") + "PCI-DMA: using GART IOMMU.\n")
    #expect(run.status == 0 && run.output.contains("No answer"))
    // Nothing is said of an answer that is not given.
    for word in ["verdict", "neighbour", "assumed", "placed as"] {
      #expect(!run.output.contains(word), "\(word)")
    }
  }

  /// 6.1 serves s390's PCI devices by operations of its own: said, and not an error.
  @Test func aModeThatAKernelLacksIsSaid() throws {
    let log = """
      Linux version 6.1.9 (gcc 14)
      setup: Linux is running as a z/VM guest operating system in 64-bit mode
      pci 0000:00:00.0: Adding to iommu group 0

      """
    let old = try run(["explain", "--dmesg", "-", "--mask", "64"], input: log)
    #expect(old.status == 0 && old.error.isEmpty && old.output.contains("No answer"))
    #expect(old.output.replacing("\n  ", with: " ").contains("arch/s390/pci/pci_dma.c"))
    let new = try run(
      ["explain", "--dmesg", "-", "--mask", "64"], input: log.replacing("6.1.9", with: "7.3.1"))
    #expect(new.status == 0 && new.output.contains("7.3: iova"))
  }

  /// A mode that an option names leaves no others to list.
  @Test func anIOMMUThatIsAskedForIsTheOnlyOne() throws {
    let cut = Self.x86Log.replacing("iommu: Default domain type: Translated", with: "x")
    for mode in ["none", "translated"] {
      let run = try run(
        ["explain", "--dmesg", "-", "--mask", "32", "--iommu", mode], input: cut)
      #expect(run.status == 0 && !run.output.contains("possible"), "\(mode)")
      #expect(run.output.contains("the log leaves the IOMMU open; --iommu \(mode)"))
    }
    let other = try run(
      ["explain", "--dmesg", "-", "--mask", "32", "--iommu", "translated"], input: Self.x86Log)
    #expect(other.output.contains("- by the log iommu none"))
  }

  /// Rows that differ in a column of the answer show it.
  @Test func noTwoRowsLookAlike() throws {
    for arguments in [
      ["--platform", "x86", "--iommu", "none"], ["--platform", "sev", "--op", "alloc"],
      ["--platform", "arm64", "--mem", "2G"], ["--platform", "x86-sme47", "--swiotlb", "force"],
    ] {
      for kernel in ["6.1", "7.3"] {
        let run = try run(["explain", "--kernel", kernel] + arguments)
        let rows = run.output.split(separator: "\n").map { line in
          line.split(separator: " ").map(String.init)
        }
        for (first, second) in zip(rows, rows.dropFirst())
        where first.count > 4 && first[0].contains("-") && second.count > 4 {
          #expect(first.dropFirst() != second.dropFirst(), "\(arguments) \(first)")
        }
      }
    }
  }

  /// The request of an overflow is asked of the model, on the machine of the log.
  @Test func theRequestOfAnOverflowIsAsked() throws {
    for (line, answer) in [
      (
        "x 0:1: swiotlb addr 0x7bf00000+4096 overflow (mask ffffff, bus limit 0).",
        "error by swiotlb_map"
      ),
      (
        "x 0:1: DMA addr 0x0000000440000000+4096 overflow (mask ffffffff, bus limit 0).",
        "bounce by swiotlb_map"
      ),
    ] {
      let run = try run(
        ["explain", "--dmesg", "-", "--mask", "32"], input: Self.x86Log + line + "\n")
      #expect(run.status == 0, "\(run.error)")
      let text = run.output.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(
        separator: " ")
      #expect(text.contains("6.12 as modelled, iommu none") && text.contains(answer), "\(text)")
    }
  }

  /// What the kernel prints about no request is known, and no error.
  @Test func aLineAboutNoRequestIsKnown() throws {
    let run = try run(["explain", "--line", "software IO TLB: area num 4."])
    #expect(run.status == 0 && run.output.contains("no failure of a request"))
  }

  /// A parameter that says what a domain would be does not switch an IOMMU on.
  @Test(arguments: [
    ["--platform", "x86", "--cmdline", "amd_iommu=off iommu=nopt"],
    ["--platform", "xen-pv", "--cmdline", "quiet"], ["--platform", "ppc64", "--cmdline", "quiet"],
    ["--platform", "ppc64-svm", "--cmdline", "quiet"],
  ])
  func commandLinesAreAnswered(arguments: [String]) throws {
    let run = try run(["explain", "--kernel", "6.12", "--mask", "32"] + arguments)
    #expect(run.status == 0 && run.output.contains("  iommu          none\n"))
    #expect(!run.output.contains("  iommu          translated\n"))
  }

  /// arch/x86/kernel/pci-dma.c `iommu_setup()`: iommu=soft makes a pool in any case.
  @Test func iommuSoftMakesAPool() throws {
    let question = [
      "explain", "--kernel", "6.12", "--platform", "x86", "--iommu", "none", "--mem", "2G",
      "--mask", "24",
    ]
    let soft = try run(question + ["--cmdline", "iommu=soft"])
    #expect(soft.output.contains("logged swiotlb_overflow"))
    #expect(soft.output.contains("Pool (6.12): 0x7c000000-0x80000000, 67108864 bytes"))
    #expect(try run(question).output.contains("Pool (6.12): none"))
  }

  /// A failing line alone needs neither kernel nor platform.
  @Test func aFailingLineAloneIsDiagnosed() throws {
    let line =
      "nvme 0000:01:00.0: swiotlb buffer is full (sz: 524288 bytes), total 32768 (slots), "
      + "used 12 (slots)"
    let run = try run(["explain", "--line", line])
    #expect(run.status == 0 && run.output.contains("larger than a mapping can ever be"))
    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 72 })
    let bad = try self.run(["explain", "--line", "nothing"])
    #expect(bad.status == 2 && bad.error.contains("is no message about a failed mapping"))
  }

  /// 7.3 shrinks the pool of a small Realm although every map bounces.
  @Test func compareShowsThePools() throws {
    let run = try run(["compare", "7.2", "7.3", "--platform", "arm64-cca", "--mem", "2G"])
    #expect(run.status == 1 && run.output.contains("(64 MiB) ->") && run.output.contains("(2 MiB)"))
  }

  /// A part of a log that has the pool and no memory map: the pool is the log's, and a
  /// mask that reaches all of it bounces.
  @Test(arguments: [("x86", "0x61000000-0x65000000"), ("s390-pv", "0x62000000-0x82000000")])
  func aLoggedPoolCountsWithoutRAM(platform: String, pool: String) throws {
    let log = directory + "/cut.log"
    let text = """
      [    0.000000] Linux version 6.12.1-test (gcc) #1
      [    0.100000] software IO TLB: mapped [mem \(pool)] (64MB)

      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: log))
    func answer(_ mask: String) throws -> String {
      try run([
        "explain", "--dmesg", log, "--platform", platform, "--iommu", "none", "--mask", mask,
        "--buf", "high", "--kernel", "6.12",
      ]).output
    }
    #expect(try answer("32").contains("bounce, verdict bounced"))
    #expect(try answer("29").contains("error, verdict refused"))
    if platform == "x86" { #expect(try answer("31").contains("bounce, verdict bounced")) }
  }
}

extension CommandTests {
  /// The failing line of one device is no answer about another.
  @Test func aDeviceHasItsOwnFailingLines() throws {
    let log =
      Self.x86Log + """
        [    1.000000] e1000 0000:00:02.0: swiotlb buffer is full (sz: 524288 bytes), total 32768 (slots), used 12 (slots)
        [    1.100000] nvme 0000:00:03.0: swiotlb buffer is full (sz: 4096 bytes), total 32768 (slots), used 32768 (slots)

        """
    for (device, has, lacks) in [
      ("0000:00:02.0", "larger than a mapping", "is exhausted"),
      ("0000:00:03.0", "is exhausted", "larger than a mapping"),
    ] {
      let run = try run(
        ["explain", "--dmesg", "-", "--mask", "32", "--device", device], input: log)
      #expect(run.status == 0 && run.error.isEmpty)
      #expect(run.output.contains(has) && !run.output.contains(lacks))
      #expect(run.output.contains("of other devices are left out"))
    }
    let unknown = try run(["explain", "--dmesg", "-", "--device", "0000:00:04.0"], input: log)
    #expect(unknown.status == 2 && unknown.error.contains("accepted: 0000:00:02.0, 0000:00:03.0"))
  }

  /// The mask is not asked when slots are searched (kernel/dma/swiotlb.c
  /// `swiotlb_search_pool_area()`): what lies beyond it is said.
  @Test func aMaskThatEndsInsideThePoolIsSaid() throws {
    // The log's pool lies from 0x7bf00000 to 0x7ff00000; a mask of 31 bits ends behind it.
    for (limit, isInside) in [("0x7cffffff", true), ("0x7fefffff", false), ("none", false)] {
      let run = try run(
        [
          "explain", "--dmesg", "-", "--mask", "32", "--buf", "8G+4K", "--bus-limit", limit,
        ], input: Self.x86Log)
      #expect(run.status == 0)
      let text = run.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(
        text.contains("The device reaches the pool up to 0x7cffffff alone") == isInside)
    }
  }

  /// The domain's addresses are not the machine's.
  @Test func xenAnswersSayWhoseAddressesTheyAre() throws {
    for (platform, says) in [("xen-pv", true), ("x86", false)] {
      let run = try run(["explain", "--kernel", "6.12", "--platform", platform, "--mask", "32"])
      #expect(run.output.contains("pseudo-physical") == says)
    }
  }
}
