-- title: Where REQUIRE_COHERENT fails
-- group: Masks and bounces
-- description: DMA_ATTR_REQUIRE_COHERENT forbids a bounce: an error wherever one
--   would be needed. Kernels without the attribute have no rows.
-- param: kernel = 7.3 | kernel | kernel
-- param: mem = 64G | mem | machine
SELECT platform, iommu, swiotlb, buf, coherent,
  min(mask_first) AS mask_first, max(mask_last) AS mask_last,
  sum(combinations) AS combinations, decided_by
FROM behavior_span
WHERE kernel = :kernel AND mem = :mem AND op = 'map'
  AND attrs = 'require_coherent' AND result = 'error'
  AND coherent_mask = 'same' AND bus_limit = 'none' AND external = '0'
GROUP BY platform, iommu, swiotlb, buf, coherent, decided_by
ORDER BY platform, iommu, swiotlb, buf, coherent, mask_first
