/// drivers/iommu/dma-iommu.c: IOVA space that a driver allocates and links memory into.
///
/// As blk-mq-dma.c and mm/hmm.c call it: the space for one buffer, all of which is linked.
extension Evaluation {
  /// `dma_iova_try_alloc()`, and `dma_iova_link()` where it says that the space is there.
  mutating func dma_iova_try_alloc() -> Answer {
    guard asksDMAIOMMU("dma_iova_try_alloc") else { return refused(.iovaNotUsable) }
    // Without the question for the minimum alignment that __iommu_dma_map() has.
    guard findsIOVA(.streaming) else { return refused(.iommuNoIOVA) }
    return dma_iova_link()
  }

  /// `dma_iova_link()`: CC_SHARED is neither refused nor seen, but by a pool.
  private mutating func dma_iova_link() -> Answer {
    let here: StaticString = "dma_iova_link"
    let attributes = request.attributes
    if asks(
      here, "REQUIRE_COHERENT on a non-coherent device",
      attributes.isRequireCoherent && isNoncoherent())
    {
      return refused(.iovaRequireCoherent)
    }
    let bounces = dev_use_swiotlb() && iova_unaligned
    if asks(here, "untrusted or unsafe kmalloc(), and unaligned: bounce", bounces, knob: "M17") {
      let isForbidden = attributes.isMMIO || attributes.isRequireCoherent
      if asks(here, "MMIO or REQUIRE_COHERENT forbids it", isForbidden) {
        return refused(.iovaBounceForbidden)
      }
      return iommu_dma_iova_link_swiotlb()
    }
    return translated(
      .iova, memory: bufferMemory, pte: pte(mmio: attributes.isMMIO), .iovaLinked)
  }

  /// `iommu_dma_iova_link_swiotlb()`: the page that the buffer begins in bounces where it is
  /// not whole, and so does the one that it ends in; those between are mapped as they are.
  private mutating func iommu_dma_iova_link_swiotlb() -> Answer {
    let here: StaticString = "iommu_dma_iova_link_swiotlb"
    let (start, length) = (request.buffer.physicalAddress, request.buffer.length)
    let startPad = start & (pageSize - 1)
    let head = startPad == 0 ? 0 : min(length, pageSize - startPad)
    let tail = head == length ? 0 : (start + length) & (pageSize - 1)
    if asks(here, "the start is not aligned: bounce", head > 0),
      let decision = iommu_dma_iova_bounce_and_link(size: head, at: start)
    {
      return refused(decision)
    }
    let middle = length - head - tail
    _ = asks(here, "whole pages between are linked as they are", middle > 0)
    if asks(here, "the end is not aligned: bounce", tail > 0),
      let decision = iommu_dma_iova_bounce_and_link(size: tail, at: start + length - tail)
    {
      slots = nil  // dma_iova_unlink() gives back those of the start
      return refused(decision)
    }
    citePoolMemory()
    return translated(
      middle > 0 ? .iovaEnds : .iovaBounce, memory: slots?.memory ?? pool.memory,
      pte: pte(mmio: false), middle > 0 ? .iovaEndsBounced : .iovaBounced)
  }

  /// `iommu_dma_iova_bounce_and_link()`: slots for a part of the buffer, and their link.
  ///
  /// The IOVA has the buffer's offset in its page; slots have what `min_align_mask` asks
  /// them to keep of it. Where they differ, what is handed to `iommu_map_nosync()` does not
  /// begin at a page, which it refuses.
  private mutating func iommu_dma_iova_bounce_and_link(
    size: UInt64, at address: UInt64
  ) -> Decision? {
    if let decision = iommu_dma_map_swiotlb(size: size, at: address) { return decision }
    let lost = address & (pageSize - 1) & ~kernel.device.minAlignMask
    if asks(
      "iommu_dma_iova_bounce_and_link", "min_align_mask loses the offset in the page: refused",
      lost != 0)
    {
      slots = nil
      return .iovaBounceOffset
    }
    return nil
  }
}
