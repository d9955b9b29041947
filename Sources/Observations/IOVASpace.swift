import DMAModel

/// The I/O virtual addresses that a device's mask leaves, as far as a model can
/// know them.
///
/// drivers/iommu/iova.c `__alloc_and_insert_iova_range()` wants a naturally
/// aligned run of pages, and drivers/iommu/dma-iommu.c
/// `iova_reserve_pci_windows()` carves out what the host bridge decodes.  Below
/// 1 MiB that is the VGA window; page 0 is never used.  The windows further up
/// leave room for every request of a probe.
struct IOVASpace {
  /// The last page that the mask and the bus limit allow.
  let lastPage: UInt64

  init(limit: UInt64) { lastPage = limit >> 12 }

  /// 0xa0000 to 0xbffff.
  private static let vga: ClosedRange<UInt64> = 0xa0...0xbf

  /// Whether an empty space has room for a mapping of so many pages.
  func fits(pages: UInt64) -> Bool {
    guard pages > 0 else { return true }
    var block: UInt64 = 1
    while block < pages { block <<= 1 }
    // alloc_iova_fast() rounds up what its caches hold, 2^5 pages.
    let length = pages < 32 ? block : pages
    guard length <= lastPage else { return false }
    if lastPage >= 0x100 + 2 * block { return true }
    var start: UInt64 = 0
    while start + length - 1 <= lastPage {
      let end = start + length - 1
      if start > 0, end < Self.vga.lowerBound || start > Self.vga.upperBound { return true }
      start += block
    }
    return false
  }

  /// Whether a few unmapped but not yet flushed ranges may fill the space: fewer
  /// pages than a flush queue has entries (drivers/iommu/dma-iommu.c,
  /// IOVA_DEFAULT_FQ_SIZE).
  var isScarce: Bool { lastPage <= 256 }

  /// Whether all of it lies below 4 GiB (`limit_pfn <= iovad->dma_32bit_pfn`).
  var isBelow32Bits: Bool { lastPage < 1 << 20 }
}
