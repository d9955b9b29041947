import Testing

@testable import TraceEvents

@Suite struct TraceTests {
  private static let map =
    "0000:00:05.0 dir=TO_DEVICE dma_addr=ffe57b02 size=60 phys_addr=100a70b02 attrs=NO_WARN|MMIO"

  /// The three tools print the part from the time on alike
  /// (include/trace/events/dma.h; perf names the subsystem).
  @Test(arguments: [
    "          <idle>-0       [001] bNs2.    23.495743: dma_map_page: ",
    " my task: 1.5-33 (  33)  [001] bNs2.    23.495743: dma_map_page: ",
    "          <idle>-0     [001] d..1.    23.495743: dma_map_page:         ",
    "swapper     0 [001]    23.495743: dma:dma_map_page: ",
    "swapper     0 [001]    23.495743:           dma:dma_map_page: ",
    "swapper     0/0     [001]    23.495743:          1                   dma:dma_map_page: ",
    "[001]    23.495743746: dma:dma_map_page:                         ",
  ])
  func everyToolsLineIsRead(start: String) throws {
    let trace = TraceReader.read(Array((start + Self.map + "\n").utf8))
    let event = try #require(trace.events.first)
    #expect(event.kind == .mapPage && event.direction == .toDevice)
    #expect(event.dma == 0xffe5_7b02 && event.physical == 0x1_00a7_0b02 && event.size == 60)
    #expect(event.attributes == .mmio)
    #expect(trace.devices == ["0000:00:05.0"] && trace.cpusSeen == [1])
    #expect(trace.isWhole)
  }

  /// The kernel's own list, and libtraceevent's, which has decimal numbers and blanks.
  @Test(arguments: [
    "dma_addrs={0x1000,0x3000} sizes={0x200,0x400} phys_addrs={0x1000,0x3000} attrs=",
    "dma_addrs=4096 12288 sizes=512 1024 phys_addrs=4096 12288 attrs=",
    """
    dma_addrs=ARRAY[00, 10, 00, 00, 00, 00, 00, 00, 00, 30, 00, 00, 00, 00, 00, 00] \
    lengths=ARRAY[00, 02, 00, 00, 00, 04, 00, 00] \
    phys_addrs=ARRAY[00, 10, 00, 00, 00, 00, 00, 00, 00, 30, 00, 00, 00, 00, 00, 00]
    """,
  ])
  func listsAreRead(fields: String) throws {
    let line = "t-1 [000] ..... 1.0: dma_map_sg: d dir=TO_DEVICE nents=2/2 ents=2/2 \(fields)\n"
    let trace = TraceReader.read(Array(line.utf8))
    let event = try #require(trace.events.first)
    #expect(Array(trace.numbers[event.dmaRun.range]) == [0x1000, 0x3000])
    #expect(Array(trace.numbers[event.sizeRun.range]) == [512, 1024])
    #expect(Array(trace.numbers[event.physicalRun.range]) == [0x1000, 0x3000])
    #expect(event.size == 1536 && !event.isCut)
  }

  /// Debian's trace-cmd 3.1.6 on a machine's events of 6.12: as text, where libtraceevent
  /// does not understand lists, and the same by field (-R), with the time between events
  /// (--ts-diff) and in the latency format (-l).
  @Test func traceCommandReportsAreReadAlike() throws {
    let text = Self.report.map { "  task-1     [000]    28.1: \($0)\n" }.joined()
    let whole = TraceReader.read(Array(("cpus=1\n" + text).utf8))
    #expect(whole.isWhole && whole.notes.isEmpty && whole.cpus == 1)
    let kinds: [TraceEventKind] = [
      .alloc, .alloc, .mapPage, .unmapPage, .bounced, .bounced, .syncForCPU, .mapSG, .unmapSG,
      .free,
    ]
    #expect(whole.events.map(\.kind) == kinds)
    #expect(whole.devices == ["0000:00:06.0", "0000:00:08.0", "0000:00:01.0", "0000:00:0f.0"])
    let list = whole.events[7]
    #expect(list.attributes == [] && list.direction == .fromDevice && list.size == 0x8_0000)
    #expect(Array(whole.numbers[list.dmaRun.range]) == [0x1_03d1_b000, 0x1_06a0_0000])
    #expect(
      whole.events.map(\.flag) == [false, true, false, false, false, true] + [
        false, false, false, false,
      ])

