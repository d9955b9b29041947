-- title: Which devices bounce on an SME host, and why
-- group: Masks and bounces
-- description: Every streaming mapping that ends in a bounce buffer, by range of
--   DMA masks. A pool that is forced bounces everything; without force the
--   reason is dma_capable: the mask does not reach the address, C-bit included.
-- param: kernel = 7.3 | kernel | kernel
-- param: platform = x86-sme47 | platform | platform
-- param: iommu = passthrough | iommu | IOMMU mode
-- param: swiotlb = default | swiotlb | swiotlb mode
-- param: mem = 64G | mem | machine
SELECT s.op, s.attrs, s.buf, s.mask_first, s.mask_last, s.external,
  CASE
    WHEN s.result = 'iova_bounce' THEN 'untrusted device, unaligned buffer'
    WHEN b.force_bounce = 1 THEN 'the pool bounces everything (force)'
    ELSE 'dma_capable: the mask does not reach the address'
  END AS why,
  s.verdict, s.exposure
FROM boot AS b
CROSS JOIN behavior_span AS s
WHERE b.kernel = :kernel AND b.platform = :platform AND b.iommu = :iommu
  AND b.swiotlb = :swiotlb AND b.mem = :mem
  AND s.kernel = b.kernel AND s.platform = b.platform AND s.iommu = b.iommu
  AND s.swiotlb = b.swiotlb AND s.mem = b.mem
  AND s.coherent_mask = 'same' AND s.bus_limit = 'none' AND s.coherent = '1'
  AND s.result IN ('bounce', 'iova_bounce')
ORDER BY s.op, s.attrs, s.external, s.mask_first, s.buf
