/// What a tracepoint of `include/trace/events/dma.h` or `swiotlb.h` reports.
public enum TraceEventKind: UInt8, Sendable, CaseIterable {
  case mapPage, mapPhys, mapResource, mapSG, mapSGError
  case unmapPage, unmapPhys, unmapResource, unmapSG
  case alloc, allocPages, allocSGT, allocSGTError
  case free, freePages, freeSGT
  case syncForCPU, syncForDevice, syncSGForCPU, syncSGForDevice
  case bounced

  /// The tracepoint's name.
  public var name: String {
    switch self {
    case .mapPage: "dma_map_page"
    case .mapPhys: "dma_map_phys"
    case .mapResource: "dma_map_resource"
    case .mapSG: "dma_map_sg"
    case .mapSGError: "dma_map_sg_err"
    case .unmapPage: "dma_unmap_page"
    case .unmapPhys: "dma_unmap_phys"
    case .unmapResource: "dma_unmap_resource"
    case .unmapSG: "dma_unmap_sg"
    case .alloc: "dma_alloc"
    case .allocPages: "dma_alloc_pages"
    case .allocSGT: "dma_alloc_sgt"
    case .allocSGTError: "dma_alloc_sgt_err"
    case .free: "dma_free"
    case .freePages: "dma_free_pages"
    case .freeSGT: "dma_free_sgt"
    case .syncForCPU: "dma_sync_single_for_cpu"
    case .syncForDevice: "dma_sync_single_for_device"
    case .syncSGForCPU: "dma_sync_sg_for_cpu"
    case .syncSGForDevice: "dma_sync_sg_for_device"
    case .bounced: "swiotlb_bounced"
    }
  }

  /// What a trace's reader and its user group events by.
  public enum Group: String, Sendable, CaseIterable {
    case map, unmap, alloc, free, sync, bounce
  }

  public var group: Group {
    switch self {
    case .mapPage, .mapPhys, .mapResource, .mapSG, .mapSGError: .map
    case .unmapPage, .unmapPhys, .unmapResource, .unmapSG: .unmap
    case .alloc, .allocPages, .allocSGT, .allocSGTError: .alloc
    case .free, .freePages, .freeSGT: .free
    case .syncForCPU, .syncForDevice, .syncSGForCPU, .syncSGForDevice: .sync
    case .bounced: .bounce
    }
  }
}

/// The direction of a mapping as a trace prints it.
public enum TraceDirection: UInt8, Sendable {
  case bidirectional, toDevice, fromDevice, none
}

/// The attributes of a request, `DMA_ATTR_*`, that a trace prints.
public struct TraceAttributes: OptionSet, Hashable, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let mmio = TraceAttributes(rawValue: 1)
  public static let ccShared = TraceAttributes(rawValue: 2)
  public static let requireCoherent = TraceAttributes(rawValue: 4)
  public static let noKernelMapping = TraceAttributes(rawValue: 8)
  public static let skipCPUSync = TraceAttributes(rawValue: 16)
  /// A name or a number that the tool does not know.
  public static let unknown = TraceAttributes(rawValue: 32)

  /// The names, with those that decide neither path nor address as an empty set.
  static let names: [String: TraceAttributes] = [
    "MMIO": .mmio, "CC_SHARED": .ccShared, "REQUIRE_COHERENT": .requireCoherent,
    "NO_KERNEL_MAPPING": .noKernelMapping, "SKIP_CPU_SYNC": .skipCPUSync,
    "WEAK_ORDERING": [], "WRITE_COMBINE": [], "FORCE_CONTIGUOUS": [], "ALLOC_SINGLE_PAGES": [],
    "NO_WARN": [], "PRIVILEGED": [], "CACHELINES_OVERLAP": [], "ALLOC_CC_SHARED": .unknown,
  ]

  /// The attributes of a number, where trace-cmd prints fields and not the event's text
  /// (include/linux/dma-mapping.h: a bit keeps its meaning from 6.12 to 7.3).
  init(bits: UInt64) {
    self = []
    for bit in 0..<64 where bits >> UInt64(bit) & 1 == 1 {
      switch bit {
      // WEAK_ORDERING, WRITE_COMBINE, FORCE_CONTIGUOUS, ALLOC_SINGLE_PAGES, NO_WARN,
      // PRIVILEGED, DEBUGGING_IGNORE_CACHELINES.
      case 1, 2, 6, 7, 8, 9, 11: break
      case 4: formUnion(.noKernelMapping)
      case 5: formUnion(.skipCPUSync)
      case 10: formUnion(.mmio)
      case 12: formUnion(.requireCoherent)
      case 13: formUnion(.ccShared)
      default: formUnion(.unknown)
      }
    }
  }
}

