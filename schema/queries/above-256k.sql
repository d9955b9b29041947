-- title: What happens to mappings above 256 KiB
-- group: Masks and bounces
-- description: A swiotlb mapping holds at most 256 KiB (128 slots of 2 KiB). The
--   buffer here is 512 KiB at 1 GiB; max_map is dma_max_mapping_size().
-- param: kernel = 7.3 | kernel | kernel
-- param: mem = 64G | mem | machine
SELECT platform, iommu, swiotlb, attrs, mask_first, mask_last, result, max_map,
  warn, decided_by
FROM behavior_span
WHERE kernel = :kernel AND mem = :mem AND coherent_mask = 'same'
  AND bus_limit = 'none' AND coherent = '1' AND external = '0'
  AND op = 'map' AND buf = 'large'
ORDER BY platform, iommu, swiotlb, attrs, mask_first
