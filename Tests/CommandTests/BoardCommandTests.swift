import Foundation
import Testing

/// Boards and devices as a user names them: each case is a question from a report, with
/// what a right tool says and the kernel functions that say so.
extension CommandTests {
  private func explain(_ arguments: [String]) throws -> String {
    let run = try run(["explain"] + arguments)
    #expect(run.status == 0 && run.error.isEmpty, "\(run.error)")
    return run.output
  }

  /// dev->bus_dma_limit is an inclusive address: min_not_zero() in dma_capable().
  @Test func aBusLimitIsAnAddress() throws {
    let board = ["--kernel", "6.12", "--platform", "arm64", "--iommu", "none"]
    // The machine 64G has no RAM there; the report's board has.
    let bounced = try explain(
      board + [
        "--mask", "64", "--bus-limit", "0xbfffffff", "--buf", "0xd0000000+4K", "--machine",
        "pi=0-0xfc000000,4G-8G,dma=0x3fffffff",
      ])
    #expect(bounced.contains("6.12: bounce, verdict bounced"))
    #expect(bounced.contains("bus_limit      0xbfffffff"))
    let wide = try explain(
      board + ["--mask", "32", "--bus-limit", "0x47fffffff", "--buf", "5G+4K"])
    #expect(wide.contains("6.12: bounce, verdict bounced"))
    // A power of two less one has the name that it always had.
    let bits = try explain(board + ["--mask", "0x7ffffffffff", "--bus-limit", "0xffffffff"])
    #expect(bits.contains("mask           43\n") && bits.contains("bus_limit      32\n"))
  }

  /// translate_phys_to_dma(): the report's board, and the mask that mended it.
  @Test func aBusMayAddAnOffset() throws {
    let board = [
      "--kernel", "6.12", "--platform", "arm64", "--buf", "0x19400000+9236", "--dma-offset",
      "0x400000000", "--bus-limit", "0x47fffffff",
    ]
    let refused = try explain(board + ["--mask", "32"])
    #expect(refused.contains("6.12: error, verdict refused, logged swiotlb_overflow"))
    let mended = try explain(board + ["--mask", "35"])
    #expect(mended.contains("6.12: direct, verdict ok, address 0x419400000"))
    let ranges = try explain(
      Array(board.dropLast(4)) + ["--dma-ranges", "0x0:0x400000000:2G", "--mask", "35"])
    #expect(ranges.contains("address 0x419400000"))
  }

  /// zone_sizes_init(): GFP_DMA of a board whose ZONE_DMA ends at 1 GiB.
  @Test func aMachineNamesItsDMAZone() throws {
    let question = [
      "--kernel", "6.12", "--platform", "arm64", "--mask", "30", "--op", "alloc", "--machine",
    ]
    let board = "pi=0-0x3b400000,1G-0xfc000000,4G-8G"
    let page = try explain(question + [board + ",dma=0x3fffffff"])
    #expect(page.contains("6.12: page, verdict ok") && page.contains("dma_set_mask() 0,"))
    let none = try explain(question + [board])
    #expect(none.contains("6.12: error") && none.contains("dma_set_mask() -EIO"))
  }

  /// RAM that starts above 4 GiB: the small kmalloc() pool since 6.12, in a database.
  @Test func aMachineMayStartHigh() throws {
    let database = directory + "/high.db"
    let generated = try run([
      "generate", "-d", database, "--machine", "high=32G-40G", "--mem", "high", "--platform",
      "arm64", "--iommu", "none", "--swiotlb", "default", "--kernel", "6.12", "--jobs", "1",
      "--buf", "39G+16K", "--op", "map", "--attrs", "none", "--coherent", "1", "--external", "0",
      "--quiet",
    ])
    #expect(generated.status == 0, "\(generated.error)")
    let pool = try run(["query", "-d", database, "SELECT DISTINCT pool FROM boot"])
    #expect(pool.output.contains("0x9ff800000-0xa00000000"))
    let answers = try run([
      "query", "-d", database,
      "SELECT max(mask), max_map FROM behavior WHERE coherent_mask='same' AND bus_limit='none' "
        + "AND warn='swiotlb_overflow' GROUP BY max_map",
    ])
    #expect(answers.output.contains("35") && answers.output.contains("262144"))
  }

