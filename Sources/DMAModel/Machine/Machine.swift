import Support

/// A range of physical addresses, end exclusive.
public struct PhysicalRange: Hashable, Sendable {
  public var start: UInt64
  public var end: UInt64

  /// The addresses from `start` up to, not including, `end`.
  public init(_ start: UInt64, _ end: UInt64) {
    self.start = start
    self.end = end
  }

  public var length: UInt64 { end - start }

  /// `0x7bee2000-0x7fee2000`, the end exclusive.
  public var text: String { "\(start.hexadecimal)-\(end.hexadecimal)" }

  /// The range of a text as ``text``, or nil; an empty one is a range.
  public init?(text: some StringProtocol) {
    let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
      .map { UInt64(hexadecimal: $0) }
    guard bounds.count == 2, let start = bounds[0], let end = bounds[1], start <= end else {
      return nil
    }
    self.init(start, end)
  }
}

/// The RAM of a machine, and where its default swiotlb lies if that is known.
///
/// `2G` and `64G` are the machines behind the measured vectors. Everything that
/// the model derives from a machine, such as zones, the default pool and the
/// atomic pools, follows from its RAM and the platform.
public struct Machine: Hashable, Sendable {
  /// The name that the `mem` axis shows.
  public var name: MachineName
  /// RAM, ascending and disjoint; never empty.
  public var ram: [PhysicalRange]
  /// Where the default pool lies, if a boot log or a device said so; otherwise
  /// it is placed as `swiotlb_init_remap()` and memblock would.
  public var observedPool: PhysicalRange?
  /// Whether the command line asks for a default pool in any case (`iommu=soft`,
  /// x86 alone).
  public var wantsPool = false
  /// `num_possible_cpus()`, which sets the number of swiotlb areas.
  public var cpus: Int
  /// The highest address that firmware lets every device reach, inclusive: the lesser of
  /// `of_dma_get_max_cpu_address()` (dma-ranges) and `acpi_iort_dma_get_max_cpu_address()`.
  ///
  /// arm64 alone makes its ZONE_DMA by it; nil for none.
  public var firmwareDMALimit: UInt64?
  /// What the machine's devices are like; its ``name`` says so.
  public var device = DeviceParameters.ordinary
  /// The slots of `swiotlb=N`, rounded up to segments; nil without the parameter.
  public var poolSlots: UInt64?
  /// The areas of `swiotlb=N,areas`; nil without.
  public var poolAreas: UInt64?

  /// A machine with RAM in the given ranges.
  ///
  /// Returns nil unless the ranges are page aligned, ascending, disjoint and
  /// not empty.
  public init?(
    name: MachineName,
    ram: [PhysicalRange],
    observedPool: PhysicalRange? = nil,
    cpus: Int = 4
  ) {
    guard !ram.isEmpty, cpus > 0 else { return nil }
    var previousEnd: UInt64 = 0
    for range in ram {
      guard range.start >= previousEnd, range.end > range.start,
        range.start % pageSize == 0, range.end % pageSize == 0
      else { return nil }
      previousEnd = range.end
    }
    self.init(checked: name, ram: ram, observedPool: observedPool, cpus: cpus)
  }

  private init(
    checked name: MachineName,
    ram: [PhysicalRange],
    observedPool: PhysicalRange?,
    cpus: Int
  ) {
    self.name = name
    self.ram = ram
    self.observedPool = observedPool
    self.cpus = cpus
  }

  /// RAM [0, 2 GiB): the machine `2G` of the measured vectors.
  public static let twoGiB = Machine(
    checked: .twoGiB,
    ram: [PhysicalRange(0, 2 * gigabyte)],
    observedPool: nil,
    cpus: 4
  )

  /// RAM [0, 3 GiB) and [4 GiB, 64 GiB): the machine `64G` of the measured vectors.
  public static let sixtyFourGiB = Machine(
    checked: .sixtyFourGiB,
    ram: [PhysicalRange(0, 3 * gigabyte), PhysicalRange(4 * gigabyte, 64 * gigabyte)],
    observedPool: nil,
    cpus: 4
  )

  /// The machines of the default matrix.
  public static let standard = [twoGiB, sixtyFourGiB]

  /// The machine with other devices, whose name it then has.
  public func with(_ device: DeviceParameters) -> Machine {
    var machine = self
    machine.device = device
    machine.name = MachineName(name.name.dropLast(self.device.suffix.count) + device.suffix)
    return machine
  }

  /// The highest RAM address plus one (`max_pfn` in bytes).
  public var top: UInt64 { ram.last?.end ?? 0 }

  /// All RAM in bytes (`memblock_phys_mem_size()`).
  public var size: UInt64 { ram.reduce(0) { $0 + $1.length } }

  /// Whether RAM holds all of `length` bytes at `address`.
  public func contains(_ address: UInt64, length: UInt64) -> Bool {
    ram.contains { $0.start <= address && address + length <= $0.end }
  }
}

let pageSize: UInt64 = 4096
let megabyte: UInt64 = 1 << 20
/// The largest block of the page allocator, in bytes: MAX_PAGE_ORDER is 10 with pages of
/// 4 KiB (include/linux/mmzone.h).
public let maxPageOrderSize: UInt64 = pageSize << 10
let gigabyte: UInt64 = 1 << 30
