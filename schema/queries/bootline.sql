-- title: What a boot configuration does, mask by mask
-- group: Boots and scenarios
-- description: Every request of a coherent trusted device on one machine, in
--   every kernel, with masks of equal answer merged.
-- param: platform = x86-sme47 | platform | platform
-- param: iommu = passthrough | iommu | IOMMU mode
-- param: swiotlb = force | swiotlb | swiotlb mode
-- param: mem = 64G | mem | machine
-- param: op = map | op | operation
SELECT kernel, attrs, buf, mask_first, mask_last, result, enc, verdict, exposure,
  decided_by
FROM behavior_span
WHERE platform = :platform AND iommu = :iommu AND swiotlb = :swiotlb
  AND mem = :mem AND op = :op AND coherent_mask = 'same' AND bus_limit = 'none'
  AND coherent = '1' AND external = '0'
ORDER BY (SELECT id FROM kernel AS k WHERE k.name = behavior_span.kernel),
  attrs, buf, mask_first
