-- title: Which masks need a bounce in a 64 GiB machine without IOMMU
-- group: Masks and bounces
-- description: For each buffer the ranges of streaming masks and what they get.
--   An error below a bounce is a mask that does not reach the pool either.
-- param: kernel = 7.3 | kernel | kernel
-- param: platform = x86 | platform | platform
-- param: mem = 64G | mem | machine
-- param: swiotlb = default | swiotlb | swiotlb mode
SELECT buf, mask_first, mask_last, result, warn, decided_by
FROM behavior_span
WHERE kernel = :kernel AND platform = :platform AND iommu = 'none'
  AND swiotlb = :swiotlb AND mem = :mem AND coherent_mask = 'same'
  AND bus_limit = 'none' AND coherent = '1' AND external = '0'
  AND op = 'map' AND attrs = 'none'
ORDER BY buf, mask_first