  /// Machines that differ in one parameter of their devices have rows of their own, whose
  /// columns say which.
  @Test func parametersOfDevicesAreColumns() throws {
    let question = [
      "generate", "--kernel", "6.12", "--platform", "arm64", "--iommu", "none", "--swiotlb",
      "default", "--op", "map", "--attrs", "none", "--coherent", "1", "--external", "0",
      "--coherent-mask", "same", "--bus-limit", "none", "--jobs", "1", "--quiet", "--buf", "high",
      "--mem", "64G", "-d",
    ]
    let columns = "dma_ranges || '|' || seg_boundary || '|' || min_align || '|' || device_bits"
    for (name, option, stored) in [
      ("plain", [], "none|none|0|64"), ("align", ["--min-align", "4095"], "none|none|4095|64"),
      ("edge", ["--seg-boundary", "0xffff"], "none|0xffff|0|64"),
      (
        "bus", ["--dma-ranges", "0x0:0x400000000:64G"], "0x0:0x400000000:0x1000000000|none|0|64"
      ),
    ] {
      let database = directory + "/device-\(name).db"
      let generated = try run(question + [database] + option)
      #expect(generated.status == 0, "\(generated.error)")
      let row = try run(["query", "-d", database, "SELECT \(columns) AS device FROM mem"])
      #expect(row.output.contains(stored + "\n"), "\(name): \(row.output)")
      let named = try run(["query", "-d", database, "SELECT DISTINCT mem FROM behavior"])
      let report = try run(["report", "platform", "-d", database, "--platform", "arm64"])
      let key = try #require(named.output.split(separator: "\n").last?.split(separator: " ").first)
      #expect(report.output.contains(key.prefix(40)), "\(report.output)")
      #expect((key == "64G") == option.isEmpty)
    }
  }

  /// swiotlb_max_mapping_size() and swiotlb_search_pool_area().
  @Test func aDriverSetsAlignmentAndBoundary() throws {
    let nvme = try explain([
      "--kernel", "6.12", "--platform", "sev", "--iommu", "none", "--mask", "64", "--buf",
      "8G+256K", "--min-align", "4095",
    ])
    #expect(nvme.contains("max mapping 258048") && nvme.contains("dma_max_mapping_size() 258048"))
    let full = try explain([
      "--kernel", "6.12", "--platform", "x86", "--iommu", "translated", "--external", "1",
      "--mask", "64", "--buf", "0x1411c0010+5866", "--seg-boundary", "4095",
    ])
    #expect(full.contains("6.12: error, verdict refused, logged swiotlb_full"))
  }

  /// range_straddles_page_boundary(): both answers, in words.
  @Test func xenFramesAreSaidToBeContiguous() throws {
    let text = try explain([
      "--kernel", "6.12", "--platform", "xen-pv", "--iommu", "none", "--mask", "64", "--buf",
      "1G+1M",
    ])
    #expect(text.contains("6.12: direct") && text.contains("not be contiguous"))
    #expect(text.contains("6.12: error, verdict refused, logged swiotlb_full"))
  }

  /// iommu_dma_alloc_iova(): what mask allows, and what the device drives.
  @Test func aDeviceMayDriveFewerLinesThanItClaims() throws {
    let question = [
      "--kernel", "6.12", "--platform", "x86", "--iommu", "translated", "--mask", "64", "--buf",
      "high",
    ]
    let claimed = try explain(question)
    #expect(claimed.contains("6.12: iova, verdict ok"))
    #expect(claimed.contains("IOVAs: 0x1000 to 0xffffffffffffffff, those below 4 GiB first"))
    let real = try explain(question + ["--device-bits", "43"])
    #expect(real.contains("6.12: iova, verdict unreachable") && real.contains("43 address lines"))
  }

  /// Machines that ppc64 without an IOMMU stands for.
  @Test func powerpcSaysWhichMachinesItIs() throws {
    let text = try explain([
      "--kernel", "6.12", "--platform", "ppc64", "--iommu", "none", "--mask", "64", "--buf",
      "8G+4K",
    ])
    #expect(text.contains("no IBM machine") && text.contains("swiotlb_detect_4g()"))
  }