    let forms = [
      Self.fields.map { "  task-1     [000]    28.1:  \($0)\n" },
      Self.report.map { "  task-1     [000]    28.1: (+649)   \($0)\n" },
      Self.report.map { "  ta]sk-1       0.N...    28.1: \($0)\n" },
      Self.fields.map { "  task-1       0d..1.    28.100000000: \($0)\n" },
    ]
    for lines in forms {
      let trace = TraceReader.read(Array(lines.joined().utf8))
      #expect(trace.notes.isEmpty && trace.cpusSeen == [0] && trace.devices == whole.devices)
      #expect(trace.numbers == whole.numbers)
      for (event, other) in zip(trace.events, whole.events) {
        #expect(
          event.kind == other.kind && event.device == other.device && event.dma == other.dma
            && event.physical == other.physical && event.size == other.size
            && event.flag == other.flag && event.isCut == other.isCut
            && event.attributes == other.attributes && event.direction == other.direction)
      }
      #expect(trace.events.count == whole.events.count)
    }
  }

  private static let lists = """
    phys_addrs=ARRAY[00, b0, d1, 03, 01, 00, 00, 00, 00, 00, a0, 06, 01, 00, 00, 00] \
    dma_addrs=ARRAY[00, b0, d1, 03, 01, 00, 00, 00, 00, 00, a0, 06, 01, 00, 00, 00] \
    lengths=ARRAY[00, 50, 06, 00, 00, b0, 01, 00] dir=2 attrs=0x100
    """

  private static let report = [
    """
    dma_alloc:            0000:00:06.0 dir=BIDIRECTIONAL dma_addr=101a64000 size=6726 \
    virt_addr=0xff189c6101a64000 flags=GFP_KERNEL|__GFP_NOWARN|__GFP_ZERO attrs=NO_WARN
    """,
    """
    dma_alloc:            0000:00:08.0 dir=BIDIRECTIONAL dma_addr=1101000 size=4096 \
    virt_addr=0xff189c6001101000 flags=GFP_ATOMIC attrs=
    """,
    """
    dma_map_page:         0000:00:01.0 dir=FROM_DEVICE dma_addr=1047d7000 size=4096 \
    phys_addr=1047d7000 attrs=
    """,
    "dma_unmap_page:       0000:00:01.0 dir=FROM_DEVICE dma_addr=1047d7000 size=4096 attrs=",
    """
    swiotlb_bounced:      dev_name: 0000:00:0f.0 dma_mask=ffffffff dev_addr=10086edc2 size=70 NORMAL
    """,
    "swiotlb_bounced:      dev_name: 0000:00:0f.0 dma_mask=ffffffff dev_addr=10086edc2 size=70 FORCE",
    "dma_sync_single_for_cpu: 0000:00:0f.0 dir=FROM_DEVICE dma_addr=7baf4800 size=110",
    """
    dma_map_sg:           [FAILED TO PARSE] device=0000:00:01.0 full_nents=2 full_ents=2 \
    truncated=0 \(lists)
    """,
    """
    dma_unmap_sg:         [FAILED TO PARSE] device=0000:00:01.0 \
    addrs=ARRAY[00, b0, d1, 03, 01, 00, 00, 00, 00, 00, a0, 06, 01, 00, 00, 00] dir=2 attrs=0x100
    """,
    "dma_free:             0000:00:01.0 dir=BIDIRECTIONAL dma_addr=0 size=0 virt_addr=(nil) attrs=",
  ]

  private static let fields = [
    """
    dma_alloc:             device=0000:00:06.0 virt_addr=0xff189c6101a64000 \
    dma_addr=101a64000 size=6726 flags=11712 dir=0 attrs=0x100
    """,
    """
    dma_alloc:             device=0000:00:08.0 virt_addr=0xff189c6001101000 dma_addr=1101000 \
    size=4096 flags=2080 dir=0 attrs=0x0
    """,
    """
    dma_map_page:          device=0000:00:01.0 phys_addr=1047d7000 dma_addr=1047d7000 \
    size=4096 dir=2 attrs=0x0
    """,
    "dma_unmap_page:        device=0000:00:01.0 addr=1047d7000 size=4096 dir=2 attrs=0x0",
    """
    swiotlb_bounced:       dev_name=0000:00:0f.0 dma_mask=ffffffff dev_addr=10086edc2 \
    size=70 force=0
    """,
    """
    swiotlb_bounced:       dev_name=0000:00:0f.0 dma_mask=ffffffff dev_addr=10086edc2 \
    size=70 force=1
    """,
    "dma_sync_single_for_cpu:  device=0000:00:0f.0 dma_addr=7baf4800 size=110 dir=2",
    """
    dma_map_sg:            device=0000:00:01.0 full_nents=2 full_ents=2 truncated=0 \(lists)
    """,
    """
    dma_unmap_sg:          device=0000:00:01.0 \
    addrs=ARRAY[00, b0, d1, 03, 01, 00, 00, 00, 00, 00, a0, 06, 01, 00, 00, 00] dir=2 attrs=0x100
    """,
    "dma_free:              device=0000:00:01.0 virt_addr=(nil) dma_addr=0 size=0 dir=0 attrs=0x0",
  ]

  /// trace-cmd says how many events a reader that was too slow has lost, where it knows.
  @Test func lossesOfTraceCommandAreSaid() {
    let text = "cpus=1\nCPU:0 [107 EVENTS DROPPED]\nCPU:0 [53 EVENTS DROPPED]\n"
    let trace = TraceReader.read(Array(text.utf8))
    #expect(trace.lost == 160 && !trace.lostUnknown && !trace.isWhole)
    #expect(TraceReader.read(Array("CPU:0 [EVENTS DROPPED]\n".utf8)).lostUnknown)
  }

  /// Numbers of attributes mean what their names do; an address that may be decimal or
  /// hexadecimal is not guessed.
  @Test func fieldsAreNotGuessed() throws {
    func event(_ fields: String) -> Trace {
      TraceReader.read(Array("t-1 [000] 1.0: \(fields)\n".utf8))
    }
    let map = "dma_map_phys: device=d phys_addr=1000 dma_addr=1000 size=8 dir=1 attrs="
    for (bits, attributes) in [
      (0x20, .skipCPUSync), (0x10, .noKernelMapping), (0x400, .mmio), (0x1000, .requireCoherent),
      (0x2000, .ccShared), (0xbc6, []), (0x4000, .unknown), (0x2400, [.mmio, .ccShared]),
    ] as [(Int, TraceAttributes)] {
      let hexadecimal = try #require(event(map + "0x" + String(bits, radix: 16)).events.first)
      #expect(hexadecimal.attributes == attributes, "\(bits)")
      let named = try #require(event(map + "NO_WARN|0x" + String(bits, radix: 16)).events.first)
      #expect(named.attributes == attributes)
    }
    let tail = "size=8 dir=1 flags=3264 attrs=0x0"
    let table = "device=d phys_addrs=ARRAY[00, 10, 00, 00, 00, 00, 00, 00]"
    #expect(event("dma_alloc_sgt: \(table) dma_addr=4096 \(tail)").unreadable == 1)
    let parsed = event("dma_alloc_sgt: [FAILED TO PARSE] \(table) dma_addr=4096 \(tail)")
    #expect(parsed.events.first?.dma == 4096 && parsed.events.first?.flag == false)
  }

  @Test func whatIsMissingIsSaid() {
    let text = """
      # entries-in-buffer/entries-written: 5/12   #P:4
      CPU:2 [LOST 7 EVENTS]
      t-1 [000] ..... 1.0: sched_switch: prev=x
      t-1 [000] ..... 1.0: dma_map_whatever: d dir=TO_DEVICE
      t-1 [000] ..... 1.0: dma_map_page: d dir=TO_DEVICE dma_addr=zz size=1 phys_addr=0 attrs=
      t-1 [000] ..... 1.0: dma_free: d dir=TO_DEVICE dma_addr=1000 size=1
      """
    let trace = TraceReader.read(Array(text.utf8))
    #expect(trace.overwritten == 7 && trace.lost == 7 && trace.otherEvents == 1)
    #expect(trace.unknownEvents == ["dma_map_whatever": 1])
    #expect(trace.unreadable == 1 && trace.firstUnreadable == 5)
    #expect(trace.endsWithinLine && trace.missing == 2 && trace.lacksCPUs && !trace.isWhole)
    #expect(trace.events.isEmpty)
    #expect(trace.notes.allSatisfy { !$0.contains("\n") } && trace.notes.count == 7)
  }

  /// A name from a trace does not steer a terminal.
  @Test func namesArePrintable() {
    let text = "t-1 [000] ..... 1.0: dma_map_\u{1b}[2J: d dir=TO_DEVICE\n"
    let notes = TraceReader.read(Array(text.utf8)).notes
    #expect(notes.count == 1 && notes.allSatisfy { !$0.contains("\u{1b}") })
  }

  /// Every line that is cut anywhere is an event or is counted as unreadable.
  @Test func cutLinesAreNeverHalfRead() {
    let line = "t-1 [000] ..... 1.0: dma_map_page: " + Self.map
    for length in 1..<line.utf8.count {
      let trace = TraceReader.read(Array(line.utf8.prefix(length)) + [0x0a])
      let said = trace.unreadable + trace.unknownEvents.values.reduce(0, +) + trace.otherEvents
      for event in trace.events { #expect(event.dma == 0xffe5_7b02 && event.size == 60) }
      #expect(trace.events.count + said <= 1)
    }
  }
}
