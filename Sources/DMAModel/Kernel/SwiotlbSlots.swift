/// kernel/dma/swiotlb.c: which slots an alignment and a segment boundary leave.
extension Evaluation {
  /// `swiotlb_max_mapping_size()` in bytes: what the alignment takes is not promised.
  var swiotlb_max_mapping_size: UInt64 {
    let slots = (kernel.device.minAlignMask + swiotlbSlotSize - 1) / swiotlbSlotSize
    return swiotlbMaxMapping - slots * swiotlbSlotSize
  }

  /// The bytes that a mapping takes: its length, the offset that `swiotlb_align_offset()`
  /// keeps, rounded up to the alignment (before the offset in 6.1).
  func sizeInSlots(_ size: UInt64, _ alignMask: UInt64, at address: UInt64) -> UInt64 {
    let minimum = kernel.device.minAlignMask
    if kernel.policy.predatesZoneDMALimit {
      return (size + alignMask) & ~alignMask + (address & minimum & (swiotlbSlotSize - 1))
    }
    let offset = address & minimum & (alignMask | (swiotlbSlotSize - 1))
    return (size + offset + alignMask) & ~alignMask
  }

  /// Whether an empty pool has slots for memory that begins at an address.
  mutating func findsSlot(
    _ start: UInt64, _ end: UInt64, _ size: UInt64, _ alignMask: UInt64, at address: UInt64
  ) -> Bool {
    !asks(
      "swiotlb_search_pool_area", "no slots fit minimum alignment and segment boundary",
      !kernel.hasSlot(start, end, address, size, alignMask))
  }
}

extension BootedKernel {
  /// `swiotlb_search_pool_area()` (`swiotlb_do_find_slots()` in 6.1) of an empty pool:
  /// whether one of its slots is aligned as the device's buffer, has enough slots after
  /// it in its segment, and crosses no boundary of the device with them.
  ///
  /// Areas are not looked at one by one: each is made of whole segments, and what fits in
  /// one of them fits in any.
  func hasSlot(
    _ start: UInt64, _ end: UInt64, _ address: UInt64, _ size: UInt64, _ alignMask: UInt64
  ) -> Bool {
    let boundary = device.segmentBoundary
    let base = phys_to_dma_unencrypted(start) & boundary
    let boundarySlots = boundary / swiotlbSlotSize &+ 1
    let wanted = (size + swiotlbSlotSize - 1) / swiotlbSlotSize
    let shift = base / swiotlbSlotSize + (base % swiotlbSlotSize == 0 ? 0 : 1)
    let byIndex = policy.predatesZoneDMALimit
    var alignMask = alignMask
    if !byIndex, alignMask == 0, device.minAlignMask == 0, size >= pageSize {
      alignMask = pageSize - 1
    }
    alignMask |= swiotlbSlotSize - 1
    let offsetMask = device.minAlignMask & ~alignMask
    var stride = max(alignMask, offsetMask) / swiotlbSlotSize + 1
    if byIndex {
      stride = offsetMask / swiotlbSlotSize + 1
      if size >= pageSize { stride <<= 1 }
      stride = max(stride, alignMask / swiotlbSlotSize + 1)
    }
    let count = (end - start) / swiotlbSlotSize
    var index: UInt64 = 0
    while index < count {
      let slot = base &+ index * swiotlbSlotSize
      let isAligned =
        (byIndex || slot & alignMask == 0)
        && (address == 0 || slot & offsetMask == address & offsetMask)
      guard isAligned else {
        index += 1
        continue
      }
      let left = min(swiotlbSegmentSlots - index % swiotlbSegmentSlots, count - index)
      let position = (shift &+ index) & (boundarySlots - 1)
      if position + wanted <= boundarySlots, wanted <= left { return true }
      index += stride
    }
    return false
  }
}
