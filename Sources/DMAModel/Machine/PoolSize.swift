/// How large a default pool is, and the rules that made it so.
///
/// Source: kernel/dma/swiotlb.c `default_nslabs`, `default_nareas` and what changes them.
public struct PoolSize: Hashable, Sendable {
  /// What asked for the size.
  public enum Rule: Sendable {
    /// IO_TLB_DEFAULT_SIZE.
    case standard
    /// `swiotlb=N`.
    case commandLine
    /// arch/x86/mm/mem_encrypt.c `mem_encrypt_setup_arch()`.
    case guest
    /// arch/arm64/mm/init.c `arch_mm_preinit()`, for kmalloc() buffers alone.
    case kmalloc
    /// A device's restricted-dma-pool.
    case device
    /// What a boot log or a device shows.
    case observed
  }

  public let rule: Rule
  /// Slots of 2048 bytes, in the end.
  public private(set) var slots: UInt64
  /// Areas, in the end; 0 before they are known.
  public private(set) var areas: UInt64 = 0
  /// The slots before `roundUp(areas:)` raised them; nil where it did not.
  public private(set) var beforeRounding: UInt64?
  /// The slots before memory was too scarce for them; nil where it was not.
  public private(set) var beforeHalving: UInt64?

  init(_ rule: Rule, slots: UInt64) {
    self.rule = rule
    self.slots = slots
    // `rmem_swiotlb_device_init()` makes one.
    if rule == .device { areas = 1 }
  }

  /// `swiotlb_adjust_nareas()` with `round_up_default_nslabs()`: a power of two of areas,
  /// and of slots, at least 128 for each.
  mutating func roundUp(areas count: UInt64) {
    areas = max(count, 1).roundedUpToPowerOfTwo
    let wanted = max(slots, swiotlbSegmentSlots * areas).roundedUpToPowerOfTwo
    if wanted != slots { (beforeRounding, slots) = (beforeRounding ?? slots, wanted) }
  }

  /// Half of the slots, as `swiotlb_init_remap()` tries next; false below 1 MiB.
  mutating func halve() -> Bool {
    guard slots > (1 << 20) / swiotlbSlotSize else { return false }
    if beforeHalving == nil { beforeHalving = slots }
    slots = (slots / 2 + swiotlbSegmentSlots - 1) / swiotlbSegmentSlots * swiotlbSegmentSlots
    limitAreas()
    return true
  }

  /// `limit_nareas()`: at least a segment for each area.
  mutating func limitAreas() {
    if slots < areas * swiotlbSegmentSlots { areas = max(slots / swiotlbSegmentSlots, 1) }
  }

  /// The size of a pool that somebody saw.
  static func observed(_ range: PhysicalRange, areas: UInt64) -> PoolSize {
    var size = PoolSize(.observed, slots: range.length / swiotlbSlotSize)
    size.areas = max(areas, 1).roundedUpToPowerOfTwo
    size.limitAreas()
    return size
  }

  /// The rule in words, and what became of the size.
  public var summary: String {
    var text =
      switch rule {
      case .standard: "64 MiB by default (IO_TLB_DEFAULT_SIZE)"
      case .commandLine: "swiotlb= on the command line"
      case .guest:
        "6 % of an encrypted guest's RAM, 64 MiB to 1 GiB (mem_encrypt_setup_arch())"
      case .kmalloc:
        "1/1024 of RAM, for kmalloc() buffers: no RAM lies above the DMA limit "
          + "(arch_mm_preinit(), mem_init() before 7.2)"
      case .device: "the device's restricted-dma-pool"
      case .observed: "as the boot shows it"
      }
    if let beforeRounding {
      text +=
        ", rounded up from \(beforeRounding) slots to a power of two and 128 for each area"
    }
    if let beforeHalving { text += ", halved from \(beforeHalving) slots until it fits" }
    return text
  }
}
