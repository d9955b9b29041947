import Testing

@testable import DMAModel

/// Boards and devices as they are. Sources: kernel/dma/direct.c, swiotlb.c,
/// include/linux/dma-direct.h, arch/arm64/mm/init.c, drivers/iommu/dma-iommu.c, each as
/// in 6.1, 6.12 and 7.3; `theModelAgreesWithTheCodeOfBoards` compiles them.
@Suite struct BoardTests {
  private func boot(
    _ kernel: String, _ platform: Platform, _ machine: Machine, iommu: IOMMUMode = .none,
    swiotlb: SwiotlbMode = .standard
  ) throws -> BootedKernel {
    let version = try #require(KernelVersion.named(kernel))
    return version.booted(platform, iommu, swiotlb, machine)
  }

  private func request(
    mask: Int, limit: UInt64 = 0, _ operation: DMAModel.Operation = .map,
    _ buffer: Buffer? = nil
  ) throws -> DeviceRequest {
    DeviceRequest(
      mask: try #require(DMAMask(bits: mask)), coherentMask: .same,
      busLimit: BusLimit(highestAddress: limit) ?? .none, coherence: .coherent, facing: .internal,
      operation: operation, attributes: .none, buffer: buffer ?? .none)
  }

  private func machine(_ ram: [(UInt64, UInt64)], dma: UInt64? = nil) throws -> Machine {
    var machine = try #require(
      Machine(name: MachineName("board"), ram: ram.map { PhysicalRange($0.0, $0.1) }))
    machine.firmwareDMALimit = dma
    return machine
  }

  private let board: [(UInt64, UInt64)] = [
    (0, 0x3b40_0000), (0x4000_0000, 0xfc00_0000), (4 << 30, 8 << 30),
  ]

  /// dma-ranges that end at 1 GiB make a ZONE_DMA of 1 GiB, from which a 30-bit device
  /// gets pages and in which it is supported.
  @Test(arguments: ["6.1", "6.12", "7.2", "7.3"])
  func zoneDMAEndsWhereFirmwareSays(kernel: String) throws {
    let request = try request(mask: 30, .alloc)
    let exact = ExactRequest(request)
    let limited = try boot(kernel, .arm64, machine(board, dma: 0x3fff_ffff))
    #expect(limited.answer(to: request).result == .page)
    #expect(limited.accepts(mask: bitMask(30), of: exact))
    #expect(!limited.accepts(mask: bitMask(29), of: exact))
    #expect(limited.pool.end <= 0x4000_0000 && limited.pool.isActive)
    let ordinary = try boot(kernel, .arm64, machine(board))
    #expect(ordinary.answer(to: request).decision == .allocNoPage)
    #expect(!ordinary.accepts(mask: bitMask(30), of: exact))
  }

  /// RAM that starts above 4 GiB: all of it is ZONE_DMA, 6.12 has the small kmalloc() pool
  /// at its end, and 32-bit devices find a slot that they cannot reach.
  @Test func ramAboveFourGiBHasASmallPool() throws {
    let high = try machine([(32 << 30, 40 << 30)])
    let buffer = try #require(Buffer(at: 39 << 30, length: 16 << 10))
    for kernel in ["6.12", "7.2", "7.3"] {
      let booted = try boot(kernel, .arm64, high)
      #expect(booted.pool.end - booted.pool.start == 8 << 20)
      #expect(booted.pool.end == 40 << 30)
      for mask in 24...35 {
        let answer = booted.answer(to: try request(mask: mask, .map, buffer))
        #expect(answer.decision == .swiotlbOverflow && answer.warnings == .swiotlbOverflow)
        #expect(answer.maxMapping == 262_144)
      }
      #expect(booted.answer(to: try request(mask: 36, .map, buffer)).decision == .directRAM)
    }
    let old = try boot("6.1", .arm64, high)
    #expect(!old.pool.isActive)
    let answer = old.answer(to: try request(mask: 32, .map, buffer))
    #expect(answer.decision == .directOverflow && answer.maxMapping == .max)
  }

  /// The bus adds 16 GiB: a 32-bit device reaches neither its buffer nor a slot.
  @Test func anOffsetPutsMemoryOutOfReach() throws {
    var device = DeviceParameters()
    device.ranges = [
      try #require(BusRange(cpuStart: 0, busStart: 0x4_0000_0000, size: 0x1_0000_0000))
    ]
    let booted = try boot("6.12", .arm64, Machine.sixtyFourGiB.with(device))
    let buffer = try #require(Buffer(at: 0x1940_0000, length: 9236))
    let limit: UInt64 = 0x4_7fff_ffff
    let answer = booted.answer(to: try request(mask: 32, limit: limit, .map, buffer))
    #expect(answer.decision == .swiotlbOverflow)
    let wide = booted.answer(to: try request(mask: 35, limit: limit, .map, buffer))
    #expect(wide.decision == .directRAM && wide.address == 0x4_1940_0000)
    #expect(booted.machine.name.name == "64G+dma_ranges=0x0:0x400000000:0x100000000")
  }

  /// Bus limits are inclusive addresses.
  @Test func busLimitsAreAddresses() throws {
    let booted = try boot("6.12", .arm64, .sixtyFourGiB, swiotlb: .noforce)
    for (address, fits) in [(0xbfff_e000, true), (0xbfff_f000, true), (0xbfff_f001, false)] {
      let buffer = try #require(Buffer(at: UInt64(address), length: 4096))
      let answer = booted.answer(
        to: try request(mask: 64, limit: 0xbfff_ffff, .map, buffer))
      #expect((answer.result == .direct) == fits)
    }
  }

  /// Every mask, some limits and ranges, addresses around every edge, against
  /// `translate_phys_to_dma()` and `dma_capable()` as the header words them.
  @Test(arguments: ["6.1", "6.12", "7.3"])
  func rangesAgreeWithTheHeader(kernel: String) throws {
    let page: UInt64 = 4096
    let maps: [[(UInt64, UInt64, UInt64)]] = [
      [], [(0, 0x4_0000_0000, 1 << 30)], [(0x4000_0000, 0, 1 << 30)],
      [(0, 0x8000_0000, 1 << 20), (1 << 20, 1 << 40, 2 << 30), (4 << 30, 0, 1 << 31)],
      [(0, 0, 1 << 30), (0, 1 << 33, 2 << 30)],
    ]
    let limits: [UInt64] = [0, 1, 0xfff, 0xbfff_ffff, 0xffff_ffff, 0x4_7fff_ffff, .max]
    var count = 0
    for map in maps {
      var device = DeviceParameters()
      device.ranges = try map.map {
        try #require(BusRange(cpuStart: $0.0, busStart: $0.1, size: $0.2))
      }
      let booted = try boot(
        kernel, .arm64, Machine.sixtyFourGiB.with(device), swiotlb: .noforce)
      var edges: [UInt64] = [0, 1 << 20, 0x3fff_f000]
      for range in map { edges += [range.0, range.0 + range.2] }
      var addresses: Set<UInt64> = []
      for edge in edges {
        for address in [edge &- page, edge, edge + page, edge + 1] { addresses.insert(address) }
      }
      for address in addresses
      where address < 1 << 46 && booted.machine.contains(address, length: page) {
        let buffer = try #require(Buffer(at: address, length: page))
        for limit in limits {
          for bits in 0...64 {
            let answer = booted.answer(to: try request(mask: bits, limit: limit, .map, buffer))
            var bus = UInt64.max
            for (cpu, start, size) in map where address >= cpu && address < cpu + size {
              bus = start + (address - cpu)
              break
            }
            if map.isEmpty { bus = address }
            let mask = bits == 64 ? UInt64.max : (1 << UInt64(bits)) - 1
            let reach = mask == 0 ? limit : limit == 0 ? mask : min(mask, limit)
            let fits = bus != .max && bus + page - 1 <= reach
            #expect((answer.result == AnswerResult.direct) == fits)
            if fits { #expect(answer.address == bus) }
            count += 1
          }
        }
      }
    }
    #expect(count > 30_000)
  }

  /// A search of all slots as swiotlb.c does it, with its lists, against the model.
  @Test(arguments: ["6.1", "6.12", "7.3"])
  func slotsAgreeWithASearch(kernel: String) throws {
    let byIndex = kernel == "6.1"
    for start in [0xbc00_0000, 0xbc00_1000, 0xbc03_f000] as [UInt64] {
      let end = start + (1 << 20)
      for minAlign in [0, 511, 2047, 4095, 8191, 65535] as [UInt64] {
        for boundary in [2047, 4095, 8191, 65535, 262_143, 0xffff_ffff, .max] as [UInt64] {
          var device = DeviceParameters()
          (device.minAlignMask, device.segmentBoundary) = (minAlign, boundary)
          let booted = try boot(kernel, .x86, Machine.sixtyFourGiB.with(device), swiotlb: .force)
          for alignMask in [0, 4095] as [UInt64] {
            for address in [0x4000_0000, 0x4000_0200, 0x4000_0a00, 0x4000_f800] as [UInt64] {
              for size in [1, 2048, 2049, 4096, 4097, 8192, 65536, 200_000, 262_144] as [UInt64] {
                let found = booted.hasSlot(start, end, address, size, alignMask)
                let expected = Self.search(
                  start, end, address, size, alignMask, minAlign, boundary, byIndex: byIndex)
                #expect(
                  found == expected,
                  "\(start) \(minAlign) \(boundary) \(alignMask) \(address) \(size)")
              }
            }
          }
        }
      }
    }
  }

  /// One area of a pool without a used slot, looked through slot by slot.
  private static func search(
    _ start: UInt64, _ end: UInt64, _ address: UInt64, _ size: UInt64, _ alignment: UInt64,
    _ minAlign: UInt64, _ boundary: UInt64, byIndex: Bool
  ) -> Bool {
    let slots = Int((end - start) >> 11)
    let list = (0..<slots).map { min(128 - $0 % 128, slots - $0) }
    let base = start & boundary
    let wanted = Int((size + 2047) >> 11)
    let maxSlots = (boundary >> 11) &+ 1
    let first = (base + 2047) >> 11
    var alignment = alignment
    if !byIndex, alignment == 0, minAlign == 0, size >= 4096 { alignment = 4095 }
    alignment |= 2047
    let offsets = minAlign & ~alignment
    var stride = Int(max(alignment, offsets) >> 11) + 1
    if byIndex {
      stride = Int(offsets >> 11) + 1
      if size >= 4096 { stride = max(stride, stride << 1) }
      stride = max(stride, Int(alignment >> 11) + 1)
    }
    var index = 0
    while index < slots {
      let slot = base + UInt64(index) << 11
      if !byIndex, slot & alignment != 0 { index += 1; continue }
      if slot & offsets != address & offsets { index += 1; continue }
      let shifted = (first + UInt64(index)) & (maxSlots &- 1)
      if shifted + UInt64(wanted) <= maxSlots, list[index] >= wanted { return true }
      index += stride
    }
    return false
  }

  /// NVMe's alignment takes 4096 bytes of what a mapping may have.
  @Test func minimumAlignmentShrinksMappings() throws {
    var device = DeviceParameters()
    device.minAlignMask = 4095
    let booted = try boot("6.12", .sev, Machine.sixtyFourGiB.with(device))
    let whole = try #require(Buffer(at: 8 << 30, length: 256 << 10))
    let answer = booted.answer(to: try request(mask: 64, .map, whole))
    #expect(answer.maxMapping == 258_048)
    let shifted = try #require(Buffer(at: (8 << 30) + 0x200, length: 258_048))
    #expect(booted.answer(to: try request(mask: 64, .map, shifted)).result == .bounce)
    let tooLong = try #require(Buffer(at: (8 << 30) + 0x800, length: 256 << 10))
    #expect(booted.answer(to: try request(mask: 64, .map, tooLong)).decision == .noSlots)
  }

  /// A boundary of 4096 leaves no 8192 bytes in one piece.
  @Test func aSegmentBoundaryLooksLikeAFullPool() throws {
    var device = DeviceParameters()
    device.segmentBoundary = 4095
    let booted = try boot(
      "6.12", .x86, Machine.sixtyFourGiB.with(device), iommu: .translated)
    var request = try request(
      mask: 64, .map, Buffer(at: 0x1_411c_0010, length: 5866))
    request.facing = .external
    let answer = booted.answer(to: request)
    #expect(answer.decision == .noSlots && answer.warnings == .swiotlbFull)
  }

  /// A device that claims 64 lines and drives 43 gets IOVAs that it cannot emit.
  @Test func aMaskWiderThanTheDeviceIsUnreachable() throws {
    let booted = try boot("6.12", .x86, .sixtyFourGiB, iommu: .translated)
    for (bits, verdict) in [(64, Verdict.unreachable), (44, .unreachable), (43, .ok)] {
      let request = try request(mask: bits, .map, .high)
      let answer = booted.answer(to: request)
      #expect(JudgedAnswer(.x86, request, answer, addressLines: 43).verdict == verdict)
      #expect(JudgedAnswer(.x86, request, answer).verdict == .ok)
    }
    let direct = try boot("6.12", .x86, .sixtyFourGiB)
    let request = try request(mask: 64, .map, .high)
    let judged = JudgedAnswer(.x86, request, direct.answer(to: request), addressLines: 35)
    #expect(judged.verdict == .unreachable)
  }

  /// An empty IOVA space, against a search of every aligned page range.
  @Test func smallMasksLeaveRoomForFewIOVAs() throws {
    let booted = try boot("6.12", .x86, .sixtyFourGiB, iommu: .translated)
    for bits in 1...23 {
      for pages in 1...70 as ClosedRange<UInt64> {
        let buffer = try #require(Buffer(at: 8 << 30, length: pages * 4096))
        let answer = booted.answer(to: try request(mask: bits, .map, buffer))
        let last = ((1 << UInt64(bits)) - 1) / 4096
        let alignment = pages.roundedUpToPowerOfTwo
        let size = pages < 32 ? alignment : pages
        let fits = stride(from: alignment, through: 1 << 11, by: Int(alignment)).contains {
          $0 + size - 1 <= last
        }
        #expect(answer.result == (fits ? .iova : .error))
      }
    }
    // No mask was set: dma_get_mask() is 32 bits.
    #expect(booted.answer(to: try request(mask: 0, .map, .high)).result == .iova)
  }

  /// MAX_PAGE_ORDER, the atomic pools and the segments of a restricted pool.
  @Test func allocationsHaveLimits() throws {
    func answer(
      _ megabytes: UInt64, _ operation: DMAModel.Operation, iommu: IOMMUMode = .none,
      swiotlb: SwiotlbMode = .standard
    ) throws -> Answer {
      let booted = try boot("6.12", .arm64, .sixtyFourGiB, iommu: iommu, swiotlb: swiotlb)
      let size = try #require(Buffer(allocating: megabytes << 20))
      return booted.answer(to: try request(mask: 32, operation, size))
    }
    #expect(try answer(4, .alloc).result == .page)
    #expect(try answer(5, .alloc).decision == .allocNoPage)
    #expect(try answer(128, .alloc).decision == .allocNoPage)
    #expect(try answer(128, .alloc, iommu: .translated).result == .page)
    #expect(try answer(128, .allocPages, iommu: .translated).decision == .iommuNoPages)
    #expect(try answer(1, .alloc, swiotlb: .restricted).decision == .allocSwiotlbNoSlots)
  }

  /// A coherent mask of 0 was never set: dma_alloc_attrs() warns, dma_alloc_pages() fails.
  @Test func aMaskThatWasNeverSet() throws {
    let booted = try boot("6.12", .x86, .sixtyFourGiB)
    let pages = booted.answer(to: try request(mask: 0, .allocPages))
    #expect(pages.decision == .allocMaskUnset && pages.warnings == .coherentMaskUnset)
    let coherent = booted.answer(to: try request(mask: 0, .alloc))
    #expect(coherent.decision == .allocNoPage && coherent.warnings == .coherentMaskUnset)
    #expect(booted.answer(to: try request(mask: 20, .map, .low)).result != .direct)
  }

  /// Frames that lie apart bounce, and never fit above 256 KiB.
  @Test func xenFramesMayLieApart() throws {
    var device = DeviceParameters()
    device.hasScatteredFrames = true
    let apart = try boot("6.12", .xenPV, Machine.sixtyFourGiB.with(device))
    let together = try boot("6.12", .xenPV, .sixtyFourGiB)
    for (length, expected) in [
      (4096, AnswerResult.direct), (8192, AnswerResult.bounce), (1 << 20, AnswerResult.error),
    ] as [(UInt64, AnswerResult)] {
      let request = try request(mask: 64, .map, Buffer(at: 1 << 30, length: length))
      #expect(apart.answer(to: request).result == expected)
      #expect(together.answer(to: request).result == .direct)
    }
  }

  /// A limit has one spelling: bits where it is DMA_BIT_MASK(), else the address.
  @Test func limitsHaveOneName() throws {
    for bits in 0...64 {
      let mask = try #require(DMAMask(bits: bits))
      #expect(mask.name == "\(bits)" && Int(mask.bits) == bits && mask.isWholeBits)
      #expect(DMAMask(name: "\(bits)") == mask)
      #expect(CoherentMask(name: "\(bits)")?.address == mask.highestAddress)
      #expect(BusLimit(name: "\(bits)")?.address == (bits == 0 ? nil : mask.highestAddress))
    }
    for address in [0xbfff_ffff, 0x4_7fff_ffff, 0xdf00_0000, 2] as [UInt64] {
      let name = "0x" + String(address, radix: 16)
      #expect(DMAMask(name: name)?.highestAddress == address)
      #expect(CoherentMask(name: name)?.name == name && BusLimit(name: name)?.name == name)
    }
    for name in ["0x3fffffff", "65", "032", "-1", "", "0x", "1.5", "0xBFFFFFFF", "none ", "+3"] {
      #expect(DMAMask(name: name) == nil && BusLimit(name: name) == nil)
      #expect(CoherentMask(name: name) == nil)
    }
  }
}
