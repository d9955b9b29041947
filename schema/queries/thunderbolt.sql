-- title: What an untrusted Thunderbolt device gets
-- group: Masks and bounces
-- description: An external-facing device has a DMA domain; buffers that share a
--   page with other data bounce, so that the device cannot read the rest.
-- param: kernel = 7.3 | kernel | kernel
-- param: platform = x86 | platform | platform
-- param: swiotlb = default | swiotlb | swiotlb mode
-- param: mem = 64G | mem | machine
SELECT op, attrs, buf, mask_first, mask_last, result, verdict, max_map, decided_by
FROM behavior_span
WHERE kernel = :kernel AND platform = :platform AND iommu = 'translated'
  AND swiotlb = :swiotlb AND mem = :mem AND coherent_mask = 'same'
  AND bus_limit = 'none' AND coherent = '1' AND external = '1'
ORDER BY op, attrs, buf, mask_first
