-- title: Who gets a C-bit address under swiotlb=force
-- group: Memory encryption
-- description: Requests that end with a private (C-bit) DMA address although
--   every mapping was to bounce, by kernel, IOMMU mode, operation and range of
--   masks. Behind an IOMMU the C-bit is the PTE's.
-- param: platform = x86-sme47 | platform | platform
-- param: mem = 64G | mem | machine
SELECT kernel, iommu, op, attrs, result,
  min(mask_first) AS mask_first, max(mask_last) AS mask_last,
  sum(combinations) AS combinations
FROM behavior_span
WHERE platform = :platform AND swiotlb = 'force' AND mem = :mem
  AND (enc = 'private' OR pte = 'private')
  AND coherent_mask = 'same' AND bus_limit = 'none' AND coherent = '1'
  AND external = '0'
GROUP BY kernel, iommu, op, attrs, result
ORDER BY (SELECT id FROM kernel AS k WHERE k.name = behavior_span.kernel),
  iommu, op, attrs