  /// Scatter lists and allocations of any size, masks below 24 bits.
  @Test func requestsHaveAnySize() throws {
    let board = ["--kernel", "6.12", "--platform", "arm64", "--iommu", "none"]
    let list = try explain(
      board + [
        "--mask", "35", "--bus-limit", "30", "--op", "map_sg", "--buf", "0x40898000+536576",
      ])
    #expect(list.contains("6.12: error, verdict refused, logged swiotlb_full"))
    let entries = try explain(
      board + [
        "--mask", "32", "--op", "map_sg", "--buf", "0x40898000+4K", "--buf", "5G+512K",
      ])
    #expect(entries.contains("6.12: direct") && entries.contains("6.12: error"))
    #expect(entries.contains("2 entries"))
    for arguments in [["--buf", "1G+128M"], ["--size", "128M"], ["--buf", "size:128M"]] {
      let text = try explain(board + ["--mask", "32", "--op", "alloc"] + arguments)
      #expect(text.contains("6.12: error") && text.contains("MAX_PAGE_ORDER"))
    }
    let isa = try explain([
      "--kernel", "6.12", "--platform", "x86", "--iommu", "none", "--mask", "20", "--buf", "low",
    ])
    #expect(isa.contains("dma_set_mask() -EIO") && isa.contains("6.12: error, verdict refused"))
    let unset = try explain(board + ["--mask", "0", "--op", "alloc_pages"])
    #expect(unset.contains("WARN_ON(!dev->coherent_dma_mask)"))
  }

  /// Without --buf low and high RAM are both asked for.
  @Test func highRAMIsNotHiddenBehindLowRAM() throws {
    let x86 = ["--kernel", "6.12", "--platform", "x86", "--iommu", "none"]
    let both = try explain(x86 + ["--mask", "32"])
    #expect(both.contains("6.12: direct") && both.contains("6.12: bounce"))
    let same = try explain(x86 + ["--mask", "64"])
    #expect(same.contains("The same of high (RAM at 32 GiB, 4096 bytes) as of dma32"))
    #expect(try explain(x86).components(separatedBy: "verdict ").count == 3)
  }

  /// Bad boards: one sentence, status 2.
  @Test(arguments: [
    (["--dma-ranges", "0:1"], "--dma-ranges '0:1' is not a range; accepted: cpu:bus:size"),
    (["--dma-ranges", "0:0:0"], "--dma-ranges '0:0:0' is not a range"),
    (["--dma-ranges", "0:0xfffffffffffff000:8K"], "is not a range; accepted: cpu:bus:size"),
    (["--dma-offset", "1"], "--dma-offset '1' is not an offset; accepted: a multiple of 4096"),
    (["--dma-offset", "0x1000", "--dma-ranges", "0:0:4K"], "both say where the bus leads"),
    (["--min-align", "4096"], "--min-align '4096' is not such a mask; accepted: a power of two"),
    (["--seg-boundary", "1023"], "--seg-boundary '1023' is not such a mask"),
    (["--device-bits", "65"], "--device-bits '65' is no number of address lines; accepted: 1 to"),
    (
      ["--size", "0", "--op", "alloc"], "--size '0' is not a number of bytes; accepted: 1 to 65536G"
    ),
    (["--size", "4K"], "--size is the size of an allocation; accepted: --buf"),
    (["--machine", "a=0-1G,dma=1G"], "'dma=1G' is neither dma= with the last byte of a page"),
    (["--machine", "a=0-1G,cpus=0"], "'cpus=0' is neither dma= with the last byte of a page"),
    (["--machine", "a=0-1G,dma=0x3fffffff"], "has dma=, by which x86 makes no zone; accepted:"),
    (["--mask", "0xbfffffff,32"], "--mask '0xbfffffff' is no power of two less one"),
    (["--bus-limit", "0x0"], "--bus-limit '0' is unknown; accepted: none, 32, 1 to 64, 0xADDRESS"),
    (["--bus-limit", "bfffffff"], "--bus-limit 'bfffffff' is unknown; accepted: none"),
  ])
  func aBadBoardIsOneSentence(arguments: [String], message: String) throws {
    let run = try run(["explain", "--kernel", "6.12", "--platform", "x86"] + arguments)
    #expect(run.status == 2 && run.output.isEmpty)
    #expect(run.error.contains(message), "\(run.error)")
  }

  @Test func otherPlatformsHaveNoRanges() throws {
    for platform in ["sev", "x86-sme47", "arm64-cca", "s390", "ppc64", "xen-pv"] {
      let run = try run([
        "explain", "--kernel", "7.3", "--platform", platform, "--dma-offset", "0x1000",
      ])
      #expect(run.status == 2)
      #expect(run.error.contains("dma-ranges are not modelled on \(platform)"))
    }
  }
}
