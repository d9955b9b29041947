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