/// One event.
///
/// Of a scatter list, addresses and sizes are runs of ``Trace/numbers``.
public struct TraceEvent: Sendable {
  public var kind: TraceEventKind
  public var direction = TraceDirection.none
  public var attributes: TraceAttributes = []
  /// Bounces: the pool bounces everything. Allocations: must not sleep.
  public var flag = false
  /// Allocations: NULL was returned. Scatter lists: entries are missing in the trace.
  public var isCut = false
  /// The index in ``Trace/devices``.
  public var device: Int32
  /// The line, from 1.
  public var line: Int32
  /// Physical address, of a bounce the device's address of the buffer.
  public var physical: UInt64 = 0
  /// DMA address, of a bounce the device's mask.
  public var dma: UInt64 = 0
  /// Bytes; of a scatter list its entries' sum, 0 where the event has none.
  public var size: UInt64 = 0
  /// Where DMA addresses, sizes and physical addresses of a scatter list lie.
  public var dmaRun = Run()
  public var sizeRun = Run()
  public var physicalRun = Run()

  /// A run of ``Trace/numbers``.
  public struct Run: Sendable, Hashable {
    public var start: Int32 = 0
    public var count: Int32 = 0
    public var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
  }

  /// DMA_MAPPING_ERROR.
  public static let mappingError = UInt64.max
}

/// The events of a trace, and what is known to be missing.
public struct Trace: Sendable {
  public var events: [TraceEvent] = []
  /// Addresses and sizes of scatter lists.
  public var numbers: [UInt64] = []
  /// The names of the devices, in the order in which they appear.
  public var devices: [String] = []
  /// Events of other subsystems.
  public var otherEvents = 0
  /// Events of `dma` or `swiotlb` that the tool does not know, by name.
  public var unknownEvents: [String: Int] = [:]
  /// Lines of known events that could not be read, and the first of them.
  public var unreadable = 0
  public var firstUnreadable: Int?
  /// Events that the kernel or the recorder says were lost.
  public var lost: UInt64 = 0
  /// Whether events were lost, the number not being known.
  public var lostUnknown = false
  /// `entries-in-buffer/entries-written` of the header.
  public var inBuffer: UInt64?
  public var written: UInt64?
  /// CPUs of the header, and those of the events.
  public var cpus: Int?
  public var cpusSeen: Set<Int32> = []
  /// Whether the last line is not a whole one.
  public var endsWithinLine = false

  public init() {}

  /// Events that were recorded earlier and overwritten.
  public var overwritten: UInt64 {
    guard let inBuffer, let written, written > inBuffer else { return 0 }
    return written - inBuffer
  }

  /// How many events the header announces and the text does not have.
  public var missing: UInt64 {
    let all = events.count + otherEvents + unreadable + unknownEvents.values.reduce(0, +)
    guard let inBuffer, inBuffer > UInt64(all) else { return 0 }
    return inBuffer - UInt64(all)
  }

  /// Whether something before or between the events may be missing.
  public var isWhole: Bool {
    overwritten == 0 && lost == 0 && !lostUnknown && missing == 0 && unreadable == 0
      && !lacksCPUs
  }

  /// Whether the header names more CPUs than the events come from: a per-CPU trace, or
  /// CPUs that did no DMA.
  public var lacksCPUs: Bool { cpus.map { $0 > max(1, cpusSeen.count) } ?? false }

  /// What is missing or not understood, one sentence each; names are printable.
  public var notes: [String] {
    var notes: [String] = []
    if overwritten > 0 {
      notes.append("the buffer wrapped: \(overwritten) earlier events are gone")
    }
    if lost > 0 { notes.append("\(lost) events were lost while tracing") }
    if lostUnknown { notes.append("events were lost while tracing; how many is not said") }
    if missing > 0 {
      notes.append("the text is cut: \(missing) events of its header's count are missing")
    }
    if endsWithinLine { notes.append("the text ends within a line, which was left out") }
    if unreadable > 0, let firstUnreadable {
      notes.append(
        "\(unreadable) lines of DMA events cannot be read, the first is line \(firstUnreadable)")
    }
    if lacksCPUs, let cpus {
      notes.append("the header names \(cpus) CPUs, the events are of \(cpusSeen.count)")
    }
    if !unknownEvents.isEmpty {
      let names = unknownEvents.sorted { $0.key < $1.key }.prefix(8).map { "\($0.key) \($0.value)" }
      notes.append("events of a kind that is not known: " + names.joined(separator: ", "))
    }
    return notes
  }
}
